"""What a kind of task needs in an app: its outputs, its Kotlin, and how a client's results are compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from detlite.accuracy.predictions import Predictions
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin, plugin_names
from detlite.runtime.task import task_kind

TASKS = "detlite.devices.packaging.android.tasks"
STREAM = "_stream"
"""What follows a kind of task in the name of the file for models of it that carry states."""

P = TypeVar("P", bound=Predictions)
Record = dict[str, Any]
Size = tuple[int, int]


@dataclass(frozen=True)
class AppTask(Generic[P]):
    """How a model of one kind of task goes into an app: the `PLUGIN` of a file in `tasks/` of the kind's name.

    A model that carries states has a file of its own, the kind's name and `_stream`: no client but LiteRT runs it.

    Attributes:
        noun: of the manifest, `object detection`.
        wrapper: what its Kotlin classes are called, after the package's prefix: `Detector`. Templates begin with it.
        check: raises `InputError` for a contract that clients cannot use; the path is for its text.
        prepare: returns a model's bytes and contract with outputs that clients read.
        settings: returns what a package's models have in common in the app's code; a GPU's model must have the same.
        cure: returns, from the settings wanted and the GPU model's path, what makes its settings the same.
        postprocessing: the manifest's record of what becomes of the outputs.
        results: returns a client's answer, one item an image, as predictions; the images' sizes are (height, width).
        compare: returns how closely a client's predictions are detlite's, in a record; it raises `InputError` where
            there is nothing to compare.
        summary: returns what a line says of the record of `compare`.
        as_told: returns detlite's own predictions as clients can tell them, by the model's labels.
        has_image_size: whether a result has the image's size in pixels, so that one of a resized image is another.
    """

    noun: str
    wrapper: str
    check: Callable[[Contract, Path], None]
    prepare: Callable[[bytes, Contract], tuple[bytes, Contract]]
    settings: Callable[[Contract], Record]
    cure: Callable[[Contract, Path], str]
    postprocessing: Callable[[Contract], Record]
    results: Callable[[Sequence[Any], Sequence[Size], Sequence[str]], P]
    compare: Callable[[P, P], Mapping[str, Any]]
    summary: Callable[[Mapping[str, Any]], str]
    as_told: Callable[[P, Sequence[str]], P] = lambda ours, _labels: ours
    has_image_size: bool = False

    @property
    def thing(self) -> str:
        """What the Kotlin's class is in a sentence: the last word of its name, `classifier`."""
        return str(re.findall("[A-Z][a-z]+", self.wrapper)[-1]).lower()


def app_task(contract: Contract) -> AppTask[Any]:
    """Return how a model with *contract* goes into an app.

    Raises:
        InputError: it does not.
    """
    known, kind = plugin_names(TASKS), contract.task.kind
    name = f"{kind}{STREAM}" if contract.is_stream else kind
    if name not in known:
        what = f"{task_kind(kind).title}{' that carries states' if contract.is_stream else ''}"
        raise InputError(
            f"it is {what}, for which Android's clients have no task: use its "
            f"contract.json and the interpreter in the app's own code; packaged are: {', '.join(known)}"
        )
    task: AppTask[Any] = load_plugin(TASKS, name)
    return task
