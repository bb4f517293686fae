"""The part of `detlite compare` that compares two models."""

from __future__ import annotations

from pathlib import Path

from detlite.commands.console import emit_json, progress, say
from detlite.commands.image_options import images_given
from detlite.runtime.errors import FindingError
from detlite.studies.compare.file_comparison import CompareOptions, compare, read_side


def compare_models(
    a: Path, b: Path, *, images: Path | None, tolerance: float | None, multiple_subgraphs: bool, as_json: bool
) -> None:
    """Print whether the models A and B agree.

    Raises:
        FindingError: they do not agree.
        InputError: one is not a finished model, or the two cannot be compared.
    """
    options = CompareOptions(tolerance, () if images is None else images_given(images).paths, multiple_subgraphs)
    with progress() as report:
        found = compare(read_side(a), read_side(b), options, progress=report)
    if as_json:
        emit_json("compare", found.to_record(str(a), str(b)))
    else:
        for line in (*found.lines, *(f"differs: {text}" for text in found.findings)):
            say(line)
        say(f"{a}, {b}: {found.what}: {'they do not agree' if found.findings else 'they agree'}")
    if found.findings:
        more = f", and {len(found.findings) - 1} more" if len(found.findings) > 1 else ""
        raise FindingError(f"{a} and {b} do not agree: {found.findings[0]}{more}")
