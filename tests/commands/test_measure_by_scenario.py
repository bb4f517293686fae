"""`detlite measure --scenario` and `detlite package --runtime`, as users call them."""

import json

import pytest

from detlite.cli import main


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"invoke_ms": [5, 6]}))
    return path


def measured(capsys, *arguments):
    status = main(["measure", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("scenario", ["single-stream", "multi-stream", "server", "offline"])
def test_each_scenario_is_measured_and_kept(capsys, tmp_path, script, scenario):
    out = tmp_path / "run"
    status, record = measured(
        capsys, script, "--backend", "scripted", "--scenario", scenario, "--preset", "quick", "-o", out
    )
    assert (status, record["validity"], record["scenario"], record["preset"]) == (0, "VALID", scenario, "quick")
    assert record == json.loads((out / "measurement.json").read_text())


def test_what_changes_a_preset_is_said(capsys, script):
    _status, record = measured(capsys, script, "--backend", "scripted", "--queries", 40, "--processes", 1)
    assert record["preset"] == "quick, changed: processes, queries"
    assert record["protocol"]["queries"] == 40


def test_the_queries_of_offline_are_the_samples_of_its_one(capsys, script):
    asked = ("--scenario", "offline", "--queries", 50, "--processes", 2, "--min-seconds", 0)
    _status, record = measured(capsys, script, "--backend", "scripted", *asked)
    assert (record["samples"], record["queries"], record["validity"]) == (50, 2, "VALID")


def test_the_most_streams_are_found_and_measured(capsys, script):
    _status, record = measured(capsys, script, "--backend", "scripted", "--scenario", "multi-stream", "--find")
    assert (record["figures"]["streams"], record["validity"]) == (9, "VALID")  # of 5 and 6 ms in turn, within 50 ms


def test_a_failure_has_its_status_and_its_samples(capsys, tmp_path):
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"fail_at": 400}))
    status, record = measured(capsys, path, "--backend", "scripted", "--preset", "quick")
    assert status == 4
    assert record["samples"] == 99


def test_the_last_line_is_the_verdict(capsys, script, tmp_path):
    main(["measure", str(script), "--backend", "scripted", "-o", str(tmp_path / "run")])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"{script}: latency_p90_ms 6.000, VALID; {tmp_path / 'run'}"


def test_another_model_beside_it_is_for_a_measurement_without_a_scenario(capsys, script):
    assert main(["measure", str(script), "--against", str(script), "--scenario", "offline"]) == 2
    assert "--against and --image cannot be combined with --scenario" in capsys.readouterr().err


def test_a_program_is_not_written_over(capsys, tmp_path):
    out = tmp_path / "board.pyz"
    assert main(["package", "--runtime", "-o", str(out)]) == 0
    first = out.read_bytes()
    assert main(["package", "--runtime", "-o", str(out)]) == 2
    assert "already exists; choose another name, or pass --force" in capsys.readouterr().err
    assert main(["package", "--runtime", "-o", str(out), "--force"]) == 0
    assert out.read_bytes() == first


def test_a_damaged_image_is_not_packed(capsys, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("not an image")
    out = tmp_path / "board.pyz"
    assert main(["package", "--runtime", "--images", str(tmp_path / "photos"), "-o", str(out)]) == 2
    assert "a.jpg is no image, or is damaged" in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def artifact(tmp_path):
    from builders.tiny_tflite import save_tiny

    save_tiny(tmp_path / "tiny")
    return tmp_path / "tiny"


SHORT = ("--processes", 1, "--queries", 40, "--min-seconds", 0)


def test_real_images_are_used_where_none_are_given(capsys, artifact):
    pytest.importorskip("skimage")
    _status, record = measured(capsys, artifact, "--scenario", "single-stream", *SHORT)
    assert record["protocol"]["input"] == "images"
    assert "astronaut.png" in [image["name"] for image in record["images"]]


def test_noise_is_used_where_it_is_asked_for_and_said(capsys, artifact):
    _status, record = measured(capsys, artifact, "--noise", *SHORT)
    assert (record["protocol"]["input"], record["images"]) == ("noise", [])
    assert any(text.startswith("the input is noise") for text in record["cautions"])


def test_the_profiles_of_two_runs_are_compared(capsys, artifact, tmp_path):
    measured(capsys, artifact, *SHORT, "--profile", "-o", tmp_path / "first")
    _status, record = measured(capsys, artifact, *SHORT, "--profile-against", tmp_path / "first")
    assert len(record["profile_differences"]) == len(record["profile"])


def test_a_run_without_a_profile_is_refused_for_comparing(capsys, tmp_path, script):
    assert main(["measure", str(script), "--backend", "scripted", "--profile-against", str(tmp_path)]) == 2
    assert "has no profile: give the folder of a run that was measured with --profile" in capsys.readouterr().err
