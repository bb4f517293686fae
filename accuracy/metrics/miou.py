"""Mean IoU of a semantic segmentation."""

from detlite.accuracy.labels.label_images import UNLABELLED, LabelImages
from detlite.accuracy.metric import Metric
from detlite.accuracy.segmentation import Segmented, miou_draws, miou_of_draws, miou_scores

PLUGIN = Metric[Segmented, LabelImages](
    title="Mean IoU over the classes that a pixel has, in the truth or as found, and pixel accuracy",
    source="Everingham et al., The PASCAL VOC Challenge: A Retrospective, IJCV 2015, and tf.keras.metrics.MeanIoU",
    task="segmentation",
    takes=(),
    numbers=("miou", "pixel_accuracy"),
    titles={"miou": "Mean IoU (mIoU)", "pixel_accuracy": "Pixel accuracy"},
    protocol={"evaluator": "detlite", "unlabelled": UNLABELLED},
    score=miou_scores,
    weighted=miou_of_draws,
    weighted_others=miou_draws,
)
