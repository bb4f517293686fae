"""Every reader of files refuses damaged input with one clear line: see `by_hand.py` for more of the same."""

import random

import pytest
from builders.source_tree import plugin_folders
from fuzz.registry import targets
from fuzz.trial import GOOD, trials

from detlite.accuracy.dataset import Dataset
from detlite.convert.reader import Reader
from detlite.devices.recording import Format
from detlite.runtime.plugins import load_plugin, plugin_names
from detlite.studies.compare.run_kind import RunKind

KINDS = (Dataset, Reader, Format, RunKind)
"""The plug-ins that read what others wrote."""

LIGHT = [target for target in targets().values() if not target.heavy]
HEAVY = [target for target in targets().values() if target.heavy]


def plugins_that_read():
    for folder in plugin_folders():
        names = plugin_names(f"detlite.{folder}")
        if isinstance(load_plugin(f"detlite.{folder}", names[0]), KINDS):  # a folder's plug-ins are of one kind
            yield from (f"{folder}.{name}" for name in names)


def test_every_plugin_that_reads_files_is_fuzzed():
    fuzzed = {name.partition(",")[0].partition(" ")[0] for name in targets()}
    assert set(plugins_that_read()) - fuzzed == set(), "add a target to a module in tests/fuzz/targets/"


def test_a_trial_changes_its_input_in_the_same_way_each_time(tmp_path):
    for target in LIGHT[:5]:
        files = {tmp_path / "a.json": b'{"a": [1, 2.5, "x"]}', tmp_path / "a.txt": b"1 2 3\n"}
        first, second = (target.mutated(random.Random("seed 1"), files) for _ in range(2))
        assert first == second


def ended_badly(chosen, numbers):
    return [ended for ended in trials(chosen, numbers) if ended.outcome not in GOOD]


def test_a_few_damaged_files_of_some_readers_are_read_or_refused():
    assert ended_badly(LIGHT[::6], range(2)) == []


@pytest.mark.slow
def test_many_damaged_files_of_light_readers_are_read_or_refused():
    assert ended_badly(LIGHT, range(10_000, 10_050)) == []


@pytest.mark.slow
@pytest.mark.parametrize("target", HEAVY, ids=lambda target: target.name)
def test_damaged_files_of_readers_with_tensorflow_are_read_or_refused(target):
    assert ended_badly([target], range(10_000, 10_020)) == []
