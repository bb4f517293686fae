"""The memory of a camera for a Context R-CNN: what was seen in its images, as a bank of features.

In: the dates of images, the run of a detector with embeddings in a child process, and the file that a model reads.
Not in: reading that file (`detlite.runtime.bank_file`), and the attention to it (`convert/rebuild/network`).

Add a form of lists of dates as one reader in `dates`.
"""
