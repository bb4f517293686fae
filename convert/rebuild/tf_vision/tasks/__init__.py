"""The configs of TF-Vision's tasks: `task.model` of a params.yaml as a typed config, one file each.

Not here: the network of a config, which is an architecture (`detlite.convert.rebuild.architectures`).

Add a task as one file with `PLUGIN = TaskReader(...)`, see `detlite.convert.rebuild.tf_vision.read.TaskReader`.
"""
