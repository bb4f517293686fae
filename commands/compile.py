"""`detlite compile`: compile a model for an accelerator with the accelerator's own compiler."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from detlite.commands.command import WorkCommand
from detlite.commands.console import notice, progress, say
from detlite.commands.device_options import device_option, devices_asked_for
from detlite.commands.options import force_option, json_option, out_option
from detlite.commands.target import check_suffix, compile_choices, compile_on_device, show_answer
from detlite.convert.target import Target, TargetAnswer, TargetRequest
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

CHOICES = compile_choices()


@click.command(cls=WorkCommand)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--target", type=click.Choice(CHOICES.chips), required=True, help="Accelerator to compile for.")
@out_option
@CHOICES.add
@device_option
@force_option
@json_option
def command(models: tuple[Path, ...], target: str, out: Path, as_json: bool, **values: Any) -> None:
    """Compile int8 MODELS (.tflite files, or folders that detlite wrote) for the Edge TPU, or one for another target.

    \b
    detlite compile out/int8 --target edgetpu -o out/coral
    detlite compile detect.tflite --target edgetpu --fix all-lossless -o out/coral --fail-on "unmapped>1"
    detlite compile out/int8 --target tensor_g4 -o out/pixel9
    detlite compile out/int8_float_bias --target tensorrt --device orin -o out/orin

    The Edge TPU's compiler is proprietary: install it, or name a wrapper (a container, an ssh script), which is called
    with the compiler's arguments in the model's folder; {folder} in its command is replaced by that folder. Several
    models are compiled together to share the chip's memory. Without --fix a model is compiled unchanged; `detlite
    inspect --target edgetpu` says what would help.
    """
    name, chosen = CHOICES.named(target)
    _refuse(models, name, chosen, target)
    device = _device(name, target, values)
    with progress(chosen.steps) as report:
        request = TargetRequest(models, target, CHOICES.values(name, values), _say(as_json), notice, report)
        answer = (chosen.compile if device is None else device)(request, out, values["force"])
    show_answer(answer, as_json=as_json)


def _device(name: str, chip: str, values: dict[str, Any]) -> Callable[[TargetRequest, Path, bool], TargetAnswer] | None:
    """Return what compiles on the device that is asked for; None if this machine does."""
    asked = () if values["device"] is None else (values["device"],)
    devices = devices_asked_for(asked, values["inventory"])
    if not devices:
        return None
    compile_on = compile_on_device(name)
    if compile_on is None:
        raise InputError(f"--device: only TensorRT compiles on a device; for {chip}, leave it out")
    return partial(compile_on, devices[0])


def _say(as_json: bool) -> Callable[[str], None]:
    """Return what prints a line of the result: nothing does beside JSON."""
    return (lambda _line: None) if as_json else say


def _refuse(models: tuple[Path, ...], name: str, target: Target, chip: str) -> None:
    """Raise `InputError` where an option or a number of models is for another target, or a model of a wrong format."""
    for option, other in CHOICES.strangers(name):
        title = CHOICES.targets[other].title
        raise InputError(f"{option}: only for {title}; for {chip}, give one model and none of these options")
    if len(models) > 1 and not target.compiles_together:
        raise InputError(f"{counted(len(models), 'model')}: {chip} takes one at a time")
    for path in models:
        check_suffix(path, target, chip)
