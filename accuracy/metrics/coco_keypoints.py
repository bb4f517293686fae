"""COCO's ten numbers of keypoints."""

from detlite.accuracy.coco import prepare_coco
from detlite.accuracy.keypoints import ALL_KEYS, DetectedKeypoints, check_keypoints, keypoint_matches, keypoint_scores
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.metric import Metric
from detlite.accuracy.precision import mean_average_precision

PLUGIN = Metric[DetectedKeypoints, Annotations](
    title="COCO's numbers of keypoints: AP averaged over OKS 0.50:0.95, by size, and recall",
    source="COCOeval of cocoapi with iouType keypoints, as faster-coco-eval computes it",
    task="keypoints",
    takes=("coco",),
    numbers=ALL_KEYS,
    protocol={
        "evaluator": "faster-coco-eval",
        "oks_thresholds": "0.50:0.05:0.95",
        "sigmas": "COCO's; 0.05 for all if some are not COCO's keypoints",
    },
    score=keypoint_scores,
    weighted=lambda detected, annotations, classes, weights: mean_average_precision(
        keypoint_matches(detected, annotations, classes), weights
    ),
    prepare=prepare_coco,
    check=check_keypoints,
)
