"""A checkpoint with its `pipeline.config`, found in a folder or given separately."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.text_format import Message, read_text_format
from detlite.convert.rebuild.weights.open import checkpoint_files
from detlite.runtime.errors import InputError

CONFIG = "pipeline.config"
WITHOUT_CUT = ("faster_rcnn",)
"""Messages in `model { ... }` of two-stage detectors: the crops and the NMS of their graphs are no part of a cut."""

FOLDERS = (".", "checkpoint")
"""The folders of the checkpoint in a zoo archive: TF1 puts it next to the config, TF2 in `checkpoint`."""


@dataclass(frozen=True)
class CheckpointSource:
    """A config and a checkpoint, from which a detector is rebuilt.

    Attributes:
        config: a `pipeline.config`.
        checkpoint: the prefix of a checkpoint's files: `model.ckpt-200000`, `ckpt-0`.
    """

    config: Path
    checkpoint: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of config and checkpoint, for a digest."""
        return (self.config, *checkpoint_files(self.checkpoint))


def needs_checkpoint(folder: Path) -> bool:
    """Return whether the config in *folder* is of a network whose exported graph detlite cannot cut."""
    try:
        config = read_text_format(folder / CONFIG)
    except InputError:  # none there, or a damaged one, which whoever needs it reports
        return False
    models = [value for name, value, _line in config.fields if name == "model" and isinstance(value, Message)]
    return any(name in WITHOUT_CUT for model in models for name, _value, _line in model.fields)


def find_checkpoint(folder: Path) -> CheckpointSource | None:
    """Return the config and the only checkpoint in *folder*, or None if either is missing.

    Raises:
        InputError: there are several checkpoints.
    """
    if not (folder / CONFIG).is_file():
        return None
    prefixes = sorted({index.with_suffix("") for inner in FOLDERS for index in (folder / inner).glob("*.index")})
    if not prefixes:
        return None
    if len(prefixes) > 1:
        names = ", ".join(str(prefix.relative_to(folder)) for prefix in prefixes[:5])
        raise InputError(
            f"{folder} holds {len(prefixes)} checkpoints ({names}): choose one with --config and --checkpoint PREFIX"
        )
    return CheckpointSource(folder / CONFIG, prefixes[0])
