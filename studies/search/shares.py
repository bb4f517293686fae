"""What the rounding of one tensor, or of one layer's weights, costs at the outputs, all else being float.

Such errors add up (on SSDLite MobileNet V2, the sum of 103 is 1.02 times the error of all together in logits, 1.07 in
boxes), and are far steadier than the difference of two models in which everything is rounded: there every later
rounding falls otherwise, which hides a gain of half a dB on 48 images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.kernels import LayerParameters, WeightLayer, layers
from detlite.calibration.numbers.operators import INT8_RULES
from detlite.calibration.weights.twins import rounded_alone
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.arrays import Doubles
from detlite.runtime.progress import Progress
from detlite.runtime.stream import WORKERS, ahead
from detlite.studies.search.trials import Trials

Change = Callable[[TfliteFile], TfliteFile]
"""Returns an edited copy of the float file, or of its tail."""


@dataclass(frozen=True, eq=False)
class Shares:
    """Noise over signal at the outputs when one thing alone is rounded: of each image, float64 (images,).

    Attributes:
        tensors: of each activation, by index.
        weights: of each layer's weights, with the method's bias, by operator name.
        outputs: of the codes of the outputs themselves, which stay whatever is left float.
    """

    tensors: Mapping[int, Doubles]
    weights: Mapping[str, Doubles]
    outputs: Doubles


def shares_of(trials: Trials, progress: Progress) -> Shares:
    """Return the shares of all activations and layers of *trials* that its model rounds."""
    network = trials.calibrated.network
    rounded = [one for one in network.operators if one.name not in trials.floating]
    tensors = _inner(network, (index for operator in rounded for index in operator.outputs))
    kernels = [layer for layer in layers(network) if layer.operator in rounded]
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    alone = partial(rounded_alone, trials.calibrated)
    makes: list[tuple[Operator, Change]] = [(makers[index], partial(alone, [index])) for index in tensors]
    makes += [(layer.operator, partial(_with_weights, layer, trials.parameters)) for layer in kernels]
    makes += [(network.operators[0], partial(alone, _coded_last(network)))]
    tails = [(tail, tail.file(network)) for tail in trials.tails]

    def share(what: tuple[Operator, Change]) -> Doubles:
        place = network.operators.index(what[0])
        tail, file = next(one for one in reversed(tails) if one[0].begin <= place)
        return trials.noise_of_tail(tail, what[1](file))

    found: list[Doubles] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for noise in ahead(pool, share, makes):
            found.append(noise)
            progress("rounding errors measured", len(found), len(makes))
    names = [layer.operator.name for layer in kernels]
    count = len(tensors)
    return Shares(
        dict(zip(tensors, found[:count], strict=True)), dict(zip(names, found[count:-1], strict=True)), found[-1]
    )


def _inner(network: Network, indices: Iterable[int]) -> list[int]:
    """Return those of *indices* that are float activations and no outputs, which stay int8 whatever is left float."""
    return [index for index in indices if index in network.activations and index not in network.outputs]


def _coded_last(network: Network) -> list[int]:
    """Return the outputs that have codes of their own: what only moves values has its input's."""
    rules = {index: INT8_RULES.get(operator.kind) for operator in network.operators for index in operator.outputs}
    moved = {index for index, rule in rules.items() if rule is not None and rule.same_scale}
    return [index for index in network.outputs if index in network.activations and index not in moved]


def _with_weights(layer: WeightLayer, parameters: LayerParameters, file: TfliteFile) -> TfliteFile:
    """Return a copy of the float *file*, or of a part of it, with the rounded weights and the bias of one *layer*."""
    name, made = layer.operator.name, file.copy()
    model, subgraph = made.edit(), made.subgraph
    edit = Edit(model, subgraph)
    raw = next(one for one in subgraph.operators if tuple(map(int, one.outputs)) == layer.operator.outputs)
    while len(raw.inputs) <= layer.places.bias:
        raw.inputs.append(-1)
    weights = parameters.kernels[name].real().astype("float32")
    raw.inputs[layer.places.weights] = edit.constant(f"{name}_rounded", weights)
    raw.inputs[layer.places.bias] = edit.constant(f"{name}_rounded_bias", parameters.biases[name].astype("float32"))
    return made
