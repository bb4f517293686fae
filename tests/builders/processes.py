"""Where tests run, when pytest spreads them over several processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def each_in_one_process(names: Iterable[str]) -> list[Any]:
    """Parameters of a fixture that is slow to make: all tests of one run in the same process, and share it."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
