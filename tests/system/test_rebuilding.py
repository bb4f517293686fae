"""`detlite convert` of a config with its checkpoint, and of families that nobody trained, as users run it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from builders.small_checkpoint import write_checkpoint


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with `small_checkpoint`'s config and a checkpoint that fits it."""
    folder = tmp_path_factory.mktemp("trained")
    write_checkpoint(folder, "model.ckpt-7")
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of that, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "trained"))


def convert(detlite, folder, *more):
    return detlite(
        "convert", "--config", folder / "pipeline.config", "--checkpoint", folder / "model.ckpt-7", "-o", "out", *more
    )


def refused(detlite, ran, text):
    assert ran.status == 2, ran.err
    (line,) = [line for line in ran.err.splitlines() if not line.startswith(("step", "reading", "TFLite"))]
    assert text in line
    assert not (detlite.folder / "out").exists()


def test_a_checkpoint_becomes_an_artifact_that_detects(detlite, folder):
    ran = convert(detlite, folder)
    assert ran.status == 0, ran.err
    assert "out: raw heads, float32, 72 anchors, 3 classes" in ran.out
    measured = detlite("measure", "out", "--samples", 5, "--min-seconds", 0, "--json")
    assert measured.status == 0, measured.err


def without_latency(record):
    """Return the *record* of a run less what differs if its latency was INVALID, and is measured again."""
    return {key: value for key, value in record.items() if not key.startswith(("latency", "verdict", "cautions"))}


@pytest.mark.slow
def test_a_checkpoint_is_run_with_one_command_and_again_by_its_job(detlite, folder, made):
    words = ("--config", folder / "pipeline.config", "--checkpoint", folder / "model.ckpt-7", "--method", "nearest")
    images = ("--images", made / "photos", "--calibrate", made / "photos", "--count", 2)
    ran = detlite("run", *words, *images, "-o", "run", "--save-job", "job.toml", "--json")
    record = json.loads(ran.out)
    assert ran.status == (0 if record["passed"] else 1), ran.err
    assert (record["parity"]["passed"], record["unrepaired"], record["images"]) == (True, None, 6)
    assert any("2 of the scored images were calibrated with" in text for text in record["cautions"])
    history = json.loads((detlite.folder / "run/int8/history.json").read_text())
    assert '"nearest"' in json.dumps(history)
    again = detlite("run", "job.toml", "--json")
    kept = "already done and kept: convert, quantize, deploy, audit, parity, "
    if any("INVALID" in text for text in record["cautions"]):  # on a busy machine: it is measured again
        assert without_latency(json.loads(again.out)) == without_latency(record)
        assert f"{kept}score" in again.err
    else:
        assert json.loads(again.out) == record
        assert f"{kept}latency, score" in again.err


@pytest.mark.slow
def test_an_artifact_is_run_in_another_scheme(detlite, made):
    ran = detlite("run", made / "float", "--scheme", "float16", "--images", made / "photos", "-o", "run", "--json")
    record = json.loads(ran.out)
    assert (record["parity"], record["unrepaired"], record["images"]) == (None, None, 6)
    assert set(record["artifacts"]) == {"float32", "float16", "float16_postprocess"}
    assert record["passed"]


@pytest.mark.slow
def test_the_same_checkpoint_gives_the_same_bytes(detlite, folder):
    assert convert(detlite, folder).status == 0
    first = (detlite.folder / "out" / "model.tflite").read_bytes()
    assert convert(detlite, folder, "--force").status == 0
    assert (detlite.folder / "out" / "model.tflite").read_bytes() == first


@pytest.mark.slow
def test_a_folder_with_both_is_its_checkpoint(detlite, folder):
    assert detlite("convert", folder, "-o", "out").status == 0
    facts = json.loads(detlite("inspect", folder, "--json").out)
    assert (facts["anchors"], facts["classes"]) == (72, 3)


@pytest.mark.slow
def test_the_op_in_the_model_is_set_as_the_original_exporter_sets_it(detlite, folder):
    assert convert(detlite, folder, "--heads", "postprocess").status == 0
    nms = json.loads((detlite.folder / "out" / "contract.json").read_text())["nms"]
    assert (nms["kind"], nms["max_detections"], nms["score_threshold"]) == ("fast", 10, 1e-8)


@pytest.mark.slow
def test_the_op_in_the_model_can_be_set_otherwise(detlite, folder):
    assert convert(detlite, folder, "--heads", "postprocess", "--nms", "regular", "--max-detections", 7).status == 0
    nms = json.loads((detlite.folder / "out" / "contract.json").read_text())["nms"]
    assert (nms["kind"], nms["max_detections"]) == ("regular", 7)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("ssd_mobilenet_v1", "ssd_mobilenet_v9", "line 10: no feature extractor is called 'ssd_mobilenet_v9'"),
        ("num_classes: 3", "num_classes: 5", "have 4 columns; num_classes in the config requires 6"),
        ("depth_multiplier: 0.25", "depth_multiplier: 0.5", "another depth_multiplier?"),
        ("'ssd_mobilenet_v1'", "'ssd_mobilenet_v2'", "trained with MobilenetV1; the config asks for MobilenetV2"),
        ("height: 64 width: 64", "height: 20 width: 20", "images of 20 x 20 pixels; ssd_mobilenet_v1 needs at least"),
        ("num_layers: 6 min", "num_layers: 5 min", "for 5 feature maps, but the feature extractor has 6"),
        ("  ssd {", "  faster_rcnn {", "faster_rcnn"),
        ("SIGMOID", "SIGMOID logit_scale: 0", "logit_scale"),
    ],
)
def test_a_config_that_does_not_fit_is_an_input_error(folder, before, after, text):
    from detlite.convert.load import load_rebuilt
    from detlite.convert.options import DetectorOptions
    from detlite.convert.source import recognize
    from detlite.runtime.errors import InputError

    config = folder / "pipeline.config"
    config.write_text(config.read_text().replace(before, after))
    with pytest.raises(InputError, match=re.escape(text)):
        load_rebuilt(recognize(folder), DetectorOptions())


def test_a_config_that_does_not_fit_is_one_line(detlite, folder):
    config = folder / "pipeline.config"
    config.write_text(config.read_text().replace("num_classes: 3", "num_classes: 5"))
    refused(detlite, convert(detlite, folder), "num_classes in the config requires 6")


@pytest.mark.slow
def test_a_label_map_with_other_classes_is_one_line(detlite, folder):
    labels = detlite.folder / "labels.txt"
    labels.write_text("cat\ndog\n")
    refused(detlite, convert(detlite, folder, "--labels", labels), "2 labels and the model 3 classes")


def test_a_checkpoint_without_its_data_is_one_line(detlite, folder):
    (folder / "model.ckpt-7.data-00000-of-00001").unlink()
    refused(detlite, convert(detlite, folder), "model.ckpt-7.data-00000-of-00001")


def test_a_damaged_index_is_one_line(detlite, folder):
    index = folder / "model.ckpt-7.index"
    index.write_bytes(index.read_bytes()[:-100])
    refused(detlite, convert(detlite, folder), "model.ckpt-7")


def test_ranges_that_nobody_trained_are_not_invented(detlite, folder):
    refused(detlite, convert(detlite, folder, "--type", "int8"), "has no graph_rewriter")


def test_a_graph_has_no_trained_ranges(made, detlite):
    refused(detlite, detlite("convert", made / "source", "-o", "out", "--type", "int8"), "use `detlite quantize`")


@pytest.mark.slow
def test_a_family_can_be_measured_before_anyone_trains_it_and_is_never_scored(detlite):
    ran = detlite(
        "convert", "--family", "ssdlite_mobilenet_v2", "--input", 64, "--classes", 2, "--random-weights", 0, "-o", "out"
    )
    assert ran.status == 0, ran.err
    history = json.loads((detlite.folder / "out" / "history.json").read_text())["steps"]
    assert history[0]["random_weights"] == 0
    scored = detlite("evaluate", "out", "--coco", "images", "annotations.json")
    assert scored.status == 2
    assert "has random weights, according to its history" in scored.err


def test_an_unknown_family_says_which_is_near(detlite):
    ran = detlite("convert", "--family", "ssdlite_mobiledet_edgetp", "--random-weights", 0, "-o", "out")
    refused(detlite, ran, "did you mean 'ssdlite_mobiledet_edgetpu'?")
