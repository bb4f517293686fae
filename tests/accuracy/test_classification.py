"""Classifiers scored by class folders, text lists and JSON; agreement of two; and the command that does it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_classifier import classifier_contract, save_classifier, write_scored_image

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.classification import (
    Ranked,
    logit_snr,
    ranking_concordance,
    top1_of_draws,
    top_k_draws,
    top_k_scores,
)
from detlite.accuracy.dataset import DatasetFiles, Object, load_dataset
from detlite.accuracy.detect import predict
from detlite.accuracy.ground_truth import read_labelled
from detlite.accuracy.labels.image_classes import ClassifiedImage, ImageClasses, read_class_folders, read_class_list
from detlite.cli import main
from detlite.runtime.boxes.scores import CONVERTERS
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Quantization

SCORES = ([250, 10, 20, 30, 40, 50], [10, 200, 210, 30, 40, 50], [1, 2, 3, 4, 5, 250], [60, 50, 40, 30, 20, 10])
"""Of four images: the best classes are 0, 2, 5, 0; the worst are 1, 0, 0, 5."""


def ranked(scores):
    rows = np.array(scores, np.float32) / 255
    return Ranked(scores=rows, sizes=np.ones((len(rows), 2), np.int64), invoke_ns=np.ones(len(rows), np.int64))


def truth(*classes):
    images = tuple(ClassifiedImage(f"{number}.npy", klass) for number, klass in enumerate(classes))
    return ImageClasses(images, tuple((k, f"kind {k}") for k in sorted(set(classes))), "0" * 64, "class-list", True)


SIX = ClassMap(tuple(range(6)), "number")


def test_top_1_and_top_5_by_hand():
    scores = top_k_scores(ranked(SCORES), truth(0, 1, 5, 5), SIX)
    assert scores.numbers == {"top1": 50.0, "top5": 75.0}


def test_the_numbers_of_a_class_are_over_its_images():
    rows = {row.name: (row.truths, row.numbers) for row in top_k_scores(ranked(SCORES), truth(0, 1, 5, 5), SIX).classes}
    assert rows["kind 0"] == (1, {"top1": 100.0, "top5": 100.0})
    assert rows["kind 1"] == (1, {"top1": 0.0, "top5": 100.0})
    assert rows["kind 5"] == (2, {"top1": 50.0, "top5": 50.0})


def test_of_two_equal_scores_the_lower_class_is_better():
    scores = top_k_scores(ranked([[9, 9, 0, 0, 0, 0]]), truth(1), SIX)
    assert scores.numbers["top1"] == 0


def test_a_model_of_four_classes_has_no_top_5():
    scores = top_k_scores(ranked([[9, 1, 2, 3]]), truth(0), ClassMap(tuple(range(4)), "number"))
    assert scores.numbers == {"top1": 100.0, "top5": None}


def test_an_image_with_a_weight_counts_as_often():
    weights = np.array([[1.0, 1.0, 1.0, 1.0], [3.0, 1.0, 0.0, 0.0]])
    assert top1_of_draws(ranked(SCORES), truth(0, 1, 5, 5), SIX, weights).tolist() == [50.0, 75.0]


def test_top_5_and_each_class_are_drawn_too():
    weights = np.array([[1.0, 1.0, 1.0, 1.0], [3.0, 1.0, 0.0, 0.0]])
    drawn = top_k_draws(ranked(SCORES), truth(0, 1, 5, 5), SIX, weights)
    assert {name.split(":")[0] for name in drawn} == {"top5", "top1"}
    assert [draws[0] for name, draws in drawn.items() if name != "top5"] == [
        row.numbers["top1"] for row in top_k_scores(ranked(SCORES), truth(0, 1, 5, 5), SIX).classes
    ]
    assert any(np.isnan(draws[1]) for draws in drawn.values())


def test_two_classifiers_agree_where_their_best_classes_are_the_same():
    found = ranked([SCORES[0], SCORES[0], SCORES[2], SCORES[3]])
    agreement = ranking_concordance(found, ranked(SCORES))
    assert (agreement.fidelity, agreement.counts) == (75.0, {"images": 4, "classes": 3, "matched_count": 3})
    assert agreement.weighted(np.array([[0.0, 2.0, 1.0, 1.0]])).tolist() == [50.0]


def of_logits(converter, *rows):
    return ranked(255 * CONVERTERS[converter](np.array(rows, np.float32)))


def contract_of(converter, dtype="float32"):
    known = classifier_contract()
    quantization = None if dtype == "float32" else Quantization(1 / 256, 0)
    outputs = (replace(known.outputs[0], dtype=dtype, quantization=quantization),)
    return replace(known, outputs=outputs, task=Classification(converter, "model"))


WANTED = (0, 2, 4, -4, 2, -4)  # the variance is 28 / 3


@pytest.mark.parametrize(("converter", "db"), [("SOFTMAX", 10 * np.log10(28 / 3)), ("SIGMOID", 10 * np.log10(14 / 3))])
def test_the_signal_over_noise_of_logits_leaves_out_the_constant_of_a_softmax(converter, db):
    """The first is 2 too high, the others alternate: with the mean of 1, the error is 1 and -1 around it."""
    reference, found = of_logits(converter, WANTED), of_logits(converter, np.add(WANTED, (2, 0, 2, 0, 2, 0)))
    contracts = (contract_of(converter), contract_of(converter))
    assert logit_snr(found, reference, contracts) == pytest.approx(db, abs=1e-3)
    assert logit_snr(reference, reference, contracts) == 120


def test_rounded_scores_have_no_signal_over_noise():
    known = of_logits("SOFTMAX", WANTED)
    assert logit_snr(known, known, (contract_of("SOFTMAX", "uint8"), contract_of("SOFTMAX"))) is None


def test_scores_that_are_not_numbers_are_refused():
    with pytest.raises(InputError, match="not finite numbers"):
        ranked([[float("nan")] * 6])


@pytest.fixture
def artifact(tmp_path):
    return save_classifier(tmp_path / "model")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, scores in enumerate(SCORES):
        write_scored_image(folder / f"{number}.npy", list(scores))
    return folder


def test_a_classifier_is_run_and_its_scores_come_back(artifact, photos):
    found = predict(artifact, sorted(photos.iterdir()))
    np.testing.assert_allclose(found.scores, np.array(SCORES) / 255, atol=1e-3)
    assert found.best(1)[:, 0].tolist() == [0, 2, 5, 0]


def class_folders(folder):
    for name, number in (("kind 0", 0), ("kind 5", 2), ("kind 5", 3)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        write_scored_image(folder / name / f"{number}.npy", list(SCORES[number]))
    return folder


def test_the_first_sub_folder_is_the_class(tmp_path):
    read = read_class_folders(class_folders(tmp_path / "set"))
    assert [(image.file_name, image.category_id) for image in read.images] == [
        ("kind 0/0.npy", 1),
        ("kind 5/2.npy", 2),
        ("kind 5/3.npy", 2),
    ]
    assert read.categories == ((1, "kind 0"), (2, "kind 5"))


def test_an_image_beside_the_folders_is_refused(tmp_path):
    folder = class_folders(tmp_path / "set")
    write_scored_image(folder / "loose.npy", [1] * 6)
    with pytest.raises(InputError, match=r"loose\.npy is in no sub-folder"):
        read_class_folders(folder)


def test_class_folders_are_calibrated_with_by_class(tmp_path):
    folder = class_folders(tmp_path / "set")
    objects = [item.objects for item in load_dataset("class_folders").items([folder])]
    assert objects == [(Object("kind 0", None),), (Object("kind 5", None),), (Object("kind 5", None),)]


LISTS = {
    "numbers.txt": "# mine\n0.npy 0\n1.npy 1\n2.npy 5\n3.npy 5\n",
    "names.txt": "0.npy kind 0\n1.npy kind 1\n2.npy kind 5\n3.npy kind 5\n",
    "numbers.json": json.dumps({"0.npy": 0, "1.npy": 1, "2.npy": 5, "3.npy": 5}),
    "pairs.json": json.dumps({"0.npy": [0, "tench"], "1.npy": [1, "x"], "2.npy": [5, "y"], "3.npy": [5, "y"]}),
    "names.json": json.dumps({"0.npy": "kind 0", "1.npy": "Kind 1", "2.npy": "kind 5", "3.npy": "kind 5"}),
}


@pytest.mark.parametrize("name", LISTS)
def test_every_list_of_classes_scores_the_same(artifact, photos, tmp_path, name):
    (tmp_path / name).write_text(LISTS[name])
    files = DatasetFiles("images", (photos,), {"classes": str(tmp_path / name)})
    labelled, metric = read_labelled(files, "classification", artifact.contract.labels)
    scores = top_k_scores(predict(artifact, labelled.paths), labelled.annotations, labelled.classes)
    assert (metric, scores.numbers) == ("top-k", {"top1": 50.0, "top5": 75.0})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no image"),
        ("a.jpg", "line 1: 'a.jpg' has no class"),
        ("a.jpg 1\na.jpg 2", "names an image twice"),
        ("a.jpg 1\nb.jpg cat", "classes by number and others by name"),
        ("../a.jpg 1", "leads out of the images folder"),
        ("{", "is not whole JSON"),
        ('{"a.jpg": -1}', "the class of 'a.jpg' is '-1'"),
        ('{"a.jpg": null}', "the class of 'a.jpg' is 'None'"),
        ('{"a.jpg": true}', "the class of 'a.jpg' is 'True'"),
        ('{"a.jpg": []}', "the class of 'a.jpg' is"),
        ("\0", "has no class"),
    ],
)
def test_a_wrong_list_of_classes_is_refused_in_one_line(tmp_path, text, said):
    (tmp_path / "list").write_text(text)
    with pytest.raises(InputError, match=said) as raised:
        read_class_list(tmp_path / "list")
    assert len(str(raised.value).splitlines()) == 1


def test_a_class_that_the_model_does_not_have_is_refused(artifact, photos, tmp_path):
    (tmp_path / "list.txt").write_text("0.npy 6\n")
    files = DatasetFiles("images", (photos,), {"classes": str(tmp_path / "list.txt")})
    with pytest.raises(InputError, match="the labels name class 6, and the model has 6 classes, numbered from 0"):
        read_labelled(files, "classification", artifact.contract.labels)


def evaluate(capsys, *arguments):
    status = main(["evaluate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_picks_the_metric_of_the_task(capsys, artifact, photos, tmp_path):
    (tmp_path / "list.txt").write_text(LISTS["numbers.txt"])
    asked = ("--images", photos, "--classes", tmp_path / "list.txt", "--min-top1", 40, "--bootstrap", 20, "--json")
    status, out, _err = evaluate(capsys, artifact.model.parent, *asked)
    record = json.loads(out)
    assert (status, record["metric"], record["top1"], record["top5"]) == (0, "top-k", 50.0, 75.0)
    assert (len(record["top1_draws"]), record["gates"][0]["passed"]) == (20, True)
    assert "detections" not in record


def test_two_classifiers_are_compared_without_labels(capsys, artifact, photos):
    model = artifact.model.parent
    status, out, _err = evaluate(capsys, model, "--images", photos, "--against", model, "--json")
    record = json.loads(out)
    assert (status, record["fidelity"], record["matched_count"]) == (0, 100.0, 4)
    assert record["protocol"]["agreement"] == "top1"


def test_labels_of_another_task_are_refused_in_one_line(capsys, artifact, photos, tmp_path):
    (tmp_path / "a.json").write_text("{}")
    status, _out, err = evaluate(capsys, artifact.model.parent, "--coco", photos, tmp_path / "a.json")
    assert status == 2
    assert "the model's task is classification, and the data set coco has labels for: detection, instances" in err


def test_a_metric_of_another_task_is_refused_in_one_line(capsys, artifact, photos, tmp_path):
    asked = ("--class-folders", class_folders(tmp_path / "set"), "--metric", "coco")
    status, _out, err = evaluate(capsys, artifact.model.parent, *asked)
    assert status == 2
    assert "the metric coco scores detection, and the model's task is classification; use one of: top-k" in err


def test_what_a_classifier_said_is_saved_and_scored_again(capsys, artifact, photos, tmp_path):
    (tmp_path / "list.txt").write_text(LISTS["numbers.txt"])
    asked = (artifact.model.parent, "--images", photos, "--classes", tmp_path / "list.txt", "--json")
    first = evaluate(capsys, *asked, "--save-detections", tmp_path / "saved.jsonl")
    second = evaluate(capsys, *asked, "--detections", tmp_path / "saved.jsonl")
    assert [json.loads(out)["top1"] for _status, out, _err in (first, second)] == [50.0, 50.0]


def test_two_records_of_a_classifier_are_compared(capsys, artifact, photos, tmp_path):
    (tmp_path / "list.txt").write_text(LISTS["numbers.txt"])
    asked = (artifact.model.parent, "--images", photos, "--classes", tmp_path / "list.txt", "--bootstrap", 20)
    for name in ("before.json", "after.json"):
        assert evaluate(capsys, *asked, "-o", tmp_path / name)[0] == 0
    assert main(["compare", str(tmp_path / "before.json"), str(tmp_path / "after.json"), "--json"]) == 0
    figures = {row["figure"] for row in json.loads(capsys.readouterr().out)["figures"]}
    assert {"top1", "top5", "top1:5"} <= figures
