"""Twin channels: which tensors can have them, what they bring, and when they are left out."""

from dataclasses import replace

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.float_models import RELU6, FloatNet, images, run, snr_db

from detlite.accuracy.images import Images
from detlite.calibration.material import material_of
from detlite.calibration.models import FloatModel, separate
from detlite.calibration.network import Network
from detlite.calibration.quantize import ErrorJudge, float_model, quantize
from detlite.calibration.recipe import Recipe
from detlite.calibration.weights.calibrate import calibrate
from detlite.calibration.weights.method import METHODS
from detlite.calibration.weights.twin_choice import TwinRequest, with_twins
from detlite.calibration.weights.twins import MultiplyAdds, TwinModels, halved_layers, rounded_alone, twin_units
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import name_of
from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin

INPUT = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")
SAMPLES = images(count=6)


def residual_net(blocks: int = 1) -> bytes:
    """Inverted residuals as MobileNet V2 has them, between a first and a last convolution."""
    net = FloatNet()
    found = net.conv(net.image, 6, window=1, name="first")
    for number in range(blocks):
        end = "" if number == 0 else f"_{number}"
        grown = net.conv(found, 12, window=1, activation=RELU6, name=f"expand{end}")
        depthwise = net.depthwise(grown, activation=RELU6, name=f"dw{end}")
        project = net.conv(depthwise, 6, window=1, name=f"project{end}")
        found = net.add("ADD", [found, project], [net.shape(found)], "AddOptions", name=f"sum{end}")[0]
    return net.finish(net.conv(found, 4, window=1, name="last"))


def source_of(data: bytes, **options) -> FloatModel:
    return FloatModel(TfliteFile(data), INPUT, lambda: separate(SAMPLES), **options)


def names_of(network, units):
    return [[network.names[index] for index in unit] for unit in units]


def test_what_works_channel_by_channel_joins_its_tensors():
    network = Network(TfliteFile(residual_net()))
    assert names_of(network, twin_units(network, ())) == [["first", "project", "sum"], ["expand", "dw"]]


def test_tensors_beside_a_float_operator_have_none():
    network = Network(TfliteFile(residual_net()))
    assert names_of(network, twin_units(network, {"dw"})) == [["first", "project", "sum"]]


def test_what_something_else_reads_has_none():
    net = FloatNet()
    grown = net.conv(net.image, 4, name="a")
    pooled = net.add("RELU", [grown], [net.shape(grown)])[0]
    assert twin_units(Network(TfliteFile(net.finish(net.conv(pooled, 2)))), ()) == ()


def test_an_operator_without_inputs_is_passed():
    net = FloatNet()
    net.add("VAR_HANDLE", [], [()], "VarHandleOptions", name="handle")
    first = net.conv(net.image, 4, window=1, name="first")
    network = Network(TfliteFile(net.finish(net.conv(first, 2, window=1, name="last"))))
    assert names_of(network, twin_units(network, {"handle"})) == [["first"]]


def test_doubled_tensors_cost_multiply_adds_where_they_are_made_and_read():
    network = Network(TfliteFile(residual_net()))
    expand, dw = (network.names.index(name) for name in ("expand", "dw"))
    per_pixel = {"first": 18, "expand": 72, "dw": 108, "project": 72, "last": 24}
    assert MultiplyAdds(network).ratio({expand, dw}) == 1 + (72 + 108 + 72) / sum(per_pixel.values())


def twin_models(data: bytes, method: str = "second_order") -> TwinModels:
    chosen = load_plugin(METHODS, method)
    calibrated = calibrate(source_of(data, estimator="min_max"), covariances=True)
    units = twin_units(calibrated.network, ())
    halved = replace(calibrated, plan=replace(calibrated.plan, halved=halved_layers(calibrated.network, units)))
    return TwinModels(calibrated, chosen.parameters(calibrated), chosen.parameters(halved))


def signal_db(data, made):
    pairs = [(run(data, one)[0], run(made.file.data, one)[0]) for one in images(count=8, seed=5)]
    return snr_db([want for want, _ in pairs], [got for _, got in pairs])


@pytest.mark.parametrize("method", ["nearest", "bias_correction", "second_order"])
def test_twin_channels_are_nearer_to_float_in_plain_int8(method):
    data = residual_net(blocks=6)  # so many that the step of the output is not what is seen
    models = twin_models(data, method)
    all_of_them = [index for unit in twin_units(models.calibrated.network, ()) for index in unit]
    made = models.made(all_of_them)
    assert describe(made.file.data, "made").quantization == "int8"
    assert signal_db(data, made) > signal_db(data, models.made(())) + 1.5


def test_both_copies_are_in_the_file_a_half_step_apart():
    models = twin_models(residual_net())
    network = models.calibrated.network
    first = [network.names.index(name) for name in ("first", "project", "sum")]
    file = models.made(first).file
    tensors = {name_of(one): one for one in file.subgraph.tensors}
    assert [tensors[name].shape[-1] for name in ("first", "sum", "expand")] == [12, 12, 12]
    bias = tensors["first_bias"]
    steps = np.frombuffer(bytes(file.model.buffers[bias.buffer].data), "<i4")
    low, high = np.split(steps * np.asarray(bias.quantization.scale), 2)
    assert high - low == pytest.approx(models.calibrated.plan.scales[first[0]].scale / 2, rel=0.01)


def test_one_tensor_is_rounded_alone_in_an_otherwise_float_model():
    data = residual_net()
    models = twin_models(data)
    rounded = rounded_alone(models.calibrated, [models.calibrated.network.names.index("project")])
    assert snr_db(run(data, SAMPLES[0])[0], run(rounded.data, SAMPLES[0])[0]) > signal_db(data, models.made(())) + 3


def test_weights_that_read_both_copies_have_half_steps():
    models = twin_models(residual_net())
    whole, halved = models.whole.kernels["expand"], models.halved.kernels["expand"]
    assert (whole.values.dtype, halved.values.dtype) == (np.int8, np.int16)
    assert halved.scales == pytest.approx(whole.scales / 2)
    assert 127 < np.abs(halved.values).max() <= 254


def test_a_channel_that_is_nearly_all_bias_does_not_overflow():
    net = FloatNet()
    first = net.conv(net.image, 6, window=1, name="first")
    weights = net.chance.normal(0, 0.3, (4, 1, 1, 6))
    weights[0] = 1e-7
    second = net.conv(first, 4, window=1, weights=weights, bias=[1.0, -0.5, 0.25, 0.1], name="second")
    data = net.finish(net.conv(second, 3, window=1, name="last"))
    models = twin_models(data, "nearest")
    both = [models.calibrated.network.names.index(name) for name in ("first", "second")]
    assert signal_db(data, models.made(both)) > signal_db(data, models.made(()))


def power(decibels):
    return 10 ** (-decibels / 10)


class Judge:
    """The error of raw outputs; with *is_always_worse*, every model is worse than the plain one."""

    def __init__(self, data, is_always_worse):
        self._data, self._is_always_worse = data, is_always_worse

    def is_worse(self, made, plain):
        return self._is_always_worse or signal_db(self._data, made) < signal_db(self._data, plain)

    def of_file(self, file):
        return power(snr_db(*([run(data, one)[0] for one in SAMPLES] for data in (self._data, file.data))))


def asked(which="auto", max_macs=3.0, method="second_order", is_always_worse=False, data=None, **options):
    data = data or residual_net()
    request = TwinRequest(which, max_macs)
    return with_twins(source_of(data, **options), load_plugin(METHODS, method), request, Judge(data, is_always_worse))


def test_an_automatic_choice_stays_within_its_multiply_adds():
    facts = asked(max_macs=1.75).facts
    assert (facts["twin_channels"], facts["macs_ratio"]) == (["first", "project", "sum"], 1.633)
    assert asked(max_macs=1.01).facts["twin_channels"] == "none: no tensor is cheap enough"


def test_all_tensors_that_can_have_them_are_doubled_on_request():
    assert asked("all", max_macs=1.01).facts["macs_ratio"] > 2


def test_twin_channels_that_raise_the_error_are_left_out():
    made = asked("all", is_always_worse=True)
    assert made.facts["twin_channels"] == "none: they raised the error"
    assert made.file.data == load_plugin(METHODS, "second_order").quantize(source_of(residual_net())).file.data


def test_the_same_images_give_the_same_bytes():
    assert asked().file.data == asked().file.data


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"method": "converter"}, "--twin-channels needs the scheme int8 and a method that rounds each layer alone"),
        ({"method": "empirical_bias_correction"}, "a method that rounds each layer alone, such as "),
        ({"scheme": "int16x8"}, "--twin-channels needs the scheme int8"),
    ],
)
def test_other_methods_and_schemes_are_refused(options, error):
    with pytest.raises(InputError, match=error):
        asked(**options)


def test_a_model_without_such_tensors_is_refused():
    net = FloatNet()
    with pytest.raises(InputError, match="this model has no tensor that only convolutions and additions read"):
        asked(data=net.finish(net.conv(net.image, 2)))


def test_an_unknown_choice_is_refused():
    with pytest.raises(UnknownNameError, match="no choice of twin channels is called 'some'"):
        Recipe(twin_channels="some")


def test_a_model_is_worse_only_where_its_raw_outputs_surely_have_more_error(tmp_path):
    given, model = Images(write_images(tmp_path), "made in a test"), detector()
    source = float_model(model, given, Recipe())
    coarse, fine = (load_plugin(METHODS, one).quantize(source) for one in ("nearest", "second_order"))
    judge = ErrorJudge(model, material_of(given, model.contract), 12)
    assert [judge.is_worse(*pair) for pair in ((coarse, fine), (fine, coarse), (fine, fine))] == [True, False, False]


def test_a_detector_has_less_error_and_says_so_in_its_history(tmp_path):
    given, model = Images(write_images(tmp_path), "made in a test"), detector()
    plain, twins = (quantize(model, given, Recipe(twin_channels=one)) for one in ("none", "all"))
    assert twins.error.db > plain.error.db + 0.5
    assert twins.model.history[-1]["twin_channels"] == ["first", "differences", "features"]
