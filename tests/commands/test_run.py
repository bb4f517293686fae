"""The arguments of `detlite run` and what it refuses before any work."""

import pytest
from click.testing import CliRunner

from detlite.cli import detlite
from detlite.commands.options import RATIO
from detlite.runtime.errors import InputError


def run(*arguments):
    return CliRunner().invoke(detlite, ["run", *map(str, arguments)], catch_exceptions=True)


@pytest.mark.parametrize("text", ["0.9", "90", "90%", "90 %", 0.9, 90])
def test_a_ratio_may_be_in_percent(text):
    assert RATIO.convert(text, None, None) == pytest.approx(0.9)


@pytest.mark.parametrize(("text", "words"), [("x", "is no ratio"), ("-1", "is not from 0"), ("201", "is not from 0")])
def test_what_is_no_ratio_is_refused(text, words):
    done = run("model.pb", "--min-map-ratio", text)
    assert (done.exit_code, words in done.output) == (2, True)


def test_a_gate_of_map_needs_labels():
    done = run("model.pb", "--min-map-ratio", "95")
    with pytest.raises(InputError, match="--min-map-ratio needs labels: give --coco IMAGES ANNOTATIONS"):
        raise done.exception
