"""A `pipeline.config` of the TF Object Detection API as typed values."""
