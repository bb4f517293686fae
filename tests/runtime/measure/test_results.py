"""Measurements as records: of today's version, and of those that detlite 0.1 wrote."""

import json
from dataclasses import replace

import pytest
from builders.run_records import in_turn_of_version_1, latency, scenario_of_version_2
from builders.scripted_runs import scripted

from detlite.runtime.errors import InputError
from detlite.runtime.measure.measurement_text import measurement_verdict
from detlite.runtime.measure.results import Failure, Measurement, QuotedMetric, with_failure
from detlite.runtime.measure.run import measure_model


@pytest.mark.parametrize("scenario", ["single-stream", "multi-stream", "server", "offline"])
def test_a_measurement_comes_back_from_its_record(tmp_path, scenario):
    found = measure_model(scripted(tmp_path, scenario=scenario))
    assert Measurement.from_record(json.loads(json.dumps(found.to_record()))) == found


def test_version_2_keeps_the_query_and_the_interpreter_apart():
    found = Measurement.from_record(scenario_of_version_2())
    assert (found.latency.p50_ms, found.invoke.p50_ms, found.latency.p50_interval_ms) == (6.0, 5.0, (5.9, 6.1))
    assert (found.metric.name, found.metric.value) == ("latency_p90_ms", 7.0)
    assert found.figures["equivalent_multi_stream_streams"] == 8
    assert found.processes[0].drift.ratio == 1.01


def test_the_latency_of_version_1_was_the_interpreter_alone():
    found = Measurement.from_record(in_turn_of_version_1())
    assert (found.invoke.p50_ms, found.latency.p50_ms, found.latency.count) == (5.0, None, 0)
    assert found.samples_ns[0].invoke == (5_000_000, 5_500_000)
    assert found.samples_ns[0].latency == ()
    assert (found.metric.name, found.metric.value) == ("invoke_p50_ms", 5.0)


def test_the_other_model_of_version_1_is_kept():
    found = Measurement.from_record(in_turn_of_version_1())
    assert found.against.measurement.invoke.p50_ms == 10.0
    assert (found.against.invoke_p50_ratio, found.against.latency_p50_ratio) == (0.5, None)


def test_why_an_old_one_is_invalid_is_kept():
    found = Measurement.from_record(in_turn_of_version_1(validity="INVALID because 5 samples are under 30"))
    assert found.validity == "INVALID because 5 samples are under 30"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"schema_version": 4}, "want detlite.measurement of version 1, 2, 3, got detlite.measurement version 4"),
        ({"schema": "detlite.accuracy"}, "got detlite.accuracy version 3"),
        ({"samples": None}, "samples holds 'None', want a whole number"),
        ({"latency": {"p50_ms": "5"}}, "latency.p50_ms holds '5', want a number"),
    ],
)
def test_what_is_no_measurement_is_refused(changes, text):
    with pytest.raises(InputError, match=text):
        Measurement.from_record({**latency(), **changes})


def test_the_first_failure_is_kept_and_each_is_a_reason():
    found = Measurement.from_record(latency())
    failed = with_failure(with_failure(found, Failure("one", 4)), Failure("two", 3))
    assert (failed.failure.text, failed.reasons) == ("one", ("failure: one", "failure: two"))
    assert with_failure(found, None) is found


def test_a_verdict_without_a_figure_says_how_many_samples_it_needs():
    found = replace(
        Measurement.from_record(latency()), samples=4, metric=QuotedMetric("latency_p50_ms"), reasons=("few",)
    )
    last = measurement_verdict(found, None)
    assert last.endswith(": latency_p50_ms unknown: needs 5 samples, and there are 4, INVALID because few")
