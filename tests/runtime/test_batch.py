"""A model that takes several images in one run: each gets its own result, whatever the others are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders.float_detector import SIDE, detector, write_images
from builders.tiny_tasks import tiny_task

from detlite.accuracy.evaluation import EvaluationOptions, evaluate_agreement
from detlite.accuracy.images import Images
from detlite.accuracy.outputs import contract_findings
from detlite.cli import main
from detlite.convert.exporter import export_model
from detlite.convert.model import session_of
from detlite.runtime.child_calls import heads
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import ContractError
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import silent
from detlite.runtime.stream import detect_stream

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

BATCH = 3


@pytest.fixture(scope="module")
def batched():
    """The small detector as .onnx for 3 images."""
    return export_model(detector(), "onnx", {"batch": BATCH})


@pytest.fixture(scope="module")
def alone():
    """The same for one."""
    return export_model(detector(), "onnx")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """7 images: two batches and one left over."""
    return write_images(tmp_path_factory.mktemp("images"), count=7)


def assert_same(found, want):
    np.testing.assert_allclose(found.boxes, want.boxes, atol=1e-6)
    np.testing.assert_array_equal(found.classes, want.classes)
    np.testing.assert_allclose(found.scores, want.scores, atol=1e-6)


def test_the_contract_says_how_many_images_a_run_takes(batched):
    record = json.loads(batched.contract.to_json())
    assert (record["schema_version"], record["inputs"][0]["batch"]) == (3, BATCH)
    assert contract_from_json(batched.contract.to_json()).to_json() == batched.contract.to_json()
    assert [tensor.shape for tensor in batched.contract.image.tensors] == [(BATCH, SIDE, SIDE, 3)]


def test_outputs_of_another_batch_than_the_input_s_are_refused(batched):
    image = replace(batched.contract.image, batch=2)
    with pytest.raises(ContractError, match=r"output box_encodings has shape \(3, 64, 4\): want a batch of 2 first"):
        replace(batched.contract, inputs=(image,))


@pytest.mark.parametrize("count", [1, 2, BATCH])
def test_each_image_of_a_run_gets_its_own_result(batched, alone, paths, count):
    images = [read_image(path) for path in paths[:count]]
    single = session_of(alone)
    found = session_of(batched).run_batch(images)
    assert len(found) == count
    for one, image in zip(found, images, strict=True):
        assert_same(one, single.run(image))


@pytest.mark.parametrize("kind", ["classification", "instances", "keypoints", "segmentation"])
def test_other_tasks_run_in_batches_too(kind, paths):
    images = [read_image(path) for path in paths[:2]]
    model = tiny_task(kind)
    single = session_of(export_model(model, "onnx"))
    found = session_of(export_model(model, "onnx", {"batch": BATCH})).run_batch(images)
    for one, image in zip(found, images, strict=True):
        scores, wanted = ([round(thing.score, 5) for thing in result.above(0.0)] for result in (one, single.run(image)))
        assert scores == wanted


def test_more_images_than_the_batch_are_refused(batched, paths):
    images = [read_image(path) for path in paths[:4]]
    with pytest.raises(ContractError, match="4 images for one run: the model takes 1 to 3"):
        session_of(batched).run_batch(images)


def test_a_single_image_fills_the_whole_batch(batched, alone, paths):
    image = read_image(paths[0])
    assert_same(session_of(batched).run(image), session_of(alone).run(image))


def test_a_stream_of_images_runs_in_batches_and_comes_in_order(batched, alone, paths):
    session, single, runs = session_of(batched), session_of(alone), []
    invoke = session.invoke
    session.invoke = lambda tensor, size: (runs.append(len(tensor)), invoke(tensor, size))
    found = list(detect_stream(batched.contract, lambda: session, paths))
    assert runs == [3, 3, 1]
    for one, path in zip(found, paths, strict=True):
        assert_same(one.result, single.run(read_image(path)))


@pytest.mark.slow
def test_the_agreement_of_a_batch_with_its_tflite_model_is_that_of_one_image(batched, paths, tmp_path):
    model = detector()
    found = evaluate_agreement(
        batched.save(tmp_path / "batch"),
        model.save(tmp_path / "one"),
        Images(paths, "made in a test"),
        EvaluationOptions(),
    )
    assert found.result.fidelity.value == pytest.approx(100, abs=0.01)


@pytest.mark.slow
def test_detect_writes_the_same_of_a_batch_and_names_what_it_cannot_read(batched, alone, paths, tmp_path, capsys):
    files = []
    for number, path in enumerate(paths):
        from PIL import Image

        files.append(tmp_path / f"{number}.png")
        Image.fromarray(np.load(path)).save(files[-1])
    files.insert(1, tmp_path / "damaged.png")
    files[1].write_bytes(b"no image")
    records = {}
    for name, model in (("batch", batched), ("one", alone)):
        model.save(tmp_path / name)
        words = ["detect", tmp_path / name, *files, "--json", "--score-threshold", "0.1"]
        assert main(list(map(str, words))) in (0, 1)
        records[name] = json.loads(capsys.readouterr().out)
    assert [one["image"] for one in records["batch"]["images"]] == [one["image"] for one in records["one"]["images"]]
    assert len(records["batch"]["unread"]) == 1
    for one, other in zip(records["batch"]["images"], records["one"]["images"], strict=True):
        scores = [[found["score"] for found in image["detections"]] for image in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-6)


@pytest.mark.slow
def test_a_query_of_a_measurement_is_a_run_of_the_batch(batched, paths, tmp_path, capsys):
    artifact = batched.save(tmp_path / "batch").model.parent
    options = ["--queries", "40", "--processes", "1", "--min-seconds", "0", "--images", str(paths[0].parent), "--json"]
    assert main(["measure", str(artifact), "--scenario", "single-stream", *options]) in (0, 1)
    record = json.loads(capsys.readouterr().out)
    assert record["figures"]["images_per_query"] == BATCH
    rate = BATCH / record["latency"]["mean_ms"] * 1e3
    assert record["figures"]["images_per_second"] == pytest.approx(rate)
    assert "a query is one run of 3 images: its time is that of all of them" in record["cautions"]
    assert len(record["images"]) == 7


def test_a_scenario_that_counts_single_images_is_refused(batched, tmp_path, capsys):
    artifact = batched.save(tmp_path / "batch").model.parent
    assert main(["measure", str(artifact), "--scenario", "offline"]) == 2
    assert "the model takes 3 images in one run: measure it with --scenario single-stream" in capsys.readouterr().err


def test_the_heads_of_files_come_from_runs_of_whole_batches(batched, alone, paths, tmp_path):
    found = []
    for name, model in (("batched", batched), ("alone", alone)):
        artifact = model.save(tmp_path / name)
        asked = {"model": str(artifact.model), "contract": artifact.contract.to_json(), "threads": 1}
        heads({**asked, "images": list(map(str, paths)), "out": str(tmp_path / "heads.npz")}, silent)
        with np.load(tmp_path / "heads.npz") as arrays:
            found.append(arrays["class_scores"])
    assert found[0].shape[0] == 7
    np.testing.assert_allclose(*found, atol=1e-6)
    assert np.abs(found[0][0] - found[0][1]).max() > 1e-3


@pytest.mark.parametrize("options", [{"batch": BATCH}, {"layout": "nchw"}])
def test_the_same_model_with_a_batch_or_another_layout_is_comparable(options, alone):
    assert list(contract_findings(export_model(detector(), "onnx", options).contract, alone.contract)) == []
