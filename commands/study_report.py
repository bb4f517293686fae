"""`detlite report` of a study: its page, and the cells to take."""

from __future__ import annotations

from pathlib import Path

from detlite.commands.console import emit_json, say
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError
from detlite.studies.pareto.page import Study, study_of, write_page
from detlite.studies.pareto.recommend import Recommendation
from detlite.studies.store.condition import ANY, parse_condition
from detlite.studies.store.store import open_store

SUFFIX = ".html"


def report_study(folder: Path, out: Path | None, best: str | None, *, force: bool, as_json: bool) -> None:
    """Write the page of the study in *folder* to *out*, and print what to take for each device.

    Raises:
        InputError: there is no study, *out* exists or is no .html, or *best* cannot be read.
        FindingError: *best* is given, and no cell meets it.
    """
    if out is None and best is None:
        raise InputError(f"{folder} is a study: give -o study.html for its page, or --best CONDITION")
    if out is not None and out.suffix != SUFFIX:
        raise InputError(f"{folder} is a study, and its report one page: give -o a name that ends in {SUFFIX}")
    if out is not None and out.exists() and not force:
        raise InputError(f"{out} exists already; choose another file, or pass --force to replace it")
    study = study_of(open_store(folder), parse_condition(best) if best else ANY)
    if out is not None:
        write_page(study, out)
    advice = [view.advice for view in study.groups]
    taken = [one for one in advice if one.cell is not None] if best else advice
    _show(folder, study, out, taken, as_json=as_json)
    if best and not taken:
        raise FindingError(f"no cell of {folder} meets {best}" + (f": {advice[0].reason}" if advice else ""))


def _show(folder: Path, study: Study, out: Path | None, taken: list[Recommendation], *, as_json: bool) -> None:
    if as_json:
        counts = {"cells": len(study.rows), "failed": len(study.failed), "html": None if out is None else str(out)}
        emit_json("sweep_report", {"study": str(folder), **counts, "advice": [one.to_record() for one in taken]})
        return
    for one in taken:
        say(f"{one.device} ({'; '.join(one.conditions)}): {one.reason}")
    if out is not None:
        say(f"{out}: {counted(len(study.rows), 'cell')}, {len(study.failed)} failed, INVALID or not run")
