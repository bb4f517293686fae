"""Images as arrays: decoded, resized, and made into an input tensor.

Not here: any knowledge of models or tasks; what an image must become is said by the contract.

Add a resize rule in `resize.py`, with the reference that its numbers are tested against.
"""
