"""The commands: one file each parses arguments, makes one call, and prints the result."""
