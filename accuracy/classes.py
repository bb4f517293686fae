"""Which annotated category each class of a detector is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

NAMELESS = ("", "???", "n/a")  # what label files write for COCO's gaps
NUMBERED = re.compile(r"(class|id|label)?[ _-]*\d+", re.IGNORECASE)  # what stands where nobody wrote names


@dataclass(frozen=True)
class ClassMap:
    """The category of each class index, from 0 on; -1 if a class has none and its detections are left out.

    *rule* is `name` or `position`.
    """

    category_ids: tuple[int, ...]
    rule: str

    @property
    def classes_left_out(self) -> int:
        """How many classes have no category."""
        return self.category_ids.count(-1)


def class_map(labels: Sequence[str], categories: Sequence[tuple[int, str]]) -> ClassMap:
    """Return the category of each of *labels*: the one of the same name; without names, the one with id index + 1.

    Case and outer blanks do not count. Classes without a category are left out (COCO's 90 have ten gaps, and a
    detector may know more than was annotated); a category without a class is an error, for it would count as missed.
    So is one whose name two classes have, as ImageNet's two cranes.

    Raises:
        InputError: the labels are not those of the categories; it shows the first that differs.
    """
    if all(_key(label) in NAMELESS or NUMBERED.fullmatch(label.strip()) for label in labels):
        return _by_position(len(labels), categories)
    indices: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        indices.setdefault(_key(label), []).append(index)
    category_ids = [-1] * len(labels)
    for place, (identity, name) in enumerate(categories):
        if _key(name) not in indices or _key(name) in NAMELESS:
            raise _differ(name, identity, place, labels)
        first, *others = indices[_key(name)]
        if others:
            raise InputError(f"label {labels[first]!r} belongs to classes {first} and {others[0]}: want each name once")
        if category_ids[first] != -1:
            raise InputError(f"two categories are called {name!r}: want each name once")
        category_ids[first] = identity
    return ClassMap(tuple(category_ids), "name")


def _key(name: str) -> str:
    return name.strip().casefold()


def _differ(name: str, identity: int, place: int, labels: Sequence[str]) -> InputError:
    near = next((labels[i] for i in (identity - 1, place) if 0 <= i < len(labels)), None)
    there = (
        f"the model has {near!r} there" if near is not None else f"the model has {counted(len(labels), 'class')} only"
    )
    return InputError(
        f"the labels do not match the classes: category {identity} is {name!r}, which no label of the model is called "
        f"({there}); give the model its own labels, or annotations of the classes it was trained on"
    )


def _by_position(count: int, categories: Sequence[tuple[int, str]]) -> ClassMap:
    category_ids = [-1] * count
    for identity, name in categories:
        if not 1 <= identity <= count:
            raise InputError(
                f"the labels do not match the classes: category {identity} ({name!r}) is none of the model's {count} "
                "classes, which have no names and are numbered from 1: give the model its labels"
            )
        category_ids[identity - 1] = identity
    return ClassMap(tuple(category_ids), "position")
