"""How well a detector detects: mAP by several metrics, fidelity to another artifact, and how sure one can be."""
