"""The board's program, as a board runs it: `python3 -I board.pyz`, in a process of its own."""

import ast
import io
import json
import os
import re
import resource
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from builders.json_schemas import check_record
from builders.tiny_tflite import save_tiny
from PIL import Image

from detlite.devices.packaging import start
from detlite.devices.packaging.lean import lean_source
from detlite.devices.packaging.start import MODULES
from detlite.devices.packaging.zipapp import FIRST, START, board_program
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.studies.detect.results import DetectRun


@pytest.fixture(scope="session")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "tiny"
    return save_tiny(folder)


@pytest.fixture(scope="session")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    return path


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "board.pyz"
    path.write_bytes(board_program())
    return path


def run(program, *arguments, options=("-I",), **more):
    """Run the program with a cache beside it; *more* is `subprocess.run`'s."""
    command = [sys.executable, *options, str(program), *map(str, arguments)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(program.parent / "cache")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, text=True, timeout=120, env=environment, **{**streams, **more})


def write_no_file():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def modules_of(program):
    """The names of the program's modules."""
    with zipfile.ZipFile(program) as whole:
        return zipfile.ZipFile(io.BytesIO(whole.read(MODULES))).namelist()


def test_the_program_can_be_made_for_several_devices_at_once():
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: board_program(), range(4)))
    assert len(set(made)) == 1


def test_the_program_is_the_same_bytes_each_time_and_under_120_kb():
    assert board_program() == board_program()
    assert len(board_program()) < 120_000


def test_the_program_holds_the_runtime_alone(program):
    assert zipfile.ZipFile(program).namelist() == ["__main__.py", "board_start.py", MODULES]
    names = modules_of(program)
    assert {"detlite/runtime/session.py", "detlite/runtime/measure/scenarios/server.py"} <= set(names)
    assert all(name.startswith(("detlite/__init__", "detlite/runtime/")) for name in names)


def test_comments_and_docstrings_stay_here_and_lines_where_they_were():
    source = '"""Doc\nof two lines."""\n\nVALUE = "# no comment"  # one\n\n\ndef f():\n    """Doc."""\n\n\nLINE = 11\n'
    lean = lean_source(source)
    assert "Doc" not in lean
    assert "one" not in lean
    assert '"# no comment"' in lean
    assert lean.splitlines()[10] == "LINE = 11"


def test_no_docstring_is_left_empty():
    """A dataclass with an empty one makes one of its signature, at each start."""
    made = {}
    exec(lean_source('class A:\n    """Doc."""\n\n    x: int\n'), made)
    assert made["A"].__doc__


def test_a_detector_starts_without_what_its_contract_does_not_need(program, artifact, photo):
    run(program, "detect", artifact.model.parent, photo)
    told = run(program, "detect", artifact.model.parent, photo, options=("-I", "-v")).stderr
    imported = set(re.findall(r"^import '(detlite\.runtime\.[\w.]+)'", told, re.MULTILINE))
    assert {"detlite.runtime.session", "detlite.runtime.tasks.detection"} <= imported
    further = ("stream_inputs", "letterbox", "tasks.classification", "runners.backend", "measure", "image.files")
    assert not imported & {f"detlite.runtime.{name}" for name in further}


def test_the_selftest_passes(program):
    ran = run(program, "selftest", "--json")
    record = json.loads(ran.stdout)
    assert (ran.returncode, record["passed"]) == (0, True)
    assert {check["check"] for check in record["checks"]} >= {"python", "interpreter", "nms", "model"}


def test_the_board_finds_what_the_workstation_finds(program, artifact, photo):
    from detlite.runtime.image.read import read_image
    from detlite.runtime.session import Session

    want = Session(artifact).run(read_image(photo))
    record = json.loads(run(program, "detect", artifact.model.parent, photo, "--json").stdout)
    found = record["images"][0]["detections"]
    assert [one["box"] for one in found] == want.boxes.tolist()
    assert [one["score"] for one in found] == want.scores.tolist()
    assert found[0]["label"] == artifact.contract.labels[found[0]["class"]]


def test_the_json_of_a_board_has_the_keys_of_detlite_detect(program, artifact, photo):
    ran = run(program, "detect", artifact.model.parent, photo, "--score-threshold", 0.5, "--json")
    record = json.loads(ran.stdout)
    check_record(record)
    assert set(record) - {"schema", "schema_version"} == set(DetectRun("", (), "", True, ()).to_record(0.5))
    assert (record["model"], record["score_threshold"]) == (str(artifact.model), 0.5)


def test_the_board_measures(program, artifact, photo):
    ran = run(
        program,
        "measure",
        artifact.model.parent,
        "--images",
        photo.parent,
        "--processes",
        1,
        "--min-seconds",
        0,
        "--json",
    )
    record = json.loads(ran.stdout)
    assert (ran.returncode, record["samples"] > 0, record["protocol"]["input"]) == (0, True, "images")


def test_a_packed_model_needs_no_other_file(tmp_path, artifact, photo):
    program = tmp_path / "board.pyz"
    program.write_bytes(board_program(artifact, [photo]))
    record = json.loads(run(program, "detect", "--json").stdout)
    assert [one["image"] for one in record["images"]] == ["photo.npy"]
    assert record["model"] == "model.tflite"
    assert run(program, "selftest").returncode == 0
    assert run(program, "measure", "--processes", 1, "--queries", 40, "--min-seconds", 0).returncode == 0


def test_modules_are_compiled_once_and_kept(tmp_path, artifact, photo):
    program = tmp_path / "board.pyz"
    program.write_bytes(board_program())
    first = run(program, "detect", artifact.model.parent, photo)
    (folder,) = (tmp_path / "cache/detlite").iterdir()
    assert folder.name.startswith("board-")
    assert list(folder.rglob("session.*.pyc"))
    assert run(program, "detect", artifact.model.parent, photo).stdout == first.stdout


@pytest.mark.parametrize("options", [("-I", "-B"), ("-I",)])
def test_a_cache_is_not_needed(tmp_path, artifact, photo, options):
    program = tmp_path / "board.pyz"
    program.write_bytes(board_program())
    if "-B" not in options:
        (tmp_path / "cache").write_text("a file, where a folder is wanted")
    assert run(program, "detect", artifact.model.parent, photo, options=options).returncode == 0
    assert run(program, "selftest", options=options).returncode == 0
    assert not (tmp_path / "cache").is_dir()


def test_no_folder_for_the_modules_is_one_line_and_status_3(tmp_path):
    program = tmp_path / "board.pyz"
    program.write_bytes(board_program())
    ran = run(program, "selftest", preexec_fn=write_no_file)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (3, "", 1)
    assert ran.stderr.startswith("board.pyz: no folder for its modules: ")
    assert "set XDG_CACHE_HOME or TMPDIR" in ran.stderr


def test_a_result_that_cannot_be_written_is_no_success(program):
    with Path("/dev/full").open("w") as full:
        ran = run(program, "selftest", stdout=full)
    assert ran.returncode != 0
    assert "No space left on device" in ran.stderr


def test_a_folder_of_images_is_read_as_on_the_workstation(program, artifact, photo, tmp_path):
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    (tmp_path / "photos" / "sub" / "a.npy").write_bytes(photo.read_bytes())
    (tmp_path / "photos" / "notes.txt").write_text("not an image")
    asked = ("--images", tmp_path / "photos", "--queries", 5, "--min-seconds", 0, "--processes", 1, "--json")
    ran = run(program, "measure", artifact.model.parent, *asked)
    assert (ran.returncode, json.loads(ran.stdout)["protocol"]["input"]) == (0, "images")
    assert "photos: 1 file is not an image and was skipped: notes.txt" in ran.stderr


def test_images_of_one_name_are_not_packed(artifact, photo):
    with pytest.raises(InputError, match="two of the images have the same name"):
        board_program(artifact, [photo, photo])


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        ((), 2, "no command: use measure, detect or selftest"),
        (("measure",), 2, "want a MODEL: board.pyz has none packed in it"),
        (("measure", "nowhere"), 2, "nowhere does not exist: give an artifact folder or a model file"),
        (("detect", "nowhere", "x.npy"), 2, "nowhere does not exist: give an artifact folder"),
        (("measure", "{model}", "--scenario", "ofline"), 2, "did you mean 'offline'?"),
        (("measure", "{model}", "--preset", "quik"), 2, "did you mean 'quick'?"),
        (("measure", "{model}", "--threads", "0"), 2, "0 threads: want 1 to 256"),
        (("measure", "{model}", "--images", "nowhere"), 2, "cannot be read as a folder of images"),
        (("measure", "{model}", "--backend", "litetr"), 2, "did you mean 'litert'?"),
        (("measure", "{model}", "--backend", "tflite_runtime"), 3, "pip install tflite-runtime"),
        (("detect", "{model}", "{program}"), 2, "is no image, or is damaged"),
        (("detect", "{model}", "x.npy", "--lines", "--draw", "x"), 2, "leave out --lines or --draw"),
        (("sing",), 2, "invalid choice: 'sing'"),
    ],
)
def test_bad_usage_is_one_line_and_its_status(program, artifact, arguments, status, text):
    known = {"{model}": artifact.model, "{program}": program}
    ran = run(program, *(known.get(word, word) for word in arguments))
    assert (ran.returncode, ran.stdout) == (status, "")
    last = [line for line in ran.stderr.splitlines() if not line.startswith("INFO:")]
    assert len(last) == 1
    assert last[0].startswith("board.pyz: ")
    assert text in last[0]


def test_a_crash_of_the_interpreter_is_told(program, tmp_path, artifact, photo):
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"die_at": 0}))
    ran = run(program, "measure", script, "--backend", "scripted")
    assert ran.returncode == 4
    assert "died of SIGKILL" in ran.stderr


def test_a_boards_python_can_read_the_module_that_starts_it():
    ast.parse(START.read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="needs lib2to3, the grammar of Python 2")
@pytest.mark.filterwarnings("ignore:lib2to3")
def test_python_2_can_read_the_first_file():
    from lib2to3.pgen2.driver import Driver
    from lib2to3.pygram import python_grammar
    from lib2to3.pytree import convert

    assert Driver(python_grammar, convert).parse_string(FIRST.read_text(encoding="utf-8"))
    assert FIRST.read_text(encoding="utf-8").isascii()


@pytest.mark.parametrize("version", [(2, 7), (3, 6), (3, 8)])
def test_an_older_python_is_told_which_one_is_needed(program, version):
    code = f"import runpy, sys; sys.version_info = {version}; runpy.run_path({str(program)!r}, run_name='__main__')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = f"board.pyz needs Python 3.9 or newer; {sys.executable} is Python {version[0]}.{version[1]}: run it with a "
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "", said + "newer one, such as python3.11\n")


@pytest.mark.parametrize(
    ("version", "packages"), [((3, 9), "'numpy<2' tflite-runtime pillow"), ((3, 10), "numpy ai-edge-litert pillow")]
)
def test_the_packages_to_install_have_wheels_for_the_python(monkeypatch, version, packages):
    monkeypatch.setattr(start, "find_spec", lambda _name: None)
    monkeypatch.setattr(sys, "version_info", version)
    assert start.lacking().endswith(f": {sys.executable} -m pip install {packages}")


def test_a_python_with_numpy_lacks_nothing_that_every_command_needs():
    assert start.lacking() is None


@pytest.mark.parametrize("arguments", [("--help",), ("detect", "x", "y.png"), ("measure", "x")])
def test_a_python_without_numpy_is_told_what_to_install(program, arguments):
    ran = run(program, *arguments, options=("-I", "-S"))
    said = f"board.pyz: {sys.executable} lacks numpy, ai-edge-litert, pillow: {sys.executable} -m pip install numpy "
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "", said + "ai-edge-litert pillow\n")


def test_the_board_lists_nothing_under_a_score_of_0_3_unless_asked(program, artifact, photo):
    asked = run(program, "detect", artifact.model.parent, photo, "--json", "--score-threshold", 0)
    record = json.loads(run(program, "detect", artifact.model.parent, photo, "--json").stdout)
    every = json.loads(asked.stdout)["images"][0]["detections"]
    assert record["score_threshold"] == 0.3
    assert record["images"][0]["detections"] == [one for one in every if one["score"] >= 0.3]


@pytest.mark.parametrize("score", ["1.5", "nan", "high"])
def test_a_score_that_is_no_share_is_refused_on_the_board(program, artifact, photo, score):
    ran = run(program, "detect", artifact.model.parent, photo, "--score-threshold", score)
    assert ran.returncode == 2
    assert f"want a score in 0..1, got '{score}'" in ran.stderr


def test_the_board_draws_what_it_finds_and_replaces_no_picture_unasked(program, artifact, photo, tmp_path):
    arguments = ("detect", artifact.model.parent, photo, "--draw", tmp_path / "drawn", "--score-threshold", 0)
    assert run(program, *arguments).returncode == 0
    plain = read_image(photo)
    with Image.open(tmp_path / "drawn" / "photo.png") as picture:
        assert picture.size[0] % plain.shape[1] == 0
        first = np.asarray(picture)
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 1
    again = run(program, *arguments)
    assert again.returncode == 2
    assert "photo.png exists already; choose another folder, or pass --force" in again.stderr
    assert run(program, *arguments, "--force").returncode == 0
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["photo.png"]
