"""The commands, end to end, on a tiny detector."""

import json
import shutil

import pytest
from builders.model_files import write_archive, write_frozen
from builders.said_steps import announces_every_step

ARTIFACT = ["contract.json", "history.json", "labels.txt", "model.tflite"]
QUANTIZED = [*ARTIFACT, "ranges.json"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def one_line(ran, text):
    assert ran.status == 2, ran.err
    last = ran.err.strip().splitlines()[-1]
    assert text in last
    assert "Traceback" not in ran.err
    assert ran.out == ""
    return True


def test_an_artifact_has_its_four_files_and_an_int8_one_its_ranges(made):
    assert names(made / "float") == ARTIFACT
    assert names(made / "int8") == QUANTIZED


@pytest.mark.slow
def test_converting_twice_gives_the_same_bytes(detlite, made):
    assert detlite("convert", made / "source", "-o", "again").status == 0
    for name in ARTIFACT:
        assert (detlite.folder / "again" / name).read_bytes() == (made / "float" / name).read_bytes()


def test_quantizing_twice_gives_the_same_bytes(detlite, made):
    assert detlite("quantize", made / "float", "-o", "again", "--images", made / "photos", "--count", 4).status == 0
    for name in QUANTIZED:
        assert (detlite.folder / "again" / name).read_bytes() == (made / "int8" / name).read_bytes()


def test_the_history_leads_from_the_source_to_the_model(made):
    steps = json.loads((made / "int8" / "history.json").read_text())["steps"]
    assert [step["step"] for step in steps] == ["convert", "quantize"]
    assert steps[0]["repairs"] == {"add_n": 1, "batch_norm": 3, "packed_upsampling": 1}
    float_steps = json.loads((made / "float" / "history.json").read_text())["steps"]
    assert steps[1]["input_sha256"] == float_steps[0]["output_sha256"]


def test_an_int8_model_has_int8_heads_and_no_float_island(detlite, made):
    facts = json.loads(detlite("inspect", made / "int8", "--json").out)
    assert (facts["quantization"], facts["float_islands"]) == ("int8", 0)
    assert [(head["role"], head["dtype"]) for head in facts["heads"]] == [
        ("box_encodings", "int8"),
        ("class_scores", "int8"),
    ]


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_input_and_outputs_have_the_type_that_is_asked_for(detlite, made, io):
    ran = detlite(
        "quantize", made / "float", "-o", "x", "--images", made / "photos", "--count", 2, "--io", io, "--json"
    )
    record = json.loads(ran.out)
    assert record["schema"] == "detlite.quantize"
    assert (record["input"]["dtype"], record["heads"][0]["dtype"]) == (io, io)


@pytest.mark.slow
def test_weights_can_be_float16(detlite, made):
    assert detlite("convert", made / "source", "-o", "x", "--type", "float16").status == 0
    assert json.loads(detlite("inspect", "x", "--json").out)["quantization"] == "float16"


@pytest.mark.slow
def test_the_op_can_be_had_from_convert_quantize_and_postprocess(detlite, made):
    assert detlite("convert", made / "source", "-o", "a", "--heads", "postprocess").status == 0
    assert detlite("quantize", "a", "-o", "b", "--images", made / "photos", "--count", 2).status == 0
    assert detlite("postprocess", made / "int8", "--add", "-o", "c", "--max-detections", 5).status == 0
    for folder in "abc":
        facts = json.loads(detlite("inspect", folder, "--json").out)
        assert [head["role"] for head in facts["heads"]] == ["boxes", "classes", "scores", "count"]
    assert facts["heads"][0]["shape"] == [1, 5, 4]


def test_logits_are_left_to_the_host(detlite, made):
    ran = detlite("convert", made / "source", "-o", "x", "--scores", "logits", "--json")
    assert json.loads(ran.out)["score_converter_place"] == "host"


def test_an_archive_is_converted_as_it_is(detlite):
    archive = write_archive(detlite.folder)
    ran = detlite("convert", archive, "-o", "x", "--json")
    assert json.loads(ran.out)["labels"] == ["cat", "dog", "kite"]


def test_latency_is_measured(detlite, made):
    ran = detlite("measure", made / "int8", "--against", made / "float", "--samples", 30, "--min-seconds", 0, "--json")
    record = json.loads(ran.out)
    (samples,), latency, other = record["samples_ns"], record["latency"], record["against"]["measurement"]
    assert record["samples"] == len(samples["latency"]) == len(samples["invoke"]) == 30
    assert 0 < record["invoke"]["p50_ms"] < latency["p50_ms"] <= latency["p90_ms"] <= latency["max_ms"]
    ratio = latency["p50_ms"] / other["latency"]["p50_ms"]
    assert record["against"]["latency_p50_ratio"] == pytest.approx(ratio)


def test_threads_that_lose_a_class_are_timed_with_a_caution_and_never_scored(detlite, made):
    assert detlite("postprocess", made / "int8", "--add", "-o", "op").status == 0
    ran = detlite("measure", "op", "--threads", 2, "--samples", 30, "--min-seconds", 0, "--json")
    assert "regular NMS never finds class 2, 'kite'" in " ".join(json.loads(ran.out)["cautions"])
    scored = detlite("evaluate", "op", "--images", made / "photos", "--against", made / "float", "--threads", 2)
    assert one_line(scored, "with 2 threads the model's own regular NMS never finds class 2, 'kite'")


def test_too_few_samples_are_invalid(detlite, made):
    ran = detlite("measure", made / "int8", "--samples", 5, "--min-seconds", 0, "--json")
    assert json.loads(ran.out)["validity"] == "INVALID because 5 samples are under 30"


def test_a_model_has_full_fidelity_to_itself(detlite, made):
    ran = detlite("evaluate", made / "float", "--images", made / "photos", "--against", made / "float", "--json")
    record = json.loads(ran.out)
    assert (record["fidelity"], record["images"]) == (100.0, 6)


def coco_file(folder, photos, categories=((7, "cat"), (9, "dog"), (11, "kite"))):
    """A COCO file in which the whole of each picture is a cat."""
    images = [{"id": i, "file_name": f"{i}.png", "height": 60, "width": 80} for i in range(len(list(photos.iterdir())))]
    truths = [
        {"id": i + 1, "image_id": i, "category_id": 7, "bbox": [0, 0, 80, 60], "area": 4800, "iscrowd": 0}
        for i in range(len(images))
    ]
    record = {"images": images, "annotations": truths, "categories": [{"id": i, "name": n} for i, n in categories]}
    path = folder / "instances.json"
    path.write_text(json.dumps(record))
    return path


def test_coco_gives_twelve_numbers(detlite, made):
    coco = coco_file(detlite.folder, made / "photos")
    record = json.loads(detlite("evaluate", made / "float", "--coco", made / "photos", coco, "--json").out)
    wanted = {"map", "map50", "map75", "map_small", "map_medium", "map_large"}
    wanted |= {"ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"}
    assert wanted <= record.keys()
    assert record["protocol"]["nms"]["iou_threshold"] == 0.6


def test_coco_images_can_calibrate(detlite, made):
    coco = coco_file(detlite.folder, made / "photos")
    assert detlite("quantize", made / "float", "-o", "x", "--coco", made / "photos", coco, "--count", 2).status == 0


@pytest.mark.slow
def test_a_run_leaves_models_and_a_report_and_is_picked_up(detlite, made):
    coco = coco_file(detlite.folder, made / "photos")
    ran = detlite("run", made / "source", "-o", "run", "--coco", made / "photos", coco, "--json")
    record = json.loads(ran.out)
    assert ran.status == (0 if record["passed"] else 1)
    assert announces_every_step(ran.err)
    assert record["parity"]["passed"]
    assert record["unrepaired"]["float_islands"] >= 1
    assert names(detlite.folder / "run" / "int8") == QUANTIZED
    report = (detlite.folder / "run" / "report.html").read_text()
    assert "float island" in report
    assert "http://" not in report.replace("http://www.w3.org", "")
    before = (detlite.folder / "run" / "report.html").read_bytes()
    again = detlite("run", made / "source", "-o", "run", "--coco", made / "photos", coco)
    kept = "already done and kept: convert, quantize, deploy, audit, parity, "
    if any("INVALID" in text for text in record["cautions"]):  # on a busy machine: it may be quiet the next time
        assert f"{kept}score" in again.err
    else:
        assert f"{kept}latency, score" in again.err
        assert (detlite.folder / "run" / "report.html").read_bytes() == before


@pytest.mark.slow
def test_a_damaged_stage_with_a_file_of_the_user_is_left_as_it_is_before_any_work(detlite, made):
    arguments = ("run", made / "source", "-o", "run", "--images", made / "photos")
    assert detlite(*arguments).status in (0, 1)
    int8 = detlite.folder / "run" / "int8"
    (int8 / "model.tflite").write_bytes(b"damaged")
    (int8 / "notes.txt").write_text("mine")
    ran = detlite(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert [line for line in ran.err.splitlines() if not line.startswith("step ")] == [
        f"detlite: {int8} contains notes.txt, which detlite did not write: it is not replaced; move that away, or "
        "choose another folder"
    ]
    assert ((int8 / "model.tflite").read_bytes(), (int8 / "notes.txt").read_text()) == (b"damaged", "mine")


@pytest.mark.slow
def test_an_output_that_is_there_is_kept_without_force(detlite, made):
    shutil.copytree(made / "float", detlite.folder / "x")
    assert one_line(detlite("convert", made / "source", "-o", "x"), "x already contains contract.json; choose another")
    assert detlite("convert", made / "source", "-o", "x", "--force").status == 0


def test_force_does_not_replace_what_detlite_did_not_write(detlite, made):
    (detlite.folder / "x").mkdir()
    (detlite.folder / "x" / "thesis.doc").write_text("years")
    assert one_line(detlite("convert", made / "source", "-o", "x", "--force"), "which detlite did not write")
    assert names(detlite.folder / "x") == ["thesis.doc"]


BAD = [
    (("convert", "nothing.pb", "-o", "x"), "nothing.pb does not exist"),
    (("convert", "ssdlite_mobilenet_v2_coco", "-o", "x"), "is not downloaded yet: run `detlite zoo fetch"),
    (("convert", "ssdlite_mobilenet_v2_koko", "-o", "x"), "did you mean 'ssdlite_mobilenet_v2_coco'?"),
    (("convert", "{source}", "-o", "x", "--labels", "{two}"), "two.txt has 2 labels and the model 3 classes"),
    (("convert", "{source}", "-o", "x", "--input", "huge"), "--input 'huge': want HEIGHTxWIDTH"),
    (("convert", "{source}", "-o", "x", "--input", "64x64"), "resizes every image to 32x32"),
    (("convert", "{float}", "-o", "x", "--type", "float16"), "is a finished TFLite model"),
    (("convert", "{float}", "-o", "x", "--max-proposals", "8"), "--max-proposals is for two-stage detectors"),
    (("convert", "{source}", "-o", "x", "--max-proposals", "8"), "--max-proposals is for two-stage detectors"),
    (("convert", "{float}", "-o", "x", "--colour", "BGR"), "named heads are for .onnx files"),
    (("convert", "{float}", "-o", "x", "--box-sizes", "linear"), "--box-sizes needs --anchors"),
    (("convert", "{float}", "-o", "x", "--box-scales", "1,2,3"), "--box-scales needs --anchors"),
    (("quantize", "{float}", "-o", "x"), "give the images to calibrate with"),
    (("quantize", "{float}", "-o", "x", "--images", "{empty}"), "holds no image"),
    (("quantize", "{float}", "-o", "x", "--images", "{fake}"), "fake.jpg is no image, or is damaged"),
    (("quantize", "{float}", "-o", "x", "--images", "{photos}", "--count", "0"), "0 images are requested"),
    (("quantize", "{float}", "-o", "x", "--images", "{photos}", "--method", "magic"), "called 'magic'"),
    (("quantize", "{int8}", "-o", "x", "--images", "{photos}"), "input is int8 already; give a float32 model"),
    (("quantize", "{float}", "-o", "x", "--coco", "{photos}", "{two}"), "want a COCO instances file"),
    (("run", "{int8}", "-o", "x", "--images", "{photos}"), "is int8"),
    (("measure", "{half}"), "cannot open"),
    (("measure", "{text}"), "no back end opens"),
    (("inspect", "{text}"), "of no format that detlite reads"),
    (("inspect", "{empty}"), "is a folder without a model"),
    (("evaluate", "{float}"), "--coco IMAGES ANNOTATIONS"),
    (("evaluate", "{float}", "--images", "{photos}"), "name that with --against ARTIFACT"),
    (("compare", "{float}", "{empty}/none"), "none does not exist: give a run or a model"),
    (("postprocess", "{float}", "-o", "x"), "nothing to change"),
    (("postprocess", "{float}", "-o", "x", "--strip"), "has no TFLite_Detection_PostProcess"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD, ids=[" ".join(arguments) for arguments, _text in BAD])
def test_bad_input_gets_one_line_and_status_2_and_changes_nothing(detlite, made, arguments, text):
    places = {name: made / name for name in ("source", "float", "int8", "photos")}
    for name in ("empty", "fake"):
        places[name] = detlite.folder / name
        places[name].mkdir()
    (places["fake"] / "fake.jpg").write_text("no image")
    places["two"] = detlite.folder / "two.txt"
    places["two"].write_text("cat\ndog\n")
    places["half"] = detlite.folder / "half.tflite"
    data = (made / "float" / "model.tflite").read_bytes()
    places["half"].write_bytes(data[: len(data) // 2])
    places["text"] = detlite.folder / "text.bin"
    places["text"].write_text("hello")
    before = names(detlite.folder)
    assert one_line(detlite(*(argument.format(**places) for argument in arguments)), text)
    assert set(names(detlite.folder)) - set(before) <= {"cache"}


def test_an_artifact_whose_model_was_changed_is_refused(detlite, made):
    shutil.copytree(made / "float", detlite.folder / "x")
    model = detlite.folder / "x" / "model.tflite"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(bytes(data))
    assert one_line(detlite("measure", "x"), "is damaged or was replaced: its sha256 is")


def test_a_missing_coco_image_is_named(detlite, made):
    coco = coco_file(detlite.folder, made / "photos")
    shutil.copytree(made / "photos", detlite.folder / "photos")
    (detlite.folder / "photos" / "3.png").unlink()
    assert one_line(detlite("evaluate", made / "float", "--coco", "photos", coco), "3.png")


def test_an_unwritable_place_is_said_before_any_work(detlite, made):
    (detlite.folder / "file").write_text("x")
    assert one_line(detlite("convert", made / "source", "-o", "file/out"), "is a file, but must be a folder")


def test_a_graph_of_another_kind_is_refused(detlite):
    folder = write_frozen(detlite.folder / "rcnn")
    (folder / "pipeline.config").write_text("model { faster_rcnn { } }")
    assert one_line(detlite("convert", "rcnn", "-o", "x"), "is of faster_rcnn; want model { ssd { ... } }")
