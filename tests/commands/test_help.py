"""What `--help` shows: options in groups, and what the shell completes."""

import inspect

import click
import pytest
from click.shell_completion import ShellComplete

from detlite.cli import COMMANDS, detlite
from detlite.commands.command import OTHERS, WorkCommand, option_group


def command_called(name):
    return detlite.get_command(click.Context(detlite), name)


def help_of(name):
    return command_called(name).get_help(click.Context(command_called(name), info_name=name))


def titles(text):
    return [line[:-1] for line in text.splitlines() if line.endswith(":") and line[0].isalpha()]


@pytest.mark.parametrize("name", ["quantize", "measure", "evaluate", "convert", "package", "compile"])
def test_the_options_of_a_long_command_are_in_groups(name):
    assert len(titles(help_of(name))) >= 3
    assert titles(help_of(name))[-1] == OTHERS


@pytest.mark.parametrize("name", [name for name in COMMANDS if isinstance(command_called(name), click.Group)])
def test_a_command_of_several_lists_each_with_a_whole_sentence(name):
    group = command_called(name)
    words = " ".join(help_of(name).split())
    for one in group.commands.values():
        sentence = " ".join(inspect.cleandoc(one.help).split("\n\n")[0].split()).partition(". ")[0].rstrip(".")
        assert sentence in words


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_help_once(name):
    command = command_called(name)
    text = help_of(name)
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            longest = max(option.opts, key=len)
            assert sum(longest in line.split() for line in text.replace(",", "").splitlines() if "  " in line) >= 1


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("zoo", "devices")])
def test_every_option_has_a_help_text_that_is_a_phrase(name):
    for option in command_called(name).params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert len(option.help.split()) >= 2, (option.name, option.help)


def examples_of(command):
    """The paragraph of examples in the help, the second one; and how many lines it has."""
    _summary, examples, *_rest = inspect.cleandoc(
        command.callback.__doc__ if command.help is None else command.help
    ).split("\n\n")
    return examples.splitlines()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_a_few_examples(name):
    mark, *lines = examples_of(command_called(name))
    assert mark.strip() == "\b"
    assert 1 <= len(lines) <= 4
    assert all(line.startswith(f"detlite {name}") for line in lines)


def test_a_group_inside_another_keeps_its_title():
    inner = option_group("Inner", click.option("--inner"))

    @click.command(cls=WorkCommand)
    @option_group("Outer", click.option("--outer"), inner)
    def made(**_values):
        """Do nothing."""

    assert titles(made.get_help(click.Context(made, info_name="made"))) == ["Outer", "Inner", OTHERS]


def completed(*words):
    *before, incomplete = words
    found = ShellComplete(detlite, {}, "detlite", "_DETLITE_COMPLETE").get_completions(list(before), incomplete)
    return [one.value for one in found]


def test_commands_complete_from_the_table():
    assert completed("me") == ["measure"]
    assert set(COMMANDS) <= set(completed(""))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("quantize", "x", "--method", "sec"), ["second_order"]),
        (("quantize", "x", "--scheme", "int8-"), ["int8-float-bias"]),
        (("quantize", "x", "--estimator", "per"), ["percentile"]),
        (("measure", "x", "--scenario", "s"), ["server", "single-stream"]),
        (("measure", "x", "--preset", "mlperf-v1.0-ssd-m"), ["mlperf-v1.0-ssd-mobilenet"]),
        (("measure", "x", "--backend", "l"), ["litert"]),
        (("compile", "x", "--fix", "all"), ["all-lossless"]),
        (("zoo", "show", "ssdlite_mobilenet_v2"), ["ssdlite_mobilenet_v2_coco"]),
        (("evaluate", "x", "--metric", "voc"), ["voc2007", "voc2010"]),
        (("export", "x", "--to", "tf"), ["tflite"]),
        (("convert", "ssdlite_mobilenet_v2"), ["ssdlite_mobilenet_v2_coco"]),
        (("convert", "x", "--heads", "p"), ["postprocess"]),
        (("convert", "x", "--to", "on"), ["onnx"]),
        (("convert", "x", "--family", "centernet_mob"), ["centernet_mobilenet_v2_fpn"]),
        (("zoo", "list", "--framework", "tf1"), ["tf1"]),
        (("zoo", "list", "--task", "box"), ["boxes"]),
        (("zoo", "list", "--family", "ssdlite_mobilenet_v2"), ["ssdlite_mobilenet_v2"]),
        (("devices", "read", "--format", "nvp"), ["nvpmodel"]),
        (("devices", "simulate", "pixel", "--fault", "van"), ["vanishes"]),
        (("measure", "x", "--precision", "fp"), ["fp32", "fp16"]),
        (("quantize", "x", "--save-j"), ["--save-job"]),
    ],
)
def test_names_that_detlite_knows_complete(words, found):
    assert completed(*words) == found


def test_devices_of_an_inventory_complete(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text('[orin]\nkind = "jetson"\naddress = "orin"\n')
    assert completed("measure", "x", "--inventory", str(path), "--device", "o") == ["orin"]
    assert completed("devices", "show", "--inventory", str(path), "o") == ["orin"]


def test_an_inventory_that_cannot_be_read_completes_nothing(tmp_path):
    assert completed("measure", "x", "--inventory", str(tmp_path / "gone.toml"), "--device", "") == []
