"""The public library: its names, what their docstrings say, what importing costs, and what it does on tiny models."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders.conv_streams import conv_stream
from builders.float_detector import detector, write_images
from builders.model_files import write_photos
from builders.run_records import accuracy, write
from builders.scripted_device import fake_ssh, pixel
from builders.small_checkpoint import write_checkpoint
from builders.tiny_streams import clip_reader
from builders.tiny_tflite import save_tiny, tiny_contract, tiny_int8_model
from builders.tiny_videos import write_scenes
from builders.video_files import grey, write_video

import detlite
from detlite.accuracy.anchors import are_rescaled
from detlite.cli import main


@pytest.fixture
def tiny(tmp_path):
    contract = tiny_contract()
    contract = contract.with_image(replace(contract.image, std=(255.0,)))  # pixels become scores in 0..1
    return save_tiny(tmp_path / "tiny", contract)


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", 3)


@pytest.mark.parametrize(
    "named",
    [{}, {"config": "pipeline.config"}, {"checkpoint": "ckpt-0"}, {"path": "x.pb", "config": "c", "checkpoint": "k"}],
)
def test_exactly_one_model_is_read(named):
    with pytest.raises(detlite.InputError, match="give either a path, or config and checkpoint"):
        detlite.read(**named)


def test_a_config_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(detlite.InputError, match=r"gone.config is not a file: give a pipeline.config"):
        detlite.read(config=tmp_path / "gone.config", checkpoint=tmp_path / "ckpt-0")


@pytest.mark.slow
def test_a_config_and_its_checkpoint_are_read_as_the_command_converts_them(tmp_path):
    write_checkpoint(tmp_path, "model.ckpt-7")
    config, checkpoint = tmp_path / "pipeline.config", tmp_path / "model.ckpt-7"
    arguments = ["convert", "--config", str(config), "--checkpoint", str(checkpoint), "-o", str(tmp_path / "out")]
    assert main(arguments) == 0
    model = detlite.read(config=config, checkpoint=checkpoint)
    assert model.data == (tmp_path / "out" / "model.tflite").read_bytes()


def test_a_finished_model_is_read_as_it_is_and_saved_to_the_same_bytes(tiny, tmp_path):
    model = detlite.read(tiny.model.parent)
    saved = model.save(tmp_path / "again")
    for name in ("model.tflite", "contract.json", "labels.txt", "history.json"):
        assert (saved.model.parent / name).read_bytes() == (tiny.model.parent / name).read_bytes()


def test_reading_can_change_the_heads(tiny):
    assert [output.role for output in detlite.read(tiny.model.parent, heads="postprocess").contract.outputs] == [
        *("boxes", "classes", "scores", "count")
    ]


def test_a_finished_model_has_its_weights(tiny):
    with pytest.raises(detlite.InputError, match="is a finished model: weights='float16' needs the trained graph"):
        detlite.read(tiny.model.parent, weights="float16")


def test_what_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(detlite.InputError, match="does not exist"):
        detlite.read(tmp_path / "gone.pb")


def test_images_are_chosen_with_a_seed(photos):
    assert len(detlite.images(photos).paths) == 3
    assert detlite.images(photos, count=2, seed=1).paths == detlite.images(str(photos), count=2, seed=1).paths


def test_a_dataset_names_its_paths_and_options():
    found = detlite.dataset("voc", "VOC2007", limit=10, split="test")
    assert (found.paths, found.further, found.limit) == ((Path("VOC2007"),), {"split": "test"}, 10)


def test_a_dataset_of_no_known_format_is_refused():
    with pytest.raises(detlite.UnknownNameError, match="did you mean 'coco'"):
        detlite.dataset("cocoo", "a", "b")


def test_a_session_runs_a_model_from_memory_or_disk(tiny):
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    found = [detlite.session(one).run(image) for one in (tiny, tiny.model.parent, detlite.read(tiny.model))]
    assert found[0].boxes.shape[1] == 4
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].scores, other.scores)


def test_detecting_gives_typed_results_and_pictures(tiny, photos, tmp_path):
    told = []
    run = detlite.detect(
        detlite.read(tiny.model.parent), photos, draw=tmp_path / "drawn", progress=lambda *what: told.append(what)
    )
    assert [Path(one.image).name for one in run.images] == ["0.png", "1.png", "2.png"]
    best = run.images[0].found[0]
    assert (best.label, best.box is not None) == (run.labels[best.number], True)
    assert told[-1] == ("images", 3, 3)
    assert len(list((tmp_path / "drawn").iterdir())) == 3


def test_two_models_are_compared(tiny, photos):
    assert detlite.compare(tiny, detlite.read(tiny.model.parent), images=photos).findings == ()


def test_a_model_is_scored_by_labels(tiny, photos, tmp_path):
    (tmp_path / "instances.json").write_text(json.dumps(annotations(photos)))
    data = detlite.dataset("coco", photos, tmp_path / "instances.json")
    found = detlite.evaluate(tiny, data, against=tiny.model.parent, bootstrap=10)
    assert found.headline_name == "map"
    assert 0 <= found.map <= 100
    assert found.reference.difference == 0
    assert detlite.Accuracy.from_record(found.to_record()) == found


def annotations(photos):
    """One object an image, of one class: the same box in each."""
    names = sorted(path.name for path in photos.iterdir())
    box = {"category_id": 1, "bbox": [10, 10, 40, 30], "area": 1200, "iscrowd": 0}
    return {
        "images": [{"id": i, "file_name": name, "height": 60, "width": 80} for i, name in enumerate(names, 1)],
        "categories": [{"id": 1 + i, "name": f"class {i}"} for i in range(3)],
        "annotations": [{"id": i, "image_id": i, **box} for i in range(1, len(names) + 1)],
    }


def test_a_model_agrees_with_itself(tiny, photos):
    found = detlite.agreement(tiny, detlite.read(tiny.model.parent), photos)
    assert found.fidelity.value == 100


def test_a_model_that_nobody_trained_is_not_scored(tiny, photos):
    model = detlite.read(tiny.model.parent)
    untrained = replace(model, history=({**model.history[0], "random_weights": 0},))
    with pytest.raises(detlite.InputError, match="has random weights, according to its history"):
        detlite.agreement(untrained, tiny, photos)


def test_a_measurement_has_the_latency_of_queries_and_of_the_interpreter(tiny):
    found = detlite.measure(detlite.read(tiny.model.parent))
    assert 0 < found.invoke.p50_ms <= found.latency.p50_ms
    assert found.scenario == "single-stream"


def test_two_models_are_measured_in_turn(tiny):
    found = detlite.measure_against(tiny, tiny, samples=20, min_seconds=0.0)
    low, high = found.against.invoke_p50_ratio_interval
    assert (found.samples, found.against.measurement.samples) == (20, 20)
    assert low <= found.against.invoke_p50_ratio <= high


def test_a_model_is_measured_on_a_device_by_the_inventorys_program(tmp_path, monkeypatch):
    made = pixel(tmp_path / "phone")
    monkeypatch.setenv("PATH", f"{fake_ssh(tmp_path / 'ssh', made)}:/usr/bin:/bin")
    program, model = tmp_path / "benchmark_model", tmp_path / "model.tflite"
    program.write_text("#!/bin/sh\necho 'ERROR: Benchmarking failed.' >&2; exit 1\n")
    model.write_bytes(b"a model")
    device = detlite.Device("p8", "pixel", address="p8.lan", work=str(tmp_path / "work"), benchmark_model=program)
    with pytest.raises(detlite.DeviceError, match="p8: benchmark_model ended with status 1: ERROR: Benchmarking"):
        detlite.measure_on(device, detlite.Artifact(model, None))


def test_a_device_that_is_not_in_the_inventory_is_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(detlite.InputError, match="pixel99"):
        detlite.measure_on("pixel99", tiny)


def test_a_precision_of_an_artifact_is_refused_not_ignored(tiny):
    device = detlite.Device("orin", "jetson", address="orin")
    with pytest.raises(detlite.InputError, match=r"a precision of fp16 needs an \.onnx model and a jetson"):
        detlite.measure_on(device, tiny, precision="fp16")


def test_two_recorded_runs_are_compared(tmp_path):
    before, after = (write(tmp_path / f"{value}.json", accuracy(value)) for value in (30.0, 20.0))
    found = detlite.compare_runs(before, after, fail_on=["map=-0.3"])
    assert found.kind == "accuracy"
    assert [(change.name, change.first.value, change.second.value) for change in found.findings] == [
        ("map", 30.0, 20.0)
    ]


def test_a_model_is_not_the_record_of_a_run(tiny):
    with pytest.raises(detlite.InputError, match="is not the record of a run"):
        detlite.compare_runs(tiny.model, tiny.model)


def test_a_format_that_is_not_known_is_refused(tiny):
    with pytest.raises(detlite.UnknownNameError, match="no exporter is called 'tflit'; did you mean 'tflite'"):
        detlite.export(tiny, "tflit")


def test_a_model_is_not_exported_to_its_own_format(tiny):
    with pytest.raises(detlite.InputError, match="the model is TFLite already"):
        detlite.export(detlite.read(tiny.model.parent), "tflite")


def test_an_edge_tpu_is_predicted_without_its_compiler(tiny):
    model = replace(detlite.read(tiny.model.parent), data=tiny_int8_model())
    prediction = detlite.predict_edgetpu(model)
    assert len(prediction.mapped) + prediction.unmapped_count == len(prediction.fates) == 3


def test_devices_are_listed_without_asking_them(tmp_path):
    (tmp_path / "lab.toml").write_text('[orin]\nkind = "jetson"\naddress = "orin"\n')
    for listed in (detlite.list_devices, detlite.devices):
        assert [device.name for device in listed(tmp_path / "lab.toml")] == ["host", "orin"]


@pytest.mark.slow
def test_the_tour_runs_on_a_tiny_model(tiny, photos, tmp_path):
    tour = Path(__file__).parents[2] / "examples" / "library_tour.py"
    command = [sys.executable, tour, tiny.model.parent, photos, tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("8 x 6 pixels, 3 classes")
    assert "operators on the Edge TPU" in done.stdout
    assert "no such model is not a file or folder here" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["drawn", "float", "int8"]


def test_a_trained_model_is_read_as_float32_with_raw_heads(tmp_path):
    from builders.model_files import write_frozen

    model = detlite.read(write_frozen(tmp_path / "source"))
    assert (model.format, model.contract.image.dtype, model.contract.labels) == (
        "tflite",
        "float32",
        ("cat", "dog", "kite"),
    )
    assert [output.role for output in model.contract.outputs] == ["box_encodings", "class_scores"]


@pytest.mark.slow
def test_a_trained_model_is_converted_quantized_and_saved(tmp_path, photos):
    from builders.command_line import Detlite
    from builders.model_files import write_frozen

    write_frozen(tmp_path / "source")
    run = Detlite(tmp_path)
    assert run("convert", "source", "-o", "float").status == 0
    assert run("quantize", "float", "-o", "int8", "--images", "photos", "--choice", "first").status == 0
    model = detlite.read(tmp_path / "source")
    int8 = detlite.quantize(model, detlite.images(photos))
    model.save(tmp_path / "float again")
    int8.save(tmp_path / "int8 again")
    for folder in ("float", "int8"):
        files = sorted(path.name for path in (tmp_path / folder).iterdir())
        assert files == sorted(path.name for path in (tmp_path / f"{folder} again").iterdir())
        model_file = tmp_path / f"{folder} again" / "model.tflite"
        assert model_file.read_bytes() == (tmp_path / folder / "model.tflite").read_bytes()
    assert (tmp_path / "int8 again" / "ranges.json").read_bytes() == (tmp_path / "int8" / "ranges.json").read_bytes()


def test_a_quantized_model_is_that_of_the_command_line(tiny, photos, tmp_path):
    from builders.command_line import Detlite

    assert Detlite(tmp_path)("quantize", "tiny", "-o", "int8", "--images", "photos", "--choice", "first").status == 0
    detlite.quantize(tiny, photos).save(str(tmp_path / "again"))
    names = ["contract.json", "history.json", "labels.txt", "model.tflite", "ranges.json"]
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == names
    for name in set(names) - {"history.json"}:  # it says in other words how the images were chosen
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "int8" / name).read_bytes()


@pytest.mark.parametrize(("codes", "are"), [("rescaled", True), ("as-trained", False)])
def test_box_codes_are_those_that_are_asked_for(tmp_path, codes, are):
    write_images(tmp_path)
    made = detlite.quantize(detector(columns=(0.1, 0.1, 0.4, 0.4)), tmp_path, box_codes=codes)
    assert are_rescaled(made.contract) is are


def test_models_of_video_are_compared_on_a_folder_of_videos(tmp_path):
    clip_reader().save(tmp_path / "clips")
    (tmp_path / "videos").mkdir()
    for number in range(2):
        write_video(tmp_path / "videos" / f"{number}.mkv", [grey(10 * n) for n in range(6)])
    found = detlite.agreement(tmp_path / "clips", tmp_path / "clips", tmp_path / "videos", clips=3)
    assert (found.fidelity.value, found.counts["images"], found.counts["answers"]) == (100, 2, 6)
    alone = detlite.agreement(tmp_path / "clips", tmp_path / "clips", tmp_path / "videos" / "1.mkv")
    assert alone.counts["answers"] == 1


def test_a_stream_is_quantized_with_a_folder_of_videos(tmp_path):
    (tmp_path / "clips").mkdir()
    write_scenes(tmp_path / "clips" / "a.mkv", 0, 200, each=12)
    made = detlite.quantize(conv_stream(), tmp_path / "clips")
    assert [one.dtype for one in made.contract.inputs[1:]] == ["int8", "float32", "float32"]
    assert made.history[-1]["videos"] == 1
