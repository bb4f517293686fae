"""`detlite cache`: show what detlite keeps on this machine, and remove it."""

from __future__ import annotations

import sys

import click

from detlite.commands.command import CommandGroup
from detlite.commands.completion import names_of
from detlite.commands.console import emit_json, emit_table, say
from detlite.commands.options import json_option
from detlite.convert.files.cache_contents import PARTS, CacheContents, cache_contents, cache_part, remove
from detlite.convert.files.cache_folder import default_cache_folder
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError


@click.group(cls=CommandGroup)
def command() -> None:
    """Show what detlite keeps on this machine, and remove it.

    \b
    detlite cache list
    detlite cache clean --yes
    detlite cache clean unpacked images
    """


@command.command("list")
@json_option
def list_parts(*, as_json: bool) -> None:
    """List the parts of the cache with their sizes.

    \b
    detlite cache list
    detlite cache list --json
    """
    folder, found = default_cache_folder(), cache_contents(default_cache_folder())
    if as_json:
        parts = [{"name": one.part.name, "items": len(one.paths), "size_bytes": one.size_bytes} for one in found]
        emit_json("cache_list", {"folder": str(folder), "parts": parts})
        return
    rows = [(one.part.name, len(one.paths), _megabytes(one.size_bytes), one.part.title) for one in found]
    emit_table(("part", "items", "MB", "what it is"), rows)
    say(f"{folder}: {_megabytes(sum(one.size_bytes for one in found))} MB")


@command.command("clean")
@click.argument("parts", nargs=-1, shell_complete=names_of(lambda: [part.name for part in PARTS]))
@click.option("--yes", is_flag=True, help="Remove without asking.")
def clean(parts: tuple[str, ...], *, yes: bool) -> None:
    """Remove PARTS of the cache (default: all that can be downloaded or made again), after asking.

    \b
    detlite cache clean
    detlite cache clean files unpacked --yes

    Only files that detlite wrote are removed. Do not clean while another detlite runs. The digests of downloads stay,
    so that a changed download is still found; partial downloads and unfinished work of devices stay unless they are
    named.
    """
    wanted = [cache_part(name) for name in parts] or [part for part in PARTS if not part.is_work]
    found = [one for one in cache_contents(default_cache_folder()) if one.part in wanted and one.paths]
    if not found:
        say(f"{default_cache_folder()}: nothing to remove")
        return
    if not yes:
        _ask(found)
    for one in found:
        remove(one)
    say(f"{default_cache_folder()}: {_total(found)} removed")


def _ask(found: list[CacheContents]) -> None:
    """Ask whether to remove what was *found*; `InputError` if nobody can answer, or the answer is no."""
    names = ", ".join(one.part.name for one in found)
    if not sys.stdin.isatty():
        raise InputError(f"{_total(found)} ({names}) would be removed: pass --yes to remove it without being asked")
    if not click.confirm(f"Remove {_total(found)} ({names}) from {default_cache_folder()}?", err=True):
        raise InputError("nothing was removed")


def _total(found: list[CacheContents]) -> str:
    items = counted(sum(len(one.paths) for one in found), "item")
    return f"{items}, {_megabytes(sum(one.size_bytes for one in found))} MB"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f}"
