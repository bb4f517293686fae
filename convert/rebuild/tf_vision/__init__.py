"""TF-Vision (`official/vision` of tensorflow/models): its `params.yaml`, its tasks and its backbones.

Not here: the layers, which are in `detlite.convert.rebuild.network`, and the networks that are built with the
backbones, which are in `detlite.convert.rebuild.architectures`.

Add a task's config as one file in `convert/rebuild/tf_vision/tasks/`, a backbone as one file in
`convert/rebuild/tf_vision/backbones/`, and an experiment as one entry in its table of experiments.
"""
