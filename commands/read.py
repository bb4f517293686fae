"""`detlite devices read`: read the output file of a device's program, as facts or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from detlite.commands.completion import names_of
from detlite.commands.console import emit_facts, emit_json, notice
from detlite.commands.options import json_option
from detlite.devices.recording import format_called, format_names, read_recording
from detlite.runtime.strict_json import parse_json


@click.command("read")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--format",
    "name",
    shell_complete=names_of(format_names),
    help="Format of the file (default: every format that it matches).",
)
@json_option
def command(path: Path | None, name: str | None, as_json: bool) -> int:
    """Read PATH, the output of a device's program; without PATH, list the known formats.

    \b
    detlite devices read trtexec.log
    detlite devices read benchmark.txt --format op_profile --json

    Formats are benchmark_model, trtexec, tegrastats, dumpsys and more, of all versions, complete or truncated. If
    something is missing or contradictory, stderr says so and the exit status is 1.
    """
    if path is None:
        emit_facts({one: format_called(one).title for one in format_names()})
        return 0
    found = read_recording(path, name)
    if as_json:
        emit_json("recording", {"file": str(path), "formats": parse_json(json.dumps(found, default=str))})
    else:
        emit_facts(dict(_leaves(found, "")))
    problems = [f"{kind}: {problem}" for kind, parts in found.items() for part in parts for problem in part["problems"]]
    for problem in problems:
        notice(f"{path}: {problem}")
    return 1 if problems else 0


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the values in *value* by their paths, such as `trtexec_log.0.gpu`; without missing values."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    if pairs is None:
        if value is not None:
            yield place, value
        return
    for key, part in pairs:
        if key != "problems":
            yield from _leaves(part, f"{place}.{key}" if place else str(key))
