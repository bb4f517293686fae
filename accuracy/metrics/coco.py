"""COCO's twelve numbers."""

from detlite.accuracy.coco import KEYS, coco_draws, coco_matches, coco_scores, coco_titles, prepare_coco
from detlite.accuracy.detect import Detected
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.metric import Metric
from detlite.accuracy.precision import mean_average_precision

PLUGIN = Metric[Detected, Annotations](
    title="COCO: AP averaged over IoU 0.50:0.95, by size, and recall",
    source="COCOeval of cocoapi, as faster-coco-eval computes it",
    task="detection",
    takes=("coco", "voc"),
    numbers=KEYS,
    titles=coco_titles(),
    protocol={"evaluator": "faster-coco-eval", "iou_thresholds": "0.50:0.05:0.95"},
    score=coco_scores,
    weighted=lambda detected, annotations, classes, weights: mean_average_precision(
        coco_matches(detected, annotations, classes), weights
    ),
    weighted_others=coco_draws,
    prepare=prepare_coco,
)
