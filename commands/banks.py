"""The option for the bank of features that a model reads beside an image."""

from __future__ import annotations

from pathlib import Path

import click

from detlite.commands.console import notice
from detlite.runtime.artifact import Artifact
from detlite.runtime.bank_file import bank_of, with_bank

bank_option = click.option(
    "--bank",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Bank of features that the model reads beside an image, from `detlite context build` (default: an empty one).",
)


def banked(artifact: Artifact, bank: Path | None) -> Artifact:
    """Return *artifact* with the *bank* that was given for it; a notice says where it reads one and none was given.

    Raises:
        InputError: the bank does not fit, or the model reads none.
    """
    found = bank_of(artifact.contract)
    if found is not None and bank is None:
        notice(f"{artifact.model} reads a bank of {found.width} features a row, and it is empty: give one with --bank")
    return with_bank(artifact, bank)
