"""Streams of frames in an app: classifiers with states, which LiteRT's Interpreter alone runs."""

from __future__ import annotations

from dataclasses import replace

from detlite.convert.tflite.app_outputs import with_stream_scores
from detlite.devices.packaging.android.app_task import Record
from detlite.devices.packaging.android.tasks import classification
from detlite.runtime.contract import Contract


def postprocessing(contract: Contract) -> Record:
    """Return what the outputs are."""
    return classification.postprocessing(contract) | {"states": "each becomes an input of the next frame"}


PLUGIN = replace(
    classification.PLUGIN,
    noun="video classification",
    wrapper="StreamClassifier",
    prepare=with_stream_scores,
    postprocessing=postprocessing,
)
