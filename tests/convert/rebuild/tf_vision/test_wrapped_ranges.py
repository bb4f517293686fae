"""Quantization-aware checkpoints of TF-Vision: weights by their plain names, and int8 by the trained ranges."""

from functools import cache

import numpy as np
import pytest
import yaml
from builders.golden_models import write_object_checkpoint
from builders.wrapped_checkpoint import (
    EXPERIMENT,
    IMAGE,
    LINEAR,
    LOGITS,
    PARAMS,
    QUANTIZATION,
    RELU6,
    RESIDUAL,
    wrapped,
    write_wrapped,
)

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.checkpoint_source import CheckpointSource
from detlite.convert.rebuild.rebuild import plan_of_checkpoint, rebuild
from detlite.convert.rebuild.tf_vision.read import parse_params
from detlite.convert.rebuild.weights.open import open_tf_vision
from detlite.convert.rebuild.weights.wrapped import WrappedWeights
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import constant_of, operator_name
from detlite.runtime.errors import InputError
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record

STEM = "layer_with_weights-0/layer_with_weights-0"


def config():
    return parse_params(yaml.safe_load(PARAMS + QUANTIZATION), "params.yaml", EXPERIMENT)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of config and checkpoint, the checkpoint's prefix, and its plain weights."""
    folder = tmp_path_factory.mktemp("qat")
    prefix, plain = write_wrapped(folder, config())
    return folder, prefix, plain


@pytest.fixture(scope="module")
def converted(trained):
    """Converts to a type of weights, and returns the artifact and what `detlite convert` answered."""
    folder, prefix, _plain = trained

    @cache
    def run(kind):
        given = Given(config=folder / "params.yaml", checkpoint=prefix, experiment=EXPERIMENT)
        answer = convert(to_record(ConvertRequest(given, folder / kind, DetectorOptions(), weights=kind)), silent)
        return open_artifact(folder / kind), answer

    return run


@pytest.fixture(scope="module")
def integers(converted):
    """The int8 model, parsed."""
    return load(converted("int8")[0].model.read_bytes(), "int8")


def test_every_weight_has_its_plain_name(trained):
    _folder, prefix, plain = trained
    weights, averages = open_tf_vision(prefix, None, objects=WrappedWeights)
    for name, value in plain.items():
        assert np.array_equal(weights.take(name, value.shape), value), name
    assert averages is None
    unused = weights.finish(config="params.yaml")
    assert unused.layers == ()
    assert len(unused.ranges) == sum(key.endswith(("_min", "_max")) for key in wrapped(plain))


def test_a_range_is_found_by_the_name_of_its_layer(trained):
    weights, _averages = open_tf_vision(trained[1], None, objects=WrappedWeights)
    assert weights.take(f"{STEM}/_activation_layer/output_max", ()) == 6
    assert weights.take("layer_with_weights-0/wrapper-0/quantize_layer_min", ()) == IMAGE[0]
    assert weights.take("wrapper-1/output_max", ()) == 6
    assert not weights.has("wrapper-2/output_max")


def test_the_range_of_an_activation_is_named_after_the_batch_norm_before_it(tmp_path):
    stem = "model/layer_with_weights-0"
    values = {
        f"{stem}/layer_with_weights-0/quantize_layer_max": np.float32(1),
        f"{stem}/layer_with_weights-1/layer/kernel": np.ones((1, 1, 3, 2), np.float32),
        f"{stem}/layer_with_weights-2/layer/gamma": np.ones(2, np.float32),
        f"{stem}/layer_with_weights-3/output_max": np.float32(5),
        f"{stem}/layer_with_weights-4/output_max": np.float32(7),
    }
    write_object_checkpoint(tmp_path / "ckpt-1", values)
    weights, _averages = open_tf_vision(tmp_path / "ckpt-1", None, objects=WrappedWeights)
    assert weights.take("layer_with_weights-0/layer_with_weights-1/then/output_max", ()) == 5
    assert not weights.has("layer_with_weights-0/layer_with_weights-1/output_max")
    assert not weights.has("layer_with_weights-0/layer_with_weights-0/then/output_max")
    assert weights.take("layer_with_weights-0/wrapper-4/output_max", ()) == 7


def test_a_checkpoint_without_ranges_is_no_source_of_int8(trained, tmp_path):
    (tmp_path / "params.yaml").write_text(PARAMS)
    source = CheckpointSource(tmp_path / "params.yaml", trained[1], experiment=EXPERIMENT)
    with pytest.raises(InputError, match=r"params.yaml has no task.quantization, so the checkpoint has no trained"):
        plan_of_checkpoint(source, quantized=True)


def test_ranges_of_other_bits_are_refused():
    values = yaml.safe_load(PARAMS + QUANTIZATION.replace("false", "true"))
    with pytest.raises(InputError, match=r"change_num_bits is True: detlite keeps ranges of 8 bits"):
        parse_params(values, "params.yaml", EXPERIMENT)


def test_a_range_that_is_missing_is_named(trained, tmp_path):
    lost = "model/layer_with_weights-0/layer_with_weights-5/layer/_norm2/output_max"
    write_object_checkpoint(tmp_path / "ckpt-1", {k: v for k, v in wrapped(trained[2]).items() if k != lost})
    (tmp_path / "params.yaml").write_text(PARAMS + QUANTIZATION)
    source = CheckpointSource(tmp_path / "params.yaml", tmp_path / "ckpt-1", experiment=EXPERIMENT)
    plan, weights = plan_of_checkpoint(source, quantized=True)
    with pytest.raises(InputError, match=r"1 of \d+ variables is missing: .*-2/_norm2/output_max \(\)"):
        rebuild(plan, weights, DetectorOptions())


@pytest.mark.slow
def test_int8_has_the_trained_scales_and_no_float_operator(converted, integers):
    tensors = integers.subgraphs[0].tensors
    assert {tensor.type for tensor in tensors} <= {2, 9}  # int32 and int8
    stored = [tensor.quantization.scale for tensor in tensors if tensor.quantization is not None]
    scales = {round(float(scale[0]), 6) for scale in stored if scale is not None and len(scale) == 1}
    for low, high in (IMAGE, LOGITS, RELU6, LINEAR, RESIDUAL):
        assert round((high - low) / 255, 6) in scales, (low, high)
    contract = converted("int8")[0].contract
    assert contract.image.quantization.scale == pytest.approx((IMAGE[1] - IMAGE[0]) / 255, rel=1e-6)
    assert contract.task.score_converter_place == "host"


@pytest.mark.slow
def test_int8_weights_are_the_steps_of_their_trained_grid(integers, trained):
    subgraph = integers.subgraphs[0]
    first = next(one for one in subgraph.operators if operator_name(integers, one) == "CONV_2D")
    stored = constant_of(integers, subgraph.tensors[first.inputs[1]])  # [out, rows, columns, in]
    kernel = trained[2][f"{STEM}/_conv0/kernel"]
    sign = np.sign(trained[2][f"{STEM}/_norm0/gamma"])
    steps = np.rint(kernel * 127 / np.abs(kernel).max(axis=(0, 1, 2)) * sign).transpose(3, 0, 1, 2)
    assert np.abs(stored - steps).max() == 0


@pytest.mark.slow
def test_float32_of_a_quantization_aware_checkpoint_is_the_plain_network(converted):
    artifact, answer = converted("float32")
    assert artifact.contract.task.score_converter_place == "model"
    assert not answer["notices"]
