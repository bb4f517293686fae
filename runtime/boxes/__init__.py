"""From raw heads to detections: box codings, scores, non-maximum suppression. Numpy alone."""
