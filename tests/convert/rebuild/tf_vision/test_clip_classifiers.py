"""The clip classifiers of the original, rebuilt with 2-D convolutions from their params.yaml and checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
from builders.asked_weights import AskedWeights
from builders.tf_vision_models import MOVINET, RS, TfVisionGolden, video_params

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.exporter import export_model
from detlite.convert.model import model_of, session_of
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan, architecture_of
from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.resnet_3d import BlockGroup, Resnet3dBackbone, build_resnet_3d
from detlite.convert.rebuild.tf_vision.read import parse_params
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.describe import describe
from detlite.runtime.errors import InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.session import Session

TOLERANCE = 1e-4


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["movinet_a0_base", "slowonly_8x8", "resnet3d50"])
def test_a_clip_classifier_sees_and_says_what_the_original_does(name, tmp_path, shared_data):
    reference = TfVisionGolden(name)
    given = Given(config=reference.config, checkpoint=reference.write_checkpoint(tmp_path))
    answer = convert(to_record(ConvertRequest(given, tmp_path / "out", DetectorOptions(logits=True))), silent)
    artifact, arrays = open_artifact(tmp_path / "out"), reference.arrays
    session, clip = Session(artifact), reference.library.clip(*reference.meta["picture"][1])
    if "model_input_sample" in arrays:
        tensor = np.stack([preprocess(frame, artifact.contract.image) for frame in clip], axis=1)
        seen = tensor.reshape(-1, 3)[arrays["model_input_rows"]]
        np.testing.assert_allclose(seen, arrays["model_input_sample"], atol=2e-6)
    else:  # the original saw the clip as it is
        tensor = clip.astype(np.float32)[None] / 255
    session.invoke(tensor)
    np.testing.assert_allclose(session.heads()["class_scores"], arrays["final_logits"][0], atol=TOLERANCE)
    np.testing.assert_allclose(session.finish().scores, arrays["final_probs"].reshape(-1), atol=1e-5)
    assert answer["history"][-1]["parameters"] == reference.meta["params_trainable"]
    assert answer["history"][-1]["macs"] == reference.meta.get("macs", answer["history"][-1]["macs"])
    assert not answer["notices"]  # every variable is used
    operators = dict(describe(artifact.model.read_bytes(), "the model").operators)
    assert not {kind for kind in operators if "3D" in kind or "FLEX" in kind.upper() or kind == "CUSTOM"}
    in_onnx = session_of(export_model(model_of(artifact), "onnx", {"layout": "nhwc"}))
    in_onnx.invoke(tensor)
    np.testing.assert_allclose(in_onnx.heads()["class_scores"], arrays["final_logits"][0], atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [50, 200])
def test_an_r3d_rs_has_the_variables_of_its_blocks(layers):
    config, asked = (
        parse_params(video_params({**RS, "model_id": layers}, "resnet_3d_rs"), "params.yaml"),
        AskedWeights(),
    )
    architecture_of(config).build(RebuildPlan(config, "params.yaml"), asked, (32, 32))
    root, counts = "layer_with_weights-0/layer_with_weights-", [len(one.kernels) for one in config.backbone.groups]
    assert asked.shapes[f"{root}0/kernel"] == (5, 3, 3, 3, 32)
    assert asked.shapes[f"{root}4/kernel"] == (1, 3, 3, 32, 64)
    last = np.cumsum(counts) + 5
    gated = {name for name in asked.shapes if name.endswith("_self_gating/_transformer_w/kernel")}
    assert gated == {f"{root}{number}/_self_gating/_transformer_w/kernel" for number in last}
    assert asked.shapes[f"{root}6/_squeeze_excitation/_se_reduce/kernel"] == (1, 1, 256, 64)
    assert asked.shapes[f"{root}{last[2]}/_temporal_conv/kernel"] == (3, 1, 1, 1024, 256)
    shortcuts = {name.split("/")[1] for name in asked.shapes if "_shortcut_conv" in name}
    assert shortcuts == {f"layer_with_weights-{number}" for number in (6, *(last[:3] + 1))}


def before_the_sum(*, gated):
    """What the last block of a small ResNet adds to its shortcut, with and without gates."""
    groups = tuple(BlockGroup((1,), 1, gated=gated and number == 3) for number in range(4))
    config = Resnet3dBackbone(NormActivation("RELU", 1e-5), "v0", 1, 1, 1, groups, se_ratio=0.25 if gated else 0.0)
    clip = np.random.default_rng(0).uniform(0, 1, (4, 32, 32, 3)).astype(np.float32)
    with GraphBuilder(UngatedBefore(0), clip.shape) as net:
        made = build_resnet_3d(net, net.reshape(net.image, clip.shape, "frames"), config, "root")
        inner = made.graph.get_tensor_by_name(f"{LAST}/add:0").op.inputs[0]
        with load_tensorflow().compat.v1.Session(graph=made.graph) as session:
            return session.run(inner, {net.image: clip[None]})


LAST = "root/layer_with_weights-5"


class UngatedBefore(RandomWeights):
    """Random weights, with which the squeeze-and-excites before the last block let everything through."""

    def take(self, name, shape):
        value = super().take(name, shape)
        return value if LAST in name or "_squeeze_excitation" not in name else np.full(shape, 100, np.float32)


def gate(means, layer, filters):
    weights = RandomWeights(0)
    sides = (1,) * (3 if layer.startswith("_self_gating") else 2)
    kernel = weights.take(f"{LAST}/{layer}/kernel", (*sides, len(means), filters)).reshape(len(means), filters)
    return means @ kernel + weights.take(f"{LAST}/{layer}/bias", (filters,))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.slow
def test_a_self_gating_and_a_squeeze_and_excite_are_what_their_formulas_say():
    y, gated = before_the_sum(gated=False), before_the_sum(gated=True)
    channels = y.shape[-1]
    y = y * sigmoid(gate(y.mean(axis=(0, 1, 2)), "_self_gating/_transformer_w", channels))
    inner = np.maximum(gate(y.mean(axis=(0, 1, 2)), "_squeeze_excitation/_se_reduce", channels // 4), 0)
    y = y * sigmoid(gate(inner, "_squeeze_excitation/_se_expand", channels))
    np.testing.assert_allclose(gated, y, rtol=1e-3, atol=1e-4)


def test_a_clip_is_cut_and_scaled_as_the_config_says():
    config = parse_params(video_params(RS, "resnet_3d_rs", zero_centering_image=True), "params.yaml")
    assert (config.clips.frames, config.clips.stride, config.clips.size) == (4, 2, (32, 32))
    assert (config.clips.shortest, config.clips.centred, config.clips.converter) == (40, True, "SOFTMAX")


def test_a_clip_of_several_classes_has_sigmoids():
    config = parse_params(video_params(RS, "resnet_3d_rs", is_multilabel=True), "params.yaml")
    assert config.clips.converter == "SIGMOID"


def test_an_override_takes_its_clips_from_the_experiment():
    values = {"task": {"train_data": {"feature_shape": [8, 224, 224, 3]}, "model": {}}}
    config = parse_params(values, "mine.yaml", "video_classification_kinetics400")
    assert (config.clips.frames, config.clips.columns, config.backbone.norm.epsilon) == (8, 400, 1e-5)
    assert [group.kernels for group in config.backbone.groups][1] == (3, 1, 3, 1)
    assert all(group.gated for group in config.backbone.groups)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conv_type": "2d"}, "movinet.conv_type is 2d; want one of 3d, 2plus1d, 3d_2plus1d"),
        (
            {"conv_type": "3d"},
            "conv_type is 3d in a causal network; detlite rebuilds streams with 2plus1d or 3d_2",
        ),
        ({"se_type": "4d"}, "se_type is 4d; want one of 3d, 2d, 2plus3d, none"),
        ({"model_id": "a6"}, "model_id is a6; want one of a0, a1, a2, a3, a4, a5, t0"),
        ({"gating_activation": "relu"}, "gating_activation is relu; want one of sigmoid, hard_sigmoid"),
        ({"average_pooling_type": "2d"}, "average_pooling_type is 2d: detlite rebuilds the pool over time and space"),
        ({"cusal": False}, r"movinet.cusal is not known; is causal meant\?"),
    ],
)
def test_a_movinet_that_there_is_not_is_refused_in_a_line(changes, message):
    with pytest.raises(InputError, match=message):
        parse_params(video_params({**MOVINET, **changes}, "movinet", "movinet"), "params.yaml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"feature_shape": [32, 32, 3]},
            r"train_data.feature_shape is \[32, 32, 3\]; want \[frames, height, width, 3\]",
        ),
        ({"feature_shape": [4, 32, 32, 1]}, r"want \[frames, height, width, 3\]"),
        ({"feature_shape": [4, 32, 48, 3]}, r"feature_shape is \[4, 32, 48, 3\]; want square frames"),
        ({"feature_shape": [0, 32, 32, 3]}, "want a list of integers above 0"),
        ({"feature_shape": [99999, 32, 32, 3]}, "of at most 4096 frames"),
        ({"temporal_stride": 0}, "temporal_stride is 0; want an integer from 1"),
        ({"num_classes": -1}, "num_classes is -1; want an integer from 2"),
        ({"output_audio": True}, "output_audio is True: detlite does not rebuild networks that hear"),
    ],
)
def test_a_clip_that_does_not_fit_is_refused_in_a_line(data, message):
    with pytest.raises(InputError, match=message):
        parse_params(video_params(RS, "resnet_3d_rs", **data), "params.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_id": 49}, "model_id is 49; want one of 50, 101, 152, 200"),
        ({"stem_type": "v2"}, "stem_type is v2; want one of v0, v1"),
        (
            {"block_specs": RS["block_specs"][:3]},
            "block_specs has temporal_kernel_sizes .* resnet_3d_rs of 50 layers",
        ),
        ({"block_specs": [3, 3, 3, 3]}, r"block_specs is \[3, 3, 3, 3\]; want a list of mappings"),
        ({"block_specs": [{"kernels": [3]}] * 4}, r"block_specs\[0\].kernels is not known"),
    ],
)
def test_a_3d_resnet_that_there_is_not_is_refused_in_a_line(changes, message):
    with pytest.raises(InputError, match=message):
        parse_params(video_params({**RS, **changes}, "resnet_3d_rs"), "params.yaml")


@pytest.mark.parametrize("model", [{"model_type": "movinet"}, {"backbone": {"movinet": {"model_id": "a0"}}}])
def test_a_file_without_its_experiment_says_what_it_lacks(model):
    values = {"task": {"model": model}}
    with pytest.raises(InputError, match=r"leaves out task.model.(activation|backbone), .* one of movinet_kinetics600"):
        parse_params(values, "mine.yaml")


@pytest.mark.parametrize(
    ("params", "taken"),
    [
        (video_params(RS, "resnet_3d_rs"), "clips of 4 frames of 32 x 32 pixels, stride 2"),
        (video_params(MOVINET, "movinet", "movinet"), "a stream of frames of 32 x 32 pixels, stride 2"),
        (
            video_params({**MOVINET, "causal": False}, "movinet", "movinet"),
            "clips of 4 frames of 32 x 32 pixels, stride 2",
        ),
    ],
)
def test_what_a_config_takes_is_said_in_words(params, taken):
    config = parse_params(params, "params.yaml")
    assert architecture_of(config).takes(config) == taken
