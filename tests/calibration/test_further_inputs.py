"""Int8 of models with a window or a bank beside the image: these stay float, and so does what attends to a bank."""

import numpy as np
import pytest
from builders.float_models import FloatNet
from builders.tiny_streams import bank_reader
from PIL import Image

from detlite.accuracy.images import Images
from detlite.calibration.material import bank_places, inputs_of, material_of
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.model import Model, session_of
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.stream_inputs import BankInput, WindowInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

SIDE = 8
RGB = ImageInput(
    "image", SIDE, SIDE, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear", letterbox=Letterbox()
)


def model() -> Model:
    """Four scores: the means of four channels of a convolution, times the image's window."""
    net = FloatNet((1, SIDE, SIDE, 3))
    window = net.tensor("image_window", (1, 4))
    seen = net.conv(net.image, 4, window=1, name="seen")
    means = net.add("MEAN", [seen, net.constant(np.array([1, 2]))], [(1, 4)], "ReducerOptions", name="means")[0]
    scores = net.add("MUL", [means, window], [(1, 4)], "MulOptions", name="scores")[0]
    made = load(net.finish(scores), "made in a test")
    made.subgraphs[0].inputs = [net.image, window]
    output = Output("class_scores", "class_scores", 0, (1, 4), "float32")
    contract = Contract(
        (RGB, WindowInput("image_window")), (output,), tuple("abcd"), Classification("IDENTITY", "model")
    )
    return Model(dump(made), "tflite", contract, ({"step": "made in a test", "input_sha256": "0" * 64},))


@pytest.fixture
def photos(tmp_path):
    chance = np.random.default_rng(0)
    paths = []
    for number in range(3):
        pixels = chance.integers(0, 256, (4, 8, 3), np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return Images(tuple(paths), "made in a test")


def test_the_window_stays_float_in_an_int8_model(photos):
    made = quantize(model(), photos, Recipe()).model
    assert made.contract.image.dtype == "int8"
    opened = session_of(made)
    pixels = np.array(Image.open(photos.paths[0]))
    want, got = session_of(model()).run(pixels).scores, opened.run(pixels).scores
    np.testing.assert_allclose(got, want, atol=0.02)
    assert want[0] == want[1] == 0
    assert abs(want[2]) > 0.02  # half of it is padding


def test_samples_hold_the_window_of_each_image(photos):
    source = model()
    first = next(material_of(photos, source.contract).samples(source.file, source.contract))
    assert first.inputs[1].tolist() == [[0, 0, 0.5, 1]]


def test_a_bank_is_fed_empty_and_what_attends_to_it_stays_float(photos):
    contract = bank_reader().contract
    values = inputs_of(np.zeros((4, 4, 3), np.uint8), contract)
    assert [(value.shape, value.dtype.name) for value in values[1:]] == [((1, 3, 2), "float32"), ((1,), "int32")]
    assert bank_places(contract) == (1, 2)
    source = attending()
    made = quantize(source, photos, Recipe()).model
    assert made.history[-1]["bank_in_float"] == 8
    want, got = session_of(source), session_of(made)
    pixels = np.array(Image.open(photos.paths[0]))
    for rows in ([[0, 0, 0, 0]], [[8, 0, 0, 0], [0, 9, 0, 0], [0, 0, 0, -7]]):
        for one in (want, got):
            one.remember(np.array(rows, np.float32))
        scores = [one.run(pixels).scores for one in (want, got)]
        np.testing.assert_allclose(scores[1], scores[0], atol=0.03)


def attending() -> Model:
    """Four scores: the means of four channels of a convolution, and what they find in the three rows of a bank."""
    net = FloatNet((1, SIDE, SIDE, 3))
    bank, count = net.tensor("memory", (1, 3, 4)), net.tensor("memory_count", (1,), "int32")
    seen = net.conv(net.image, 4, window=3, name="seen")
    means = net.add("MEAN", [seen, net.constant(np.array([1, 2]))], [(1, 4)], "ReducerOptions", name="means")[0]
    query = net.add("L2_NORMALIZATION", [net.reshape(means, (1, 1, 4))], [(1, 1, 4)], "L2NormOptions", name="query")[0]
    similar = net.add("BATCH_MATMUL", [query, bank], [(1, 1, 3)], "BatchMatMulOptions", adjY=True, name="similar")[0]
    shares = net.add("SOFTMAX", [similar], [(1, 1, 3)], "SoftmaxOptions", beta=1.0, name="shares")[0]
    found = net.add("BATCH_MATMUL", [shares, bank], [(1, 1, 4)], "BatchMatMulOptions", name="found")[0]
    scores = net.add("ADD", [means, net.reshape(found, (1, 4))], [(1, 4)], "AddOptions", name="scores")[0]
    made = load(net.finish(scores), "made in a test")
    made.subgraphs[0].inputs = [net.image, bank, count]
    output = Output("class_scores", "class_scores", 0, (1, 4), "float32")
    contract = Contract((RGB, BankInput("memory", 3, 4)), (output,), tuple("abcd"), Classification("IDENTITY", "model"))
    return Model(dump(made), "tflite", contract, ({"step": "made in a test", "input_sha256": "0" * 64},))
