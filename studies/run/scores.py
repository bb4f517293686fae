"""Quality of the int8 model: fidelity to the float model, COCO mAP if there are labels, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detlite.accuracy.bootstrap import SEED, bootstrap_pair, draw_images, interval_of
from detlite.accuracy.classes import class_map
from detlite.accuracy.classification import logit_snr, ranking_concordance
from detlite.accuracy.coco import coco_matches, coco_metrics
from detlite.accuracy.detect import Detected, detect
from detlite.accuracy.fidelity import fidelity
from detlite.accuracy.predictions import Predictions
from detlite.accuracy.video_ranks import predict_videos
from detlite.accuracy.views import WHOLE
from detlite.runtime.artifact import Artifact
from detlite.runtime.progress import Progress
from detlite.studies.report.report import MOST_SHOWN, SHOWN_SCORE
from detlite.studies.run.images import ImageSets
from detlite.studies.run.ledger import Record

PICTURES = 6
DRAWS = 200


def score(models: Mapping[str, Artifact], images: ImageSets, progress: Progress) -> Record:
    """Return `fidelity`, `coco` (both models and their difference, or None) and `pictures`, as JSON.

    *models* are the float model and the quantized one, by their names.
    """
    (first, float32), (second, quantized) = models.items()
    if images.footage is not None:
        return _score_videos(models, images, progress)
    paths, upright = images.evaluation.paths, images.evaluation.upright
    reference = detect(float32, paths, upright=upright, progress=progress)
    found = detect(quantized, paths, upright=upright, progress=progress)
    agreement = fidelity(found, reference, draws=DRAWS, groups=images.photographs)
    return {
        "fidelity": {
            "value": agreement.fidelity,
            "images": agreement.images,
            "interval": agreement.interval and agreement.interval.to_record(),
            "reference_count": agreement.reference_count,
            "found_count": agreement.found_count,
            "matched_count": agreement.matched_count,
        },
        "coco": _coco({first: reference, second: found}, images, float32.contract.labels),
        "pictures": _pictures((reference, found), float32.contract.labels),
        "timing": {name: _timing(one) for name, one in ((first, reference), (second, found))},
    }


def _score_videos(models: Mapping[str, Artifact], images: ImageSets, progress: Progress) -> Record:
    """Return what `score` does, of models of video; `fidelity` is top-1 agreement at the end of each video.

    It also has `unread`, why each video that was left out cannot be read.
    """
    names, artifacts = tuple(models), tuple(models.values())
    reference, found = (predict_videos(one, images.evaluation.paths, WHOLE, progress=progress) for one in artifacts)
    agreement, count = ranking_concordance(found, reference), len(found.sizes)
    drawn = agreement.weighted(draw_images(count, DRAWS, SEED))
    return {
        "fidelity": {
            "value": agreement.fidelity,
            "images": count,
            "interval": interval_of(drawn, SEED).to_record(),
            "logit_snr_db": logit_snr(found, reference, (artifacts[1].contract, artifacts[0].contract)),
            **agreement.counts,
        },
        "coco": None,
        "pictures": [],
        "timing": {name: _timing(one) for name, one in zip(names, (reference, found), strict=True)},
        "unread": list(found.unread),
    }


def _timing(detected: Predictions) -> Record:
    return {"wall_s": detected.wall_s, "invoke_sum_s": detected.invoke_sum_s}


def _coco(detected: Mapping[str, Detected], images: ImageSets, labels: Sequence[str]) -> Record | None:
    if images.annotations is None:
        return None
    classes = class_map(labels, images.annotations.categories)
    first, second = (coco_matches(one, images.annotations, classes) for one in detected.values())
    intervals = bootstrap_pair(second, first, draws=DRAWS)
    numbers = {name: coco_metrics(one, images.annotations, classes) for name, one in detected.items()}
    before, after = (one["map"] or 0.0 for one in numbers.values())
    return {
        "split": images.annotations.split,
        **numbers,
        "difference": intervals.difference.to_record(),
        "ratio_percent": 100 * after / before if before else None,
        "ratio_percent_interval": intervals.ratio and intervals.ratio.to_record(),
    }


def _pictures(pair: tuple[Detected, Detected], labels: Sequence[str]) -> list[Record]:
    """Return images with confident detections of many classes, with both models' detections."""
    order = _varied(pair[0])[:PICTURES]
    return [{"image": int(i), "sides": [_shown(one, int(i), labels) for one in pair]} for i in order]


def _varied(detected: Detected) -> list[int]:
    """Return the images ordered so that those with new classes come first."""
    sure = detected.scores >= SHOWN_SCORE
    rows = zip(detected.image_index[sure].tolist(), detected.classes[sure].tolist(), strict=True)
    classes: dict[int, set[int]] = {}
    for image, klass in rows:
        classes.setdefault(image, set()).add(klass)
    order: list[int] = []
    seen: set[int] = set()
    while classes:
        best = max(classes, key=lambda image: (len(classes[image] - seen), len(classes[image]), -image))
        order.append(best)
        seen |= classes.pop(best)
    return order


def _shown(detected: Detected, image: int, labels: Sequence[str]) -> list[Record]:
    boxes, classes, scores = detected.of_image(image)
    rows = zip(boxes.tolist(), classes.tolist(), scores.tolist(), strict=True)
    shown = [{"box": box, "label": labels[c], "score": s} for box, c, s in rows if s >= SHOWN_SCORE]
    return shown[:MOST_SHOWN]
