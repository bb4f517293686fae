"""`detlite devices read`: what a program of a device left in a file, as facts or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from detlite.commands.console import emit_facts, emit_json, notice
from detlite.commands.options import json_option
from detlite.devices.recording import format_called, format_names, read_recording


@click.command("read")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--format", "name", help="Read it as this one; as all that it looks like where not said.")
@json_option
def command(path: Path | None, name: str | None, as_json: bool) -> int:
    """Read what a device's program left in the file PATH; without PATH, list the formats that are read.

    \b
    detlite devices read trtexec.log
    detlite devices read benchmark.txt --format op_profile --json

    benchmark_model, trtexec, tegrastats, dumpsys and more, of all versions, whole or cut. What is missing from the file
    or contradicts itself is said on stderr, and the exit status is 1 then.
    """
    if path is None:
        emit_facts({one: format_called(one).title for one in format_names()})
        return 0
    found = read_recording(path, name)
    if as_json:
        emit_json("recording", {"file": str(path), "formats": json.loads(json.dumps(found, default=str))})
    else:
        emit_facts(dict(_leaves(found, "")))
    problems = [f"{kind}: {problem}" for kind, parts in found.items() for part in parts for problem in part["problems"]]
    for problem in problems:
        notice(f"{path}: {problem}")
    return 1 if problems else 0


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the values in *value* by their places, `trtexec_log.0.gpu`; nothing where nothing was said."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    if pairs is None:
        if value is not None:
            yield place, value
        return
    for key, part in pairs:
        if key != "problems":
            yield from _leaves(part, f"{place}.{key}" if place else str(key))
