"""Compiling with Google's compiler: in a scratch folder, with a time limit, checking the result."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.targets.edgetpu.compiled import Compiled, read_compiled
from detlite.convert.targets.edgetpu.compiler import Compiler, CompilerRun, run_program
from detlite.convert.targets.edgetpu.log import CompilerLog, parse_log
from detlite.convert.targets.edgetpu.validity import findings
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.progress import Progress, silent

OUT = "out"
FIRST_WITH_SEARCH = 15  # --search_delegate and --enable_multiple_subgraphs
TRIAL_TIMEOUT_S = 180  # the compiler's default for one trial


@dataclass(frozen=True)
class CompileOptions:
    """How to compile.

    Attributes:
        multiple_subgraphs: allow more than one subgraph.
        search_step: operators dropped from the end before retrying a failed compile; 0 for no retry.
        timeout_s: time limit of one compiler run.
        retries: how often a run that crashed or timed out is repeated, each time with half the search step.
        min_runtime_version: 10 to 14, for devices with an older Edge TPU runtime; None for the compiler's default.
        num_segments: segments when pipelining over several Edge TPUs.
        intermediate_tensors: names of the tensors to cut at.
    """

    multiple_subgraphs: bool = False
    search_step: int = 30
    timeout_s: float = 900.0
    retries: int = 1
    min_runtime_version: int | None = None
    num_segments: int = 1
    intermediate_tensors: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Compilation:
    """What the compiler made.

    Attributes:
        files: the compiled files by name, all valid.
        compiled: the same, parsed.
        log: its parsed output and operation logs.
        text: the same as text.
        runs: how often it ran.
    """

    files: Mapping[str, bytes]
    compiled: Mapping[str, Compiled]
    log: CompilerLog
    text: str
    runs: int


def compile_models(
    models: Mapping[str, bytes], compiler: Compiler, options: CompileOptions, *, progress: Progress = silent
) -> Compilation:
    """Compile *models*, by their names without `.tflite`, with *compiler*; several are compiled together.

    Raises:
        InputError: the compiler refuses a model.
        DeviceError: the compiler crashed, took too long, or wrote no valid file.
    """
    for run in range(options.retries + 1):
        progress("compiling", run, options.retries + 1)
        step = options.search_step >> run
        with tempfile.TemporaryDirectory(prefix="detlite-compile-") as scratch:
            folder = Path(scratch)
            ran = _run(models, compiler, options, step=step, folder=folder)
            if _is_worth_another(ran) and run < options.retries:
                continue
            logs = sorted((folder / OUT).glob("*.log"))
            text = "\n".join([ran.text, *(path.read_text(encoding="utf-8", errors="replace") for path in logs)])
            log = parse_log(ran.text if "Operator  " in ran.text else text)
            _refuse(ran, log, options)
            files = _collect(folder / OUT, _expected(models, options), ran)
        progress("compiling", 1, 1)
        return Compilation(files, {name: _checked(data, name) for name, data in files.items()}, log, text, run + 1)
    raise AssertionError("the last run returns or raises")


def arguments(names: Sequence[str], options: CompileOptions, major: int, *, step: int) -> list[str]:
    """Return the compiler's arguments for the models *names* in its folder."""
    words = ["--out_dir", OUT, "--show_operations", "--timeout_sec", str(int(min(TRIAL_TIMEOUT_S, options.timeout_s)))]
    if step and major >= FIRST_WITH_SEARCH and options.num_segments == 1:
        words += ["--search_delegate", "--delegate_search_step", str(step)]
    if options.multiple_subgraphs:
        words.append("--enable_multiple_subgraphs")
    if options.min_runtime_version is not None:
        words += ["--min_runtime_version", str(options.min_runtime_version)]
    if options.num_segments > 1:
        words += ["--num_segments", str(options.num_segments)]
    if options.intermediate_tensors:
        words += ["--intermediate_tensors", ",".join(options.intermediate_tensors)]
    return [*words, *(f"{name}.tflite" for name in names)]


def _run(
    models: Mapping[str, bytes], compiler: Compiler, options: CompileOptions, *, step: int, folder: Path
) -> CompilerRun:
    if options.multiple_subgraphs and compiler.major < FIRST_WITH_SEARCH:
        raise InputError(
            f"the compiler {compiler.version} makes one subgraph: --multiple-subgraphs requires 15 or newer"
        )
    (folder / OUT).mkdir()
    for name, data in models.items():
        (folder / f"{name}.tflite").write_bytes(data)
    words = arguments(tuple(models), options, compiler.major, step=step)
    return run_program((*compiler.command, *words), folder, timeout_s=options.timeout_s)


def _is_worth_another(ran: CompilerRun) -> bool:
    return ran.timed_out or ran.status < 0 or (ran.status != 0 and not parse_log(ran.text).is_about_the_model)


def _refuse(ran: CompilerRun, log: CompilerLog, options: CompileOptions) -> None:
    """Raise the error that a failed run means."""
    last = next((line.strip() for line in reversed(ran.text.splitlines()) if line.strip()), "nothing")[:300]
    if ran.timed_out:
        raise DeviceError(
            f"the Edge TPU compiler took longer than {options.timeout_s:g} s and was stopped; its last line: {last}"
        )
    if ran.status < 0:
        raise DeviceError(f"the Edge TPU compiler died of signal {-ran.status}; its last line: {last}")
    said = "; ".join(dict.fromkeys(log.errors)) or last
    if ran.status != 0 and log.is_about_the_model:
        raise InputError(f"the Edge TPU compiler refuses the model: {said}")
    if ran.status != 0:
        raise DeviceError(f"the Edge TPU compiler failed with exit status {ran.status}: {said}")


def _expected(models: Mapping[str, bytes], options: CompileOptions) -> list[str]:
    count = options.num_segments
    if count == 1:
        return [f"{name}_edgetpu.tflite" for name in models]
    return [f"{name}_segment_{part}_of_{count}_edgetpu.tflite" for name in models for part in range(count)]


def _collect(folder: Path, names: list[str], ran: CompilerRun) -> dict[str, bytes]:
    made = sorted(path.name for path in folder.iterdir())
    for name in names:
        if name not in made:
            said = f"it wrote {', '.join(made)}" if made else "it wrote nothing"
            printed = "and printed nothing" if not ran.text.strip() else "though it reports success"
            raise DeviceError(f"the Edge TPU compiler wrote no {name}: {said}, {printed}")
        if (folder / name).is_symlink() or not (folder / name).is_file():
            raise DeviceError(f"the Edge TPU compiler wrote {name}, which is a folder, link or device: expected a file")
    return {name: (folder / name).read_bytes() for name in names}


def _checked(data: bytes, name: str) -> Compiled:
    try:
        compiled = read_compiled(data, name)
    except InputError as error:
        raise DeviceError(f"the Edge TPU compiler wrote an unusable file: {error}") from error
    found = findings(compiled)
    if found:
        raise DeviceError(f"the Edge TPU compiler wrote {name}, which is not valid: {'; '.join(found)}")
    return compiled
