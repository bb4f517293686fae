"""Targets of the fuzzer, one module for each kind of reader, each with a tuple `TARGETS`.

No reader's code and no mutation is here. Add a reader as one more `Target` in a tuple; a new module joins by itself.
"""
