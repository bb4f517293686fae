"""Classifiers, segmenters and padded images in a package: outputs that clients read, and what they are called."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from builders.app_models import write_app_model
from builders.float_models import FloatNet
from builders.tiny_tasks import tiny_task
from builders.tiny_tflite import run_model

from detlite.convert.model import Model
from detlite.convert.tflite.app_outputs import with_label_scores, with_pixel_scores
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.metadata import read_metadata
from detlite.convert.tflite.tensors import operator_name
from detlite.devices.packaging.android.app_task import app_task
from detlite.runtime.errors import InputError
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.tasks.segmentation import Segmentation
from detlite.runtime.tensors import Output


def write(folder, kind, **image):
    model = tiny_task(kind)
    contract = model.contract.with_image(replace(model.contract.image, **image))
    Model(model.data, "tflite", contract, ({"step": "made in a test", "input_sha256": "0" * 64},)).save(folder)


def packaged(tmp_path):
    assets = tmp_path / "out/src/main/assets/demo"
    return (assets / "model.tflite").read_bytes(), json.loads((assets / "manifest.json").read_text())


def image_of(model):
    side = model.contract.image.height
    return np.random.default_rng(5).normal(0, 1, (1, side, side, 3)).astype(np.float32)


def best_of_pixels():
    """A segmenter whose model ends with the best class of each pixel, and one that ends before that."""
    net = FloatNet((1, 4, 4, 3))
    logits = net.conv(net.image, 3, window=1, name="logits")
    best = net.add("ARG_MAX", [logits, net.constant(np.array([3]))], [(1, 4, 4)], "ArgMaxOptions", outputType=2)[0]
    net.subgraph.tensors[best].type = 2
    contract = tiny_task("segmentation").contract
    image = replace(contract.image, height=4, width=4)
    output = Output("class_map", "class_map", 0, (1, 4, 4), "int32")
    task = Segmentation(score_converter_place="model")
    return net.finish(best), replace(contract.with_image(image), outputs=(output,), task=task)


def test_a_classifier_gives_scores_of_its_labels_without_the_background():
    model = tiny_task("classification")
    data, contract = with_label_scores(model.data, model.contract)
    (logits,), (scores,) = run_model(model.data, image_of(model)), run_model(data, image_of(model))
    powers = np.exp(logits - logits.max())
    assert scores == pytest.approx((powers / powers.sum())[:, 1:], abs=1e-6)
    assert (contract.task.label_offset, contract.task.score_converter_place) == (0, "model")
    assert contract.output("class_scores").shape == (1, 3)


def test_a_classifier_that_gives_such_scores_is_left_as_it_is():
    model = tiny_task("classification")
    data, contract = with_label_scores(model.data, model.contract)
    again, _contract = with_label_scores(data, contract)
    assert len(load(again, "x").subgraphs[0].operators) == len(load(data, "x").subgraphs[0].operators)


def test_a_segmenter_ends_before_its_best_classes():
    data, contract = best_of_pixels()
    made, changed = with_pixel_scores(data, contract)
    model = load(made, "x")
    assert "ARG_MAX" not in [operator_name(model, operator) for operator in model.subgraphs[0].operators]
    image = np.random.default_rng(5).normal(0, 1, (1, 4, 4, 3)).astype(np.float32)
    (classes,), (scores,) = run_model(data, image), run_model(made, image)
    assert scores.argmax(-1).tolist() == classes.tolist()
    assert (changed.roles, changed.task.score_converter_place) == (("class_scores",), "host")


def test_classes_by_another_operator_are_refused():
    data, contract = best_of_pixels()
    model = load(data, "x")
    for code in model.operatorCodes:
        code.builtinCode = code.deprecatedBuiltinCode = 79 if code.builtinCode == 56 else code.builtinCode  # ARG_MIN
    with pytest.raises(InputError, match=r"only where an ARG_MAX makes the classes can it be left out"):
        with_pixel_scores(dump(model), contract)


def test_a_classifier_is_packaged_with_metadata_for_its_labels(package, tmp_path):
    write(tmp_path / "net", "classification")
    assert package(model="net") == 0
    data, manifest = packaged(tmp_path)
    (output,) = read_metadata(load(data, "x")).outputs
    assert (output.name, output.files, output.low, output.high) == ("probability", ("labels.txt",), (0.0,), (1.0,))
    assert manifest["task"] == "image classification"
    assert manifest["postprocessing"]["score_converter"] == "SOFTMAX"
    assert (tmp_path / "out/src/main/kotlin/org/detlite/models/DemoMediaPipeClassifier.kt").is_file()


@pytest.mark.parametrize(("converter", "place", "code"), [("SOFTMAX", "host", 2), ("SIGMOID", "host", 1)])
def test_a_segmenters_metadata_says_what_makes_scores_of_its_logits(package, tmp_path, converter, place, code):
    model = tiny_task("segmentation")
    contract = model.contract.with_task(score_converter=converter, score_converter_place=place)
    Model(model.data, "tflite", contract, model.history).save(tmp_path / "net")
    assert package(model="net") == 0
    data, manifest = packaged(tmp_path)
    at = data.index(b"V001") - 4  # a flatbuffer's identifier follows the place of its root
    options = data[at : at + 64]
    table = int.from_bytes(options[:4], "little")
    vtable = table - int.from_bytes(options[table : table + 4], "little", signed=True)
    assert options[table + int.from_bytes(options[vtable + 4 : vtable + 6], "little")] == code
    assert b"SEGMENTER_METADATA" in data
    assert manifest["task"] == "image segmentation"


def test_labels_for_a_classifier_may_begin_with_the_background(package, tmp_path):
    write(tmp_path / "net", "classification")
    (tmp_path / "named.txt").write_text("background\ncrane\ncrane\nkite\n")
    assert package("--labels", "named.txt", model="net") == 0
    assert (tmp_path / "out/src/main/assets/demo/labels.txt").read_text() == "crane\ncrane\nkite\n"


def test_one_label_too_many_is_refused_where_the_first_is_no_background(package, tmp_path, capsys):
    write(tmp_path / "net", "classification")
    (tmp_path / "named.txt").write_text("a\nb\nc\nd\n")
    assert package("--labels", "named.txt", model="net") == 2
    assert "named.txt has 4 labels and the model 3 classes" in capsys.readouterr().err


def test_two_classes_of_one_label_are_told_apart():
    found = app_task(tiny_task("classification").contract)
    rows = [[1, "crane", 0.7], [2, "kite", 0.2], [0, "crane", 0.1]]
    ranked = found.results([rows], [(4, 4)], ("crane", "crane", "kite"))
    assert ranked.scores.tolist() == [pytest.approx([0.1, 0.7, 0.2])]


@pytest.mark.parametrize(
    "row", [[3, "kite", 0.5], [-1, "kite", 0.5], [0, "kite", 0.5], [None, "kite", 0.5], ["kite", 1]]
)
def test_a_class_that_is_not_the_models_is_refused(row):
    found = app_task(tiny_task("classification").contract)
    with pytest.raises(InputError, match="want a class's number, the model's label of it, and its score"):
        found.results([[row]], [(4, 4)], ("crane", "crane", "kite"))


def test_a_padded_detector_is_packaged_with_the_rule(package, tmp_path):
    letterbox = Letterbox("bottom_right", (1.0, 2.0, 3.0), "half_even")
    write_app_model(tmp_path / "net", change=lambda c: c.with_image(replace(c.image, letterbox=letterbox)))
    assert package(model="net") == 0
    said = packaged(tmp_path)[1]["preprocessing"]["resize_in_words"]
    assert "aspect ratio kept, sides rounded half even, padded at the bottom and right with the pixel (1, 2, 3)" in said
    assert "Hand other clients what `DemoImage.prepared` returns" in (tmp_path / "out/README.md").read_text()


def test_a_crop_is_part_of_the_rule(package, tmp_path):
    write(tmp_path / "net", "classification", crop=0.875)
    assert package(model="net") == 0
    assert "the central square, 0.875 of the shorter side" in (tmp_path / "out/README.md").read_text()


@pytest.mark.parametrize("kind", ["classification", "segmentation"])
def test_every_file_that_a_readme_names_is_there(package, tmp_path, kind):
    write(tmp_path / "net", kind)
    assert package(model="net") == 0
    text = (tmp_path / "out/README.md").read_text()
    named = [part for part in text.split("`") if part.startswith("src/main/") and "." in part.split("/")[-1]]
    assert len(named) == 7
    assert all((tmp_path / "out" / path).is_file() for path in named)


@pytest.mark.parametrize(
    ("kind", "noun"), [("instances", "an instance segmenter"), ("keypoints", "a detector of keypoints")]
)
def test_masks_and_keypoints_are_refused_with_the_reason(package, tmp_path, capsys, kind, noun):
    write(tmp_path / "net", kind)
    assert package(model="net") == 2
    said = capsys.readouterr().err
    assert noun in said
    assert "for which Android's clients have no task" in said
    assert "packaged are: classification, " in said
    assert not (tmp_path / "out").exists()


def test_a_classifier_beside_a_detector_is_refused(package, tmp_path, capsys):
    write(tmp_path / "net", "classification")
    assert package("--gpu", "net") == 2
    assert "net is a different model from the first: its task, labels" in capsys.readouterr().err


def test_a_segmenter_of_another_map_is_refused_for_the_gpu(package, tmp_path, capsys):
    write(tmp_path / "net", "segmentation")
    model = tiny_task("segmentation")
    Model(model.data, "tflite", model.contract.with_task(resize="tf1_bilinear"), model.history).save(tmp_path / "other")
    assert package("--gpu", "other", model="net") == 2
    assert "other has different post-processing settings from the first (resize rule of the map tf1_" in (
        capsys.readouterr().err
    )


def test_the_accuracy_of_a_classifier_comes_into_the_readme(package, tmp_path):
    write(tmp_path / "net", "classification")
    sha256 = hashlib.sha256((tmp_path / "net/model.tflite").read_bytes()).hexdigest()
    record = {"schema": "detlite.accuracy", "model_sha256": sha256, "images": 9, "top1": 71.5, "top5": 90.0}
    (tmp_path / "accuracy.json").write_text(json.dumps(record))
    assert package("--figures", "accuracy.json", model="net") == 0
    assert "top-1 accuracy 71.50 % on 9 images." in (tmp_path / "out/README.md").read_text()
