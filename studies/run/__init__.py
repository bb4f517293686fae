"""The main job, `detlite run`: its stages, each done once and resumed where an interrupted run stopped.

Not here: what a stage does (`detlite.convert`, `detlite.calibration`, `detlite.accuracy`, `detlite.runtime.measure`).

Add a stage in `run.py`, and what it writes to `ledger.py`.
"""
