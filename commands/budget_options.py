"""Options of `detlite quantize` for budgets: what a model must reach, and by which means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from detlite.calibration.weights.twin_choice import ALL, AUTO, DEFAULT_MAX_MACS, NONE, TWIN_CHANNELS
from detlite.commands.command import option_group
from detlite.commands.options import FiniteRange
from detlite.convert.target import chip_names, target_of
from detlite.runtime.errors import InputError
from detlite.studies.search.judged import MOST_MACS

GATES = ("min_fidelity", "max_map_drop")

twin_options = option_group(
    "Twin channels",
    click.option(
        "--twin-channels",
        type=click.Choice(TWIN_CHANNELS),
        default=NONE,
        show_default=True,
        help="Compute activations twice, half a step apart: less error in plain int8, for more multiply-adds.",
    ),
    click.option(
        "--max-macs",
        type=FiniteRange(1, 4, min_open=True),
        help=f"Most multiply-adds with --twin-channels auto, as a multiple of the plain model's (default: "
        f"{DEFAULT_MAX_MACS}; {MOST_MACS:g} with a budget).",
    ),
)

budget_options = (
    click.option(
        "--min-fidelity",
        type=FiniteRange(0, 100),
        help="Keep operators in float until fidelity to the float model is surely at least this percentage.",
    ),
    click.option(
        "--max-map-drop",
        type=FiniteRange(0, 100),
        help="Keep operators in float until the loss of COCO mAP is surely at most this, in points; needs --coco.",
    ),
    click.option(
        "--max-error",
        "max_error",
        multiple=True,
        metavar="OUTPUT=RMS",
        help="Keep operators in float until the error of an output is surely at most this: logits=0.1. Repeatable.",
    ),
    click.option(
        "--target",
        type=click.Choice(chip_names()),
        help="Chip that the budget is for: where it runs no float operators, twin channels reach the budget instead.",
    ),
)


def gates_of(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the given budgets that have an option of their own, by its name."""
    return {gate: values[gate] for gate in GATES if values[gate] is not None}


def max_error_of(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the most error of each output that --max-error names.

    Raises:
        InputError: it is written otherwise, or names an output twice.
    """
    found = dict[str, float]()
    for name, value in map(_limit, values["max_error"]):
        if name in found:
            raise InputError(f"--max-error names {name} twice: give it once, with the number that counts")
        found[name] = value
    return found


def has_budget(values: Mapping[str, Any]) -> bool:
    """Return whether a budget is given."""
    return bool(gates_of(values) or values["max_error"])


def choose_means(values: dict[str, Any]) -> None:
    """Set how many twin channels may be used to reach a budget, by the target.

    Raises:
        InputError: options contradict each other.
    """
    if values["target"] is not None and not has_budget(values):
        raise InputError(
            "--target says how to reach a budget: it needs --min-fidelity, --max-map-drop or --max-error; to map a "
            "model, use `detlite compile --target`"
        )
    if values["target"] is not None and not target_of(values["target"]).runs_float:
        _refuse_float(values)
        values["twin_channels"] = AUTO
    if values["max_macs"] is not None and values["twin_channels"] != AUTO:
        raise InputError("--max-macs needs --twin-channels auto, which it limits")
    if values["max_macs"] is None:
        values["max_macs"] = MOST_MACS if has_budget(values) else DEFAULT_MAX_MACS
    if values["twin_channels"] == ALL and has_budget(values):
        raise InputError(
            "--twin-channels all leaves a budget nothing to choose: use --twin-channels auto, or leave the budget out"
        )
    if values["twin_channels"] != NONE and values["explain"]:
        raise InputError(f"{_twins_from(values)} and --explain cannot be combined: explain the plain model")


def _twins_from(values: Mapping[str, Any]) -> str:
    """Return the option that asks for twin channels: --target where it chose them."""
    given = click.get_current_context().get_parameter_source("twin_channels")
    is_chosen = values["target"] is not None and given is ParameterSource.DEFAULT
    return f"--target {values['target']}, which means twin channels," if is_chosen else "--twin-channels"


def _refuse_float(values: Mapping[str, Any]) -> None:
    chip = values["target"]
    if values["floating"]:
        raise InputError(f"--target {chip} runs no float operators: leave out --float")
    given = click.get_current_context().get_parameter_source("twin_channels")
    if values["twin_channels"] == NONE and given is not ParameterSource.DEFAULT:
        raise InputError(f"--target {chip} reaches a budget by twin channels alone: leave out --twin-channels none")


def _limit(text: str) -> tuple[str, float]:
    name, found, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not (name and found and math.isfinite(value) and value >= 0):
        raise InputError(f"--max-error {text!r}: want an output and its most error, such as logits=0.1")
    return name, value
