"""The weights of trained detectors: TensorFlow 1 and 2 checkpoints, read for whoever builds the network."""
