"""The options of `detlite evaluate` for labelled images: one for each data set format with labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, datasets_by_option
from detlite.accuracy.metric import metric_names
from detlite.commands.completion import names_of
from detlite.commands.image_options import dataset_option, paths_of, value_of
from detlite.runtime.errors import InputError, unknown_name

Command = TypeVar("Command", bound=Callable[..., Any])
Given = Mapping[str, Any]

_OPTIONS = (
    click.option(
        "--metric",
        metavar="NAME",
        callback=lambda _context, _option, name: None if name is None else name.replace("_", "-"),
        shell_complete=names_of(metric_names),
        help=f"Metric: {', '.join(metric_names())} (default: the usual one for the labels).",
    ),
    click.option("--known-classes", is_flag=True, help="Ignore annotated classes that the model does not have."),
)


def ground_truth_options(command: Command) -> Command:
    """Add the options for labelled images to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    for name, dataset in sorted(_labelled_datasets().items(), reverse=True):
        for further in reversed(dataset.further):
            command = _further_option(name, further)(command)
        command = dataset_option(name, dataset)(command)
    return command


def _further_option(owner: str, further: FurtherOption) -> Callable[[Command], Command]:
    kind = click.Path(path_type=Path) if further.is_path else str
    text = f"With --{owner}: {further.help}"
    return click.option(f"--{further.name}", metavar=further.metavar, type=kind, help=text)


def labels_given(values: Given) -> DatasetFiles | None:
    """Return the data set whose labels *values* name; None if no labels are given.

    Raises:
        InputError: the options cannot be combined.
        UnknownNameError: no metric has that name.
    """
    if values["metric"] is not None and values["metric"] not in metric_names():
        raise unknown_name("metric", values["metric"], metric_names())
    datasets = _labelled_datasets()
    given = [name for name in datasets if value_of(values, name) is not None]
    if len(given) > 1:
        raise InputError(f"--{given[0]} and --{given[1]}: give labels in one format")
    for name, dataset in datasets.items():
        for option in dataset.further:
            if value_of(values, option.name) is not None and name not in given:
                raise InputError(f"--{option.name} needs --{name}")
    files = _files(given[0], datasets[given[0]], values) if given else None
    if files is None and (values["metric"] or values["known_classes"]):
        raise InputError(f"--metric and --known-classes need labels: give {label_options()}")
    return files


def _files(option: str, dataset: Dataset, values: Given) -> DatasetFiles | None:
    """Return the data set of *option*; None if what is given has no labels."""
    found = {one.name: value_of(values, one.name) for one in dataset.further}
    further = {name: str(value) for name, value in found.items() if value is not None}
    if all(reader.needs is not None and reader.needs not in further for reader in dataset.labels.values()):
        return None
    name = next(name for known, (name, _one) in datasets_by_option().items() if known == option)
    return DatasetFiles(name, paths_of(values, option), further, values["limit"])


def label_options() -> str:
    """Return the options for labels with their arguments, for a message."""
    each = [_usage(name, dataset) for name, dataset in _labelled_datasets().items()]
    return f"{', '.join(each[:-1])} or {each[-1]}"


def _usage(name: str, dataset: Dataset) -> str:
    needs = [reader.needs for reader in dataset.labels.values()]
    more = f" with --{' or --'.join(one for one in needs if one)}" if all(needs) else ""
    return f"--{name} {' '.join(dataset.takes)}{more}"


def _labelled_datasets() -> dict[str, Dataset]:
    return {name: dataset for name, (_file, dataset) in datasets_by_option().items() if dataset.labels}
