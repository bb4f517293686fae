"""Comparisons: of two models, and of two recorded runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detlite.accuracy.images import Images
from detlite.library.arguments import AnyModel, AnyPath, path_of, paths_of
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent
from detlite.studies.compare.comparison import RunComparison
from detlite.studies.compare.comparison import compare_runs as compare_records
from detlite.studies.compare.file_comparison import CompareOptions, ModelComparison, read_side
from detlite.studies.compare.file_comparison import compare as compare_files
from detlite.studies.compare.limits import parse_limits
from detlite.studies.compare.record import read_record, record_file


def compare(
    a: AnyModel,
    b: AnyModel,
    *,
    images: Images | AnyPath | None = None,
    tolerance: float | None = None,
    progress: Progress = silent,
) -> ModelComparison:
    """Return whether two models agree: contracts, outputs on the same images, and operators.

    Args:
        a: the reference.
        b: the other.
        images: what both run on; None for images made with a seed.
        tolerance: the largest allowed difference of an output, in real (dequantized) units; None: by what the two are.
        progress: told of the images.

    Returns:
        `findings`, a sentence for each thing that does not agree; empty if the models agree.

    Raises:
        InputError: one is not a finished model, or the two cannot be compared.

    Example:
        >>> detlite.compare("out/float", "out/again", images="photos/", tolerance=0.001).findings
        ()
    """
    options = CompareOptions(tolerance, paths_of(images))
    with path_of(a) as first, path_of(b) as second:
        return compare_files(read_side(first), read_side(second), options, progress=progress)


def compare_runs(
    before: AnyPath,
    after: AnyPath,
    *,
    fail_on: Sequence[str] = (),
    allow_different: Sequence[str] = (),
) -> RunComparison:
    """Return what changed from one recorded run to another, and whether it is more than noise.

    Args:
        before: a file that `--json` wrote, or a folder that `measure` or `evaluate` wrote with `-o`.
        after: the other, of the same kind.
        fail_on: the largest changes that pass, such as "latency_p90=+5%" or "map=-0.3".
        allow_different: conditions that may differ, such as "device.governor", "protocol" or "all".

    Returns:
        `changes` has every figure with its interval; `findings` has those over a limit of *fail_on*.

    Raises:
        InputError: one is not the record of a run, or the two have another device or protocol.
        UnknownNameError: a limit is about a figure that the runs do not have.

    Example:
        >>> detlite.compare_runs("before.json", "after.json", fail_on=["map=-0.3"]).findings
        ()
    """
    runs = [read_record(_record_at(Path(path))) for path in (before, after)]
    return compare_records(runs[0], runs[1], parse_limits(fail_on), allow_different)


def _record_at(path: Path) -> Path:
    found = record_file(path)
    if found is None:
        raise InputError(f"{path} is not the record of a run: give what `detlite measure` or `evaluate` wrote")
    return found
