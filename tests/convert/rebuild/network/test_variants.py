"""Variants that share their code with what reference models prove: built and run once, with seeded weights."""

import numpy as np
import pytest
from builders.public_two_stage_configs import CONFIGS

from detlite.convert.graph.trim import INPUT
from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.odapi.config.read import parse_pipeline
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.weights.random import RandomWeights

pytestmark = pytest.mark.slow

PROPOSALS, DETECTIONS, JOINTS = 6, 4, ("left", "right", "nose")
HEADS = {"box_encodings": 4, "class_scores": 1, "keypoint_offsets": 2, "keypoint_regression": 6, "keypoint_scores": 3}

POSE = """\
model {{
  center_net {{
    num_classes: 1
    feature_extractor {{ type: "{kind}" }}
    image_resizer {{
      keep_aspect_ratio_resizer {{ min_dimension: 128 max_dimension: 128 pad_to_max_dimension: true }}
    }}
    object_detection_task {{ task_loss_weight: 1.0 localization_loss {{ l1_localization_loss {{ }} }} }}
    object_center_params {{ max_box_predictions: 20 }}
    keypoint_label_map_path: "joints.pbtxt"
    keypoint_estimation_task {{ task_name: "human_pose" keypoint_class_name: "person" }}
  }}
}}
"""


def run(text, folder, size, **options):
    """The facts of the network of a config, and its outputs for an image of noise, by role."""
    import tensorflow as tf

    plan = RebuildPlan(parse_pipeline(text, "p.config").model, "p.config", folder, random_seed=0)
    graph = rebuild(plan, RandomWeights(0), DetectorOptions(input_size=size, **options)).graph
    image = np.random.default_rng(0).uniform(-1, 1, (1, *size, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(graph.graph_def, name="")
        values = session.run([f"{head}:0" for head in graph.heads], {f"{INPUT}:0": image})
    return graph.facts, dict(zip(graph.outputs, values, strict=True))


@pytest.mark.parametrize(
    ("name", "parameters", "side"),
    [("mask_rcnn_inception_v2_coco", 15_884_221, 15), ("mask_rcnn_resnet101_atrous_coco", 54_286_757, 33)],
)
def test_a_mask_rcnn_has_a_mask_for_each_detection(name, parameters, side):
    nms = NmsOptions(max_detections=DETECTIONS)
    facts, outputs = run(CONFIGS[name], None, (97, 129), max_proposals=PROPOSALS, nms=nms)
    assert facts["parameters"] == parameters
    assert outputs["masks"].shape == (1, DETECTIONS, side, side)
    assert 0 <= outputs["count"][0] <= DETECTIONS
    assert ((outputs["masks"] >= 0) & (outputs["masks"] <= 1)).all()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("mobilenet_v2_fpn", 2_650_000), ("resnet_v2_50", 30_200_000), ("hourglass_10", 1_250_000)],
)
def test_keypoints_have_heads_on_every_backbone(kind, parameters, tmp_path):
    joints = "".join(f'keypoints {{ id: {number} label: "{name}" }} ' for number, name in enumerate(JOINTS))
    (tmp_path / "joints.pbtxt").write_text(f'item {{ id: 1 name: "person" {joints} }}\n')
    facts, outputs = run(POSE.format(kind=kind), tmp_path, (128, 128))
    assert parameters < facts["parameters"] < 1.05 * parameters
    assert {role: value.shape for role, value in outputs.items()} == {
        role: (1, 1024, width) for role, width in HEADS.items()
    }
    assert all(np.isfinite(value).all() for value in outputs.values())


def test_inaturalist_keeps_a_box_for_each_of_its_2854_classes():
    facts, outputs = run(CONFIGS["faster_rcnn_resnet50_fgvc"], None, (97, 129), max_proposals=PROPOSALS)
    assert outputs["box_encodings"].shape == (1, PROPOSALS, 2854, 4)
    assert outputs["class_scores"].sum(axis=2) == pytest.approx(np.ones((1, PROPOSALS)), abs=1e-4)
    assert facts["parameters"] == 57_505_351


def test_classes_of_ava_do_not_exclude_each_other():
    _facts, outputs = run(CONFIGS["faster_rcnn_resnet101_ava_v2.1"], None, (97, 129), max_proposals=PROPOSALS)
    assert (outputs["class_scores"].sum(axis=2) > 1.5).any()
