"""From a trained model to a float model with a contract, and from there to other formats.

Here are the readers of trained models, the rebuilding of networks from checkpoints, the editing of finished files,
the exporters, and the targets. Not here: quantization with images (`detlite.calibration`) and running a model
(`detlite.runtime`).

Add a format that models come in as one file in `readers/`, a format that they are written to as one file in
`exporters/`, and a family of detectors as one file in `rebuild/odapi/families/`.
"""
