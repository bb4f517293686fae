"""Sweeps: a plan's cells, their stages as a graph with shared prefixes, and the engine that runs what is missing.

Only modules of this folder import dask, inside functions. Not here: where results are kept (`studies/store/`), and
what a stage does (`detlite.convert`, `detlite.calibration`, `detlite.accuracy`, `detlite.runtime.measure`).

Add an axis to `studies/sweep/axes.py` and use its value in `studies/sweep/graph.py`. Add a stage there and to
`studies/sweep/work.py`.
"""
