"""Texts that devices, their programs and compilers print."""

from collections.abc import Callable
from pathlib import Path

from builders.device_texts import BENCHMARK, PROFILE_CSV, TEXTS
from fuzz.mutations import blind, json_value, text
from fuzz.target import Target

from detlite.commands.job import read_job
from detlite.convert.targets.edgetpu.log import parse_log
from detlite.devices.inventory import read_inventory
from detlite.devices.recording import PARSERS, format_names, read_recording
from detlite.devices.survey.questions import parse_answers, python_facts
from detlite.studies.context.dates import listed_dates

COMPILER = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 420 ms.

Input model: model.tflite
Input size: 5.29MiB
Output model: model_edgetpu.tflite
Output size: 6.10MiB
On-chip memory used for caching model parameters: 5.70MiB
On-chip memory remaining for caching model parameters: 2.02MiB
Off-chip memory used for streaming uncached model parameters: 12.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 64
Operation log: model_edgetpu.log

Operator                       Count      Status

CONV_2D                        33         Mapped to Edge TPU
LOGISTIC                       1          More than one subgraph is not supported
See the operation log file for individual operation details.
"""
INVENTORY = """[orin]
kind = "jetson"
address = "orin.local"
user = "me"
port = 22
power_mode = "15W"

[phone]
kind = "pixel"
serial = "31021FDH2000AB"
benchmark_model = "benchmark_model"
emulated = true
"""
JOB = """detlite = "0.1.0"
command = "quantize"
folder = "."
arguments = ["model.tflite", 3]

[options]
images = ["a", "b"]
samples = 100
force = true
min-fidelity = 97.5
"""
LOOK = """\x1eask python
{"python": "3.11.2", "bits": 64, "modules": ["numpy"], "versions": {}, "libedgetpu": {}}
\x1eend 0
"""


def written(content: str, name: str = "text.txt") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


def shown(folder: Path) -> str:
    return (folder / "text.txt").read_text(encoding="utf-8", errors="replace")


def survey(folder: Path) -> object:
    return [python_facts(answer) for answer in parse_answers(shown(folder)).given.values()]


def parser(name: str, content: str, variant: str = "") -> Target:
    return Target(
        f"{PARSERS.removeprefix('detlite.')}.{name}{variant}",
        written(content),
        lambda folder: read_recording(folder / "text.txt", name),
        {"*": (text, text, text, blind)},
    )


DATES = "file_name,date\nphotos/a.jpg,2021-07-30 05:12:44\nb.jpg,2022-01-01 00:00:00\n"
TRAPS = '{"images": [{"file_name": "a.jpg", "date_captured": "2021-07-30 05:12:44"}, {"file_name": "b.jpg"}]}'
CAMERA = [Path("photos/a.jpg"), Path("photos/b.jpg")]

TARGETS = (
    *(parser(name, TEXTS[name]) for name in format_names() if name in TEXTS),
    parser("op_profile", PROFILE_CSV, ", CSV"),
    Target(
        "any recording", written(BENCHMARK), lambda folder: read_recording(folder / "text.txt"), {"*": (text, blind)}
    ),
    Target("compiler log", written(COMPILER), lambda folder: parse_log(shown(folder)), {"*": (text, text, blind)}),
    Target(
        "devices.toml",
        written(INVENTORY, "devices.toml"),
        lambda f: read_inventory(f / "devices.toml"),
        {"*": (text, text, blind)},
    ),
    Target("job.toml", written(JOB, "job.toml"), lambda f: read_job(f / "job.toml"), {"*": (text, text, blind)}),
    Target(
        "dates of images",
        written(DATES, "dates.csv"),
        lambda folder: listed_dates(folder / "dates.csv", CAMERA),
        {"*": (text, text, blind)},
    ),
    Target(
        "dates of camera traps",
        written(TRAPS, "dates.json"),
        lambda folder: listed_dates(folder / "dates.json", CAMERA),
        {"*": (json_value, json_value, text, blind)},
    ),
    Target("answers of a device", written(LOOK), survey, {"*": (text, blind)}),
)
