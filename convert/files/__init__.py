"""Files of other programs, read with care, and our own, written whole or not at all. No model is known here."""
