"""`detlite inspect --target edgetpu`: what will run where, before it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.console import emit_json, emit_table, notice
from detlite.convert.files.write_file import write_file
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import model_in

Command = TypeVar("Command", bound=Callable[..., Any])

multiple_subgraphs_option = click.option(
    "--multiple-subgraphs", is_flag=True, help="As with the compiler's --enable_multiple_subgraphs."
)
fail_on_option = click.option(
    "--fail-on",
    multiple=True,
    metavar="CONDITION",
    help="End with exit status 1 where it holds: 'unmapped>1', 'streamed>0', 'subgraphs>1'. May be given again.",
)
_OPTIONS = (
    click.option("--target", type=click.Choice(["edgetpu"]), help="Predict what this accelerator will run of FILE."),
    multiple_subgraphs_option,
    fail_on_option,
    click.option(
        "--picture", type=click.Path(path_type=Path), metavar="HTML", help="Draw the graph, by where it runs."
    ),
)


def target_options(command: Command) -> Command:
    """Add the options of a prediction to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def tflite_in(path: Path) -> Path:
    """Return the .tflite file that *path* is, or that the artifact there holds.

    Raises:
        InputError: there is none.
    """
    model = model_in(path) if path.is_dir() else path
    if model is None or not model.is_file():
        raise InputError(f"{path} holds no model; want a .tflite model, or a folder that detlite wrote")
    return model


def show_prediction(
    path: Path,
    *,
    target: str | None,
    multiple_subgraphs: bool,
    fail_on: tuple[str, ...],
    picture: Path | None,
    as_json: bool,
) -> bool:
    """Print the prediction for *target* and return True; without a target, do nothing and return False.

    Raises:
        FindingError: a gate failed.
        InputError: the model is damaged or compiled already, or an option makes no sense.
    """
    if target is None:
        if multiple_subgraphs or fail_on or picture is not None:
            raise InputError("--multiple-subgraphs, --fail-on and --picture go with --target edgetpu")
        return False
    from detlite.convert.targets.edgetpu.gates import check_gates, parse_gates
    from detlite.convert.targets.edgetpu.predict import predict
    from detlite.convert.targets.edgetpu.record import FIGURES, figures, prediction_record, verdict

    gates = parse_gates(fail_on, FIGURES)
    model = tflite_in(path)
    prediction = predict(model.read_bytes(), str(path), multiple_subgraphs=multiple_subgraphs)
    said = f"{path.name}: {verdict(prediction)}"
    if picture is not None:
        from detlite.convert.targets.edgetpu.picture import picture as draw

        write_file(picture, draw(prediction, path.name, verdict(prediction)).encode())
        notice(f"picture: {picture}")
    if as_json:
        emit_json(
            "edgetpu_prediction",
            {"path": str(path), "sha256": sha256_of(model), **prediction_record(prediction).to_record()},
        )
    else:
        show(prediction)
        click.echo(said)
    check_gates(gates, figures(prediction))
    return True


def show(prediction: Any) -> None:
    """Print a `Prediction` as tables: the compiler's log as it will be, and what to do about the rest."""
    from detlite.convert.targets.edgetpu.fix import offered
    from detlite.convert.targets.edgetpu.record import log_rows, notes, unmapped_rows

    emit_table(("Operator", "Count", "Status (predicted)"), log_rows(prediction))
    if prediction.unmapped_count and prediction.refusal is None:
        click.echo()
        emit_table(("Place", "Operator", "Why it stays on the CPU", "What to do"), unmapped_rows(prediction))
    click.echo()
    for fix in offered(prediction.graph):
        click.echo(f"could be fixed: {fix.title}, {fix.count} place(s): detlite compile --fix {fix.name}")
    for note in notes(prediction):
        click.echo(f"note: {note}")
