"""The plan of a network to rebuild, from a checkpoint with its config or from a preset of a family."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from detlite.convert.rebuild.checkpoint_source import CheckpointSource
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.odapi.family import preset
from detlite.convert.rebuild.rebuild import RebuildPlan
from detlite.convert.rebuild.weights.open import open_checkpoint
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.rebuild.weights.weights import Weights
from detlite.convert.source import Source
from detlite.runtime.errors import InputError

PRESET = "preset"


@dataclass(frozen=True)
class PresetSource:
    """A preset of a family with random weights, to measure latency and operator mapping before training.

    Attributes:
        name: the name of the preset.
        seed: the seed of the random weights.
        classes: the number of classes without the background; None for the preset's own.
    """

    name: str
    seed: int
    classes: int | None = None

    @property
    def source(self) -> Source:
        """The preset as a source, for the history."""
        key = f"{self.name} {self.classes} {self.seed}"
        title = f"preset {self.name} with random weights, seed {self.seed}"
        return Source(Path(self.name), PRESET, title, hashlib.sha256(key.encode()).hexdigest(), Path(self.name))


def plan_of_checkpoint(trained: CheckpointSource, *, quantized: bool = False) -> tuple[RebuildPlan, Weights]:
    """Return the plan of the config, and the weights of the checkpoint.

    Args:
        trained: config and checkpoint.
        quantized: whether to keep the trained quantization ranges.

    Raises:
        InputError: one of them cannot be read, or there are no trained ranges to keep.
    """
    pipeline = read_pipeline(trained.config)
    if quantized and not pipeline.quantization_aware:
        raise InputError(
            f"{trained.config} has no graph_rewriter, so the checkpoint has no trained ranges: convert it as float32 "
            "and use `detlite quantize` with images"
        )
    weights = open_checkpoint(trained.checkpoint, use_moving_averages=pipeline.use_moving_averages)
    return RebuildPlan(pipeline.model, trained.config.name, trained.config.parent, quantized, pipeline.skipped), weights


def plan_of_preset(untrained: PresetSource) -> tuple[RebuildPlan, Weights]:
    """Return the plan of the preset, and its random weights.

    Raises:
        UnknownNameError: there is no such preset.
    """
    model = preset(untrained.name)
    if untrained.classes is not None:
        model = replace(model, classes=untrained.classes)
    return RebuildPlan(model, f"preset {untrained.name}", random_seed=untrained.seed), RandomWeights(untrained.seed)
