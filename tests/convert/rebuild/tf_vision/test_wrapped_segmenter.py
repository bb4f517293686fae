"""Quantization-aware DeepLabs of TF-Vision: weights by their plain names, and int8 by the trained ranges."""

import numpy as np
import pytest
import yaml
from builders.golden_models import write_object_checkpoint
from builders.wrapped_checkpoint import IMAGE, QUANTIZATION
from builders.wrapped_segmenter import (
    DECODER_PART,
    EXPERIMENT,
    HEAD_PART,
    PARAMS,
    RANGES,
    wrapped_segmenter,
    write_wrapped_segmenter,
)

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.graph.trim import INPUT
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.checkpoint_source import CheckpointSource
from detlite.convert.rebuild.network.built_network import CLASS_LOGITS
from detlite.convert.rebuild.rebuild import plan_of_checkpoint, rebuild
from detlite.convert.rebuild.tf_vision.read import parse_params
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import operator_name
from detlite.runtime.errors import InputError
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session


def config(params=PARAMS):
    return parse_params(yaml.safe_load(params + QUANTIZATION), "params.yaml", EXPERIMENT)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of config and checkpoint, and the plain weights."""
    folder = tmp_path_factory.mktemp("qat")
    _prefix, plain = write_wrapped_segmenter(folder, config())
    return folder, plain


def source(folder):
    return CheckpointSource(folder / "params.yaml", folder / "ckpt-1", experiment=EXPERIMENT)


def step_of(layer):
    low, high = RANGES[f"{layer}/output"]
    return (high - low) / 255


def test_every_weight_of_a_segmenter_has_its_plain_name(trained):
    folder, plain = trained
    _plan, weights = plan_of_checkpoint(source(folder))
    for name, value in plain.items():
        assert np.array_equal(weights.take(name, value.shape), value), name
    assert weights.finish(config="params.yaml").layers == ()


def test_int8_takes_every_range_of_a_segmenter(trained):
    rebuilt = rebuild(*plan_of_checkpoint(source(trained[0]), quantized=True), DetectorOptions())
    assert [name for name in rebuilt.unused.ranges if "/_add/" not in name] == []  # the builder's blocks all have one
    assert rebuilt.unused.layers == ()
    rounded = [node for node in rebuilt.graph.graph_def.node if node.op == "FakeQuantWithMinMaxVars"]
    constants = {node.name: node for node in rebuilt.graph.graph_def.node if node.op == "Const"}
    lows = {constants[node.input[1]].attr["value"].tensor.float_val[0] for node in rounded}
    assert {low for low, _high in RANGES.values()} <= lows


def test_a_missing_range_of_pyramid_pooling_is_named(trained, tmp_path):
    lost = f"{DECODER_PART}/aspp_layers/2/0/output_max"
    write_object_checkpoint(tmp_path / "ckpt-1", {k: v for k, v in wrapped_segmenter(trained[1]).items() if k != lost})
    (tmp_path / "params.yaml").write_text(PARAMS + QUANTIZATION)
    plan, weights = plan_of_checkpoint(source(tmp_path), quantized=True)
    with pytest.raises(InputError, match=r"1 of \d+ variables is missing: .*/aspp_layers/2/.*/wrapper-0/output_max"):
        rebuild(plan, weights, DetectorOptions())


def test_a_quantization_aware_segmenter_of_a_backbone_that_the_original_cannot_train_is_refused():
    params = PARAMS.replace("mobilenet: {model_id: MobileNetV2, filter_size_scale: 0.1, output_stride: 32}", "X")
    params = params.replace("{type: mobilenet, X}", "{type: dilated_resnet, dilated_resnet: {model_id: 50}}")
    with pytest.raises(InputError, match=r"task.model.backbone is a dilated ResNet, which projects/qat of TF-Vision"):
        config(params)


@pytest.fixture(scope="module")
def integers(trained, tmp_path_factory):
    """The artifact of the int8 segmenter."""
    folder = tmp_path_factory.mktemp("int8")
    given = Given(config=trained[0] / "params.yaml", checkpoint=trained[0] / "ckpt-1", experiment=EXPERIMENT)
    convert(to_record(ConvertRequest(given, folder / "int8", DetectorOptions(), weights="int8")), silent)
    return open_artifact(folder / "int8")


@pytest.mark.slow
def test_int8_is_on_average_within_two_steps_of_fake_quantization_where_ranges_clip(trained, integers):
    tf = load_tensorflow()
    built = rebuild(*plan_of_checkpoint(source(trained[0]), quantized=True), DetectorOptions()).graph
    steps = np.random.default_rng(3).integers(-128, 128, (1, 64, 64, 3)).astype(np.int8)
    given, made = integers.contract.image.quantization, integers.contract.outputs[0].quantization
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.compat.v1.import_graph_def(built.graph_def, name="")
        image = (steps.astype(np.float32) - given.zero_point) * np.float32(given.scale)
        low = "model/head/_dlv3p_conv/Relu:0"
        want, unclipped = session.run((f"{CLASS_LOGITS}:0", low), {f"{INPUT}:0": image})
    assert unclipped.max() > 3 * RANGES[f"{HEAD_PART}/_activation_layer/output"][1]
    session = Session(integers)
    session.invoke(steps)
    got = next(iter(session.heads().values()))
    assert np.abs(got.reshape(want.shape) - want).mean() < 2 * made.scale
    assert np.ptp(want) > 20 * made.scale


@pytest.mark.slow
def test_operators_of_an_int8_segmenter_have_the_trained_scales(integers):
    model = load(integers.model.read_bytes(), "int8")
    subgraph = model.subgraphs[0]
    assert {tensor.type for tensor in subgraph.tensors} <= {2, 9}  # int32 and int8
    stored: dict[str, list[float]] = {}
    for operator in subgraph.operators:
        scale = subgraph.tensors[operator.outputs[0]].quantization.scale[0]
        stored.setdefault(operator_name(model, operator), []).append(float(scale))
    assert stored["MEAN"] == pytest.approx([step_of(f"{DECODER_PART}/aspp_layers/2/0")], rel=1e-5)
    joined = [step_of(f"{part}/_concat_layer") for part in (DECODER_PART, HEAD_PART)]
    assert stored["CONCATENATION"] == pytest.approx(joined, rel=1e-5)
    last = [step_of(f"{HEAD_PART}/{layer}") for layer in ("_activation_layer", "_classifier")]
    assert stored["CONV_2D"][-2:] == pytest.approx(last, rel=1e-5)
    assert integers.contract.image.quantization.scale == pytest.approx((IMAGE[1] - IMAGE[0]) / 255, rel=1e-6)
