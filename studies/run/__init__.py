"""The main job, `detlite run`: its stages; an interrupted run resumes where it stopped.

Not here: what a stage does (`detlite.convert`, `detlite.calibration`, `detlite.accuracy`, `detlite.runtime.measure`).

Add a stage in `run.py`, and what it writes to `ledger.py`.
"""
