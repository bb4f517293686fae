"""Many images: in order, in constant memory, the same whatever the threads do."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract

from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream import AHEAD, columns, detect_stream
from detlite.runtime.tasks.detection import Detections

IMAGE = ImageInput("image", 2, 3, "RGB", "float32", (0.0,) * 3, (1.0,) * 3, "tf1_bilinear")
CONTRACT = tiny_contract().with_image(IMAGE)


def images(folder, count):
    """Image i is of value i everywhere, and each third one takes longer to read."""
    paths = [folder / f"{i}.npy" for i in range(count)]
    for i, path in enumerate(paths):
        np.save(path, np.full((2, 3, 3) if i % 3 else (600, 900, 3), i, np.uint8))
    return paths


class Fake:
    """A session that finds in image i, i % 3 times, an object of score i; each stage takes its own time."""

    batch = 1

    def __init__(self):
        self.invoked_in = set()
        self._last = 0

    def invoke(self, tensor, size):
        assert size in ((600, 900), (2, 3))
        self.invoked_in.add(threading.get_ident())
        self._last = int(tensor[0, 0, 0, 0])

    def raw(self):
        return {"class_scores": np.float32([self._last])}

    def real(self, raw, _place):
        return raw

    def postprocess(self, heads, size):
        index = int(heads["class_scores"][0])
        time.sleep(0.002 * (index % 2))
        count = index % 3
        return Detections(
            np.zeros((count, 4), np.float32), np.zeros(count, np.int64), np.full(count, index, np.float32)
        )


def detect(paths, session=None, **options):
    return detect_stream(CONTRACT, lambda: session or Fake(), paths, **options)


def test_what_is_found_comes_in_the_order_of_the_images(tmp_path):
    found = columns(list(detect(images(tmp_path, 30))))
    assert found["image_index"].tolist() == [i for i in range(30) for _ in range(i % 3)]
    assert found["scores"].tolist() == found["image_index"].tolist()


def test_every_image_has_its_size_and_its_time(tmp_path):
    found = columns(list(detect(images(tmp_path, 5))))
    assert found["sizes"].tolist() == [[600, 900], [2, 3], [2, 3], [600, 900], [2, 3]]
    assert (found["invoke_ns"] > 0).all()


class Counted(list):
    """Paths that know how many of them were taken."""

    taken = 0

    def __iter__(self):
        for path in super().__iter__():
            self.taken += 1
            yield path


def test_images_are_decoded_only_a_few_ahead(tmp_path):
    paths = Counted(images(tmp_path, 60))
    stream = detect(paths)
    next(stream)
    assert AHEAD < paths.taken <= 2 * AHEAD + 2
    stream.close()


def test_the_first_images_are_read_while_the_model_is_opened(tmp_path):
    paths, seen = Counted(images(tmp_path, 30)), []

    def opened():
        seen.append(paths.taken)
        return Fake()

    list(detect_stream(CONTRACT, opened, paths))
    assert seen == [AHEAD]


def test_a_model_that_cannot_be_opened_is_told_and_nothing_waits_on(tmp_path):
    def opened():
        raise InputError("no model")

    with pytest.raises(InputError, match="no model"):
        list(detect_stream(CONTRACT, opened, images(tmp_path, 20)))


def test_the_interpreter_is_used_by_one_thread(tmp_path):
    session = Fake()
    list(detect(images(tmp_path, 10), session))
    assert session.invoked_in == {threading.get_ident()}


def test_progress_counts_images(tmp_path):
    steps = []
    list(detect(images(tmp_path, 3), progress=lambda *step: steps.append(step)))
    assert steps == [("images", 1, 3), ("images", 2, 3), ("images", 3, 3)]


def test_a_damaged_image_among_many_is_named(tmp_path):
    paths = images(tmp_path, 20)
    paths[13].write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"13.npy is no .npy image"):
        list(detect(paths))


def test_no_detections_at_all_are_empty_columns():
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))
    found = columns([SimpleNamespace(result=none, size=(2, 3), invoke_ns=1)])
    assert (found["boxes"].shape, found["image_index"].dtype, found["sizes"].tolist()) == ((0, 4), np.int64, [[2, 3]])
