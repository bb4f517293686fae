"""Quantization that is judged by what the detector finds: gates, mixed precision, blame, how many images are enough."""
