"""The processor cores that a measured program may use: a cluster by its name, or a mask."""

from __future__ import annotations

import re
from collections.abc import Sequence

from detlite.devices.survey.cpu import Cluster
from detlite.runtime.errors import InputError

NAMES = {2: ("little", "big"), 3: ("little", "mid", "big")}
"""Of clusters by how many there are, the slowest first, as phones' makers call them."""

MASK = re.compile(r"(?:0x)?([0-9a-fA-F]{1,16})")


def affinity_words(wanted: str | None, clusters: Sequence[Cluster]) -> list[str]:
    """Return the words to put before a program that is to keep to the cores *wanted*: `taskset`, and their mask.

    Raises:
        InputError: it is neither a cluster that there is nor a mask in hexadecimal.
    """
    if wanted is None:
        return []
    by_name = dict(zip(NAMES.get(len(clusters), ()), clusters, strict=False)) | {one.name: one for one in clusters}
    if wanted in by_name and by_name[wanted].cores:
        return ["taskset", by_name[wanted].mask]
    mask = MASK.fullmatch(wanted)
    if mask is None or int(mask[1], 16) == 0:
        known = ", ".join(by_name) or "no clusters that it tells"
        raise InputError(f"affinity {wanted!r}: want a mask such as f0, or a cluster; it has {known}")
    return ["taskset", mask[1]]
