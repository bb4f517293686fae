"""The names of Keras layers' variables in TF2 checkpoints: the path of attributes that leads to the layer."""

from __future__ import annotations

import re
from dataclasses import replace

from detlite.convert.rebuild.detector_config import ConvHyperparams, FeatureExtractor
from detlite.convert.rebuild.network.slim import Names, Style, style_of

EXTRACTOR = "model/_feature_extractor"
BACKBONE = f"{EXTRACTOR}/classification_backbone"


class KerasNames(Names):
    """Names of layers whose scope is their path: `_coarse_feature_layers/0/0`. A batch norm is the next list entry."""

    def kernel(self, scope: str) -> str:
        """Return the path of a convolution's weights."""
        return f"{scope}/kernel"

    def depthwise(self, scope: str) -> str:
        """Return the path of depthwise weights."""
        return f"{scope}/depthwise_kernel"

    def pointwise(self, scope: str) -> str:
        """Return the path of pointwise weights."""
        return f"{scope}/pointwise_kernel"

    def biases(self, scope: str) -> str:
        """Return the path of a bias."""
        return f"{scope}/bias"

    def norm(self, scope: str) -> str:
        """Return the path of the layer that follows in the list."""
        return re.sub(r"\d+$", lambda number: str(int(number.group()) + 1), scope)


KERAS_NAMES = KerasNames()


class CountedNames(KerasNames):
    """Names of the layers of a Keras model, numbered in build order: `layer_with_weights-7`.

    The scope of a layer then only names its operators.
    """

    def __init__(self, model: str, first: int = 0) -> None:
        """Number the layers of the model at the path *model*, starting with *first*."""
        self._model = model
        self._next = first

    def kernel(self, scope: str) -> str:  # noqa: ARG002  # layers are numbered, not named, here and below
        """Return the path of the weights of the next layer."""
        return super().kernel(self._following())

    def depthwise(self, scope: str) -> str:  # noqa: ARG002
        """Return the path of the depthwise weights of the next layer."""
        return super().depthwise(self._following())

    def pointwise(self, scope: str) -> str:  # noqa: ARG002
        """Return the path of the pointwise weights of the same layer."""
        return super().pointwise(self._latest)

    def biases(self, scope: str) -> str:  # noqa: ARG002
        """Return the path of the bias of the same layer."""
        return super().biases(self._latest)

    def norm(self, scope: str) -> str:  # noqa: ARG002
        """Return the path of the next layer."""
        return self._following()

    @property
    def _latest(self) -> str:
        return f"{self._model}/layer_with_weights-{self._next - 1}"

    def _following(self) -> str:
        self._next += 1
        return self._latest


def keras_style(conv: ConvHyperparams) -> Style:
    """Return the style that `conv_hyperparams` describes in TF2.

    With a batch norm there is also a bias if it is forced or the norm has no beta (OD API
    `KerasLayerHyperparams.use_bias`).
    """
    biased = conv.batch_norm is not None and (conv.force_use_bias or not conv.batch_norm.center)
    return Style(conv.activation, conv.batch_norm, biased=biased)


def backbone_style(extractor: FeatureExtractor, own: Style) -> Style:
    """Return the style of a backbone's layers: its *own*, or the config's if that overrides it.

    The convolutions have no bias, even if the config has no batch norm (OD API `keras_models`).
    """
    if not extractor.override_hyperparams:
        return own
    return replace(style_of(extractor.conv), bare=extractor.conv.batch_norm is None)
