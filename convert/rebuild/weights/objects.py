"""TensorFlow 2 checkpoints: a variable's key is a path of attributes through the objects that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from detlite.convert.rebuild.weights.stored import Checkpoint, StoredWeights

TAIL = "/.ATTRIBUTES/VARIABLE_VALUE"
ROOT = "model"
GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
AVERAGE_SLOT = "average"
VALUE = "VARIABLE_VALUE"


class ObjectWeights(StoredWeights):
    """The variables of an object-based checkpoint.

    A name is a path of attributes from the root or from its `model`: `_feature_extractor/.../kernel`. A variable with
    several paths is stored once; the object graph in the checkpoint resolves every path to it. TF-Vision's trainer
    saves `model/_backbone` as `backbone` too; that path is tried last.
    """

    kind = "object-based checkpoint"

    def __init__(self, checkpoint: Checkpoint, graph: Any, *, use_moving_averages: bool = False) -> None:
        """Read *checkpoint*, whose `TrackableObjectGraph` is *graph*."""
        super().__init__(checkpoint, use_moving_averages=use_moving_averages)
        self._nodes = graph.nodes

    def key_of(self, name: str) -> str | None:
        """Return the key of the variable at the path *name*, or None."""
        for path in dict.fromkeys((f"{ROOT}/{name}", name, name.removeprefix(f"{ROOT}/_"))):
            if path + TAIL in self._checkpoint.variables:
                return path + TAIL
            key = self._key_at(path)
            if key is not None:
                return key
        return None

    def average_of(self, key: str) -> str | None:
        """Return the key of the optimizer slot that holds the variable's moving average, or None."""
        return self._averages.get(key)

    @property
    def has_averages(self) -> bool:
        """Whether the optimizer keeps moving averages of variables."""
        return bool(self._averages)

    def names(self) -> Mapping[str, str]:
        """Return the path of each key."""
        return {key: key.removesuffix(TAIL) for key in self._checkpoint.variables if key != GRAPH_KEY}

    def _key_at(self, path: str) -> str | None:
        node = 0
        for part in path.split("/"):
            children = self._children.get(node)
            if children is None or part not in children:
                return None
            node = children[part]
        return self._key_of_node(node)

    def _key_of_node(self, number: int) -> str | None:
        keys = (attribute.checkpoint_key for attribute in self._nodes[number].attributes if attribute.name == VALUE)
        return next((key for key in keys if key in self._checkpoint.variables), None)

    @cached_property
    def _children(self) -> dict[int, dict[str, int]]:
        """The children of each node, by their escaped names."""
        count = len(self._nodes)
        return {
            number: {_escaped(c.local_name): c.node_id for c in node.children if 0 <= c.node_id < count}
            for number, node in enumerate(self._nodes)
        }

    @cached_property
    def _averages(self) -> dict[str, str]:
        return dict(self._slots())

    def _slots(self) -> Iterator[tuple[str, str]]:
        count = len(self._nodes)
        for node in self._nodes:
            for slot in node.slot_variables:
                ends = (slot.original_variable_node_id, slot.slot_variable_node_id)
                if slot.slot_name == AVERAGE_SLOT and all(0 <= end < count for end in ends):
                    original, average = map(self._key_of_node, ends)
                    if original is not None and average is not None:
                        yield original, average


def _escaped(local_name: str) -> str:
    """Return an attribute's name as keys contain it: a period is doubled, a slash is `.S`."""
    return local_name.replace(".", "..").replace("/", ".S")
