"""One file for each scenario; found by its name."""
