"""Top-1 and top-5 accuracy of a classifier."""

from detlite.accuracy.classification import Ranked, top1_of_draws, top_k_draws, top_k_scores
from detlite.accuracy.labels.image_classes import ImageClasses
from detlite.accuracy.metric import Metric

PLUGIN = Metric[Ranked, ImageClasses](
    title="Top-1 and top-5 accuracy: the share of images whose class is the best, or among the best five",
    source="Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015",
    task="classification",
    takes=(),
    numbers=("top1", "top5"),
    titles={"top1": "Top-1 accuracy", "top5": "Top-5 accuracy"},
    protocol={"evaluator": "detlite", "ties": "the lower class number first"},
    score=top_k_scores,
    weighted=top1_of_draws,
    weighted_others=top_k_draws,
)
