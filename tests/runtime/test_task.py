"""What of a result is listed and drawn."""

from detlite.runtime.task import RANKING, Found, shown

SCORES = (0.4, 0.3, 0.2, 0.05, 0.03, 0.02)
FOUND = tuple(Found(f"class {number}", number, score) for number, score in enumerate(SCORES))


def test_the_best_5_of_a_ranking_are_shown_whatever_their_scores():
    assert [one.number for one in shown(FOUND, RANKING, 0.3)] == [0, 1, 2, 3, 4]


def test_detections_are_shown_from_the_threshold_on():
    assert [one.number for one in shown(FOUND, "detections", 0.3)] == [0, 1]
