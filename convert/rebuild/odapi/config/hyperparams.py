"""Reader of the `conv_hyperparams` message."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_6": 2, "SWISH": 3}
OPS = {"CONV": 1, "FC": 2}


def read_conv(fields: Fields) -> ConvHyperparams:
    """Return the config of a `Hyperparams` message.

    Raises:
        InputError: a part is unsupported, or a value is invalid.
    """
    fields.ignore("regularizer", "initializer", "regularize_depthwise")  # training only
    if fields.choice("op", "CONV", OPS) != "CONV":
        raise fields.unsupported(
            "op", "detlite applies conv_hyperparams to convolutions only, as all public configs do"
        )
    fields.refuse("group_norm", because="detlite supports batch norm only")
    # sync_batch_norm differs in training only
    normalizer = fields.one_of("batch_norm", "sync_batch_norm", "group_norm")
    read = ConvHyperparams(
        activation=fields.choice("activation", "RELU", ACTIVATIONS),
        batch_norm=_batch_norm(fields.inside(normalizer)) if normalizer else None,
        force_use_bias=fields.flag("force_use_bias", False),
    )
    fields.finish()
    return read


def _batch_norm(fields: Fields) -> BatchNorm:
    fields.ignore("decay", "train")  # training only
    read = BatchNorm(
        epsilon=fields.positive("epsilon", 0.001, high=1.0),
        center=fields.flag("center", True),
        scale=fields.flag("scale", False),
    )
    fields.finish()
    return read
