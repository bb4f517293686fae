"""Published detectors: what there is, and how to get it."""
