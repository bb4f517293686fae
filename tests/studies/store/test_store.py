"""The store: records with checksums in one file a process, and an index that can be deleted."""

import json
import multiprocessing

import pytest

from detlite.runtime.errors import InputError, UnknownNameError
from detlite.studies.store.condition import parse_condition
from detlite.studies.store.entry import Digests, ResultRecord, from_line, to_line
from detlite.studies.store.index import Index
from detlite.studies.store.store import NAME, make_store, open_store
from detlite.studies.store.upkeep import damage_in, garbage_in, remove


def done(key, at_us=1, **facts):
    return ResultRecord(key=key, kind="measure", status="done", facts=facts, at_us=at_us)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    return make_store(tmp_path / "study")


def segments(store):
    return sorted((store.root / "records").iterdir())


def test_a_line_gives_its_record_back():
    entry = ResultRecord(
        "k", "measure", "done", Digests(model="a"), {"map": 1.5, "ok": True}, {"a": [1]}, {"samples": "b"}
    )
    assert from_line(to_line(entry)) == entry


def test_a_record_of_today_is_read(store):
    store.append(done("k", at_us=1_795_948_212_553_571))
    assert store.find("k").at_us == 1_795_948_212_553_571


def test_a_line_with_one_other_byte_is_refused():
    line = to_line(done("k", map=21.0)).replace(b"21.0", b"27.0")
    with pytest.raises(InputError, match="checksum differs"):
        from_line(line)


def test_the_key_says_the_stage_and_every_digest():
    digests = [Digests(), Digests(model="a"), Digests(recipe="a"), Digests(images="a")]
    assert len({one.key(kind) for one in digests for kind in ("measure", "evaluate")}) == 8


def test_the_first_record_of_a_key_counts(store):
    store.append(done("k", at_us=2, map=20))
    store.append(done("k", at_us=1, map=10))
    assert store.find("k").facts == {"map": 10}
    assert [row.facts for row in store.select()] == [{"map": 10}]


def test_a_condition_selects_no_later_record_of_a_key(store):
    store.append(done("k", at_us=1, map=10))
    store.append(done("k", at_us=2, map=20))
    assert store.select(parse_condition("map>15")) == []


def test_a_failure_is_no_result(store):
    store.append(ResultRecord("k", "measure", "started"))
    store.append(ResultRecord("k", "measure", "failed", facts={"error": "no image"}))
    assert store.find("k") is None
    assert store.last_failure("k").facts == {"error": "no image"}
    assert store.starts("k") == 1


def test_a_deleted_index_is_made_again(store, tmp_path):
    store.append(done("k"))
    assert store.done() == {"k"}
    (index,) = (tmp_path / "cache/stores").glob("*.sqlite")
    index.unlink()
    assert store.done() == {"k"}


def test_a_damaged_index_is_made_again(store, tmp_path):
    store.append(done("k"))
    assert store.done() == {"k"}
    (index,) = (tmp_path / "cache/stores").glob("*.sqlite")
    index.write_bytes(b"no database at all" * 100)
    assert store.done() == {"k"}


def test_an_index_reads_what_was_appended_since(store):
    store.append(done("a"))
    assert store.done() == {"a"}
    store.append(done("b"))
    assert store.done() == {"a", "b"}


def test_a_segment_that_is_gone_is_forgotten(store):
    store.append(done("a"))
    assert store.done() == {"a"}
    segments(store)[0].unlink()
    assert store.done() == set()


def test_a_half_line_at_the_end_is_left_out_until_it_is_whole(store):
    line = to_line(done("b"))
    store.append(done("a"))
    (segment,) = segments(store)
    with segment.open("ab") as file:
        file.write(line[:20])
    assert store.done() == {"a"}
    with segment.open("ab") as file:
        file.write(line[20:])
    assert store.done() == {"a", "b"}


def test_a_damaged_record_is_named_and_skipped(store):
    store.append(done("a"))
    store.append(done("b"))
    (segment,) = segments(store)
    segment.write_bytes(segment.read_bytes().replace(b'"key":"a"', b'"key":"c"'))
    assert store.done() == {"b"}
    (text,) = damage_in(store)
    assert text == f"damaged record: {segment.name}, byte 0: its checksum differs: it was cut off or changed"


def test_a_record_that_is_damaged_after_it_was_indexed_is_left_out(store):
    store.append(done("a"))
    store.append(done("b"))
    assert store.find("a") is not None
    (segment,) = segments(store)
    segment.write_bytes(segment.read_bytes().replace(b'"key":"a"', b'"key":"c"'))
    assert store.find("a") is None
    assert [entry.key for entry in store.entries(["a", "b"])] == ["b"]


def test_after_a_failed_write_the_next_record_is_in_a_new_segment(store, monkeypatch):
    store.append(done("a"))
    with monkeypatch.context() as full:
        full.setattr("os.write", lambda _file, data: len(data) // 2)
        with pytest.raises(OSError, match="No space left"):
            store.append(done("b"))
    store.append(done("c"))
    assert store.done() == {"a", "c"}
    assert len(segments(store)) == 2


def write_many(root, name, count):
    store = open_store(root)
    for number in range(count):
        store.append(done(f"{name}{number}", at_us=number))


def test_two_processes_write_at_once_and_nothing_is_lost(store):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(store.root, name, 20)) for name in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        store.done()
    assert len(store.done()) == 40
    assert len(segments(store)) == 2


def test_a_newer_store_is_refused(store):
    head = store.root / NAME
    head.write_text(json.dumps(json.loads(head.read_text()) | {"schema_version": 2}))
    with pytest.raises(InputError, match="version 2; this detlite reads version 1: use the detlite that wrote it"):
        open_store(store.root)


def test_a_folder_of_others_does_not_become_a_store(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match=r"exists without store\.json: choose a new folder"):
        make_store(tmp_path)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ["a", "b", "c"]),
        ("device=orin", ["a"]),
        ("device=orin and p90_ms<30", ["a"]),
        ("p90_ms>=30", ["b"]),
        ("p90_ms!=30", ["a"]),
        ("simulated=true", ["b"]),
        ('device="30"', ["c"]),
        ("device=30", []),
    ],
)
def test_a_condition_selects(store, text, keys):
    rows = {"a": {"device": "orin", "p90_ms": 20}, "b": {"device": "host", "p90_ms": 30.0, "simulated": True}}
    for key, facts in {**rows, "c": {"device": "30"}}.items():
        store.append(done(key, **facts))
    condition = parse_condition(text)
    listed = store.select(condition)
    assert [row.key for row in listed] == keys
    assert [row.key for row in store.select() if condition.holds(row.facts)] == keys  # the same in Python as in SQL


def test_a_condition_on_an_unknown_fact_names_the_nearest(store):
    store.append(done("a", latency_p90_ms=3))
    with pytest.raises(UnknownNameError, match="did you mean 'latency_p90_ms'"):
        store.select(parse_condition("latency_p9_ms<30"))


def test_a_condition_that_cannot_be_read_is_told():
    with pytest.raises(InputError, match="cannot read 'device is orin' in the condition"):
        parse_condition("device is orin and map>3")


def test_blobs_are_kept_once_and_checked(store):
    first, second = store.put(b"samples"), store.put(b"samples")
    assert first == second
    assert store.get(first) == b"samples"
    place = store.root / "blobs" / first[:2] / first
    place.write_bytes(b"sample")
    with pytest.raises(InputError, match="is damaged: its sha256 differs"):
        store.get(first)


def test_a_missing_blob_is_reported(store):
    store.append(ResultRecord("k", "measure", "done", blobs={"samples": "ab" * 32}))
    assert damage_in(store) == [f"missing blob: {'ab' * 32}, of the record k"]


def test_only_what_no_record_refers_to_is_garbage(store):
    kept, other = store.put(b"kept"), store.put(b"other")
    store.append(ResultRecord("k", "convert", "done", blobs={"samples": kept}))
    for key in ("k", "l"):
        (store.root / "models" / key).mkdir(parents=True)
    assert garbage_in(store, min_age_s=60).paths == ()
    garbage = garbage_in(store, min_age_s=0)
    assert [path.name for path in garbage.paths] == [other, "l"]
    remove(garbage)
    assert garbage_in(store, min_age_s=0).paths == ()
    assert store.get(kept) == b"kept"


def test_of_a_link_only_the_link_is_removed(store, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.tflite").write_bytes(bytes(1000))
    (store.root / "models").mkdir()
    for name in ("mine", "gone"):
        (store.root / "models" / name).symlink_to(tmp_path / name)
    garbage = garbage_in(store, min_age_s=0)
    assert ([path.name for path in garbage.paths], garbage.size_bytes) == (["gone", "mine"], 0)
    remove(garbage)
    assert list((store.root / "models").iterdir()) == []
    assert (tmp_path / "mine" / "model.tflite").is_file()


def test_an_index_of_an_older_form_is_made_again(store):
    store.append(done("a"))
    with Index(store.root / "records", store.identity) as index:
        index._database.execute("pragma user_version = 99")
    assert store.done() == {"a"}
