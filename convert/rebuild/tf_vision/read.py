"""From a params.yaml of TF-Vision to the typed config of its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.tf_vision.experiments import EXPERIMENTS
from detlite.convert.rebuild.tf_vision.params import Missing, Params, merged
from detlite.convert.rebuild.tf_vision.yaml_file import read_yaml
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugins

TASKS = "detlite.convert.rebuild.tf_vision.tasks"
TOP = ("runtime", "task", "trainer")
MOST_LISTED = 4

TRAINING = (
    "allow_image_summary",
    "annotation_file",
    "differential_privacy_config",
    "eval_input_partition_dims",
    "evaluation",
    "freeze_backbone",
    "init_checkpoint",
    "init_checkpoint_modules",
    "losses",
    "max_num_eval_detections",
    "metrics",
    "model_output_keys",
    "name",
    "per_category_metrics",
    "train_input_partition_dims",
    "use_coco_metrics",
    "use_wod_metrics",
)
"""Keys of `task` that only training and evaluation read."""


@dataclass(frozen=True)
class TaskReader:
    """The config of one task; its name is its file's name.

    Attributes:
        title: the noun for its networks, with the article.
        recognizes: whether `task.model` of a params.yaml is one of this task.
        read: returns the config in `task`.
        takes_ranges: whether `task.quantization`, of a network trained aware of quantization, is among what it reads.
    """

    title: str
    recognizes: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Params], DetectorConfig]
    takes_ranges: bool = False


def backbones_in(model: Mapping[str, Any]) -> set[str]:
    """Return the types of backbone that `task.model` of a params.yaml names or has values for."""
    section = model.get("backbone")
    return {*section, str(section.get("type"))} if isinstance(section, dict) else set()


def read_params(path: Path, experiment: str | None = None) -> DetectorConfig:
    """Return the config in the params.yaml at *path*, over the values of *experiment* if one is named.

    Raises:
        InputError: it cannot be read, has unknown or unsupported values, or leaves values to an experiment that is not
            named; the message has the path of the key.
        UnknownNameError: there is no such experiment.
    """
    if experiment is not None and experiment not in EXPERIMENTS:
        raise unknown_name("experiment of TF-Vision that detlite rebuilds", experiment, sorted(EXPERIMENTS))
    return parse_params(read_yaml(path), str(path), experiment)


def parse_params(values: Mapping[str, Any], file: str, experiment: str | None = None) -> DetectorConfig:
    """Return the config in the *values* of a params.yaml; errors, as in `read_params`, use *file* as its name."""
    missing = Missing(experiment)
    top = Params(values, "", file, missing)
    top.ignore(*TOP)
    top.finish()
    under = {"task": EXPERIMENTS[experiment]} if experiment is not None else {}
    task = Params(merged(under, values), "", file, missing).inside("task")
    model = dict(merged(under, values).get("task") or {}).get("model")
    if not isinstance(model, dict):
        raise InputError(
            f"{file} has no task.model: want a params.yaml of TF-Vision, or one that overrides an --experiment of "
            "`detlite convert`"
        )
    reader = _reader_of(model, task, file)
    task.ignore(*TRAINING)
    config = reader.read(task)
    task.finish()
    if missing.keys:
        raise InputError(_missing(file, missing.keys, reader))
    return config


def _reader_of(model: Mapping[str, Any], task: Params, file: str) -> TaskReader:
    readers: dict[str, TaskReader] = load_plugins(TASKS)
    found = [reader for reader in readers.values() if reader.recognizes(model)]
    if not found:
        titles = ", ".join(reader.title for reader in readers.values())
        keys = ", ".join(sorted(model)) or "nothing"
        raise InputError(f"{file}: task.model ({keys}) is of no task that detlite rebuilds; it rebuilds {titles}")
    assert len(found) == 1, [reader.title for reader in found]  # each is recognized by what the others lack
    if task.has("quantization") and not found[0].takes_ranges:
        takes = ", ".join(reader.title for reader in readers.values() if reader.takes_ranges)
        raise InputError(
            f"{file}: task.quantization is of quantization-aware training, which detlite rebuilds for {takes} alone, "
            f"not for {found[0].title}"
        )
    return found[0]


def _missing(file: str, keys: list[str], reader: TaskReader) -> str:
    more = len(keys) - MOST_LISTED
    listed = ", ".join(keys[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
    fitting = [name for name, task in EXPERIMENTS.items() if reader.recognizes(task["model"])]
    return (
        f"{file} leaves out {listed}, which its experiment sets: give --experiment, one of {', '.join(fitting)}, "
        "to `detlite convert`, or the params.yaml that the trainer wrote beside its checkpoints"
    )
