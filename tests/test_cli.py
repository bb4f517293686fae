"""What the command line says when it is interrupted."""

import tempfile
from pathlib import Path

import pytest

from detlite.cli import COMMANDS, RESUMED, detlite, interrupted_text, main
from detlite.runtime.version import __version__


@pytest.mark.parametrize("name", ["quantize", "convert", "detect"])
def test_an_interrupted_command_that_starts_anew_does_not_say_that_something_is_kept(name: str) -> None:
    assert interrupted_text([name, "x", "-o", "run"]) == "interrupted; nothing was written that was not finished"


def test_an_interrupted_run_says_that_its_stages_are_kept() -> None:
    want = "interrupted; the finished stages are kept, and running again goes on from there"
    assert interrupted_text(["run", "-o", "x"]) == want


def test_the_version_names_what_runs_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    first, second, *runtimes = capsys.readouterr().out.splitlines()
    assert first == f"detlite, version {__version__}"
    assert second.startswith("Python 3.")
    assert any(line.startswith("numpy ") for line in runtimes)
    assert any(line.startswith(("ai-edge-litert ", "tflite-runtime ")) for line in runtimes)


def test_only_commands_resume() -> None:
    assert set(RESUMED) <= set(COMMANDS)


def test_a_machine_without_a_folder_for_temporary_files_is_told_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    with pytest.raises(FileNotFoundError) as raised:
        tempfile.gettempdir()

    def fail(*_arguments: object, **_settings: object) -> int:
        raise raised.value

    monkeypatch.setattr(detlite, "main", fail)
    assert main(["doctor"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("detlite: No usable temporary directory found in [")
    assert err.endswith("]: set TMPDIR to a folder that you may write to\n")
