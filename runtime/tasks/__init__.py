"""The tasks: the settings of each in a contract, and how a model's outputs become a result.

How a task is scored against labels is not here but in `accuracy/`. Nothing else in `runtime/` names a task.

Add a task as one file with a `PLUGIN`, a `TaskKind`: a dataclass of settings, a class of results, and the name of the
agreement with a reference model.
"""
