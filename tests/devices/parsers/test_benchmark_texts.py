"""What TFLite's and LiteRT's benchmark programs print, in all their shapes, read."""

import pytest
from builders.device_texts import BENCHMARK, LITERT, PROFILE, PROFILE_CSV

from detlite.devices.parsers import benchmark_model, litert_benchmark, op_profile
from detlite.runtime.errors import InputError


def run_of(text: str) -> benchmark_model.BenchmarkRun:
    (run,) = benchmark_model.parse(text)
    return run


def prefixed(prefix: str) -> str:
    return "".join(f"{prefix}{line}\n" for line in BENCHMARK.splitlines())


@pytest.mark.parametrize(
    "prefix",
    ["INFO: ", "11-21 12:00:00.125  4711  4711 I tflite  : ", "I/tflite  : ", "1763726400.125  47  47 I tflite: "],
)
def test_every_prefix_gives_the_same_run_as_none(prefix):
    assert run_of(prefixed(prefix)) == run_of(BENCHMARK)


def test_the_first_count_is_the_warm_up_and_the_second_counts():
    run = run_of(BENCHMARK)
    assert (run.warm_up.count, run.warm_up.mean_ms) == (2, 25)
    assert (run.inference.count, run.inference.mean_ms, run.inference.std_ms) == (50, 20.25, 0.15)
    assert (run.init_ms, run.first_ms, run.threads, run.memory_mb) == (12.5, 30, 4, 20.25)


def test_newer_versions_have_percentiles():
    run = run_of(BENCHMARK.replace("avg=20250 std=150", "avg=20250 std=150 p5=19950 median=20200 p95=20800"))
    assert (run.inference.p5_ms, run.inference.median_ms, run.inference.p95_ms) == (19.95, 20.2, 20.8)


def test_a_mean_may_have_an_exponent():
    text = BENCHMARK.replace("avg=20250", "avg=1.03114e+07").replace("(avg): 20250", "(avg): 1.03114e+07")
    assert run_of(text).inference.mean_ms == pytest.approx(10311.4)


def test_a_single_inference_is_its_own_least_most_and_mean():
    run = run_of(
        BENCHMARK.replace("count=2 first=30000 curr=20000 min=20000 max=30000 avg=25000 std=5000", "count=1 curr=30000")
    )
    assert (run.warm_up.count, run.warm_up.min_ms, run.warm_up.mean_ms, run.warm_up.std_ms) == (1, 30, 30, None)


def test_several_runs_in_one_text_are_told_apart():
    assert [run.graph for run in benchmark_model.parse(BENCHMARK + BENCHMARK.replace("ssd", "other"))] == [
        "ssd.tflite",
        "other.tflite",
    ]


def test_two_means_that_contradict_each_other_are_a_problem():
    run = run_of(BENCHMARK.replace("Inference (avg): 20250", "Inference (avg): 10250"))
    assert run.problems == ("the mean is 20.25 ms on one line and 10.25 ms on another",)


def test_what_a_delegate_took_is_counted():
    line = "Replacing 60 out of 66 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 5 partitions.\n"
    (taken,) = run_of(BENCHMARK.replace("The input model", line + "The input model")).delegates
    assert (taken.delegate, taken.taken, taken.operators, taken.partitions) == ("TfLiteXNNPackDelegate", 60, 66, 5)


@pytest.mark.parametrize(
    ("said", "partitions"),
    [
        ("completely executed by the delegate.", 1),
        ("partially executed by the delegate w/ 3 delegate kernels.", 3),
        ("partially executed by the delegate", None),
    ],
)
def test_how_much_of_the_graph_a_delegate_runs_is_read(said, partitions):
    line = f"Explicitly applied GPU delegate, and the model graph will be {said}\n"
    (taken,) = run_of(BENCHMARK.replace("The input model", line + "The input model")).delegates
    assert (taken.delegate, taken.partitions) == ("GPU", partitions)


def test_an_xnnpack_that_says_it_took_nothing_fell_back():
    line = "Though XNNPACK delegate is explicitly applied, the model graph will not be executed by the delegate.\n"
    assert run_of(BENCHMARK.replace("The input model", line + "The input model")).fell_back == ("XNNPACK",)


@pytest.mark.parametrize(("asked", "name"), [("Use gpu", "GPU"), ("Use NNAPI", "NNAPI")])
def test_a_gpu_or_nnapi_that_took_nothing_fell_back_though_no_line_says_so(asked, name):
    assert run_of(BENCHMARK.replace("Use xnnpack", asked)).fell_back == (name,)


def test_a_run_that_failed_says_why_and_has_no_time():
    run = run_of("STARTING!\nGraph: [a.tflite]\nFailed to apply GPU delegate.\nBenchmarking failed.\n")
    assert (run.failure, run.inference) == ("Failed to apply GPU delegate.", None)
    assert run.problems == ("it ends before `Inference timings`: truncated, or the program failed",)


def test_the_profile_is_of_the_initialization_and_of_the_runs():
    first, second = op_profile.parse(PROFILE)
    assert (first.is_initialization, second.is_initialization) == (True, False)
    assert [(node.kind, node.name, node.mean_ms) for node in second.nodes] == [
        ("CONV_2D", "[conv/Relu6, conv/bias]:0", 3),
        ("ADD", "[add]:1", 1),
    ]


def test_the_csv_says_the_same_as_the_table():
    table, csv = op_profile.parse(PROFILE), op_profile.parse(PROFILE_CSV)
    assert [
        [(node.kind, node.name, node.first_ms, node.mean_ms, node.percent) for node in one.nodes] for one in csv
    ] == [[(node.kind, node.name, node.first_ms, node.mean_ms, node.percent) for node in one.nodes] for one in table]


def test_an_older_table_with_a_start_column_is_read():
    rows = [
        "\t[node type]\t[start]\t[first]\t[avg ms]\t[%]\t[cdf%]\t[mem KB]\t[times called]\t[Name]",
        "\tCONV_2D\t0.000\t3.250\t3.000\t100.000%\t100.000%\t0.000\t1\t[conv]:0",
        "1 nodes observed",
    ]
    (profile,) = op_profile.parse("==== Run Order ====\n" + "\n".join(rows) + "\n")
    assert [(node.first_ms, node.mean_ms) for node in profile.nodes] == [(3.25, 3.0)]


def test_a_profile_that_lists_fewer_nodes_than_were_observed_is_a_problem():
    second = op_profile.parse(PROFILE.replace("2 nodes observed", "3 nodes observed"))[1]
    assert second.problems == ("3 nodes were observed, but 2 are listed",)


def test_litert_prints_milliseconds():
    (results,) = litert_benchmark.parse(LITERT)
    assert (results.mean_ms, results.count, results.first_ms, results.peak_memory_mb) == (20.5, 50, 30.25, 24)


def test_litert_writes_json_with_the_same_numbers():
    text = '{"latency": {"avg_ms": 20.5, "num_runs": 50, "median_ms": 20.25}, "fully_accelerated": true}'
    (results,) = litert_benchmark.parse(text)
    assert (results.mean_ms, results.count, results.median_ms, results.fully_accelerated) == (20.5, 50, 20.25, True)


def test_a_mean_that_is_no_number_is_a_problem():
    (results,) = litert_benchmark.parse('{"latency": {"avg_ms": null, "num_runs": 50}}')
    assert (results.mean_ms, results.problems) == (None, ("missing: mean_ms: truncated",))


@pytest.mark.parametrize("parser", [benchmark_model, litert_benchmark, op_profile])
def test_a_text_of_something_else_is_one_clear_error(parser):
    with pytest.raises(InputError, match="expected "):
        parser.parse("sh: ./benchmark_model: Permission denied\n")
