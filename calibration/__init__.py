"""Representative images, ranges, quantization, what it cost and where."""
