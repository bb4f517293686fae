"""When images were taken: their EXIF, and lists of dates."""

import json
from datetime import datetime

import pytest
from builders.camera_images import CHANGED, write_grey

from detlite.runtime.errors import InputError
from detlite.studies.context.dates import exif_date, listed_dates

TAKEN = datetime(2021, 7, 30, 5, 12, 44)
TEXT = "2021:07:30 05:12:44"


def test_the_original_date_of_the_exif_is_read(tmp_path):
    assert exif_date(write_grey(tmp_path / "a.jpg", 0, TEXT)) == TAKEN


def test_the_other_date_of_the_exif_is_read_where_there_is_no_original_one(tmp_path):
    assert exif_date(write_grey(tmp_path / "a.jpg", 0, TEXT, tag=CHANGED)) == TAKEN


@pytest.mark.parametrize("text", [None, "0000:00:00 00:00:00", "yesterday"])
def test_an_image_without_a_date_has_none(text, tmp_path):
    assert exif_date(write_grey(tmp_path / "a.jpg", 0, text)) is None


def test_a_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"none")
    with pytest.raises(InputError, match=r"a\.jpg is no image, or is damaged"):
        exif_date(tmp_path / "a.jpg")


def test_pixels_alone_have_no_date(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"whatever")
    assert exif_date(tmp_path / "a.npy") is None


def test_a_csv_names_images_by_the_end_of_their_paths(tmp_path):
    images = [tmp_path / name for name in ("north/a.jpg", "south/a.jpg", "south/b.jpg")]
    (tmp_path / "dates.csv").write_text(
        "file_name,date\nnorth/a.jpg,2021-07-30 05:12:44\nsouth/a.jpg, 2022-01-01 00:00:00\n\nc.jpg,never\n"
    )
    found = listed_dates(tmp_path / "dates.csv", images)
    assert found == {images[0]: TAKEN, images[1]: datetime(2022, 1, 1)}


def test_a_json_of_coco_camera_traps_is_read(tmp_path):
    listed = [{"file_name": "a.jpg", "date_captured": "2021-07-30 05:12:44"}, {"file_name": "b.jpg"}]
    (tmp_path / "traps.json").write_text(json.dumps({"images": listed}))
    images = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    assert listed_dates(tmp_path / "traps.json", images) == {images[0]: TAKEN}


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("d.csv", "a.jpg,2021-07-30 05:12:44,3\n", "d.csv, line 1: 3 cells; want a file name and a date"),
        ("d.csv", "a.jpg,yesterday\n", "'yesterday' of a.jpg is no date such as 2021-07-30 05:12:44"),
        ("d.csv", 'a.jpg,"2021\n', "d.csv is damaged"),
        ("d.csv", b"\xff\xfe", "is no text"),
        ("d.csv", "a.jpg,2021-07-30 05:12:44\na.jpg,2022-07-30 05:12:44\n", "has 2 dates for .*a.jpg: give more of"),
        ("d.json", "{", "is no file of COCO Camera Traps"),
        ("d.json", "[]", "is no file of COCO Camera Traps"),
        ("d.json", '{"images": [3]}', "is no file of COCO Camera Traps"),
    ],
)
def test_what_is_no_list_of_dates_is_refused(name, content, text, tmp_path):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=text):
        listed_dates(tmp_path / name, [tmp_path / "a.jpg"])


def test_a_missing_list_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read as a list of dates"):
        listed_dates(tmp_path / "d.csv", [])
