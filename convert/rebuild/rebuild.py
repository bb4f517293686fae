"""Rebuild a detector in current TensorFlow from its config or a preset, and weights, as a `FloatGraph`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.trim import prune
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, RebuildPlan, architecture_of
from detlite.convert.rebuild.checkpoint_source import CheckpointSource, is_params
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.odapi.family import preset
from detlite.convert.rebuild.tf_vision.read import read_params
from detlite.convert.rebuild.tf_vision.tasks.classification import Classifier
from detlite.convert.rebuild.tf_vision.tasks.retinanet import RetinaNet
from detlite.convert.rebuild.tf_vision.tasks.segmentation import Segmenter
from detlite.convert.rebuild.torch_network import read_torch
from detlite.convert.rebuild.weights.objects import ObjectWeights
from detlite.convert.rebuild.weights.open import open_checkpoint, open_tf_vision
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.rebuild.weights.unused_variables import UnusedVariables
from detlite.convert.rebuild.weights.weights import Weights
from detlite.convert.rebuild.weights.wrapped import WrappedDetectorWeights, WrappedSegmenterWeights, WrappedWeights
from detlite.convert.source import Source
from detlite.runtime.artifact import RANDOM_WEIGHTS
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError

PRESET = "preset"
WRAPPED: Mapping[type, type[ObjectWeights]] = {
    Classifier: WrappedWeights,
    Segmenter: WrappedSegmenterWeights,
    RetinaNet: WrappedDetectorWeights,
}
"""What reads the checkpoint of a quantization-aware model, by the type of its config."""


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


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A rebuilt detector.

    Attributes:
        graph: the detector, ready to export.
        unused: the variables of the checkpoint that it does not use.
        notices: lines for the user, such as a replaced resizer.
    """

    graph: FloatGraph
    unused: UnusedVariables
    notices: tuple[str, ...] = ()


def plan_of_checkpoint(trained: CheckpointSource, *, quantized: bool = False) -> tuple[RebuildPlan, Weights]:
    """Return the plan of the config, and the weights of the checkpoint.

    Args:
        trained: config and checkpoint.
        quantized: whether to keep the trained quantization ranges.

    Raises:
        InputError: one of them cannot be read, or there are no trained ranges to keep.
    """
    if is_params(trained.config):
        return _plan_of_params(trained, quantized=quantized)
    pipeline = read_pipeline(trained.config)
    if trained.experiment is not None or trained.averages is not None:
        raise InputError(
            f"--experiment and --weights are for a params.yaml of TF-Vision; {trained.config} says itself what it needs"
        )
    if quantized and not pipeline.quantization_aware:
        raise InputError(
            f"{trained.config} has no graph_rewriter, so the checkpoint has no trained ranges: convert it as float32 "
            "and use `detlite quantize` with images"
        )
    weights = open_checkpoint(trained.checkpoint, use_moving_averages=pipeline.use_moving_averages)
    plan = RebuildPlan(
        pipeline.model,
        trained.config.name,
        trained.config.parent,
        edges=pipeline.keypoint_edges,
        quantized=quantized,
        skipped=pipeline.skipped,
    )
    return plan, weights


def plan_of_torch(path: Path) -> tuple[RebuildPlan, Weights]:
    """Return the plan of the network whose weights are in the PyTorch file at *path*, and the weights.

    Raises:
        InputError: the file cannot be read, or holds a network that detlite does not rebuild.
    """
    network, model, weights = read_torch(path)
    return RebuildPlan(model, network.title, path.parent), weights


def _plan_of_params(trained: CheckpointSource, *, quantized: bool) -> tuple[RebuildPlan, Weights]:
    model = read_params(trained.config, trained.experiment)
    has_ranges = isinstance(model, Classifier | Segmenter | RetinaNet) and model.has_ranges
    if quantized and not has_ranges:
        raise InputError(
            f"{trained.config} has no task.quantization, so the checkpoint has no trained ranges: convert it as "
            "float32 and use `detlite quantize` with images"
        )
    objects = WRAPPED[type(model)] if has_ranges else ObjectWeights
    weights, averages = open_tf_vision(trained.checkpoint, trained.averages, objects=objects)
    plan = RebuildPlan(model, trained.config.name, trained.config.parent, quantized=quantized, averages=averages)
    return plan, weights


def plan_of_preset(untrained: PresetSource) -> tuple[RebuildPlan, Weights]:
    """Return the plan of the preset, and its random weights.

    Raises:
        UnknownNameError: there is no such preset.
    """
    model = preset(untrained.name)
    if untrained.classes is not None:
        model = replace(model, classes=untrained.classes)
    return RebuildPlan(model, f"preset {untrained.name}", random_seed=untrained.seed), RandomWeights(untrained.seed)


def rebuild(
    plan: RebuildPlan, weights: Weights, options: DetectorOptions, *, most_proposals: int | None = None
) -> Rebuilt:
    """Return the detector of *plan* with *weights*.

    Args:
        plan: what to build.
        weights: its variables.
        options: the user's options.
        most_proposals: of a two-stage detector, unless *options* say otherwise; None for those of its config.

    Raises:
        InputError: no family has the feature extractor, the parts of the config do not fit together, or the weights
            do not fit the network.
    """
    architecture = architecture_of(plan.model)
    if options.as_exported and architecture.no_postprocess is not None:
        raise InputError(f"{plan.origin}: {architecture.no_postprocess}")
    plan = _limited(replace(plan, labels=options.labels), architecture, options.max_proposals, most_proposals)
    plan = _embedding(plan, architecture, options)
    if architecture.suppressing is not None:
        plan = replace(plan, model=architecture.suppressing(plan.model, options))
    size = options.input_size or (plan.model.resizer.height, plan.model.resizer.width)
    if 0 in size:
        raise InputError(f"{plan.origin} leaves the size of the input open: give --input HEIGHTxWIDTH")
    built = architecture.build(plan, weights, size)
    unused = weights.finish(config=plan.origin)
    contract = architecture.contract(plan, options, size, built)
    outputs = _outputs(architecture.outputs(plan, options), built, contract)
    facts: dict[str, object] = {"parameters": built.parameters, "macs": built.macs}
    if built.macs_by_stage:
        facts["macs_by_stage"] = dict(built.macs_by_stage)
    if plan.random_seed is not None:
        facts[RANDOM_WEIGHTS] = plan.random_seed
    if plan.averages is not None:
        facts["averaged_weights"] = plan.averages
    graph_def = prune(built.graph_def, tuple(outputs.values()))
    graph = FloatGraph(graph_def, outputs, contract, facts=facts, is_frozen=built.is_frozen)
    return Rebuilt(graph, unused, _notices(plan, size, built, unused))


def _outputs(by_role: Mapping[str, str], built: BuiltNetwork, contract: Contract) -> dict[str, str]:
    """Return the tensors of the outputs in the order of *contract*: those of the roles, and the states that follow."""
    by_name = {**by_role, **{state.name: state.following for state in built.states}}
    return {name: by_name[name] for name in contract.output_names}


def _limited(plan: RebuildPlan, architecture: Architecture, asked: int | None, default: int | None) -> RebuildPlan:
    if architecture.limited is None:
        if asked is not None:
            raise InputError(
                f"{plan.origin}: --max-proposals is for two-stage detectors, not for {architecture.title}: leave it out"
            )
        return plan
    if asked is not None and asked < 1:
        raise InputError(f"--max-proposals is {asked}: want 1 or more")
    most = default if asked is None else asked
    return plan if most is None else replace(plan, model=architecture.limited(plan.model, most))


def _embedding(plan: RebuildPlan, architecture: Architecture, options: DetectorOptions) -> RebuildPlan:
    if options.embeddings is None:
        return plan
    if architecture.embedding is None:
        raise InputError(f"{plan.origin}: --embeddings is for Faster R-CNN, not for {architecture.title}: leave it out")
    return replace(plan, model=architecture.embedding(plan.model, options.embeddings))


def _notices(plan: RebuildPlan, size: Size, built: BuiltNetwork, unused: UnusedVariables) -> tuple[str, ...]:
    notices = []
    if built.macs_by_stage:
        stages = "; ".join(f"{count / 1e9:.1f} G {title}" for title, count in built.macs_by_stage.items())
        notices.append(f"{built.macs / 1e9:.1f} G multiply-accumulates for an image: {stages}")
    if plan.model.resizer.keeps_aspect and built.keeps_aspect:
        notices.append(
            f"the config's keep_aspect_ratio_resizer becomes a fixed size of {size[0]} x {size[1]}: images are scaled "
            "to fit, and padded; give --input HxW for images of another shape"
        )
    elif plan.model.resizer.keeps_aspect:
        notices.append(
            f"the config's keep_aspect_ratio_resizer becomes a fixed size of {size[0]} x {size[1]}: images are "
            "stretched to it, not padded"
        )
    if plan.skipped:
        notices.append(f"skipped fields of the config that the OD API no longer has: {', '.join(plan.skipped)}")
    if unused.layers:
        notices.append(f"variables of the checkpoint that this detector does not have: {unused}")
    return tuple(notices)
