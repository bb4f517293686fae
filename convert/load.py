"""From a given source to a float model with its contract and history, as all commands load it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.convert.artifact import step
from detlite.convert.exporter import INT8, exporter_called
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.unfuse import unfuse
from detlite.convert.labels.files import read_labels
from detlite.convert.model import Model, model_of, require_tflite, tflite_model
from detlite.convert.options import STATED_OPTIONS, DetectorOptions, NmsOptions, StatedFacts
from detlite.convert.ranged_graph import unranged_graph
from detlite.convert.reader import FrozenGraph, Reader
from detlite.convert.requests import Given
from detlite.convert.sidecar_files import matching_labels
from detlite.convert.source import ARCHIVE, ARTIFACT, CHECKPOINT, TFLITE, TORCH, Source, recognize, source_of_checkpoint
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.contract import contract_of_file
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import strip_op
from detlite.convert.tflite.stream import with_image_first
from detlite.convert.whole_graph.ends import WholeGraph
from detlite.runtime.artifact import read_artifact
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.tasks.detection import detection_of, has_raw_heads

# what cuts graphs and builds networks is imported where it is used: an artifact, which quantize usually gets, is read
# without it, in a fifth of a second less
if TYPE_CHECKING:
    from detlite.convert.rebuild.rebuild import PresetSource, Rebuilt

HEADS = ("raw", "postprocess")


def source_given(given: Given) -> Source | PresetSource:
    """Return what *given* names.

    Raises:
        InputError: nothing is there, detlite cannot read it, or it lacks the part that is asked for.
    """
    from detlite.convert.rebuild.checkpoint_source import CheckpointSource
    from detlite.convert.rebuild.rebuild import PresetSource
    from detlite.convert.rebuild.weights.open import prefix_of

    if given.preset is not None:
        assert given.seed is not None  # a preset has no weights of its own
        return PresetSource(given.preset, given.seed, given.classes)
    if given.config is not None:
        assert given.checkpoint is not None  # the one is of no use without the other
        trained = CheckpointSource(given.config, prefix_of(given.checkpoint), given.experiment, given.averages)
        return source_of_checkpoint(trained, trained.config)
    assert given.source is not None
    source = recognize(given.source, rebuild=given.way == CHECKPOINT)
    if given.way == "graph" and source.format == CHECKPOINT:
        raise InputError(f"{source.given} has a checkpoint but no exported graph: leave out --from")
    if given.experiment is None and given.averages is None:
        return source
    if source.trained is None:
        raise InputError(f"--experiment and --weights need a checkpoint, but {source.given} is {source.kind}")
    return replace(source, trained=replace(source.trained, experiment=given.experiment, averages=given.averages))


def load_source(path: Path, options: DetectorOptions, *, progress: Progress = silent) -> Model:
    """Return the model at *path* as TFLite: a finished one as it is, a graph as float32 with raw heads.

    Raises:
        InputError: detlite cannot read it, or the *options* cannot be applied to a finished model.
    """
    source = recognize(path)
    if source.format in (ARTIFACT, TFLITE):
        _refuse_proposals(source, options)
    if source.format == ARTIFACT:
        _refuse_stated_facts(source, options)
        model = model_of(read_artifact(source.path))
        require_tflite(model, "converting or quantizing")
        return replace(model, contract=_asked(model.contract, options))
    if source.format == TFLITE:
        return _finished(source, options)
    return export(source, load_graph(source, options), "float32", progress=progress)


def _finished(source: Source, options: DetectorOptions) -> Model:
    """Return the model in the .tflite file *source*: as it is, or with canonical raw heads if they are stated."""
    file = TfliteFile(source.path.read_bytes(), str(source.path))
    history = (step("read", input_sha256=source.sha256),)
    if options.stated != StatedFacts():
        from detlite.convert.tflite.raw_heads import stated_detector

        _refuse_of_graphs(options)
        return tflite_model(file, stated_detector(file, source.path, options), history)
    known = with_image_first(file, contract_of_file(file, source.path, labels=options.labels))
    return tflite_model(file, _asked(known, replace(options, labels=None)), history)


def _refuse_of_graphs(options: DetectorOptions) -> None:
    if options.input_size is not None or options.logits:
        raise InputError("a finished TFLite model keeps its size and its heads: --input and --scores need the graph")


def _asked(contract: Contract, options: DetectorOptions) -> Contract:
    """Return the *contract* of a finished model with the *options* that can still be applied."""
    _refuse_of_graphs(options)
    if options.labels is not None:
        labels = matching_labels(read_labels(options.labels), len(contract.labels), str(options.labels))
        contract = replace(contract, labels=labels)
    if options.nms == NmsOptions():
        return contract
    present = detection_of(contract).nms
    asked = options.nms.over(present)
    if asked != present and asked.place == "model":
        raise InputError("the post-processing op is in the model already: change it with `detlite postprocess`")
    return contract.with_task(nms=asked)


def load_graph(source: Source, options: DetectorOptions) -> FloatGraph:
    """Return the float detector in *source*, a graph of any format.

    Raises:
        InputError: it is a finished .tflite, an archive, or not a detector that detlite can cut.
    """
    from detlite.convert.channels_first import channels_first_detector, is_channels_first
    from detlite.convert.detector import build_detector

    if source.format in (ARTIFACT, TFLITE):
        raise InputError(f"{source.given} is a finished TFLite model; this needs the trained graph")
    if source.format == ARCHIVE:
        raise InputError(f"{source.given} is an archive that is not unpacked yet")
    if source.format in (CHECKPOINT, TORCH):
        return load_rebuilt(source, options).graph
    _refuse_proposals(source, options)
    reader: Reader = load_plugin("detlite.convert.readers", source.format)
    if reader.detector is not None:
        return reader.detector(source.path, options)
    frozen = read_graph(source)
    if is_channels_first(frozen.graph_def):
        return channels_first_detector(frozen.graph_def, source.path, options)
    _refuse_stated_facts(source, options)
    return build_detector(frozen, options)


def read_graph(source: Source) -> FrozenGraph:
    """Return the graph in *source*, whatever it does, without fused operators.

    Raises:
        InputError: it is damaged, or not TensorFlow's.
    """
    reader: Reader = load_plugin("detlite.convert.readers", source.format)
    if reader.read is None:
        raise InputError(f"{source.given} is {source.kind}, not a TensorFlow graph")
    frozen = reader.read(source.path)
    unfuse(frozen.graph_def)
    return frozen


def whole_graph(source: Source) -> WholeGraph:
    """Return the TensorFlow graph in *source* with the ends that it names; `InputError` if it is no such graph."""
    if source.format in (TFLITE, ARTIFACT, ARCHIVE, CHECKPOINT, TORCH):
        raise InputError(f"{source.given} is {source.kind}: tf2onnx converts frozen graphs and SavedModels")
    reader: Reader = load_plugin("detlite.convert.readers", source.format)
    return WholeGraph(read_graph(source).graph_def) if reader.whole is None else reader.whole(source.path)


def _refuse_stated_facts(source: Source, options: DetectorOptions) -> None:
    """Raise `InputError` if the *options* state what only a file with raw heads and no contract does not tell."""
    if options.stated != StatedFacts():
        raise InputError(
            f"{source.given} is {source.kind}; {STATED_OPTIONS} are for .onnx files and for .tflite files with raw "
            "heads and no contract"
        )


def _refuse_proposals(source: Source, options: DetectorOptions) -> None:
    """Raise `InputError` if the *options* limit the proposals of what is no rebuilt detector."""
    if options.max_proposals is not None:
        raise InputError(
            f"{source.given} is {source.kind}; --max-proposals is for two-stage detectors, which are rebuilt from "
            "their checkpoints"
        )
    if options.embeddings is not None:
        raise InputError(
            f"{source.given} is {source.kind}; --embeddings is for Faster R-CNN, which is rebuilt from its checkpoint"
        )


def load_rebuilt(
    source: Source, options: DetectorOptions, *, quantized: bool = False, to: str | None = None
) -> Rebuilt:
    """Return the detector rebuilt from *source*, a checkpoint or a PyTorch file.

    Args:
        source: config and checkpoint.
        options: the user's options.
        quantized: whether it keeps its trained ranges.
        to: the exporter, which limits the proposals of a two-stage detector unless the user does; TFLite's for None.

    Raises:
        InputError: *source* is not a checkpoint, config and checkpoint do not match, detlite does not support it,
            or it cannot go to that format.
    """
    from detlite.convert.rebuild.architecture import architecture_of
    from detlite.convert.rebuild.rebuild import plan_of_checkpoint, plan_of_torch, rebuild

    _refuse_stated_facts(source, options)
    if source.format == TORCH:
        rebuilt = rebuild(*plan_of_torch(source.path), options)
        return replace(rebuilt, graph=replace(rebuilt.graph, is_frozen=True))
    if source.trained is None:
        raise InputError(f"{source.given} is not a config with a checkpoint: it is {source.kind}")
    plan, weights = plan_of_checkpoint(source.trained, quantized=quantized)
    architecture = architecture_of(plan.model)
    if to is not None and to in architecture.refused:
        raise InputError(f"{plan.origin} is of a {architecture.title}: {architecture.refused[to]}")
    return rebuild(plan, weights, options, most_proposals=exporter_called(to or TFLITE).most_proposals)


def load_untrained(preset: PresetSource, options: DetectorOptions) -> Rebuilt:
    """Return the detector of a preset with random weights.

    Raises:
        InputError: there is no such preset, or it cannot be built with the *options*.
    """
    from detlite.convert.rebuild.rebuild import plan_of_preset, rebuild

    _refuse_stated_facts(preset.source, options)
    plan, weights = plan_of_preset(preset)
    return rebuild(plan, weights, options)


def export(source: Source, graph: FloatGraph, kind: str, *, to: str = TFLITE, progress: Progress = silent) -> Model:
    """Return *graph* as a model with raw heads.

    Args:
        source: where it comes from, for the history.
        graph: the graph to export; for int8 with its trained ranges.
        kind: the type of the weights, one that the exporter supports.
        to: the exporter.
        progress: called for the one step.

    Raises:
        UnknownNameError: there is no such exporter.
        InputError: the format cannot represent the graph, or weights of that type.
    """
    exporter = exporter_called(to)
    progress(f"{exporter.title} conversion", 0, 1)
    model = exporter.from_graph(graph if kind == INT8 else unranged_graph(graph), kind)
    progress(f"{exporter.title} conversion", 1, 1)
    done = step(
        "convert",
        input_sha256=source.sha256,
        source=source.title,
        type=kind,
        repairs={repaired.name: repaired.count for repaired in graph.repairs},
        tensorflow=str(load_tensorflow().__version__),
        **graph.facts,
    )
    return model.after(done)


def with_heads(model: Model, heads: str) -> Model:
    """Return *model* with the requested *heads*: `raw`, or `postprocess` by its format's operator.

    Raises:
        UnknownNameError: *heads* is neither.
        InputError: the format has no such operator, or the model cannot have it.
    """
    if heads not in HEADS:
        raise unknown_name("kind of heads", heads, HEADS)
    if (heads == "raw") == has_raw_heads(model.contract):
        return model
    changed = _stripped(model) if heads == "raw" else _with_nms(model)
    return changed.after(step(f"heads {heads}", input_sha256=model.sha256))


def _stripped(model: Model) -> Model:
    require_tflite(model, "--heads raw")
    file = model.file.copy()
    contract = strip_op(file, model.contract)
    return tflite_model(file, contract, model.history)


def _with_nms(model: Model) -> Model:
    exporter = exporter_called(model.format)
    if exporter.nms is None:
        raise InputError(f"{exporter.title} has no operator for non-maximum suppression: keep raw heads")
    return exporter.nms(model)
