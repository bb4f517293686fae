"""The package of a model: its files, what they say, and that they say the same."""

import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

from builders.app_models import write_app_model
from builders.run_records import in_turn_of_version_1, latency

from detlite.cli import main
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.metadata import read_metadata
from detlite.convert.tflite.metadata_write import About
from detlite.devices.packaging.android.naming import Naming
from detlite.devices.packaging.android.package import Extras, Models, make_package
from detlite.devices.packaging.android.render import kotlin_files
from detlite.devices.packaging.android.variant import Choices
from detlite.runtime.boxes.nms import Nms


def manifest(folder):
    return json.loads((folder / "out/src/main/assets/demo/manifest.json").read_text())


def kotlin(folder, kind="Model"):
    return (folder / f"out/src/main/kotlin/org/detlite/models/Demo{kind}.kt").read_text()


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_manifest_has_the_sha256_and_the_size_of_the_model(package, tmp_path):
    assert package() == 0
    data = (tmp_path / "out/src/main/assets/demo/model.tflite").read_bytes()
    (file,) = manifest(tmp_path)["files"]
    assert file["sha256"] == hashlib.sha256(data).hexdigest()
    assert file["size_bytes"] == len(data)


def test_the_packaged_model_has_metadata_and_labels(package, tmp_path):
    assert package() == 0
    data = (tmp_path / "out/src/main/assets/demo/model.tflite").read_bytes()
    assert read_metadata(load(data, "x")).name == "demo"
    assert (tmp_path / "out/src/main/assets/demo/labels.txt").read_text() == "cat\n???\nkite $1\n"


def test_the_thresholds_of_the_op_stand_in_manifest_and_constants(package, tmp_path):
    assert package() == 0
    assert manifest(tmp_path)["postprocessing"]["score_threshold"] == 0.25
    assert "const val SCORE_THRESHOLD = 0.25\n" in kotlin(tmp_path)


def test_the_constants_name_the_manifest_by_its_sha256(package, tmp_path):
    assert package() == 0
    raw = (tmp_path / "out/src/main/assets/demo/manifest.json").read_bytes()
    assert f'FINGERPRINT = "detlite/demo/{hashlib.sha256(raw).hexdigest()}"' in kotlin(tmp_path)


def test_a_dollar_in_a_label_is_no_kotlin_template(package, tmp_path):
    assert package() == 0
    assert '"kite \\$1",' in kotlin(tmp_path)


def test_an_int8_model_gets_a_uint8_input(package, tmp_path):
    write_app_model(tmp_path / "int8", "int8")
    assert package(model="int8") == 0
    image = manifest(tmp_path)["files"][0]["input"]
    assert (image["dtype"], image["pixel_error"]) == ("uint8", 0)


def test_a_normalization_channel_by_channel_becomes_part_of_the_model(package, tmp_path):
    write_app_model(tmp_path / "net", change=lambda c: c.with_image(replace(c.image, mean=(123.0, 116.0, 103.0))))
    assert package(model="net") == 0
    assert manifest(tmp_path)["files"][0]["input"]["mean"] == [127.5, 127.5, 127.5]
    assert "(pixel - 127.5) / 127.5" in (tmp_path / "out/README.md").read_text()


def test_regular_suppression_is_given_one_thread(package, tmp_path):
    write_app_model(tmp_path / "regular", nms=Nms(kind="regular", max_detections=5))
    assert package(model="regular") == 0
    assert "const val MAX_THREADS = 1\n" in kotlin(tmp_path)


def test_the_same_inputs_give_the_same_bytes_in_every_file(package, tmp_path):
    write_app_model(tmp_path / "gpu")
    options = ("--gpu", "gpu", "--aar", "--asset-pack", "on-demand")
    assert package(*options) == 0
    first = contents(tmp_path / "out")
    assert package(*options, "--force") == 0
    assert contents(tmp_path / "out") == first
    assert len(first) == 18


def test_a_model_for_the_gpu_lies_beside_that_for_the_cpu(package, tmp_path):
    write_app_model(tmp_path / "int8", "int8")
    assert package("--gpu", "app", model="int8") == 0
    assert [file["for"] for file in manifest(tmp_path)["files"]] == ["cpu", "gpu"]
    assert "GPU(" in kotlin(tmp_path)


def test_the_aar_stores_its_model(package, tmp_path):
    assert package("--aar") == 0
    with zipfile.ZipFile(tmp_path / "out/demo.aar") as archive:
        entry = archive.getinfo("assets/demo/model.tflite")
        assert entry.compress_type == zipfile.ZIP_STORED
        assert {"AndroidManifest.xml", "classes.jar", "R.txt"} <= set(archive.namelist())


def test_an_asset_pack_is_a_module_with_the_assets(package, tmp_path):
    assert package("--asset-pack", "fast-follow") == 0
    pack = tmp_path / "out/asset-pack/demo_pack"
    script = (pack / "build.gradle.kts").read_text()
    assert 'id("com.android.asset-pack")' in script
    assert 'deliveryType.set("fast-follow")' in script
    assert (pack / "src/main/assets/demo/model.tflite").is_file()


def test_an_ai_pack_has_a_folder_for_each_chip_and_one_for_the_rest(package, tmp_path):
    assert package() == 0
    compiled = tmp_path / "g5.tflite"
    compiled.write_bytes((tmp_path / "out/src/main/assets/demo/model.tflite").read_bytes())
    assert package("--soc", "Google_Tensor_G5=g5.tflite", "--ai-pack", "install-time", "--force") == 0
    assets = tmp_path / "out/ai-pack/demo_pack/src/main/assets"
    assert sorted(path.name for path in assets.iterdir()) == ["model#group_Google_Tensor_G5", "model#group_other"]
    targeting = (tmp_path / "out/ai-pack/device_targeting_configuration.xml").read_text()
    assert 'manufacturer="Google" model="Tensor G5"' in targeting
    assert "enableSplit = true" in (tmp_path / "out/gradle/app.gradle.kts").read_text()
    assert "the asset `model/model.tflite`" in (tmp_path / "out/README.md").read_text()


def test_inspect_shows_the_metadata(package, tmp_path, capsys):
    assert package() == 0
    assert main(["inspect", str(tmp_path / "out/src/main/assets/demo/model.tflite")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "metadata          demo, for parsers from 1.2.0 on" in lines
    assert "metadata outputs  location, category, score, number of detections" in lines
    assert "appended          labels.txt" in lines


def test_inspect_says_that_metadata_is_damaged(package, tmp_path, capsys):
    assert package() == 0
    data = (tmp_path / "out/src/main/assets/demo/model.tflite").read_bytes()
    (tmp_path / "damaged.tflite").write_bytes(data.replace(b"M001", b"M999"))
    assert main(["inspect", "damaged.tflite"]) == 0
    assert "the model's TFLite metadata is damaged: it begins with b'M999'" in capsys.readouterr().out


def test_the_answer_as_json_names_every_file(package, tmp_path, capsys):
    assert package("--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["schema"], record["name"]) == ("detlite.package_android", "demo")
    assert record["files"] == sorted(str(path) for path in contents(tmp_path / "out"))


def test_other_labels_can_be_given(package, tmp_path):
    (tmp_path / "named.txt").write_text("a\nb\nc\n")
    assert package("--labels", "named.txt") == 0
    assert (tmp_path / "out/src/main/assets/demo/labels.txt").read_text() == "a\nb\nc\n"


def test_a_package_without_a_name_is_called_as_its_model(package, tmp_path):
    (tmp_path / "app").rename(tmp_path / "Street-Signs")
    assert package("--name", "", model="Street-Signs") == 0
    assert (tmp_path / "out/src/main/assets/street_signs/model.tflite").is_file()


def test_figures_of_the_model_come_into_the_manifest(package, tmp_path):
    sha256 = hashlib.sha256((tmp_path / "app/model.tflite").read_bytes()).hexdigest()
    record = {"schema": "detlite.accuracy", "model_sha256": sha256, "images": 9, "map": 21.5, "other": 1}
    (tmp_path / "accuracy.json").write_text(json.dumps(record))
    assert package("--figures", "accuracy.json") == 0
    assert manifest(tmp_path)["measured"]["accuracy"] == [{"model_sha256": sha256, "images": 9, "map": 21.5}]
    assert "mAP 21.50 % on 9 images." in (tmp_path / "out/README.md").read_text()


def test_the_readme_says_by_which_metric_and_whose_resizing(package, tmp_path):
    sha256 = hashlib.sha256((tmp_path / "app/model.tflite").read_bytes()).hexdigest()
    record = {"schema": "detlite.accuracy", "model_sha256": sha256, "images": 9, "map": 21.5, "metric": "voc2007"}
    record |= {"fidelity": 97, "protocol": {"resize": "mediapipe"}}
    (tmp_path / "accuracy.json").write_text(json.dumps(record))
    assert package("--figures", "accuracy.json") == 0
    text = (tmp_path / "out/README.md").read_text()
    assert "mAP (voc2007) 21.50 % and fidelity to another model 97.00 % on 9 images, resized as MediaPipe does." in text


def test_a_latency_comes_into_the_readme(package, tmp_path):
    sha256 = hashlib.sha256((tmp_path / "app/model.tflite").read_bytes()).hexdigest()
    record = latency([[12.345] * 200], model_sha256=sha256, device={"processor": "P|1"}, runtime="litert 2")
    (tmp_path / "x.json").write_text(json.dumps(record))
    assert package("--figures", "x.json") == 0
    (kept,) = manifest(tmp_path)["measured"]["latency"]
    assert (kept["latency"]["p50_ms"], "samples_ns" in kept) == (12.345, False)
    said = (tmp_path / "out/README.md").read_text()
    assert "Latency: 12.35 ms (median of 200), 1 thread, on P\\|1, litert 2." in said


def test_what_detlite_0_1_called_latency_is_said_to_be_the_inference_alone(package, tmp_path):
    sha256 = hashlib.sha256((tmp_path / "app/model.tflite").read_bytes()).hexdigest()
    (tmp_path / "x.json").write_text(json.dumps(in_turn_of_version_1(model_sha256=sha256)))
    assert package("--figures", "x.json") == 0
    assert "Inference alone: 5.00 ms (median of 2)" in (tmp_path / "out/README.md").read_text()


def test_a_history_in_any_language_is_written(package, tmp_path):
    history = json.loads((tmp_path / "app/history.json").read_text())
    history["steps"][0]["images"] = "folder Stra\u00dfen"
    (tmp_path / "app/history.json").write_text(json.dumps(history))
    assert package() == 0
    assert "Stra\u00dfen" in (tmp_path / "out/history.json").read_text(encoding="utf-8")


def test_random_weights_are_said_to_be_random(package, tmp_path):
    history = json.loads((tmp_path / "app/history.json").read_text())
    history["steps"][0]["random_weights"] = 0
    (tmp_path / "app/history.json").write_text(json.dumps(history))
    assert package() == 0
    assert manifest(tmp_path)["trained"] is False
    assert "Its weights are random" in (tmp_path / "out/README.md").read_text()


def test_every_asset_that_the_readme_names_is_there(package, tmp_path):
    assert package("--gpu", "app") == 0
    text = (tmp_path / "out/README.md").read_text()
    named = [part for part in text.split("`") if part.startswith("src/main/") and "." in part.split("/")[-1]]
    assert len(named) == 8
    assert all((tmp_path / "out" / path).is_file() for path in named)


def test_many_labels_are_cut_into_functions_that_a_jvm_can_hold(package, tmp_path):
    made = make_package(Naming("demo"), Models(tmp_path / "app"), Choices(About("demo")), Extras())
    many = [replace(v, contract=replace(v.contract, labels=tuple(f"c{i}" for i in range(1001)))) for v in made.variants]
    text = kotlin_files(made.naming, many, b"{}")["src/main/kotlin/org/detlite/models/DemoModel.kt"].decode()
    assert "LABELS: List<String> = labels0() + labels1() + labels2()\n" in text


def test_packaging_imports_no_tensorflow(package, tmp_path):
    program = (
        "import sys\nfrom detlite.cli import main\n"
        "assert main(['package', 'app', '--android', '-o', 'again']) == 0\nassert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, capture_output=True)
