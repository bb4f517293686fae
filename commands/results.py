"""`detlite results`: what is in the store of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.command import CommandGroup
from detlite.commands.console import emit_json, emit_table, say
from detlite.commands.options import FiniteRange, json_option
from detlite.convert.files.write_file import prepare_new_file
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError
from detlite.studies.store.condition import parse_condition
from detlite.studies.store.export import columns_of, export_facts
from detlite.studies.store.store import open_store
from detlite.studies.store.upkeep import damage_in, garbage_in, remove
from detlite.studies.sweep.graph import VERSIONS
from detlite.studies.sweep.verify import verify_figures

KEY_LENGTH = 12
"""Characters of a key in a table: enough to name it."""

study_argument = click.argument("study", type=click.Path(path_type=Path))


@click.group(cls=CommandGroup)
def command() -> None:
    """Show the results in the store of a study, the folder that `detlite sweep -o` wrote.

    \b
    detlite results list study --where "device=host and latency_p90_ms<30"
    detlite results show study 3f1c
    detlite results verify study
    """


@command.command("list")
@study_argument
@click.option("--where", "condition", default="", help='Facts to select by, such as "device=orin and map>=20".')
@click.option(
    "--kind", "kinds", type=click.Choice(list(VERSIONS)), multiple=True, help="Stage. Repeatable (default: all)."
)
@click.option(
    "--export", type=click.Path(path_type=Path), metavar="FILE", help="New file to write: .csv, or .parquet (pyarrow)."
)
@json_option
def list_results(study: Path, condition: str, kinds: tuple[str, ...], export: Path | None, *, as_json: bool) -> None:
    """List the results that are done, the oldest first, with their facts.

    \b
    detlite results list study --kind measure --where "latency_p90_ms<30"
    detlite results list study --export results.csv
    """
    if export is not None:
        prepare_new_file(export)
    store = open_store(study)
    rows = store.select(parse_condition(condition), kinds=kinds)
    if export is not None:
        export_facts(rows, export)
    if as_json:
        shown = [{"key": row.key, "kind": row.kind, "facts": dict(row.facts)} for row in rows]
        emit_json("results_list", {"study": str(study), "results": shown})
        return
    names = columns_of(rows)
    cells = [[row.key[:KEY_LENGTH], row.kind, *(_text(row.facts.get(name)) for name in names[2:])] for row in rows]
    emit_table(names, cells)
    say(f"{counted(len(rows), 'result')} in {study}{'' if export is None else f', written to {export}'}")


@command.command("show")
@study_argument
@click.argument("key")
@json_option
def show_result(study: Path, key: str, *, as_json: bool) -> None:
    """Show the result whose key begins with KEY: its digests, facts and whole record.

    \b
    detlite results show study 3f1c --json
    """
    entry = open_store(study).starting_with(key)
    if as_json:
        emit_json("results_show", {"study": str(study), **entry.to_record()})
        return
    say(f"{entry.kind} {entry.key}")
    emit_table(("fact", "value"), [(name, _text(value)) for name, value in entry.facts.items()])
    digests = [(name, value) for name, value in entry.to_record()["digests"].items() if value]
    emit_table(("digest", "sha256"), [*digests, *sorted(entry.blobs.items())])


@command.command("diff")
@study_argument
@click.argument("before")
@click.argument("after")
@json_option
def diff_results(study: Path, before: str, after: str, *, as_json: bool) -> None:
    """Show in which facts and digests two results differ; BEFORE and AFTER are beginnings of keys.

    \b
    detlite results diff study 3f1c 90ab
    """
    store = open_store(study)
    first, second = (_flat(store.starting_with(key).to_record()) for key in (before, after))
    names = [name for name in dict.fromkeys([*first, *second]) if first.get(name) != second.get(name)]
    rows = [(name, first.get(name), second.get(name)) for name in names]
    if as_json:
        differences = [{"name": name, "before": one, "after": other} for name, one, other in rows]
        emit_json("results_diff", {"study": str(study), "differences": differences})
        return
    emit_table(("name", "before", "after"), [(name, _text(one), _text(other)) for name, one, other in rows])
    say(counted(len(rows), "difference"))


@command.command("gc")
@study_argument
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option(
    "--min-age-hours",
    type=FiniteRange(0),
    default=24.0,
    show_default=True,
    help="Keep files that are younger: a running sweep may need them.",
)
@json_option
def collect(study: Path, *, dry_run: bool, min_age_hours: float, as_json: bool) -> None:
    """Delete models, samples and scratch files that no record refers to. Records are never deleted.

    \b
    detlite results gc study --dry-run
    """
    garbage = garbage_in(open_store(study), min_age_s=min_age_hours * 3600)
    if not dry_run:
        remove(garbage)
    paths = [str(path.relative_to(study)) for path in garbage.paths]
    if as_json:
        emit_json("results_gc", {"deleted": not dry_run, "paths": paths, "size_bytes": garbage.size_bytes})
        return
    for path in paths:
        say(path)
    say(f"{len(paths)} {'could be' if dry_run else 'were'} deleted: {garbage.size_bytes / 1e6:.1f} MB")


@command.command("verify")
@study_argument
@json_option
def verify(study: Path, *, as_json: bool) -> None:
    """Check every record and blob against its checksum, and derive every latency and accuracy again.

    \b
    detlite results verify study

    Latencies are derived from the kept samples, accuracies from the kept predictions and the data set's labels.
    """
    store = open_store(study)
    damage, figures = damage_in(store), verify_figures(store)
    if as_json:
        found = {"wrong": list(figures.wrong), "unchecked": list(figures.unchecked), "checked": figures.checked}
        emit_json("results_verify", {"study": str(study), "damage": damage, **found})
    else:
        for text in (*damage, *figures.wrong, *(f"not checked: {text}" for text in figures.unchecked)):
            say(text)
    if damage or figures.wrong:
        raise FindingError(
            f"{study}: {len(damage)} damaged or missing, {counted(len(figures.wrong), 'figure')} that their data do "
            "not give; the next sweep makes damaged records and missing blobs again; delete damaged blobs before it"
        )
    if not as_json:
        say(
            f"{study}: every record and every blob is whole, and "
            f"{counted(figures.checked, 'figure was', 'figures were')} derived again"
        )


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    plain = ("kind", "wall_s", "memory_peak_bytes", "host", "detlite")
    found: dict[str, Any] = {**{name: record[name] for name in plain}, **record["facts"]}
    for part in ("digests", "blobs"):
        found |= {f"{part}.{name}": value for name, value in record[part].items()}
    return found


def _text(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
