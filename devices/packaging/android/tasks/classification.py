"""Classifiers in an app: LiteRT's Interpreter, or MediaPipe's ImageClassifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.classification import Ranked, ranking_concordance
from detlite.convert.tflite.app_outputs import with_label_scores
from detlite.devices.packaging.android.app_task import AppTask, Record, Size
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.classification import Classification

COLUMNS = 3  # number, label, score


def check(contract: Contract, path: Path) -> None:
    """Take any classifier: its outputs can be made what clients read."""
    del contract, path


def settings(contract: Contract) -> Record:
    """Return none: the outputs are made the same for every model."""
    del contract
    return {}


def cure(contract: Contract, path: Path) -> str:
    """Return the cure for other settings, of which there are none."""
    del contract
    return f"package {path} by itself"


def postprocessing(contract: Contract) -> Record:
    """Return what the output is."""
    assert isinstance(contract.task, Classification)
    return {
        "place": "in the model",
        "score_converter": contract.task.score_converter,
        "output": "the score of each label, in their order, without a background",
    }


def results(images: Sequence[Any], sizes: Sequence[Size], labels: Sequence[str]) -> Ranked:
    """Return a client's classes: rows of a class's number, its label and its score for each image.

    Raises:
        InputError: a label is not the model's at that number, or a row is something else.
    """
    scores = np.zeros((len(images), len(labels)), np.float32)
    for index, rows in enumerate(images):
        for row in rows:
            if len(row) != COLUMNS or not _is_class(labels, row[0], row[1]):
                raise InputError(f"a class {row!r:.80}: want a class's number, the model's label of it, and its score")
            scores[index, row[0]] = float(row[2])
    zeros = np.zeros(len(sizes), np.int64)
    return Ranked(scores=scores, sizes=np.array(sizes, np.int64), invoke_ns=zeros)


def _is_class(labels: Sequence[str], number: object, label: object) -> bool:
    return isinstance(number, int) and 0 <= number < len(labels) and labels[number] == label


def compare(theirs: Ranked, ours: Ranked) -> Mapping[str, Any]:
    """Return in how many images the best class is the same, and how far its scores differ."""
    agreed = ranking_concordance(theirs, ours)
    difference = np.abs(theirs.scores.max(axis=1) - ours.scores.max(axis=1))
    return {
        "same_class": agreed.counts["matched_count"],
        "score_difference_mean": round(float(difference.mean()), 4),
        "score_difference_max": round(float(difference.max()), 4),
        "fidelity": round(agreed.fidelity, 2),
    }


def summary(record: Mapping[str, Any]) -> str:
    """Return the record of `compare` in a line."""
    return (
        f"same class in {record['same_class']} of {record['compared']}, score within {record['score_difference_max']}"
    )


PLUGIN = AppTask[Ranked](
    noun="image classification",
    wrapper="Classifier",
    check=check,
    prepare=with_label_scores,
    settings=settings,
    cure=cure,
    postprocessing=postprocessing,
    results=results,
    compare=compare,
    summary=summary,
)
