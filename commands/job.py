"""Jobs: one command line as a TOML file, written by `--save-job` and run by `detlite run FILE`.

::

    detlite = "0.1.0"          # the version that wrote it
    command = "quantize"
    folder = ".."              # where it runs, relative to this file; its own folder if not given
    arguments = ["out/float"]

    [options]                  # as on the command line, without the dashes
    output = "out/int8"
    images = "photos/"
    count = 100
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from detlite.convert.files.strict_toml import parse_toml
from detlite.convert.files.toml_lines import Place, lines_of
from detlite.convert.files.write_file import write_file
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.limited_file import read_limited
from detlite.runtime.version import __version__

SUFFIX = ".toml"
MOST_BYTES = 1 << 20
KEYS = ("detlite", "command", "folder", "arguments", "options")
NOT_SAVED = ("help", "save_job", "quiet", "verbose")
"""Parameters that do not belong to a job."""

Value = str | int | float | bool | list[Any]


@dataclass(frozen=True)
class Job:
    """One command line.

    Attributes:
        command: such as `quantize`.
        folder: where it runs; relative paths in it begin there.
        arguments: the positional ones, in order.
        options: by long name without the dashes; a list where an option takes or repeats several values.
        lines: the line of each key in the file, for messages.
        version: the detlite that wrote it.
    """

    command: str
    folder: Path
    arguments: tuple[str, ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    lines: Mapping[Place, int] = field(default_factory=dict)
    version: str = __version__


def check_new(path: Path, *, force: bool) -> None:
    """Raise `InputError` if a job cannot be written to *path*, or it exists and *force* is false."""
    if path.exists() and not force:
        raise InputError(f"{path} already exists: give --save-job another file")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path.parent} is not a folder: create it first, or give --save-job another file")


def job_of(context: click.Context, path: Path) -> Job:
    """Return the command line that was parsed into *context* as a job to be written to *path*."""
    given = [one for one in context.command.params if _is_given(context, one)]
    return Job(
        command=_path_of(context),
        folder=Path(os.path.relpath(Path.cwd(), path.absolute().parent)),
        arguments=tuple(text for one in given if isinstance(one, click.Argument) for text in _texts(context, one)),
        options={_key(one): _plain(context.params[str(one.name)]) for one in given if isinstance(one, click.Option)},
    )


def _path_of(context: click.Context) -> str:
    """Return the words of the command, such as `devices list`, without the program's name."""
    words: list[str] = []
    here = context
    while here.parent is not None:
        words.insert(0, str(here.info_name))
        here = here.parent
    return " ".join(words)


def overrides_in(context: click.Context) -> dict[str, Value]:
    """Return the options given in *context*, to replace those of a job; their paths are absolute."""
    given = [one for one in context.command.params if isinstance(one, click.Option) and _is_given(context, one)]
    return {_key(one): _plain(_absolute(context.params[str(one.name)])) for one in given}


def _absolute(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_absolute, value))
    return value.absolute() if isinstance(value, Path) else value


def _is_given(context: click.Context, parameter: click.Parameter) -> bool:
    source = context.get_parameter_source(str(parameter.name))
    return parameter.name not in NOT_SAVED and source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _texts(context: click.Context, argument: click.Argument) -> list[str]:
    value = context.params[str(argument.name)]
    return [str(one) for one in (value if isinstance(value, tuple) else (value,))]


def _key(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len).lstrip("-")


def _plain(value: Any) -> Value:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float | str) else str(value)


def write_job(path: Path, job: Job) -> None:
    """Write *job* to *path*, whole or not at all."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment(f"run it again with: detlite run {path.name}"))
    document.add("detlite", tomlkit.item(job.version))
    document.add("command", tomlkit.item(job.command))
    document.add("folder", tomlkit.item(job.folder.as_posix()))
    document.add("arguments", tomlkit.item(list(job.arguments)))
    document.add("options", tomlkit.item(dict(job.options)))
    write_file(path, tomlkit.dumps(document).encode())


def read_job(path: Path) -> Job:
    """Return the job in the file *path*.

    Raises:
        InputError: it is not TOML, or lacks a command; the error names the line if possible.
        UnknownNameError: a key is unknown; the error suggests the nearest.
    """
    data = read_limited(path, "a job", MOST_BYTES)
    try:
        table = parse_toml(data)
    except InputError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    lines = lines_of(data.decode("utf-8-sig"))
    for key in table:
        if key not in KEYS:
            raise _at(path, lines.get((key,)), unknown_name("key of a job", key, KEYS))
    job = {"folder": ".", "arguments": [], "options": {}, "detlite": __version__, **table}
    for key, kind, name in (("command", str, "text"), ("folder", str, "text"), ("options", dict, "a table")):
        if not isinstance(job.get(key), kind):
            raise _at(path, lines.get((key,)), InputError(f"a job needs {key!r}, and it must be {name}"))
    arguments = job["arguments"]
    if not isinstance(arguments, list) or not all(isinstance(one, str | int | float) for one in arguments):
        raise _at(path, lines.get(("arguments",)), InputError("'arguments' must be a list of texts"))
    return Job(
        command=job["command"],
        folder=path.absolute().parent / job["folder"],
        arguments=tuple(map(str, arguments)),
        options=job["options"],
        lines=lines,
        version=str(job["detlite"]),
    )


def _at(path: Path, line: int | None, error: InputError) -> InputError:
    place = f"{path}, line {line}" if line else str(path)
    return type(error)(f"{place}: {error}")


def run_job(job: Job, path: Path, overrides: Mapping[str, Value]) -> Any:
    """Run *job*, which was read from *path*, and return its result; the options *overrides* replace its own.

    Raises:
        InputError: the command or an option is invalid, or the folder does not exist; the error names the line.
        DetliteError: raised by the command.
    """
    root = click.get_current_context().find_root()
    command, context = _command(job, path, root)
    known = {_key(one): one for one in command.params if isinstance(one, click.Option) and one.name not in NOT_SAVED}
    for key in overrides:
        if key not in known:
            raise InputError(f"--{key} is not an option of detlite {job.command}, which {path} runs")
    options = {**job.options, **overrides}
    words = [word for key, value in options.items() for word in _words(job, path, known, key, value)]
    if not job.folder.is_dir():
        raise InputError(f"{path} runs in {job.folder}, which is not a folder: create it, or change 'folder'")
    with contextlib.chdir(job.folder):
        return _invoke(command, context, [*words, "--", *job.arguments], path)


def _command(job: Job, path: Path, root: click.Context) -> tuple[click.Command, click.Context]:
    command, context = root.command, root
    for word in job.command.split():
        names = command.list_commands(context) if isinstance(command, click.Group) else []
        found = command.get_command(context, word) if isinstance(command, click.Group) and word in names else None
        if found is None:
            raise _at(path, job.lines.get(("command",)), unknown_name("command", word, names))
        command, context = found, click.Context(found, parent=context, info_name=word)
    if isinstance(command, click.Group):
        known = ", ".join(command.list_commands(context)[:3])
        raise InputError(f"{path}: detlite {job.command} needs a command after it, such as {known}")
    if any(word.endswith(SUFFIX) for word in job.arguments) and context.info_name == "run":
        raise InputError(f"{path} runs {job.arguments[0]}: a job cannot run another job")
    return command, context


def _words(job: Job, path: Path, known: Mapping[str, click.Option], key: str, value: Value) -> Iterator[str]:
    """Yield the words of the command line for one option."""
    line = job.lines.get(("options", key))
    if key not in known:
        raise _at(path, line, unknown_name(f"option of detlite {job.command}", key, known))
    option = known[key]
    if option.is_flag:
        if not isinstance(value, bool):
            raise _at(path, line, InputError(f"{key} is a switch: true or false"))
        no = option.secondary_opts
        yield from [f"--{key}"] if value else no[:1]
        return
    times = value if option.multiple and isinstance(value, list) else [value]
    for one in times:
        parts = one if isinstance(one, list) else [one]
        if len(parts) != option.nargs or any(isinstance(part, list | dict | bool) for part in parts):
            raise _at(path, line, InputError(f"{key} takes {option.nargs} value{'s' * (option.nargs > 1)}"))
        yield from [f"--{key}={parts[0]}"] if option.nargs == 1 else [f"--{key}", *map(str, parts)]


def _invoke(command: click.Command, context: click.Context, words: Sequence[str], path: Path) -> Any:
    try:
        made = command.make_context(context.info_name, list(words), parent=context.parent)
    except click.UsageError as error:
        raise InputError(f"{path}: {error.format_message()}") from error
    with made:
        return command.invoke(made)
