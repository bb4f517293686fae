"""What classifiers say about a list of images, and how often their best classes are right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.labels.image_classes import ImageClasses
from detlite.accuracy.metric import ClassScore, Scores
from detlite.accuracy.predictions import Concordance, Predictions, joined_columns, refuse_other_images
from detlite.runtime.arrays import Bools, Doubles, Floats, Integers
from detlite.runtime.errors import InputError

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
            raise InputError(f"scores of shape {self.scores.shape} for {len(self.sizes)} images: want a row for each")
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

    A stream answers at each frame, a model of clips once a view; the scores are means over the views.

    Attributes:
        answers: int64, (videos,): how many there are.
        answer_classes: int32, (all answers,): the best class of each.
        answer_margins: float32, (all answers,): by how much its logit is over the next one's.
        views: how the videos were cut: `clips`, `crops`, `frames`, `stride`.
    """

    answers: NDArray[np.int64]
    answer_classes: NDArray[np.int32]
    answer_margins: Floats
    views: Mapping[str, Any]

    @property
    def protocol(self) -> Mapping[str, object]:
        """How the videos were cut."""
        return {"views": dict(self.views)}

    @classmethod
    def join(cls, parts: Sequence[Ranked]) -> RankedVideos:
        """Return the scores in one list of videos of the ones in its *parts*."""
        assert isinstance(parts[0], RankedVideos)
        names = ("scores", "answers", "answer_classes", "answer_margins")
        return cls(**joined_columns(parts, *names), views=parts[0].views)


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
        raise InputError(f"scores of {len(found.scores)} images for {len(category)} labelled ones")
    labels = len(classes.category_ids)
    if found.scores.shape[1] != labels:
        raise InputError(f"the model scores {found.scores.shape[1]} classes, and has {labels} labels")
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
