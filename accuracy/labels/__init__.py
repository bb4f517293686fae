"""Ground truth: readers of the formats that labelled images come in."""
