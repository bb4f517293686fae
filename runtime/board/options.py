"""The command line of the board's program."""

from __future__ import annotations

import argparse
from typing import Any, Dict, List, NoReturn, Optional

from detlite.runtime.errors import InputError
from detlite.runtime.version import __version__

BACKENDS = "litert, tflite_runtime, edgetpu, onnx_runtime, tensorrt, null, scripted"
EPILOG = """exit status: 0 done; 1 a finding; 2 bad usage or bad input; 3 this machine lacks something;
4 a device or a back end failed; 130 interrupted"""
EXAMPLES = """examples:
  python3 board.pyz measure out/int8 --images photos/ --json
  python3 board.pyz measure model.tflite --scenario offline --preset standard -o run
  python3 board.pyz detect out/int8 photo.jpg --draw drawn/
  python3 board.pyz detect out/int8 photo.npy --json
  python3 board.pyz detect out/movinet clip.426x240.rgb --frames
  python3 board.pyz selftest"""


class _Parser(argparse.ArgumentParser):
    """A parser with one-line errors."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def parser(only: Optional[str] = None) -> argparse.ArgumentParser:
    """Return the parser of the command line; with *only*, of that single command, which is built faster."""
    made = _Parser(
        prog="board.pyz",
        description="Measure and run a model on this board.",
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
    command.add_argument("model", nargs="?", help="artifact folder or model file (default: the packed model)")
    command.add_argument("--threads", type=int, default=1, help="number of interpreter threads (default: 1)")
    command.add_argument(
        "--backend",
        help=f"back end: {BACKENDS} (default: by the model's suffix)",
    )
    command.add_argument(
        "--delegate",
        action="append",
        dest="delegates",
        default=[],
        help="delegate: edgetpu, or a library's path; repeatable",
    )
    command.add_argument("--xnnpack", action="store_true", default=None, help="require that XNNPACK runs operators")
    command.add_argument("--no-xnnpack", action="store_false", dest="xnnpack", help="run without XNNPACK")
    command.add_argument("--json", action="store_true", dest="as_json", help="write the result as JSON")


def _measure_options(command: argparse.ArgumentParser) -> None:
    _model_options(command)
    command.add_argument(
        "--scenario",
        default="single-stream",
        help="load scenario: single-stream (default), multi-stream, server, offline or camera",
    )
    command.add_argument(
        "--preset",
        default="quick",
        help="run length: quick (default), standard, mlperf-v1.0-ssd-mobilenet or -resnet34",
    )
    command.add_argument("--images", help="folder of images to run on (default: random noise)")
    command.add_argument("-o", "--output", dest="out", help="folder to write the run to")
    command.add_argument("--force", action="store_true", help="replace an existing run")
    command.add_argument("--streams", type=int, help="samples per query of multi-stream (default: 1)")
    command.add_argument("--fps", type=float, help="frames per second of camera (default: 30), or of multi-stream")
    command.add_argument(
        "--target-qps", type=float, dest="per_second", help="queries per second of server (default: 10)"
    )
    command.add_argument(
        "--find", action="store_true", help="find the most streams, or queries per second, within the latency limit"
    )
    command.add_argument("--end-to-end", action="store_true", help="include reading the images in offline's time")
    command.add_argument(
        "--accuracy", action="store_true", help="run on every image and write mlperf_log_accuracy.json"
    )
    command.add_argument("--profile", action="store_true", help="also measure the time of each operator")
    command.add_argument("--queries", type=int, help="minimum queries (offline: samples); overrides the preset")
    command.add_argument(
        "--min-seconds", type=float, dest="min_duration_s", help="minimum duration in seconds; overrides the preset"
    )
    command.add_argument("--processes", type=int, help="number of processes; overrides the preset")


def _score(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"want a score in 0..1, got {text!r}")
    return value


def _detect_options(command: argparse.ArgumentParser) -> None:
    _model_options(command)
    command.add_argument("images", nargs="*", help="image files; .npy and .rgb files need no Pillow")
    command.add_argument(
        "--score-threshold",
        type=_score,
        default=0.3,
        help="lowest score that is listed and drawn, 0..1 (default: 0.3); of a ranking the best five are",
    )
    command.add_argument("--draw", metavar="FOLDER", help="folder for pictures of what is found (needs Pillow)")
    command.add_argument("--force", action="store_true", help="replace pictures that exist")
    command.add_argument(
        "--lines", action="store_true", help="write a line of JSON for each image as soon as it is done"
    )
    command.add_argument("--bank", metavar="FILE", help="bank of features that the model reads beside an image")
    command.add_argument(
        "--frames",
        action="store_true",
        help="the images are frames of one video: files, folders, .npy (frames, height, width, 3), or raw .rgb",
    )
    command.add_argument("--list", dest="listed", help="file with more image paths, one per line")


def _selftest_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", dest="as_json", help="write the result as JSON")


COMMANDS = {
    "measure": ("measure latency and throughput in an MLPerf scenario", _measure_options),
    "detect": ("run the model on images", _detect_options),
    "selftest": ("check that everything needed is present and correct", _selftest_options),
}


def parsed(words: List[str]) -> Dict[str, Any]:
    """Return the options in *words*, and the `command`.

    Raises:
        InputError: they are not valid options.
    """
    return vars(parser(words[0] if words else None).parse_args(words))
