"""The backbones of TF-Vision: `task.model.backbone` of a params.yaml, one file each, named as its `type`.

Not here: decoders and heads, which are in `detlite.convert.rebuild.network`.

Add a backbone as one file with `PLUGIN = Backbone(...)`, see `detlite.convert.rebuild.tf_vision.backbone.Backbone`.
"""
