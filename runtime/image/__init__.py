"""Pictures as arrays: decoded, resized, and made into an input tensor. No model is known here."""
