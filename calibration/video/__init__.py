"""Videos to calibrate and judge with: their scenes, and what a stream or a model of clips is fed of them.

Not here: decoding (`detlite.accuracy.video`), and single frames for models of images (`detlite.calibration.images`).

Add one file for what another kind of model is fed, beside `streams.py`; `detlite.calibration.material` chooses it.
"""
