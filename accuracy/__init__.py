"""How well a model does its task: scores against labels, and agreement with another model.

Here are detection over many images, the metrics, agreement with a reference model, bootstrap intervals, and gates.
Not here: running a model (`detlite.runtime`) and comparing two saved records (`detlite.studies.compare`).

Add a metric as one file in `metrics/`, and a format of images or labels as one file in `datasets/`.
"""
