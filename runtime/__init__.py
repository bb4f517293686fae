"""What runs on the device: numpy, an interpreter, and nothing else. Written for Python 3.9."""
