"""Which images to calibrate with: gathered, checked, chosen, and cached."""
