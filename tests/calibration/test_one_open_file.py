"""One quantization parses its file once and writes its model once, besides the copy that calibration runs."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.load import with_heads

OBSERVED = 1
"""The copy of the model that returns its activations' extremes: an interpreter opens files."""


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count how often a TFLite file is `parsed` and `written`."""
    from ai_edge_litert.schema_py_generated import ModelT

    names = {ModelT.InitFromPackedBuf.__func__.__code__: "parsed", ModelT.Pack.__code__: "written"}
    found: Counter[str] = Counter()

    def look(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code in names:
            found[names[frame.f_code]] += 1

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(None)


@pytest.fixture
def images(tmp_path):
    return Images(write_images(tmp_path, count=4), "made in a test")


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_a_float_model_is_parsed_once_and_the_int8_one_written_once(images, io):
    model = detector()
    with counted() as found:
        quantize(model, images, Recipe(io=io))
    assert found == Counter(parsed=1, written=1 + OBSERVED)


def test_packing_weights_parses_once_and_writes_once():
    model = detector(width=40)
    with counted() as found:
        quantize(model, Images((), ""), Recipe(scheme="float16"))
    assert found == Counter(parsed=1, written=1)


def test_the_op_costs_one_more_writing_each_way_as_the_history_states_the_digest_of_each_model(images):
    model = with_heads(detector(), "postprocess")
    with counted() as found:
        quantize(model, images, Recipe())
    assert found == Counter(written=3 + OBSERVED)
