"""The numbers of layers in a functional Keras model, whose checkpoint has them instead of names.

Keras numbers a model's layers by their distance from its outputs, farthest first, and layers at the same distance in
the order in which a walk from the outputs to the inputs meets them (`tf_keras/engine/functional.py`,
`_map_graph_network`). Only layers with weights count for `layer_with_weights-<number>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.weights.wrapped import OTHER

Build = Callable[[tuple[str, ...], tuple[Tensor, ...]], Tensor]
"""Makes a step's tensor from the scopes of its layers with weights, and the tensors of the steps before it.

In a wrapped model the scopes are those of all its layers that are wrapped, see `FunctionalModel`.
"""

Step = int
"""The number of a step of a model, in the order in which it was added."""


class LayerKind(Enum):
    """What one Keras layer has in a checkpoint."""

    WEIGHTED = "weights"
    PLAIN = "none; where the model is wrapped, a wrapper"
    BARE = "none, and no wrapper either"


WEIGHTED, PLAIN_LAYER, BARE = LayerKind.WEIGHTED, LayerKind.PLAIN, LayerKind.BARE


@dataclass(frozen=True)
class _Layer:
    """One Keras layer: its kind, and the layers before it."""

    kind: LayerKind
    before: tuple[int, ...]


class FunctionalModel:
    """A functional Keras model: first its steps are added, then `run` numbers their layers and builds them.

    A step is one or more Keras layers in a row, such as a convolution, its batch norm and its activation.

    TensorFlow Model Optimization wraps each layer for training aware of quantization, and puts a layer that rounds
    after each input. All of these count, so that a layer without weights has a scope there, too: `wrapper-<number>`.
    """

    def __init__(self, root: str, *, wrapped: bool = False) -> None:
        """Begin the model at the path *root* of a checkpoint; *wrapped* says whether its layers are."""
        self._root = root
        self._wrapped = wrapped
        self._layers: list[_Layer] = []
        self._steps: list[tuple[tuple[int, ...], tuple[Step, ...], Build | None]] = []
        self._given: dict[Step, Tensor] = {}

    def input(self, tensor: Tensor) -> Step:
        """Add an input of the model."""
        step = self._add((BARE, PLAIN_LAYER), (), None)
        self._given[step] = tensor
        return step

    def step(self, build: Build, before: Sequence[Step], layers: Sequence[LayerKind] = (WEIGHTED,)) -> Step:
        """Add a step after those *before*; *layers* are the kinds of its Keras layers."""
        return self._add(tuple(layers), tuple(before), build)

    def _add(self, layers: tuple[LayerKind, ...], before: tuple[Step, ...], build: Build | None) -> Step:
        previous = tuple(self._steps[step][0][-1] for step in before)
        numbers = []
        for kind in layers:
            self._layers.append(_Layer(kind, previous))
            numbers.append(len(self._layers) - 1)
            previous = (numbers[-1],)
        self._steps.append((tuple(numbers), before, build))
        return len(self._steps) - 1

    def run(self, outputs: Mapping[int, Step]) -> dict[int, Tensor]:
        """Return the tensors of *outputs*; steps that they do not need are not built, but may not be left out before.

        Args:
            outputs: all outputs of the Keras model, in the order of their keys.
        """
        names = self._names([self._steps[step][0][-1] for step in outputs.values()])
        tensors = dict(self._given)
        for step, (layers, before, build) in enumerate(self._steps):
            if build is None or layers[-1] not in names:
                continue
            scopes = tuple(names[layer] for layer in layers if names[layer])
            tensors[step] = build(scopes, tuple(tensors[one] for one in before))
        return {key: tensors[step] for key, step in outputs.items()}

    def _names(self, outputs: Sequence[int]) -> dict[int, str]:
        """Return the scope of each layer that the *outputs* need, by its number; "" for one that has none."""
        met, finished = self._walk(outputs)
        depths: dict[int, int] = {}
        for layer in reversed(finished):
            depth = depths.setdefault(layer, 0)
            for previous in self._layers[layer].before:
                depths[previous] = max(depths.get(previous, 0), depth + 1)
        ordered = sorted(finished, key=lambda layer: (-depths[layer], met[layer]))
        weighted = [layer for layer in ordered if self._layers[layer].kind is WEIGHTED]
        scopes = {layer: f"{self._root}/layer_with_weights-{number}" for number, layer in enumerate(weighted)}
        if self._wrapped:
            counted = [layer for layer in ordered if self._layers[layer].kind is not BARE]
            wrappers = {layer: f"{self._root}/{OTHER}-{number}" for number, layer in enumerate(counted)}
            scopes = wrappers | scopes
        return {layer: scopes.get(layer, "") for layer in ordered}

    def _walk(self, outputs: Sequence[int]) -> tuple[dict[int, int], list[int]]:
        """Return when a walk from the *outputs* meets each layer, and the layers in the order it leaves them in."""
        met: dict[int, int] = {}
        finished: list[int] = []
        waiting = [(layer, False) for layer in reversed(outputs)]
        while waiting:
            layer, leaving = waiting.pop()
            if leaving:
                finished.append(layer)
            elif layer not in met:
                met[layer] = len(met)
                waiting.append((layer, True))
                waiting.extend((previous, False) for previous in reversed(self._layers[layer].before))
        return met, finished
