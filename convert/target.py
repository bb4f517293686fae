"""What a target is: a chip with a compiler of its own, one folder or file in `convert/targets/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detlite.runtime.errors import DetliteError, unknown_name
from detlite.runtime.plugins import load_plugins
from detlite.runtime.progress import Progress, silent

TARGETS = "detlite.convert.targets"

PREDICT, COMPILE, COMPARE = "predict what will be mapped", "compile", "compare with the model and the prediction"
"""The steps of a compilation."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class AnswerTable:
    """A table of an answer: the names of its *columns*, and its *rows*."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class TargetAnswer:
    """The result of a prediction or a compilation, as a record and as text.

    Attributes:
        schema: of the record, without `detlite.`.
        record: as JSON can carry it.
        text: the same to read: lines, and tables; the last line is the verdict.
        cautions: what its reader must know beside it, a sentence each.
        failure: raised once the answer is shown, such as a gate that failed; None if all is well.
    """

    schema: str
    record: Mapping[str, Any]
    text: tuple[str | AnswerTable, ...]
    cautions: tuple[str, ...] = ()
    failure: DetliteError | None = None


@dataclass(frozen=True)
class TargetRequest:
    """What a target is asked to compile, or to predict of one model.

    Attributes:
        models: .tflite files, or folders that detlite wrote.
        chip: one of the target's.
        options: the target's own options, by name.
        say: takes a line of the result that is known before the work is done.
        warn: takes a line that is not part of the result.
        progress: takes how far the work is.
    """

    models: tuple[Path, ...]
    chip: str
    options: Mapping[str, Any] = field(default_factory=dict)
    say: Tell = lambda _line: None
    warn: Tell = lambda _line: None
    progress: Progress = silent


@dataclass(frozen=True)
class Target:
    """One compiler and the chips that it compiles for; its name is the name of its folder or file.

    A target with options of its own declares them in `commands/targets/`, in a file of its name.

    Attributes:
        title: what it compiles for, such as `the Edge TPU`.
        chips: the names that `--target` accepts.
        suffixes: of the model files that it compiles.
        compile: writes a request's models, compiled, to a folder, where it replaces what detlite wrote before only if
            the flag says so. Where there is no compiler, `MissingToolError` is raised, or is the answer's failure.
        predict: says what the chip will run of a request's one model, without a compiler; None if nothing is known.
        compiles_together: whether one request may hold several models.
        steps: the names of the steps of a compilation, to be announced.
        runs_float: whether its chips run float operators too; otherwise such operators stay on the CPU.
    """

    title: str
    chips: tuple[str, ...]
    suffixes: tuple[str, ...]
    compile: Callable[[TargetRequest, Path, bool], TargetAnswer]
    predict: Callable[[TargetRequest], TargetAnswer] | None = None
    compiles_together: bool = False
    steps: tuple[str, ...] = (COMPILE,)
    runs_float: bool = True


def chip_names() -> tuple[str, ...]:
    """Return the names of all chips that models are compiled for."""
    return tuple(chip for target in known_targets().values() for chip in target.chips)


def target_of(chip: str) -> Target:
    """Return the target that compiles for *chip*.

    Raises:
        UnknownNameError: there is none.
    """
    for target in known_targets().values():
        if chip in target.chips:
            return target
    raise unknown_name("chip", chip, chip_names())


def known_targets() -> Mapping[str, Target]:
    """Return every target by its name."""
    return load_plugins(TARGETS)
