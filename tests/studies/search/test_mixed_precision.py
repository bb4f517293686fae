"""Mixed precision: the fewest operators stay float, and a budget that cannot be met says how near it came."""

import numpy as np
import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.network import Network
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.progress import silent
from detlite.studies.search.blame import tensor_blames
from detlite.studies.search.mixed import fewest_floating
from detlite.studies.search.order import by_shares, idle, orders, units
from detlite.studies.search.ruler import Budget, FigureReading, Ruler
from detlite.studies.search.shares import Shares, shares_of
from detlite.studies.search.trials import Trials


def trials_of(tmp_path, method="bias_correction", **recipe):
    model, images = detector(), Images(write_images(tmp_path), "made in a test")
    return Trials(model, float_model(model, images, Recipe(**recipe)), method)


def budget(trials, target_db, spread_db=0.0):
    def read(model):
        decibels = trials.error(model).db
        return FigureReading(decibels + spread_db, decibels, decibels + 2 * spread_db)

    return Budget(Ruler("signal", " dB", higher_is_better=True, read=read), target_db)


def test_nothing_is_left_float_where_int8_is_good_enough(tmp_path):
    trials = trials_of(tmp_path)
    assert fewest_floating(trials, [budget(trials, 1.0)]).floating == ()


def test_what_is_left_float_meets_the_budget(tmp_path):
    trials = trials_of(tmp_path)
    target = trials.error(trials.model()).db + 0.5
    mixed = fewest_floating(trials, [budget(trials, target)])
    assert mixed.margin >= 0
    assert trials.error(trials.model(mixed.floating)).db >= target


def test_none_of_what_is_left_float_is_needless(tmp_path):
    trials = trials_of(tmp_path)
    target = trials.error(trials.model()).db + 0.5
    floating = fewest_floating(trials, [budget(trials, target)]).floating
    unit_of = {name: unit for unit in units(trials.calibrated.network) for name in unit}
    kept = {unit_of[name] for name in floating}
    assert kept
    for unit in kept:
        fewer = [name for name in floating if name not in unit]
        assert trials.error(trials.model(fewer)).db < target


BEST = (
    r"a signal of at least 200 dB is out of reach: the best is signal [\d.]+ dB \[[\d.]+, [\d.]+\], which promises at "
    r"least [\d.]+ dB, with \d+ operators float"
)


def test_it_is_the_lower_end_of_the_interval_that_meets_the_budget(tmp_path):
    trials = trials_of(tmp_path)
    target = trials.error(trials.model()).db
    sure = fewest_floating(trials, [budget(trials, target, spread_db=1.0)])
    unsure = fewest_floating(trials, [budget(trials, target + 0.5, spread_db=1.0)])
    assert (sure.floating, sure.readings[0].value) == ((), pytest.approx(target + 1))
    assert unsure.floating  # int8's own figure is over the target, the end of its interval is not
    assert unsure.readings[0].low >= target + 0.5


def test_a_budget_that_cannot_be_met_says_how_near_it_came(tmp_path):
    trials = trials_of(tmp_path)
    with pytest.raises(FindingError, match=BEST):
        fewest_floating(trials, [budget(trials, 200)])


def test_a_two_stage_detector_is_not_ranked_by_the_error_of_outputs_whose_rows_differ(tmp_path, monkeypatch):
    monkeypatch.setattr("detlite.studies.search.trials.crops_regions", lambda _contract: True)
    trials = trials_of(tmp_path)
    blames = [one for one in tensor_blames(trials) if one.kind == "DEPTHWISE_CONV_2D"]
    monkeypatch.setattr(Trials, "noise_of", None)
    assert orders(trials, None, 5)[0][0] == (max(blames, key=lambda one: one.added).name,)


def test_operators_that_share_a_scale_are_one_unit():
    found = units(Network(TfliteFile(detector().data)))
    assert [len(unit) for unit in found] == [1, 1, 1, 2, 2, 1]


def shares(network, weights, **tensors):
    index_of = {operator.name: operator.outputs[0] for operator in network.operators}
    of_one_image = {index_of[name]: np.array([share]) for name, share in tensors.items()}
    return Shares(of_one_image, {name: np.array([share]) for name, share in weights.items()}, np.zeros(1))


def test_a_layer_with_bad_weights_is_left_float_first_and_alone():
    network = Network(TfliteFile(detector().data))
    found = by_shares(network, units(network), shares(network, {"differences": 9.0, "first": 1.0}), 2)
    assert found == [("differences",), ("first",)]


def test_what_makes_and_what_reads_a_bad_tensor_are_left_float_together():
    network = Network(TfliteFile(detector().data))
    found = by_shares(network, units(network), shares(network, {"features": 3.0}, first=9.0, differences=1.0), 3)
    assert found == [("first",), ("differences",), ("features",)]


def test_a_tensor_that_an_output_holds_stays_int8_whatever_is_left_float():
    network = Network(TfliteFile(detector().data))
    found = by_shares(network, units(network), shares(network, {"features": 1.0}, boxes=9.0), 2)
    assert found[0] == ("features",)


def test_an_operator_without_weights_is_idle_unless_a_neighbour_is_float():
    network = Network(TfliteFile(detector().data))
    logits, scores = ("classes", "reshape_6"), ("class_scores",)
    assert idle(network, [("first",), scores]) == [scores]
    assert idle(network, [logits, scores]) == []
    assert idle(network, [("first",), logits]) == []


def test_no_more_operators_are_left_float_than_allowed():
    network = Network(TfliteFile(detector().data))
    found = by_shares(network, units(network), shares(network, {"features": 3.0}, first=9.0), 1)
    assert found == [("features",)]


def test_the_largest_share_is_that_of_the_layer_whose_taps_cancel_out(tmp_path):
    found = shares_of(trials_of(tmp_path, "nearest"), silent)
    assert max(found.weights, key=lambda name: found.weights[name].sum()) == "differences"
    assert min(share.sum() for share in found.tensors.values()) > 0


def test_a_budget_out_of_reach_is_told_after_three_models(tmp_path):
    trials, judged = trials_of(tmp_path), []
    counting = budget(trials, 200)
    ruler = Ruler(
        "signal", " dB", higher_is_better=True, read=lambda model: judged.append(1) or counting.ruler.read(model)
    )
    with pytest.raises(FindingError, match="is out of reach"):
        fewest_floating(trials, [Budget(ruler, 200)])
    assert len(judged) == 3  # int8 alone, and half of the operators by either order


def test_the_shorter_of_two_orders_is_taken(tmp_path, monkeypatch):
    trials = trials_of(tmp_path)
    target = trials.error(trials.model(["features"])).db
    ranked = [[("first",), ("differences",), ("features",)], [("features",), ("first",), ("differences",)]]
    monkeypatch.setattr("detlite.studies.search.mixed.orders", lambda _trials, _shares, _most: ranked)
    assert fewest_floating(trials, [budget(trials, target)]).floating == ("features",)


def test_a_quantizer_that_does_everything_itself_has_no_trials(tmp_path):
    with pytest.raises(InputError, match="the method converter does everything itself"):
        trials_of(tmp_path, "converter")
