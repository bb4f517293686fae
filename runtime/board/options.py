"""The command line of the board's program: its words, and what they mean."""

from __future__ import annotations

import argparse
from typing import Any, Dict, List, NoReturn, Optional

from detlite.runtime.errors import InputError
from detlite.runtime.version import __version__

EPILOG = """exit status: 0 done; 1 a finding; 2 bad usage or bad input; 3 something is missing on this machine;
4 a device or a backend failed; 130 interrupted"""
EXAMPLES = """examples:
  python3 board.pyz measure out/int8 --images photos/ --json
  python3 board.pyz measure model.tflite --scenario offline --preset standard -o run
  python3 board.pyz detect out/int8 photo.npy --json
  python3 board.pyz selftest"""


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
    command.add_argument("--find", action="store_true", help="the most streams, or queries, that keep the limit")
    command.add_argument("--end-to-end", action="store_true", help="offline counts reading the images too")
    command.add_argument("--accuracy", action="store_true", help="detect in every image, for mlperf_log_accuracy.json")
    command.add_argument("--profile", action="store_true", help="also the time of each operator")
    command.add_argument("--queries", type=int, help="at least, not the preset's; of offline samples")
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


def parsed(words: List[str]) -> Dict[str, Any]:
    """Return the options in *words*, and the `command`.

    Raises:
        InputError: they are none.
    """
    return vars(parser(words[0] if words else None).parse_args(words))
