"""Rankings, and what is refused."""

import numpy as np
import pytest
from builders.tiny_tasks import tiny_task

from detlite.runtime.errors import ContractError
from detlite.runtime.session import postprocess
from detlite.runtime.task import Found
from detlite.runtime.tasks.classification import Ranking
from detlite.runtime.tasks.detection import detection_of


def test_the_background_is_no_class():
    contract = tiny_task("classification").contract
    scores = postprocess({"class_scores": np.array([9.0, 1.0, 1.0, 1.0], np.float32)}, contract).scores
    assert len(scores) == 3
    assert scores.sum() < 0.01


def test_equal_scores_keep_the_order_of_their_classes():
    assert Ranking(np.array([0.2, 0.4, 0.4], np.float32)).best(2) == (1, 2)


def test_classes_are_found_in_the_whole_image():
    (found,) = Ranking(np.array([0.25, 0.75], np.float32), ("cat", "dog")).above(0.5)
    assert found == Found("dog", 1, 0.75, None)


def test_a_class_without_a_label_is_shown_as_such():
    (found,) = Ranking(np.ones(1, np.float32)).above(0.5)
    assert found.label == "???"


def test_a_ranking_has_the_logits_that_its_scores_were_made_of():
    contract = tiny_task("classification").contract.with_task(score_converter_place="host", score_converter="SOFTMAX")
    ranking = postprocess({"class_scores": np.array([9.0, 1.0, 3.0, 2.0], np.float32)}, contract)
    assert ranking.logits.tolist() == [1.0, 3.0, 2.0]
    assert [(one.number, one.logit) for one in ranking.above(0.0)] == [(1, 3.0), (2, 2.0), (0, 1.0)]
    assert next(ranking.above(0.0)).to_record()["logit"] == 3.0


def test_a_model_that_gives_scores_alone_has_no_logits():
    contract = tiny_task("classification").contract.with_task(score_converter_place="model")
    ranking = postprocess({"class_scores": np.array([0.1, 0.2, 0.3, 0.4], np.float32)}, contract)
    assert ranking.logits is None
    assert "logit" not in next(ranking.above(0.0)).to_record()


def test_mlperfs_log_has_no_form_for_a_ranking():
    assert Ranking(np.ones(1, np.float32)).loadgen_data(0) is None


def test_what_needs_a_detector_says_what_the_model_is():
    with pytest.raises(ContractError, match="this needs a detector; the model is a classifier"):
        detection_of(tiny_task("classification").contract)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: c.with_task(label_offset=0), r"3 labels \(offset 0\) want \(1, 3\)"),
        (lambda c: c.with_task(label_offset=2), "a label offset of 2: it must be 0 or 1"),
        (lambda c: c.with_task(score_converter="RELU"), "the score converter is 'RELU'"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change, error):
    with pytest.raises(ContractError, match=error):
        change(tiny_task("classification").contract)
