"""How each kind of task is scored, one file each: its predictions, and its agreement with a reference model.

The kinds of tasks themselves are in `detlite.runtime.tasks`, and scores against labels are metrics
(`detlite.accuracy.metrics`), not here.

Add a kind as one file with `PLUGIN = ScoredTask(...)`, see `detlite.accuracy.predictions.ScoredTask`; the file is named
like the one in `detlite.runtime.tasks`.
"""
