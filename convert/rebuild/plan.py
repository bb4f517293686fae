"""What a checkpoint's config, or a family's preset, asks to be built."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from detlite.convert.rebuild.checkpoint_source import Trained
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.odapi.family import preset
from detlite.convert.rebuild.rebuild import Plan
from detlite.convert.rebuild.weights.open import open_checkpoint
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.rebuild.weights.weights import Weights
from detlite.convert.source import Source
from detlite.runtime.errors import InputError

PRESET = "preset"


@dataclass(frozen=True)
class Untrained:
    """A family without weights: to measure its latency and its mapping before anyone trains it.

    Attributes:
        name: of the preset.
        seed: of its random weights.
        classes: how many, without the background; None for the preset's own.
    """

    name: str
    seed: int
    classes: int | None = None

    @property
    def source(self) -> Source:
        """What it is as a source."""
        said = f"{self.name} {self.classes} {self.seed}"
        title = f"preset {self.name} with random weights, seed {self.seed}"
        return Source(Path(self.name), PRESET, title, hashlib.sha256(said.encode()).hexdigest(), Path(self.name))


def plan_of_trained(trained: Trained, *, quantized: bool = False) -> tuple[Plan, Weights]:
    """Return what the config asks for, and the weights of the checkpoint.

    Args:
        trained: the two of them.
        quantized: whether the trained quantization ranges are wanted.

    Raises:
        InputError: one of them cannot be read; or ranges are wanted, and the training was not aware of quantization.
    """
    pipeline = read_pipeline(trained.config)
    if quantized and not pipeline.quantization_aware:
        raise InputError(
            f"{trained.config} has no graph_rewriter: the checkpoint holds no trained ranges; convert it as float32 "
            "and use `detlite quantize` with images"
        )
    weights = open_checkpoint(trained.checkpoint, use_moving_averages=pipeline.use_moving_averages)
    return Plan(pipeline.model, trained.config.name, trained.config.parent, quantized, pipeline.skipped), weights


def plan_of_preset(untrained: Untrained) -> tuple[Plan, Weights]:
    """Return the preset and its random weights.

    Raises:
        UnknownNameError: there is no such preset.
    """
    model = preset(untrained.name)
    if untrained.classes is not None:
        model = replace(model, classes=untrained.classes)
    return Plan(model, f"preset {untrained.name}", random_seed=untrained.seed), RandomWeights(untrained.seed)
