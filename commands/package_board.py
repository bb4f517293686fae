"""`detlite package --runtime`: the board's program in one file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.command import option_group
from detlite.commands.console import emit_facts, emit_json, say
from detlite.commands.image_options import images_given
from detlite.convert.artifact import open_artifact, step
from detlite.convert.model import digest, model_of
from detlite.devices.packaging.zipapp import board_program
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image

Command = TypeVar("Command", bound=Callable[..., Any])


def runtime_option(command: Command) -> Command:
    """Add `--runtime` to *command*."""
    text = "Pack a program for a board in one file: python3 board.pyz measure | detect | selftest."
    return option_group("For a board", click.option("--runtime", is_flag=True, help=text))(command)


def package_for_board(
    model: Path | None, out: Path | None, values: dict[str, Any], *, as_json: bool, force: bool
) -> None:
    """Write the board's program to the file *out*, with *model*, an artifact or a file, and the images of *values*.

    Raises:
        InputError: *out* is missing or exists, nothing says how to use *model*, or an image is damaged.
    """
    if out is None:
        raise InputError("no output file: give -o board.pyz")
    if out.is_dir() or (out.exists() and not force):
        raise InputError(f"{out} already exists; choose another name, or pass --force to replace a file")
    images = images_given(values["images"]).paths if values["images"] else ()
    for image in images:
        read_image(image)  # a damaged image must not be found only on the board
    _write(out, program := _program(model, images))
    facts = {"file": str(out), "sha256": digest(program), "size_bytes": len(program), "images": len(images)}
    if as_json:
        emit_json("board_program", facts)
        return
    emit_facts({"model": model or "none", **facts})
    say(f"{out}: {len(program)} bytes; on the board: python3 {out.name} selftest")


def _program(model: Path | None, images: Sequence[Path]) -> bytes:
    """Return the program with *model* in it; a model file by itself gets the files of an artifact there."""
    if model is None:
        return board_program(None, images)
    artifact = open_artifact(model)
    if artifact.history:
        return board_program(artifact, images)
    read = model_of(artifact)
    with tempfile.TemporaryDirectory() as scratch:
        done = step("read", input_sha256=read.sha256)
        return board_program(read.after(done).save(Path(scratch) / "model"), images)


def _write(out: Path, program: bytes) -> None:
    part = out.with_name(out.name + ".part")
    try:
        part.write_bytes(program)
        part.chmod(0o755)
        part.replace(out)
    except FileNotFoundError as error:
        raise InputError(f"{out.parent} is not a folder; create it first") from error
    finally:
        part.unlink(missing_ok=True)
