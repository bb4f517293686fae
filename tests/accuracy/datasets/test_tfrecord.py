"""Images and labels in TFRecord files."""

import gzip

import pytest
from builders.dataset_items import items
from builders.image_files import encoded, example, labelled_example, record
from hypothesis import given
from hypothesis import strategies as st

from detlite.accuracy.dataset import Object
from detlite.runtime.errors import InputError


@pytest.fixture
def tfrecord(tmp_path):
    path = tmp_path / "train.record"
    path.write_bytes(b"".join(record(labelled_example(i)) for i in range(3)))
    return path


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
