"""An artifact on the disk: a folder with `model.tflite`, `contract.json`, `labels.txt` and `history.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

from detlite.runtime.contract import Contract, read_contract
from detlite.runtime.errors import InputError
from detlite.runtime.hashing import sha256_of as sha256_of  # also for those who read artifacts

MODEL = "model.tflite"
CONTRACT = "contract.json"
LABELS = "labels.txt"
HISTORY = "history.json"

RANDOM_WEIGHTS = "random_weights"
"""Key of the step that made a model of weights nobody trained; its value is their seed."""

Step = Dict[str, Any]


@dataclass(frozen=True, eq=False)
class Artifact:
    """A model file with its contract and its history.

    Attributes:
        model: the model file.
        contract: how to use it.
        history: what was done to it, first step first: `step`, `tool`, `version`, digests, options, notes.
    """

    model: Path
    contract: Contract
    history: Tuple[Step, ...] = ()

    @property
    def is_trained(self) -> bool:
        """Whether its weights are those of a training, as far as the history says; random ones are not."""
        return not any(RANDOM_WEIGHTS in step for step in self.history)


def read_artifact(folder: Path, *, sha256: Callable[[Path], str] = sha256_of) -> Artifact:
    """Return the artifact in *folder*, its model checked against the sha256 that its history states.

    *sha256* gives that of the file; another where it was reckoned elsewhere.

    Raises:
        InputError: it is no artifact, or the model is not the one that was written.
    """
    model = folder / MODEL
    if not model.is_file():
        raise InputError(f"{folder} holds no {MODEL}: it is not a folder that detlite wrote")
    contract = read_contract(folder / CONTRACT)
    history = _read_history(folder / HISTORY)
    stated = history[-1].get("output_sha256") if history else None
    found = sha256(model)
    if stated != found:
        raise InputError(
            f"{model} is damaged or was replaced: its sha256 is {found}, its history says {stated}; convert it again"
        )
    return Artifact(model=model, contract=contract, history=history)


def _read_history(path: Path) -> Tuple[Step, ...]:
    try:
        steps = json.loads(path.read_text(encoding="utf-8"))["steps"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as an artifact's history: {error}") from error
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise InputError(f"{path}: want a list of steps, at least one")
    return tuple(steps)
