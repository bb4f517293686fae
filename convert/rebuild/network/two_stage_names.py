"""Where the checkpoints of two-stage detectors hold what is not the backbone."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.slim import SLIM_NAMES, Names


@dataclass(frozen=True)
class TwoStageNames:
    """The scopes of the layers.

    Attributes:
        layers: how the variables of a layer are called.
        proposals: the convolution before the heads of the first stage.
        proposal_boxes: the box head of the first stage.
        objectness: the class head of the first stage.
        boxes: the box head of the second stage.
        classes: the class head of the second stage.
    """

    layers: Names
    proposals: str
    proposal_boxes: str
    objectness: str
    boxes: str
    classes: str


TF1_NAMES = TwoStageNames(
    SLIM_NAMES,
    proposals="Conv",
    proposal_boxes="FirstStageBoxPredictor/BoxEncodingPredictor",
    objectness="FirstStageBoxPredictor/ClassPredictor",
    boxes="SecondStageBoxPredictor/BoxEncodingPredictor",
    classes="SecondStageBoxPredictor/ClassPredictor",
)

_FIRST = "model/_first_stage_box_predictor/_prediction_heads"
_SECOND = "model/_mask_rcnn_box_predictor"
TF2_NAMES = TwoStageNames(
    KERAS_NAMES,
    proposals="model/_first_stage_box_predictor_first_conv/layer_with_weights-0",
    proposal_boxes=f"{_FIRST}/box_encodings/0/_box_encoder_layers/0",
    objectness=f"{_FIRST}/class_predictions_with_background/0/_class_predictor_layers/0",
    boxes=f"{_SECOND}/_box_prediction_head/_box_encoder_layers/1",
    classes=f"{_SECOND}/_class_prediction_head/_class_predictor_layers/1",
)
