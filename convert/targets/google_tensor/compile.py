"""Compiling a model ahead of time for a Pixel's TPU, with ai-edge-litert's `aot` and Google's SDK."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from detlite.convert.artifact import open_artifact, prepare_output, step
from detlite.convert.model import Model
from detlite.convert.target import COMPILE, TargetAnswer, TargetRequest
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DeviceError, MissingToolError
from detlite.runtime.progress import Progress, begin, silent

SDK, SDK_MODULE = "ai-edge-litert-sdk-google-tensor", "ai_edge_litert_sdk_google_tensor"
SDK_VARIABLE = "GOOGLE_TENSOR_COMPILER_LIB"
TIMEOUT_S = 1800.0
MOST_TEXT = 300

Record = dict[str, Any]


def require_sdk() -> None:
    """Check that ai-edge-litert's `aot` and Google's SDK are installed.

    Raises:
        MissingToolError: one of them is missing; the text says what to install.
    """
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise MissingToolError(f"ai-edge-litert is not installed: pip install ai-edge-litert {SDK}")
    if importlib.util.find_spec(SDK_MODULE) is None and not os.environ.get(SDK_VARIABLE):
        raise MissingToolError(
            f"Google's compiler for Tensor is not installed: pip install {SDK} (which fetches it from Google), or set "
            f"{SDK_VARIABLE} to the folder of its libraries"
        )


def compile_answer(request: TargetRequest, soc: str, out: Path, *, force: bool) -> TargetAnswer:
    """Compile the one model of *request* for *soc*, as the SDK calls the chip; errors as `compile_for_tensor`."""
    (path,) = request.models
    artifact = open_artifact(path)
    require_sdk()
    prepare_output(out, force=force)
    record = compile_for_tensor(artifact, request.chip, out, soc=soc, force=force, progress=request.progress)
    taken, whole = (sum(one[key] for one in record["subgraphs"]) for key in ("taken", "operators"))
    line = f"{out}: {taken} of {whole} operators for {record['soc']}'s TPU"
    return TargetAnswer("compile_tensor", {**record, "out": str(out)}, (line,))


def compile_for_tensor(
    artifact: Artifact, target: str, out: Path, *, soc: str, force: bool = False, progress: Progress = silent
) -> Record:
    """Write *artifact*, compiled for the chip *target*, to the folder *out*, with the same contract.

    Args:
        artifact: the model.
        target: the chip, as `--target` calls it.
        out: the folder.
        soc: the chip, as the SDK calls it.
        force: whether what detlite wrote there before is replaced.
        progress: takes how far it is.

    Returns:
        `taken`, `operators` and `partitions` of each subgraph, as the compiler reports them.

    Raises:
        MissingToolError: the compiler is not installed.
        DeviceError: it failed, or took no operator.
    """
    require_sdk()
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        request = {"model": str(artifact.model), "soc": soc, "out": scratch}
        task = "detlite.convert.targets.google_tensor.compile:compile_task"
        begin(progress, COMPILE)
        answer = run_in_child(task, request, timeout_s=TIMEOUT_S, progress=progress)
        if not any(one["taken"] for one in answer["subgraphs"]):
            raise DeviceError(f"{artifact.model}: Google's compiler took none of its operators for {soc}")
        done = step("compile", input_sha256=sha256_of(artifact.model), target=target, subgraphs=answer["subgraphs"])
        data = Path(answer["model"]).read_bytes()
    Model(data, artifact.format, artifact.contract, (*artifact.history, done)).save(out, force=force)
    return {"target": target, "soc": soc, "subgraphs": answer["subgraphs"], "size_bytes": len(data)}


def compile_task(request: Record, _progress: Progress) -> Record:
    """Compile in this process: the request has `model`, `soc`, and `out`, the folder for the result."""
    from ai_edge_litert.aot.aot_compile import aot_compile
    from ai_edge_litert.aot.vendors.google_tensor.target import SocModel, Target

    model = Path(request["out"]) / "given.tflite"
    shutil.copyfile(request["model"], model)
    tempfile.tempdir = request["out"]  # where aot leaves its logs of failures
    found = aot_compile(str(model), output_dir=request["out"], target=Target(SocModel(request["soc"])))
    if not found.models_with_backend:
        raise DeviceError(f"Google's compiler for Tensor failed: {_why(found.failed_backends, Path(request['out']))}")
    _backend, compiled = found.models_with_backend[0]
    path = Path(request["out"]) / "compiled.tflite"
    compiled.save(path, export_only=True)
    stats = [] if compiled.partition_stats is None else compiled.partition_stats.subgraph_stats
    subgraphs = [
        {"taken": one.num_ops_offloaded, "operators": one.num_total_ops, "partitions": one.num_partitions_offloaded}
        for one in stats
    ]
    return {"model": str(path), "subgraphs": subgraphs}


def _why(failed: list[tuple[Any, str]], folder: Path) -> str:
    """Return the first error in the logs that `aot` left, or else its own message."""
    lines = [line.strip() for path in sorted(folder.glob("*.error")) for line in _text(path).splitlines()]
    said = [line for line in lines if line.startswith("ERROR")] or [text for _backend, text in failed]
    return said[0][:MOST_TEXT] if said else "it gives no reason"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
