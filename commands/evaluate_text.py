"""What `detlite evaluate` shows: a table of the metric's numbers by their usual names, and how they were found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from detlite.accuracy.bootstrap import Interval
from detlite.accuracy.metric import load_metric
from detlite.accuracy.results import FIDELITY, Accuracy, Agreement, EvaluatedRun
from detlite.commands.console import emit_facts, emit_table, notice, say
from detlite.runtime.counts import counted
from detlite.runtime.measure.device_mark import SIMULATED

NONE = "-"  # no annotated object has that size
SHORT = {"map": "mAP", "top1": "top-1", "miou": "mIoU", FIDELITY: "fidelity"}
"""What the headlines are called in a sentence."""

CLASS_TITLES = {"ap": "AP", "ap50": "AP50", "ap75": "AP75", "top1": "top-1", "top5": "top-5", "iou": "IoU"}
AGREEMENT_TITLES = {
    "map": "Fidelity: mAP with the other model's detections as the truth",
    "top1": "Fidelity: images with the same best class",
    "mask_map": "Fidelity: mAP of the masks with the other model's masks as the truth",
    "oks_map": "Fidelity: mAP of the keypoints with the other model's keypoints as the truth",
    "miou": "Fidelity: mean IoU with the other model's pixels as the truth",
}
OF_VIDEOS = "Fidelity: videos with the same best class at the end"
COUNT_TITLES = {
    "classes": "classes that the other model found",
    "reference_count": "detections of the other model with a score of at least 0.3",
    "found_count": "such detections of this model",
    "matched_count": "the same in both: same class, IoU of at least 0.5",
}


ANSWER_SHARES = (
    ("answers with the same best class, frame by frame or view by view", "same_answers", "answers"),
    ("answers in which the other model's best logit leads by over 0.5", "sure_answers", "answers"),
    ("of these, with the same best class", "same_sure_answers", "sure_answers"),
)
"""Shares of the answers in videos: what they are, the count, and of which count."""


def show_result(artifact: Path, result: Accuracy | Agreement, against: Path | None, *, per_class: bool) -> None:
    """Write *result* of *artifact*, compared with the model *against* where there is one, for a reader."""
    mark = f"{SIMULATED} " if result.run.device.get(SIMULATED) else ""  # of a device whose results say nothing
    if isinstance(result, Accuracy):
        name, value = result.headline_name, result.headline.value
        _show_numbers(result, against, mark)
        facts = dict(_accuracy_facts(result))
        if per_class and result.classes:
            _show_classes(result, mark)
    else:
        name, value = FIDELITY, result.fidelity.value
        facts = dict(_agreement_facts(result))
    facts |= dict(_run_facts(result.run))
    emit_facts({mark + key: text for key, text in facts.items()})
    for gate in result.gates:
        verdict = "passed" if gate.passed else "missed"
        notice(f"{_sentence_name(gate.number)} {gate.came:.4g}, required {gate.wanted:g}: {verdict}")
    say(f"{mark}{artifact}: {_sentence_name(name)} {value:.2f} % on {result.run.images} {_unit(result.run)}")


def _unit(run: EvaluatedRun) -> str:
    return "videos" if "views" in run.protocol else "images"


def _sentence_name(number: str) -> str:
    headline, _, what = number.partition("_")
    return " ".join([SHORT.get(headline, headline), what]).strip()


def _show_numbers(result: Accuracy, against: Path | None, mark: str) -> None:
    titles = load_metric(result.metric).titles
    reference: Mapping[str, float | None] = {} if result.reference is None else result.reference.numbers
    columns = [f"{mark}{result.metric}, in percent", "this model"]
    if reference:
        columns += ["the other" if against is None else against.absolute().name, "difference"]
    rows = []
    for key, value in result.numbers.items():
        row = [f"{mark}{titles.get(key, key)}", _percent(value)]
        if reference:
            other = reference.get(key)
            row += [_percent(other), "" if value is None or other is None else f"{value - other:+.2f}"]
        rows.append(row)
    emit_table(columns, rows)


def _show_classes(result: Accuracy, mark: str) -> None:
    keys = list(result.classes[0].numbers)
    rows = [
        [f"{mark}{one.name}", f"{one.truths:g}", *(_percent(one.numbers.get(key)) for key in keys)]
        for one in result.classes
    ]
    emit_table([f"{mark}class", "objects", *(_class_title(key) for key in keys)], rows)


def _class_title(key: str) -> str:
    name, _, size = key.partition("_")
    return " ".join([CLASS_TITLES.get(name, name), size]).strip()


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _accuracy_facts(result: Accuracy) -> Iterator[tuple[str, str]]:
    title = _sentence_name(result.headline_name)
    if result.headline.interval is not None:
        yield f"{title}, interval", _interval(result.headline.interval)
    if result.reference is not None:
        ratio = result.reference.ratio
        yield f"{title}, ratio", "none: the other model has 0" if ratio is None else f"{ratio:.4f}"
        if result.reference.difference_interval is not None:
            yield f"{title}, difference", _interval(result.reference.difference_interval)
    if result.fidelity is not None:
        yield "fidelity", f"{result.fidelity.value:.2f} %"


def _agreement_facts(result: Agreement) -> Iterator[tuple[str, str]]:
    title = AGREEMENT_TITLES[result.measure]
    yield title if _unit(result.run) == "images" else OF_VIDEOS, f"{result.fidelity.value:.2f} %"
    if result.fidelity.interval is not None:
        yield "interval", _interval(result.fidelity.interval)
    for key, count in result.counts.items():
        if key in COUNT_TITLES and (result.measure == "map" or key == "classes"):
            yield COUNT_TITLES[key], str(count)
    if result.logit_snr_db is not None:
        per = "answer" if _unit(result.run) == "videos" else "image"
        yield f"logits, signal over noise, mean of each {per}'s", f"{result.logit_snr_db:.1f} dB"
    for title, same, of in ANSWER_SHARES:
        if result.counts.get(of):
            yield (
                title,
                f"{result.counts[same]} of {result.counts[of]}, {100 * result.counts[same] / result.counts[of]:.2f} %",
            )


def _run_facts(run: EvaluatedRun) -> Iterator[tuple[str, str]]:
    yield "model", f"{run.model}, sha256 {run.model_sha256[:12]}"
    found = "" if run.objects is None else f", {counted(run.objects, 'detection')}"
    views = run.protocol.get("views")
    if isinstance(views, Mapping):
        yield "videos", f"{run.images}, {_views(views)}"
    else:
        yield "images", f"{run.images}{found}, read {_orientation(run.protocol)}"
    whole = "" if run.detect_wall_s is None else f", {run.detect_wall_s:.1f} s with reading the {_unit(run)}"
    yield "time", f"{run.invoke_sum_s:.1f} s in the interpreter{whole}"
    threads = run.protocol.get("threads")
    yield "run by", f"{run.protocol.get('runtime')}, {threads} thread{'' if threads == 1 else 's'}"


def _views(views: Mapping[str, Any]) -> str:
    """Return how videos were cut, in words."""
    stride = "" if views["stride"] is None else f", {views['stride']} apart"
    frames = "" if views["frames"] is None else f" of {counted(views['frames'], 'frame')}{stride}"
    return f"{counted(views['clips'], 'clip')}{frames} of {counted(views['crops'], 'crop')} each"


def _orientation(protocol: Mapping[str, object]) -> str:
    return "upright" if protocol.get("orientation") == "upright" else "as stored"


def _interval(found: Interval) -> str:
    return f"{found.low:.2f} to {found.high:.2f} in {100 * found.level:g} % of {counted(found.draws, 'draw')}"
