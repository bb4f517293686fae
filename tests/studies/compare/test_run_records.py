"""Reading run records: what is one, and every way in which it can be wrong."""

import json

import pytest
from builders.run_records import accuracy, in_turn_of_version_1, latency, scenario_of_version_2, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detlite.runtime.errors import DetliteError, InputError
from detlite.studies.compare.comparison import compare_runs
from detlite.studies.compare.record import read_record, record_file, write_record


def test_what_is_written_is_read(tmp_path):
    write_record(tmp_path / "run.json", "accuracy", {"map": 30.5})
    record = read_record(tmp_path / "run.json")
    assert (record.kind, record.number("map"), record.number("nothing")) == ("accuracy", 30.5, None)


def test_a_record_is_a_file_of_json_or_a_folder_that_holds_one(tmp_path):
    run = write(tmp_path / "measurement.json", latency())
    assert record_file(run) == record_file(tmp_path) == run
    assert record_file(write(tmp_path / "run", accuracy())) == tmp_path / "run"
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    assert record_file(tmp_path / "model.tflite") is None
    assert record_file(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not whole JSON"),
        (json.dumps(latency())[:-50], "is not whole JSON"),
        ('{"map": NaN}', "it holds NaN"),
        ("[" * 100_000, "is not whole JSON"),
        ("[]", "is 'None'; want a record of detlite measure"),
        ('{"schema": "detlite.inspection"}', "is 'detlite.inspection'; want a record"),
        ('{"schema": "other.accuracy"}', "is 'other.accuracy'; want a record"),
        ('{"schema": ["detlite.accuracy"]}', "want a record"),
        ('{"schema": "detlite.accuracy", "schema_version": 9}', "is version 9 of detlite.accuracy; this reads 1"),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(tmp_path, text, said):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=said) as raised:
        read_record(tmp_path / "run.json")
    assert len(str(raised.value).splitlines()) == 1


def test_a_record_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="run.json cannot be read as a run record: No such file"):
        read_record(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (latency(load_ms=1e999), "it holds Infinity"),
        (latency(stages_p50_ms={"invoke": "5"}), "stages_p50_ms.invoke holds '5', want a number"),
        (latency(latency={"p90_ms": True}), "latency.p90_ms holds 'True'"),
        (latency(samples_ns=[{"latency": [5, "x"]}]), r"latency\[1\] holds 'x'"),
        (latency(samples_ns=[5, 6]), r"samples_ns\[0\] holds '5', want an object"),
        (scenario_of_version_2(latency_p50_ms=True), "latency.p50_ms holds 'True'"),
        (scenario_of_version_2(samples_ns=[5, 6]), r"samples_ns\[0\] holds '5', want an object"),
        (in_turn_of_version_1(samples_ms=[5.0, None]), "samples_ms holds 'None'"),
        (accuracy(map="30"), "map holds '30'"),
        (accuracy(map=10**400), "has over 64 bits"),
        (accuracy(per_class=[3]), "per_class is no list of classes"),
        (accuracy(per_class=[{"class": "cat", "ap": []}]), r"ap holds '\[\]'"),
        (accuracy(draws=[1.0, "x"]), "map_draws holds 'x'"),
        (accuracy(draws=[1.0, float("nan")]), "it holds NaN"),
    ],
)
def test_a_damaged_figure_is_named(tmp_path, record, said):
    path = write(tmp_path / "run.json", record)
    with pytest.raises(InputError, match=said):
        compare_runs(read_record(path), read_record(path))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), made=st.sampled_from([latency, scenario_of_version_2, in_turn_of_version_1, accuracy]))
def test_any_json_in_the_place_of_a_value_is_compared_or_refused(tmp_path, data, made):
    record = made()
    key = data.draw(st.sampled_from(sorted(record)))
    record[key] = data.draw(JSON)
    path, other = write(tmp_path / "a.json", record), write(tmp_path / "b.json", made())
    try:
        compare_runs(read_record(path), read_record(other), allowed=["all"])
    except DetliteError as error:
        assert len(str(error).splitlines()) == 1
