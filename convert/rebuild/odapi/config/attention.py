"""Reader of `context_config` in the `model { faster_rcnn }` message: the attention of a Context R-CNN."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.faster_rcnn_config import Attention

CONTEXT = "context_config"
MOST_SLOTS = 100_000
MAX_CHANNELS = 8192
MOST_BLOCKS = 16
POSITIONS = {"POST_BOX_CLASSIFIER": 1, "POST_RPN": 2}


def read_attention(fields: Fields) -> Attention | None:
    """Return the attention of a `FasterRcnn` message; None if it has no `context_config`.

    Raises:
        InputError: a part of the message does not go with it, or a value is invalid.
    """
    if not fields.has(CONTEXT):
        return None
    context, known = fields.inside(CONTEXT), Attention()
    if not context.flag("use_long_term_attention", True):
        raise context.unsupported("use_long_term_attention", "detlite builds Context R-CNN with a memory")
    read = Attention(
        slots=context.integer("max_num_context_features", known.slots, low=1, high=MOST_SLOTS),
        width=context.integer("context_feature_length", known.width, low=1, high=MAX_CHANNELS),
        depth=context.integer("attention_bottleneck_dimension", known.depth, low=1, high=MAX_CHANNELS),
        temperature=context.positive("attention_temperature", known.temperature),
        heads=context.integer("num_attention_heads", known.heads, low=1, high=MOST_BLOCKS),
        layers=context.integer("num_attention_layers", known.layers, low=1, high=MOST_BLOCKS),
        attends_itself=context.flag("use_self_attention", known.attends_itself),
        itself_first=context.flag("self_attention_in_sequence", known.itself_first),
        before_second_stage=context.choice("attention_position", "POST_BOX_CLASSIFIER", POSITIONS) == "POST_RPN",
    )
    context.finish()
    return read
