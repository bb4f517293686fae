"""The images of each data set, and what is said of files that are damaged, hostile or something else."""

import gzip
import io
import json
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from builders.image_files import encoded, example, labelled_example, picture, record, write_tar
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detlite.accuracy.dataset import DATASETS, DatasetFiles, Object, load_dataset
from detlite.convert.extras import install_line
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import plugin_names


def items(name, *paths):
    """Return (suffix, bytes or path, objects) of each image of the source."""
    source = load_dataset(name)
    return [
        (one.suffix, one.path if one.content is None else one.content(), one.objects) for one in source.items(paths)
    ]


@pytest.fixture
def tar(tmp_path):
    members = [(f"{i}.png", encoded(i)) for i in range(3)] + [("notes.txt", b"of the photographer")]
    return write_tar(tmp_path / "images.tar", members)


@pytest.fixture
def tfrecord(tmp_path):
    path = tmp_path / "train.record"
    path.write_bytes(b"".join(record(labelled_example(i)) for i in range(3)))
    return path


@pytest.mark.parametrize("name", plugin_names(DATASETS))
def test_a_source_that_is_not_there_is_named(tmp_path, name):
    source = load_dataset(name)
    with pytest.raises(InputError, match="absent"):
        list(source.items([tmp_path / "absent" for _ in source.takes]))


@pytest.mark.parametrize("name", plugin_names(DATASETS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=600))
def test_a_file_of_anything_is_an_input_error_or_no_error_at_all(tmp_path, name, content):
    source = load_dataset(name)
    (tmp_path / "file").write_bytes(content)
    try:
        for item in source.items([tmp_path / "file" for _ in source.takes]):
            if item.content is not None:
                item.content()
    except InputError as error:
        assert "\n" not in str(error)


def test_a_tar_gives_its_images_and_passes_over_the_rest(tar):
    assert [(suffix, content) for suffix, content, _ in items("tar", tar)] == [(".png", encoded(i)) for i in range(3)]


def test_a_gzipped_tar_gives_the_same(tar, tmp_path):
    zipped = tmp_path / "images.tar.gz"
    zipped.write_bytes(gzip.compress(tar.read_bytes()))
    assert items("tar", zipped) == items("tar", tar)


def test_a_tar_that_is_cut_short_is_refused(tar):
    tar.write_bytes(tar.read_bytes()[:1200])
    with pytest.raises(InputError, match="images.tar is truncated, damaged or no .tar"):
        items("tar", tar)


def test_a_tar_bomb_is_refused(tmp_path):
    bomb = tmp_path / "bomb.tar.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as file:
        info = tarfile.TarInfo("huge.png")
        info.size = 80 << 20
        file.write(info.tobuf())
        for _ in range(80):
            file.write(bytes(1 << 20))
    with pytest.raises(InputError, match="it unpacks to more than"):
        items("tar", bomb)


def test_links_and_devices_in_a_tar_are_passed_over_and_names_that_lead_out_lead_nowhere(tmp_path):
    path = write_tar(tmp_path / "hostile.tar", [("../../out.png", encoded(1))])
    with tarfile.open(path, "a") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("link.png")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    before = sorted(tmp_path.rglob("*"))
    assert [content for _, content, _ in items("tar", path)] == [encoded(1)]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_tar_without_images_is_refused(tmp_path):
    path = write_tar(tmp_path / "texts.tar", [("a.txt", b"a")])
    with pytest.raises(InputError, match="texts.tar holds no image; give files that end in .jpg"):
        items("tar", path)


def test_an_npz_gives_each_image_of_its_arrays_and_passes_over_labels(tmp_path):
    many = np.stack([picture(i) for i in range(3)])
    np.savez_compressed(tmp_path / "a.npz", labels=np.arange(3), many=many, one=picture(9))
    found = [np.load(io.BytesIO(content)) for _, content, _ in items("npz", tmp_path / "a.npz")]
    np.testing.assert_array_equal(found, np.stack([*many, picture(9)]))


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), "is float32 .* want uint8 in 0..255"),
        (np.zeros((2, 8, 8, 3), np.uint16), "is uint16 .* want uint8 in 0..255"),
        (np.asfortranarray(np.zeros((2, 8, 8, 3), np.uint8)), "Fortran's order"),
        (np.zeros((2, 8, 8), np.uint8), "holds no images"),
        (np.zeros((0, 8, 8, 3), np.uint8), "holds no images"),
        (np.zeros((2, 0, 8, 3), np.uint8), "too large for the file that it is in, or empty"),
        (np.array([{}], dtype=object), "holds no images"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path, array, text):
    np.savez(tmp_path / "a.npz", array)
    with pytest.raises(InputError, match=text):
        items("npz", tmp_path / "a.npz")


def test_an_npz_whose_header_claims_more_than_it_holds_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 100, 100, 3)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    with pytest.raises(InputError, match="too large for the file that it is in"):
        items("npz", tmp_path / "a.npz")


def test_an_npz_that_ends_in_an_image_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2, 8, 8, 3)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(200))
    with pytest.raises(InputError, match="image 1 of 'x.npy' in a.npz: the file is truncated, damaged or no .npz file"):
        items("npz", tmp_path / "a.npz")


def test_a_tfrecord_gives_images_and_labels(tfrecord):
    assert items("tfrecord", tfrecord) == [(".jpg", encoded(i, "JPEG"), (Object("cat", 0.25),)) for i in range(3)]


def test_a_gzipped_tfrecord_gives_the_same(tfrecord, tmp_path):
    zipped = tmp_path / "train.record.gz"
    zipped.write_bytes(gzip.compress(tfrecord.read_bytes()))
    assert items("tfrecord", zipped) == items("tfrecord", tfrecord)


def test_the_shards_of_a_folder_or_a_pattern_are_read_in_the_order_of_their_names(tmp_path):
    for number in (1, 0):
        path = tmp_path / f"train.record-0000{number}-of-00002"
        path.write_bytes(record(labelled_example(number)))
    images = [encoded(i, "JPEG") for i in range(2)]
    for path in (tmp_path, tmp_path / "train.record-?????-of-00002"):
        assert [content for _, content, _ in items("tfrecord", path)] == images


def test_integer_labels_without_boxes_are_labels(tmp_path):
    features = {"image/encoded": [encoded(1)], "image/object/class/label": [3, 300]}
    (tmp_path / "a").write_bytes(record(example(features)))
    assert items("tfrecord", tmp_path / "a")[0][2] == (Object("3", None), Object("300", None))


@pytest.mark.parametrize("byte", [0, 9, 40, -1])
def test_one_changed_byte_of_a_tfrecord_is_found(tfrecord, byte):
    data = bytearray(tfrecord.read_bytes())
    data[byte] ^= 1
    tfrecord.write_bytes(data)
    with pytest.raises(InputError, match="damaged|does not begin as a record does"):
        items("tfrecord", tfrecord)


@pytest.mark.parametrize("size", [5, 20, 300])
def test_a_tfrecord_that_is_cut_short_is_refused(tfrecord, size):
    tfrecord.write_bytes(tfrecord.read_bytes()[:size])
    with pytest.raises(InputError, match="record 1 of .* is cut short"):
        items("tfrecord", tfrecord)


def test_a_record_without_an_image_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(record(example({"image/filename": [b"a.jpg"]})))
    with pytest.raises(InputError, match="record 1 of .* holds no image: want 'image/encoded' with a JPEG or PNG"):
        items("tfrecord", tmp_path / "a")


@given(data=st.binary(max_size=200))
def test_a_record_of_anything_is_an_input_error_or_no_error_at_all(data):
    from detlite.accuracy.labels.example import read_example

    try:
        read_example(data, ("image/encoded",), "it")
    except InputError as error:
        assert str(error).startswith("it is damaged")


def coco(tmp_path, **changes):
    """Write a COCO file of one image, and return the folder and the file."""
    (tmp_path / "a.png").write_bytes(encoded(1))
    whole = {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 40}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 20, 20]}],
        "categories": [{"id": 3, "name": "cat"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(whole | changes), encoding="utf-8")
    return tmp_path, tmp_path / "coco.json"


def test_coco_gives_files_and_labels(tmp_path):
    assert items("coco", *coco(tmp_path)) == [("", tmp_path / "a.png", (Object("cat", 0.25),))]


def test_coco_without_annotations_gives_files_alone(tmp_path):
    assert items("coco", *coco(tmp_path, annotations=[])) == [("", tmp_path / "a.png", None)]


TEXT_IDS = {
    "images": [{"id": "a", "file_name": "a.png", "width": 40, "height": 40}],
    "annotations": [{"id": "first", "image_id": "a", "category_id": "feline", "bbox": [0, 0, 20, 20]}],
    "categories": [{"id": 3, "name": "dog"}, {"id": "feline", "name": "cat"}],
}


def test_a_coco_file_with_texts_as_ids_is_calibrated_with(tmp_path):
    assert items("coco", *coco(tmp_path, **TEXT_IDS)) == [("", tmp_path / "a.png", (Object("cat", 0.25),))]


def test_a_coco_file_with_texts_as_ids_is_not_scored_against(tmp_path):
    with pytest.raises(InputError, match="image 0 is not right: id is 'a', want a whole number"):
        load_dataset("coco").labels["detection"].read(DatasetFiles("coco", coco(tmp_path, **TEXT_IDS)))


def test_a_text_that_is_the_id_of_no_image_is_told(tmp_path):
    with pytest.raises(InputError, match="1 annotation names no listed image; the first names image a"):
        items("coco", *coco(tmp_path, **TEXT_IDS | {"images": [{"id": "b", "file_name": "a.png"}]}))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"images": []}, "'images' is empty"),
        ({"images": [{"id": "a", "file_name": f"{name}.png"} for name in "ab"]}, "image id 'a' is there twice"),
        ({"images": [{"id": 1, "file_name": "../a.png"}]}, "leads out of the images folder"),
        ({"images": [{"id": 1, "file_name": "/etc/passwd"}]}, "leads out of the images folder"),
        ({"images": [{"id": 7, "file_name": "b.png"}]}, "1 of the 1 image .* are not there; the first is .*b.png"),
        ({"images": 3}, "'images' must be a list of objects"),
        ({"categories": []}, "1 annotation names no listed category; the first names category 3"),
        (
            {"annotations": [{"image_id": 8, "category_id": 3, "bbox": [0, 0, 1, 1]}]},
            "1 annotation names no listed image",
        ),
        ({"annotations": [{"image_id": 7, "category_id": 3, "bbox": [0, 0, "x", 1]}]}, "annotation 0 is not right"),
    ],
)
def test_what_is_wrong_in_a_coco_file_is_told(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        items("coco", *coco(tmp_path, **changes))


def test_coco_is_calibrated_with_and_scored_by_one_reader(tmp_path):
    files = coco(tmp_path)
    annotations, folder = load_dataset("coco").labels["detection"].read(DatasetFiles("coco", files))
    assert [item.objects for item in annotations.items([folder / "a.png"])] == [(Object("cat", 0.25),)]


def test_images_of_unknown_size_have_objects_of_unknown_area(tmp_path):
    files = coco(tmp_path, images=[{"id": 7, "file_name": "a.png"}])
    assert items("coco", *files)[0][2] == (Object("cat", None),)


def test_open_images_gives_files_and_labels(tmp_path):
    (tmp_path / "a1.jpg").write_bytes(encoded(1, "JPEG"))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\na1,/m/cat,0,0.5,0,0.5,0\n")
    assert items("open_images", tmp_path, boxes) == [("", tmp_path / "a1.jpg", (Object("/m/cat", 0.25),))]


def test_a_folder_gives_the_images_of_its_sub_folders_too(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "sub/a.png", "notes.txt"):
        (tmp_path / name).write_bytes(encoded(1))
    assert [path.name for _suffix, path, _objects in items("images", tmp_path)] == ["b.png", "a.png"]
    assert load_dataset("images").skipped([tmp_path]) == (tmp_path / "notes.txt",)


def test_voc_gives_files_and_labels(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(1))
    box = "<bndbox><xmin>1</xmin><xmax>20</xmax><ymin>1</ymin><ymax>20</ymax></bndbox>"
    size = "<size><width>40</width><height>40</height></size>"
    (tmp_path / "a.xml").write_text(f"<annotation>{size}<object><name>cat</name>{box}</object></annotation>")
    assert items("voc", tmp_path) == [("", tmp_path / "a.png", (Object("cat", 0.25),))]


def test_a_list_of_voc_gives_the_images_of_that_split_alone(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(encoded(1))
        (tmp_path / f"{name}.xml").write_text(
            "<annotation><size><width>40</width><height>40</height></size></annotation>"
        )
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    split = tmp_path / "ImageSets" / "Main" / "train.txt"
    split.write_text("c\na\n")
    assert [path.name for _name, path, _objects in items("voc", split)] == ["c.png", "a.png"]
    with pytest.raises(InputError, match="has no split 'val'; there are: train"):
        items("voc", split.with_name("val.txt"))


def test_an_annotation_with_entities_is_refused(tmp_path):
    (tmp_path / "a.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>')
    with pytest.raises(InputError, match="no whole XML, or not a safe one"):
        items("voc", tmp_path)


def test_a_list_is_relative_to_its_folder_and_may_have_comments(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(1))
    (tmp_path / "list.txt").write_text("# mine\n\na.png\n")
    assert items("list", tmp_path / "list.txt") == [("", tmp_path / "a.png", None)]


def test_a_list_of_zero_bytes_is_refused(tmp_path):
    (tmp_path / "list.txt").write_bytes(bytes(100))
    with pytest.raises(InputError, match="is no text"):
        items("list", tmp_path / "list.txt")


def test_a_large_array_is_read_image_by_image(tmp_path):
    np.savez(tmp_path / "a.npz", np.zeros((200, 128, 128, 3), np.uint8))  # 10 MB
    source = load_dataset("npz")
    tracemalloc.start()
    for item in source.items([tmp_path / "a.npz"]):
        item.content()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def write_video(path, frames):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_gives_its_frames_in_order(tmp_path):
    shades = [np.full((64, 64, 3), value, np.uint8) for value in (20, 120, 220)]
    path = write_video(tmp_path / "a.mp4", shades)
    found = [np.load(io.BytesIO(content)) for _, content, _ in items("video", path)]
    assert [frame.shape for frame in found] == [(64, 64, 3)] * 3
    assert [round(frame.mean() / 100, 1) for frame in found] == pytest.approx([0.2, 1.2, 2.2], abs=0.11)


def test_a_file_that_is_no_video_is_refused(tmp_path):
    pytest.importorskip("av")
    (tmp_path / "a.mp4").write_bytes(encoded(1)[:50])
    with pytest.raises(InputError, match="a.mp4 is truncated, damaged or not a video"):
        items("video", tmp_path / "a.mp4")


def test_a_video_without_pyav_says_what_to_install(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from pathlib import Path; from detlite.accuracy.datasets import video\n"
        "from detlite.runtime.errors import MissingToolError\n"
        "try: list(video.items([Path(sys.argv[1])]))\n"
        "except MissingToolError as error: print(error.exit_status, error)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.mp4")], capture_output=True, text=True)
    assert said.stdout.startswith("3 reading a video needs PyAV, which is not installed")
    assert f"{install_line('video')}, or save the frames as images" in said.stdout


@pytest.mark.slow
def test_what_tensorflow_writes_is_read(tmp_path):
    tf = pytest.importorskip("tensorflow")
    features = {
        "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded(1, "JPEG")])),
        "image/object/class/text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"cat", b"dog"])),
        **{
            f"image/object/bbox/{edge}": tf.train.Feature(float_list=tf.train.FloatList(value=[value] * 2))
            for edge, value in (("xmin", 0.0), ("xmax", 0.5), ("ymin", 0.0), ("ymax", 1.0))
        },
    }
    for kind in ("", "GZIP"):
        path = str(tmp_path / f"train{kind}")
        with tf.io.TFRecordWriter(path, kind) as writer:
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
        ((suffix, content, objects),) = items("tfrecord", tmp_path / f"train{kind}")
        assert (suffix, content) == (".jpg", encoded(1, "JPEG"))
        assert objects == (Object("cat", 0.5), Object("dog", 0.5))
