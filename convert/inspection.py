"""The facts of `detlite inspect`: what a file is, and what can be done with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from detlite.convert.apart import inspect_graph
from detlite.convert.onnx.describe import describe_onnx
from detlite.convert.onnx.metadata import contract_in
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import architecture_of
from detlite.convert.rebuild.checkpoint_source import is_params
from detlite.convert.rebuild.tf_vision.read import read_params
from detlite.convert.requests import InspectRequest
from detlite.convert.source import ARTIFACT, CHECKPOINT, TFLITE, Source, recognize
from detlite.convert.summary import model_facts
from detlite.convert.targets.edgetpu.compiled import compiled_record, read_compiled
from detlite.convert.targets.edgetpu.placeholder import HEAD_BYTES, refuse_placeholder
from detlite.convert.targets.edgetpu.validity import findings
from detlite.convert.targets.tensorrt.engine import inspect_engine, is_engine
from detlite.convert.tflite.appended import appended_files
from detlite.convert.tflite.contract import contract_of_tflite
from detlite.convert.tflite.describe import COMPILED, OTHER, Description, describe
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.metadata import read_metadata
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.stream_states import hard_swish_finding, image_finding, states_of, stream_findings
from detlite.convert.tflite.tensors import custom_operators
from detlite.runtime.artifact import Artifact, read_artifact, sha256_of
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import is_tflite
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.task import task_kind
from detlite.runtime.tasks.detection import (
    EMBEDDINGS,
    Detection,
    crops_regions,
    has_embeddings,
    has_proposals,
    has_raw_heads,
)

GRAPH_USES = ("convert it: detlite convert", "quantize it: detlite quantize", "run the whole pipeline: detlite run")
RUN_USES = ("measure it: detlite measure", "score it: detlite evaluate")
MEASURE_ALONE = ("measure it: detlite measure",)
ONNX_USE = "convert it: detlite convert, if it is an SSD; --heads boxes=NAME,scores=NAME if its heads are not found"
RAW_USE = (
    "convert it: detlite convert, if it is an SSD with raw heads; with --anchors, --box-order and what it asks for"
)

ONNX_SUFFIX, READERS = ".onnx", "detlite.convert.readers"
NOT_WITHOUT_CONTRACT = (
    "how to feed it images and read its outputs: the file alone does not say so; give the folder that detlite wrote, "
    "with its contract.json"
)

Record = dict[str, Any]


def inspect_file(path: Path, options: DetectorOptions, *, progress: Progress = silent) -> Record:
    """Return the facts of *path*: `format`, `sha256`, `is`, `next`, `missing`, and those of its contract.

    Raises:
        InputError: detlite cannot read it, or it is damaged.
        MissingToolError: it is a graph, and TensorFlow is not installed.
    """
    if path.is_file():
        with path.open("rb") as file:
            refuse_placeholder(file.read(HEAD_BYTES), str(path))
        if path.suffix == ONNX_SUFFIX and not is_tflite(path):
            return _of_onnx(path)
        if is_engine(path):
            return inspect_engine(path)
        if is_params(path):
            return _of_params(path)
    source = recognize(path)
    facts: Record = {"path": str(source.path), "format": source.title, "sha256": source.sha256}
    if source.format == ARTIFACT:
        return facts | _of_artifact(read_artifact(source.path))
    if source.format == TFLITE:
        return facts | _of_tflite(source.path)
    facts["size_bytes"] = _size_bytes(source)
    found = inspect_graph(InspectRequest(source.given.absolute(), options), progress=progress)
    if "unknown" in found:
        why = found.pop("unknown")
        is_what = "a TensorFlow graph, no detector that detlite knows"
        return {**facts, **found, "is": is_what, "next": [], "missing": [why]}
    return facts | {
        "is": "a trained detector with raw heads",
        "next": list(GRAPH_USES[:-1] if source.format == CHECKPOINT else GRAPH_USES),
        "missing": [],
        **found,
    }


def _size_bytes(source: Source) -> int:
    """Return the size of all files of a trained graph."""
    if source.path.is_file():
        return source.path.stat().st_size
    files = load_plugin(READERS, source.format).files(source.path) if source.trained is None else source.trained.files
    return sum(file.stat().st_size for file in files)


def _of_artifact(artifact: Artifact) -> Record:
    facts: Record = {"history": list(artifact.history), **model_facts(artifact.contract)}
    if artifact.format == TFLITE:
        description, found = _of_file(artifact.model)
        return found | facts | _of_states(artifact.model, artifact.contract) | _uses(description, artifact.contract)
    is_what = f"{_what(artifact.contract)}, {artifact.format}"
    return {"size_bytes": artifact.model.stat().st_size, **facts, "is": is_what, "next": [*RUN_USES], "missing": []}


def _of_tflite(model: Path) -> Record:
    description, facts = _of_file(model)
    try:
        contract = contract_of_tflite(model)
    except InputError as error:
        return facts | _without_contract(description, str(error))
    return facts | model_facts(contract) | _of_states(model, contract) | _uses(description, contract)


def _of_states(model: Path, contract: Contract) -> Record:
    """Return the states of a stream with their scales, and what is wrong with them; empty for any other model."""
    if not contract.is_stream:
        return {}
    file = TfliteFile(model.read_bytes(), str(model))
    states = states_of(file.model, file.subgraph, contract)
    found = list(stream_findings(states, image_finding(file.model, file.subgraph, contract)))
    split = hard_swish_finding(file.model, file.subgraph)
    found += [] if split is None else [split]
    return {"states": [one.to_record() for one in states], "stream_findings": found}


def _of_onnx(model: Path) -> Record:
    if (contract := contract_in(model)) is not None:
        facts = {"path": str(model), "format": "ONNX model of detlite", "sha256": sha256_of(model)}
        return facts | _of_artifact(Artifact(model, contract))
    data = model.read_bytes()
    return {
        "path": str(model),
        "format": "ONNX model",
        "sha256": sha256_of(model),
        "size_bytes": model.stat().st_size,
        **describe_onnx(data, str(model)),
        "is": "an ONNX model without a contract",
        "next": [*MEASURE_ALONE, ONNX_USE],
        "missing": [NOT_WITHOUT_CONTRACT],
    }


def _of_params(path: Path) -> Record:
    """Return the facts of a config of TF-Vision, which says what to build and has no weights."""
    config = read_params(path)
    architecture = architecture_of(config)
    return {
        "path": str(path),
        "format": "params.yaml of TF-Vision",
        "sha256": sha256_of(path),
        "size_bytes": path.stat().st_size,
        "classes": config.classes,
        "is": f"a config without weights: {architecture.title}, {architecture.takes(config)}",
        "next": [f"rebuild it: detlite convert --config {path.name} --checkpoint PREFIX"],
        "missing": ["its weights: the checkpoint that the trainer or the exporter wrote"],
    }


def _without_contract(description: Description, why: str) -> Record:
    """Return what a .tflite file is that does not say how to use it: any can be measured, if it was not compiled."""
    custom = custom_operators(description.operators)
    lacking = f"an interpreter with the custom operators {', '.join(custom)}: others cannot open the file"
    is_open = any(side < 0 for _name, _dtype, shape in description.inputs for side in shape[1:])
    has_heads = (RAW_USE,) if len(description.outputs) > 1 and len(description.inputs) == 1 else ()
    return {
        "is": f"a {description.quantization} {description.kind}, without a contract",
        "next": [] if is_open or description.kind == COMPILED else [*MEASURE_ALONE, *has_heads],
        "missing": [
            NOT_WITHOUT_CONTRACT,
            *([] if description.kind == OTHER else [why]),
            *([lacking] if custom else []),
        ],
    }


def _of_file(model: Path) -> tuple[Description, Record]:
    data = model.read_bytes()
    description = describe(data, str(model))
    facts: Record = dataclasses.asdict(description) | {"size_bytes": model.stat().st_size}
    facts["operator_names"], facts["operators"] = facts.pop("operators"), facts.pop("operator_count")
    if facts["graphs"] == 1:
        del facts["graphs"]
    facts |= _of_metadata(data, str(model))
    if description.kind == COMPILED:
        facts |= _of_compiled(data, str(model))
    return description, facts


def _of_metadata(data: bytes, name: str) -> Record:
    """Return the model's TFLite metadata and the appended files; empty if it has none."""
    try:
        found, files = read_metadata(load(data, name)), sorted(appended_files(data))
    except InputError as error:
        return {"tflite_metadata_error": str(error)}
    return {} if found is None else {"tflite_metadata": dataclasses.asdict(found), "appended_files": files}


def _of_compiled(data: bytes, name: str) -> Record:
    compiled = read_compiled(data, name)
    found = list(findings(compiled))
    return {**compiled_record(compiled), "valid": not found, "findings": found}


def _what(contract: Contract) -> str:
    """Return what a model with *contract* is, in words; a detector has raw heads or an op after them."""
    title = task_kind(contract.task.kind).title
    if not isinstance(contract.task, Detection):
        first, states = contract.inputs[0], [one for one in contract.inputs if one.kind == "state"]
        if states:
            return f"{title} of a stream with {counted(len(states), 'state')}"
        return f"{title} of clips of {counted(first.frames, 'frame')}" if first.kind == "clip" else title
    if has_proposals(contract):
        return f"a two-stage detector with {counted(contract.output('proposals').shape[1], 'proposal')}"
    if has_embeddings(contract):
        return f"{title} with embeddings of {counted(contract.output(EMBEDDINGS).shape[2], 'number')}"
    return f"{title} with {'raw heads' if has_raw_heads(contract) else 'its post-processing op'}"


def _uses(description: Description, contract: Contract) -> Record:
    if description.kind == COMPILED:
        return {
            "is": f"{task_kind(contract.task.kind).title} compiled for the Edge TPU",
            "next": ["measure it on a board: detlite measure --device NAME"],
            "missing": ["an Edge TPU to run it on"],
        }
    uses = [*RUN_USES]
    if description.quantization == "float32":
        uses.append("quantize it: detlite quantize")
    if isinstance(contract.task, Detection) and not crops_regions(contract):
        is_raw = has_raw_heads(contract)
        uses.append("attach the op: detlite postprocess --add" if is_raw else "change the op: detlite postprocess")
    return {"is": f"{_what(contract)}, {description.quantization}", "next": uses, "missing": []}
