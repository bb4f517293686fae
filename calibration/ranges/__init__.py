"""What the activations of a float model hold: observed over images, and made into ranges."""
