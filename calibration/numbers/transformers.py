"""The operators of a transformer that stay float: layer norms, the sums that they read, and the products of attention.

In int8 all tokens and channels of a tensor have one scale. The sums between the blocks have channels that are many
times larger than the others, and the softmax over 197 tokens has a mean of 1.3 steps (Lin et al., FQ-ViT, IJCAI 2022).
LiteRT has no fast int8 product of two activations either. All layers with weights become int8: most of the work.

A norm is known by its RSQRT, which has no int8 form. Those of other networks, such as the L2 norm of an embedding, stay
float as well, with the sum under the root and the scaling after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from detlite.calibration.network import Network, Operator

NORM = ("ADD", "SUB", "MUL", "MEAN", "SQUARED_DIFFERENCE", "SQUARE", "RSQRT")
"""What may be before the root of a norm: a layer norm's own operators, and the sums that it reads."""

MOVED = ("CONCATENATION", "SLICE", "STRIDED_SLICE", "RESHAPE", "TRANSPOSE")
SCALED = ("ADD", "SUB", "MUL", *MOVED)
"""What may be between the scores of attention and their softmax."""

PRODUCT, SOFTMAX, RSQRT = "BATCH_MATMUL", "SOFTMAX", "RSQRT"


def float_by_default(network: Network) -> frozenset[str]:
    """Return the names of the operators of *network* that stay float; empty without norms and attention."""
    made = {index: operator for operator in network.operators for index in operator.outputs}
    readers = network.readers()
    found: set[str] = set()
    for operator in network.operators:
        if operator.kind == PRODUCT:
            found.add(operator.name)
        elif operator.kind == RSQRT:
            found |= {one.name for one in _before(made, operator, (*NORM, *MOVED))}
            found |= {one.name for one in _after(readers, operator)}
        elif operator.kind == SOFTMAX:
            between = list(_before(made, operator, SCALED))
            sources = {made[i].kind for one in between for i in one.inputs if i in made}
            found |= {one.name for one in between} if PRODUCT in sources else set()
    return frozenset(found)


def _before(made: dict[int, Operator], last: Operator, kinds: Iterable[str]) -> Iterator[Operator]:
    """Yield *last*, and the operators of *kinds* that lead to it through nothing else."""
    waiting, seen = [last], {last.name}
    while waiting:
        operator = waiting.pop()
        yield operator
        for index in operator.inputs:
            maker = made.get(index)
            if maker is not None and maker.kind in kinds and maker.name not in seen:
                seen.add(maker.name)
                waiting.append(maker)


def _after(readers: dict[int, list[Operator]], first: Operator) -> Iterator[Operator]:
    """Yield the scaling and shifting that use what *first* computes."""
    waiting, seen = [first], {first.name}
    while waiting:
        operator = waiting.pop()
        yield operator
        for reader in (one for index in operator.outputs for one in readers.get(index, ())):
            if reader.kind in ("ADD", "SUB", "MUL") and reader.name not in seen:
                seen.add(reader.name)
                waiting.append(reader)
