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
    assert "--against and --image are for a measurement without a scenario" in capsys.readouterr().err


def test_a_program_is_not_written_over(capsys, tmp_path):
    out = tmp_path / "board.pyz"
    assert main(["package", "--runtime", "-o", str(out)]) == 0
    first = out.read_bytes()
    assert main(["package", "--runtime", "-o", str(out)]) == 2
    assert "is there already; choose another name, or pass --force" in capsys.readouterr().err
    assert main(["package", "--runtime", "-o", str(out), "--force"]) == 0
    assert out.read_bytes() == first


def test_the_profiles_of_two_runs_are_compared(capsys, tmp_path):
    from tiny_tflite import tiny_contract, tiny_model

    from detlite.convert.artifact import step, write_artifact

    write_artifact(tmp_path / "tiny", tiny_model(), tiny_contract(), [step("convert", input_sha256="0" * 64)])
    plain = (tmp_path / "tiny", "--processes", 1, "--queries", 40, "--min-seconds", 0)
    measured(capsys, *plain, "--profile", "-o", tmp_path / "first")
    _status, record = measured(capsys, *plain, "--profile-against", tmp_path / "first")
    assert len(record["profile_differences"]) == len(record["profile"])


def test_a_run_without_a_profile_is_refused_for_comparing(capsys, tmp_path, script):
    assert main(["measure", str(script), "--backend", "scripted", "--profile-against", str(tmp_path)]) == 2
    assert "holds no profile: want the folder of a run that was measured with --profile" in capsys.readouterr().err
