"""What a pipeline.config beside a frozen graph says of it."""

import pytest
from builders.written_configs import SSD

from detlite.convert.sidecar_files import Hints, read_hints
from detlite.runtime.errors import InputError


def hints_of(folder, config: str) -> Hints:
    (folder / "pipeline.config").write_text(config)
    return read_hints(folder)


def test_classes_size_and_threshold_are_read(tmp_path):
    hints = hints_of(tmp_path, SSD.replace("score_threshold: 1e-8", "iou_threshold: 0.55"))
    assert (hints.classes, hints.input_size, hints.iou_threshold) == (3, (96, 128), 0.55)


def test_the_threshold_that_is_not_set_is_the_protos(tmp_path):
    assert hints_of(tmp_path, SSD).iou_threshold == 0.6


def test_what_the_config_says_of_suppression_is_kept_in_words(tmp_path):
    assert hints_of(tmp_path, SSD).nms_said == "pipeline.config says score_threshold 1e-08"


def test_a_resizer_without_fixed_shape_says_no_size(tmp_path):
    config = SSD.replace("fixed_shape_resizer { height: 96 width: 128 }", "keep_aspect_ratio_resizer { }")
    assert hints_of(tmp_path, config).input_size is None


@pytest.mark.parametrize("background", ["???", "background", "Background"])
def test_a_label_of_the_background_before_those_of_the_classes_is_left_out(tmp_path, background):
    (tmp_path / "labels.txt").write_text(f"{background}\ncat\ndog\n")
    assert read_hints(tmp_path).labels(2, None, {}) == ("cat", "dog")


def test_a_label_too_many_that_is_not_the_backgrounds_is_refused(tmp_path):
    (tmp_path / "labels.txt").write_text("bird\ncat\ndog\n")
    with pytest.raises(InputError, match=r"labels.txt has 3 labels and the model 2 classes: give one for each"):
        read_hints(tmp_path).labels(2, None, {})


def test_a_folder_without_config_says_nothing(tmp_path):
    hints = read_hints(tmp_path)
    assert (hints.classes, hints.input_size, hints.iou_threshold) == (None, None, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("num_classes: 3", "num_classes: 3 mask_head_config { }"),
        ("kernel_size: 3", "box_code_size: 8"),
        ("batch_norm {", "group_norm {"),
        ("ssd_anchor_generator", "grid_anchor_generator"),
        ("score_threshold: 1e-8", "soft_nms_sigma: 0.5"),
        ('type: "ssd_mobilenet_v2"', ""),
    ],
)
def test_what_detlite_does_not_build_does_not_stop_a_graph_that_has_it(tmp_path, old, new):
    assert old in SSD
    assert hints_of(tmp_path, SSD.replace(old, new)).classes == 3


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ("model { ssd { num_classes: -1 } }", r"pipeline.config, line 1: num_classes is -1; want a whole number"),
        ("model { ssd { num_classes: inf } }", "line 1: num_classes is inf; want a whole number"),
        ("model { faster_rcnn { } }", r"is of faster_rcnn; want model \{ ssd"),
        ("train_config { }", r"is of no model; want model \{ ssd"),
        (SSD.replace("height: 96", "height: 'tall'"), "line 4: height is 'tall'; want a whole number"),
        (SSD.replace("score_threshold: 1e-8", "iou_threshold: 7"), "iou_threshold is 7; want a number from 0 up to 1"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_line(tmp_path, config, error):
    with pytest.raises(InputError, match=error):
        hints_of(tmp_path, config)


def test_a_config_that_is_no_text_is_named(tmp_path):
    (tmp_path / "pipeline.config").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="pipeline.config is not text: byte 0 is not UTF-8"):
        read_hints(tmp_path)
