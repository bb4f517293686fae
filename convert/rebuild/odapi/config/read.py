"""A `pipeline.config` of the TF Object Detection API as typed values.

Every field of the parts that a trained network depends on (`model`, `eval_config`, `graph_rewriter`) is read, or known
to make no difference, or refused with its line where it asks for what detlite does not do. What the OD API does not
know, or knows no more, is skipped and listed.
"""

from __future__ import annotations

from pathlib import Path

from detlite.convert.files.fields import LONGEST_SHOWN, Fields
from detlite.convert.files.text_format import Message, parse_text_format, read_text_format
from detlite.convert.rebuild.detector_config import Model, Pipeline
from detlite.convert.rebuild.odapi.config.center_net import read_center_net
from detlite.convert.rebuild.odapi.config.ssd import read_ssd
from detlite.runtime.errors import InputError

WANTED = "want model { ssd { ... } } or model { center_net { ... } }"
MOST_NAMED = 6
BITS = 8
TRAINING = ("train_config", "train_input_reader", "eval_input_reader")
EVALUATION = (
    "batch_size",
    "num_visualizations",
    "num_examples",
    "eval_interval_secs",
    "max_evals",
    "save_graph",
    "visualization_export_dir",
    "eval_master",
    "metrics_set",
    "parameterized_metric",
    "export_path",
    "ignore_groundtruth",
    "eval_instance_masks",
    "min_score_threshold",
    "max_num_boxes_to_visualize",
    "skip_scores",
    "skip_labels",
    "visualize_groundtruth_boxes",
    "groundtruth_box_visualization_color",
    "keep_image_id_for_visualization_export",
    "retain_original_images",
    "include_metrics_per_category",
    "all_metrics_per_category",
    "super_categories",
    "recall_lower_bound",
    "recall_upper_bound",
    "retain_original_image_additional_channels",
    "force_no_resize",
    "use_dummy_loss_in_eval",
    "keypoint_edge",
    "skip_predictions_for_unlabeled_class",
    "image_classes_field_map_empty_to_ones",
)
"""What the original's own evaluation does."""


def read_pipeline(path: Path) -> Pipeline:
    """Return what the `pipeline.config` at *path* says.

    Raises:
        InputError: it cannot be read, is of another model, or asks for what detlite does not do; with the line.
    """
    return _pipeline(read_text_format(path), str(path))


def parse_pipeline(text: str, name: str) -> Pipeline:
    """Return what the *text* of a `pipeline.config` says; *name* stands in errors.

    Raises:
        InputError: it is no text format, is of another model, or asks for what detlite does not do; with the line.
    """
    return _pipeline(parse_text_format(text, name), name)


def _pipeline(message: Message, name: str) -> Pipeline:
    fields = Fields(message, "the file", name)
    fields.ignore(*TRAINING)
    model = _model(fields, name)
    evaluation = fields.inside("eval_config")
    evaluation.ignore(*EVALUATION)
    averages = evaluation.flag("use_moving_averages", False)
    evaluation.finish()
    quantized = _quantized(fields.inside("graph_rewriter"))
    fields.finish()
    skipped = tuple(f"{unknown}, line {line}" for line, unknown in sorted(fields.skipped))
    return Pipeline(model, averages, quantized, skipped, name)


def _model(fields: Fields, name: str) -> Model:
    if not fields.has("model"):
        raise InputError(f"{name} has no model: {_named(fields)}; {WANTED}")
    model = fields.inside("model")
    model.refuse("faster_rcnn", "experimental_model", because=f"detlite builds one-stage detectors: {WANTED}")
    kind = model.one_of("ssd", "center_net")
    if kind is None:
        raise InputError(
            f"{name}, line {fields.line_of('model')}: model has neither of them: {_named(model)}; {WANTED}"
        )
    read = read_ssd(model.inside(kind)) if kind == "ssd" else read_center_net(model.inside(kind))
    model.finish()
    return read


def _named(fields: Fields) -> str:
    names = fields.names
    if not names:
        return "it is empty"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"it has {', '.join(name[:LONGEST_SHOWN] for name in names[:MOST_NAMED])}{more}"


def _quantized(fields: Fields) -> bool:
    quantization = fields.inside("quantization")
    quantization.ignore("delay", "symmetric")  # of training: the checkpoint's ranges have them in them
    for bits in ("weight_bits", "activation_bits"):
        if quantization.integer(bits, BITS) != BITS:
            raise quantization.unsupported(bits, f"detlite builds integer models of {BITS} bits")
    quantization.finish()
    fields.finish()
    return fields.has("quantization")
