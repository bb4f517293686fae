"""A `pipeline.config` and the checkpoint that was trained with it: found in a folder, or given one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.convert.rebuild.weights.open import checkpoint_files
from detlite.runtime.errors import InputError

CONFIG = "pipeline.config"
FOLDERS = (".", "checkpoint")
"""Where a zoo archive keeps its checkpoint: TF1 beside the config, TF2 in a folder of its own."""


@dataclass(frozen=True)
class Trained:
    """What a detector is rebuilt from.

    Attributes:
        config: a `pipeline.config`.
        checkpoint: the prefix of a checkpoint's files: `model.ckpt-200000`, `ckpt-0`.
    """

    config: Path
    checkpoint: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that make it, for a digest."""
        return (self.config, *checkpoint_files(self.checkpoint))


def trained_in(folder: Path) -> Trained | None:
    """Return the config and the one checkpoint in *folder*, or None where either is absent.

    Raises:
        InputError: there are several checkpoints, and which one is meant nobody says.
    """
    if not (folder / CONFIG).is_file():
        return None
    prefixes = sorted({index.with_suffix("") for inner in FOLDERS for index in (folder / inner).glob("*.index")})
    if not prefixes:
        return None
    if len(prefixes) > 1:
        names = ", ".join(str(prefix.relative_to(folder)) for prefix in prefixes[:5])
        raise InputError(
            f"{folder} holds {len(prefixes)} checkpoints ({names}): say which with --config and --checkpoint PREFIX"
        )
    return Trained(folder / CONFIG, prefixes[0])
