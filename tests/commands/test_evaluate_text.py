"""What `detlite evaluate` shows a reader: the usual names, and no key of its JSON."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from builders.detection_cases import invented
from builders.tiny_tflite import save_tiny

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.evaluation import EvaluationOptions, PredictedPair, by_fidelity, by_labels
from detlite.accuracy.gates import Gate
from detlite.accuracy.ground_truth import Labelled
from detlite.accuracy.metric import load_metric
from detlite.accuracy.predictions import SCORED_TASKS
from detlite.commands.evaluate_text import AGREEMENT_TITLES, show_result
from detlite.runtime.plugins import load_plugins


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    artifact = save_tiny(tmp_path_factory.mktemp("model") / "tiny")
    return PredictedPair(artifact, invented(1)[1], artifact, invented(2)[1])


def scored(pair, metric="coco", draws=0):
    truth = Labelled(invented(1)[0], tuple(range(12)), ClassMap((1, 2, 3), "position"))
    return by_labels(pair, truth, metric, EvaluationOptions(draws=draws))


def shown(capsys, result, *, per_class=False):
    show_result(Path("out/int8"), result, Path("out/float"), per_class=per_class)
    return capsys.readouterr().out


def test_cocos_numbers_have_the_names_and_the_layout_of_cocoeval(pair, capsys):
    lines = shown(capsys, scored(pair)).splitlines()
    assert lines[0].split("  ")[0] == "coco, in percent"
    assert lines[0].split()[-4:] == ["this", "model", "float", "difference"]
    assert lines[1].startswith("Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ]  ")
    assert lines[2].startswith("Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ]  ")
    assert lines[7].startswith("Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ]  ")
    assert lines[12].startswith("Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ]  ")


@pytest.mark.parametrize("metric", ["coco", "voc2007", "oid-challenge", "coco-masks", "top-k", "miou"])
def test_every_number_of_a_metric_has_a_title(metric):
    found = load_metric(metric)
    assert tuple(found.titles) == found.numbers


def test_the_text_has_no_key_of_the_json(pair, capsys):
    text = shown(capsys, scored(pair, draws=20), per_class=True)
    text += shown(capsys, by_fidelity(pair, EvaluationOptions(), ""))
    assert not re.search(r"\b(map\d*|map_\w+|ar\d+|ar_\w+|ap\d*|\w+_(s|sha256|count|interval|difference))\b", text)


def test_the_last_line_has_the_headline(pair, capsys):
    result = scored(pair, "voc2007")
    assert shown(capsys, result).splitlines()[-1] == f"out/int8: mAP {result.headline.value:.2f} % on 12 images"


def test_an_interval_is_said_with_its_draws(pair, capsys):
    text = shown(capsys, scored(pair, draws=20))
    assert re.search(r"mAP, interval +\d+\.\d\d to \d+\.\d\d in 95 % of 20 draws", text)


def test_a_gate_is_called_by_its_usual_name(pair, capsys):
    gate = Gate("min_map_ratio", "map_ratio", wanted=0.99, came=0.9, passed=False)
    show_result(Path("out/int8"), replace(scored(pair), gates=(gate,)), Path("out/float"), per_class=False)
    assert "mAP ratio 0.9, required 0.99: missed" in capsys.readouterr().err


def test_every_agreement_of_a_task_has_a_title():
    assert set(AGREEMENT_TITLES) == {task.agreement for task in load_plugins(SCORED_TASKS).values()}
