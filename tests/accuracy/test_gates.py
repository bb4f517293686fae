"""What an evaluation must reach."""

import pytest

from detlite.accuracy.gates import check_gates, refuse_missed
from detlite.runtime.errors import FindingError, InputError

NONE = {"min_map": None, "min_map_ratio": None, "min_fidelity": None}


def test_a_number_right_at_the_gate_passes():
    (gate,) = check_gates({**NONE, "min_map": 21.78}, {"map": 21.78})
    assert gate.passed
    refuse_missed([gate], "out/int8")


def test_every_gate_that_is_missed_is_in_the_line():
    record = {"map": 21.5, "map_ratio": 0.98, "fidelity": 95.0}
    gates = check_gates({"min_map": 21.78, "min_map_ratio": 0.99, "min_fidelity": 90.0}, record)
    text = r"^out/int8: map is 21\.5 %, want at least 21\.78; map_ratio is 0\.98, want at least 0\.99$"
    with pytest.raises(FindingError, match=text):
        refuse_missed(gates, "out/int8")


def test_a_gate_about_a_number_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="--min-map-ratio: there is no map_ratio here"):
        check_gates({**NONE, "min_map_ratio": 0.99}, {"map": 0.0, "map_ratio": None})
