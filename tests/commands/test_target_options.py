"""The options that targets add to a command."""

import click
import pytest

from detlite.commands.target import OfferedTargets


def option(flag):
    return click.option(flag, help="Something.")


def test_two_targets_may_not_declare_the_same_option():
    offered = OfferedTargets({}, {"one": (option("--fast"),), "other": (option("--slow"), option("--fast"))})
    with pytest.raises(ValueError, match="the targets one and other both declare --fast"):
        offered.add(lambda: None)


def test_each_target_adds_its_own_options():
    offered = OfferedTargets({}, {"one": (option("--fast"),), "other": (option("--slow"),)})
    command = offered.add(lambda: None)
    assert [one.name for one in command.__click_params__] == ["slow", "fast"]
