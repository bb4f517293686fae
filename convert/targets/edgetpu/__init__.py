"""Edge TPU: what will map, what the compiler made, and what is wrong with it. No TensorFlow."""
