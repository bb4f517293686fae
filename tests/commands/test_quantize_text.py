"""What `detlite quantize` tells of a two-stage detector's regions."""

from types import SimpleNamespace

import pytest

from detlite.commands.quantize_text import say_model

NONE = {"regions": 4, "matched": 0.0, "rms": {}, "correlation": 1.0}
SOME = {"regions": 4, "matched": 0.75, "rms": {"boxes": 0.01, "logits": 0.2}, "correlation": 0.99}


@pytest.fixture
def told(tmp_path, capsys):
    """Return what is printed for an answer with these entries."""

    def lines(**entries):
        model = tmp_path / "model.tflite"
        model.write_bytes(b"model")
        request = SimpleNamespace(videos=None, images=(), recipe=SimpleNamespace(scheme="int8"))
        say_model(tmp_path, request, {"model": str(model), "history": [], **entries})
        return capsys.readouterr().out.splitlines()

    return lines


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            SOME,
            "regions: 75.0 % of 4 are the float model's, and of these boxes 0.01 rms, logits 0.2 rms, on a few "
            "calibration images",
        ),
        (NONE, "regions: 0.0 % of 4 are the float model's, on a few calibration images"),
        ({**NONE, "regions": 0}, "regions: the float model has none, on a few calibration images"),
    ],
)
def test_regions_without_a_match_have_no_error(told, error, text):
    assert told(region_error=error)[-1] == text


def test_a_stage_has_no_error_where_no_region_is_the_float_models(told):
    one = {"stage": "backbone", "operators": 60, "fidelity": 97.0, "error": SOME}
    rows = told(stages={"fidelity": 12.0, "error": NONE, "stages": [one], "verdict": "The backbone costs most."})
    assert rows[1].split() == ["int8", "12.00", "0.0", "-", "-", "-"]
    assert rows[2].split() == ["backbone", "float", "60", "97.00", "75.0", "0.01", "0.2", "0.9900"]


def test_a_model_that_says_nothing_has_no_signal_over_noise(told):
    silent = {"rms": 3e-8, "low": 3e-8, "high": 3e-8, "db": -227.0}
    lines = told(
        error={"images": 4, "logits": silent}, error_by_frame=[{"frame": 1, "db": -227.0}, {"frame": 20, "db": 21.04}]
    )
    assert "error of the raw outputs: logits 3e-08 rms (no signal), on 4 frames of the longest scenes" in lines
    assert "since a stream's begin: no signal at frame 1, 21.0 dB at frame 20" in lines
