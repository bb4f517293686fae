"""How a checkpoint differs from what a network wants, and what the likely reason is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]
MOST_NAMED = 3
BOX_CODE = 4
TF1, TF2 = "FeatureExtractor/", "_feature_extractor/"
"""How names of variables begin, in whole or after the root."""

CLASS_TO_BOX = (
    ("ClassPredictor", "BoxEncodingPredictor"),
    ("SharedConvolutionalBoxPredictor/BoxEncodingPredictor", "SharedConvolutionalBoxPredictor/BoxPredictor"),
    ("class_predictions_with_background", "box_encodings"),
    ("_class_predictor_layers", "_box_encoder_layers"),
)
"""From the name of a class head to that of the box head beside it."""


@dataclass(frozen=True)
class Difference:
    """A variable that was wanted and is not there so.

    Attributes:
        name: as it was asked for.
        want: the wanted shape.
        got: the stored shape; None where nothing is stored under the name.
    """

    name: str
    want: Shape
    got: Shape | None

    def __str__(self) -> str:
        """Return what was wanted and what came."""
        return f"want {self.name} {self.want}, got {'nothing' if self.got is None else self.got}"


def misfit(differences: Sequence[Difference], *, asked: int, shapes: Mapping[str, Shape]) -> str:
    """Return one line on *differences*: how many, the first by name and shape, and the likely reason.

    Args:
        differences: at least one.
        asked: how many variables the network has.
        shapes: all that the checkpoint holds, by name.
    """
    missing = sum(difference.got is None for difference in differences)
    others = len(differences) - missing
    counts = []
    if missing:
        counts.append(f"{missing} of {asked} variables {'is' if missing == 1 else 'are'} missing")
    if others:
        of = "" if missing else f" of {asked} variables"
        counts.append(f"{others}{of} {'has' if others == 1 else 'have'} another shape")
    some = "; ".join(str(difference) for difference in differences[:MOST_NAMED])
    more = len(differences) - MOST_NAMED
    reason = likely_reason(differences, shapes)
    listed = f"{' and '.join(counts)}: {some}" + (f"; and {more} more" if more > 0 else "")
    return f"{listed} ({reason})" if reason else listed


def likely_reason(differences: Sequence[Difference], shapes: Mapping[str, Shape]) -> str:
    """Return what is probably amiss, in words, or nothing where it could be anything."""
    names = [difference.name for difference in differences]
    if any(name.startswith(TF1) for name in names) and any(TF2 in name for name in shapes):
        return (
            "the checkpoint is one of TF2, and the config's feature extractor one of TF1: its type ends in _keras there"
        )
    if any(TF2 in name for name in names) and any(name.startswith(TF1) for name in shapes):
        return "the checkpoint is one of TF1, and the config's feature extractor one of TF2"
    return _other_classes(differences, shapes) or _other_network(names, shapes) or _other_width(differences)


def _other_classes(differences: Sequence[Difference], shapes: Mapping[str, Shape]) -> str:
    for difference in differences:
        box = difference.name
        for ours, theirs in CLASS_TO_BOX:
            box = box.replace(ours, theirs)
        if box == difference.name or difference.got is None or box not in shapes:
            continue
        anchors = max(shapes[box][-1] // BOX_CODE, 1)
        got, want = difference.got[-1] // anchors, difference.want[-1] // anchors
        if got != want:
            return f"its class scores have {got} columns, num_classes of the config asks for {want}"
    return ""


def _other_network(names: Sequence[str], shapes: Mapping[str, Shape]) -> str:
    wanted, there = _backbones(names), _backbones(shapes)
    if wanted and not there:
        scopes = sorted({name.split("/")[0] for name in shapes})
        return f"it holds {', '.join(scopes[:MOST_NAMED])} and no FeatureExtractor: it is of no detector of the OD API"
    if not wanted or wanted & there:
        return ""
    return f"it was trained with {', '.join(sorted(there))}, the config asks for {', '.join(sorted(wanted))}"


def _backbones(names: Iterable[str]) -> set[str]:
    return {name.split("/")[1] for name in names if name.startswith(TF1) and name.count("/") > 1}


def _other_width(differences: Sequence[Difference]) -> str:
    resized = [d for d in differences if d.got is not None and len(d.got) == len(d.want) and d.got[-1] != d.want[-1]]
    if 2 * len(resized) < len(differences) or not resized:
        return ""
    first = resized[0]
    assert first.got is not None
    return f"its layers have {first.got[-1]} channels where {first.want[-1]} are wanted: another depth_multiplier?"
