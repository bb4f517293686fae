"""The most that a device keeps up with, on devices whose speed is known."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from builders.scripted_runs import scripted

from detlite.runtime.errors import DeviceError, FindingError, InputError
from detlite.runtime.measure.run import measure_model
from detlite.runtime.measure.search import most_queries, most_streams, with_most


def trial_of(limit):
    """A device that keeps up with numbers to *limit*, and answers at most 100 queries per second."""
    asked = []

    def trial(value):
        asked.append(value)
        return SimpleNamespace(reasons=("tail: late",) if value > limit else (), samples=300, duration_s=3.0)

    trial.asked = asked
    return trial


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
def test_streams_are_found_to_the_last_one(limit):
    assert most_streams(trial_of(limit)) == limit


def test_few_trials_are_needed():
    trial = trial_of(100)
    most_streams(trial)
    assert len(trial.asked) <= 14


@pytest.mark.parametrize("limit", [7.0, 31.4, 90.0])
def test_a_rate_is_found_within_a_twentieth_and_keeps_the_limit(limit):
    assert limit / 1.05 <= most_queries(trial_of(limit)) <= limit


def test_a_device_that_keeps_up_with_nothing_is_told():
    with pytest.raises(FindingError, match="cannot keep the interval with even one stream"):
        most_streams(trial_of(0.5))
    with pytest.raises(FindingError, match=r"not even 6.25 queries per second"):
        most_queries(trial_of(1.0))


def test_the_streams_that_fit_in_an_interval_are_found(tmp_path):
    setup = scripted(tmp_path, scenario="multi-stream", invoke_ms=7.0)
    found = with_most(setup)
    assert found.streams == 7  # 49 ms of 50
    assert measure_model(found).validity == "VALID"


def test_a_run_that_was_begun_keeps_its_number(tmp_path):
    setup = scripted(tmp_path, scenario="multi-stream", invoke_ms=7.0)
    measure_model(replace(setup, streams=3), run=tmp_path / "run")
    assert with_most(setup, run=tmp_path / "run").streams == 3


def test_a_trial_that_fails_is_told(tmp_path):
    with pytest.raises(DeviceError, match="a trial with {'streams': 1} failed: .*died of SIGKILL"):
        with_most(scripted(tmp_path, scenario="multi-stream", die_at=40))


@pytest.mark.parametrize("scenario", ["single-stream", "offline"])
def test_where_nothing_can_be_found_it_says_so(tmp_path, scenario):
    with pytest.raises(InputError, match="--find works with multi-stream and server"):
        with_most(scripted(tmp_path, scenario=scenario))
