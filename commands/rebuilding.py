"""Options for what is converted: a source, or a detector to rebuild."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.completion import names_of, preset_names
from detlite.commands.console import notice
from detlite.convert.find_source import locate
from detlite.convert.requests import Given
from detlite.runtime.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])
NAMES = ("config", "checkpoint", "experiment", "averages", "family", "classes", "seed", "way")

_CHECKPOINT = (
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="pipeline.config, or params.yaml of TF-Vision, of the network to build; needs --checkpoint.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        help="Prefix of the checkpoint with its weights, such as model.ckpt-50000 or ckpt-0.",
    ),
    click.option(
        "--experiment", metavar="NAME", help="Experiment of TF-Vision whose values the params.yaml overrides."
    ),
    click.option(
        "--weights",
        "averages",
        type=click.Choice(["averaged", "raw"]),
        help="Weights of TF-Vision's checkpoint: moving averages (default, if it has any), or those of the last step.",
    ),
    click.option(
        "--from",
        "way",
        type=click.Choice(["graph", "checkpoint"]),
        help="Part to use of a SOURCE that has both: the exported graph (default) or the checkpoint.",
    ),
)
_PRESET = (
    click.option(
        "--family",
        metavar="PRESET",
        shell_complete=names_of(preset_names),
        help="Detector to build untrained; needs --random-weights. A wrong name is answered with all presets.",
    ),
    click.option(
        "--classes", type=click.IntRange(1, 10_000), help="Number of classes for --family, without the background."
    ),
    click.option(
        "--random-weights",
        "seed",
        type=click.IntRange(0),
        metavar="SEED",
        help="Seed of the random weights for --family.",
    ),
)


def rebuild_options(command: Command) -> Command:
    """Add the options for rebuilding, from a checkpoint or untrained."""
    for option in reversed(_PRESET):
        command = option(command)
    return checkpoint_options(command)


def checkpoint_options(command: Command) -> Command:
    """Add the options for rebuilding from a checkpoint."""
    for option in reversed(_CHECKPOINT):
        command = option(command)
    return command


def take_given(source: str | None, values: dict[str, Any]) -> Given:
    """Remove the values of `rebuild_options`, or of `checkpoint_options`, from *values* and return what they name.

    Raises:
        InputError: nothing is named, more than one thing is, or only half of one.
    """
    given = {name: values.pop(name, None) for name in NAMES}
    rebuilt, preset = given["config"] or given["checkpoint"], given["family"]
    if sum(thing is not None for thing in (source, rebuilt, preset)) != 1:
        raise InputError(
            "give one of: SOURCE, --config with --checkpoint, or --family with --random-weights; see --help"
        )
    if preset is None and (given["classes"] is not None or given["seed"] is not None):
        raise InputError("--classes and --random-weights need --family; a trained model has both already")
    if source is None and given["way"] is not None:
        raise InputError("--from needs SOURCE, which can have both a graph and a checkpoint")
    chosen = {name: given[name] for name in ("experiment", "averages")}
    if source is not None:
        return Given(source=locate(source, notice=notice).absolute(), way=given["way"], **chosen)
    if preset is not None and any(chosen.values()):
        raise InputError("--experiment and --weights are for a checkpoint of TF-Vision, not for --family")
    return _preset(given) if preset else _checkpoint(given)


def _preset(given: dict[str, Any]) -> Given:
    if given["seed"] is None:
        raise InputError(
            f"--family {given['family']} has no weights: give --random-weights SEED to measure it untrained, or "
            "--config and --checkpoint instead"
        )
    return Given(preset=given["family"], seed=given["seed"], classes=given["classes"])


def _checkpoint(given: dict[str, Any]) -> Given:
    config, checkpoint = given["config"], given["checkpoint"]
    if config is None or checkpoint is None:
        missing, there = ("--config", "--checkpoint") if config is None else ("--checkpoint", "--config")
        raise InputError(f"{there} needs {missing}: one says what to build, the other has the weights")
    if not config.is_file():
        raise InputError(f"--config {config} is not a file; give a pipeline.config, or a params.yaml of TF-Vision")
    return Given(
        config=config.absolute(),
        checkpoint=checkpoint.absolute(),
        experiment=given["experiment"],
        averages=given["averages"],
    )
