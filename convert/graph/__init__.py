"""TensorFlow graphs of SSD detectors: reading their structure, cutting, and measuring what they compute."""
