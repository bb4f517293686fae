"""A plan as its TOML file says it: axes, models, data sets, exclude rules and gates, each mistake with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detlite.accuracy.dataset import DatasetFiles, FurtherOption, datasets_by_option
from detlite.accuracy.views import WHOLE, Views
from detlite.convert.exporter import exporter_names
from detlite.convert.files.strict_toml import parse_toml
from detlite.convert.files.toml_lines import Place, lines_of
from detlite.convert.source import TFLITE
from detlite.convert.target import chip_names
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.limited_file import read_limited
from detlite.studies.store.condition import Condition, parse_condition
from detlite.studies.sweep.axes import AXES, NONE, Value
from detlite.studies.sweep.tools import ToolChoice, ToolReaders, Tools

MOST_BYTES = 1 << 20
MOST_VALUES = 100_000
TABLES = ("name", "axes", "models", "datasets", "formats", "targets", "exclude", "measure", "evaluate", "gates")
MODEL_KEYS = ("path", "config", "checkpoint", "labels")
DATASET_KEYS = ("limit", "known_classes")
VIEW_KEYS = ("clips", "crops", "clip_frames", "clip_stride")
"""What a data set of videos takes besides, as `detlite evaluate` does."""

EVALUATE_KEYS = ("bootstrap",)
MEASURE_KEYS = ("images", "video", "queries", "processes", "min_seconds")
RANGE_KEYS = ("from", "to", "step")
TOOL_KEYS = {"format": "to", "target": "chip"}
"""What a table of [formats], or of [targets], names its exporter or its chip by; its own name by default."""

RESERVED = {"datasets": NONE, "formats": TFLITE, "targets": NONE}
"""The name that each of these tables cannot have: on its axis it is no scoring, the model as it is, no compilation."""

DRAWS = 200

Rule = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True)
class SweptModel:
    """A model of a plan: a path, or a config with its checkpoint; `labels` where the files have none."""

    path: str | None = None
    config: Path | None = None
    checkpoint: Path | None = None
    labels: Path | None = None


@dataclass(frozen=True)
class SweptDataset:
    """A data set of a plan, with what `detlite evaluate` takes beside it."""

    files: DatasetFiles
    known_classes: bool = False
    views: Views = WHOLE


@dataclass(frozen=True)
class Measuring:
    """What all measurements share: images or a video to run on, None for noise, and changes of the preset."""

    images: str | None = None
    video: str | None = None
    queries: int | None = None
    processes: int | None = None
    min_seconds: float | None = None


@dataclass(frozen=True)
class PlanFile:
    """What a plan says.

    Attributes:
        path: the file.
        name: of the study.
        axes: the values of each axis that is given, in the file's order.
        models: by name.
        datasets: by name.
        tools: the formats and targets that the axes name.
        exclude: rules; a cell that has one of the values of every axis of a rule is left out.
        measuring: what all measurements share.
        draws: of the bootstrap; 0 for no intervals.
        gates: what a cell must meet to be recommended.
    """

    path: Path
    name: str = ""
    axes: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    models: Mapping[str, SweptModel] = field(default_factory=dict)
    datasets: Mapping[str, SweptDataset] = field(default_factory=dict)
    tools: Tools = field(default_factory=Tools)
    exclude: tuple[Rule, ...] = ()
    measuring: Measuring = field(default_factory=Measuring)
    draws: int = DRAWS
    gates: Condition = field(default_factory=Condition)


class PlanError(InputError):
    """A plan with mistakes; `mistakes` has one line for each."""

    def __init__(self, text: str, mistakes: tuple[str, ...] = ()) -> None:
        """Hold the *mistakes*."""
        super().__init__(text)
        self.mistakes = mistakes


def read_plan(path: Path, readers: ToolReaders | None = None) -> PlanFile:
    """Return the plan in the file *path*; relative paths in it begin at its folder.

    Args:
        path: the file.
        readers: of the options of formats and targets; None where these take none.

    Raises:
        PlanError: it has mistakes, all of which are told.
        InputError: it cannot be read, or is not TOML.
    """
    data = read_limited(path, "a plan", MOST_BYTES)
    try:
        table = parse_toml(data)
    except InputError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    reader = _Reader(path, lines_of(data.decode("utf-8-sig")), readers or ToolReaders())
    plan = reader.plan(table)
    if reader.mistakes:
        count = len(reader.mistakes)
        text = reader.mistakes[0] if count == 1 else f"{path} has {counted(count, 'mistake')}; nothing was run"
        raise PlanError(text, tuple(reader.mistakes))
    return plan


class _Reader:
    """Reads one plan and collects its mistakes."""

    def __init__(self, path: Path, lines: Mapping[Place, int], readers: ToolReaders) -> None:
        self.path = path
        self.lines = lines
        self.readers = readers
        self.mistakes: list[str] = []

    def plan(self, table: Mapping[str, Any]) -> PlanFile:
        self._keys("key of a plan", (), table, TABLES)
        names = ("axes", "models", "datasets", "formats", "targets", "measure", "evaluate")
        parts = {name: self._table(table, name) for name in names}
        datasets = {name: self._dataset(name, one) for name, one in parts["datasets"].items()}
        axes = self._axes(parts["axes"])
        for name, word in RESERVED.items():
            if word in parts[name]:
                self._mistake((name, word), f"[{name}.{word}] would never be used: give it another name")
        return PlanFile(
            path=self.path,
            name=self._name(table),
            axes=axes,
            models={name: self._model(name, one) for name, one in parts["models"].items()},
            datasets={name: one for name, one in datasets.items() if one is not None},
            tools=Tools(
                self._tools("format", parts["formats"], axes, exporter_names()),
                self._tools("target", parts["targets"], axes, (NONE, *chip_names())),
            ),
            exclude=tuple(self._rules(table.get("exclude", []), axes)),
            measuring=self._measuring(parts["measure"]),
            draws=self._draws(parts["evaluate"]),
            gates=self._gates(table.get("gates", [])),
        )

    def _name(self, table: Mapping[str, Any]) -> str:
        name = table.get("name", self.path.stem)
        if not isinstance(name, str) or not name.strip():
            self._mistake(("name",), f"name is {name!r:.60}; want a text")
            return self.path.stem
        return name

    def _axes(self, table: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
        self._keys("axis", ("axes",), table, AXES)
        found = {name: self._axis(("axes", name), name, value) for name, value in table.items() if name in AXES}
        if "model" not in table:
            self._mistake(("axes",), "the plan has no models: give them as model = [...] in [axes]")
        return found

    def _axis(self, place: Place, name: str, given: object) -> tuple[Value, ...]:
        try:
            return _values(name, given)
        except InputError as error:
            self._mistake(place, str(error))
            return ()

    def _model(self, name: str, table: object) -> SweptModel:
        place = ("models", name)
        if not isinstance(table, dict):
            self._mistake(place, f"the model {name!r} is {table!r:.60}; want a table, [models.{name}]")
            return SweptModel()
        self._keys("key of a model", place, table, MODEL_KEYS)
        texts = {key: value for key, value in table.items() if key in MODEL_KEYS}
        for key, value in texts.items():
            if not isinstance(value, str) or not value:
                self._mistake((*place, key), f"{key} is {value!r:.60}; want a path")
                return SweptModel()
        if ("path" in texts) == ("config" in texts) or ("config" in texts) != ("checkpoint" in texts):
            self._mistake(place, f"the model {name!r} needs a path, or a config and a checkpoint")
        paths = {key: self._absolute(value) for key, value in texts.items() if key != "path"}
        return SweptModel(path=texts.get("path"), **paths)

    def _dataset(self, name: str, table: object) -> SweptDataset | None:
        place = ("datasets", name)
        if not isinstance(table, dict):
            self._mistake(place, f"the data set {name!r} is {table!r:.60}; want a table, [datasets.{name}]")
            return None
        known = {option: one for option, (_file, one) in datasets_by_option().items() if one.labels}
        formats = [key for key in table if key in known]
        if len(formats) != 1:
            self._mistake(
                place, f"the data set {name!r} has {counted(len(formats), 'format')}; want one of {', '.join(known)}"
            )
            return None
        further = known[formats[0]].further
        views = VIEW_KEYS if known[formats[0]].videos is not None else ()
        self._keys(
            "key of a data set", place, table, (*DATASET_KEYS, *views, formats[0], *(one.name for one in further))
        )
        try:
            return self._swept_dataset(formats[0], table, further)
        except InputError as error:
            self._mistake(place, str(error))
            return None

    def _swept_dataset(self, option: str, table: Mapping[str, Any], further: Iterable[FurtherOption]) -> SweptDataset:
        paths = table[option] if isinstance(table[option], list) else [table[option]]
        limit, known_classes = table.get("limit"), table.get("known_classes", False)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise InputError(f"limit is {limit!r}; want a whole number from 1 on")
        if not all(isinstance(one, str) for one in paths) or not isinstance(known_classes, bool):
            raise InputError(f"{option} takes paths, and known_classes is true or false")
        texts = {one: str(table[one.name]) for one in further if one.name in table}
        given = {one.name: str(self._absolute(text)) if one.is_path else text for one, text in texts.items()}
        file = datasets_by_option()[option][0]
        files = DatasetFiles(file, tuple(map(self._absolute, paths)), given, limit)
        return SweptDataset(files, known_classes, _views(table))

    def _tools(
        self, axis: str, tables: Mapping[str, Any], axes: Mapping[str, tuple[Value, ...]], known: Sequence[str]
    ) -> dict[str, ToolChoice]:
        """Return the formats or targets of *tables*, and the *known* ones that the axis names, with their options."""
        found = {name: self._tool(axis, name, table, known) for name, table in tables.items()}
        for value in map(str, axes.get(axis, ())):
            if value not in tables and value not in known:
                self._mistake(("axes", axis), str(unknown_name(axis, value, (*tables, *known))))
            elif value not in tables and value != NONE:
                found[value] = self._tool(axis, value, {}, known)
        return {name: one for name, one in found.items() if one is not None}

    def _tool(self, axis: str, name: str, table: object, known: Sequence[str]) -> ToolChoice | None:
        place, key = (f"{axis}s", name), TOOL_KEYS[axis]
        if not isinstance(table, dict):
            self._mistake(place, f"the {axis} {name!r} is {table!r:.60}; want a table, [{axis}s.{name}]")
            return None
        tool = table.get(key, name)
        tools = tuple(one for one in known if one != NONE)
        if tool not in tools:
            self._mistake((*place, key), str(unknown_name(f"{key} of a {axis}", str(tool), tools)))
            return None
        options = {name: value for name, value in table.items() if name != key}
        try:
            return (self.readers.formats if axis == "format" else self.readers.targets)(tool, options)
        except InputError as error:
            self._mistake(place, str(error))
            return None

    def _rules(self, rules: object, axes: Mapping[str, tuple[Value, ...]]) -> Iterable[Rule]:
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            self._mistake(("exclude",), "exclude is a list of tables: write [[exclude]] above each")
            return
        for number, rule in enumerate(rules):
            place = ("exclude", str(number))
            self._keys("axis", place, rule, AXES)
            known = {name: value for name, value in rule.items() if name in AXES}
            found = {name: self._axis((*place, name), name, value) for name, value in known.items()}
            for name, values in found.items():
                self._check_used((*place, name), name, values, axes.get(name, (AXES[name].default,)))
            if rule:
                yield found

    def _check_used(self, place: Place, name: str, values: tuple[Value, ...], used: tuple[Value, ...]) -> None:
        for value in values:
            if value not in used:
                self._mistake(place, str(unknown_name(f"value of {name} in [axes]", str(value), map(str, used))))

    def _measuring(self, table: Mapping[str, Any]) -> Measuring:
        self._keys("key of [measure]", ("measure",), table, MEASURE_KEYS)
        found: dict[str, Any] = {key: value for key, value in table.items() if key in MEASURE_KEYS}
        for key, wanted in (("images", "a folder, or a list of images"), ("video", "a video")):
            if not isinstance(found.get(key, ""), str):
                self._mistake(("measure", key), f"{key} is {found[key]!r:.60}; want {wanted}")
                return Measuring()
        if "images" in found and "video" in found:
            self._mistake(("measure", "video"), "images and video are both given: measure with one of them")
        for key in ("queries", "processes", "min_seconds"):
            value, types = found.get(key, 1), (int, float) if key == "min_seconds" else (int,)
            if isinstance(value, bool) or not isinstance(value, types) or value <= 0:
                self._mistake(("measure", key), f"{key} is {value!r:.60}; want a number over 0")
                return Measuring()
        return Measuring(**found)

    def _draws(self, table: Mapping[str, Any]) -> int:
        self._keys("key of [evaluate]", ("evaluate",), table, EVALUATE_KEYS)
        draws = table.get("bootstrap", DRAWS)
        if isinstance(draws, bool) or not isinstance(draws, int) or not (draws == 0 or 2 <= draws <= 10_000):
            self._mistake(
                ("evaluate", "bootstrap"), f"bootstrap is {draws!r:.60}; want 2 to 10000 draws, or 0 for none"
            )
            return DRAWS
        return draws

    def _gates(self, texts: object) -> Condition:
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            self._mistake(("gates",), 'gates is a list of conditions, such as ["map>=20", "latency_p90_ms<30"]')
            return Condition()
        found = [self._gate(text) for text in texts]
        return Condition(tuple(one for condition in found for one in condition.comparisons))

    def _gate(self, text: str) -> Condition:
        try:
            return parse_condition(text)
        except InputError as error:
            self._mistake(("gates",), str(error))
            return Condition()

    def _keys(self, kind: str, place: Place, table: Mapping[str, Any], known: Iterable[str]) -> None:
        names = tuple(known)
        for key in table:
            if key not in names:
                self._mistake((*place, key), str(unknown_name(kind, key, names)))

    def _table(self, table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        found = table.get(name, {})
        if isinstance(found, dict):
            return found
        self._mistake((name,), f"{name} is {found!r:.60}; want a table, [{name}]")
        return {}

    def _mistake(self, place: Place, text: str) -> None:
        lines = (self.lines.get(place[:length]) for length in range(len(place), 0, -1))
        line = next((number for number in lines if number), None)
        self.mistakes.append(f"{self.path}{'' if line is None else f', line {line}'}: {text}")

    def _absolute(self, text: str) -> Path:
        return self.path.absolute().parent / Path(text).expanduser()


def _views(table: Mapping[str, Any]) -> Views:
    """Return the views that the *table* of a data set of videos gives."""
    given = [table.get(key, default) for key, default in zip(VIEW_KEYS, (1, 1, None, None), strict=True)]
    if any(isinstance(one, bool) or not isinstance(one, int | None) for one in given):
        raise InputError(f"{', '.join(VIEW_KEYS)} are whole numbers")
    return Views(*given)


def _values(name: str, given: object) -> tuple[Value, ...]:
    """Return the values that a plan gives for the axis *name*: one, a list, or a range."""
    axis = AXES[name]
    if isinstance(given, dict):
        given = list(_range(name, given))
    values = tuple(axis.check(value) for value in (given if isinstance(given, list) else [given]))
    if not values:
        raise InputError(f"{name} is an empty list: give a value, or leave it out")
    if len(set(values)) < len(values):
        raise InputError(f"{name} has a value twice")
    return values


def _range(name: str, table: Mapping[str, Any]) -> Iterable[int | float]:
    for key in table:
        if key not in RANGE_KEYS:
            raise unknown_name("key of a range", key, RANGE_KEYS)
    numbers = [table.get(key, 1 if key == "step" else None) for key in RANGE_KEYS]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise InputError(f"{name}: a range has numbers: {{ from = 50, to = 200, step = 50 }}")
    first, last, step = numbers
    if step <= 0 or last < first or (last - first) / step > MOST_VALUES:
        raise InputError(f"{name}: a range goes up from {first} to {last} in at most {MOST_VALUES} steps of {step}")
    for index in range(int((last - first) / step + 1e-9) + 1):
        yield first + index * step
