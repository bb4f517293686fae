"""Detectors built anew from their `pipeline.config`, with the weights of a checkpoint."""
