"""Verdicts on recorded samples: no test here depends on the machine's speed."""

import numpy as np
import pytest
from builders.scripted_runs import scripted

from detlite.runtime.measure.scenario import Rows
from detlite.runtime.measure.verdict import reasons_in_turn, reasons_of

FACT = {"model_sha256": "a", "runtime": "r", "machine": "m", "placements": [], "warm_up_cut": 0, "load_ns": 1}


def rows_of(spans_ms, input_ms=0.0):
    """Consecutive samples whose interpreter took *spans_ms*, after *input_ms* of input."""
    invoke = (np.array(spans_ms) * 1e6).astype(np.int64)
    taken = invoke + (np.broadcast_to(input_ms, len(invoke)) * 1e6).astype(np.int64)
    ends, numbers, zero = np.cumsum(taken), np.arange(len(invoke)), np.zeros(len(invoke), np.int64)
    return Rows(np.stack([numbers, zero, ends - taken, ends - taken, taken - invoke, invoke, zero, ends], axis=1))


def in_turn(folder, spans_ms, **changes):
    return reasons_in_turn(scripted(folder), rows_of(spans_ms), {**FACT, **changes}, fewest=30)


def test_steady_samples_are_valid(tmp_path):
    assert in_turn(tmp_path, [2, 2, 2, 2.1, 2.5] * 8) == []


def test_a_median_that_rises_by_28_percent_in_turn_is_invalid(tmp_path):
    (reason,) = in_turn(tmp_path, [2.0] * 40 + [2.56] * 40)
    assert reason == "throttling, or another program: process 1 became 1.28 times as slow [1.28, 1.28]"


def test_a_median_that_falls_by_over_a_tenth_in_turn_is_invalid(tmp_path):
    (reason,) = in_turn(tmp_path, [2.4] * 40 + [2.0] * 40)
    assert reason == "drift: the median went from 2.400 to 2.000 ms during the measurement"


def test_a_median_that_moves_by_a_twentieth_is_valid(tmp_path):
    assert in_turn(tmp_path, [2.0] * 40 + [2.1] * 40) == []


def test_a_p90_of_13_times_the_median_is_invalid(tmp_path):
    (reason,) = in_turn(tmp_path, [2.0] * 4 + [26.0] + ([2.0] * 8 + [26.0] * 2) * 8)
    assert reason == "another program, or a changing clock: p90 is 13.0 times the median, over 2"


def test_a_tail_beyond_p90_is_valid(tmp_path):
    assert in_turn(tmp_path, ([2.0] * 19 + [26.0]) * 4) == []


@pytest.mark.parametrize(("spans_ms", "count"), [([2.0] * 17 + [26.0] * 3, 1), ([2.0] * 20, 0)])
def test_a_scenario_has_the_same_limit_of_its_tail(tmp_path, spans_ms, count):
    rows = rows_of(spans_ms * 4)
    reasons = reasons_of(scripted(tmp_path), [rows], [rows], [FACT])
    assert len([text for text in reasons if "p90 is 13.0 times the median, over 2" in text]) == count


def test_images_that_take_long_to_read_are_no_tail(tmp_path):
    rows = rows_of([2.0] * 80, input_ms=[0.1, 0.1, 0.1, 40.0] * 20)
    assert not any("p90" in text for text in reasons_of(scripted(tmp_path), [rows], [rows], [FACT]))


def test_a_model_that_is_replaced_in_turn_is_invalid(tmp_path):
    (reason,) = in_turn(tmp_path, [2.0] * 40, model_sha256_after="b")
    assert reason == "model: the file was replaced during the measurement; its sha256 were a, b"


def test_a_clock_that_steps_back_in_turn_is_invalid(tmp_path):
    assert in_turn(tmp_path, [2.0] * 40 + [-1.0] + [2.0] * 40)[0] == "clock: it stepped back at sample 41 of process 1"
