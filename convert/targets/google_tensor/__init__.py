"""Google Tensor, the chip of Pixel phones: models compiled ahead of time for its TPU."""
