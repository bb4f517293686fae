"""Images that a network of TF-Vision cannot take are refused in a line, before TensorFlow says that shapes differ."""

import pytest

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.tf_vision.read import parse_params
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.runtime.errors import InputError


def refused(experiment, model, message, **options):
    config = parse_params({"task": {"model": model}}, "params.yaml", experiment)
    with pytest.raises(InputError, match=message):
        rebuild(RebuildPlan(config, "params.yaml", random_seed=0), RandomWeights(0), DetectorOptions(**options))


@pytest.mark.parametrize("most", [0, -1])
def test_a_number_of_proposals_below_1_is_refused(most):
    from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn

    plan = RebuildPlan(FasterRcnn(3, "faster_rcnn_resnet50"), "p.config", random_seed=0)
    with pytest.raises(InputError, match=f"--max-proposals is {most}: want 1 or more"):
        rebuild(plan, RandomWeights(0), DetectorOptions(max_proposals=most))


def test_a_network_without_proposals_takes_no_number_of_them():
    message = r"--max-proposals is for two-stage detectors, not for image classifier \(TF-Vision\): leave it out"
    refused("mobilenet_imagenet", {}, message, max_proposals=5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "cells"), [("spinenet", "49S", "4 x 4 and 7 x 7"), ("spinenet_mobile", "49XS", "0 x 0 and 7 x 7")]
)
def test_a_spinenet_names_the_sides_that_it_needs(kind, name, cells):
    model = {"backbone": {"type": kind, kind: {"model_id": name}}}
    refused("mobilenet_imagenet", model, f"cannot add maps of {cells} cells: give --input .* multiples of 128")


@pytest.mark.slow
@pytest.mark.parametrize("experiment", ["retinanet_mobile_coco", "maskrcnn_resnetfpn_coco"])
def test_a_detector_names_the_sides_that_its_levels_need(experiment):
    level, multiple = (7, 128) if experiment == "retinanet_mobile_coco" else (6, 64)
    message = f"images of 200 x 256 pixels; level {level} needs sides that are multiples of {multiple}: give --input"
    refused(experiment, {}, message, input_size=(200, 256))


@pytest.mark.slow
def test_a_transformer_needs_an_image_of_one_patch():
    message = "an image of 8 x 20 pixels is smaller than a patch of 16 x 16"
    refused("vit_imagenet_pretrain", {"backbone": {"vit": {"model_name": "vit-ti16"}}}, message, input_size=(8, 20))


@pytest.mark.slow
@pytest.mark.parametrize(("side", "cells"), [(8, 0), (512, 32)])
def test_a_pool_fits_into_its_map(side, cells):
    message = rf"pool_kernel_size \({side}, {side}\) is {cells} x {cells} cells of a map of 8 x 8"
    model = {"decoder": {"aspp": {"pool_kernel_size": [side, side]}}}
    refused("mnv2_deeplabv3_pascal", model, message, input_size=(128, 128))
