"""Mixed precision: the fewest operators stay float, and a budget that cannot be met says how near it came."""

import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.network import Network
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import FindingError, InputError
from detlite.studies.search.mixed import Budget, fewest_floating
from detlite.studies.search.order import head_operators, units
from detlite.studies.search.trials import Trials


def trials_of(tmp_path, method="bias_correction", **recipe):
    model, images = detector(), Images(write_images(tmp_path), "made in a test")
    return Trials(model, float_model(model, images, Recipe(**recipe)), method)


def budget(trials, target_db):
    return Budget(
        f"{target_db} dB",
        lambda margin: f"{target_db + margin:.1f} dB",
        lambda model: trials.head_noise(model).db - target_db,
    )


def test_nothing_is_left_float_where_int8_is_good_enough(tmp_path):
    trials = trials_of(tmp_path)
    assert fewest_floating(trials, [budget(trials, 1.0)]).floating == ()


def test_what_is_left_float_meets_the_budget(tmp_path):
    trials = trials_of(tmp_path)
    target = trials.head_noise(trials.model()).db + 0.5
    mixed = fewest_floating(trials, [budget(trials, target)])
    assert mixed.margin >= 0
    assert trials.head_noise(trials.model(mixed.floating)).db >= target


def test_none_of_what_is_left_float_is_needless(tmp_path):
    trials = trials_of(tmp_path)
    target = trials.head_noise(trials.model()).db + 0.5
    floating = fewest_floating(trials, [budget(trials, target)]).floating
    unit_of = {name: unit for unit in units(trials.calibrated.network) for name in unit}
    for unit in {unit_of[name] for name in floating} if len({unit_of[n] for n in floating}) > 1 else ():
        fewer = [name for name in floating if name not in unit]
        assert trials.head_noise(trials.model(fewer)).db < target


def test_a_budget_that_cannot_be_met_says_how_near_it_came(tmp_path):
    trials = trials_of(tmp_path)
    with pytest.raises(FindingError, match=r"200 dB is out of reach: the best is [\d.]+ dB, with \d+ operators float"):
        fewest_floating(trials, [budget(trials, 200)])


def test_operators_that_share_a_scale_are_one_unit():
    found = units(Network(TfliteFile(detector().data)))
    assert [len(unit) for unit in found] == [1, 1, 1, 2, 2, 1]


def test_the_heads_are_what_leads_to_one_output_alone():
    network = Network(TfliteFile(detector().data))
    assert {"first", "differences", "features"}.isdisjoint(head_operators(network))
    assert {"boxes", "classes"} <= head_operators(network)


def test_a_quantizer_that_does_everything_itself_has_no_trials(tmp_path):
    with pytest.raises(InputError, match="the method converter does everything itself"):
        trials_of(tmp_path, "converter")
