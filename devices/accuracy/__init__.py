"""How well a detector detects: the COCO numbers, fidelity to another artifact, and how sure one can be of either."""
