"""Measuring and scoring on a device of the inventory: the board's program is put there with the model, and run."""
