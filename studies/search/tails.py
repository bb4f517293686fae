"""The float model from some operator on, which reads what the operators before it make.

What one rounding does to the outputs is measured from there: what comes before it need not run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from numpy.typing import NDArray

from detlite.calibration.models import Feed
from detlite.calibration.network import Network
from detlite.calibration.ranges.activations import run_sample
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.runtime.contract import Contract
from detlite.runtime.runners.interpreter import Opened
from detlite.runtime.task import Heads

PARTS = 8
"""The model is cut into at most so many parts of as many operators."""

MOST_BYTES = 1 << 22
"""A cut may have so many bytes of activations for each sample: SSDLite MobileNet V2 300 has 2.9 MB at its widest."""


@dataclass(frozen=True, eq=False)
class Tail:
    """A float model without its first operators.

    Attributes:
        begin: the number of its first operator in the whole model.
        inputs: the tensors that it reads, by index.
        feeds: their values, for each sample.
    """

    begin: int
    inputs: tuple[int, ...]
    feeds: tuple[Feed, ...]

    def file(self, network: Network) -> TfliteFile:
        """Return the model; tensors have their index in *network*."""
        made = network.file.copy()
        model, subgraph = made.edit(), made.subgraph
        subgraph.operators = subgraph.operators[self.begin :]
        subgraph.inputs, model.signatureDefs = list(self.inputs), []
        return made

    def heads(self, file: TfliteFile, contract: Contract) -> Iterator[Heads]:
        """Yield the outputs, by role in *contract* and without a batch, of an edited `file` for each sample."""
        drop_unused(file.edit())
        opened = file.interpreter()
        for feed in self.feeds:
            run_sample(opened, feed)
            yield {
                one.role: opened.output(opened.outputs[one.index]["index"]).reshape(one.shape[1:] or (1,))
                for one in contract.outputs
            }


def tails_of(network: Network, samples: Sequence[Feed]) -> tuple[Tail, ...]:
    """Return the tails of *network*, the longest first, which is the whole of it."""
    cuts = [(begin, _read_from(network, begin)) for begin in _begins(network)]
    wanted = list(dict.fromkeys(index for _begin, read in cuts for index in read if index not in network.inputs))
    known = [dict(zip(network.inputs, sample.inputs, strict=True)) for sample in samples]
    if wanted:
        opened = _opened(network, wanted)
        for values, sample in zip(known, samples, strict=True):
            values.update(_activations(opened, wanted, sample))
    return tuple(
        Tail(
            begin,
            read,
            tuple(
                Feed(tuple(values[index] for index in read), sample.scene)
                for values, sample in zip(known, samples, strict=True)
            ),
        )
        for begin, read in cuts
    )


def _begins(network: Network) -> Iterator[int]:
    """Yield where to cut: where little is read across, and before there is an output."""
    yield 0
    count, ends = len(network.operators), set(network.outputs)
    first_end = next(number for number, one in enumerate(network.operators) if set(one.outputs) & ends)
    for begin, end in pairwise(count * part // PARTS for part in range(1, PARTS + 1)):
        within = range(max(begin, 1), min(end, first_end + 1))
        cut = next((number for number in within if _is_narrow(network, number)), None)
        if cut is not None:
            yield cut


def _is_narrow(network: Network, begin: int) -> bool:
    return 4 * sum(prod(network.shape(index)) for index in _read_from(network, begin)) <= MOST_BYTES


def _read_from(network: Network, begin: int) -> tuple[int, ...]:
    """Return the tensors made before the operator number *begin* that it or a later operator reads."""
    made = {*network.inputs, *(index for one in network.operators[:begin] for index in one.outputs)}
    read = (index for one in network.operators[begin:] for index in one.inputs)
    return tuple(sorted({index for index in read if index in made}))


def _opened(network: Network, tensors: Sequence[int]) -> Opened:
    file = network.file.copy()
    model, subgraph = file.edit(), file.subgraph
    subgraph.outputs, model.signatureDefs = list(tensors), []
    return file.interpreter()


def _activations(opened: Opened, tensors: Sequence[int], sample: Feed) -> dict[int, NDArray[Any]]:
    run_sample(opened, sample)
    return {index: opened.output(one["index"]) for index, one in zip(tensors, opened.outputs, strict=True)}
