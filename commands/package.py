"""`detlite package`: pack a model for an Android app, a board, or MLPerf's vision app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.command import WorkCommand, flag_of, flags_given, parameters_of
from detlite.commands.options import force_option, json_option
from detlite.commands.package_android import ANDROID, VERIFY, android_options, package_for_android, verify_built_app
from detlite.commands.package_board import package_for_board, runtime_option
from detlite.commands.package_mlperf import MLPERF, mlperf_options, package_for_mlperf
from detlite.runtime.errors import InputError

GOALS = ("runtime", "android", "verify", "mlperf")
"""The options that say what to do."""

OWN = tuple(map(parameters_of, (ANDROID, VERIFY, MLPERF)))
"""The options of each goal that has some: first the one that asks for it."""


@click.command(cls=WorkCommand)
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), help="Folder or file to write.")
@runtime_option
@android_options
@mlperf_options
@click.option(
    "--images", type=click.Path(path_type=Path), help="Images to pack for a board, or to compare client libraries on."
)
@force_option
@json_option
def command(model: Path | None, out: Path | None, as_json: bool, force: bool, **values: Any) -> None:
    """Pack MODEL for an app, a board or MLPerf: a folder that detlite wrote, or a finished model file.

    \b
    detlite package --runtime out/int8 --images photos/ -o board.pyz
    detlite package out/app --android -o out/android
    detlite package --verify app-release.apk
    detlite package out/float --mlperf -o out/mlperf
    """
    asked = [f"--{name}" for name in GOALS if values[name]]
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)} are different things to do: give one of them")
    _refuse_strangers()
    if values["mlperf"]:
        package_for_mlperf(model, out, values, as_json=as_json, force=force)
        return
    if values["runtime"]:
        package_for_board(model, out, values, as_json=as_json, force=force)
        return
    if values["verify"] is not None:
        if out is not None or values["images"] is not None:
            raise InputError("--verify writes nothing and reads no images: leave out -o and --images")
        verify_built_app(values["verify"], model, values, as_json=as_json)
        return
    if model is None or out is None:
        raise InputError("give a MODEL to pack and a folder to write, -o OUT; or --verify APK")
    if not values["android"]:
        raise InputError("give the target to pack for: --android, --runtime or --mlperf")
    package_for_android(model, out, values, as_json=as_json, force=force)


def _refuse_strangers() -> None:
    """Raise `InputError` where an option of a goal is given without the goal."""
    for goal, *others in OWN:
        given = flags_given(others)
        if given and not flags_given([goal]):
            raise InputError(f"{' and '.join(given)} {'need' if len(given) > 1 else 'needs'} {flag_of(goal)}")
