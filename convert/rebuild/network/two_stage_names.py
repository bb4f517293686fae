"""Where the checkpoints of two-stage detectors hold what is not the backbone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.slim import SLIM_NAMES, Names


class AttentionScopes(NamedTuple):
    """The scopes of the four projections of an attention block."""

    query: str
    key: str
    value: str
    result: str


@dataclass(frozen=True)
class AttentionNames:
    """Where the attention of a Context R-CNN is, and in which of its two forms.

    Attributes:
        block: returns the scopes of a block by its layer, its head and its number among all blocks; both are None for
            the block in which regions attend to each other.
        kernel: of a projection, after its scope.
        norm: its batch norm's.
        bias: its bias'; None if it has only the batch norm.
        in_one_block: whether there is only one layer of one head, without attention to other regions.
        adds_input: whether the input is added to the result once more than the layers do.
    """

    block: Callable[[int | None, int | None, int], AttentionScopes]
    kernel: str
    norm: str
    bias: str | None
    in_one_block: bool
    adds_input: bool


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
        mask: returns the scope of a convolution of the mask head, by its number and whether it comes after the resizing
            that follows the first ones.
        attention: of a Context R-CNN.
    """

    layers: Names
    proposals: str
    proposal_boxes: str
    objectness: str
    boxes: str
    classes: str
    mask: Callable[[int, bool], str]
    attention: AttentionNames

    def mask_layer(self, number: int, *, after_resize: bool) -> str:
        """Return the scope of the convolution *number* of the mask head; see *mask*."""
        return self.mask(number, after_resize)


def _slim_mask(number: int, after_resize: bool) -> str:
    del after_resize  # only Keras counts the resizing as a layer
    return "SecondStageBoxPredictor/Conv" + (f"_{number}" if number else "")


def _keras_mask(number: int, after_resize: bool) -> str:
    # a convolution is followed by its batch norm and its activation
    head = "model/_mask_rcnn_box_predictor/_third_stage_heads/mask_predictions"
    return f"{head}/_mask_predictor_layers/{3 * number + int(after_resize)}"


def _slim_attention(layer: int | None, head: int | None, number: int) -> AttentionScopes:
    block = "SelfAttentionBlock" if layer is None else f"AttentionBlock{head}_AttentionLayer{layer}"
    dense = "fully_connected"  # TF-Slim counts them in each scope; the results are outside of the blocks
    result = dense + (f"_{number}" if number else "")
    return AttentionScopes(f"{block}/{dense}", f"{block}/{dense}_1", f"{block}/{dense}_2", result)


def _keras_attention(layer: int | None, head: int | None, number: int) -> AttentionScopes:
    del layer, head, number  # there is one
    block = "model/_context_feature_extract_fn"
    return AttentionScopes(*(f"{block}/_{part}_proj" for part in ("query", "key", "val", "feature")))


TF1_NAMES = TwoStageNames(
    SLIM_NAMES,
    proposals="Conv",
    proposal_boxes="FirstStageBoxPredictor/BoxEncodingPredictor",
    objectness="FirstStageBoxPredictor/ClassPredictor",
    boxes="SecondStageBoxPredictor/BoxEncodingPredictor",
    classes="SecondStageBoxPredictor/ClassPredictor",
    mask=_slim_mask,
    attention=AttentionNames(
        _slim_attention, kernel="weights", norm="BatchNorm", bias=None, in_one_block=False, adds_input=True
    ),
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
    mask=_keras_mask,
    attention=AttentionNames(
        _keras_attention,
        kernel="projection/kernel",
        norm="batch_norm",
        bias="projection/bias",
        in_one_block=True,
        adds_input=False,
    ),
)
