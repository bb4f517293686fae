"""Networks built anew on today's TensorFlow from a config and the weights of a checkpoint."""
