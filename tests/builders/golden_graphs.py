"""Two-stage reference models rebuilt and run in this process, by TensorFlow, without a checkpoint or a converter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from builders.two_stage_goldens import TwoStageGolden
from detlite.convert.graph.trim import INPUT
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.weights.unused_variables import UnusedVariables
from detlite.convert.rebuild.weights.weights import Name, Weights, names_of
from detlite.runtime.arrays import Floats
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.task import Result


class GoldenWeights(Weights):
    """The variables of a reference model; *left* are those that nothing has taken."""

    def __init__(self, golden: TwoStageGolden) -> None:
        self._library, self._stored = golden.library, golden.stored
        self._shapes = {name: shape for name, shape, _dtype in golden.variables}
        self.left = set(self._shapes)

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        found = next(one for one in names_of(name) if one in self._shapes)
        assert self._shapes[found] == tuple(shape), found
        self.left.discard(found)
        key = found.replace("/", "|")
        value = self._stored[key] if key in self._stored else self._library.value(found, shape)
        return np.asarray(value, np.float32)

    def has(self, name: Name) -> bool:
        return any(one in self._shapes for one in names_of(name))

    def shape_of(self, name: Name) -> tuple[int, ...] | None:
        return next((self._shapes[one] for one in names_of(name) if one in self._shapes), None)

    def finish(self, *, config: str = "pipeline.config") -> UnusedVariables:
        del config
        return UnusedVariables()


@dataclass(frozen=True)
class GoldenRun:
    """A reference model on its image.

    Attributes:
        golden: the model.
        heads: its outputs by role, without the batch.
        result: what the contract makes of them.
        facts: `parameters`, `macs` and `macs_by_stage`.
        left: the variables that nothing has taken.
    """

    golden: TwoStageGolden
    heads: Mapping[str, Floats]
    result: Result
    facts: Mapping[str, Any]
    left: frozenset[str]


def run_golden(name: str, **inputs: Any) -> GoldenRun:
    """The reference model *name* rebuilt, and run on its image and further *inputs* by placeholder."""
    import tensorflow as tf

    golden = TwoStageGolden(name)
    weights = GoldenWeights(golden)
    plan = RebuildPlan(read_pipeline(golden.config).model, golden.config.name, golden.config.parent)
    graph = rebuild(plan, weights, DetectorOptions(input_size=golden.size)).graph
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(graph.graph_def, name="")
        feeds = {f"{name}:0": value for name, value in inputs.items()}
        feeds[f"{INPUT}:0"] = preprocess(golden.image(), graph.contract.image)
        fit = graph.contract.image.fit(golden.image().shape[:2])
        windows = [one.name for one in graph.contract.inputs if one.kind == "window"]
        feeds |= {f"{name}:0": np.array([fit.window], np.float32) for name in windows}
        values = session.run([f"{node}:0" for node in graph.heads], feeds)
    outputs = {output.role: output for output in graph.contract.outputs}

    heads = {
        role: value.reshape(outputs[role].shape[1:] or (1,)) for role, value in zip(graph.outputs, values, strict=True)
    }
    result = graph.contract.task.result(heads, graph.contract.labels, fit)
    return GoldenRun(golden, heads, result, graph.facts, frozenset(weights.left))
