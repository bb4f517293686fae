"""Output of commands: results on stdout (a table or JSON), progress and notices on stderr.

rich is imported when there is something to draw: `detlite --help` never needs it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from detlite.runtime.printable import printable
from detlite.runtime.progress import BEGUN, Progress, silent
from detlite.runtime.version import SCHEMA_VERSION

LINE_EVERY_S = 2.0  # without a terminal: time between lines of progress

VOLUME = "detlite.volume"
"""The key of a click context's `meta` under which `quiet` or `verbose` is remembered."""


JSON_FORM: Mapping[str, Any] = {"indent": 2, "ensure_ascii": False, "allow_nan": False}
PIECES = 4096  # of JSON that are written at once


def say(text: str) -> None:
    """Write *text* to stdout, and a line feed; control characters of files and devices are shown as escapes."""
    click.echo(printable(text))  # noqa: TID251 - the one place


def emit_json(schema: str, record: Mapping[str, Any]) -> None:
    """Write *record* to stdout as JSON with `schema` and `schema_version` before its keys."""
    emit_record({"schema": f"detlite.{schema}", "schema_version": SCHEMA_VERSION, **record})


def emit_record(record: Mapping[str, Any]) -> None:
    """Write *record*, which has its `schema` and `schema_version`, to stdout as JSON."""
    say(as_json(record))


def emit_json_in_parts(schema: str, record: Mapping[str, Any]) -> None:
    """Write what `emit_json` writes, in parts, for a *record* that is made while it is written."""
    whole = {"schema": f"detlite.{schema}", "schema_version": SCHEMA_VERSION, **record}
    part: list[str] = []
    for piece in json.JSONEncoder(**JSON_FORM).iterencode(whole):
        part.append(piece)
        if len(part) == PIECES:
            click.echo(printable("".join(part)), nl=False)  # noqa: TID251 - as `say`
            part.clear()
    say("".join(part))


def as_json(record: Mapping[str, Any]) -> str:
    """Return *record* as JSON text."""
    return json.dumps(record, **JSON_FORM)


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write *rows* to stdout: drawn on a terminal, or else plain with two spaces between columns, fit for pipes."""
    cells = [[str(cell) for cell in row] for row in [columns, *rows]]
    if draws_tables():
        _draw_table(cells[0], cells[1:])
        return
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def draws_tables() -> bool:
    """Return whether stdout is a terminal that shows drawn tables."""
    return _is_drawn_on(sys.stdout)


def _draw_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Draw a table with rich, its columns of numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, title in enumerate(columns):
        is_numeric = bool(rows) and all(_is_number(row[number]) for row in rows)
        table.add_column(Text(printable(title)), justify="right" if is_numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console(file=sys.stdout, highlight=False).print(table)


def _is_number(text: str) -> bool:
    return text == "" or re.fullmatch(r"[-+]?[\d,.]+%?", text) is not None


def emit_facts(facts: Mapping[str, object]) -> None:
    """Write `key  value` lines to stdout."""
    width = max((len(key) for key in facts), default=0)
    for key, value in facts.items():
        say(f"{key.ljust(width)}  {value}")


def _volume() -> str:
    """Return `quiet` or `verbose` if the running command was asked for it, else an empty text."""
    context = click.get_current_context(silent=True)
    return "" if context is None else str(context.meta.get(VOLUME, ""))


def notice(text: str) -> None:
    """Write one line to stderr, unless the command is quiet."""
    if _volume() != "quiet":
        problem(text)


def problem(text: str) -> None:
    """Write one line to stderr, also if the command is quiet."""
    click.echo(printable(text), err=True)  # noqa: TID251 - the one place


def draws_bars() -> bool:
    """Return whether stderr is a terminal that shows bars and colours."""
    return _is_drawn_on(sys.stderr)


def _is_drawn_on(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


@contextmanager
def progress(steps: Sequence[str] = ()) -> Iterator[Progress]:
    """Give a `Progress` that draws bars on a terminal, or else writes a line every two seconds.

    A quiet command gets none, and a verbose one a line for each report. Of *steps*, all that the command will `begin`,
    each is announced as `step 2 of 5`; a step that is not among them is a part of one, and not announced.
    """
    volume = _volume()
    if volume == "quiet":
        yield silent
    elif volume == "verbose" or not draws_bars():
        lines = _Lines(every_report=volume == "verbose")
        yield _announcing(steps, lines.write, lines.report)
    else:
        with _bars() as (write, report):
            yield _announcing(steps, write, report)


def _announcing(steps: Sequence[str], write: Callable[[str], None], report: Progress) -> Progress:
    """Return *report* with *steps* announced by *write*, each once."""
    begun: set[str] = set()

    def heard(what: str, done: int, total: int) -> None:
        if total != BEGUN:
            report(what, done, total)
        elif what in steps and what not in begun:
            begun.add(what)
            write(f"step {steps.index(what) + 1} of {len(steps)}: {what}")

    return heard


@contextmanager
def _bars() -> Iterator[tuple[Callable[[str], None], Progress]]:
    """Give what writes a line above the bars, and what draws them."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True, highlight=False)) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            task = tasks.setdefault(what, None)
            if task is None:
                task = tasks[what] = bars.add_task(printable(what), total=total or None)
            bars.update(task, completed=done, total=total or None)

        def write(text: str) -> None:
            end()
            tasks.clear()  # the next step has bars of its own
            bars.console.print(Text(printable(text)))

        def end() -> None:
            for one in bars.tasks:  # a number that nobody knew before is known now: the bar ends
                if one.total is None:
                    bars.update(one.id, total=one.completed)

        yield write, report
        end()


class _Lines:
    """Progress without bars: the first and last line, and one every two seconds; or all, each with its time."""

    def __init__(self, *, every_report: bool = False) -> None:
        self._last: dict[str, float] = {}
        self._every_report, self._begin = every_report, time.monotonic()

    def report(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        finished = 0 < total <= done
        if self._every_report or what not in self._last or finished or now - self._last[what] >= LINE_EVERY_S:
            self._last[what] = now
            self.write(f"{what}: {done}/{total}" if total else f"{what}: {done}")

    def write(self, text: str) -> None:
        notice(f"{time.monotonic() - self._begin:7.1f} s  {text}" if self._every_report else text)
