"""A checkpoint with its config, found in a folder or given separately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.text_format import Message, read_text_format
from detlite.convert.rebuild.weights.open import checkpoint_files
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

CONFIG, PARAMS = "pipeline.config", "params.yaml"
CONFIGS = (CONFIG, PARAMS)
"""The names of the configs of the Object Detection API and of TF-Vision."""

WITHOUT_CUT = ("center_net", "faster_rcnn")
"""Messages in `model { ... }` whose exported graphs cannot be cut: peaks, crops and their NMS are no part of a cut."""

FOLDERS = (".", "checkpoint")
"""The folders of the checkpoint in a zoo archive: TF1 puts it next to the config, TF2 and TF-Vision in `checkpoint`."""

OF_SAVED_MODEL = ("saved_model/variables", "variables")
"""The weights in a SavedModel of TF-Vision's exporter: a checkpoint too, read where there is no other."""

SAVED_MODEL = "saved_model.pb"

YAML = (".yaml", ".yml")


def is_params(config: Path) -> bool:
    """Return whether the file *config* is named like a config of TF-Vision."""
    return config.suffix.lower() in YAML


@dataclass(frozen=True)
class CheckpointSource:
    """A config and a checkpoint, from which a detector is rebuilt.

    Attributes:
        config: a `pipeline.config`, or a `params.yaml` of TF-Vision.
        checkpoint: the prefix of a checkpoint's files: `model.ckpt-200000`, `ckpt-0`.
        experiment: the experiment of TF-Vision that the config overrides; None if it has all values.
        averages: which weights of TF-Vision's checkpoint: `averaged`, `raw`, or None for the averages if it has any.
    """

    config: Path
    checkpoint: Path
    experiment: str | None = None
    averages: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of config and checkpoint, for a digest."""
        return (self.config, *checkpoint_files(self.checkpoint))


def needs_checkpoint(folder: Path) -> bool:
    """Return whether the config of *folder* is of a network whose exported graph detlite cannot cut."""
    found = _config_of(folder)
    if found is not None and is_params(found):
        return True
    try:
        config = read_text_format(folder / CONFIG)
    except InputError:  # none there, or a damaged one, which whoever needs it reports
        return False
    models = [value for name, value, _line in config.fields if name == "model" and isinstance(value, Message)]
    return any(name in WITHOUT_CUT for model in models for name, _value, _line in model.fields)


def find_checkpoint(folder: Path) -> CheckpointSource | None:
    """Return the config and the only checkpoint in *folder*, or None if either is missing.

    The weights in a SavedModel of TF-Vision's exporter are a checkpoint, if there is no other.

    Raises:
        InputError: there are several checkpoints.
    """
    config = _config_of(folder)
    if config is None:
        return None
    prefixes = _prefixes(folder, FOLDERS)
    if not prefixes and is_params(config):
        prefixes = _prefixes(folder, OF_SAVED_MODEL)
    if not prefixes:
        return None
    if len(prefixes) > 1:
        names = ", ".join(str(prefix.relative_to(folder)) for prefix in prefixes[:5])
        raise InputError(
            f"{folder} holds {counted(len(prefixes), 'checkpoint')} ({names}): choose one with --config and "
            "--checkpoint PREFIX"
        )
    return CheckpointSource(config, prefixes[0])


def _config_of(folder: Path) -> Path | None:
    """Return the config in *folder*; for a SavedModel of TF-Vision's exporter, the one beside it."""
    found = next((folder / name for name in CONFIGS if (folder / name).is_file()), None)
    if found is None and (folder / SAVED_MODEL).is_file() and (folder.parent / PARAMS).is_file():
        return folder.parent / PARAMS
    return found


def _prefixes(folder: Path, inside: Sequence[str]) -> list[Path]:
    return sorted({index.with_suffix("") for inner in inside for index in (folder / inner).glob("*.index")})
