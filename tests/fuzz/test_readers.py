"""Every reader of files refuses damaged input with one clear line: see `by_hand.py` for more of the same."""

import random

import pytest
from builders.source_tree import plugin_folders
from fuzz.registry import targets
from fuzz.trial import GOOD, trials

from detlite.runtime.plugins import plugin_names

READ_FILES = ("accuracy.datasets", "convert.readers", "devices.parsers", "studies.compare.run_kinds")
READ_NOTHING = (
    *("accuracy.metrics", "accuracy.tasks", "calibration.images.lint", "calibration.numbers.schemes"),
    *("calibration.ranges.estimators", "calibration.weights.methods", "commands.targets", "convert.exporters"),
    *("convert.graph.repairs", "convert.rebuild.architectures", "convert.rebuild.odapi.families", "convert.targets"),
    *("convert.targets.edgetpu.fixes", "devices.doctor.checks", "devices.kinds", "devices.simulated.models"),
    *("runtime.backends", "runtime.measure.scenarios", "runtime.tasks", "studies.compare.file_kinds"),
)
"""Folders whose plug-ins are handed what was read: the models of a comparison by `read_side`, for example."""

LIGHT = [target for target in targets().values() if not target.heavy]
HEAVY = [target for target in targets().values() if target.heavy]


def test_every_folder_of_plugins_reads_files_or_not():
    assert sorted((*READ_FILES, *READ_NOTHING)) == sorted(plugin_folders())


@pytest.mark.parametrize("folder", READ_FILES)
def test_every_plugin_that_reads_files_is_fuzzed(folder):
    fuzzed = {name.partition(",")[0].partition(" ")[0] for name in targets()}
    assert {f"{folder}.{name}" for name in plugin_names(f"detlite.{folder}")} <= fuzzed


def test_a_trial_changes_its_input_in_the_same_way_each_time(tmp_path):
    for target in LIGHT[:5]:
        files = {tmp_path / "a.json": b'{"a": [1, 2.5, "x"]}', tmp_path / "a.txt": b"1 2 3\n"}
        first, second = (target.mutated(random.Random("seed 1"), files) for _ in range(2))
        assert first == second


def ended_badly(chosen, numbers):
    return [ended for ended in trials(chosen, numbers) if ended.outcome not in GOOD]


def test_some_damaged_files_of_light_readers_are_read_or_refused():
    assert ended_badly(LIGHT, range(2)) == []


@pytest.mark.slow
def test_many_damaged_files_of_light_readers_are_read_or_refused():
    assert ended_badly(LIGHT, range(10_000, 10_050)) == []


@pytest.mark.slow
@pytest.mark.parametrize("target", HEAVY, ids=lambda target: target.name)
def test_damaged_files_of_readers_with_tensorflow_are_read_or_refused(target):
    assert ended_badly([target], range(10_000, 10_020)) == []
