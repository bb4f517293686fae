"""`conv_hyperparams` of a config: what follows a convolution."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_6": 2, "SWISH": 3}
OPS = {"CONV": 1, "FC": 2}


def read_conv(fields: Fields) -> ConvHyperparams:
    """Return what `Hyperparams` says.

    Raises:
        InputError: it asks for what detlite does not do, or a value makes no sense.
    """
    fields.ignore("regularizer", "initializer", "regularize_depthwise")  # of training
    if fields.choice("op", "CONV", OPS) != "CONV":
        raise fields.unsupported("op", "detlite applies conv_hyperparams to convolutions, as every public config asks")
    fields.refuse("group_norm", because="detlite builds batch norm and no group norm")
    # the synchronized one differs in training only
    normalizer = fields.one_of("batch_norm", "sync_batch_norm", "group_norm")
    read = ConvHyperparams(
        activation=fields.choice("activation", "RELU", ACTIVATIONS),
        batch_norm=_batch_norm(fields.inside(normalizer)) if normalizer else None,
        force_use_bias=fields.flag("force_use_bias", False),
    )
    fields.finish()
    return read


def _batch_norm(fields: Fields) -> BatchNorm:
    fields.ignore("decay", "train")  # of training
    read = BatchNorm(
        epsilon=fields.positive("epsilon", 0.001, high=1.0),
        center=fields.flag("center", True),
        scale=fields.flag("scale", False),
    )
    fields.finish()
    return read
