"""Finished .tflite files: reading, describing and editing them, without TensorFlow."""
