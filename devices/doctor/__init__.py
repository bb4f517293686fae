"""What would spoil a measurement on a device, and the line that cures it: one file a check."""
