"""The program that runs on a board: `python3 board.pyz measure | detect | selftest`.

It needs Python 3.9, numpy and one interpreter, and neither pip nor a network. Little is imported before it is needed:
a detection begins as soon as numpy and the interpreter are there.
"""

from __future__ import annotations

import argparse
import errno
import gc
import sys
from typing import Any, List, NoReturn, Optional

from detlite.runtime.errors import DetliteError, InputError
from detlite.runtime.version import __version__

EPILOG = """exit status: 0 done; 1 a finding; 2 bad usage or bad input; 3 something is missing on this machine;
4 a device or a backend failed; 130 interrupted"""
EXAMPLES = """examples:
  python3 board.pyz measure out/int8 --images photos/ --json
  python3 board.pyz measure model.tflite --scenario offline --preset standard -o run
  python3 board.pyz detect out/int8 photo.npy --json
  python3 board.pyz selftest"""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def parser(only: Optional[str] = None) -> argparse.ArgumentParser:
    """Return the parser of the command line, or, with *only*, one that knows that command alone: made in less time."""
    made = _Parser(
        prog="board.pyz",
        description="Measure and run a detector on this board.",
        epilog=f"{EXAMPLES}\n\n{EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"detlite {__version__}")
    commands = made.add_subparsers(dest="command", metavar="measure | detect | selftest", parser_class=_Parser)
    for name, (text, add_options) in COMMANDS.items():
        if only not in COMMANDS or name == only:
            add_options(commands.add_parser(name, help=text))
    return made


def _model_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", help="a folder that detlite wrote, or a model file; else the packed one")
    command.add_argument("--threads", type=int, default=1, help="of the interpreter (1)")
    command.add_argument("--backend", help="litert, tflite_runtime, edgetpu, onnx_runtime, tensorrt, null, scripted")
    command.add_argument("--delegate", action="append", dest="delegates", default=[], help="edgetpu, or a library")
    command.add_argument("--xnnpack", action="store_true", default=None, help="XNNPACK must take operators")
    command.add_argument("--no-xnnpack", action="store_false", dest="xnnpack", help="XNNPACK must not")
    command.add_argument("--json", action="store_true", dest="as_json", help="write the result as JSON")


def _measure_options(command: argparse.ArgumentParser) -> None:
    _model_options(command)
    command.add_argument("--scenario", default="single-stream", help="single-stream, multi-stream, server or offline")
    command.add_argument("--preset", default="quick", help="quick, standard or mlperf-v1.0-ssd-mobilenet, -resnet34")
    command.add_argument("--images", help="folder of images; noise where not given")
    command.add_argument("-o", "--output", dest="out", help="folder to keep the run in")
    command.add_argument("--force", action="store_true", help="replace a run that is there")
    command.add_argument("--streams", type=int, help="samples of each query of multi-stream (1)")
    command.add_argument("--target-qps", type=float, dest="per_second", help="queries a second of server (10)")
    command.add_argument("--end-to-end", action="store_true", help="offline counts reading the images too")
    command.add_argument("--accuracy", action="store_true", help="detect in every image, for mlperf_log_accuracy.json")
    command.add_argument("--profile", action="store_true", help="also the time of each operator")
    command.add_argument("--queries", type=int, help="at least, in place of the preset's")
    command.add_argument("--min-seconds", type=float, dest="min_duration_s", help="at least, in place of the preset's")
    command.add_argument("--processes", type=int, help="in place of the preset's")


def _detect_options(command: argparse.ArgumentParser) -> None:
    _model_options(command)
    command.add_argument("images", nargs="*", help="image files; .npy and .rgb ones need no Pillow")
    command.add_argument("--score", type=float, default=0.0, help="leave out what has less (0)")
    command.add_argument("--lines", action="store_true", help="write a line of JSON for each image, at once")
    command.add_argument("--list", dest="listed", help="file that names more images, one a line")


def _selftest_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", dest="as_json", help="write the result as JSON")


COMMANDS = {
    "measure": ("latency and throughput, by a scenario of MLPerf", _measure_options),
    "detect": ("what the model finds in images", _detect_options),
    "selftest": ("whether everything that is needed is here, and right", _selftest_options),
}


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line and return its exit status; see `EPILOG`."""
    try:
        words = sys.argv[1:] if arguments is None else arguments
        values = vars(parser(words[0] if words else None).parse_args(words))
        return _run(values.pop("command"), values)
    except DetliteError as error:
        return _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return _fail("interrupted; what was finished is kept", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.errno in DISK_FULL:
            return _fail(f"no room to write: {error}; make room and run again", 3)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return _fail(f"not allowed: {error}; choose a place that you may write to", 2)
        raise


def _run(command: Optional[str], values: Any) -> int:
    if command == "detect":
        from detlite.runtime.isolated import run_isolated

        return run_isolated(lambda: _detect(values))
    if command == "measure":
        from detlite.runtime.board_measure import measure_command

        return measure_command(values)
    if command == "selftest":
        from detlite.runtime.selftest import selftest_command

        return selftest_command(values)
    raise InputError("want a command: measure, detect or selftest; see board.pyz --help")


def _detect(values: Any) -> int:
    gc.disable()  # a tenth of the imports' time; what follows makes few cycles
    try:
        hashing = _begin_hashing(values["model"])  # while numpy and the interpreter are being imported
        from detlite.runtime.board_detect import detect_command

        return detect_command(values, hashing)
    except DetliteError as error:
        return _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return 130


def _begin_hashing(model: Optional[str]) -> Any:
    from pathlib import Path

    from detlite.runtime.hashing import Hashing

    path = Path(model) / "model.tflite" if model is not None else None
    return Hashing(path) if path is not None and path.is_file() else None


def _fail(text: str, status: int) -> int:
    sys.stderr.write(f"board.pyz: {' '.join(text.split())}\n")
    return status
