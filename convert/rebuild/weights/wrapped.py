"""Checkpoints of quantization-aware Keras models, whose layers are wrapped: TF-Vision's `projects/qat`.

TensorFlow Model Optimization wraps every layer, and its variables are in `layer` then: `_conv0/layer/kernel`. A
wrapper's own variables are ranges beside it: `_conv0/kernel_min`. The wrapper of a layer without variables has a number
too, so that the numbers of the others are larger than in the plain model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from detlite.convert.rebuild.weights.objects import GRAPH_KEY, ROOT, TAIL, ObjectWeights

WRAPPED = "layer"
NUMBERED = re.compile(r"layer_with_weights-(\d+)")
VALUES = frozenset(
    (*("kernel", "depthwise_kernel", "pointwise_kernel", "bias"), *("gamma", "beta", "moving_mean", "moving_variance"))
)
"""What the variables of plain layers are called."""

OTHER = "wrapper"
"""The start of the name, here, of a wrapper whose layer has no variables: `wrapper-2/output_min`."""


class WrappedWeights(ObjectWeights):
    """The variables of a quantization-aware model under the names that they have in the plain one, ranges beside them.

    A range's name is the name of its layer with `kernel_min`, `output_max` and so on in the place of a variable's; one
    of a layer without variables begins with `wrapper-` and the layer's number in the file.
    """

    kind = "quantization-aware checkpoint"

    def key_of(self, name: str) -> str | None:
        """Return the key of the variable that is *name* in the plain model, or of a range; None if there is none."""
        return self._keys.get(name.removeprefix(f"{ROOT}/"))

    def names(self) -> Mapping[str, str]:
        """Return the plain name of each key, or the path of one that is not of the model."""
        return {**super().names(), **{key: name for name, key in self._keys.items()}}

    @cached_property
    def _keys(self) -> dict[str, str]:
        paths = {
            key: key.removesuffix(TAIL).removeprefix(f"{ROOT}/").split("/")
            for key in self._checkpoint.variables
            if key != GRAPH_KEY and key.startswith(f"{ROOT}/") and key.endswith(TAIL)
        }
        valued = {tuple(parts[:end]) for parts in paths.values() if parts[-1] in VALUES for end in range(1, len(parts))}
        numbers: dict[tuple[str, ...], list[int]] = {}
        for path in valued:
            if match := NUMBERED.fullmatch(path[-1]):
                numbers.setdefault(path[:-1], []).append(int(match[1]))
        places = {parent: {old: new for new, old in enumerate(sorted(found))} for parent, found in numbers.items()}
        return {_plain(parts, places): key for key, parts in paths.items() if "/.OPTIMIZER_SLOT/" not in key}


def _plain(parts: list[str], places: Mapping[tuple[str, ...], Mapping[int, int]]) -> str:
    """Return the plain name of the path *parts*; *places* has, by parent, the plain number of each valued layer."""
    plain = []
    for end, part in enumerate(parts):
        match = NUMBERED.fullmatch(part)
        if match is not None:
            number = places.get(tuple(parts[:end]), {}).get(int(match[1]))
            plain.append(f"{OTHER}-{match[1]}" if number is None else f"layer_with_weights-{number}")
        elif part != WRAPPED:
            plain.append(part)
    return "/".join(plain)
