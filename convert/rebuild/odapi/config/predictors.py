"""`box_predictor` of a config: the heads of an SSD."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.detector_config import ConvolutionalPredictor, Predictor, WeightSharedPredictor
from detlite.convert.rebuild.odapi.config.hyperparams import read_conv

CONVOLUTIONAL, SHARED = "convolutional_box_predictor", "weight_shared_convolutional_box_predictor"
BOX_CODE = 4
LARGEST_KERNEL = 31
MOST_LAYERS = 16
DEEPEST = 8192  # channels
TRAINING = ("use_dropout", "dropout_keep_probability", "class_prediction_bias_init")
TRAINING_OF_SHARED = (
    "apply_conv_hyperparams_to_heads",  # their initializers and regularizers
    "apply_conv_hyperparams_pointwise",
)


def read_predictor(fields: Fields) -> Predictor:
    """Return what `BoxPredictor` says.

    Raises:
        InputError: it is of another kind, asks for what detlite does not do, or a value makes no sense.
    """
    fields.refuse(
        "mask_rcnn_box_predictor",
        "rfcn_box_predictor",
        because=f"a second stage, and detlite builds {CONVOLUTIONAL} and {SHARED}",
    )
    kind = fields.one_of(CONVOLUTIONAL, SHARED)
    if kind is None:
        raise fields.missing(f"{CONVOLUTIONAL} and no {SHARED}")
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
            "apply_sigmoid_to_scores", "detlite converts scores once, as post_processing.score_converter asks"
        )
    read = ConvolutionalPredictor(
        conv=read_conv(fields.inside("conv_hyperparams")),
        kernel_size=_kernel(fields, 1),
        use_depthwise=fields.flag("use_depthwise", False),
        layers=fields.integer("num_layers_before_predictor", 0, high=MOST_LAYERS),
        min_depth=fields.integer("min_depth", 0, high=DEEPEST),
        max_depth=fields.integer("max_depth", 0, high=DEEPEST),
        clip_range=_clip_range(fields),
    )
    if read.min_depth > read.max_depth:
        raise fields.unsupported("min_depth", f"want at most max_depth, which is {read.max_depth}")
    if read.use_depthwise and read.kernel_size == 1:
        raise fields.unsupported("use_depthwise", "a kernel_size of 1 leaves nothing to be depthwise: want 3 or more")
    return read


def _shared(fields: Fields) -> WeightSharedPredictor:
    fields.ignore(*TRAINING_OF_SHARED)
    if fields.choice("score_converter", "IDENTITY", {"IDENTITY": 0, "SIGMOID": 1}) != "IDENTITY":
        raise fields.unsupported(
            "score_converter", "detlite converts scores once, as post_processing.score_converter asks"
        )
    conv = fields.inside("conv_hyperparams")
    normalized = conv.has("batch_norm")  # and not where it is sync_batch_norm: so the OD API 2.8 reads it
    read = WeightSharedPredictor(
        conv=read_conv(conv),
        kernel_size=_kernel(fields, 3),
        use_depthwise=fields.flag("use_depthwise", False),
        layers=fields.integer("num_layers_before_predictor", 0, high=MOST_LAYERS),
        depth=fields.integer("depth", 0, high=DEEPEST),
        share_prediction_tower=fields.flag("share_prediction_tower", False),
        apply_batch_norm=normalized,
        clip_range=_clip_range(fields),
    )
    if read.layers and not read.depth:
        raise fields.unsupported("num_layers_before_predictor", "they need a depth, and it is 0")
    return read


def _kernel(fields: Fields, default: int) -> int:
    kernel = fields.integer("kernel_size", default, low=1, high=LARGEST_KERNEL)
    if kernel % 2 == 0:
        raise fields.unsupported("kernel_size", "want an odd number, whose kernel has a centre")
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
