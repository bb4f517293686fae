"""A command line as a TOML file: `--save-job` writes it, and `detlite run` runs it to the same result."""

import json
from pathlib import Path

import click
import pytest
from builders.command_line import Detlite
from builders.model_files import write_photos
from builders.tiny_tflite import save_tiny

from detlite.cli import detlite as group
from detlite.commands.command import WorkCommand
from detlite.commands.job import Job, job_of, read_job, write_job
from detlite.runtime.errors import InputError


@pytest.fixture
def detlite(tmp_path):
    save_tiny(tmp_path / "tiny")
    write_photos(tmp_path / "photos", 2)
    return Detlite(tmp_path)


def written(folder, text):
    path = folder / "job.toml"
    path.write_text(text)
    return path


def parsed(line):
    """The job of a command line, as `--save-job job.toml` writes it."""
    name, *arguments = line.split()
    command = group.get_command(click.Context(group), name)
    context = command.make_context(name, arguments, parent=click.Context(group, info_name="detlite"))
    return job_of(context, Path("job.toml"))


@pytest.mark.parametrize(
    ("line", "arguments", "options"),
    [
        (
            "quantize out/float -o out/int8 --images photos/ --count 16 --float CONV_2D --float ADD",
            ("out/float",),
            {"output": "out/int8", "images": "photos", "count": 16, "float": ["CONV_2D", "ADD"]},
        ),
        ("measure out/int8 --no-xnnpack --json", ("out/int8",), {"xnnpack": False, "json": True}),
        ("evaluate a --coco val ann.json --min-map 20", ("a",), {"coco": ["val", "ann.json"], "min-map": 20.0}),
        ("compare a b --fail-on map=-0.3", ("a", "b"), {"fail-on": ["map=-0.3"]}),
        ("detect m a.jpg b.jpg", ("m", "a.jpg", "b.jpg"), {}),
    ],
)
def test_a_job_holds_what_was_given_and_no_defaults(line, arguments, options):
    job = parsed(line)
    assert (job.command, job.arguments, job.options) == (line.split()[0], arguments, options)


@pytest.mark.parametrize("value", ['a "b" \\ c', "é ß 日本", "-1", "tab\there", True, 3, 0.1, ["x", "y"], [["a", "b"]]])
def test_what_is_written_is_read(tmp_path, value):
    job = Job("quantize", Path("../x"), ("a b", "--c"), {"option": value})
    write_job(tmp_path / "job.toml", job)
    found = read_job(tmp_path / "job.toml")
    assert (found.command, found.arguments, found.options) == (job.command, job.arguments, job.options)
    assert found.folder == tmp_path / "../x"


def test_a_saved_job_runs_again_to_the_same_result_from_anywhere(detlite, tmp_path):
    first = detlite("detect", "tiny", "photos", "--score-threshold", 0, "--json", "--save-job", "job.toml")
    (tmp_path / "elsewhere").mkdir()
    again = Detlite(tmp_path / "elsewhere")("run", "../job.toml")
    assert (first.status, again.status) == (0, 0)
    assert json.loads(again.out) == json.loads(first.out)


def test_options_beside_a_job_replace_its_own(detlite, tmp_path):
    assert detlite("detect", "tiny", "photos/0.png", "--draw", "a.png", "--save-job", "job.toml").status == 0
    refused = detlite("run", "job.toml")
    assert refused.status == 2
    assert "a.png exists already" in refused.err
    assert detlite("run", "job.toml", "--force").status == 0


def test_an_output_beside_a_job_is_where_the_user_is(detlite, tmp_path):
    ran = detlite("postprocess", "tiny", "--add", "-o", "op", "--save-job", "job.toml")
    assert ran.status == 0, ran.err
    (tmp_path / "elsewhere").mkdir()
    assert Detlite(tmp_path / "elsewhere")("run", "../job.toml", "-o", "op").status == 0
    one, other = tmp_path / "op" / "model.tflite", tmp_path / "elsewhere" / "op" / "model.tflite"
    assert one.read_bytes() == other.read_bytes()


def test_an_option_that_the_command_does_not_have_is_refused_beside_a_job(detlite):
    detlite("detect", "tiny", "photos", "--save-job", "job.toml")
    ran = detlite("run", "job.toml", "--seed", 1)
    assert (ran.status, ran.err) == (2, "detlite: --seed is not an option of detlite detect, which job.toml runs\n")


def test_a_job_is_not_saved_over_a_file(detlite):
    (detlite.folder / "job.toml").write_text("mine")
    ran = detlite("detect", "tiny", "photos", "--save-job", "job.toml")
    assert (ran.status, ran.out) == (2, "")
    assert "job.toml already exists: give --save-job another file" in ran.err
    assert (detlite.folder / "job.toml").read_text() == "mine"


def test_a_command_that_fails_saves_no_job(detlite):
    assert detlite("detect", "nothing", "photos", "--save-job", "job.toml").status == 2
    assert not (detlite.folder / "job.toml").exists()


def test_a_command_that_ends_with_a_finding_saves_its_job(detlite):
    (detlite.folder / "photos" / "1.png").write_bytes(b"no image")
    assert detlite("detect", "tiny", "photos", "--save-job", "job.toml").status == 1
    assert read_job(detlite.folder / "job.toml").command == "detect"


def test_force_is_for_jobs(detlite):
    ran = detlite("run", "--force")
    assert ran.status == 2
    assert "--force works only with a job" in ran.err


JOB = """\
detlite = "0.1.0"
command = "detect"
arguments = ["tiny", "photos"]

[options]
threads = 1
%s
"""


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("jsn = true", "job.toml, line 7: no option of detlite detect is called 'jsn'; did you mean 'json'?"),
        ("json = 3", "job.toml, line 7: json is a switch: true or false"),
        ('draw = ["a", "b"]', "job.toml, line 7: draw takes 1 value"),
        ("force = true\nscore-threshold = 7", "job.toml: Invalid value for '--score-threshold'"),
        ("threads = " + "9" * 5000, "job.toml is not valid TOML: it holds an integer that does not fit in 64 bits"),
        ("json = ", "job.toml is not valid TOML: Invalid value (at line 7, column 8)"),
    ],
)
def test_a_wrong_option_is_named_with_its_line(detlite, option, text):
    written(detlite.folder, JOB % option)
    ran = detlite("run", "job.toml")
    assert (ran.status, ran.out) == (2, "")
    assert text in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('comand = "detect"', "line 1: no key of a job is called 'comand'; did you mean 'command'?"),
        ('\ncommand = "detct"', "line 2: no command is called 'detct'; did you mean 'detect'?"),
        ("command = 3", "line 1: a job needs 'command', and it must be text"),
        ("arguments = []", "a job needs 'command', and it must be text"),
        ('command = "detect"\narguments = "a"', "line 2: 'arguments' must be a list of texts"),
        ('command = "zoo"', "detlite zoo needs a command after it, such as fetch, list, show"),
        ('command = "run"\narguments = ["job.toml"]', "job.toml runs job.toml: a job cannot run another job"),
        ('command = "detect"\nfolder = "gone"', "gone, which is not a folder"),
    ],
)
def test_a_job_that_is_not_right_is_refused_in_one_line(detlite, text, error):
    written(detlite.folder, text)
    ran = detlite("run", "job.toml")
    assert (ran.status, ran.out) == (2, "")
    assert error in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_job_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read as a job"):
        read_job(tmp_path / "job.toml")


def test_every_command_that_writes_can_be_saved_as_a_job():
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    writes = {name for name, one in commands.items() if any(p.name in ("out", "draw") for p in one.params)}
    assert writes <= {name for name, one in commands.items() if isinstance(one, WorkCommand)}
