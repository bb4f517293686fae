"""How much a process must run: what cannot be is refused by its number."""

import pytest
from builders.served import load

from detlite.runtime.errors import InputError


def test_a_load_without_queries_is_refused_by_its_numbers():
    with pytest.raises(InputError, match=r"^0 queries, 4 images, .*: each must be at least 1$"):
        load(queries=0)


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(InputError, match="^0 queries a second: want more than 0, and at most a million$"):
        load(per_second=0.0)
