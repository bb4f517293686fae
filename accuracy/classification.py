"""What classifiers say about a list of images, and how often their best classes are right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.labels.image_classes import ImageClasses
from detlite.accuracy.metric import ClassScore, Scores
from detlite.accuracy.predictions import Concordance, Predictions, joined_columns, refuse_other_images
from detlite.runtime.arrays import Bools, Doubles, Floats, Integers
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.classification import Classification

TOPS = (1, 5)
"""How many of the best classes count: the usual top 1 and top 5."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranked(Predictions):
    """The scores of the classes in a list of images.

    Attributes:
        scores: float32, (images, classes), in 0..1, without the background.
    """

    scores: Floats

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or len(self.scores) != len(self.sizes):
            raise InputError(
                f"scores of shape {self.scores.shape} for {counted(len(self.sizes), 'image')}: want a row for each"
            )
        if not np.isfinite(self.scores).all():
            raise InputError("the model returned scores that are not finite numbers: it cannot be scored")

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the `scores` of each image."""
        for row in self.scores.tolist():
            yield {"scores": row}

    @classmethod
    def join(cls, parts: Sequence[Ranked]) -> Ranked:
        """Return the scores in one list of images of the ones in its *parts*."""
        return cls(**joined_columns(parts, "scores"))

    def best(self, count: int) -> NDArray[np.intp]:
        """Return the *count* best classes of each image, (images, count), best first; of two equal the lower number."""
        return np.argsort(-self.scores, axis=1, kind="stable")[:, :count]


@dataclass(frozen=True, eq=False, kw_only=True)
class RankedVideos(Ranked):
    """The scores of the classes in a list of videos, and each answer on the way there.

    A stream answers at each frame, a model of clips once a view; the scores are means over the views. Videos that
    cannot be read are left out of all columns.

    Attributes:
        is_read: bool, (videos that were asked for,): whether each could be read.
        answers: int64, (videos,): how many there are.
        answer_classes: int32, (all answers,): the best class of each.
        answer_margins: float32, (all answers,): by how much its logit is over the next one's.
        logit_counts: int64, (videos,): of how many answers the logits are kept.
        answer_logits: float32, (kept answers, classes), of answers that are evenly spaced.
        views: how the videos were cut: `clips`, `crops`, `frames`, `stride`.
        unread: why each of the other videos cannot be read, in their order.
    """

    unkept: ClassVar[tuple[str, ...]] = ("answer_logits",)

    is_read: Bools
    answers: NDArray[np.int64]
    answer_classes: NDArray[np.int32]
    answer_margins: Floats
    logit_counts: NDArray[np.int64]
    answer_logits: Floats
    views: Mapping[str, Any]
    unread: tuple[str, ...] = ()

    @property
    def protocol(self) -> Mapping[str, object]:
        """How the videos were cut, and which could not be read."""
        return {"views": dict(self.views), **({"unread_videos": list(self.unread)} if self.unread else {})}

    def used(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Return the videos of *paths*, all that were asked for, that could be read."""
        return tuple(path for path, is_read in zip(paths, self.is_read.tolist(), strict=True) if is_read)

    @classmethod
    def join(cls, parts: Sequence[Ranked]) -> RankedVideos:
        """Return the scores in one list of videos of the ones in its *parts*."""
        assert isinstance(parts[0], RankedVideos)
        names = (
            "scores",
            "is_read",
            "answers",
            "answer_classes",
            "answer_margins",
            "logit_counts",
            "answer_logits",
        )
        unread = tuple(text for part in parts for text in getattr(part, "unread", ()))
        return cls(**joined_columns(parts, *names), views=parts[0].views, unread=unread)


SURE_MARGIN = 0.5
"""By how much a reference's best logit must lead for its answer to count as sure."""


def _answer_counts(found: Ranked, reference: Ranked) -> dict[str, int]:
    """Return how many answers in videos have the same best class, and how many of those the reference is sure of."""
    if not isinstance(found, RankedVideos) or not isinstance(reference, RankedVideos):
        return {}
    if found.answers.tolist() != reference.answers.tolist():
        raise InputError(
            f"one model answers {found.answers.sum()} times in these videos, the other {reference.answers.sum()}: "
            "compare streams with streams, and models of clips with others"
        )
    same, sure = found.answer_classes == reference.answer_classes, reference.answer_margins > SURE_MARGIN
    return {
        "answers": len(same),
        "same_answers": int(same.sum()),
        "sure_answers": int(sure.sum()),
        "same_sure_answers": int((same & sure).sum()),
    }


LEAST_SCORE = 1e-12
"""The least score, and the least distance from 1, that is told from one that was rounded."""

MOST_DB = 120.0
"""What the signal over noise of equal logits is told as: beyond the accuracy of float32."""


def logits_of(scores: Floats, converter: str) -> Doubles:
    """Return the logits, float64, that a *converter* makes *scores* (..., classes) of.

    log p, which differs from a SOFTMAX's logits by a constant, or log p / (1 - p) where the converter is a SIGMOID.
    """
    values = scores.astype(np.float64)
    logits: Doubles = np.log(np.maximum(values, LEAST_SCORE))
    return logits - np.log(np.maximum(1 - values, LEAST_SCORE)) if converter == "SIGMOID" else logits


def has_exact_scores(contract: Contract) -> bool:
    """Return whether the logits of a model with *contract* are known: it gives them, or scores in float."""
    task = contract.task
    assert isinstance(task, Classification)
    return task.score_converter_place == "host" or contract.outputs[0].dtype == "float32"


def logit_snr(found: Ranked, reference: Ranked, contracts: tuple[Contract, Contract]) -> float | None:
    """Return the signal over noise of the logits in dB: the mean over the images, or over the answers in videos.

    Signal is the variance of the reference's logits over the classes, noise the mean squared difference; where scores
    are a SOFTMAX its variance, for no score depends on a constant. None where a model gives rounded scores alone, or
    its logits do not differ.
    """
    if not all(map(has_exact_scores, contracts)):
        return None
    values = [_logits(one, contract) for one, contract in zip((found, reference), contracts, strict=True)]
    error = values[0] - values[1]
    task = contracts[1].task
    is_softmax = isinstance(task, Classification) and task.score_converter == "SOFTMAX"
    signal, noise = values[1].var(axis=1), error.var(axis=1) if is_softmax else np.square(error).mean(axis=1)
    differs = signal > 0
    if not differs.any():
        return None
    powers = signal[differs] / np.maximum(noise[differs], signal[differs] * 10 ** (-MOST_DB / 10))
    return float((10 * np.log10(powers)).mean())


def _logits(found: Ranked, contract: Contract) -> Doubles:
    assert isinstance(contract.task, Classification)
    if isinstance(found, RankedVideos):
        return found.answer_logits.astype(np.float64)
    return logits_of(found.scores, contract.task.score_converter)


def ranking_concordance(found: Ranked, reference: Ranked) -> Concordance:
    """Return how often the best class of *found* is the reference's, in percent of the images."""
    refuse_other_images(found, reference)
    wanted = reference.best(1)[:, 0]
    same: Bools = found.best(1)[:, 0] == wanted
    return Concordance(
        fidelity=100.0 * float(same.mean()),
        counts={
            "images": len(same),
            "classes": len(np.unique(wanted)),
            "matched_count": int(same.sum()),
            **_answer_counts(found, reference),
        },
        weighted=lambda weights: _percent(same, weights),
    )


def top_k_scores(found: Ranked, truth: ImageClasses, classes: ClassMap) -> Scores:
    """Return `top1` and `top5` in percent: the images whose class is the best one, or among the best five.

    A model of fewer than five classes has no `top5`. The numbers of a class are over the images of that class.

    Raises:
        InputError: the numbers of images differ.
    """
    category = _categories(truth)
    hits = {f"top{count}": _hits(found, category, classes, count) for count in TOPS}
    rows = []
    for identity, name in truth.categories:
        here = category == identity
        if here.any():
            numbers = {key: None if hit is None else 100.0 * float(hit[here].mean()) for key, hit in hits.items()}
            rows.append(ClassScore(name, float(here.sum()), numbers))
    whole = {key: None if hit is None else 100.0 * float(hit.mean()) for key, hit in hits.items()}
    return Scores(whole, tuple(rows))


def top1_of_draws(found: Ranked, truth: ImageClasses, classes: ClassMap, weights: Doubles) -> Doubles:
    """Return the `top1` in percent for each row of *weights*."""
    hits = _hits(found, _categories(truth), classes, 1)
    assert hits is not None
    return _percent(hits, weights)


def top_k_draws(found: Ranked, truth: ImageClasses, classes: ClassMap, weights: Doubles) -> Mapping[str, Doubles]:
    """Return `top5`, and `top1:NAME` of each class, in percent, for each row of *weights*."""
    category = _categories(truth)
    five, one = (_hits(found, category, classes, count) for count in (5, 1))
    drawn = {} if five is None else {"top5": _percent(five, weights)}
    assert one is not None
    for identity, name in truth.categories:
        here = category == identity
        if here.any():
            drawn[f"top1:{name}"] = _percent(one[here], weights[:, here])
    return drawn


def _categories(truth: ImageClasses) -> Integers:
    return np.array([image.category_id for image in truth.images], np.int64)


def _hits(found: Ranked, category: Integers, classes: ClassMap, count: int) -> Bools | None:
    """Return whether each image's category is among the *count* best classes; None if there are fewer classes."""
    if len(found.scores) != len(category):
        raise InputError(
            f"scores of {counted(len(found.scores), 'image')} for {counted(len(category), 'labelled one')}"
        )
    labels = len(classes.category_ids)
    if found.scores.shape[1] != labels:
        raise InputError(
            f"the model scores {counted(found.scores.shape[1], 'class')}, and has {counted(labels, 'label')}"
        )
    if found.scores.shape[1] < count:
        return None
    best = np.array(classes.category_ids, np.int64)[found.best(count)]
    hits: Bools = (best == category[:, None]).any(axis=1)
    return hits


def _percent(hits: Bools, weights: Doubles) -> Doubles:
    """Return the share of *hits* in percent, float64 (draws,); nan where a draw has none of these images."""
    total = weights.sum(axis=1)
    percent: Doubles = np.divide(100.0 * (weights @ hits), total, out=np.full(len(total), np.nan), where=total > 0)
    return percent
