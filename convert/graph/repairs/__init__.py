"""Repairs of a graph, one file each: equivalent replacements of what the edge cannot run.

Finding out whether the repaired graph computes the same is in `detlite.convert.graph.runner`, not here.

Add a repair as one file with `PLUGIN = Repair(...)`, see `detlite.convert.graph.repair.Repair`.
"""
