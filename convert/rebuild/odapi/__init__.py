"""The TF Object Detection API: its `pipeline.config`, and the families of detectors that it trains.

Not here: the layers (`detlite.convert.rebuild.network`), which other sources of models share.

Add a family as one file in `families/`, and a part of the config as one module in `config/`.
"""
