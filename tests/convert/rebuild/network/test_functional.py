"""Keras numbers the layers of a functional model by their distance from its outputs."""

from __future__ import annotations

import pytest

from detlite.convert.rebuild.network.functional import BARE, PLAIN_LAYER, WEIGHTED, FunctionalModel


def named(seen, name):
    def build(scopes, tensors):
        seen[name] = [scope.removeprefix("model/layer_with_weights-") for scope in scopes]
        return name

    return build


def test_layers_in_a_row_are_numbered_from_the_input_on():
    seen, model = {}, FunctionalModel("model")
    step = model.input("image")
    for name in ("a", "b", "c"):
        step = model.step(named(seen, name), (step,))
    assert model.run({0: step}) == {0: "c"}
    assert seen == {"a": ["0"], "b": ["1"], "c": ["2"]}


def test_the_longer_way_to_the_output_comes_first():
    seen, model = {}, FunctionalModel("model")
    image = model.input("image")
    short = model.step(named(seen, "short"), (image,))
    long = model.step(named(seen, "long"), (image,))
    longer = model.step(named(seen, "longer"), (long,))
    model.run({0: model.step(named(seen, "sum"), (short, longer), (PLAIN_LAYER,))})
    assert seen == {"long": ["0"], "short": ["1"], "longer": ["2"], "sum": []}


def test_layers_at_the_same_distance_are_numbered_as_a_walk_from_the_output_meets_them():
    seen, model = {}, FunctionalModel("model")
    image = model.input("image")
    one, two = (model.step(named(seen, name), (image,)) for name in ("one", "two"))
    model.run({0: model.step(named(seen, "sum"), (two, one), (PLAIN_LAYER,))})
    assert seen == {"one": ["1"], "two": ["0"], "sum": []}


def test_each_layer_of_a_step_counts():
    seen, model = {}, FunctionalModel("model")
    image = model.input("image")
    conv = model.step(named(seen, "conv"), (image,), (WEIGHTED, WEIGHTED, PLAIN_LAYER))
    other = model.step(named(seen, "other"), (image,))
    model.run({0: model.step(named(seen, "sum"), (conv, other), (PLAIN_LAYER,))})
    assert seen == {"conv": ["0", "1"], "other": ["2"], "sum": []}


def test_what_no_output_needs_has_no_number():
    seen, model = {}, FunctionalModel("model")
    image = model.input("image")
    model.step(named(seen, "pruned"), (image,))
    model.run({0: model.step(named(seen, "kept"), (image,))})
    assert seen == {"kept": ["0"]}


@pytest.mark.parametrize(("keras_layers", "expected"), [(1, ["5", "4", "3"]), (5, ["5", "4", "3"])])
def test_the_laterals_of_a_pyramid_are_numbered_from_the_coarsest_on(keras_layers, expected):
    seen, model = {}, FunctionalModel("decoder")
    inputs = {level: model.input(level) for level in (3, 4, 5)}
    lateral = {level: model.step(named(seen, f"lateral_{level}"), (step,)) for level, step in inputs.items()}
    sums = {5: lateral[5]}
    for level in (4, 3):
        up = model.step(named(seen, "up"), (sums[level + 1],), (PLAIN_LAYER,) * keras_layers)
        sums[level] = model.step(named(seen, "sum"), (up, lateral[level]), (PLAIN_LAYER,))
    model.run({level: model.step(named(seen, f"post_{level}"), (step,)) for level, step in sums.items()})
    laterals = sorted((seen[f"lateral_{level}"], str(level)) for level in (3, 4, 5))
    assert [level for _scope, level in laterals] == expected


def test_all_layers_of_a_wrapped_model_have_scopes_after_the_one_that_rounds_the_input():
    seen, model = {}, FunctionalModel("model", wrapped=True)
    image = model.input("image")
    conv = model.step(named(seen, "conv"), (image,), (WEIGHTED, WEIGHTED, PLAIN_LAYER))
    up = model.step(named(seen, "up"), (conv,), (BARE,))
    model.run({0: model.step(named(seen, "sum"), (up, conv), (PLAIN_LAYER,))})
    assert seen == {"conv": ["0", "1", "model/wrapper-3"], "up": [], "sum": ["model/wrapper-4"]}
