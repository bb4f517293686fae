"""An artifact on disk: a folder with a model file, `contract.json`, `labels.txt` and `history.json`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

from detlite.runtime.contract import Contract, read_contract
from detlite.runtime.errors import InputError
from detlite.runtime.hashing import sha256_of as sha256_of  # re-exported for callers that read artifacts
from detlite.runtime.model_file import MODEL_NAMES, model_in
from detlite.runtime.strict_json import parse_json

CONTRACT = "contract.json"
LABELS = "labels.txt"
HISTORY = "history.json"

RANDOM_WEIGHTS = "random_weights"
"""Key in the history step that built a model with random weights; its value is the seed."""

Step = Dict[str, Any]


@dataclass(frozen=True, eq=False)
class Artifact:
    """A model file with its contract and its history.

    Attributes:
        model: the model file; its suffix says its format.
        contract: how to use it.
        history: what was done to it, first step first: `step`, `tool`, `version`, digests, options, notes.
        bank: the file of the bank of features that it is run with; None for an empty bank.
    """

    model: Path
    contract: Contract
    history: Tuple[Step, ...] = ()
    bank: Optional[Path] = None

    @property
    def format(self) -> str:
        """The format of the model: one of `FORMATS`, if detlite wrote the file."""
        return self.model.suffix[1:]

    @property
    def is_trained(self) -> bool:
        """Whether the weights are trained, according to the history; random weights are not."""
        return not any(RANDOM_WEIGHTS in step for step in self.history)


def artifact_folder(path: Path) -> Optional[Path]:
    """Return the artifact folder for *path*, which is the folder or its model file; None for any other path."""
    if path.is_dir():
        return path
    return path.parent if path.name in MODEL_NAMES and (path.parent / CONTRACT).is_file() else None


def read_artifact(folder: Path, *, sha256: Callable[[Path], str] = sha256_of) -> Artifact:
    """Return the artifact in *folder*, after checking its model against the sha256 in its history.

    *sha256* returns the file's digest; a caller that knows it already passes a function without the work.

    Raises:
        InputError: it is not an artifact, or the model is not the file that was written.
    """
    model = model_in(folder)
    if model is None:
        raise InputError(f"{folder} holds no {' or '.join(MODEL_NAMES)}: it is not a folder that detlite wrote")
    contract = read_contract(folder / CONTRACT)
    history = _read_history(folder / HISTORY)
    stated = history[-1].get("output_sha256")
    found = sha256(model)
    if stated != found:
        raise InputError(
            f"{model} is damaged or was replaced: its sha256 is {found}, its history says {stated}; convert it again"
        )
    return Artifact(model=model, contract=contract, history=history)


def _read_history(path: Path) -> Tuple[Step, ...]:
    try:
        steps = parse_json(path.read_bytes())["steps"]
    except (OSError, InputError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as an artifact's history: {error}") from error
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise InputError(f"{path}: expected a list of at least one step")
    return tuple(steps)
