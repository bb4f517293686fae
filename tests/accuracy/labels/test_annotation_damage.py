"""Annotation files with any bytes changed, lost or put in: each is read, or refused in one line."""

import json

import numpy as np
import pytest
from builders.pascal_cases import write_voc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from detlite.accuracy.labels.coco import read_annotations
from detlite.accuracy.labels.hierarchy import read_hierarchy
from detlite.accuracy.labels.open_images import OpenImagesFiles, read_open_images
from detlite.accuracy.labels.voc import read_voc
from detlite.runtime.errors import InputError

TREE = {"LabelName": "r", "Subcategory": [{"LabelName": "a", "Subcategory": [{"LabelName": "b"}]}, {"LabelName": "c"}]}
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "height": 480, "width": 640}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 18, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}],
    "categories": [{"id": 18, "name": "dog"}],
}


def coco(folder):
    (folder / "instances.json").write_text(json.dumps(COCO))
    return folder / "instances.json", lambda: read_annotations(folder / "instances.json")


def voc(folder):
    write_voc(folder / "voc", {"a": [("dog", 1, 1, 9, 9, 0), ("cat", 2, 2, 5, 5, 1)]})
    return folder / "voc" / "Annotations" / "a.xml", lambda: read_voc(folder / "voc")


def hierarchy(folder):
    (folder / "tree.json").write_text(json.dumps(TREE))
    return folder / "tree.json", lambda: read_hierarchy(folder / "tree.json")


def open_images(folder):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / "a1.jpg")
    files = OpenImagesFiles(folder, folder / "boxes.csv", folder / "labels.csv")
    files.boxes.write_text("ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\na1,/m/a,0,0.5,0,1,0\na1,/m/b,0,1,0,1,1\n")
    (folder / "labels.csv").write_text("ImageID,LabelName,Confidence\na1,/m/b,1\n")
    return files.boxes, lambda: read_open_images(files)


@pytest.mark.parametrize("make", [coco, voc, hierarchy, open_images])
def test_damaged_bytes_are_read_or_refused_in_one_line(tmp_path, make):
    path, read = make(tmp_path)
    whole = path.read_bytes()
    read()

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        start=st.integers(0, len(whole)),
        lost=st.integers(0, 12) | st.just(len(whole)),
        put_in=st.binary(max_size=6)
        | st.sampled_from([b"-1", b"1e999", b"NaN", b'"', b"<", b"\n", b",", b"\0", b"9" * 30]),
    )
    def damage(start, lost, put_in):
        path.write_bytes(whole[:start] + put_in + whole[start + lost :])
        try:
            read()
        except InputError as error:
            assert len(str(error).splitlines()) == 1

    damage()
