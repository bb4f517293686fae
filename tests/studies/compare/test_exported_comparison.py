"""What is compared of a model and of what its exported graph computed, which is written here, not run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.tiny_tasks import instance_segmenter, keypoint_detector, segmenter

from detlite.runtime.errors import InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.session import Session
from detlite.studies.compare.file_comparison import CompareOptions, Side
from detlite.studies.compare.file_kinds import exported_graph as module

GRAPH = Side(Path("graph"), None, b"", None, Path("graph"))
LOGITS = {"score_converter": "SIGMOID", "score_converter_place": "host"}


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """A function that compares a model with a graph that computes the same, but for what is changed."""

    def compare(model, changed=None, *, count=2, changes=None, told=lambda *_progress: None):
        images = write_images(tmp_path, count)
        artifact = model.save(tmp_path / "model", force=True)
        session, theirs = Session(artifact), {}
        for path in images:
            pixels = read_image(path)
            found = session.run(pixels)
            reals = replace(artifact.contract.image, dtype="float32", quantization=None)
            boxes = getattr(found, "detections", found)
            values = {"boxes": boxes.boxes, "classes": boxes.classes.astype(np.float32), "scores": boxes.scores}
            values |= {
                "network_input": preprocess(pixels, reals)[0],
                **(changed if changed and path in images[:changes] else {}),
            }
            theirs[path.name] = values
        asked_for = []

        def write(asked, **_more):
            asked_for.append([path.name for path in asked.images])
            for number, path in enumerate(asked.images):
                np.savez(asked.out / f"{number}.npz", **theirs[path.name])

        monkeypatch.setattr(module, "run_exported_graph", write)
        side = Side(artifact.model.parent, artifact, b"", None)
        found = module.compare(side, GRAPH, CompareOptions(images=images), told)
        compare.runs = asked_for
        return found

    return compare


def with_logits():
    """The tiny detector whose scores are taken for logits: the host makes scores of them."""
    model = detector()
    return replace(model, contract=replace(model.contract, task=replace(model.contract.task, **LOGITS)))


@pytest.mark.parametrize("make", [detector, with_logits])
def test_scores_are_converted_once(make, compared):
    found = compared(make())
    assert found.findings == ()
    assert found.facts["matched"]["detections"][1] > 0
    assert found.facts["max_differences"]["scores"] == 0


def test_many_images_are_compared_a_few_at_a_time(compared, monkeypatch):
    whole = compared(detector(), count=5)
    monkeypatch.setattr(module, "IN_A_RUN", 2)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    told = []
    found = compared(detector(), count=5, told=lambda *one: told.append(one))
    assert (found.lines, found.facts) == (whole.lines, whole.facts)
    assert found.facts["images"] == 5
    assert compared.runs == [["00.npy", "01.npy"], ["02.npy", "03.npy"], ["04.npy"]]
    assert told == [("comparing", number, 5) for number in range(6)]


def test_images_that_the_graph_resizes_to_another_size_are_left_out(compared, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 1)
    other = {"network_input": np.zeros((8, 16, 3), np.float32)}
    with pytest.raises(InputError, match="the graph resizes an image of 32x32 to 8x16, and the model takes 16x16"):
        compared(detector(), other)
    found = compared(detector(), other, count=3, changes=1)
    assert found.facts["images"] == 2
    assert "1 of 3 images is left out: the graph gives it another size" in found.lines


@pytest.mark.parametrize(("make", "what"), [(instance_segmenter, "masks"), (keypoint_detector, "keypoints")])
def test_what_is_not_compared_beside_the_boxes_is_named(make, what, compared):
    found = compared(make())
    assert found.findings == ()
    assert f"the {what} are not compared: none were found in the graph" in found.lines


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"network_input": np.full((16, 16, 3), np.nan, np.float32)}, "network input: the graph returned values that"),
        ({"network_input": np.zeros((16, 16, 1), np.float32)}, r"\(16, 16, 3\) of the model, and \(16, 16, 1\) of the"),
    ],
)
def test_numbers_that_cannot_be_compared_are_refused(changed, text, compared):
    with pytest.raises(InputError, match=text):
        compared(detector(), changed)


def test_a_model_that_finds_no_boxes_is_refused(tmp_path):
    side = Side(tmp_path, segmenter().save(tmp_path / "model"), b"", None)
    with pytest.raises(InputError, match="is a model for segmentation; want one that finds boxes"):
        module.compare(side, GRAPH, CompareOptions(), lambda *_progress: None)


def test_proposals_that_the_model_lacks_count_as_unmatched():
    """The graph has three proposals; of the model's three, two have no area."""
    theirs = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1], [0, 0.5, 0.5, 1]], np.float32)
    ours = theirs * np.array([[1], [0], [0]], np.float32)
    heads = {"box_encodings": np.zeros((3, 4), np.float32), "class_scores": np.zeros((3, 2), np.float32)}
    seen = module._Seen()
    graph = {**heads, "proposals": theirs, "beyond": np.zeros(3, np.float32)}
    module._compare_proposals(seen, {**heads, "proposals": ours}, graph)
    assert seen.matched["proposals"] == [1, 3]


def test_a_model_with_fewer_proposals_says_how_to_have_as_many():
    seen = module._Seen(matched={"detections": [1, 1]}, images=4, regions=(100, 300))
    (text,) = module._remarks(seen, 4)
    assert text.endswith("and the graph at 300: convert it with --max-proposals 300 for the same detections")


def test_it_is_said_if_neither_finds_anything():
    assert module._remarks(module._Seen(matched={"detections": [0, 0]}, images=4), 4) == [
        "neither finds anything: give --images of what the model was trained for"
    ]
