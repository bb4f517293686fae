"""A params.yaml says what to build, alone or over an experiment; what it lacks or gets wrong is told in a line."""

import pytest
from builders.tf_vision_models import classifier_params

from detlite.convert.rebuild.network.tf_vision_mobilenet import MobileNetBackbone
from detlite.convert.rebuild.tf_vision.experiments import EXPERIMENTS
from detlite.convert.rebuild.tf_vision.read import TASKS, parse_params, read_params
from detlite.convert.rebuild.tf_vision.yaml_file import read_yaml
from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.plugins import load_plugins


def test_a_whole_file_needs_no_experiment():
    config = parse_params(classifier_params(), "params.yaml")
    assert (config.columns, config.size, config.crop) == (11, (32, 48), 0.875)
    assert config.backbone.layers == 18
    assert config.backbone.norm.epsilon == 1e-5


def test_an_override_takes_the_other_values_from_its_experiment():
    values = {"task": {"model": {"num_classes": 7, "backbone": {"resnet": {"model_id": 101}}}}}
    config = parse_params(values, "mine.yaml", "resnet_rs_imagenet")
    assert (config.columns, config.size) == (7, (160, 160))
    assert (config.backbone.layers, config.backbone.stem, config.backbone.se_ratio) == (101, "v1", 0.25)
    assert config.backbone.norm.activation == "SWISH"


def test_another_backbone_of_an_override_does_not_keep_the_first_ones_values():
    values = {"task": {"model": {"backbone": {"type": "mobilenet", "mobilenet": {"filter_size_scale": 0.5}}}}}
    backbone = parse_params(values, "mine.yaml", "resnet_imagenet").backbone
    assert backbone == MobileNetBackbone(0.5, 1e-5)


def test_an_override_without_its_experiment_says_what_is_missing_and_which_experiments_there_are():
    values = {"task": {"model": {"num_classes": 7, "input_size": [64, 64, 3], "backbone": {"type": "resnet"}}}}
    wanted = (
        r"mine.yaml leaves out task.model.norm_activation.activation, task.model.norm_activation.norm_epsilon, "
        r"task.model.backbone.resnet.model_id, .* and 3 more, which its experiment sets: give --experiment, one of "
        r".*resnet_imagenet, resnet_rs_imagenet"
    )
    with pytest.raises(InputError, match=wanted):
        parse_params(values, "mine.yaml")


def test_an_experiment_that_is_none_is_refused():
    with pytest.raises(UnknownNameError, match=r"resnet_imagnet.*resnet_imagenet"):
        read_params("any.yaml", "resnet_imagnet")


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_each_experiment_is_of_one_task(name):
    readers = load_plugins(TASKS).values()
    assert sum(reader.recognizes(EXPERIMENTS[name]["model"]) for reader in readers) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropout": 0.1}, r"params.yaml: task.model.dropout is not known; is dropout_rate meant\?"),
        ({"num_classes": 1}, "task.model.num_classes is 1; want an integer from 2 to 100000"),
        ({"num_classes": True}, "task.model.num_classes is True; want an integer"),
        ({"input_size": [32, 32]}, r"task.model.input_size is \[32, 32\]; want \[height, width, 3\]"),
        ({"input_size": [32, 32, 1]}, r"want \[height, width, 3\]"),
        (
            {"add_head_batch_norm": True},
            "add_head_batch_norm is True: detlite does not rebuild a head with a batch norm",
        ),
        ({"backbone": {"type": "revnet", "revnet": {}}}, "backbone is revnet, which detlite does not rebuild"),
        ({"backbone": "resnet"}, "task.model.backbone is resnet; want a mapping"),
        ({"norm_activation": {"activation": "mish", "norm_epsilon": 1e-3}}, "activation is mish; want one of relu"),
        ({"norm_activation": {"activation": "relu", "norm_epsilon": "small"}}, "norm_epsilon is small; want a number"),
        (
            {"backbone": {"type": "resnet", "resnet": {"depth_multiplier": 0.01}}},
            "depth_multiplier is 0.01; want a number from 0.03125 to 16",
        ),
        ({"backbone": {"type": "vit", "vit": {"model_name": "vit-b0"}}}, "model_name is vit-b0; want vit-ti16"),
        ({"model_type": "audio"}, "is of no task that detlite rebuilds"),
    ],
)
def test_what_a_model_cannot_have_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        parse_params(classifier_params(**changes), "params.yaml")


def test_a_retinanet_without_aspect_ratios_is_refused():
    values = {"task": {"model": {"anchor": {"aspect_ratios": []}}}}
    with pytest.raises(InputError, match=r"task.model.anchor.aspect_ratios is empty; want one number or more"):
        parse_params(values, "params.yaml", "retinanet_mobile_coco")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": {"resnett": {"model_id": 101}}}, r"task.model.backbone.resnett is not known; is resnet meant\?"),
        ({"decoder": {"fnp": {}}}, r"task.model.decoder.fnp is not known; is fpn meant\?"),
    ],
)
def test_a_misspelt_alternative_is_refused_where_an_experiment_has_the_right_one(changes, message):
    with pytest.raises(InputError, match=message):
        parse_params({"task": {"model": changes}}, "mine.yaml", "retinanet_resnetfpn_coco")


def test_an_alternative_that_is_not_chosen_plays_no_part():
    changes = {"backbone": {"type": "mobilenet", "mobilenet": {}, "vit": {"model_name": "vit-b16"}}}
    config = parse_params({"task": {"model": changes}}, "mine.yaml", "retinanet_resnetfpn_coco")
    assert config.backbone == MobileNetBackbone(1.0, 1e-3)


def suppression(**generator):
    values = {"task": {"model": {"detection_generator": generator}}}
    nms = parse_params(values, "mine.yaml", "retinanet_mobile_coco").nms
    return nms.score_threshold, nms.iou_threshold, nms.max_detections


def test_the_suppression_of_a_retinanet_is_the_servers_whatever_computes_it():
    for version in ("v1", "v2", "v3", "batched"):
        assert suppression(nms_version=version, nms_iou_threshold=0.6) == (0.05, 0.6, 100)


def test_nms_version_tflite_takes_the_thresholds_of_the_op():
    op = {"nms_score_threshold": 0.2, "nms_iou_threshold": 0.4, "max_detections": 25}
    assert suppression(nms_version="tflite") == (0.1, 0.5, 200)
    assert suppression(nms_version="tflite", tflite_post_processing=op) == (0.2, 0.4, 25)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("nms_version", "v9", "is v9; want one of v1, v2, v3, batched, tflite"),
        ("pre_nms_top_k", 1000, "is 1000: detlite suppresses all boxes over .*; want 5000 or more"),
        ("tflite_post_processing", {"omit_nms": True}, ".omit_nms is True: detlite suppresses boxes"),
        ("tflite_post_processing", {"y_scale": 10.0}, ".y_scale is 10.0: detlite rebuilds RetinaNets"),
        ("tflite_post_processing", {"max_detection": 3}, r".max_detection is not known; is max_detections meant\?"),
        ("use_class_agnostic_nms", True, "is True: detlite suppresses the boxes of each class by themselves"),
        ("soft_nms_sigma", 0.5, "is 0.5: detlite has no soft suppression"),
    ],
)
def test_another_suppression_of_a_retinanet_is_refused(name, value, message):
    values = {"task": {"model": {"detection_generator": {name: value}}}}
    with pytest.raises(InputError, match=f"task.model.detection_generator.{name} ?{message}"):
        parse_params(values, "params.yaml", "retinanet_mobile_coco")


def test_a_key_beside_task_is_refused():
    with pytest.raises(InputError, match=r"params.yaml: tasks is not known; is task meant\?"):
        parse_params({**classifier_params(), "tasks": {}}, "params.yaml")


def test_quantization_aware_training_of_a_two_stage_detector_is_refused():
    values = {"task": {"model": {}, "quantization": {"change_num_bits": False}}}
    message = "for image classification, RetinaNet detection, semantic segmentation alone, not for two-stage detection"
    with pytest.raises(InputError, match=message):
        parse_params(values, "params.yaml", "maskrcnn_resnetfpn_coco")


def test_an_experiment_of_quantization_aware_training_trains_the_backbone_alone():
    config = parse_params({}, "params.yaml", "retinanet_mobile_coco_qat")
    assert (config.has_ranges, config.part_without_ranges) == (True, "task.quantization.quantize_detection_head")


def read(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return read_yaml(path)


def test_the_tag_of_a_tuple_is_read_and_a_number_may_lack_its_point(tmp_path):
    assert read(tmp_path, "a: !!python/tuple\n- 1\n- 2\nb: 1e-5\nc: -2E3") == {"a": [1, 2], "b": 1e-5, "c": -2000.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/object/apply:os.system ['echo']", "could not determine a constructor for the tag"),
        ("a: !!python/name:os.system", "could not determine a constructor for the tag"),
        ("a: 1\na: 2", "the key a occurs twice"),
        ("a: [1", "is not YAML that detlite reads"),
        ("a: !!map [1, 2]", "is not YAML that detlite reads: TypeError"),
        ("a: !!bool abc", "is not YAML that detlite reads: KeyError: 'abc'"),
        ("a: !!int ''", "is not YAML that detlite reads: IndexError"),
        ("a: !!timestamp abc", "is not YAML that detlite reads: AttributeError"),
        ("- 1\n- 2", "want a mapping with the keys task, trainer and runtime"),
        ("1: 2", "the key 1 is not a name"),
        ("a: " + "[" * 30 + "]" * 30, "is too large or too deep"),
        ("a: " + "[" * 20_000, "is too large or too deep"),
        ("a: &a [x]\nb: &b [" + "*a, " * 400 + "]\nc: [" + "*b, " * 400 + "]", "is too large or too deep"),
        ("", "want a mapping with the keys"),
    ],
)
def test_what_is_no_plain_mapping_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as a YAML file"):
        read_yaml(tmp_path / "params.yaml")
