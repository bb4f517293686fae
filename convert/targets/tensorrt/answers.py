"""What TensorRT will import of a model, and the folder that `detlite compile` writes for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detlite.convert.artifact import history_json, prepare_output, step, write_folder
from detlite.convert.model import digest
from detlite.convert.onnx.package import load_onnx
from detlite.convert.target import AnswerTable, TargetAnswer, TargetRequest
from detlite.convert.targets.tensorrt.export import DEFAULT_VERSION, OnnxFile, TensorRtOptions, is_half, onnx_for
from detlite.convert.targets.tensorrt.predict import ImportPrediction, alike, predict
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS
from detlite.runtime.counts import counted
from detlite.runtime.records import to_record
from detlite.runtime.runners.tensorrt_versions import building_options, parse_version

MODEL = "model.onnx"
HALF_CAUTION = (
    "ONNX Runtime's optimizer changes the numbers of int8 with float16 around it: score the int8 model, not this file"
)
COLUMNS = ("operator", "count", "computes in", "refused because", "what to do")
INT8_CAUTION = (
    "int8: the .onnx has no QuantizeLinear nodes, so trtexec makes scales up: the times are right, the detections are "
    "not"
)

Record = dict[str, Any]


def asked_of(request: TargetRequest) -> TensorRtOptions:
    """Return what *request* asks of TensorRT; errors as `TensorRtOptions`."""
    given = request.options
    version = given["tensorrt"]
    known = DEFAULT_VERSION if version is None else parse_version(version)
    return TensorRtOptions(known, given.get("precision"), given.get("nms"), given.get("batch"))


def prediction_answer(request: TargetRequest) -> TargetAnswer:
    """Return what the version that *request* names will import of its one model.

    Raises:
        InputError: the model is damaged, or cannot be written for TensorRT.
        MissingToolError: the package `onnx` is not installed.
    """
    (path,), asked = request.models, asked_of(request)
    made = onnx_for(path, asked)
    found = predict(load_onnx().load_from_string(made.data), asked.version)
    record = {"path": str(path), "onnx_sha256": digest(made.data), **prediction_record(found)}
    lines = (prediction_table(found), f"{path.name}: {verdict(found)}")
    return TargetAnswer("tensorrt_prediction", record, lines, found.notes)


def compile_answer(request: TargetRequest, out: Path, *, force: bool) -> TargetAnswer:
    """Write the .onnx that the version takes to the folder *out*; the engine is built on the board.

    Raises:
        InputError: as `prediction_answer`, or *out* cannot be written.
        MissingToolError: the package `onnx` is not installed.
    """
    (path,), asked = request.models, asked_of(request)
    prepare_output(out, force=force)
    made = onnx_for(path, asked)
    found = predict(load_onnx().load_from_string(made.data), asked.version)
    write_compiled(out, made, {"tensorrt": _dotted(asked.version)}, {}, force=force)
    precision, flags = building_options(found.row, asked.flag, is_int8=is_int8(found))
    command = trtexec_line((*flags, found.row.build_only))
    record = {**prediction_record(found), "out": str(out), "onnx_sha256": digest(made.data), "command": command}
    lines = (
        prediction_table(found),
        f"on a board with TensorRT {_dotted(asked.version)}: {command}; or detlite compile --device NAME",
        f"{out}: {verdict(found)}",
    )
    cautions = (*found.notes, *int8_cautions(precision, is_int8=is_int8(found)))
    cautions += (HALF_CAUTION,) if is_int8(found) and is_half(asked) else ()
    return TargetAnswer("compile_tensorrt", record, lines, cautions)


def trtexec_line(options: Sequence[str]) -> str:
    """Return the command line of trtexec that builds the engine of the folder's model with these *options*."""
    return " ".join(("trtexec", f"--onnx={MODEL}", "--saveEngine=model.engine", *options))


def is_int8(found: ImportPrediction) -> bool:
    """Return whether the file rounds to int8."""
    return any(fate.operator == "QuantizeLinear" for fate in found.fates)


def int8_cautions(precision: str | None, *, is_int8: bool) -> tuple[str, ...]:
    """Return what to know of an engine of that *precision*; *is_int8*: whether its file rounds to int8."""
    return (INT8_CAUTION,) if precision == "int8" and not is_int8 else ()


def write_compiled(out: Path, made: OnnxFile, facts: Record, files: dict[str, bytes], *, force: bool) -> None:
    """Write the model, its contract, and further *files* to the folder *out*; *facts* are of the step that is added.

    Raises:
        InputError: as `prepare_output`.
    """
    sha256 = digest(made.data)
    done = step("compile", input_sha256=sha256, target="tensorrt", **facts, output_sha256=sha256)
    texts: dict[str, bytes] = {HISTORY: history_json((*made.history, done), (MODEL, *files)).encode()}
    if made.contract is not None:
        labels = "".join(f"{label}\n" for label in made.contract.labels)
        texts |= {CONTRACT: made.contract.to_json().encode(), LABELS: labels.encode()}
    write_folder(out, {MODEL: made.data, **texts, **files}, force=force)


def prediction_record(found: ImportPrediction) -> Record:
    """Return *found* as JSON can carry it."""
    return {
        "target": "tensorrt",
        "tensorrt": _dotted(found.version),
        "jetpack": found.row.jetpack or None,
        "is_prediction": True,
        "opset": found.opset,
        "newest_opset": found.row.opset,
        "operator_count": found.operators,
        "int8_count": found.int8,
        "refused_count": len(found.refused),
        "notes": list(found.notes),
        "operators": [to_record(fate) for fate in found.fates],
    }


def prediction_table(found: ImportPrediction) -> AnswerTable:
    """Return the table of *found*, with one row for all nodes that are alike."""
    rows = [(name, count, precision or "-", rule, cure) for name, count, precision, rule, cure in alike(found)]
    shown = COLUMNS if found.refused else COLUMNS[:3]
    return AnswerTable(shown, tuple(row[: len(shown)] for row in rows))


def verdict(found: ImportPrediction) -> str:
    """Return the prediction in one line."""
    name = f"TensorRT {_dotted(found.version)}"
    if found.refused:
        first = found.refused[0]
        return (
            f"prediction: {name} will refuse {len(found.refused)} of {counted(len(found.fates), 'node')}, first "
            f"{first.operator} {first.node}: {first.rule}; {first.cure}"
        )
    return (
        f"prediction: {name} will import all {counted(len(found.fates), 'node')}; {found.int8} of "
        f"{counted(found.operators, 'operator')} compute in int8 as written; nothing was built"
    )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
