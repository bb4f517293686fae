"""The raw heads of finished .tflite files without a contract, which the user says how to use."""

from dataclasses import replace

import numpy as np
import pytest
from builders.float_detector import ANCHORS, contract, detector, write_images
from builders.float_models import FloatNet, images, run
from builders.tiny_tflite import tiny_contract, tiny_int8_model, tiny_model

from detlite.convert.load import load_source, with_heads
from detlite.convert.model import session_of
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.tflite.appended import with_files
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.postprocess import attach
from detlite.runtime.errors import InputError

NAMES = ("thing 0", "thing 1", "thing 2")
PIXELS = StatedFacts(mean=(127.5,), std=(127.5,))
KINDS, COLUMNS = 2, 3
HEADS = ("box_encodings", "class_scores")


def stated(folder, data, facts, *, anchors=None, labels=NAMES, **options):
    """The model in a file with *data*, as the *facts* state it; *anchors* and *labels* are written beside it."""
    (folder / "model.tflite").write_bytes(data)
    if labels:
        (folder / "names.txt").write_text("\n".join(labels))
        options["labels"] = folder / "names.txt"
    if anchors is not None:
        np.save(folder / "anchors.npy", anchors)
        facts = replace(facts, anchors=folder / "anchors.npy", box_order=facts.box_order or "yxhw")
    return load_source(folder / "model.tflite", DetectorOptions(stated=facts, **options))


TURNED = replace(PIXELS, heads=("Identity_1", "Identity"))


def turned():
    """The detector of `float_detector` with its scores as the first output, and other names."""
    model = load(detector().data, "x")
    subgraph = model.subgraphs[0]
    subgraph.outputs = [int(index) for index in reversed(subgraph.outputs)]
    for name, index in zip(("Identity", "Identity_1"), subgraph.outputs, strict=True):
        subgraph.tensors[index].name = name
    model.signatureDefs = []
    return dump(model)


def levels(tail=None):
    """Two levels of maps, 8 x 8 and 4 x 4, with 2 anchors a cell and 3 class columns."""
    net = FloatNet((1, 16, 16, 3))
    fine = net.conv(net.image, 8, stride=2, activation=1)
    maps = []
    for size, features in (("fine", fine), ("coarse", net.conv(fine, 8, stride=2, activation=1))):
        scores = net.conv(features, KINDS * COLUMNS, window=1, name=f"{size}_scores")
        if tail:
            scores = net.add(tail, [scores], [net.shape(scores)], name=f"{size}_converted")[0]
        maps += [net.conv(features, KINDS * 4, window=1, name=f"{size}_boxes"), scores]
    return net.finish(*maps)


def with_keypoints(anchors=4):
    """One output with 4 numbers of a box and 2 of a keypoint, which are the image's, and scores that are, too."""
    net = FloatNet((1, anchors, 8, 1))
    flat = net.reshape(net.image, (1, anchors, 8))
    parts = []
    for name, first, size in (("regressors", 0, 6), ("classificators", 6, 1)):
        limits = [net.constant(np.array(one)) for one in ((0, 0, first), (1, anchors, size))]
        parts += net.add("SLICE", [flat, *limits], [(1, anchors, size)], name=name)
    return net.finish(*parts)


def grid(count):
    return np.full((count, 4), 0.5, np.float32)


LEVELS = StatedFacts(
    heads=("fine_boxes+coarse_boxes", "fine_scores+coarse_scores"),
    mean=(127.5,),
    std=(127.5,),
    box_order="yxhw",
    score_converter="sigmoid",
)


def test_two_outputs_are_told_by_their_shapes(tmp_path):
    net = FloatNet((1, 16, 16, 3))
    features = net.conv(net.image, 8, stride=2)
    scores, boxes = (net.reshape(net.conv(features, width, window=1), (1, 64, width)) for width in (COLUMNS, 4))
    facts = replace(PIXELS, score_converter="softmax")
    made = stated(tmp_path, net.finish(scores, boxes), facts, anchors=grid(64), labels=None)
    assert [output.shape for output in made.contract.outputs] == [(1, 64, 4), (1, 64, COLUMNS)]
    assert made.contract.origin["label_offset"] == "softmax over 3 columns: the first is the background"


def test_a_file_finds_what_the_model_with_its_own_contract_finds(tmp_path):
    made = stated(tmp_path, turned(), TURNED, anchors=contract().task.anchors)
    assert made.contract.roles == ("box_encodings", "class_scores")
    assert (made.contract.task.score_converter, made.contract.task.score_converter_place) == ("SIGMOID", "model")
    assert (made.contract.task.label_offset, made.contract.labels) == (1, NAMES)
    original = detector()
    same = replace(
        original.contract.with_image(replace(original.contract.image, resize="half_pixel_bilinear")),
        task=made.contract.task,
    )
    image = np.load(write_images(tmp_path, 1)[0])
    want, found = (session_of(model).run(image) for model in (replace(original, contract=same), made))
    assert len(want.scores) > 0
    assert found.to_record() == want.to_record()


def test_the_same_file_and_facts_give_the_same_bytes(tmp_path):
    facts = replace(TURNED, box_order="xywh")
    first, second = (stated(tmp_path, turned(), facts, anchors=contract().task.anchors).data for _run in range(2))
    assert first == second


def test_encodings_of_xywh_are_put_in_order(tmp_path):
    given = {"anchors": contract().task.anchors}
    plain = stated(tmp_path, turned(), TURNED, **given)
    swapped = stated(tmp_path, turned(), replace(TURNED, box_order="xywh"), **given)
    image = images((1, 16, 16, 3), 1)[0]
    np.testing.assert_array_equal(run(swapped.data, image)[0], run(plain.data, image)[0][:, :, [1, 0, 3, 2]])
    assert swapped.contract.output("box_encodings").shape == (1, ANCHORS, 4)


def test_maps_of_several_levels_are_joined_in_the_order_that_is_named(tmp_path):
    data = levels()
    made = stated(tmp_path, data, LEVELS, anchors=grid(160), labels=("a", "b"))
    assert (made.contract.task.score_converter_place, made.contract.task.label_offset) == ("host", 1)
    image = images((1, 16, 16, 3), 1)[0]
    parts = run(data, image)
    for found, numbers, width in zip(run(made.data, image), ((0, 2), (1, 3)), (4, COLUMNS), strict=True):
        want = np.concatenate([parts[number].reshape(1, -1, width) for number in numbers], axis=1)
        np.testing.assert_array_equal(found, want)


def test_outputs_may_be_named_as_the_signature_does(tmp_path):
    facts = replace(LEVELS, heads=("output_2", "output_3"))
    made = stated(tmp_path, levels(), facts, anchors=grid(32), labels=("a", "b", "c"))
    assert made.contract.output("class_scores").shape == (1, 32, COLUMNS)
    assert made.contract.task.label_offset == 0


def test_a_sigmoid_at_the_end_of_all_levels_is_in_the_model(tmp_path):
    facts = replace(LEVELS, heads=("fine_boxes+coarse_boxes", "fine_converted+coarse_converted"), score_converter=None)
    made = stated(tmp_path, levels("LOGISTIC"), facts, anchors=grid(160), labels=("a", "b"))
    assert (made.contract.task.score_converter, made.contract.task.score_converter_place) == ("SIGMOID", "model")
    with pytest.raises(InputError, match="come from a sigmoid in the file itself: leave out --score-converter softmax"):
        stated(tmp_path, levels("LOGISTIC"), replace(facts, score_converter="softmax"), anchors=grid(160))


def test_the_heads_may_be_inside_the_graph(tmp_path):
    facts = replace(LEVELS, heads=("fine_boxes+coarse_boxes", "fine_scores+coarse_scores"))
    made = stated(tmp_path, levels("LOGISTIC"), facts, anchors=grid(160), labels=("a", "b"))
    assert "LOGISTIC" not in describe(made.data, "it").operators
    image = images((1, 16, 16, 3), 1)[0]
    scores = run(levels("LOGISTIC"), image)[1].reshape(1, -1, COLUMNS)
    np.testing.assert_allclose(1 / (1 + np.exp(-run(made.data, image)[1][:, :128])), scores, atol=1e-6)


def test_boxes_with_keypoints_and_linear_sizes_are_decoded_as_blazeface_does(tmp_path):
    facts = StatedFacts(
        heads=("regressors", "classificators"),
        mean=(0.0,),
        std=(1.0,),
        box_order="xywh",
        box_scales=(128.0,) * 4,
        box_sizes="linear",
        score_converter="none",
    )
    anchors = np.array([[0.25, 0.5, 1, 1]] * 4, np.float32)
    made = stated(tmp_path, with_keypoints(), facts, anchors=anchors, labels=("face",))
    rows = np.zeros((4, 8), np.uint8)
    rows[2] = [16, 32, 64, 32, 99, 99, 1, 0]  # x, y, w, h and a keypoint, in pixels of 128; then the score
    found = session_of(made).run(rows[:, :, None].repeat(3, axis=2))
    assert found.boxes[0].tolist() == pytest.approx([0.375, 0.375, 0.625, 0.875], abs=1e-4)  # gray rounds the pixels
    assert "the first 4 of 6 numbers" in made.contract.origin["boxes"]
    with pytest.raises(InputError, match="decodes sizes as logarithms, and this detector has linear ones"):
        with_heads(made, "postprocess")


def test_boxes_with_keypoints_have_to_be_named(tmp_path):
    with pytest.raises(InputError, match=r"no output with 4 numbers for a box: .*output_0 float32 \(1, 4, 6\), .* nam"):
        stated(tmp_path, with_keypoints(), PIXELS, anchors=grid(4), labels=("face",))


def test_an_int8_file_keeps_its_scales(tmp_path):
    data = tiny_int8_model()
    facts = StatedFacts(heads=HEADS, box_order="xywh", score_converter="softmax")
    made = stated(tmp_path, data, facts, anchors=tiny_contract().task.anchors, labels=None)
    assert {(one.dtype, one.quantization.scale, one.quantization.zero_point) for one in made.contract.outputs} == {
        ("int8", 0.03125, -3)
    }
    assert (made.contract.task.label_offset, made.contract.labels) == (1, ("class 1", "class 2", "class 3"))
    image = np.arange(48, dtype=np.float32).reshape(1, 6, 8, 1) / 32
    want, found = run(data, image)[0], run(made.data, image)[0]
    np.testing.assert_array_equal(found, want[:, :, [1, 0, 3, 2]])


def test_labels_in_the_file_say_whether_there_is_a_background(tmp_path):
    data = with_files(tiny_model(), {"labels.txt": b"cat\ndog\nowl\n"})
    facts = StatedFacts(heads=HEADS, mean=(0.0,), std=(1.0,), score_converter="sigmoid")
    made = stated(tmp_path, data, facts, anchors=tiny_contract().task.anchors, labels=None)
    assert (made.contract.labels, made.contract.task.label_offset) == (("cat", "dog", "owl"), 1)
    assert made.contract.origin["labels"] == "labels.txt in the model"


def test_all_that_is_missing_is_asked_for_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        stated(tmp_path, tiny_model(), StatedFacts(heads=HEADS), labels=None)
    text = str(caught.value)
    assert "(box_encodings float32 (1, 6, 4), class_scores float32 (1, 6, 4))" in text
    asked = (
        "--mean and --std",
        "--anchors FILE.npy (6, 4",
        "--box-order",
        "--score-converter",
        "--labels with 4 names",
    )
    assert all(option in text for option in asked)


NAMED = StatedFacts(heads=HEADS, mean=(0.0,), std=(1.0,), score_converter="none")


@pytest.mark.parametrize(
    ("data", "facts", "error"),
    [
        (
            tiny_model(),
            replace(NAMED, heads=("x", "y")),
            "no operator makes x, which --heads names; its outputs are box_",
        ),
        (tiny_model(), replace(NAMED, heads=("boxes+boxes", "y")), "no operator makes boxes"),
        (levels(), replace(LEVELS, heads=None), "cannot tell box encodings, .* among its outputs output_0 float32"),
        (levels(), replace(LEVELS, heads=("fine_boxes", "coarse_scores")), "are no box encodings and class scores"),
        (levels(), replace(LEVELS, heads=("fine_boxes+fine_boxes", "a")), "names a tensor twice"),
        (
            levels(),
            replace(LEVELS, heads=("fine_boxes+coarse_boxes", "fine_scores")),
            "2 for boxes and 1 for scores; want one of ea",
        ),
        (
            tiny_model(),
            replace(NAMED, colour="BGR"),
            "--colour BGR is for an input of 3 channels, and the model's has 1",
        ),
        (tiny_model(), replace(NAMED, mean=(1.0, 2.0)), "--mean has 2 numbers; want one"),
        (
            attach(tiny_model(), tiny_contract())[0],
            NAMED,
            "has its post-processing op; --mean, .* for .tflite files with",
        ),
    ],
)
def test_what_cannot_be_so_is_refused_in_one_line(data, facts, error, tmp_path):
    with pytest.raises(InputError, match=error) as caught:
        stated(tmp_path, data, facts, anchors=tiny_contract().task.anchors, labels=("a", "b", "c"))
    assert "\n" not in str(caught.value)


def test_anchors_of_another_number_than_the_boxes_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds float32 \(5, 4\); want floats of the shape \(6, 4\)"):
        stated(tmp_path, tiny_model(), NAMED, anchors=grid(5))


def test_labels_of_another_number_than_the_class_columns_are_refused(tmp_path):
    with pytest.raises(InputError, match="has 2 labels and the model 4 classes"):
        stated(tmp_path, tiny_model(), NAMED, anchors=grid(6), labels=("a", "b"))


def test_a_finished_file_keeps_its_size(tmp_path):
    with pytest.raises(InputError, match="--input and --scores need the graph"):
        stated(tmp_path, tiny_model(), NAMED, anchors=grid(6), input_size=(8, 8))
