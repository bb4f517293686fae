"""What cannot be packaged: one clear line, status 2, and nothing written."""

import hashlib
import json
import os
from dataclasses import replace

import pytest
from builders.app_models import raw_model, write_app_model
from builders.run_records import latency

from detlite.convert.model import Model
from detlite.devices.packaging.android.packs import check_pack_bytes
from detlite.devices.packaging.android.variant import check_clients
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import InputError


def test_another_detector_for_the_gpu_is_refused(package, tmp_path, capsys):
    write_app_model(tmp_path / "other", labels=("a", "b", "c"))
    assert package("--gpu", "other") == 2
    assert "other is a different model from the first" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_other_thresholds_for_the_gpu_are_refused(package, tmp_path, capsys):
    write_app_model(tmp_path / "other", nms=Nms(kind="fast", score_threshold=0.5, max_detections=5))
    assert package("--gpu", "other") == 2
    said = capsys.readouterr().err
    assert "different post-processing settings from the first (NMS fast, score 0.5" in said
    assert "detlite postprocess other --nms fast --score-threshold 0.25 " in said


def test_two_packs_of_one_name_are_refused(package, capsys):
    assert package("--asset-pack", "on-demand", "--ai-pack", "on-demand") == 2
    assert "would make two modules of the same name: give one of them" in capsys.readouterr().err


def test_an_unknown_chip_gets_the_nearest_name(package, capsys):
    assert package("--soc", "Google_Tensor_5=x.tflite") == 2
    assert "did you mean 'Google_Tensor_G5'?" in capsys.readouterr().err


def test_a_file_for_a_chip_with_other_tensors_is_refused(package, tmp_path, capsys):
    (tmp_path / "g5.tflite").write_bytes((write_app_model(tmp_path / "int8", "int8") / "model.tflite").read_bytes())
    assert package("--soc", "Google_Tensor_G5=g5.tflite") == 2
    assert "g5.tflite has different inputs or outputs from model.tflite" in capsys.readouterr().err


def test_an_ai_pack_without_a_compiled_file_is_refused(package, capsys):
    assert package("--ai-pack", "install-time") == 2
    assert "give them with --soc" in capsys.readouterr().err


def test_raw_heads_are_refused_with_the_command_that_attaches_the_op(package, tmp_path, capsys):
    write_app_model(tmp_path / "raw", raw=True)
    assert package(model="raw") == 2
    assert "raw has raw heads" in (said := capsys.readouterr().err)
    assert "detlite postprocess raw --add -o OUT" in said
    assert said.count("\n") == 1


def test_an_onnx_is_refused_as_no_tflite(package, tmp_path, capsys):
    done = {"step": "made in a test", "input_sha256": "0" * 64}
    Model(b"\x08\x08\x12\x07detlite", "onnx", raw_model()[1], (done,)).save(tmp_path / "net")
    assert package(model="net") == 2
    assert "net/model.onnx is no TFLite model, and Android's clients load no other" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_center_net_is_refused(tmp_path):
    _data, contract = raw_model()
    nms = replace(contract.task.nms, kind="peaks", cells=(2, 3))
    with pytest.raises(InputError, match=r"is a CenterNet: no op decodes its peaks"):
        check_clients(contract.with_task(nms=nms), tmp_path / "net")


def test_labels_that_do_not_match_the_classes_are_refused(package, tmp_path, capsys):
    (tmp_path / "two.txt").write_text("cat\ndog\n")
    assert package("--labels", "two.txt") == 2
    assert "two.txt has 2 labels and the model 3 classes" in capsys.readouterr().err


@pytest.mark.parametrize("label", ["two\nlines", "l\u00f6we"])
def test_a_label_that_is_no_line_of_ascii_is_refused(package, tmp_path, capsys, label):
    write_app_model(tmp_path / "bad", change=lambda c: replace(c, labels=("cat", label, "dog")))
    assert package(model="bad") == 2
    assert "label 1 is" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_metadata_that_is_there_wants_to_be_replaced(package, tmp_path, capsys):
    assert package() == 0
    packaged = tmp_path / "packaged.tflite"
    packaged.write_bytes((tmp_path / "out/src/main/assets/demo/model.tflite").read_bytes())
    assert package("--force", model="packaged.tflite") == 2
    assert "pass --replace-metadata" in capsys.readouterr().err
    assert package("--force", "--replace-metadata", model="packaged.tflite") == 0


def test_a_model_over_a_packs_limit_is_refused_before_it_is_read(package, tmp_path, capsys):
    with (tmp_path / "huge.tflite").open("wb") as file:
        os.truncate(file.fileno(), 1_500_000_001)
    assert package(model="huge.tflite") == 2
    assert "huge.tflite has 1,500,000,001 bytes, and a Google Play pack holds 1,500,000,000" in capsys.readouterr().err


def test_assets_over_a_packs_limit_are_refused():
    check_pack_bytes(1_500_000_000)
    with pytest.raises(InputError, match=r"the pack has 1,500,000,001 bytes"):
        check_pack_bytes(1_500_000_001)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.with_image(replace(c.image, colour="BGR")), "takes BGR images"),
        (lambda c: c.with_image(replace(c.image, colour="GRAY", mean=(0.0,), std=(1.0,))), "takes GRAY images"),
        (lambda c: c.with_image(replace(c.image, layout="NCHW")), "takes its image as NCHW"),
        (lambda c: c.with_task(nms=replace(c.task.nms, max_classes_per_detection=2)), "returns each box for 2 classes"),
    ],
)
def test_what_clients_cannot_use_is_refused(package, tmp_path, capsys, change, said):
    write_app_model(tmp_path / "odd", change=change)
    assert package(model="odd") == 2
    assert said in capsys.readouterr().err


def test_an_integer_input_that_wants_other_pixels_is_refused(package, tmp_path, capsys):
    write_app_model(tmp_path / "int8", "int8", change=lambda c: c.with_image(replace(c.image, mean=(100.0,) * 3)))
    assert package(model="int8") == 2
    assert "needs pixels changed by up to 25 of 255" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Demo", "1st", "a-b", "x" * 41])
def test_a_name_that_is_no_identifier_is_refused(package, capsys, name):
    assert package("--name", name) == 2
    assert "expected a lower-case letter, then" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["models", "com.object.x", "com..x", "Com.x", "com.x y"])
def test_a_kotlin_package_that_is_none_is_refused(package, capsys, name):
    assert package("--kotlin-package", name) == 2
    assert f"the Kotlin package {name!r}" in capsys.readouterr().err


def test_a_file_in_the_way_is_kept(package, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    assert package("--force") == 2
    assert "which detlite did not write" in capsys.readouterr().err


def test_images_without_a_client_are_refused(package, capsys):
    assert package("--images", ".") == 2
    assert "--client and --images go together" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            {"schema": "detlite.accuracy", "model_sha256": "f" * 64, "images": 1, "map": 1.0},
            "of the model with the sha256 ffffffffffff",
        ),
        ({"schema": "other"}, "is of the schema 'other'"),
        ([], "is of the schema None"),
    ],
)
def test_figures_of_something_else_are_refused(package, tmp_path, capsys, record, said):
    (tmp_path / "x.json").write_text(json.dumps(record))
    assert package("--figures", "x.json") == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"schema": "detlite.accuracy", "images": 9}, "it lacks map or top1 or miou or fidelity"),
        ({"schema": "detlite.accuracy", "images": 9, "map": "high"}, "it lacks map;"),
        ({"schema": "detlite.accuracy", "map": 1.5}, "it lacks images"),
        ({key: value for key, value in latency().items() if key != "device"}, "it lacks device"),
        (latency(schema_version=9), "got detlite.measurement version 9"),
        (latency(latency={}, invoke={}), "too few samples for a median"),
        ({"schema": "detlite.accuracy", "images": 9, "map": float("nan")}, "it holds NaN"),
    ],
)
def test_damaged_figures_are_refused(package, tmp_path, capsys, record, said):
    (tmp_path / "x.json").write_text(json.dumps(record))
    assert package("--figures", "x.json") == 2
    assert said in capsys.readouterr().err


def test_an_invalid_measurement_is_refused(package, tmp_path, capsys):
    sha256 = hashlib.sha256((tmp_path / "app/model.tflite").read_bytes()).hexdigest()
    record = latency(model_sha256=sha256, reasons=["3 samples"])
    (tmp_path / "x.json").write_text(json.dumps(record))
    assert package("--figures", "x.json") == 2
    assert "INVALID because 3 samples: measure again" in capsys.readouterr().err
