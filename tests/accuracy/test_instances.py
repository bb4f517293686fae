"""Instance masks scored by COCO's numbers, as pycocotools gives them; polygons and run lengths; and the command."""

import contextlib
import io
import json

import numpy as np
import pytest
from builders.detection_cases import SIDE, columns
from builders.image_files import picture
from builders.said_steps import announces_every_step
from builders.tiny_tasks import tiny_task

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.coco import KEYS, coco_draws, coco_matches
from detlite.accuracy.fidelity import detection_concordance
from detlite.accuracy.instances import DetectedMasks, mask_scores
from detlite.accuracy.labels.annotations import RunLengths
from detlite.accuracy.labels.coco import read_annotations
from detlite.accuracy.precision import mean_average_precision
from detlite.cli import main
from detlite.runtime.errors import InputError

CLASSES = ClassMap((1, 2), "position")


def masked(rows, images=3):
    """Detections of *rows*, each (image, class, (x, y, width, height), score), whose masks fill the left of the box."""
    masks = np.zeros((len(rows), 4, 4), np.float16)
    masks[:, :, :3] = 1
    return DetectedMasks(
        **columns(rows, images=images),
        masks=masks,
        threshold=np.array(0.5),
    )


def invented(seed):
    """COCO's record of objects at random, polygons and run lengths, and detections near them."""
    random, annotations, rows = np.random.default_rng(seed), [], []
    scores = iter(random.permutation(500) / 501)
    for image in range(3):
        for _ in range(4):
            x, y, w, h = (float(value) for value in (*random.integers(0, 50, 2), *random.integers(12, 40, 2)))
            whole = [x, y, x + 0.75 * w, y, x + 0.75 * w, y + h, x, y + h]
            number, klass = len(annotations) + 1, int(random.integers(2))
            common = {"id": number, "image_id": image + 1, "category_id": klass + 1, "bbox": [x, y, w, h], "iscrowd": 0}
            annotations.append({**common, "area": 0.75 * w * h, "segmentation": [whole]})
            near = tuple((np.array([x, y, w, h]) + random.normal(0, 1.5, 4)).tolist())
            rows.append((image, klass, near, float(next(scores))))
            rows.append((image, klass, (x / 2, y / 2, w, h), float(next(scores))))
    frame = {
        "images": [{"id": i + 1, "file_name": f"{i}.npy", "height": SIDE, "width": SIDE} for i in range(3)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "thing 0"}, {"id": 2, "name": "thing 1"}],
    }
    return frame, masked(sorted(rows, key=lambda row: (row[0], -row[3])))


def pycocotools_stats(frame, found):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rows = [
        {
            "image_id": image + 1,
            "category_id": klass + 1,
            "segmentation": encoded,
            "score": score,
        }
        for image, klass, encoded, score in zip(
            found.image_index.tolist(), found.classes.tolist(), found.encoded, found.scores.tolist(), strict=True
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = frame
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(rows), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [None if value < 0 else 100 * value for value in evaluation.stats]


@pytest.mark.parametrize("seed", range(3))
def test_all_twelve_numbers_of_masks_are_those_of_pycocotools(tmp_path, seed):
    frame, found = invented(seed)
    (tmp_path / "a.json").write_text(json.dumps(frame))
    truth = read_annotations(tmp_path / "a.json", masks=True)
    numbers = list(mask_scores(found, truth, CLASSES).numbers.values())
    want = pycocotools_stats(frame, found)
    assert numbers == [None if value is None else pytest.approx(value, abs=1e-9) for value in want]
    own = mean_average_precision(coco_matches(found, truth, CLASSES))[0]
    assert own == pytest.approx(numbers[0], abs=1e-9)
    drawn = coco_draws(found, truth, CLASSES, np.ones((1, len(truth.images))))
    others = dict(zip(KEYS[1:], (np.nan if one is None else one for one in numbers[1:]), strict=True))
    assert {key: drawn[key][0] for key in KEYS[1:]} == pytest.approx(others, abs=1e-9, nan_ok=True)


def test_run_lengths_are_read_plain_and_compressed(tmp_path):
    from pycocotools import mask

    pixels = np.zeros((SIDE, SIDE), np.uint8, order="F")
    pixels[10:30, 5:40] = 1
    packed = mask.encode(pixels)
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate(([2], pixels.ravel(order="F"), [2])))))
    frame, _found = invented(0)
    for number, counts in enumerate((packed["counts"].decode(), runs.tolist())):
        frame["annotations"][number]["segmentation"] = {"size": [SIDE, SIDE], "counts": counts}
    (tmp_path / "a.json").write_text(json.dumps(frame))
    truths = read_annotations(tmp_path / "a.json", masks=True).truths
    assert isinstance(truths[0].mask, RunLengths)
    assert truths[0].mask == truths[1].mask


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        ([], "want polygons or run lengths"),
        ([[1, 2, 3, 4]], "at least three corners"),
        ([[1, 2, 3, 4, 5, "x"]], "annotation 0 is not right"),
        ({"size": [SIDE, SIDE], "counts": [1, 2]}, "cover 3 pixels of 100 x 100"),
        ({"size": [SIDE, SIDE], "counts": "oooooooooooooooooooo"}, "annotation 0 is not right"),
        ({"counts": [1]}, "annotation 0 has no 'size'"),
    ],
)
def test_a_wrong_mask_is_named(tmp_path, segmentation, said):
    frame, _found = invented(0)
    frame["annotations"][0]["segmentation"] = segmentation
    (tmp_path / "a.json").write_text(json.dumps(frame))
    with pytest.raises(InputError, match=said):
        read_annotations(tmp_path / "a.json", masks=True)


def test_an_instance_segmenter_agrees_wholly_with_itself_by_its_masks():
    _frame, found = invented(1)
    assert detection_concordance(found, found).fidelity == pytest.approx(100)


def test_the_same_boxes_with_other_masks_do_not_agree_wholly():
    rows = [(0, 0, (10, 10, 40, 40), 0.9)]
    found, reference = masked(rows), masked(rows)
    found.masks[:, :, 2] = 0
    assert detection_concordance(found, reference).fidelity < 60


def test_the_command_scores_masks_saves_and_scores_again(capsys, tmp_path):
    artifact = tiny_task("instances").save(tmp_path / "model")
    (tmp_path / "photos").mkdir()
    frame, _found = invented(0)
    for number in range(3):
        np.save(tmp_path / "photos" / f"{number}.npy", picture(number))
    height, width = picture(0).shape[:2]
    frame["images"] = [{**one, "height": height, "width": width} for one in frame["images"]]
    (tmp_path / "a.json").write_text(json.dumps(frame))
    asked = ["evaluate", str(artifact.model.parent), "--coco", str(tmp_path / "photos"), str(tmp_path / "a.json")]
    asked += ["--known-classes", "--json"]
    assert main([*asked, "--bootstrap", "5", "--save-detections", str(tmp_path / "saved.jsonl")]) == 0
    said = capsys.readouterr()
    assert announces_every_step(said.err)
    first = json.loads(said.out)
    assert main([*asked, "--detections", str(tmp_path / "saved.jsonl")]) == 0
    second = json.loads(capsys.readouterr().out)
    assert (first["metric"], first["map"], first["detections"]) == ("coco-masks", second["map"], second["detections"])
