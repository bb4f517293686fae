"""Finished classifiers and segmenters of other programs are told by the operator that they end with."""

from pathlib import Path

import pytest
from builders.tiny_classifier import tiny_classifier

from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.evaluation import EvaluationOptions, Scoring, evaluate_by_labels
from detlite.convert.artifact import open_artifact
from detlite.convert.tflite.contract import contract_of_tflite
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.classification import Classification

SOFTMAX, ARG_MAX = 25, 56


def ending(code, shape, columns=6, dtype=0):
    """A model of one row of pixels that ends with the operator *code*, whose output has this *shape* and type."""
    model = load(tiny_classifier(columns), "a test")
    edit = Edit(model, model.subgraphs[0])
    output = edit.tensor("out", shape)
    model.subgraphs[0].tensors[output].type = dtype
    edit.operator(code, list(model.subgraphs[0].outputs), [output])
    model.subgraphs[0].outputs = [output]
    return dump(model)


def contract_of(data, folder, labels=None):
    (folder / "x.tflite").write_bytes(data)
    return contract_of_tflite(folder / "x.tflite", labels=labels)


def test_a_softmax_over_classes_is_a_classifier(tmp_path):
    contract = contract_of(ending(SOFTMAX, (1, 6)), tmp_path)
    assert contract.task == Classification("SOFTMAX", "model", 0)
    assert (contract.image.crop, contract.image.resize) == (0.875, "half_pixel_bilinear")
    assert contract.origin["task"] == "the model's one output: scores (SOFTMAX)"
    assert len(contract.labels) == 6


def test_labels_say_whether_there_is_a_background(tmp_path):
    (tmp_path / "five.txt").write_text("a\nb\nc\nd\ne\n")
    contract = contract_of(ending(SOFTMAX, (1, 6)), tmp_path, tmp_path / "five.txt")
    assert (contract.task.label_offset, contract.labels) == (1, ("a", "b", "c", "d", "e"))


def test_the_best_class_of_each_pixel_is_a_segmenter(tmp_path):
    contract = contract_of(ending(ARG_MAX, (1, 1, 6), dtype=4), tmp_path)
    assert (contract.task.kind, contract.outputs[0].role, contract.outputs[0].dtype) == (
        "segmentation",
        "class_map",
        "int64",
    )
    assert contract.image.letterbox.pad == "bottom_right"


def test_numbers_that_are_no_scores_are_no_classifier(tmp_path):
    with pytest.raises(InputError, match="and its output is neither scores of classes nor a map of them"):
        contract_of(tiny_classifier(6), tmp_path)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "top1", "top5"),
    [("mobilenet_v2_1.0_224_quant", 86.9, 97.7), ("mobilenet_v1_0.25_128_quant", 50.0, 74.6)],
)
def test_real_classifiers_score_what_is_known_of_them(shared_data, name, top1, top5):
    folder = shared_data / "tfvision"
    labels = DatasetFiles("imagenet", (folder / "imagenet_samples", folder / "imagenet_samples" / "labels.json"))
    artifact = open_artifact(folder / "models" / f"{name}.tflite")
    result = evaluate_by_labels(artifact, Scoring(labels), EvaluationOptions()).result
    assert result.numbers == pytest.approx({"top1": top1, "top5": top5}, abs=0.05)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "iou"), [("deeplabv3_mnv2_pascal_quant", 90.5), ("deeplabv3_mnv2_dm05_pascal_quant", 81.9)]
)
def test_real_segmenters_find_the_bird(shared_data, tmp_path, name, iou):
    folder = shared_data / "tfvision"
    for kind, file in (("images", "bird.png"), ("masks", "bird_mask.png")):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "bird.png").write_bytes(Path(folder / "segmentation" / file).read_bytes())
    labels = DatasetFiles("masks", (tmp_path / "images", tmp_path / "masks"))
    artifact = open_artifact(folder / "models" / f"{name}.tflite")
    result = evaluate_by_labels(artifact, Scoring(labels), EvaluationOptions()).result
    (bird,) = (one.numbers["iou"] for one in result.classes if one.name == "3")
    assert bird == pytest.approx(iou, abs=0.1)
