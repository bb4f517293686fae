"""`detlite cache`: what it lists, and that it removes nothing but what detlite wrote."""

import json

import pytest

from detlite.cli import main

DIGEST = "ab" * 32


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache in a folder that also holds files of the user."""
    for name in (
        *(f"files/{DIGEST}", f"unpacked/{DIGEST}/model.pb", f"unpacked/.{DIGEST}.lock", "digests.json"),
        *(f"calibration/images/{DIGEST}.jpg", f"calibration/made/{DIGEST}.rgb", "devices/job.jsonl"),
        *(f"downloads/{'0' * 16}-m.tar.gz.part", f"downloads/{'0' * 16}-m.tar.gz.part.lock"),
        *("files/holiday.jpg", "downloads/letter.pdf", "notes.txt", "calibration/images/mine.jpg"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(1000))
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path))
    return tmp_path


def left(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_each_part_is_listed_with_its_size(cache, capsys):
    assert main(["cache", "list", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["folder"] == str(cache)
    assert {one["name"]: (one["items"], one["size_bytes"]) for one in record["parts"]} == dict.fromkeys(
        ("files", "unpacked", "downloads", "images", "choices", "devices"), (1, 1000)
    )


def test_cleaning_removes_only_what_detlite_wrote_and_can_make_again(cache, capsys):
    before = left(cache)
    assert main(["cache", "clean", "--yes"]) == 0
    gone = {f"files/{DIGEST}", f"unpacked/{DIGEST}/model.pb"}
    gone |= {f"calibration/images/{DIGEST}.jpg", f"calibration/made/{DIGEST}.rgb"}
    assert before - left(cache) == gone
    assert capsys.readouterr().out.endswith("4 items, 0.0 MB removed\n")


def test_only_the_named_parts_are_removed(cache):
    before = left(cache)
    assert main(["cache", "clean", "downloads", "--yes"]) == 0
    assert before - left(cache) == {f"downloads/{'0' * 16}-m.tar.gz.part"}


def test_without_a_terminal_nothing_is_removed_without_yes(cache, capsys):
    before = left(cache)
    assert main(["cache", "clean"]) == 2
    assert "4 items, 0.0 MB (files, unpacked, images, choices) would be removed: pass --yes" in capsys.readouterr().err
    assert left(cache) == before


def test_a_folder_that_is_a_link_is_not_entered(cache, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / DIGEST).write_bytes(b"mine")
    (cache / "files" / DIGEST).unlink()
    (cache / "files" / "holiday.jpg").unlink()
    (cache / "files").rmdir()
    (cache / "files").symlink_to(other)
    assert main(["cache", "clean", "files", "--yes"]) == 0
    assert (other / DIGEST).read_bytes() == b"mine"


def test_an_unknown_part_is_refused(cache, capsys):
    assert main(["cache", "clean", "filse", "--yes"]) == 2
    assert "no part of the cache is called 'filse'; did you mean 'files'?" in capsys.readouterr().err
    assert (cache / "files" / DIGEST).is_file()
