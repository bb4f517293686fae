"""Two runs: what may differ, what is noise, and what is a finding."""

import json
from pathlib import Path

import numpy as np
import pytest
from builders.run_records import accuracy, in_turn_of_version_1, latency, scenario_of_version_2
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.errors import InputError, UnknownNameError
from detlite.studies.compare.comparison import RunComparison, compare_runs, said
from detlite.studies.compare.limits import parse_limits
from detlite.studies.compare.record import run_record
from detlite.studies.compare.show import markdown, rows

SAMPLES = (5 + np.random.default_rng(1).gamma(2, 0.05, 400)).tolist()


def compare(first, second, *limits, allowed=()):
    records = [run_record(Path(f"{name}.json"), record) for name, record in (("before", first), ("after", second))]
    return compare_runs(*records, parse_limits(limits), allowed)


def change(found, name):
    return next(one for one in found.changes if one.name == name)


def with_draws(record, draws):
    """An accuracy with the draws of further figures."""
    return {**record, "draws": draws}


def times(factor):
    return [factor * sample for sample in SAMPLES]


def test_a_run_is_the_same_as_itself():
    found = compare(latency([SAMPLES]), latency([SAMPLES]), "latency_p90=+0%", "latency_p50=-0")
    assert {one.verdict for one in found.changes} == {"same"}
    assert found.findings == ()


def test_a_rise_over_the_limit_is_a_finding():
    found = compare(latency([SAMPLES]), latency([times(1.2)]), "latency_p90=+5%")
    (finding,) = found.findings
    assert (finding.name, finding.verdict) == ("latency_p90", "worse")
    assert finding.percent == pytest.approx(20)
    assert "latency_p90 rose by 20.0 % (from 5.1" in said(finding)
    assert said(finding).endswith("allowed is +5 %")


def test_a_rise_under_the_limit_is_none_and_a_fall_never_is():
    assert not compare(latency([SAMPLES]), latency([times(1.2)]), "latency_p90=+25%").findings
    assert not compare(latency([SAMPLES]), latency([times(0.5)]), "latency_p90=+5%").findings


def test_a_limit_without_percent_is_in_the_figure_s_unit():
    assert compare(latency([SAMPLES]), latency([times(1.2)]), "latency_p50=+0.5").findings
    assert not compare(latency([SAMPLES]), latency([times(1.2)]), "latency_p50=+1.5").findings


def test_a_difference_inside_the_noise_is_called_that_and_is_no_finding():
    again = (5 + np.random.default_rng(2).gamma(2, 0.05, 400)).tolist()
    found = compare(latency([SAMPLES]), latency([again]), "latency_p90=+0.01%", "latency_p90=-0.01%")
    assert [one.verdict for one in found.changes if one.name == "latency_p90"] == ["inside the noise"] * 2
    assert found.findings == ()


def test_the_interval_of_a_difference_holds_it():
    one = change(compare(latency([SAMPLES]), latency([times(1.1)])), "latency_p50")
    assert one.noise[0] < one.difference < one.noise[1]
    assert 0.3 < one.noise[0] < one.noise[1] < 0.7


def test_a_drift_widens_the_noise():
    """Blocks of neighbours are drawn: samples that hang together are worth fewer than they are."""
    slow = [5 + (i // 100) % 2 * 0.5 for i in range(400)]
    mixed = np.random.default_rng(3).permutation(slow).tolist()
    drifting = change(compare(latency([slow]), latency([slow[::-1]])), "latency_mean").noise
    steady = change(compare(latency([mixed]), latency([mixed[::-1]])), "latency_mean").noise
    assert drifting[1] - drifting[0] > 2 * (steady[1] - steady[0])


def test_a_better_map_is_better_and_a_better_latency_lower():
    draws = [29.0, 30.0, 31.0]
    better = accuracy(31.0, [draw + 1 for draw in draws])
    assert change(compare(accuracy(30.0, draws), better), "map").verdict == "better"
    assert change(compare(latency([SAMPLES]), latency([times(0.8)])), "latency_p50").verdict == "better"


def test_a_figure_without_an_interval_is_not_judged():
    found = compare(accuracy(30.0), accuracy(29.5))
    assert {one.verdict for one in found.changes} == {"not judged"}
    other = compare(latency([SAMPLES], load_ms=5.0), latency([times(1.2)], load_ms=9.0))
    verdicts = {one.name: one.verdict for one in other.changes}
    assert (verdicts["load"], verdicts["latency_p50"]) == ("not judged", "worse")


def test_what_is_called_better_or_worse_has_an_interval():
    records = latency([SAMPLES], size_bytes=1000), latency([times(1.2)], size_bytes=900, load_ms=3.0)
    judged = [one for one in compare(*records).changes if one.verdict in ("better", "worse")]
    assert all(one.noise is not None for one in judged)
    assert {"latency_p50", "size"} <= {one.name for one in judged}


def test_the_size_of_a_file_is_exact():
    one = change(compare(latency(size_bytes=1000), latency(size_bytes=900)), "size")
    assert (one.verdict, one.noise) == ("better", (-100, -100))


def test_further_numbers_and_classes_are_paired_by_their_draws():
    first = with_draws(accuracy(30.0, [29.0, 30.0, 31.0]), {"map50": [39.0, 40.0, 41.0], "ap:cat": [30.0, 30.0, 31.0]})
    second = with_draws(accuracy(31.0, [30.0, 31.0, 32.0]), {"map50": [40.0, 41.0, 42.0], "ap:cat": [29.0, 30.0, 33.0]})
    found = compare(first, second, "ap:cat=-1", "ap:dog=-1")
    assert (change(found, "map50").verdict, change(found, "map50").noise) == ("better", (1.0, 1.0))
    assert change(found, "ap:cat").verdict == "inside the noise"
    assert change(found, "ap:dog").verdict == "not judged"


def test_a_class_that_is_shown_because_it_changed_most_is_not_judged():
    first = with_draws(accuracy(30.0, [29.0, 30.0, 31.0]), {"ap:cat": [30.0, 30.0, 31.0]})
    second = with_draws(accuracy(31.0, [30.0, 31.0, 32.0]), {"ap:cat": [35.0, 35.0, 36.0]})
    assert change(compare(first, second), "ap:cat").verdict == "not judged"
    assert change(compare(first, second, "ap:cat=-1"), "ap:cat").verdict == "better"


def test_a_class_that_some_draws_do_not_hold_is_not_judged():
    first = with_draws(accuracy(30.0, [29.0, 30.0, 31.0]), {"ap:cat": [30.0, None, 31.0]})
    second = with_draws(accuracy(31.0, [30.0, 31.0, 32.0]), {"ap:cat": [35.0, None, 36.0]})
    assert change(compare(first, second, "ap:cat=-1"), "ap:cat").verdict == "not judged"


def test_draws_of_another_seed_are_not_paired():
    draws = [29.0, 30.0, 31.0]
    other = accuracy(29.0, draws, map_interval={"low": 28, "high": 31, "seed": 8})
    assert change(compare(accuracy(30.0, draws), other), "map").verdict == "not judged"


@pytest.mark.parametrize("draws", [5, {"map50": ["x"]}])
def test_damaged_draws_are_named(draws):
    records = [with_draws(accuracy(value, [29.0, 30.0]), draws) for value in (30.0, 29.0)]
    with pytest.raises(InputError, match=r"is no run record that detlite wrote: draws"):
        compare(*records)


def test_a_limit_also_holds_for_a_figure_that_is_not_judged():
    found = compare(accuracy(30.0), accuracy(29.5), "map=-0.3", "ap:dog=-1")
    assert [one.name for one in found.findings] == ["map"]
    assert said(found.findings[0]) == "map fell by 0.5 (from 30 % to 29.5 %, noise not known), allowed is -0.3"


def test_the_same_draws_of_the_same_images_pair_two_accuracies():
    draws = np.random.default_rng(0).normal(30, 3, 200)
    lower = (draws - 0.5 - np.random.default_rng(1).normal(0, 0.05, 200)).tolist()
    found = compare(accuracy(30.0, draws.tolist()), accuracy(29.5, lower), "map=-0.3")
    low, high = change(found, "map").noise
    assert -0.7 < low < -0.5 < high < -0.3  # each alone has an interval 12 wide
    assert [one.name for one in found.findings] == ["map"]


def test_draws_of_other_images_are_not_paired():
    draws = [29.0, 30.0, 31.0]
    other = accuracy(29.0, draws, images=99)
    assert change(compare(accuracy(30.0, draws), other), "map").noise is None


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (latency(device={"processor": "another", "cores": 4}), "device.processor: a board and another"),
        (latency(state_before={"power_mode": "10W", "governors": ["performance"]}), "power_mode: MAXN and 10W"),
        (latency(state_before={"power_mode": "MAXN", "governors": []}), "governors: .*'performance'.* and "),
        (latency(images=[{"index": 0, "name": "a.jpg", "sha256": "e" * 64}]), "images: "),
        (latency(threads=4), "threads: 1 and 4"),
        (latency(runtime="tflite-runtime 2.14.0", threads=4), r"runtime: .* and 1 more \(threads\)"),
        (latency(scenario="offline"), "scenario: single-stream and offline"),
    ],
)
def test_runs_that_were_not_made_alike_are_refused(second, said):
    with pytest.raises(InputError, match=f"not comparable: .*{said}.*--allow-different"):
        compare(latency(), second)


def test_engines_of_unlike_versions_of_tensorrt_are_not_comparable():
    old, new = (latency(runtime=f"TensorRT {version}, by trtexec") for version in ("10.3.0", "11.0.0"))
    with pytest.raises(InputError, match="runtime: TensorRT 10.3.0, by trtexec and TensorRT 11.0.0, by trtexec"):
        compare(old, new)


def test_an_invalid_run_is_refused_and_told_when_allowed():
    invalid = latency(reasons=["5 samples are under 30"])
    with pytest.raises(InputError, match=r"after\.json is INVALID because 5 samples .*--allow-different validity"):
        compare(latency(), invalid)
    (different,) = compare(latency(), invalid, allowed=["validity"]).different
    assert str(different) == "validity: VALID and INVALID because 5 samples are under 30"


def test_another_protocol_is_refused_but_not_other_threads():
    protocol = accuracy()["protocol"]
    with pytest.raises(InputError, match=r"protocol\.max_detections: 100 and 10; .*--allow-different protocol"):
        compare(accuracy(), accuracy(protocol={**protocol, "max_detections": 10}))
    assert compare(accuracy(), accuracy(protocol={**protocol, "threads": 4})).different == ()


POWERSAVE = {"power_mode": "MAXN", "governors": ["powersave"]}


@pytest.mark.parametrize("allowed", ["state_before", "state_before.governors", "all"])
def test_what_is_allowed_to_differ_is_told(allowed):
    found = compare(latency(), latency(state_before=POWERSAVE), allowed=[allowed])
    assert [str(one) for one in found.different] == ["state_before.governors: ['performance'] and ['powersave']"]


def test_a_name_that_only_begins_alike_is_not_allowed():
    with pytest.raises(InputError, match=r"state_before\.governors"):
        compare(latency(), latency(state_before=POWERSAVE), allowed=["state_before.gov"])


def test_when_a_run_was_made_and_how_long_its_images_took_is_no_condition():
    images = [{"index": 0, "name": "b.jpg", "sha256": "d" * 64, "decode_ns": 9}]
    state = {**latency()["state_before"], "at_s": 99.0, "load": 0.5}
    assert compare(latency(), latency(images=images, state_before=state)).different == ()


def test_figures_have_units_and_none_is_made_of_what_is_not_known():
    found = {one.name: (one.first.value, one.first.unit) for one in compare(latency(), latency()).changes}
    assert found["size"] == (1000, "bytes")
    assert found["stages_p50.invoke"] == (5.0, "ms")
    assert found["energy.energy_per_sample"] == (14.2, "mJ")
    assert not {"memory_peak", "stages_p50.decode", "samples"} & set(found)


def test_processes_that_differ_widen_the_noise():
    alike, apart = [times(1.0), times(1.0), times(1.0)], [times(1.0), times(1.1), times(1.2)]
    narrow = change(compare(latency(alike), latency(alike)), "latency_p50").noise
    wide = change(compare(latency(apart), latency(apart)), "latency_p50").noise
    assert wide[1] - wide[0] > 5 * (narrow[1] - narrow[0])


def test_the_latency_of_version_1_is_compared_as_what_it_was():
    old = [in_turn_of_version_1(samples) for samples in (SAMPLES, times(1.2))]
    found = compare(*old, "invoke_p90=+5%")
    assert [one.name for one in found.findings] == ["invoke_p90"]
    assert found.findings[0].noise is not None
    with pytest.raises(UnknownNameError, match="no figure of both runs is called 'latency_p90'"):
        compare(*old, "latency_p90=+5%")


def test_models_that_were_measured_in_turn_are_not_compared_with_a_scenario():
    with pytest.raises(InputError, match="not comparable"):
        compare(in_turn_of_version_1(), scenario_of_version_2())


def test_a_run_of_version_2_is_compared_with_one_of_today():
    old = scenario_of_version_2()
    assert compare(old, latency(), "latency_p90=+5%", allowed=["all"]).changes


def test_streams_are_one_number_a_run_and_not_judged():
    found = change(
        compare(latency(figures={"streams": 60}), latency(figures={"streams": 80}), "streams=-5%"), "streams"
    )
    assert (found.verdict, found.first.unit) == ("not judged", "streams")
    assert found.first.higher_is_better


def test_a_latency_is_not_compared_with_an_accuracy():
    with pytest.raises(InputError, match=r"before\.json is a record of measurement, after\.json of accuracy"):
        compare(latency(), accuracy())


def test_a_limit_on_a_figure_that_is_not_there_names_the_nearest():
    with pytest.raises(
        UnknownNameError, match="no figure of both runs is called 'latncy_p90'; did you mean 'latency_p90'"
    ):
        compare(latency(), latency(), "latncy_p90=+5%")


@pytest.mark.parametrize("text", ["latency_p90", "latency_p90=5%", "=+5%", "map=-x", "map=+1e9", "map=+", "a=b=+1"])
def test_a_limit_of_another_form_is_refused(text):
    with pytest.raises(InputError, match="want such as latency_p90=\\+5% or map=-0.3, with its sign"):
        parse_limits([text])


@given(before=st.floats(-1e6, 1e6), after=st.floats(-1e6, 1e6), size=st.integers(0, 100))
def test_a_change_passes_a_limit_in_one_direction_at_most(before, after, size):
    up, down = parse_limits([f"x=+{size}%", f"x=-{size}%"])
    assert not (up.is_passed_by(before, after) and down.is_passed_by(before, after))


def test_classes_are_shown_by_how_much_they_changed_and_no_more_than_five():
    first = [{"class": str(i), "ap": 50.0} for i in range(9)]
    second = [{"class": str(i), "ap": 50.0 - i} for i in range(9)]
    found = compare(accuracy(per_class=first), accuracy(per_class=second), "ap:1=-0.5")
    assert [one.name for one in found.changes if one.name.startswith("ap:")] == [f"ap:{i}" for i in (1, 4, 5, 6, 7, 8)]


def test_markdown_escapes_what_a_record_says():
    classes = [{"class": "<b>|`x`\n[y](z)", "ap": 50.0}]
    found = compare(accuracy(30.0, per_class=classes), accuracy(29.0, per_class=classes), "map=-0.3")
    text = markdown(found)
    assert text.splitlines()[0] == "### accuracy: 1 finding"
    assert "| map | 30 % | 29 % | -1 |  | **not judged: over -0.3** |" in text
    assert "ap:\\<b\\>\\|\\`x\\` \\[y\\]\\(z\\)" in text


def test_every_row_has_every_column():
    assert {len(row) for row in rows(compare(latency([SAMPLES]), latency([times(1.1)])))} == {6}


@pytest.mark.parametrize("word", ["emulated", "simulated"])
def test_no_figure_of_a_device_that_is_none_is_shown_without_the_word(word):
    records = [latency([times(factor)], reasons=["of it"], **{"emulated": True, word: True}) for factor in (1, 2)]
    found = compare(*records, "latency_p90=+5%", allowed=["validity"])
    assert all(row[0].startswith(f"{word} ") for row in rows(found))
    assert said(found.findings[0]).startswith(f"{word} latency_p90 rose")


def test_a_comparison_comes_back_from_its_record():
    found = compare(latency([SAMPLES]), latency([times(1.2)], threads=2), "latency_p90=+5%", allowed=["threads"])
    assert RunComparison.from_record(json.loads(json.dumps(found.to_record()))) == found
    scores = compare(accuracy(30.0), accuracy(29.5), "map=-0.3")
    assert RunComparison.from_record(json.loads(json.dumps(scores.to_record()))) == scores
