"""MediaPipe Tasks and the TFLite Task Library load what is packaged, and find what detlite finds."""

import json
import resource
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from builders.float_models import FloatNet
from builders.tiny_tasks import tiny_task
from PIL import Image

from detlite.accuracy.detect import detect
from detlite.convert.artifact import open_artifact
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads
from detlite.devices.packaging.android.identity import ALIKE, BEFORE, OWN
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.tensors import Output

pytestmark = [pytest.mark.slow, pytest.mark.data]

CLIENTS = ("mediapipe", "tflite-support")
FAMILIES = ("ssdlite_mobiledet_edgetpu", "ssd_spaghettinet_edgetpu_s", "efficientdet_d0")
IMAGES, FEW_IMAGES = 20, 4
WIDTHS_AND_HEIGHTS = ((600, 600), (900, 900), (1200, 600), (300, 480), (480, 300), (200, 310), (1500, 900), (300, 300))
SURE, AHEAD = 0.6, 0.1  # a best detection that another resizing does not make the second best
DISPLAY = """
import sys
from tflite_support import metadata
from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version as version
shown = metadata.MetadataDisplayer.with_model_file(sys.argv[1])
print(version.GetMinimumMetadataParserVersion(bytes(shown.get_metadata_buffer())))
print(*shown.get_packed_associated_file_list())
print(shown.get_metadata_json())
"""


@pytest.fixture(scope="module")
def photos(models, shared_data, tmp_path_factory):
    """A list of the first photos of COCO val in which the model *name* has a clear best detection."""

    def choose(name):
        paths = sorted((shared_data / "coco" / "val" / "images").iterdir())[:60]
        found = detect(open_artifact(models[name]), paths)
        clear = []
        for index, path in enumerate(paths):
            scores = [*found.of_image(index)[2], 0.0]
            if scores[0] >= SURE and scores[0] - scores[1] >= AHEAD:
                clear.append(path)
        assert len(clear) >= IMAGES
        listed = tmp_path_factory.mktemp("photos") / "list.txt"
        listed.write_text("".join(f"{path}\n" for path in clear[:IMAGES]))
        return listed

    return choose


def measured(run, model, client_python, images, *options):
    """The records of `detlite package` on how the clients' detections differ, by client and by who resized."""
    clients = [option for name in CLIENTS for option in ("--client", client_python(name))]
    done = run(
        "package", model, "--android", "--name", "x", *clients, "--images", images, *options, "-o", "x", "--json"
    )
    assert done.status == 0, done.err
    return {(one["client"].split()[0], one["resized_by"]): one for one in json.loads(done.out)["clients"]}


@pytest.mark.parametrize("name", ["float", "int8", "uint8"])
def test_real_detectors_find_the_same_in_both_clients(name, models, photos, client_python, detlite_in, tmp_path):
    records = measured(detlite_in(tmp_path), models[name], client_python, photos(name))
    print(json.dumps(list(records.values())))
    for client in CLIENTS:
        for resized_by in (ALIKE, BEFORE):  # the same pixels go in
            same = records[client, resized_by]
            assert same["same_class"] == same["compared"] == IMAGES
            assert same["box_difference_max"] <= 0.02  # whole pixels, and MediaPipe's boxes moved into the image
            assert same["score_difference_max"] <= 0.0005
        own = records[client, OWN]  # an int8 model's box moves by 0.015 where but the rounding of pixels differs
        assert own["same_class"] >= IMAGES - 1
        assert own["box_difference_max"] <= 0.04


def test_detlite_resizes_as_the_clients_do_at_whole_factors_and_upwards(
    models, photos, client_python, detlite_in, tmp_path
):
    paths = [Path(line) for line in photos("float").read_text().splitlines()]
    (tmp_path / "photos").mkdir()
    for number, (path, size) in enumerate(zip(paths, WIDTHS_AND_HEIGHTS, strict=False)):
        Image.open(path).convert("RGB").resize(size).save(tmp_path / "photos" / f"{number}.png")
    records = measured(detlite_in(tmp_path), models["float"], client_python, tmp_path / "photos")
    for client in CLIENTS:
        same = records[client, ALIKE]
        assert same["compared"] == same["same_class"] > len(WIDTHS_AND_HEIGHTS) // 2
        assert same["score_difference_max"] <= 0.0005


@pytest.mark.parametrize("family", FAMILIES)
def test_random_detectors_score_the_same_in_both_clients(family, shared_data, client_python, detlite_in, tmp_path):
    run = detlite_in(tmp_path)
    made = run("convert", "--family", family, "--random-weights", 0, "--heads", "postprocess", "-o", "made")
    assert made.status == 0, made.err
    images = tmp_path / "list.txt"
    paths = sorted((shared_data / "coco" / "val" / "images").iterdir())[:FEW_IMAGES]
    images.write_text("".join(f"{path}\n" for path in paths))
    records = measured(run, "made", client_python, images)
    for client in CLIENTS:
        for resized_by in (ALIKE, BEFORE):
            assert records[client, resized_by]["compared"] == FEW_IMAGES
            assert records[client, resized_by]["score_difference_max"] <= 0.0005


def test_tflite_support_reads_the_metadata_as_it_was_meant(models, client_python, detlite_in, tmp_path):
    run = detlite_in(tmp_path)
    assert run("package", models["float"], "--android", "--name", "demo", "-o", "out").status == 0
    model = tmp_path / "out/src/main/assets/demo/model.tflite"
    program = [client_python("tflite-support"), "-I", "-c", DISPLAY, model]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    version, files, text = done.stdout.split("\n", 2)
    record = json.loads(text)
    assert (version, files) == ("1.2.0", "labels.txt")
    assert record["min_parser_version"] == version
    subgraph = record["subgraph_metadata"][0]
    normalization = subgraph["input_tensor_metadata"][0]["process_units"][0]["options"]
    assert normalization == {"mean": [127.5], "std": [127.5]}
    names = [tensor["name"] for tensor in subgraph["output_tensor_metadata"]]
    assert names == ["location", "category", "score", "number of detections"]


def test_packaging_an_int8_model_takes_under_2_s_of_the_processor(models, detlite_in, tmp_path):
    run = detlite_in(tmp_path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run("package", models["int8"], "--android", "-o", "out").status == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 2  # 0.6 s, its start included


def listed(folder, paths):
    file = folder / "list.txt"
    file.write_text("".join(f"{path}\n" for path in paths))
    return file


def test_a_real_classifier_ranks_the_same_in_both_clients(shared_data, client_python, detlite_in, tmp_path):
    model = shared_data / "tfvision/models/mobilenet_v2_1.0_224_quant.tflite"
    photos = sorted((shared_data / "tfvision/imagenet_samples").glob("*.jpg"))[:FEW_IMAGES]
    images = listed(tmp_path, photos)
    records = measured(detlite_in(tmp_path), model, client_python, images, "--replace-metadata")
    assert set(records) == {(client, BEFORE) for client in CLIENTS}  # the app's code crops, not the client
    for record in records.values():
        assert record["same_class"] == record["images"] == FEW_IMAGES
        assert record["score_difference_max"] <= 0.0005


def test_a_classifier_that_stretches_scores_the_same_in_both_clients(shared_data, client_python, detlite_in, tmp_path):
    tiny_task("classification").save(tmp_path / "net")
    images = listed(tmp_path, sorted((shared_data / "coco" / "val" / "images").iterdir())[:FEW_IMAGES])
    records = measured(detlite_in(tmp_path), "net", client_python, images)
    for client in CLIENTS:
        for resized_by in (ALIKE, BEFORE):
            assert records[client, resized_by]["same_class"] == FEW_IMAGES
            assert records[client, resized_by]["score_difference_max"] <= 0.0005


def test_a_real_segmenter_finds_the_same_in_both_clients(shared_data, client_python, detlite_in, tmp_path):
    model = shared_data / "tfvision/models/deeplabv3_mnv2_pascal_quant.tflite"
    images = listed(tmp_path, sorted((shared_data / "tfvision/segmentation").glob("2011_*.jpg"))[:FEW_IMAGES])
    records = measured(detlite_in(tmp_path), model, client_python, images)
    assert records["tflite-support", BEFORE]["same_pixels_least"] == 100.0
    # XNNPACK, in MediaPipe alone, rounds some of the uint8 numbers to a neighbour: equal scores, another best one
    assert records["mediapipe", BEFORE]["same_pixels_least"] >= 98.0


def whole_segmenter():
    """A segmenter whose map has the input's size, so that no client lets it grow in its own way."""
    model = tiny_task("segmentation")
    side = model.contract.image.height
    net = FloatNet((1, side, side, 3))
    logits = net.conv(net.conv(net.image, 8), len(model.contract.labels), window=1)
    made = load(net.finish(logits), "made in a test")
    name_heads(made, {"class_scores": logits})
    output = Output("class_scores", "class_scores", 0, net.shape(logits), "float32")
    return Model(dump(made), "tflite", replace(model.contract, outputs=(output,)), model.history)


@pytest.mark.parametrize("padded", [True, False])
def test_a_float_segmenter_finds_the_same_in_mediapipe(padded, shared_data, client_python, detlite_in, tmp_path):
    model = whole_segmenter()
    letterbox = Letterbox("bottom_right", (124.0, 116.0, 104.0), "half_even") if padded else None
    contract = model.contract.with_image(replace(model.contract.image, letterbox=letterbox))
    Model(model.data, "tflite", contract, model.history).save(tmp_path / "net")
    images = listed(tmp_path, sorted((shared_data / "coco" / "val" / "images").iterdir())[:FEW_IMAGES])
    records = measured(detlite_in(tmp_path), "net", client_python, images)
    assert set(records) == {(client, way) for client in CLIENTS for way in ([BEFORE] if padded else [OWN, BEFORE])}
    assert records["mediapipe", BEFORE]["same_pixels_least"] == 100.0
    # the Task Library takes class 0 where no score is over 0, and these are logits
    assert records["tflite-support", BEFORE]["same_pixels_least"] < 100.0
