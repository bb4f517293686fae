"""The folder for MLPerf's vision app: the .onnx, LoadGen's settings, what starts the app, and the steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from detlite.convert.artifact import history_json, open_artifact, prepare_output, step, write_folder
from detlite.convert.exporter import export_model
from detlite.convert.model import TFLITE, Model, model_of
from detlite.convert.onnx.mlperf import PROFILES, AppProfile, profile_of
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS
from detlite.runtime.errors import InputError
from detlite.runtime.measure.presets import QSL_SEED, SAMPLE_SEED, SCHEDULE_SEED, preset_called
from detlite.runtime.tasks.detection import detection_of

FILES = Path(__file__).with_name("files")
COPIED = ("README.md", "run.sh", "run_main.py")
RULES = "mlperf.conf"
SETTINGS = "user.conf"
MODEL = "model.onnx"
PLACE = "@{}@"
"""What stands in the files for a value of the profile."""


def packed_for_mlperf(path: Path, out: Path, *, force: bool = False) -> Model:
    """Write the folder *out* for the detector at *path*, and return the model in it.

    Raises:
        InputError: it is no detector of a size that the app has a profile for, or cannot have its interface, or *out*
            cannot be written.
        MissingToolError: the package `onnx` is not installed.
    """
    prepare_output(out, force=force)
    model, profile = _with_interface(model_of(open_artifact(path)), path)
    done = step("package", input_sha256=model.sha256, target="mlperf", profile=profile.name, output_sha256=model.sha256)
    texts = {name: _text(name, profile) for name in (*COPIED, SETTINGS)} | {RULES: rules(profile)}
    files = {
        **texts,
        CONTRACT: model.contract.to_json(),
        LABELS: "".join(f"{label}\n" for label in model.contract.labels),
        HISTORY: history_json((*model.history, done), (MODEL, *texts)),
    }
    write_folder(out, {MODEL: model.data, **{name: text.encode() for name, text in files.items()}}, force=force)
    return model


def _text(name: str, profile: AppProfile) -> str:
    """Return the file *name* of `files/` with the values of *profile*."""
    text = (FILES / name).read_text(encoding="utf-8")
    for key in ("name", "benchmark", "side", "classes"):
        text = text.replace(PLACE.format(key), str(getattr(profile, key)))
    return text


def _with_interface(model: Model, path: Path) -> tuple[Model, AppProfile]:
    """Return *model* as .onnx with the interface that the app has for images of its size, and that profile."""
    detection_of(model.contract)
    image = model.contract.image
    size = (image.height, image.width)
    fitting = [(name, profile) for name, profile in PROFILES.items() if size == (profile.side, profile.side)]
    if not fitting:
        sizes = " and to ".join(f"{one.side} x {one.side} for {one.name}" for one in PROFILES.values())
        raise InputError(
            f"{path} takes images of {image.height} x {image.width}: MLPerf's app resizes to {sizes}, and has "
            "no profile for another size"
        )
    ((interface, profile),) = fitting
    if model.format == TFLITE:
        return export_model(model, "onnx", {"interface": interface}), profile
    if profile_of(model.contract) is not profile:
        raise InputError(
            f"{path} is an .onnx without MLPerf's interface: give the .tflite artifact that it was made of, or export "
            f"it with --interface {interface}"
        )
    return model, profile


def rules(profile: AppProfile) -> str:
    """Return LoadGen's settings by the rules of MLPerf v1.0, as its `mlperf.conf` writes them."""
    preset = preset_called(f"mlperf-v1.0-{profile.benchmark}")
    lines: Mapping[str, object] = {
        "*.*.qsl_rng_seed": QSL_SEED,
        "*.*.sample_index_rng_seed": SAMPLE_SEED,
        "*.*.schedule_rng_seed": SCHEDULE_SEED,
        f"{profile.benchmark}.*.performance_sample_count_override": preset.sample_count,
        "*.SingleStream.target_latency_percentile": 90,
        "*.SingleStream.min_query_count": preset.queries["single-stream"],
        "*.SingleStream.min_duration": int(preset.min_duration_s * 1000),
        "*.Offline.min_duration": int(preset.min_duration_s * 1000),
        "*.Offline.min_sample_count": preset.offline_samples,
    }
    return f"# the rules of MLPerf v1.0 for {profile.benchmark}\n" + "".join(
        f"{key} = {value}\n" for key, value in lines.items()
    )
