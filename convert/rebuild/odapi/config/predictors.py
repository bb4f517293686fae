"""Reader of the `box_predictor` message of an SSD."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import ConvolutionalPredictor, Predictor, WeightSharedPredictor
from detlite.convert.rebuild.odapi.config.hyperparams import read_conv

CONVOLUTIONAL, SHARED = "convolutional_box_predictor", "weight_shared_convolutional_box_predictor"
BOX_CODE = 4
MAX_KERNEL = 31
MAX_LAYERS = 16
MAX_CHANNELS = 8192
TRAINING = ("use_dropout", "dropout_keep_probability", "class_prediction_bias_init")
TRAINING_OF_SHARED = (
    "apply_conv_hyperparams_to_heads",  # their initializers and regularizers
    "apply_conv_hyperparams_pointwise",
)


def read_predictor(fields: Fields) -> Predictor:
    """Return the config of a `BoxPredictor` message.

    Raises:
        InputError: it is of an unsupported kind, a part is unsupported, or a value is invalid.
    """
    fields.refuse(
        "mask_rcnn_box_predictor",
        "rfcn_box_predictor",
        because=f"it is for a second stage; detlite supports {CONVOLUTIONAL} and {SHARED}",
    )
    kind = fields.one_of(CONVOLUTIONAL, SHARED)
    if kind is None:
        raise fields.missing(f"{CONVOLUTIONAL} or {SHARED}")
    inside = fields.inside(kind)
    inside.ignore(*TRAINING)
    if inside.integer("box_code_size", BOX_CODE) != BOX_CODE:
        raise inside.unsupported("box_code_size", f"detlite decodes boxes of {BOX_CODE} numbers")
    read = _convolutional(inside) if kind == CONVOLUTIONAL else _shared(inside)
    inside.finish()
    fields.finish()
    return read


def _convolutional(fields: Fields) -> ConvolutionalPredictor:
    if fields.flag("apply_sigmoid_to_scores", False):
        raise fields.unsupported(
            "apply_sigmoid_to_scores", "detlite converts scores once, by post_processing.score_converter"
        )
    read = ConvolutionalPredictor(
        conv=read_conv(fields.inside("conv_hyperparams")),
        kernel_size=_kernel(fields, 1),
        use_depthwise=fields.flag("use_depthwise", False),
        layers=fields.integer("num_layers_before_predictor", 0, high=MAX_LAYERS),
        min_depth=fields.integer("min_depth", 0, high=MAX_CHANNELS),
        max_depth=fields.integer("max_depth", 0, high=MAX_CHANNELS),
        clip_range=_clip_range(fields),
    )
    if read.min_depth > read.max_depth:
        raise fields.unsupported("min_depth", f"want at most max_depth, which is {read.max_depth}")
    if read.use_depthwise and read.kernel_size == 1:
        raise fields.unsupported("use_depthwise", "a kernel_size of 1 cannot be depthwise; want 3 or more")
    return read


def _shared(fields: Fields) -> WeightSharedPredictor:
    fields.ignore(*TRAINING_OF_SHARED)
    if fields.choice("score_converter", "IDENTITY", {"IDENTITY": 0, "SIGMOID": 1}) != "IDENTITY":
        raise fields.unsupported("score_converter", "detlite converts scores once, by post_processing.score_converter")
    conv = fields.inside("conv_hyperparams")
    normalized = conv.has("batch_norm")  # the OD API 2.8 does not count sync_batch_norm here
    read = WeightSharedPredictor(
        conv=read_conv(conv),
        kernel_size=_kernel(fields, 3),
        use_depthwise=fields.flag("use_depthwise", False),
        layers=fields.integer("num_layers_before_predictor", 0, high=MAX_LAYERS),
        depth=fields.integer("depth", 0, high=MAX_CHANNELS),
        share_prediction_tower=fields.flag("share_prediction_tower", False),
        apply_batch_norm=normalized,
        clip_range=_clip_range(fields),
    )
    if read.layers and not read.depth:
        raise fields.unsupported("num_layers_before_predictor", "these layers need a depth, but it is 0")
    return read


def _kernel(fields: Fields, default: int) -> int:
    kernel = fields.integer("kernel_size", default, low=1, high=MAX_KERNEL)
    if kernel % 2 == 0:
        raise fields.unsupported("kernel_size", "want an odd number, so that the kernel has a centre")
    return kernel


def _clip_range(fields: Fields) -> tuple[float, float] | None:
    if not fields.has("box_encodings_clip_range"):
        return None
    inside = fields.inside("box_encodings_clip_range")
    low, high = inside.real("min", 0.0), inside.real("max", 0.0)
    inside.finish()
    if not low < high:
        raise fields.unsupported("box_encodings_clip_range", f"want min under max, got {low:g} and {high:g}")
    return low, high
