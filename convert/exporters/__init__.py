"""File formats that a detector is written to; one file each."""
