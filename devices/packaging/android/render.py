"""The text files of a package, from templates: Kotlin, Gradle, README."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from detlite.accuracy.client_resize import CLIENT_RESIZES
from detlite.convert.model import digest
from detlite.devices.packaging.android.app_task import app_task
from detlite.devices.packaging.android.figures import SCORES
from detlite.devices.packaging.android.manifest import Measured, is_trained, rule_in_words
from detlite.devices.packaging.android.naming import Naming
from detlite.devices.packaging.android.states import Rescaling, app_states
from detlite.devices.packaging.android.variant import Variant
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.version import __version__

LABELS_A_FUNCTION = 500  # a method of the JVM has at most 64 KiB of code
SCORE_NAMES = {"top1": "top-1 accuracy", "miou": "mean IoU", "fidelity": "fidelity to another model"}
FEW_THREADS, MANY_THREADS = 1, 4
LITERT, LITERT_GPU = "com.google.ai.edge.litert:litert:1.4.2", "com.google.ai.edge.litert:litert-gpu:1.4.2"
MEDIAPIPE = "com.google.mediapipe:tasks-vision:0.10.29"


def kotlin_files(naming: Naming, variants: Sequence[Variant], manifest: bytes) -> dict[str, bytes]:
    """Return the Kotlin sources by path: constants, preprocessing, and a wrapper for each client that runs it."""
    wrapper = app_task(variants[0].contract).wrapper
    facts = {
        **_named(naming, variants),
        "labels": list(_pieces(variants[0].contract.labels)),
        "fingerprint": fingerprint(naming.name, manifest),
    }
    templates = {
        "Model": f"{wrapper}Model",
        "Image": "Image",
        wrapper: wrapper,
    }
    if facts["has_mediapipe"]:
        templates[f"MediaPipe{wrapper}"] = f"MediaPipe{wrapper}"
    return {
        f"{naming.source_folder}/{naming.prefix}{kind}.kt": render(f"{template}.kt.j2", facts).encode("ascii")
        for kind, template in templates.items()
    }


def _named(naming: Naming, variants: Sequence[Variant]) -> dict[str, Any]:
    """Return the facts that code and README both need."""
    first = variants[0].contract
    task, states = app_task(first), {variant.use: app_states(variant.data, variant.contract) for variant in variants}
    return {
        "naming": naming,
        "variants": variants,
        "first": first,
        "prepares": prepares(first.image) and not first.is_stream,
        "has_mediapipe": not first.is_stream,
        "states": states,
        "rescales": any(state.rescaling for each in states.values() for state in each),
        "wrapper": task.wrapper,
        "thing": task.thing,
        "max_threads": max_threads(first),
        "version": __version__,
    }


def prepares(image: ImageInput) -> bool:
    """Return whether the app's code has to crop or pad images for a client, which stretches them."""
    return image.crop is not None or image.letterbox is not None


def gradle_files(pack: str | None, *, ai_pack: bool, has_mediapipe: bool) -> dict[str, bytes]:
    """Return the lines for the app's build script, in both of Gradle's languages; *pack* is a pack's module."""
    facts = {"litert": LITERT, "mediapipe": MEDIAPIPE, "has_mediapipe": has_mediapipe, "pack": pack, "ai_pack": ai_pack}
    return {f"gradle/{name}": render(f"{name}.j2", facts).encode("ascii") for name in ("app.gradle.kts", "app.gradle")}


def readme(
    naming: Naming, variants: Sequence[Variant], measured: Measured, extras: Sequence[str], *, delivery: str | None
) -> bytes:
    """Return the README for the app's developer; *extras* are further files beside it."""
    wrapper = app_task(variants[0].contract).wrapper
    facts = {
        **_named(naming, variants),
        "p": naming.prefix,
        "image": variants[0].contract.image,
        "rule": rule_in_words(variants[0].contract.image),
        "measured": measured,
        "extras": extras,
        "delivery": delivery,
        "is_trained": is_trained(variants),
        "litert": LITERT,
        "litert_gpu": LITERT_GPU,
        "mediapipe": MEDIAPIPE,
    }
    return render(f"{wrapper}README.md.j2", facts).encode("utf-8")


def fingerprint(name: str, manifest: bytes) -> str:
    """Return the constant that ties an app's code to its assets: the package's name and the manifest's sha256."""
    return f"detlite/{name}/{digest(manifest)}"


def max_threads(contract: Contract) -> int:
    """Return the safe number of threads: the op's regular NMS loses a class with more than one (TensorFlow 56058)."""
    task = contract.task
    return FEW_THREADS if isinstance(task, Detection) and task.nms.kind == "regular" else MANY_THREADS


def render(template: str, facts: dict[str, Any]) -> str:
    """Return *template* filled with *facts*; a missing fact is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("detlite.devices.packaging.android", package_path="templates"),
        autoescape=False,  # noqa: S701  # Kotlin and Markdown; outside text goes through `kotlin_string` or `one_line`
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        kotlin=kotlin_string,
        digest=digest,
        megabytes=megabytes,
        line=one_line,
        channels=channels,
        rescaling=rescaling,
        state_bytes=lambda state: state.count * state.item_bytes,
        accuracy=accuracy,
        counted=counted,
    )
    return environment.get_template(template).render(**facts)


def kotlin_string(text: str) -> str:
    """Return *text* as a Kotlin string literal, in ASCII."""
    return json.dumps(text, ensure_ascii=True).replace("$", "\\$")


def one_line(text: object) -> str:
    """Return *text* for Markdown: one line, with the special characters of Markdown and HTML escaped."""
    plain = " ".join(str(text).split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in plain)


def channels(values: Sequence[float]) -> str:
    """Return the values of red, green and blue; one number if all are equal."""
    return f"{values[0]:g}" if len(set(values)) == 1 else "(" + ", ".join(f"{value:g}" for value in values) + ")"


def rescaling(found: Rescaling) -> str:
    """Return *found* as a Kotlin expression."""
    left, taken = found.left, found.taken
    numbers = (left.scale, left.zero_point, taken.scale, taken.zero_point, found.low, found.high)
    return f"Rescaling({', '.join(f'{np.float32(number)}f' for number in numbers)})"


def megabytes(data: bytes) -> str:
    """Return the size of *data* in megabytes, to two decimals."""
    return f"{len(data) / 1e6:.2f} MB"


def accuracy(record: Mapping[str, Any]) -> str:
    """Return an accuracy *record* as text: scores, number of images, and the client's resizing if any."""
    metric = f" ({one_line(record['metric'])})" if "metric" in record else ""
    names = {"map": f"mAP{metric}", **SCORE_NAMES}
    scores = " and ".join(f"{names[key]} {record[key]:.2f} %" for key in SCORES if key in record)
    protocol = record.get("protocol")
    rule = str(protocol.get("resize")) if isinstance(protocol, dict) else ""
    way = f", resized {CLIENT_RESIZES[rule].split(':')[0]}" if rule in CLIENT_RESIZES else ""
    return f"{scores} on {counted(record['images'], 'image')}{way}"


def _pieces(labels: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(labels), LABELS_A_FUNCTION):
        yield labels[begin : begin + LABELS_A_FUNCTION]
