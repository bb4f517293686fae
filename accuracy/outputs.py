"""Whether two models agree: their contracts, and their outputs by role on the same images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.anchors import are_rescaled, coded_alike
from detlite.runtime.artifact import Artifact
from detlite.runtime.child import run_in_child
from detlite.runtime.contract import Contract
from detlite.runtime.progress import Progress, silent
from detlite.runtime.stream_inputs import ClipInput
from detlite.runtime.task import Task
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tasks.keypoints import Keypoints

Heads = dict[str, NDArray[np.float32]]

ANCHOR_TOLERANCE = 1e-5
"""Of the image's side: anchors that one way reckons in float64 and the other reads as float32."""

ELSEWHERE = ("anchors", "nms", "score_converter_place")
"""Settings that are compared by tolerance, are a matter of use, or only say who does a step."""

SETTING_TOLERANCE = 1e-6
REAL_TOLERANCE = 1e-3  # of float outputs: kernels add in another order
SYNTHETIC = 4
COARSE = 12  # cells of a synthetic image's side: blobs as large as objects, and noise over them


def contract_findings(a: Contract, b: Contract) -> Iterator[str]:
    """Yield where two contracts would make two programs read the same model differently, a sentence each.

    Names, dtypes, scales, layouts, batches and origins are how a conversion went, not what the model is.
    """
    images = [(c.image.height, c.image.width, c.image.colour, c.image.resize) for c in (a, b)]
    if images[0] != images[1]:
        yield f"image: {images[0]} and {images[1]}"
    if a.image.crop != b.image.crop:
        yield f"crop: {a.image.crop} and {b.image.crop}"
    if a.image.letterbox != b.image.letterbox:
        yield f"letterbox: {a.image.letterbox} and {b.image.letterbox}"
    for what in ("mean", "std"):
        left, right = getattr(a.image, what), getattr(b.image, what)
        if len(left) != len(right) or not np.allclose(left, right, rtol=1e-3, atol=0.5):
            yield f"{what} of the image: {left} and {right}"
    shapes = [_input_shapes(c) for c in (a, b)]
    if images[0] == images[1] and shapes[0] != shapes[1]:
        yield f"inputs: {shapes[0]} and {shapes[1]}"
    if a.task.kind == b.task.kind:
        yield from _setting_findings(a.task, _in_terms_of(a.task, b.task) if _differ_by_codes(a, b) else b.task)
    else:
        yield f"task: {a.task.kind} and {b.task.kind}"
    if a.labels != b.labels:
        yield _labels(a.labels, b.labels)


def _differ_by_codes(a: Contract, b: Contract) -> bool:
    """Return whether quantization has rescaled the box codes of at least one of two detectors with as many anchors."""
    tasks = [one.task for one in (a, b) if isinstance(one.task, Detection)]
    counts = {len(task.anchors) for task in tasks}
    return len(tasks) == 2 and len(counts) == 1 and (are_rescaled(a) or are_rescaled(b))


def _in_terms_of(first: Task, second: Task) -> Task:
    """Return *second* with the sizes of anchors and the box coder of *first*: their centres are not rescaled."""
    assert isinstance(first, Detection)
    assert isinstance(second, Detection)
    anchors = np.concatenate([second.anchors[:, :2], first.anchors[:, 2:]], axis=1)
    return replace(second, anchors=anchors, box_coder=first.box_coder)


def _input_shapes(contract: Contract) -> list[tuple[int, ...]]:
    """Return the shapes that the inputs have with one image in NHWC."""
    first, image = contract.inputs[0], replace(contract.image, layout="NHWC", batch=1)
    plain = replace(first, image=image) if isinstance(first, ClipInput) else image
    return [tensor.shape for one in (plain, *contract.inputs[1:]) for tensor in one.tensors]


def are_comparable(findings: Sequence[str]) -> bool:
    """Return whether two models with these *findings* take the same input and have the same outputs."""
    return not any(text.startswith(("image:", "inputs:", "task:")) for text in findings)


def _setting_findings(a: Task, b: Task) -> Iterator[str]:
    """Yield where the settings of two tasks of one kind differ; those of NMS are `nms_difference`'s."""
    first, second = _detection_in(a), _detection_in(b)
    if first is not None and second is not None:
        yield from _anchor_findings(first, second)
    left, right = a.facts(), b.facts()
    for what in left:
        is_converted = what == "score_converter" and "IDENTITY" in (
            left[what],
            right[what],
        )  # by the model, or the host
        if what not in ELSEWHERE and left[what] != right[what] and not is_converted:
            yield f"{what}: {left[what]} and {right[what]}"


def _anchor_findings(first: Detection, second: Detection) -> Iterator[str]:
    if first.anchors.shape != second.anchors.shape:
        yield f"anchors: {len(first.anchors)} and {len(second.anchors)}"
    elif (far := float(np.abs(first.anchors - second.anchors).max(initial=0))) > ANCHOR_TOLERANCE:
        yield f"anchors: up to {far:.3g} apart; at most {ANCHOR_TOLERANCE:g} are rounding"


def _detection_in(task: Task) -> Detection | None:
    """Return the settings by which *task* finds boxes; None if it finds none."""
    found = task.detection if isinstance(task, (Instances, Keypoints)) else task
    return found if isinstance(found, Detection) else None


def _labels(left: Sequence[str], right: Sequence[str]) -> str:
    if len(left) != len(right):
        return f"labels: {len(left)} and {len(right)}"
    place = next(i for i, (x, y) in enumerate(zip(left, right, strict=True)) if x != y)
    return f"labels: class {place} is {left[place]!r} and {right[place]!r}"


def nms_difference(a: Contract, b: Contract) -> str | None:
    """Return how the settings of non-maximum suppression differ: a matter of use, not of the model."""
    first, second = _detection_in(a.task), _detection_in(b.task)
    if first is None or second is None:
        return None
    pairs = [(name, getattr(first.nms, name), getattr(second.nms, name)) for name in vars(first.nms)]
    other = [f"{name} {x} and {y}" for name, x, y in pairs if not _same(x, y)]
    return f"NMS settings differ: {', '.join(other)}" if other else None


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return abs(left - right) <= SETTING_TOLERANCE
    return bool(left == right)


def default_tolerance(a: Contract, b: Contract, role: str) -> float:
    """Return `REAL_TOLERANCE`, and two steps of that output where it is quantized: rounding that is not shared."""
    steps = [o.quantization.scale for c in (a, b) for o in c.outputs if o.role == role and o.quantization is not None]
    return REAL_TOLERANCE + 2 * max(steps, default=0.0)


def heads_of(artifacts: Sequence[Artifact], images: Sequence[Path], *, progress: Progress = silent) -> list[Heads]:
    """Return what `raw_heads_of` does, with scores in place of logits, by the contract's own converter.

    Box codes that quantization has rescaled are those of the first artifact's anchors.
    """
    found = raw_heads_of(artifacts, images, progress=progress)
    first = artifacts[0].contract
    made = []
    for one, heads in zip(artifacts, found, strict=True):
        alike = coded_alike(heads, one.contract.task, first.task) if _differ_by_codes(first, one.contract) else heads
        made.append(dict(one.contract.task.scored(alike)))
    return made


def raw_heads_of(artifacts: Sequence[Artifact], images: Sequence[Path], *, progress: Progress = silent) -> list[Heads]:
    """Return what each of *artifacts* makes of the same *images* (seeded ones where there are none), by role.

    float32, images first.
    """
    with tempfile.TemporaryDirectory(prefix="detlite-compare-") as scratch:
        folder = Path(scratch)
        paths = list(images) or seeded_images(folder, artifacts[0].contract)
        found = []
        for number, artifact in enumerate(artifacts):
            progress("comparing", number, len(artifacts))
            request = {
                "model": str(artifact.model.absolute()),
                "contract": artifact.contract.to_json(),
                "images": [str(path.absolute()) for path in paths],
                "threads": 1,
                "out": str(folder / f"{number}.npz"),
            }
            run_in_child("detlite.runtime.child_calls:heads", request)
            with np.load(folder / f"{number}.npz") as arrays:
                found.append({role: arrays[role] for role in arrays.files})
        progress("comparing", len(artifacts), len(artifacts))
    return found


def seeded_images(folder: Path, contract: Contract) -> list[Path]:
    """Return the files of images made with seeds, written to *folder*.

    They are blobs with a little noise, of the size of the model's input.
    """
    height, width = contract.image.height, contract.image.width
    paths = []
    for seed in range(SYNTHETIC):
        chance = np.random.default_rng(seed)
        coarse = chance.integers(0, 256, (COARSE, COARSE, 3))
        rows, columns = np.arange(height) * COARSE // height, np.arange(width) * COARSE // width
        noisy = coarse[rows][:, columns] + chance.integers(-16, 17, (height, width, 3))
        paths.append(folder / f"seed_{seed}.npy")
        np.save(paths[-1], np.clip(noisy, 0, 255).astype(np.uint8))
    return paths


def head_differences(a: Heads, b: Heads) -> dict[str, float]:
    """Return the largest difference of each role that both have in the same shape."""
    return {
        role: float(np.abs(a[role].astype(np.float64) - b[role]).max(initial=0.0))
        for role in a
        if role in b and a[role].shape == b[role].shape
    }
