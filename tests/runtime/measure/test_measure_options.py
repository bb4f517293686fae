"""From options to the setup of a measurement."""

import pytest

from detlite.runtime.errors import InputError
from detlite.runtime.measure.options import MeasureOptions, setup_of


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": "multi-stream", "streams": 0}, " 0 streams, .*: each must be at least 1"),
        ({"scenario": "server", "per_second": 0}, "0 queries a second: want more than 0, and at most a million"),
    ],
)
def test_a_load_of_0_is_refused_and_not_taken_for_the_default(tmp_path, options, message):
    setup = setup_of(tmp_path / "model.tflite", None, MeasureOptions(**options))
    with pytest.raises(InputError, match=message):
        setup.load()
