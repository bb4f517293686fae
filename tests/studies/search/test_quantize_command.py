"""`detlite quantize`: what it writes, and what it says of input that will not do."""

import json
import re

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.said_steps import announces_every_step
from builders.tiny_tflite import tiny_int8_model

from detlite.cli import main
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.studies.search.child_calls import measure_curve
from detlite.studies.search.judged import JudgedRequest


@pytest.fixture
def work(tmp_path):
    """A folder with a float artifact `float` and the images `images`."""
    (tmp_path / "images").mkdir()
    write_images(tmp_path / "images", count=24)
    made = detector()
    made.save(tmp_path / "float")
    return tmp_path


@pytest.fixture
def quantize(work, capsys):
    """Run the command on `float`, writing `int8`; returns the exit status, stdout and stderr."""

    def run(*options, images="images", source="float"):
        arguments = ["quantize", str(work / source), "-o", str(work / "int8")]
        arguments += ["--images", str(work / images)] if images else []
        status = main([*arguments, *map(str, options)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def last(text):
    return text.strip().splitlines()[-1]


def test_an_artifact_with_a_range_file_is_written(quantize, work):
    status, out, err = quantize("--count", 8)
    assert (status, announces_every_step(err)) == (0, True)
    assert out.startswith(f"{work / 'int8'}: int8, 8 calibration images")
    assert (work / "int8" / "ranges.json").is_file()


def test_the_range_file_of_an_artifact_can_be_used_again(quantize, work):
    quantize("--count", 8)
    first = (work / "int8" / "model.tflite").read_bytes()
    (work / "ranges.json").write_bytes((work / "int8" / "ranges.json").read_bytes())
    assert quantize("--count", 8, "--ranges", work / "ranges.json", "--force")[0] == 0
    assert (work / "int8" / "model.tflite").read_bytes() == first


def test_a_gate_that_is_met_by_int8_alone_leaves_nothing_float(quantize):
    status, out, err = quantize("--count", 8, "--min-fidelity", 10)
    assert (status, announces_every_step(err)) == (0, True)
    assert "left float: nothing; int8 alone is good enough" in out
    assert out.endswith(", on 24 images, 8 of them calibration images\n")


def test_a_budget_says_what_each_float_operator_costs(quantize, work):
    status, out, _err = quantize("--count", 8, "--min-fidelity", 92)
    rows = [line.split() for line in out.splitlines()]
    assert (status, rows[0][:2]) == (0, ["left", "float:"])
    assert any(row[0] in ("first", "differences", "features") and len(row) == 9 for row in rows if row)
    assert "on an Edge TPU, predicted: " in out


def test_a_gate_that_cannot_be_met_fails_and_writes_nothing(quantize, work):
    status, _out, err = quantize("--count", 8, "--min-fidelity", 100)
    assert status == 1
    assert last(err).startswith("detlite: a fidelity of at least 100 % is out of reach: the best is fidelity ")
    assert "which promises at least " in last(err)
    assert not (work / "int8").exists()


def test_a_budget_says_what_it_was_judged_on_and_promises_the_lower_end(quantize):
    status, out, _err = quantize("--count", 8, "--min-fidelity", 5, "--json")
    record = json.loads(out)
    (reached,) = record["mixed"]["reached"]
    assert (status, reached["figure"], reached["wanted"]) == (0, "fidelity", 5)
    assert reached["low"] <= reached["value"] <= reached["high"]
    assert reached["promised"] == f"at least {reached['low']:.2f} %"
    assert record["mixed"]["margin"] == pytest.approx(reached["low"] - 5)
    assert record["scored_images"] > 8
    assert record["scored_calibration_images"] == 8  # there are fewer than 92 others


def test_calibration_images_that_serve_to_judge_are_said(quantize):
    _status, out, err = quantize("--count", 8, "--min-fidelity", 5)
    assert "8 of them calibration images: others are too few" in err
    assert "want at least 100, because scores on fewer depend on chance" in err
    assert "is promised" in out


def test_a_budget_is_judged_on_the_validation_images(quantize, work):
    (work / "validation").mkdir()
    write_images(work / "validation", count=5)
    status, out, _err = quantize("--count", 8, "--min-fidelity", 5, "--validation", work / "validation", "--json")
    record = json.loads(out)
    assert (status, record["scored_images"], record["scored_calibration_images"]) == (0, 13, 8)


def test_validation_images_are_no_calibration_images(quantize, work):
    status, _out, err = quantize("--count", 100, "--min-fidelity", 5, "--validation", work / "images")
    assert status == 2
    assert "has no image besides the calibration images: give others" in last(err)


def test_twin_channels_are_told_with_their_multiply_adds(quantize):
    status, out, _err = quantize("--count", 8, "--twin-channels", "auto", "--max-macs", "3")
    assert status == 0
    assert "twin channels: 3 tensors, 2." in out


def test_a_limit_of_multiply_adds_without_a_choice_is_refused(quantize):
    status, _out, err = quantize("--max-macs", "1.5")
    assert (status, last(err)) == (2, "detlite: --max-macs needs --twin-channels auto, which it limits")


def test_a_budget_for_an_edge_tpu_leaves_nothing_float(quantize, work):
    words = ("--count", 8, "--max-macs", "4", "--target", "edgetpu", "--json", "--force", "--max-error")
    plain = json.loads(quantize(*words, "logits=9")[1])["twins"]
    wanted = plain["reached"][0]["high"] * 0.999
    status, out, err = quantize(*words, f"logits={wanted}")
    record = json.loads(out)
    assert (plain["tensors"], plain["macs_ratio"]) == ([], 1)
    assert (status, announces_every_step(err)) == (0, True)
    assert "mixed" not in record
    assert record["twins"]["tensors"]
    assert record["twins"]["macs_ratio"] > 1
    assert record["history"][-1]["twin_channels"] == record["twins"]["tensors"]
    assert not any("float_operators" in step for step in record["history"])
    assert record["twins"]["reached"][0]["high"] <= wanted
    assert record["error"]["logits"]["rms"] == pytest.approx(record["twins"]["reached"][0]["value"], rel=1e-3)


def test_a_budget_that_no_twin_channels_reach_fails_and_writes_nothing(quantize, work):
    status, _out, err = quantize("--count", 8, "--min-fidelity", 100, "--twin-channels", "auto")
    assert status == 1
    assert re.search(
        r"with twin channels for 1\.\d\d times the multiply-adds, and at most 2 times are tried", last(err)
    )
    assert not (work / "int8").exists()


def test_an_error_budget_is_met_on_the_judged_images(quantize):
    status, out, _err = quantize("--count", 8, "--max-error", "logits=0.1", "--json")
    (reached,) = json.loads(out)["mixed"]["reached"]
    assert (status, reached["figure"], reached["wanted"]) == (0, "root mean square error of logits", 0.1)
    assert reached["high"] <= 0.1


def test_validation_images_without_anything_to_judge_are_refused(quantize, work):
    status, _out, err = quantize("--validation", work / "images")
    assert status == 2
    assert "--validation needs a budget, --explain or --curve" in last(err)


def test_an_explanation_is_written_and_its_verdict_said(quantize, work):
    status, out, err = quantize("--count", 8, "--explain", "--json")
    assert announces_every_step(err)
    assert status == 0
    record = json.loads(out)
    assert record["explanation"]["verdict"].startswith("The worst operator is DEPTHWISE_CONV_2D differences")
    assert record["scored_images_are_others"] is True
    assert (work / "int8" / "explanation.html").is_file()


def test_a_curve_gives_a_line_for_each_number_and_writes_no_model(quantize, work):
    status, out, _err = quantize("--curve", "2,8")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[1:3]] == ["2", "8"]
    assert not (work / "int8").exists()


def test_a_curve_of_a_two_stage_detector_is_of_its_fidelity(work, monkeypatch):
    monkeypatch.setattr("detlite.studies.search.child_calls.crops_regions", lambda _contract: True)
    images = tuple(sorted((work / "images").iterdir()))
    asked = JudgedRequest(work / "float", work / "int8", images=images[:8], held_out=images[8:], counts=(2, 8))
    found = measure_curve(to_record(asked), silent)
    assert [one["error"] for one in found["points"]] == [None, None]
    assert [one["choices"] for one in found["points"]] == [3, 1]
    assert all(50 < one["fidelity"] <= 100 for one in found["points"])


def test_a_curve_of_one_number_calls_nothing_enough(quantize):
    status, out, err = quantize("--curve", "2")
    assert announces_every_step(err)
    assert status == 0
    assert out.splitlines()[-1].endswith(": 2 alone cannot tell how many images are enough: try several numbers.")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ("--method", "bias_corection"),
            "no quantization method is called 'bias_corection'; did you mean 'bias_correction'",
        ),
        (("--estimator", "kl"), "no range estimator is called 'kl'; there are: "),
        (("--curve", "8,x"), "--curve '8,x': want numbers of images, such as 8,16,32,64"),
        (("--curve", "2,9999"), "--curve needs 9999 images, but there are "),
        (("--curve", "2,4", "--explain"), "--curve and --explain cannot be combined: use --explain when you write"),
        (("--curve", "2,4", "--min-fidelity", 90), "--curve and --min-fidelity cannot be combined"),
        (("--curve", "2,4", "--ranges", "ranges.json"), "--curve and --ranges cannot be combined"),
        (("--max-map-drop", 0.1), "--max-map-drop needs labels: give the images with --coco IMAGES ANNOTATIONS"),
        (("--max-error", "logits"), "--max-error 'logits': want an output and its most error, such as logits=0.1"),
        (("--max-error", "logits=nan"), "--max-error 'logits=nan': want an output and its most error"),
        (("--max-error", "masks=0.1"), "no output with an error is called 'masks'; there are: boxes, logits"),
        (("--max-error", "logits=1", "--max-error", "logits=2"), "--max-error names logits twice: give it once"),
        (
            ("--target", "edgetpu", "--min-fidelity", 9, "--explain"),
            "--target edgetpu, which means twin channels, and --explain cannot be combined",
        ),
        (("--curve", "2,4", "--max-error", "logits=1"), "--curve and --max-error cannot be combined"),
        (("--target", "edgetpu"), "--target says how to reach a budget: it needs --min-fidelity, --max-map-drop or"),
        (("--target", "edgetpu", "--min-fidelity", 9, "--float", "first"), "--target edgetpu runs no float operators"),
        (
            ("--target", "edgetpu", "--min-fidelity", 9, "--twin-channels", "none"),
            "--target edgetpu reaches a budget by twin channels alone: leave out --twin-channels none",
        ),
        (("--twin-channels", "all", "--min-fidelity", 9), "--twin-channels all leaves a budget nothing to choose"),
        (("--twin-channels", "auto", "--explain"), "--twin-channels and --explain cannot be combined"),
        (("--count", 0), "0 images are requested; at least 1 is needed"),
        (("--float", "EXP"), "no operator is called 'EXP'"),
        (("--method", "converter", "--explain"), "the method converter does everything itself"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_and_nothing_is_written(quantize, work, options, text):
    status, out, err = quantize(*options)
    assert status == 2
    assert text in last(err)
    assert out == ""
    assert not (work / "int8").exists()


def test_no_images_are_refused(quantize):
    status, _out, err = quantize(images=None)
    assert (status, last(err).startswith("detlite: give the images to calibrate with")) == (2, True)


def test_a_folder_without_images_is_refused(quantize, work):
    (work / "empty").mkdir()
    status, _out, err = quantize(images="empty")
    assert status == 2
    assert "empty holds no image" in last(err)


def test_an_image_of_another_depth_is_named(quantize, work):
    (work / "deep").mkdir()
    np.save(work / "deep" / "deep.npy", np.zeros((16, 16, 3), np.uint16))
    status, _out, err = quantize(images="deep")
    assert status == 2
    assert "deep.npy holds uint16 (16, 16, 3); want uint8 (height, width, 3), RGB" in last(err)


def test_a_model_that_is_quantized_already_is_refused(quantize, work):
    quantize("--count", 2, "--io", "float32")
    (work / "int8").rename(work / "once")
    status, _out, err = quantize("--count", 2, source="once")
    assert status == 2
    assert "the model is quantized already" in last(err)


def test_a_model_that_is_quantized_already_is_refused_before_images_are_chosen(tmp_path, capsys):
    (tmp_path / "int8.tflite").write_bytes(tiny_int8_model())
    words = ["quantize", str(tmp_path / "int8.tflite"), "-o", str(tmp_path / "x"), "--images", str(tmp_path / "none")]
    assert main(words) == 2
    assert last(capsys.readouterr().err).startswith("detlite: the model's input is int8 already")
