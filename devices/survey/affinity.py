"""CPU affinity of a measured program: a cluster's name, or a mask."""

from __future__ import annotations

import re
from collections.abc import Sequence

from detlite.devices.survey.cpu import Cluster
from detlite.runtime.errors import InputError

NAMES = {2: ("little", "big"), 3: ("little", "mid", "big")}
"""Names of clusters by their number, slowest first, as phone makers call them."""

MASK = re.compile(r"(?:0x)?([0-9a-fA-F]{1,16})")


def affinity_words(wanted: str | None, clusters: Sequence[Cluster]) -> list[str]:
    """Return the command prefix that keeps a program on the cores *wanted*: `taskset` and their mask.

    Raises:
        InputError: it is neither an existing cluster nor a hexadecimal mask.
    """
    if wanted is None:
        return []
    by_name = dict(zip(NAMES.get(len(clusters), ()), clusters, strict=False)) | {one.name: one for one in clusters}
    if wanted in by_name and by_name[wanted].cores:
        return ["taskset", by_name[wanted].mask]
    mask = MASK.fullmatch(wanted)
    if mask is None or int(mask[1], 16) == 0:
        known = ", ".join(by_name) or "no known clusters"
        raise InputError(f"affinity {wanted!r}: expected a mask such as f0, or a cluster; the device has {known}")
    return ["taskset", mask[1]]
