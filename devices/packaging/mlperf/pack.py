"""The folder for MLPerf's vision app: the .onnx, LoadGen's settings, what starts the app, and the steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from detlite.convert.artifact import history_json, open_artifact, prepare_output, step, write_folder
from detlite.convert.exporter import export_model
from detlite.convert.model import TFLITE, Model, model_of
from detlite.convert.onnx.mlperf import IMAGE
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS
from detlite.runtime.errors import InputError
from detlite.runtime.measure.presets import QSL_SEED, SAMPLE_SEED, SCHEDULE_SEED, preset_called

PROFILE = "ssd-mobilenet-onnxruntime"
SIDE = 300
"""The app's data set `coco-300` resizes every image to this."""

PRESET = "mlperf-v1.0-ssd-mobilenet"
FILES = Path(__file__).with_name("files")
COPIED = ("README.md", "run.sh", "run_main.py")
RULES = "mlperf.conf"
SETTINGS = "user.conf"
MODEL = "model.onnx"
COCO_LABELS = 90


def packed_for_mlperf(path: Path, out: Path, *, force: bool = False) -> Model:
    """Write the folder *out* for the detector at *path*, and return the model in it.

    Raises:
        InputError: it is no detector of 300 x 300 pixels that can have the app's interface, or *out* cannot be written.
        MissingToolError: the package `onnx` is not installed.
    """
    prepare_output(out, force=force)
    model = _with_interface(model_of(open_artifact(path)), path)
    image = model.contract.image
    if (image.height, image.width) != (SIDE, SIDE):
        raise InputError(
            f"{path} takes images of {image.height} x {image.width}: MLPerf's app resizes to {SIDE} x {SIDE} for "
            f"{PROFILE}, and has no profile for another size with this interface"
        )
    done = step("package", input_sha256=model.sha256, target="mlperf", profile=PROFILE, output_sha256=model.sha256)
    texts = {name: (FILES / name).read_text(encoding="utf-8") for name in COPIED}
    texts |= {RULES: rules(), SETTINGS: (FILES / SETTINGS).read_text(encoding="utf-8")}
    files = {
        **texts,
        CONTRACT: model.contract.to_json(),
        LABELS: "".join(f"{label}\n" for label in model.contract.labels),
        HISTORY: history_json((*model.history, done), (MODEL, *texts)),
    }
    write_folder(out, {MODEL: model.data, **{name: text.encode() for name, text in files.items()}}, force=force)
    return model


def _with_interface(model: Model, path: Path) -> Model:
    """Return *model* as .onnx with the interface of the app."""
    if model.format == TFLITE:
        return export_model(model, "onnx", {"interface": "mlperf"})
    if model.contract.image.name != IMAGE:
        raise InputError(
            f"{path} is an .onnx without MLPerf's interface: give the .tflite artifact that it was made of, or export "
            "it with --interface mlperf"
        )
    return model


def rules() -> str:
    """Return LoadGen's settings by the rules of MLPerf v1.0, as its `mlperf.conf` writes them."""
    preset = preset_called(PRESET)
    lines: Mapping[str, object] = {
        "*.*.qsl_rng_seed": QSL_SEED,
        "*.*.sample_index_rng_seed": SAMPLE_SEED,
        "*.*.schedule_rng_seed": SCHEDULE_SEED,
        "ssd-mobilenet.*.performance_sample_count_override": preset.sample_count,
        "*.SingleStream.target_latency_percentile": 90,
        "*.SingleStream.min_query_count": preset.queries["single-stream"],
        "*.SingleStream.min_duration": int(preset.min_duration_s * 1000),
        "*.Offline.min_duration": int(preset.min_duration_s * 1000),
        "*.Offline.min_sample_count": preset.offline_samples,
    }
    return "# the rules of MLPerf v1.0 for ssd-mobilenet\n" + "".join(
        f"{key} = {value}\n" for key, value in lines.items()
    )
