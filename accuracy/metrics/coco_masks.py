"""COCO's twelve numbers of instance masks."""

from detlite.accuracy.coco import KEYS, coco_draws, coco_matches, coco_titles, prepare_coco
from detlite.accuracy.instances import DetectedMasks, mask_scores
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.metric import Metric
from detlite.accuracy.precision import mean_average_precision

PLUGIN = Metric[DetectedMasks, Annotations](
    title="COCO's numbers of masks: AP averaged over mask IoU 0.50:0.95, by size, and recall",
    source="COCOeval of cocoapi with iouType segm, as faster-coco-eval computes it",
    task="instances",
    takes=("coco",),
    numbers=KEYS,
    titles=coco_titles(),
    protocol={"evaluator": "faster-coco-eval", "iou_thresholds": "0.50:0.05:0.95", "iou_of": "masks"},
    score=mask_scores,
    weighted=lambda detected, annotations, classes, weights: mean_average_precision(
        coco_matches(detected, annotations, classes), weights
    ),
    weighted_others=coco_draws,
    prepare=prepare_coco,
)
