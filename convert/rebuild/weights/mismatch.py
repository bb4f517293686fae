"""Explain why a checkpoint does not fit a network: the variables that differ, and the likely reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from detlite.runtime.counts import agreed, counted

Shape = tuple[int, ...]
MAX_LISTED = 3
BOX_CODE_SIZE = 4
TF1 = ("FeatureExtractor/", "FirstStageFeatureExtractor/")
"""Beginnings of the names of a backbone's variables, in one-stage detectors first."""

TF2 = re.compile("_feature_extractor(_for_proposal_features)?/")
SECOND_STAGE = re.compile("^SecondStage|/_mask_rcnn_box_predictor/|/_feature_extractor_for_box_classifier_features/")
MASKS = re.compile(r"^SecondStageBoxPredictor/Conv(_\d+)?/|/_third_stage_heads/")
REGION_HEAD = re.compile("^SecondStageBoxPredictor/|/_mask_rcnn_box_predictor/")
"""A head that looks at one region, which has one box for each class."""

CLASS_TO_BOX = (
    ("ClassPredictor", "BoxEncodingPredictor"),
    ("SharedConvolutionalBoxPredictor/BoxEncodingPredictor", "SharedConvolutionalBoxPredictor/BoxPredictor"),
    ("class_predictions_with_background", "box_encodings"),
    ("_class_predictor_layers", "_box_encoder_layers"),
)
"""(scope of a class head, scope of the box head next to it)."""


@dataclass(frozen=True)
class Mismatch:
    """A variable that is missing from a checkpoint, or has another shape there.

    Attributes:
        name: the requested name.
        expected: the requested shape.
        stored: the stored shape; None if nothing is stored under the name.
    """

    name: str
    expected: Shape
    stored: Shape | None

    def __str__(self) -> str:
        """Return the expected and the stored shape in words."""
        return f"want {self.name} {self.expected}, got {'nothing' if self.stored is None else self.stored}"


def describe(mismatches: Sequence[Mismatch], *, requested: int, shapes: Mapping[str, Shape]) -> str:
    """Return one line: the number of *mismatches*, the first few by name and shape, and the likely reason.

    Args:
        mismatches: at least one.
        requested: number of variables in the network.
        shapes: the shapes of all variables in the checkpoint, by name.
    """
    missing = sum(mismatch.stored is None for mismatch in mismatches)
    others = len(mismatches) - missing
    counts = []
    if missing:
        counts.append(f"{missing} of {counted(requested, 'variable')} {agreed(missing, 'is', 'are')} missing")
    if others:
        of = "" if missing else f" of {counted(requested, 'variable')}"
        counts.append(f"{others}{of} {agreed(others, 'has', 'have')} another shape")
    some = "; ".join(str(mismatch) for mismatch in mismatches[:MAX_LISTED])
    more = len(mismatches) - MAX_LISTED
    reason = likely_reason(mismatches, shapes)
    listed = f"{' and '.join(counts)}: {some}" + (f"; and {more} more" if more > 0 else "")
    return f"{listed} ({reason})" if reason else listed


def likely_reason(mismatches: Sequence[Mismatch], shapes: Mapping[str, Shape]) -> str:
    """Return the probable cause of *mismatches* in words; "" if it is not known."""
    names = [mismatch.name for mismatch in mismatches]
    if any(name.startswith(TF1) for name in names) and any(TF2.search(name) for name in shapes):
        return "the checkpoint is from TF2, but the config's feature extractor is from TF1: TF2 types end in _keras"
    if any(TF2.search(name) for name in names) and any(name.startswith(TF1) for name in shapes):
        return "the checkpoint is from TF1, but the config's feature extractor is from TF2"
    return (
        _no_such_stage(mismatches, shapes)
        or _other_classes(mismatches, shapes)
        or _other_network(names, shapes)
        or _other_width(mismatches)
    )


def _no_such_stage(mismatches: Sequence[Mismatch], shapes: Mapping[str, Shape]) -> str:
    """Return which stage of a two-stage detector all *mismatches* are missing for; "" if it is not one stage."""
    if any(mismatch.stored is not None for mismatch in mismatches):
        return ""
    for number, stage in ((3, MASKS), (2, SECOND_STAGE)):
        if all(stage.search(one.name) for one in mismatches) and not any(stage.search(name) for name in shapes):
            found = "without masks" if number == 3 else "for proposals alone"
            return f"it was trained {found}: number_of_stages in its own config is less than {number}"
    return ""


def _other_classes(mismatches: Sequence[Mismatch], shapes: Mapping[str, Shape]) -> str:
    for mismatch in mismatches:
        box = mismatch.name
        for class_scope, box_scope in CLASS_TO_BOX:
            box = box.replace(class_scope, box_scope)
        if box == mismatch.name or mismatch.stored is None or box not in shapes:
            continue
        anchors = 1 if REGION_HEAD.search(box) else max(shapes[box][-1] // BOX_CODE_SIZE, 1)
        stored, expected = mismatch.stored[-1] // anchors, mismatch.expected[-1] // anchors
        if stored != expected:
            return f"its class scores have {counted(stored, 'column')}; num_classes in the config requires {expected}"
    return ""


def _other_network(names: Sequence[str], shapes: Mapping[str, Shape]) -> str:
    expected, stored = _backbones(names), _backbones(shapes)
    if expected and not stored:
        scopes = sorted({name.split("/")[0] for name in shapes})
        return f"it holds {', '.join(scopes[:MAX_LISTED])} and no FeatureExtractor: it is not an OD API detector"
    if not expected or expected & stored:
        return ""
    trained, wanted = (", ".join(sorted(scopes)[:MAX_LISTED]) for scopes in (stored, expected))
    return f"it was trained with {trained}; the config asks for {wanted}"


def _backbones(names: Iterable[str]) -> set[str]:
    return {name.split("/")[1] for name in names if name.startswith(TF1) and name.count("/") > 1}


def _other_width(mismatches: Sequence[Mismatch]) -> str:
    resized = [
        (mismatch.stored[-1], mismatch.expected[-1])
        for mismatch in mismatches
        if mismatch.stored is not None
        and len(mismatch.stored) == len(mismatch.expected)
        and mismatch.stored[-1] != mismatch.expected[-1]
    ]
    if 2 * len(resized) < len(mismatches) or not resized:
        return ""
    stored, expected = resized[0]
    return f"its layers have {counted(stored, 'channel')} instead of {expected}: another depth_multiplier?"
