"""Two runs or two files: what changed, and whether the change is more than noise.

Not here: making the records (`detlite.runtime.measure`, `detlite.accuracy`).

Add a kind of file as one file in `file_kinds/`, and a kind of record as one file in `run_kinds/`.
"""
