"""Two runs of benchmark_model: the mean is compared beyond what processes differ; other conditions are refused."""

import pytest
from builders.run_records import write

from detlite.runtime.errors import InputError
from detlite.studies.compare.comparison import compare_runs
from detlite.studies.compare.limits import parse_limits
from detlite.studies.compare.record import read_record


@pytest.fixture
def compared(tmp_path):
    def run(before, after, *limits):
        records = [read_record(write(tmp_path / f"{number}.json", one)) for number, one in enumerate((before, after))]
        return compare_runs(*records, parse_limits(limits), ())

    return run


def benchmark(*means, **changes):
    record = {
        "scenario": "single-stream",
        "validity": "VALID",
        "latency_mean_ms": sum(means) / len(means),
        "first_ms": 9.0,
        "runtime": "benchmark_model 0123456789ab",
        "threads": 4,
        "affinity": None,
        "protocol": {"arguments": ["--num_threads=4"], "processes": len(means)},
        "device": {"name": "pixel8", "identity": {"model": "Pixel 8"}},
        "processes": [{"inference": {"count": 50, "mean_ms": mean}} for mean in means],
    }
    return {"schema": "detlite.benchmark_model", "schema_version": 1, **record, **changes}


def test_a_mean_that_grew_beyond_the_processes_is_worse_and_a_finding(compared):
    found = compared(benchmark(5.0, 5.1, 4.9, 5.0), benchmark(6.0, 6.1, 5.9, 6.0), "invoke_mean=+5%")
    (one,) = [change for change in found.changes if change.name == "invoke_mean"]
    assert one.verdict == "worse"
    assert 0.85 < one.noise[0] < 1.0 < one.noise[1] < 1.15
    assert [finding.name for finding in found.findings] == ["invoke_mean"]


def test_a_mean_within_the_processes_is_inside_the_noise(compared):
    found = compared(benchmark(5.0, 5.6, 4.6, 5.2), benchmark(5.1, 5.5, 4.7, 5.3))
    assert [one.verdict for one in found.changes if one.name == "invoke_mean"] == ["inside the noise"]


def test_one_process_tells_no_noise(compared):
    (one,) = [change for change in compared(benchmark(5.0), benchmark(5.1)).changes if change.name == "invoke_mean"]
    assert one.noise is None


@pytest.mark.parametrize("changes", [{"threads": 1}, {"affinity": "f0"}, {"runtime": "benchmark_model ffffffffffff"}])
def test_other_conditions_are_refused(compared, changes):
    with pytest.raises(InputError, match="not comparable"):
        compared(benchmark(5.0), benchmark(5.0, **changes))


def test_a_damaged_record_is_refused(compared):
    with pytest.raises(InputError, match="processes holds 'x', want a list"):
        compared(benchmark(5.0), benchmark(5.0, processes="x"))
