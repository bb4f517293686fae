"""The verdict on a run: what was asked, what was reached, and what makes it less sure."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from builders.run_records import latency

from detlite.accuracy.images import Images
from detlite.runtime.measure.results import Measurement
from detlite.studies.run.images import ImageSets
from detlite.studies.run.judge import Wanted, judge

PARITY = {
    "box_encodings_max_difference": 2e-5,
    "class_scores_max_difference": 1e-6,
    "tolerance": 1e-3,
    "passed": True,
}


def measured(times_ms, **changes):
    """A measurement of the interpreter's *times_ms*."""
    times = [round(1e6 * time) for time in times_ms]
    samples = [{"latency": times, "invoke": times}]
    protocol = {"scenario": "single-stream", "delegates": [], "models_in_turn": 2}
    return Measurement.from_record(latency(samples_ns=samples, **{"cautions": [], "protocol": protocol, **changes}))


def results(**changes):
    """A run of which everything is good, but for *changes*."""
    whole = {
        "fidelity": (95.0, 93.0, 97.0),
        "images": 150,
        "coco": None,
        "parity": PARITY,
        "measurements": (measured([4.0] * 50), measured([2.0] * 50)),
        "cautions": (),
        "calibrated": 100,
        **changes,
    }
    value, low, high = whole["fidelity"]
    fidelity = {"value": value, "images": whole["images"], "interval": {"low": low, "high": high}}
    calibrated = Images((Path("a"),) * whole["calibrated"], "")
    images = ImageSets(calibrated, Images((), ""), None, "", cautions=whole["cautions"])
    return SimpleNamespace(
        names=("float32", "int8"),
        name="int8",
        quantized=SimpleNamespace(history=({},)),
        scores={"fidelity": fidelity, "coco": whole["coco"]},
        parity=whole["parity"],
        measurements=whole["measurements"],
        images=images,
    )


def coco(ratio, low, high):
    interval = None if low is None else {"low": low, "high": high}
    return {"ratio_percent": ratio, "ratio_percent_interval": interval}


def test_a_run_that_reaches_all_without_a_caution_passes():
    found = judge(results(), Wanted())
    assert (found.passed, found.status, found.cautions) == (True, "pass", ())
    assert found.verdict == (
        "The int8 model reaches what was asked: fidelity is 95.00 % [93.00, 97.00], asked is at least 90. "
        "It takes 0.50 [0.50, 0.50] of the float model's time."
    )


def test_a_fidelity_of_86_misses_90():
    found = judge(results(fidelity=(86.0, 84.0, 88.0)), Wanted())
    assert (found.passed, found.status) == (False, "fail")
    assert "does not reach what was asked: fidelity is 86.00 % [84.00, 88.00], asked is at least 90" in found.verdict


def test_a_fidelity_of_86_passes_where_85_is_asked():
    assert judge(results(fidelity=(86.0, 85.2, 88.0)), Wanted(min_fidelity=85.0)).status == "pass"


def test_an_interval_that_begins_under_the_gate_is_a_caution():
    found = judge(results(fidelity=(91.0, 88.0, 93.0)), Wanted())
    assert (found.passed, found.status) == (True, "caution")
    assert found.cautions == ("fidelity 91.00 % [88.00, 93.00]: on other images 90 % may not be reached",)


def test_map_is_asked_as_a_share_of_the_float_models():
    found = judge(results(coco=coco(88.0, 86.0, 89.0)), Wanted())
    assert [(gate.gate, gate.passed) for gate in found.gates] == [("min_fidelity", True), ("min_map_ratio", False)]
    assert "COCO mAP over the float model's is 88.00 % [86.00, 89.00], asked is at least 90" in found.verdict


def test_a_float_model_without_any_map_misses_the_ratio():
    found = judge(results(coco=coco(None, None, None)), Wanted())
    assert not found.passed
    assert "is unknown: the float model's own is 0, asked is at least 90" in found.verdict


def test_a_float_model_that_computes_something_else_is_not_to_be_used():
    found = judge(results(parity={**PARITY, "box_encodings_max_difference": 0.5, "passed": False}), Wanted())
    assert (found.passed, found.rows[0].passed) == (False, False)
    assert found.verdict.startswith(
        "The float model does not match the graph: it differs in box encodings by up to 0.5"
    )


@pytest.mark.parametrize(
    ("changes", "caution"),
    [
        ({"images": 48}, "judged on 48 images: want at least 100, because scores on fewer depend on chance"),
        ({"calibrated": 4}, "calibrated with 4 images: fewer than 8 leave the ranges to chance"),
        ({"cautions": ("crops of eight photographs",)}, "crops of eight photographs"),
        (
            {"measurements": (measured([4.0] * 50), measured([2.0] * 50, cautions=["the machine is busy: load 12"]))},
            "the machine is busy: load 12",
        ),
        (
            {"measurements": (measured([4.0] * 50, reasons=["drift: it rose"]), measured([2.0] * 50))},
            "latency of float32 is INVALID: drift: it rose",
        ),
    ],
)
def test_nothing_is_green_beside_a_caution(changes, caution):
    found = judge(results(**changes), Wanted())
    assert (found.passed, found.status, found.cautions) == (True, "caution", (caution,))


def test_the_speed_of_an_invalid_measurement_is_not_judged():
    pair = (measured([4.0] * 50, reasons=["drift: it rose"]), measured([2.0] * 50))
    found = judge(results(measurements=pair), Wanted())
    assert found.speed is None
    assert found.verdict.endswith("Its speed is not judged.")


def test_the_speed_of_models_that_were_not_measured_in_turn_is_not_judged():
    one = {"scenario": "single-stream", "delegates": [], "models_in_turn": 1}
    pair = (measured([4.0] * 50, protocol=one), measured([2.0] * 50, protocol=one))
    assert judge(results(measurements=pair), Wanted()).speed is None


def test_a_finished_model_has_no_graph_to_match():
    found = judge(results(parity=None), Wanted())
    assert (found.passed, [row.name for row in found.rows]) == (True, ["fidelity"])
