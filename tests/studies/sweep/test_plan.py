"""Plans: axes, ranges, rules, and every mistake with its line."""

import json

import pytest
from jsonschema import Draft202012Validator

from detlite.convert.files.strict_toml import parse_toml
from detlite.runtime.errors import InputError
from detlite.studies.sweep.cells import cell_called, cells_of
from detlite.studies.sweep.plan_file import PlanError, read_plan
from detlite.studies.sweep.plan_schema import plan_schema


@pytest.fixture
def plan(tmp_path):
    """Read a plan from its text."""

    def read(text):
        path = tmp_path / "plan.toml"
        path.write_text(text)
        return read_plan(path)

    return read


def mistakes(plan, text):
    with pytest.raises(PlanError) as caught:
        plan(text)
    return [one.split("plan.toml")[1] for one in caught.value.mistakes]


def test_the_cells_are_the_product_of_the_axes(plan):
    cells = cells_of(plan('[axes]\nmodel = ["a", "b"]\nscheme = ["int8", "int16x8"]\nthreads = [1, 4]'))
    assert len(cells) == 8
    assert cells[0].label == "a int8"
    assert cells[-1].label == "b int16x8 threads=4"


def test_a_range_is_its_numbers(plan):
    assert plan('[axes]\nmodel = "a"\ncount = { from = 50, to = 200, step = 50 }').axes["count"] == (50, 100, 150, 200)


def test_a_range_of_fractions_ends_at_its_last_number(plan):
    found = plan('[axes]\nmodel = "a"\niou = { from = 0.5, to = 0.7, step = 0.1 }').axes["iou"]
    assert [round(one, 3) for one in found] == [0.5, 0.6, 0.7]


def test_choices_that_play_no_part_make_no_further_cells(plan):
    cells = cells_of(plan('[axes]\nmodel = "a"\nscheme = ["float32", "dynamic", "int8"]\ncount = [16, 32]'))
    assert [cell.label for cell in cells] == ["float32", "dynamic", "int8 count=16", "int8 count=32"]


def test_a_rule_excludes_the_cells_that_meet_all_of_it(plan):
    text = '[axes]\nmodel = ["a", "b"]\nthreads = [1, 2, 4]\n[[exclude]]\nmodel = "a"\nthreads = [2, 4]'
    assert [cell.label for cell in cells_of(plan(text))] == ["a", "b", "b threads=2", "b threads=4"]


def test_an_empty_matrix_is_told(plan):
    found = plan('[axes]\nmodel = "a"\nthreads = [1, 2]\n[[exclude]]\nmodel = "a"')
    with pytest.raises(InputError, match="the matrix is empty: its exclude rules leave out all 2 combinations"):
        cells_of(found)


def test_ten_million_cells_are_refused(plan):
    found = plan('[axes]\nmodel = "a"\ncount = { from = 1, to = 4000 }\nseed = { from = 1, to = 2500 }')
    with pytest.raises(InputError, match=r"has 10000000 combinations \(4000 count x 2500 seed\): want at most 100000"):
        cells_of(found)


def test_every_mistake_is_told_with_its_line(plan):
    text = """# a plan
nam = "x"
[axes]
model = ["a"]
shceme = ["int8"]
threads = [0]
count = "many"
method = ["bias_corection"]
input_size = "300"
[datasets.val]
coco = ["a", "b"]
limits = 3
[[exclude]]
thread = 2
[[exclude]]
model = "c"
[evaluate]
bootstrap = 1
"""
    assert mistakes(plan, text) == [
        ", line 2: no key of a plan is called 'nam'; did you mean 'name'?",
        ", line 12: no key of a data set is called 'limits'; did you mean 'limit'?",
        ", line 5: no axis is called 'shceme'; did you mean 'scheme'?",
        ", line 6: threads is 0; want 1 to 64",
        ", line 7: count is 'many'; want a whole number",
        ", line 8: no value of method is called 'bias_corection'; did you mean 'bias_correction'?",
        ", line 9: input_size is '300'; want HEIGHTxWIDTH, such as 320x320",
        ", line 14: no axis is called 'thread'; did you mean 'threads'?",
        ", line 16: no value of model in [axes] is called 'c'; there are: a",
        ", line 18: bootstrap is 1; want 2 to 10000 draws, or 0 for none",
    ]


def test_formats_and_targets_that_do_not_exist_are_told(plan):
    text = """[axes]
model = "a"
format = ["tflite", "onxn"]
target = ["none", "two"]
[formats.half]
to = "onnxx"
[targets.two]
chip = "edgtpu"
"""
    assert mistakes(plan, text) == [
        ", line 6: no to of a format is called 'onnxx'; did you mean 'onnx'?",
        ", line 3: no format is called 'onxn'; did you mean 'onnx'?",
        ", line 8: no chip of a target is called 'edgtpu'; did you mean 'edgetpu'?",
    ]


def test_a_format_or_a_target_that_its_name_would_hide_is_told(plan):
    text = """[axes]
model = "a"
format = "tflite"
target = "none"
[formats.tflite]
to = "onnx"
[targets.none]
chip = "edgetpu"
[targets.two]
chip = "none"
"""
    assert mistakes(plan, text)[:2] == [
        ", line 5: [formats.tflite] would never be used: give it another name",
        ", line 7: [targets.none] would never be used: give it another name",
    ]
    assert "line 10: no chip of a target is called 'none'; there are: edgetpu" in mistakes(plan, text)[2]


def test_a_number_of_another_type_is_told(plan):
    text = '[axes]\nmodel = "a"\nthreads = 1.5\niou = "x"'
    told = [", line 3: threads is 1.5; want a whole number", ", line 4: iou is 'x'; want a number"]
    assert mistakes(plan, text) == told


def test_the_load_of_a_scenario_counts_only_there(plan):
    text = '[axes]\nmodel = "a"\nscenario = ["single-stream", "multi-stream", "server"]\nstreams = [2, 8]'
    labels = [cell.label for cell in cells_of(plan(text))]
    assert labels == ["a", "multi-stream streams=2", "multi-stream streams=8", "server"]


def test_a_plan_without_models_is_told(plan):
    assert mistakes(plan, '[axes]\nscheme = "int8"') == [
        ", line 1: the plan has no models: give them as model = [...] in [axes]"
    ]


def test_a_plan_with_its_model_outside_the_axes_has_no_models(plan):
    assert mistakes(plan, 'model = "a"\n[axes]\nscheme = "int8"') == [
        ", line 1: no key of a plan is called 'model'; did you mean 'models'?",
        ", line 2: the plan has no models: give them as model = [...] in [axes]",
    ]


def test_a_name_that_is_no_text_is_told(plan):
    assert mistakes(plan, 'name = ["x"]\n[axes]\nmodel = "a"') == [", line 1: name is ['x']; want a text"]


def test_large_bounds_are_written_out(plan):
    assert mistakes(plan, '[axes]\nmodel = "a"\nseed = -1') == [", line 3: seed is -1; want 0 to 4294967296"]


def test_a_plan_that_is_not_toml_names_the_line(plan):
    with pytest.raises(InputError, match=r"plan\.toml is not valid TOML: .*line 2"):
        plan("[axes]\nmodel = x")


def test_a_gate_that_cannot_be_read_is_told(plan):
    (text,) = mistakes(plan, 'gates = ["fast"]\n[axes]\nmodel = "a"')
    assert text == ", line 1: cannot read 'fast' in the condition 'fast'; want such as: device=orin and map>=20"


def test_a_cell_is_found_by_its_key_and_by_its_label(plan):
    cells = cells_of(plan('[axes]\nmodel = ["a", "b"]'))
    assert cell_called(cells, "b") == cells[1]
    assert cell_called(cells, cells[0].key[:6]) == cells[0]
    with pytest.raises(InputError, match="0 cells are called 'zzz'"):
        cell_called(cells, "zzz")


def test_the_schema_takes_what_the_reader_takes():
    validator = Draft202012Validator(plan_schema())
    Draft202012Validator.check_schema(plan_schema())
    good = b'[axes]\nmodel = ["a"]\ncount = {from=1, to=3}\nscheme = "int8"\n[datasets.v]\ncoco = ["a", "b"]\nlimit = 3'
    assert list(validator.iter_errors(parse_toml(good))) == []
    for bad in (b'[axes]\nscheme = "int8"', b'[axes]\nmodel = "a"\nscheme = "int9"', b'[axes]\nmodel = "a"\nx = 1'):
        assert list(validator.iter_errors(parse_toml(bad)))
    assert json.dumps(plan_schema())
