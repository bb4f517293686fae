"""Read a `pipeline.config` of the TF Object Detection API.

Every field of the messages that a trained network depends on (`model`, `eval_config`, `graph_rewriter`) is read, is
known not to matter, or is refused with its line because detlite does not support it. Fields that the OD API does not
have, or no longer has, are skipped and listed.
"""

from __future__ import annotations

from pathlib import Path

from detlite.convert.files.fields import LONGEST_SHOWN, Fields
from detlite.convert.files.text_format import Message, parse_text_format, read_text_format
from detlite.convert.rebuild.architecture import message_readers
from detlite.convert.rebuild.detector_config import DetectorConfig, Pipeline
from detlite.runtime.errors import InputError

OTHERS = ("experimental_model",)
"""Messages that the OD API has, too."""
MAX_LISTED = 6
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
    "skip_predictions_for_unlabeled_class",
    "image_classes_field_map_empty_to_ones",
)
"""Fields that only affect the OD API's own evaluation."""


def read_pipeline(path: Path) -> Pipeline:
    """Return the config in the `pipeline.config` at *path*.

    Raises:
        InputError: it cannot be read, or it describes an unsupported model; the message names the line.
    """
    return _pipeline(read_text_format(path), str(path))


def parse_pipeline(text: str, name: str) -> Pipeline:
    """Return the config in the *text* of a `pipeline.config`; errors use *name* as the file name.

    Raises:
        InputError: it is not text format, or it describes an unsupported model; the message names the line.
    """
    return _pipeline(parse_text_format(text, name), name)


def _pipeline(message: Message, name: str) -> Pipeline:
    fields = Fields(message, "the file", name)
    fields.ignore(*TRAINING)
    model = _model(fields, name)
    evaluation = fields.inside("eval_config")
    evaluation.ignore(*EVALUATION)
    averages = evaluation.flag("use_moving_averages", False)
    edges = tuple((one.integer("start"), one.integer("end")) for one in evaluation.each("keypoint_edge"))
    evaluation.finish()
    quantized = _quantized(fields.inside("graph_rewriter"))
    fields.finish()
    skipped = tuple(f"{unknown}, line {line}" for line, unknown in sorted(fields.skipped))
    return Pipeline(model, averages, quantized, skipped, edges, name)


def _model(fields: Fields, name: str) -> DetectorConfig:
    readers = message_readers()
    wanted = f"want {' or '.join(f'model {{ {message} {{ ... }} }}' for message in readers)}"
    if not fields.has("model"):
        raise InputError(f"{name} has no model: {_listed(fields)}; {wanted}")
    model = fields.inside("model")
    model.refuse(*OTHERS, because=f"detlite does not build it; {wanted}")
    message = model.one_of(*readers)
    if message is None:
        raise InputError(
            f"{name}, line {fields.line_of('model')}: model has none of {', '.join(readers)}: {_listed(model)}; "
            f"{wanted}"
        )
    read = readers[message](model.inside(message))
    model.finish()
    return read


def _listed(fields: Fields) -> str:
    names = fields.names
    if not names:
        return "it is empty"
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return f"it has {', '.join(name[:LONGEST_SHOWN] for name in names[:MAX_LISTED])}{more}"


def _quantized(fields: Fields) -> bool:
    quantization = fields.inside("quantization")
    quantization.ignore("delay", "symmetric")  # training only: the checkpoint's ranges reflect them
    for bits in ("weight_bits", "activation_bits"):
        if quantization.integer(bits, BITS) != BITS:
            raise quantization.unsupported(bits, f"detlite supports integer models of {BITS} bits only")
    quantization.finish()
    fields.finish()
    return fields.has("quantization")
