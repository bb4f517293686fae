"""The configs of two-stage detectors for each data set of the published zoo are read, with what sets them apart."""

import pytest
from builders.public_two_stage_configs import CONFIGS

from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn
from detlite.convert.rebuild.odapi.config.read import parse_pipeline


def read(name) -> FasterRcnn:
    pipeline = parse_pipeline(CONFIGS[name], f"{name}.config")
    assert pipeline.skipped == ()
    assert isinstance(pipeline.model, FasterRcnn)
    return pipeline.model


@pytest.mark.parametrize("name", CONFIGS)
def test_every_field_is_known(name):
    assert read(name).classes > 1


def test_kitti_has_two_classes_and_wide_images():
    model = read("faster_rcnn_resnet101_kitti")
    assert (model.classes, model.resizer.height, model.resizer.width) == (2, 600, 1987)
    assert model.first_stage.max_proposals == 100


def test_open_images_has_601_classes_and_dilated_proposals():
    model = read("faster_rcnn_inception_resnet_v2_atrous_oid_v4")
    assert (model.classes, model.stride, model.first_stage.atrous_rate) == (601, 8, 2)
    assert (model.crop_size, model.pool_kernel, model.pool_stride) == (17, 1, 1)


def test_inaturalist_has_2854_classes_and_five_detections():
    model = read("faster_rcnn_resnet50_fgvc")
    assert (model.classes, model.first_stage.max_proposals) == (2854, 32)
    assert model.post_processing.max_total_detections == 5


def test_ava_has_classes_that_do_not_exclude_each_other():
    assert read("faster_rcnn_resnet101_ava_v2.1").post_processing.score_converter == "SIGMOID"


def test_serengeti_has_one_box_for_all_classes_in_square_images():
    model = read("faster_rcnn_resnet101_snapshot_serengeti")
    assert (model.share_box, model.resizer.height, model.resizer.width) == (True, 640, 640)


def test_low_proposals_are_few():
    assert read("faster_rcnn_resnet50_lowproposals_coco").first_stage.max_proposals == 50


def test_mask_rcnns_have_their_heads():
    inception, resnet = (read(f"mask_rcnn_{name}_coco").masks for name in ("inception_v2", "resnet101_atrous"))
    assert inception is not None
    assert resnet is not None
    assert (inception.height, inception.layers, inception.depth) == (15, 2, 0)
    assert (resnet.height, resnet.layers) == (33, 4)
