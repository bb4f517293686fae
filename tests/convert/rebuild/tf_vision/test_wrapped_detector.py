"""Quantization-aware RetinaNets of TF-Vision: all variables have their place, and int8 the trained ranges."""

import numpy as np
import pytest
import yaml
from builders.golden_models import write_object_checkpoint
from builders.wrapped_detector import EXPERIMENT, PARAMS, layout, wrapped_values, write_wrapped_detector

from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.graph.trim import INPUT
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.checkpoint_source import CheckpointSource
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

NAMES = ["retinanet_mobilenet", "retinanet_spinenet"]
LAST_CONV = "_backbone/layer_with_weights-18/"
"""Of MobileNet V2: what only a classifier runs."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Returns the folder of a detector, written once."""
    made = {}

    def folder(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            write_wrapped_detector(made[name], name)
        return made[name]

    return folder


def built(folder, *, quantized):
    source = CheckpointSource(folder / "params.yaml", folder / "ckpt-1", experiment=EXPERIMENT)
    return rebuild(*plan_of_checkpoint(source, quantized=quantized), DetectorOptions())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_int8_takes_every_variable_of_a_detector(folders, name):
    unused = built(folders(name), quantized=True).unused
    assert [one for one in (*unused.layers, *unused.ranges) if not one.startswith(LAST_CONV)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_float_takes_the_weights_alone(folders, name):
    unused = built(folders(name), quantized=False).unused
    assert [one for one in unused.layers if not one.startswith(LAST_CONV)] == []
    ranges = [key for key in layout(name) if key.endswith(("_min", "_max"))]
    assert len(unused.ranges) == len(ranges)


@pytest.mark.slow
def test_the_exporters_layout_gives_the_graph_of_the_trainers(folders, tmp_path):
    write_wrapped_detector(tmp_path, "retinanet_mobilenet", exported=True)
    graphs = [built(folder, quantized=True).graph for folder in (folders("retinanet_mobilenet"), tmp_path)]
    assert graphs[0].graph_def.SerializeToString(deterministic=True) == graphs[1].graph_def.SerializeToString(
        deterministic=True
    )


@pytest.mark.slow
def test_a_missing_range_of_the_pyramid_is_named(tmp_path):
    lost = "decoder/layer_with_weights-9/output_max"
    values = {key: value for key, value in wrapped_values("retinanet_mobilenet").items() if key != lost}
    write_object_checkpoint(tmp_path / "ckpt-1", values)
    (tmp_path / "params.yaml").write_text(PARAMS["retinanet_mobilenet"])
    with pytest.raises(InputError, match=r"1 of \d+ variables is missing: want model/_decoder/wrapper-9/output_max"):
        built(tmp_path, quantized=True)


@pytest.mark.slow
def test_a_checkpoint_with_other_levels_is_refused_by_the_shapes_that_differ(folders, tmp_path):
    (tmp_path / "params.yaml").write_text(MOBILENET.replace("max_level: 7", "max_level: 6"))
    source = CheckpointSource(
        tmp_path / "params.yaml", folders("retinanet_mobilenet") / "ckpt-1", experiment=EXPERIMENT
    )
    with pytest.raises(
        InputError, match=r"have another shape: .*want model/_decoder/[^ ]*kernel \(1, 1, 16, 1\), got \(1, 1, 32, 16\)"
    ):
        rebuild(*plan_of_checkpoint(source, quantized=True), DetectorOptions())


def config(text, *changes):
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return parse_params(yaml.safe_load(text), "params.yaml", EXPERIMENT)


MOBILENET, SPINENET = PARAMS["retinanet_mobilenet"], PARAMS["retinanet_spinenet"]
CANNOT = "which projects/qat of TF-Vision 2.20 itself cannot build with task.quantization"


@pytest.mark.parametrize(
    ("text", "change", "message"),
    [
        (SPINENET, ("swish", "hard_swish"), f"task.model.backbone is a backbone with HARD_SWISH, {CANNOT}"),
        (SPINENET, ("2d: true", "2d: false"), "a Mobile SpineNet without use_keras_upsampling_2d, which projects/qat"),
        (
            SPINENET,
            ("{type: spinenet_mobile, spinenet_mobile: {model_id: 49XS, use_keras_upsampling_2d: true}}", "{type: X}"),
            "is a SpineNet that is not mobile, which projects/qat",
        ),
        (
            MOBILENET,
            ("{type: mobilenet, mobilenet: {model_id: MobileNetV2, filter_size_scale: 0.35}}", "{type: Y}"),
            "is a ResNet of 18 layers, whose blocks have no bottleneck, which projects/qat",
        ),
        (
            SPINENET,
            ("{version", "{quantize_detection_decoder: true, version"),
            "is for fpn alone, and this is identity",
        ),
        (
            MOBILENET,
            ("activation: relu6", "activation: hard_swish"),
            "task.model.norm_activation: projects/qat cannot build it with task.quantization, because its FPN has "
            "HARD_SWISH between levels 6 and 7",
        ),
        (MOBILENET, ("use_keras_layer: true", "use_keras_layer: false"), "use_keras_layer: projects/qat cannot build"),
        (
            MOBILENET,
            ("num_filters: 16, use_separable_conv: true}\n\n", "num_filters: 16, use_separable_conv: false}\n\n"),
            "task.model.head.use_separable_conv: projects/qat cannot build it",
        ),
        (
            MOBILENET,
            ("version: v2", "version: v3"),
            "task.quantization.version is v3: detlite rebuilds what projects/qat",
        ),
    ],
)
def test_what_the_original_cannot_train_is_refused(text, change, message):
    kinds = {
        "{type: X}": "{type: spinenet, spinenet: {model_id: 49S}}",
        "{type: Y}": "{type: resnet, resnet: {model_id: 18}}",
    }
    with pytest.raises(InputError) as refused:
        config(text, (change[0], kinds.get(change[1], change[1])))
    assert message in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["decoder", "head"])
def test_a_part_that_was_trained_in_float_is_named(folders, tmp_path, part):
    text = MOBILENET.replace(f"quantize_detection_{part}: true", f"quantize_detection_{part}: false")
    (tmp_path / "params.yaml").write_text(text)
    source = CheckpointSource(
        tmp_path / "params.yaml", folders("retinanet_mobilenet") / "ckpt-1", experiment=EXPERIMENT
    )
    with pytest.raises(
        InputError, match=f"quantize_detection_{part} is false, so the checkpoint has no ranges for all"
    ):
        rebuild(*plan_of_checkpoint(source, quantized=True), DetectorOptions())


def test_boxes_are_clipped_in_the_op_but_where_tf_vision_leaves_them_to_its_own():
    server = config(MOBILENET)
    op = config(MOBILENET, ("anchor:", "detection_generator: {nms_version: tflite}\n    anchor:"))
    assert (server.nms.clips, op.nms.clips) == (True, False)


@pytest.fixture(scope="module")
def integers(folders, tmp_path_factory):
    """Returns the int8 artifact of a detector."""

    def made(name):
        folder = tmp_path_factory.mktemp("int8") / "model"
        given = Given(config=folders(name) / "params.yaml", checkpoint=folders(name) / "ckpt-1", experiment=EXPERIMENT)
        convert(to_record(ConvertRequest(given, folder, DetectorOptions(), weights="int8")), silent)
        return open_artifact(folder)

    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_int8_boxes_are_on_average_within_a_few_steps_of_fake_quantization(folders, integers, name):
    tf = load_tensorflow()
    artifact, graph = integers(name), built(folders(name), quantized=True).graph
    steps = np.random.default_rng(3).integers(-128, 128, (1, 128, 128, 3)).astype(np.int8)
    given, made = artifact.contract.image.quantization, artifact.contract.output("box_encodings").quantization
    with tf.Graph().as_default() as whole, tf.compat.v1.Session(graph=whole) as session:
        tf.compat.v1.import_graph_def(graph.graph_def, name="")
        image = (steps.astype(np.float32) - given.zero_point) * np.float32(given.scale)
        want = session.run(f"{graph.outputs['box_encodings']}:0", {f"{INPUT}:0": image})
    ran = Session(artifact)
    ran.invoke(steps)
    got = ran.heads()["box_encodings"]
    error = np.abs(got.reshape(want.shape) - want) / made.scale
    assert error.mean() < 6
    assert np.ptp(want) > 60 * made.scale


@pytest.mark.slow
def test_all_operators_of_an_int8_detector_are_integers_and_end_in_the_trained_ranges(integers):
    artifact = integers("retinanet_mobilenet")
    model = load(artifact.model.read_bytes(), "int8")
    subgraph = model.subgraphs[0]
    assert {tensor.type for tensor in subgraph.tensors} <= {2, 9}  # int32 and int8
    values = wrapped_values("retinanet_mobilenet")
    step = 2 * values["head/_box_regressor/conv/output_max"] / 255
    assert artifact.contract.output("box_encodings").quantization.scale == pytest.approx(step, rel=1e-5)
    sums = [
        float(subgraph.tensors[one.outputs[0]].quantization.scale[0])
        for one in subgraph.operators
        if operator_name(model, one) == "ADD"
    ]
    trained = [2 * values[f"decoder/layer_with_weights-{number}/output_max"] / 255 for number in (9, 14)]
    assert sums[-2:] == pytest.approx(trained, rel=1e-5)
