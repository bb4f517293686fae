"""Measuring by TFLite's own `benchmark_model`, the user's binary: where there is no Python, or as the field does it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detlite.devices.benchmark_result import BenchmarkAsked, BenchmarkResult, benchmark_result
from detlite.devices.deploy.deploy import deploy
from detlite.devices.deploy.device_lock import Hold, hold
from detlite.devices.deploy.files import DeviceFile, device_file
from detlite.devices.deploy.job import JobError, job_lines
from detlite.devices.inventory import Device
from detlite.devices.kinds.pixel import nnapi_caution
from detlite.devices.parsers import benchmark_model
from detlite.devices.parsers.benchmark_model import BenchmarkRun
from detlite.devices.remote.board import prepare_run_folder
from detlite.devices.remote.facts import with_device
from detlite.devices.remote.request import MeasureRequest
from detlite.devices.survey.affinity import affinity_words
from detlite.devices.survey.measured import sensors_after, standing_before, with_standing
from detlite.devices.survey.watching import watching
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import last_line
from detlite.runtime.artifact import Artifact
from detlite.runtime.counts import counted
from detlite.runtime.errors import DeviceError, InputError, unknown_name
from detlite.runtime.measure.run_folder import MEASUREMENT, PROTOCOL, write_json
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import to_record
from detlite.runtime.version import __version__

RUNS, PROCESSES, MIN_S = 50, 5, 1.0
"""benchmark_model's own defaults; and processes enough to see how they differ."""

MAX_S = 150.0
START_S = 120.0
DELEGATES = {"gpu": "--use_gpu=true", "nnapi": "--use_nnapi=true"}


@dataclass(frozen=True)
class Benchmark:
    """What benchmark_model is asked.

    Attributes:
        program: the binary, built for the device.
        artifact: which model.
        arguments: of the program, besides the model.
        runs: inferences that count, at least, in each process.
        processes: one after the other.
        delegates: `gpu`, `nnapi`; nothing for the processor.
        least_s: how long each goes on, at least.
        affinity: the cores to keep to; None for any.
        out: where to keep the run; None for nowhere.
    """

    program: Path
    artifact: Artifact
    arguments: tuple[str, ...]
    runs: int
    processes: int
    delegates: tuple[str, ...]
    least_s: float
    affinity: str | None = None
    out: Path | None = None


def benchmark_asked(program: Path, request: MeasureRequest) -> Benchmark:
    """Return what *request* asks of *program*.

    Raises:
        InputError: it cannot do that, or the folder for the run holds something.
    """
    request.refuse_options(
        "benchmark_model measures single-stream with noise of its own",
        ", or pass --backend litert for the Python there",
        also=("find", "profile"),
    )
    options = request.options
    for name in options.delegates:
        if name not in DELEGATES:
            raise unknown_name("delegate of benchmark_model", name, DELEGATES)
    if request.out is not None:
        prepare_run_folder(request.out, force=request.force)
    runs = options.queries or RUNS
    least = MIN_S if options.min_duration_s is None else options.min_duration_s
    arguments = [f"--num_threads={options.threads}", f"--num_runs={runs}", f"--min_secs={least:g}"]
    arguments += [f"--max_secs={max(MAX_S, 2 * least):g}", "--warmup_runs=1", "--warmup_min_secs=0.5"]
    arguments += ["--report_peak_memory_footprint=true", *(DELEGATES[name] for name in options.delegates)]
    arguments += [] if options.xnnpack is None else [f"--use_xnnpack={'true' if options.xnnpack else 'false'}"]
    return Benchmark(
        program=program,
        artifact=request.artifact,
        arguments=tuple(arguments),
        runs=runs,
        processes=options.processes or PROCESSES,
        delegates=options.delegates,
        least_s=least,
        affinity=request.affinity,
        out=request.out,
    )


def benchmark_on(device: Device, ask: Benchmark, *, progress: Progress = silent) -> BenchmarkResult:
    """Measure on *device* by benchmark_model.

    Raises:
        InputError: the program is for another architecture.
        FindingError: the device is not in the power mode that the inventory insists on.
        DeviceError: the device was lost, or the program failed.
    """
    model, program = device_file(ask.artifact.model), device_file(ask.program, is_program=True)
    with connect(device) as transport, hold(transport, device.folder, "benchmark_model") as held:
        before = standing_before(transport, device)
        pinned = affinity_words(ask.affinity, before.sensors.clusters)
        deployed = deploy(held, [model, program], progress=progress)
        words = [*pinned, deployed.paths[ask.program], f"--graph={deployed.paths[ask.artifact.model]}", *ask.arguments]
        with watching(transport, before.kind.watch) as lines:
            texts, failure = _texts(held, ask, words, progress)
        after = None if failure else sensors_after(transport, before)
    runs = [_run(device, text) for text in texts]
    known = {"machine": deployed.machine, "emulator": deployed.emulator}
    found = replace(
        benchmark_result(runs, asked_runs=ask.runs, delegates=ask.delegates, failure=failure),
        **_facts(ask, model, program),
        affinity=pinned[-1] if pinned else None,
    )
    deprecated = nnapi_caution(before.identity) if "nnapi" in ask.delegates else None
    if deprecated is not None:
        found = replace(found, cautions=(*found.cautions, deprecated))
    found = with_device(with_standing(found, before, after, lines), device, known)
    if ask.out is not None:
        _keep(ask.out, found, texts)
    return found


def _facts(ask: Benchmark, model: DeviceFile, program: DeviceFile) -> dict[str, Any]:
    """Return what was run, by the fields of `BenchmarkResult`."""
    return {
        "model": str(ask.artifact.model),
        "model_sha256": model.sha256,
        "size_bytes": model.size_bytes,
        "runtime": f"benchmark_model {program.sha256[:12]}",
        "program_sha256": program.sha256,
        "protocol": BenchmarkAsked(ask.arguments, ask.processes),
        "detlite": __version__,
    }


def _texts(held: Hold, ask: Benchmark, words: list[str], progress: Progress) -> tuple[list[str], DeviceError | None]:
    """Return what each process wrote, and what stopped them.

    Raises:
        DeviceError: not one of them ended.
    """
    texts: list[str] = []
    for number in range(ask.processes):
        progress(f"{held.transport.name}: processes", number, ask.processes)
        try:
            texts.append(_text(held, words, START_S + 3 * MAX_S + ask.least_s))
        except DeviceError as error:
            if not texts:
                raise
            return texts, error
    progress(f"{held.transport.name}: processes", ask.processes, ask.processes)
    return texts, None


def _text(held: Hold, words: list[str], timeout_s: float) -> str:
    """Return what one process wrote, stderr among it: since TensorFlow 2.10 the results are there."""
    command = ["sh", "-c", 'exec "$@" 2>&1', "sh", *words]
    lines: list[bytes] = []
    try:
        lines.extend(job_lines(held, command, timeout_s=timeout_s))
    except JobError as error:
        said = b"".join(lines).decode(errors="replace")
        why = last_line(said) or last_line(error.said) or "it said nothing"
        raise DeviceError(f"{held.transport.name}: benchmark_model ended with status {error.status}: {why}") from error
    return b"".join(lines).decode(errors="replace")


def _run(device: Device, text: str) -> BenchmarkRun:
    """Return the one run in *text*, whole.

    Raises:
        DeviceError: it is none, failed, or is not whole.
    """
    try:
        runs = benchmark_model.parse(text)
    except InputError as error:
        raise DeviceError(f"{device.name}: benchmark_model wrote nothing of a run: {text.strip()[-200:]!r}") from error
    found = runs[0]
    if len(runs) != 1 or found.failure or found.problems or found.inference is None:
        why = found.failure or "; ".join(found.problems) or f"{counted(len(runs), 'run')} in one process"
        raise DeviceError(f"{device.name}: benchmark_model failed: {why}")
    return found


def _keep(out: Path, found: BenchmarkResult, texts: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts, 1):
        (out / f"process-{number}.log").write_text(text, encoding="utf-8")
    write_json(out / PROTOCOL, to_record(found.protocol))
    write_json(out / MEASUREMENT, found.to_record())
