"""Open Images' tree of classes: a Football Helmet is a Helmet too, and where no Helmet is, no Football Helmet is.

The file is the one that is published as `bbox_labels_600_hierarchy.json` or `challenge-2019-label500-hierarchy.json`:
`LabelName`, and `Subcategory` with more of them. The root stands for everything and is no class. A class may hang from
several others. `Part` is not followed: a wheel is no car. As in `oid_hierarchical_labels_expansion.py` of the TF Object
Detection API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.strict_json import parse_json

LARGEST_FILE_BYTES = 16 << 20  # the published one has 90 kB


@dataclass(frozen=True)
class Hierarchy:
    """All classes above each class, and all below it; itself in neither."""

    above: Mapping[str, frozenset[str]]
    below: Mapping[str, frozenset[str]]


def read_hierarchy(path: Path) -> Hierarchy:
    """Return the hierarchy in the JSON file at *path*.

    Raises:
        InputError: it is none, is damaged, or goes in a circle.
    """
    raw = read_limited(path, "a hierarchy of classes", LARGEST_FILE_BYTES)
    try:
        root = parse_json(raw)
    except InputError as error:
        raise InputError(f"{path} is not whole JSON ({error}); want Open Images' hierarchy of classes") from error
    above: dict[str, set[str]] = {}
    below: dict[str, set[str]] = {}
    for name, parents in _walk(root, (), path):
        above.setdefault(name, set()).update(parents)
        below.setdefault(name, set())
        for parent in parents:
            below[parent].add(name)
    if not above:
        raise InputError(f"{path} has no class below its root; want Open Images' hierarchy of classes")
    circle = next((name for name, parents in above.items() if name in parents), None)
    if circle is not None:
        raise InputError(f"{path}: {circle[:40]!r} lies below itself; want Open Images' hierarchy of classes")
    return Hierarchy(
        {name: frozenset(names) for name, names in above.items()},
        {name: frozenset(names) for name, names in below.items()},
    )


def _walk(node: Any, parents: tuple[str, ...], path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not isinstance(node, dict) or not isinstance(node.get("LabelName"), str):
        raise InputError(f"{path}: want objects with LabelName and Subcategory, got {str(node)[:40]!r}")
    children = node.get("Subcategory", [])
    if not isinstance(children, list):
        raise InputError(f"{path}: the Subcategory of {node['LabelName']!r} is no list")
    for child in children:
        name = child.get("LabelName") if isinstance(child, dict) else None
        if not isinstance(name, str):
            raise InputError(f"{path}: below {node['LabelName']!r} stands {str(child)[:40]!r}, want a LabelName")
        yield name, parents
        yield from _walk(child, (*parents, name), path)
