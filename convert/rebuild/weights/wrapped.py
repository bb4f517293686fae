"""Checkpoints of quantization-aware Keras models, whose layers are wrapped: TF-Vision's `projects/qat`.

TensorFlow Model Optimization wraps every layer, and its variables are in `layer` then: `_conv0/layer/kernel`. A
wrapper's own variables are ranges beside it: `_conv0/kernel_min`. The wrapper of a layer without variables has a number
too, so that the numbers of the others are larger than in the plain model. What is a model of layers in a plain pyramid
pooling is a list here, in which a layer without variables has a number, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from detlite.convert.rebuild.weights.objects import ROOT, TAIL, ObjectWeights

Parent = tuple[str, ...]

WRAPPED = "layer"
NUMBERED = re.compile(r"layer_with_weights-(\d+)")
VALUES = frozenset(
    (*("kernel", "depthwise_kernel", "pointwise_kernel", "bias"), *("gamma", "beta", "moving_mean", "moving_variance"))
)
"""What the variables of plain layers are called."""

LISTED = re.compile(r"/_?(aspp_layers/(\d+)|projection)/(\d+)/")
"""A layer of a list in pyramid pooling, which is one of a model in the plain network."""

THEN = "then"
"""Stands after the name of a layer with variables for the next wrapper, whose layer has none."""

OTHER = "wrapper"
"""The start of the name, here, of a wrapper whose layer has no variables: `wrapper-2/output_min`."""


class WrappedWeights(ObjectWeights):
    """The variables of a quantization-aware model under the names that they have in the plain one, ranges beside them.

    A range's name is the name of its layer with `kernel_min`, `output_max` and so on in the place of a variable's; one
    of a layer without variables begins with `wrapper-` and the layer's number in the file. Where that layer, such as an
    activation, is the next after one with variables, its range has the name of that one with `then`, too.
    """

    kind = "quantization-aware checkpoint"
    parts: ClassVar[Sequence[str]] = ()
    """What the parts of the plain model are called where they have names there, in their order."""

    def key_of(self, name: str) -> str | None:
        """Return the key of the variable that is *name* in the plain model, or of a range; None if there is none."""
        plain = name.removeprefix(f"{ROOT}/")
        return self._keys.get(plain) or self._following.get(plain)

    def names(self) -> Mapping[str, str]:
        """Return the plain name of each key, or the path of one that is not of the model."""
        return {**super().names(), **{key: name for name, key in self._keys.items()}}

    @cached_property
    def _keys(self) -> dict[str, str]:
        return {self._plain(parts): key for key, parts in self._paths.items()}

    @cached_property
    def _following(self) -> dict[str, str]:
        """The keys of wrappers without variables, by the name of the layer with variables before each."""
        found = {}
        for key, parts in self._paths.items():
            places = [(end, int(match[1])) for end, part in enumerate(parts) if (match := NUMBERED.match(part))]
            end, number = max(places, default=(0, 0))
            numbers = self._places.get(tuple(parts[:end]), {})
            if number not in numbers and number - 1 in numbers:
                before = [*parts[:end], f"layer_with_weights-{number - 1}", THEN, *parts[end + 1 :]]
                found[self._plain(before)] = key
        return found

    def _paths_below(self, root: str) -> dict[str, str]:
        """Return the path below *root* of each key that begins with it, slots of the optimizer left out."""
        return {
            key: key.removesuffix(TAIL).removeprefix(root)
            for key in self._checkpoint.variables
            if key.startswith(root) and key.endswith(TAIL) and "/.OPTIMIZER_SLOT/" not in key
        }

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        """The parts of the path below the model of each of its keys that has a numbered layer."""
        paths = self._paths_below(f"{ROOT}/")
        branches = {int(match[2]) for path in paths.values() if (match := LISTED.search(path)) and match[2]}
        pooled = f"/aspp_layers/{max(branches, default=0)}/"  # the last, whose convolution is in a model of its own
        found = {key: LISTED.sub(r"/\1/layer_with_weights-\3/", path) for key, path in paths.items()}
        split = {key: path.replace(pooled, f"{pooled}layer_with_weights-0/").split("/") for key, path in found.items()}
        return {key: parts for key, parts in split.items() if any(NUMBERED.match(part) for part in parts)}

    @cached_property
    def _places(self) -> dict[Parent, dict[int, int]]:
        """By the path of a model, the plain number of each of its layers with variables, by its number in the file."""
        numbers: dict[Parent, set[int]] = {}
        for parts in self._paths.values():
            for end, part in enumerate(parts):
                if parts[-1] in VALUES and (match := NUMBERED.fullmatch(part)):
                    numbers.setdefault(tuple(parts[:end]), set()).add(int(match[1]))
        return {parent: {old: new for new, old in enumerate(sorted(found))} for parent, found in numbers.items()}

    def _plain(self, path: Sequence[str]) -> str:
        """Return the plain name of *path*."""
        plain = []
        for end, part in enumerate(path):
            match = NUMBERED.fullmatch(part)
            if match is not None:
                number = self._places.get(tuple(path[:end]), {}).get(int(match[1]))
                plain.append(f"{OTHER}-{match[1]}" if number is None else self._numbered(number, end))
            elif part != WRAPPED:
                plain.append(part)
        return "/".join(plain)

    def _numbered(self, number: int, depth: int) -> str:
        """Return what the plain model calls its layer *number* of those with variables, *depth* parts down."""
        return self.parts[number] if depth == 0 and number < len(self.parts) else f"layer_with_weights-{number}"


class WrappedSegmenterWeights(WrappedWeights):
    """The variables of a quantization-aware segmenter."""

    parts = ("backbone", "decoder", "head")


DETECTOR_PARTS = ("backbone", "decoder", "head")


class WrappedDetectorWeights(WrappedWeights):
    """The variables of a quantization-aware detector, whose parts have names in the file: `_backbone`, `_head`.

    The exporter writes them below `model`, and the trainer at the top.
    """

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        """The parts of the path of each key of the model, from `_backbone` on."""
        exported = self._paths_below(f"{ROOT}/_")
        trained = {key: path for key, path in self._paths_below("").items() if path.split("/")[0] in DETECTOR_PARTS}
        return {key: f"_{path}".split("/") for key, path in {**exported, **trained}.items()}
