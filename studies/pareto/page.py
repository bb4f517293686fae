"""A study as one self-contained HTML page: no network; the table sorts and filters in the browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.write_file import write_file
from detlite.runtime.version import __version__
from detlite.studies.page_template import page_template
from detlite.studies.pareto.front import Group, groups_of
from detlite.studies.pareto.recommend import Recommendation, condition_text, recommend
from detlite.studies.pareto.rows import BarredFigure, CellRow, rows_of
from detlite.studies.pareto.scatter import Cost, Scatter, scatter
from detlite.studies.store.condition import ANY, Comparison, Condition
from detlite.studies.store.store import Store
from detlite.studies.sweep.saved_cells import SavedPlan, saved_plans


@dataclass(frozen=True, eq=False)
class GroupView:
    """One device under one set of conditions, as the page shows it."""

    group: Group
    advice: Recommendation
    plot: Scatter | None
    small: tuple[Scatter, ...]


@dataclass(frozen=True, eq=False)
class Study:
    """What a page shows: the plans' names, all rows, the groups, and the condition of the recommendations."""

    names: tuple[str, ...]
    rows: tuple[CellRow, ...]
    groups: tuple[GroupView, ...]
    condition: Condition

    @property
    def failed(self) -> tuple[CellRow, ...]:
        """The rows that have not all their results, or that are INVALID."""
        return tuple(row for row in self.rows if row.failure or row.reasons)


def study_of(store: Store, condition: Condition = ANY) -> Study:
    """Return what the plans in *store* found; recommendations also keep *condition*.

    Raises:
        InputError: no sweep wrote to the store.
        UnknownNameError: *condition* names a fact that no cell has.
    """
    plans = saved_plans(store.root)
    rows = rows_of(store, plans)
    whole = Condition((*_gates(plans), *condition.comparisons))
    whole.check_names({name for row in rows for name in row.facts})
    return Study(
        names=tuple(plan.name for plan in plans),
        rows=tuple(sorted(rows, key=lambda row: (row.device, row.label))),
        groups=tuple(_view(group, whole) for group in groups_of(rows)),
        condition=whole,
    )


def to_page(study: Study) -> str:
    """Return *study* as HTML, the same for the same study, with every text escaped."""
    template = page_template(
        "detlite.studies.pareto",
        number=_number,
        megabytes=lambda size: "" if size is None else f"{size / 1e6:.2f}",
    )
    rendered: str = template.render(
        study=study,
        title=", ".join(study.names),
        limits=condition_text(study.condition),
        latency=_latency_name(study.rows),
        metric=", ".join(dict.fromkeys(row.metric for row in study.rows if row.metric)) or "accuracy",
        fronts=frozenset(key for view in study.groups for key in view.group.front),
        taken=frozenset(view.advice.cell.key for view in study.groups if view.advice.cell is not None),
        ties=frozenset(key for view in study.groups for key in view.advice.tie_keys),
        has_energy=any(row.energy_mj is not None for row in study.rows),
        version=__version__,
    )
    return rendered


def write_page(study: Study, path: Path) -> None:
    """Write the page of *study* to *path*, whole or not at all."""
    write_file(path, to_page(study).encode())


def _gates(plans: Sequence[SavedPlan]) -> Iterator[Comparison]:
    seen = set()
    for plan in plans:
        for one in plan.gates.comparisons:
            if one not in seen:
                seen.add(one)
                yield one


def _view(group: Group, condition: Condition) -> GroupView:
    latency = Cost(f"{group.rows[0].latency_name.removesuffix('_ms').replace('_', ' ')}, ms", lambda row: row.latency)
    costs = (
        Cost("size, MB", lambda row: None if row.size_bytes is None else BarredFigure(row.size_bytes / 1e6)),
        Cost("energy of a sample, mJ", lambda row: None if row.energy_mj is None else BarredFigure(row.energy_mj)),
    )
    advice = recommend(group, condition)
    taken = "" if advice.cell is None else advice.cell.key
    small = [scatter(group, cost, taken=taken, is_small=True) for cost in costs]
    return GroupView(group, advice, scatter(group, latency, taken=taken), tuple(one for one in small if one))


def _latency_name(rows: Sequence[CellRow]) -> str:
    names = dict.fromkeys(row.latency_name for row in rows if row.latency_name)
    return ", ".join(name.removesuffix("_ms").replace("_", " ") for name in names) or "latency"


def _number(figure: BarredFigure | float | None) -> str:
    if isinstance(figure, BarredFigure):
        bar = "" if figure.low is None or figure.high is None else f" [{figure.low:.1f}, {figure.high:.1f}]"
        return f"{figure.value:.1f}{bar}"
    return "" if figure is None else f"{figure:.4g}"
