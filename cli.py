"""The command line: one lazy table of commands, and the one place that turns errors into exit statuses."""

from __future__ import annotations

import errno
import importlib
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from detlite.runtime.errors import DetliteError
from detlite.runtime.printable import printable
from detlite.runtime.version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "zoo": "List, show and fetch published models.",
    "inspect": "Say what a model file is, and what can be done with it.",
    "convert": "Make a float TFLite model with a contract of a trained model.",
    "export": "Write a finished model in another format.",
    "postprocess": "Add, change or strip the post-processing op of a .tflite.",
    "quantize": "Make an int8 TFLite model, calibrated with images, or one of another scheme.",
    "compile": "Compile a model for an accelerator: the Edge TPU, TensorRT or a Pixel's TPU.",
    "detect": "Find things in images and videos with a model, and draw them.",
    "context": "Make the memory of a camera for a Context R-CNN.",
    "compare": "Say what changed between two runs, or whether two models agree.",
    "measure": "Measure the latency of a model.",
    "evaluate": "Score a model by labels, or by how far it agrees with another model.",
    "sweep": "Run a plan: models, recipes and devices, here or on a dask cluster.",
    "results": "Show what is in the store of a study.",
    "report": "Write one report on runs that are finished.",
    "package": "Pack a model for where it is used: an Android app, a board, or MLPerf's app.",
    "devices": "Show your phones and boards, and clean them.",
    "doctor": "Say what would spoil a measurement on a device, and what cures it.",
    "cache": "Show what detlite keeps on this machine, and remove it.",
    "run": "Do all of it for a detector: fetch, convert, quantize, measure, score, report; or run a saved job.",
}

RESUMED = {
    "run": "the finished stages are kept",
    "measure": "the finished processes of a run with -o, and of devices, are kept",
    "evaluate": "the images that a device has finished are kept",
    "sweep": "the finished stages are kept",
    "zoo": "what was downloaded is kept",
    "context": "the finished images are kept",
}
"""Commands that resume, and what they keep when interrupted."""

EPILOG = """\b
Exit status: 0 done; 1 a gate or a finding failed; 2 bad usage or bad input;
3 something is missing in the environment; 4 a device or a backend failed; 130 interrupted."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

NO_TEMPORARY_FOLDER = "No usable temporary directory found"
"""How `tempfile` begins its error, a FileNotFoundError without a file's name."""


RUNTIMES = (
    "numpy",
    "pillow",
    "ai-edge-litert",
    "tflite-runtime",
    "onnxruntime",
    "tensorflow",
    "tensorflow-cpu",
    "onnx",
)
"""Distributions whose versions decide results."""


def _say_versions(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    import platform
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"detlite, version {__version__}", f"Python {platform.python_version()}, {platform.platform()}"]
    for name in RUNTIMES:
        with suppress(PackageNotFoundError):
            lines.append(f"{name} {version(name)}")
    for line in lines:
        click.echo(line)  # noqa: TID251 - without the console's imports
    ctx.exit()


class LazyGroup(click.Group):
    """A group that imports a command's module when that command is called, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, from `detlite.commands.<name>`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"detlite.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the nearest name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"no command is called {args[0]!r};{hint} see detlite --help")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name from the table alone, importing none."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_versions,
    help="Show the versions of detlite and of what it runs on, and exit.",
)
def detlite() -> None:
    """Take trained vision models to the edge: convert, quantize, prove, measure.

    \b
    detlite run                                      the whole way, with a model of the zoo
    detlite inspect frozen_inference_graph.pb        what is this file?
    detlite convert model.tar.gz -o out/float        a float TFLite with a contract
    detlite quantize model.tar.gz -o out/int8 --images photos/
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; see `EPILOG`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up as Ctrl-C does
    try:
        status = detlite.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except click.exceptions.Abort:
        return _fail(interrupted_text(arguments), 130)
    except KeyboardInterrupt:
        return _fail(interrupted_text(arguments), 130)
    except click.ClickException as error:
        error.show()
        return 2
    except DetliteError as error:
        return _fail(str(error), error.exit_status)
    except BrokenPipeError:
        sys.stderr.close()  # a reader such as `head` has what it wanted
        return 0
    except OSError as error:
        if error.errno in DISK_FULL:
            return _fail(f"no room to write: {error}; make room and run again", 3)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return _fail(f"not allowed: {error}; choose a place that you may write to", 2)
        if str(error.strerror).startswith(NO_TEMPORARY_FOLDER):
            return _fail(f"{error.strerror}: set TMPDIR to a folder that you may write to", 3)
        raise
    return int(status or 0)


def interrupted_text(arguments: Sequence[str] | None) -> str:
    """Return what is said of an interruption: what a command keeps that resumes, or that nothing was written."""
    given = sys.argv[1:] if arguments is None else arguments
    name = next((word for word in given if word in COMMANDS), "")
    kept = RESUMED.get(name)
    if kept is None:
        return "interrupted; nothing was written that was not finished"
    return f"interrupted; {kept}, and running again goes on from there"


def _fail(text: str, status: int) -> int:
    click.echo(printable(f"detlite: {' '.join(text.split())}"), err=True)  # noqa: TID251 - without the console's imports
    return status


if __name__ == "__main__":
    sys.exit(main())
