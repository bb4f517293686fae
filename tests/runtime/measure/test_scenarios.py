"""MLPerf v1.0's scenarios, on devices whose times are known."""

import numpy as np
import pytest
from builders.served import judged, load, ms, served

from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.measure.loadgen_random import poisson_ns, sample_order
from detlite.runtime.measure.presets import PRESETS, SAMPLE_SEED, SCHEDULE_SEED
from detlite.runtime.measure.scenario import SCENARIOS, Judged, scenario_called


def test_single_stream_sends_the_next_query_when_the_one_before_is_answered():
    rows = served("single-stream", load(queries=5), [3, 1])
    assert (rows.scheduled_ns / 1e6).tolist() == [0, 3, 4, 7, 8]
    assert (rows.latency_ns / 1e6).tolist() == [3, 1, 3, 1, 3]


def test_single_stream_goes_on_until_its_time_is_over():
    assert served("single-stream", load(queries=5, min_duration_ns=ms(100)), [2]).queries == 50


def test_single_stream_takes_samples_in_loadgens_order():
    rows = served("single-stream", load(queries=2000, samples=7), [1])
    assert rows.sample.tolist() == sample_order(SAMPLE_SEED, 7, 2000).tolist()


def test_single_stream_ends_when_it_takes_far_too_long():
    assert served("single-stream", load(queries=100, max_duration_ns=ms(10)), [4]).queries == 3


def test_single_stream_quotes_the_ninetieth_percentile():
    wanted = load(queries=100, interval_ns=ms(50))
    found = judged("single-stream", wanted, served("single-stream", wanted, [1] * 89 + [6] * 11))
    assert (found.value, found.missing) == (6.0, ())


def test_one_single_stream_run_stands_for_two_more_scenarios():
    wanted = load(queries=100, interval_ns=ms(50))
    found = judged("single-stream", wanted, served("single-stream", wanted, [4]))
    assert found.figures == {
        "equivalent_offline_samples_per_second": 250.0,
        "equivalent_multi_stream_streams": 12,
    }


def test_multi_stream_sends_a_query_of_neighbouring_samples_each_interval():
    rows = served("multi-stream", load(queries=3, streams=3, interval_ns=ms(10)), [2])
    assert (rows.scheduled_ns / 1e6).tolist() == [0, 0, 0, 10, 10, 10, 20, 20, 20]
    assert (rows.query_latency_ns / 1e6).tolist() == [6, 6, 6]
    first = rows.sample[::3]
    assert rows.sample.tolist() == [(start + i) % 4 for start in first for i in range(3)]


def test_multi_stream_skips_the_intervals_in_which_the_query_before_still_runs():
    rows = served("multi-stream", load(queries=4, interval_ns=ms(10)), [2, 25, 2, 2])
    assert (rows.scheduled_ns / 1e6).tolist() == [0, 10, 40, 50]


def test_multi_stream_is_invalid_when_over_one_in_a_hundred_queries_is_late():
    wanted = load(queries=100, interval_ns=ms(10))
    fine = judged("multi-stream", wanted, served("multi-stream", wanted, [12] + [2] * 99))
    late = judged("multi-stream", wanted, served("multi-stream", wanted, [12, 12] + [2] * 98))
    assert (fine.figures["late_queries"], fine.missing) == (1, ())
    assert late.missing == (
        "tail: p99 of the queries is 12.000 ms, over the interval of 10",
        "tail: 2 of 100 queries made an interval be skipped; 1 % may",
    )


def test_server_sends_queries_as_a_poisson_process_whatever_the_device_does():
    rows = served("server", load(queries=50, per_second=100.0), [8])
    assert rows.scheduled_ns.tolist() == poisson_ns(SCHEDULE_SEED, 100, 50).tolist()


def test_server_queries_wait_in_the_order_in_which_they_came():
    rows = served("server", load(queries=200, per_second=100.0), [8])
    ends = 0
    for due, end in zip(rows.scheduled_ns, rows.end_ns, strict=True):
        ends = max(ends, due) + ms(8)
        assert end == ends


def test_the_queue_of_server_is_as_long_as_theory_has_it():
    # M/D/1 at a load of 0.5: the mean wait is load / (2 (1 - load)) = half a service (Pollaczek and Khinchine)
    rows = served("server", load(queries=40_000, per_second=50.0), [10])
    assert rows.latency_ns.mean() / 1e6 == pytest.approx(10 + 5, rel=0.03)


def test_server_is_invalid_over_its_limit():
    wanted = load(queries=300, per_second=100.0, limit_ns=ms(20))
    reasons = judged("server", wanted, served("server", wanted, [9.9])).missing
    assert reasons[0].startswith("tail: p99 is ")
    assert reasons[0].endswith("over the limit of 20 ms")


def test_offline_is_one_query_of_all_samples():
    wanted = load(offline_samples=12)
    rows = served("offline", wanted, [5])
    assert (rows.queries, len(rows), rows.sample.tolist()) == (1, 12, [0, 1, 2, 3] * 3)
    assert judged("offline", wanted, rows) == Judged(200.0, {"samples_per_second": 200.0}, ())


def test_offline_has_more_samples_where_the_time_wants_them():
    assert len(served("offline", load(min_duration_ns=ms(1000), expected_ns=ms(5)), [5])) == 220


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_something_of_every_scenario(name):
    from detlite.runtime.plugins import plugin_names

    others = {"camera"} if name.startswith("mlperf") else set()  # which MLPerf does not have
    assert {key.replace("-", "_") for key in PRESETS[name].queries} == set(plugin_names(SCENARIOS)) - others


def test_the_presets_of_mlperf_are_those_of_its_rules():
    small, large = PRESETS["mlperf-v1.0-ssd-mobilenet"], PRESETS["mlperf-v1.0-ssd-resnet34"]
    assert small.queries == {"single-stream": 1024, "multi-stream": 270336, "server": 270336, "offline": 1}
    assert (small.sample_count, small.interval_ms, round(small.quality_map, 2)) == (256, 50, 21.78)
    assert (large.sample_count, large.interval_ms, large.server_ms, round(large.quality_map, 2)) == (64, 66, 100, 19.8)
    assert (small.min_duration_s, small.offline_samples) == (600, 24576)


def test_an_unknown_scenario_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match="no scenario is called 'ofline'; did you mean 'offline'"):
        scenario_called("ofline")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"queries": 0}, "^0 queries, .*: each must be at least 1"),
        ({"streams": 0}, " 0 streams, .*: each must be at least 1"),
        ({"interval_ns": 0}, " 0 ns between queries, .*: each must be at least 1"),
        ({"per_second": 0.0}, "^0 queries a second: want more than 0"),
    ],
)
def test_a_load_of_nothing_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        load(**changes)


def test_latencies_of_no_rows_are_none():
    rows = served("server", load(), [1]).after(10)
    assert len(rows.query_latency_ns) == 0
    assert np.array_equal(rows.latency_ns, [])


def test_a_camera_drops_the_frames_that_come_while_the_model_is_busy_but_the_newest():
    rows = served("camera", load(queries=4, interval_ns=ms(10)), [2, 35, 2, 2])
    assert (rows.scheduled_ns / 1e6).tolist() == [0, 10, 40, 50]
    assert (rows.latency_ns / 1e6).tolist() == [2, 35, 7, 2]
    assert rows.sample.tolist() == [0, 1, 0, 1]


def test_a_camera_keeps_the_order_of_a_video():
    assert served("camera", load(queries=6, interval_ns=ms(10)), [2]).sample.tolist() == [0, 1, 2, 3, 0, 1]


def test_a_camera_counts_late_and_dropped_frames():
    wanted = load(queries=100, interval_ns=ms(10))
    found = judged("camera", wanted, served("camera", wanted, [2] * 49 + [25]))
    figures = found.figures
    assert (figures["camera_frames_per_second"], figures["late_frames"], figures["dropped_frames"]) == (100, 2, 1)
    assert (found.value, found.missing) == (25.0, ())


def test_a_model_that_is_slower_than_the_camera_is_invalid():
    wanted = load(queries=50, interval_ns=ms(10))
    found = judged("camera", wanted, served("camera", wanted, [15]))
    assert found.figures["dropped_share"] == pytest.approx(1 / 3, abs=0.02)
    assert found.missing[0].startswith("tail: 24 of 74 frames were dropped")


def test_mlperfs_presets_have_no_camera():
    assert "camera" not in PRESETS["mlperf-v1.0-ssd-mobilenet"].queries
