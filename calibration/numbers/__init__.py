"""Number formats of weights and activations, the scales that belong to them, and the writer of the model."""
