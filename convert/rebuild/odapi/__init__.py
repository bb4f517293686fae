"""The TF Object Detection API: its configs, and one file for each family of its feature extractors."""
