"""Mask and Cascade R-CNN: a small one from a params.yaml, and the original's heads on the original's proposals."""

from __future__ import annotations

import numpy as np
import pytest
from builders.asked_weights import AskedWeights
from builders.tf_vision_models import GOLDENS, MemoryWeights, TfVisionGolden

from detlite.convert.graph.trim import INPUT
from detlite.convert.load import load_rebuilt
from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.architectures.tf_vision_mask_rcnn import PLUGIN
from detlite.convert.rebuild.checkpoint_source import CheckpointSource
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.tf_vision.image import PADDED, image_input
from detlite.convert.rebuild.tf_vision.read import parse_params, read_params
from detlite.convert.source import source_of_checkpoint
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError
from detlite.runtime.image.preprocess import preprocess

SMALL = {
    "num_classes": 4,
    "input_size": [64, 64, 3],
    "min_level": 2,
    "max_level": 6,
    "backbone": {"type": "resnet", "resnet": {"model_id": 10, "depth_multiplier": 0.125}},
    "decoder": {"type": "fpn", "fpn": {"num_filters": 8}},
    "rpn_head": {"num_filters": 8},
    "detection_head": {"num_convs": 1, "num_filters": 8, "fc_dims": 8},
    "mask_head": {"num_convs": 1, "num_filters": 8},
    "roi_generator": {"test_num_proposals": 20},
    "detection_generator": {"max_num_detections": 10},
}


def config(experiment="maskrcnn_resnetfpn_coco", **changes):
    return parse_params({"task": {"model": {**SMALL, **changes}}}, "params.yaml", experiment)


def built(model, **options):
    return rebuild(RebuildPlan(model, "params.yaml"), AskedWeights(), DetectorOptions(**options)).graph


def test_an_experiment_has_its_own_levels_anchors_and_epsilon():
    model = parse_params({"task": {"model": {}}}, "params.yaml", "maskrcnn_resnetfpn_coco")
    assert (model.size, model.levels, model.classes) == ((1024, 1024), (2, 6), 90)
    assert (model.regions.anchors.size, model.regions.anchors.per_cell, model.norm.epsilon) == (8.0, 3, 1e-4)
    assert model.regions.masks.side == 28


def test_a_cascade_has_one_head_more_than_thresholds():
    assert config().regions.head.stages == 1
    cascade = parse_params({"task": {"model": {}}}, "params.yaml", "cascadercnn_spinenet_coco").regions.head
    assert (cascade.stages, cascade.averaged, cascade.agnostic) == (3, True, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roi_sampler": {"cascade_iou_thresholds": [0.6]}}, "class_agnostic_bbox_pred is False: .* share a box"),
        ({"roi_sampler": {"cascade_iou_thresholds": [0.5, 0.6, 0.7]}}, "makes 4 heads; want at most 3"),
        ({"roi_aligner": {"sample_offset": 0.25}}, "sample_offset is 0.25: detlite samples the middle"),
        ({"detection_generator": {"pre_nms_top_k": 10}}, "pre_nms_top_k is 10: .* all 20 proposals"),
        ({"detection_generator": {"nms_version": "tflite"}}, "nms_version is tflite; want one of v1, v2"),
        ({"outer_boxes_scale": 1.2}, "outer_boxes_scale is 1.2: detlite takes masks of the boxes themselves"),
        ({"mask_heads": {}}, r"task.model.mask_heads is not known; is mask_head meant\?"),
    ],
)
def test_what_a_two_stage_detector_cannot_have_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        config(**changes)


def test_the_contract_of_a_mask_rcnn_has_detections_of_the_network_and_their_masks():
    graph = built(config(), nms=NmsOptions(score_threshold=0.3))
    shapes = {output.role: output.shape for output in graph.contract.outputs}
    assert shapes == {
        "boxes": (1, 10, 4),
        "classes": (1, 10),
        "scores": (1, 10),
        "count": (1,),
        "masks": (1, 10, 28, 28),
    }
    assert graph.contract.task.detection.nms.place == "model"
    assert graph.contract.task.detection.nms.score_threshold == 0.3
    assert len(graph.contract.labels) == 3


def test_levels_with_few_boxes_limit_the_detections_of_the_contract_as_they_limit_the_networks():
    few = config(roi_generator={"test_pre_nms_top_k": 5}, detection_generator={})
    graph = built(few)  # 4 levels of 5 candidates and one of 3 boxes propose 23, in each of 3 classes
    assert graph.contract.output("boxes").shape == (1, 69, 4)
    assert "for the masks of 69 detections" in graph.facts["macs_by_stage"]


def test_without_masks_there_are_no_masks_and_none_of_their_variables():
    graph = built(config(include_mask=False))
    assert [output.role for output in graph.contract.outputs] == ["boxes", "classes", "scores", "count"]


def test_fewer_proposals_are_looked_at_where_the_user_says_so():
    graph = built(config(), max_proposals=5)
    assert "for 5 proposals" in graph.facts["macs_by_stage"]


def test_logits_are_refused():
    with pytest.raises(InputError, match="needs its scores to find its boxes: leave out --scores logits"):
        built(config(), logits=True)


@pytest.mark.data
def test_tflite_is_refused_with_the_reason(shared_data, tmp_path):
    config_file = tmp_path / "params.yaml"
    config_file.write_text("task: {model: {}}")
    checkpoint = GOLDENS / "trainer_sample_resnet10_ema" / "ckpt-0"  # it is not looked into
    trained = CheckpointSource(config_file, checkpoint, experiment="maskrcnn_resnetfpn_coco")
    with pytest.raises(InputError, match="TFLite's post-processing op knows neither regions nor masks: give --to onnx"):
        load_rebuilt(source_of_checkpoint(trained, tmp_path), DetectorOptions(), to="tflite")


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["maskrcnn_resnet50fpn", "cascadercnn_spinenet49"])
def test_the_heads_say_what_the_original_does_of_its_proposals(name, shared_data):
    reference = TfVisionGolden(name)
    arrays, weights = reference.arrays, MemoryWeights(reference.values())
    rows = arrays["head_rows"][::5]
    model = PLUGIN.limited(read_params(reference.config), len(rows))
    network = PLUGIN.build(RebuildPlan(model, "params.yaml"), weights, reference.size)
    assert not weights.unused - {"save_counter"}
    assert network.parameters == reference.meta["params_trainable"]
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(network.graph_def, name="")
        fed = {
            f"{INPUT}:0": preprocess(reference.picture, image_input(reference.size, letterbox=PADDED)),
            "proposals/kept:0": (arrays["rois"] / (reference.size * 2))[rows].astype(np.float32),
        }
        logits = session.run("detections/logits:0", fed)
    np.testing.assert_allclose(logits[0], arrays["cls_outputs"][::5], atol=1e-4)
