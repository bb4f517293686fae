"""The stages of a plan: shared prefixes once, keyed by content; and one stage run without dask."""

import pytest
from builders.detection_cases import write_instances
from builders.float_detector import detector, write_images
from builders.studies import write_labels

from detlite.cli import main
from detlite.commands.sweep_tools import tool_readers
from detlite.devices.inventory import read_inventory
from detlite.runtime.records import to_record
from detlite.studies.store.store import make_store
from detlite.studies.sweep.cells import cells_of
from detlite.studies.sweep.command_lines import command_lines
from detlite.studies.sweep.engine import done_stages
from detlite.studies.sweep.graph import graph_of
from detlite.studies.sweep.plan_file import PlanError, read_plan
from detlite.studies.sweep.run_stage import run_stage

PLAN = """
[axes]
model = "float"
scheme = ["float32", "int8"]
calibration = "images"
count = [4, 8]
device = ["host", "board"]
[measure]
queries = 20
processes = 1
min_seconds = 0.1
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "images").mkdir()
    write_images(tmp_path / "images", count=12)
    detector().save(tmp_path / "float")
    (tmp_path / "lab.toml").write_text('[board]\nkind = "generic_linux"\naddress = "board"\n')
    return tmp_path


@pytest.fixture
def graph(work):
    """Return the graph of a plan's text."""

    def made(text=PLAN):
        path = work / "plan.toml"
        path.write_text(text)
        plan = read_plan(path)
        return graph_of(plan, cells_of(plan), read_inventory(work / "lab.toml"))

    return made


def kinds(stages):
    return sorted(stage.kind for stage in stages)


def test_stages_that_cells_share_are_one(graph):
    found = graph()
    assert len(found.cells) == 6
    assert kinds(found.stages.values()) == ["convert", *["measure"] * 6, "quantize", "quantize"]


def test_a_key_changes_with_the_content_of_an_image(graph, work):
    before = graph()
    (work / "images" / "00.npy").write_bytes((work / "images" / "01.npy").read_bytes())
    after = graph()
    same = before.stages.keys() & after.stages.keys()
    assert kinds(before.stages[key] for key in same) == ["convert", "measure", "measure"]


def test_only_what_is_missing_and_what_it_needs_is_run(graph):
    found = graph()
    keys = {kind: [key for key, stage in found.stages.items() if stage.kind == kind] for kind in ("measure", "convert")}
    assert kinds(found.missing(set(keys["measure"]))) == []
    assert kinds(found.missing(set(keys["convert"]))) == [*["measure"] * 6, "quantize", "quantize"]


def test_a_device_that_is_not_in_the_inventory_is_told(graph):
    with pytest.raises(PlanError, match=r"no device is called 'bord'; did you mean 'board'"):
        graph(PLAN.replace('"board"', '"bord"'))


@pytest.mark.parametrize("metric", ["", 'metric = "coco"\n'])
def test_a_data_set_that_the_plan_does_not_have_is_told(graph, work, metric):
    write_instances(work / "instances.json")
    text = PLAN + '[datasets.val]\ncoco = ["images", "instances.json"]\n'
    with pytest.raises(PlanError, match=r"no data set in \[datasets\] is called 'vall'; did you mean 'val'"):
        graph(text.replace("[axes]\n", f'[axes]\ndataset = "vall"\n{metric}'))


def test_all_mistakes_of_the_sources_are_told(graph):
    with pytest.raises(PlanError) as caught:
        graph(PLAN.replace('"float"', '["flaot.tflite", "ssdlite_mobilenet_v2_cocoo"]'))
    first, second = caught.value.mistakes
    assert "the model flaot.tflite does not exist" in first
    assert "did you mean 'ssdlite_mobilenet_v2_coco'" in second


def test_all_that_one_cell_lacks_is_told(graph):
    text = PLAN.replace('"float"', '"flaot.tflite"').replace('"images"', '"imagse"').replace('"board"', '"bord"')
    with pytest.raises(PlanError) as caught:
        graph(
            text.replace("[axes]\n", '[axes]\ndataset = "val"\n') + '[datasets.val]\ncoco = ["images", "none.json"]\n'
        )
    told = "\n".join(caught.value.mistakes)
    for text in (
        "the model flaot.tflite does not exist",
        "imagse is not a folder",
        "'bord'",
        "none.json cannot be read",
    ):
        assert text in told


def test_a_missing_label_file_hides_no_missing_model(graph):
    text = PLAN.replace('"float"', '"m"') + '[models.m]\npath = "flaot.tflite"\nlabels = "none.txt"\n'
    with pytest.raises(PlanError) as caught:
        graph(text)
    first, second = caught.value.mistakes
    assert "the model flaot.tflite does not exist" in first
    assert "none.txt cannot be read: No such file or directory" in second


def test_a_model_of_the_zoo_that_its_archive_is_not_enough_for_is_told_before_anything_runs(graph):
    with pytest.raises(PlanError) as caught:
        graph(PLAN.replace('"float"', '["extremenet", "tf_vision_vit_b16_224"]'))
    first, second = caught.value.mistakes
    assert "the model extremenet of the zoo cannot be converted: its archive holds no known format" in first
    assert "is a checkpoint without its params.yaml: give config and checkpoint in [models.tf_vision_vit" in second


def test_a_metric_that_the_labels_do_not_fit_is_told(graph, work):
    write_instances(work / "instances.json")
    text = PLAN + '[datasets.val]\ncoco = ["images", "instances.json"]\n'
    with pytest.raises(PlanError) as caught:
        graph(text.replace("[axes]", '[axes]\ndataset = "val"\nmetric = "top-k"'))
    assert "the data set 'val' has no labels for the metric top-k" in caught.value.mistakes[0]


def test_the_command_lines_of_a_cell_are_taken_by_detlite(graph, work):
    found = graph()
    plan = read_plan(work / "plan.toml")
    lines = command_lines(plan, found, found.cells[-1])
    assert [line.split()[1] for line in lines] == ["convert", "quantize", "measure"]
    assert lines[1].endswith("--choice random --count 8 --seed 0 -o out/quantized")
    assert lines[2].endswith("--device board")
    inventory = work / "lab.toml"
    (*_others, last) = command_lines(plan, found, found.cells[-1], inventory=inventory)
    assert last.endswith(f"--device board --inventory {inventory}")
    first = command_lines(plan, found, found.cells[0], inventory=inventory)
    assert all("--inventory" not in line for line in first)  # this machine needs none


def test_the_command_lines_name_the_inventory_that_was_given(graph, work, capsys):
    graph()
    plan, inventory = str(work / "plan.toml"), str(work / "lab.toml")
    assert main(["sweep", plan, "-o", str(work / "study"), "--inventory", inventory, "--explain", "float32 board"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"--device board --inventory {inventory}")


TOOLS = """
[axes]
model = "float"
scheme = "int8"
calibration = "images"
format = ["tflite", "nchw"]
target = ["none", "coral"]
device = "none"
[formats.nchw]
to = "onnx"
opset = 17
layout = "nchw"
[targets.coral]
chip = "edgetpu"
multiple_subgraphs = true
fail_on = ["unmapped>3"]
[[exclude]]
format = "nchw"
target = "coral"
"""


def explained(work, capsys, text, cell):
    (work / "plan.toml").write_text(text)
    status = main(["sweep", str(work / "plan.toml"), "-o", str(work / "study"), "--explain", cell])
    return status, capsys.readouterr()


def test_a_format_and_a_target_take_the_options_of_their_commands(work, capsys):
    status, said = explained(work, capsys, TOOLS, "coral")
    assert status == 0, said.err
    assert said.out.splitlines()[-1] == (
        "detlite compile out/quantized --target edgetpu --multiple-subgraphs --fail-on 'unmapped>3' -o out/compiled"
    )
    status, said = explained(work, capsys, TOOLS, "nchw")
    assert (
        said.out.splitlines()[-1] == "detlite export out/quantized --to onnx --opset 17 --layout nchw -o out/exported"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("opset = 17", "opsett = 17", "export --to onnx` is called 'opsett'; did you mean 'opset'?"),
        ("opset = 17", 'opset = "new"', "Invalid value for '--opset': 'new' is not a valid integer"),
        ('fail_on = ["unmapped>3"]', 'fail_on = ["foo"]', "--fail-on 'foo': expected a condition such as 'unmapped>1'"),
        ('fail_on = ["unmapped>3"]', 'fix = ["foo"]', "no fix is called 'foo'"),
        ("fail_on", "fails", "compile --target edgetpu` is called 'fails'; did you mean 'fail_on'?"),
    ],
)
def test_a_wrong_option_of_a_format_or_a_target_is_told(work, capsys, old, new, told):
    status, said = explained(work, capsys, TOOLS.replace(old, new), "float")
    assert status == 2
    assert told in said.err


def test_a_version_of_tensorrt_that_there_is_not_is_told_when_the_plan_is_read(work, capsys):
    text = TOOLS.replace("multiple_subgraphs = true", "").replace('fail_on = ["unmapped>3"]', 'tensorrt = "7"')
    status, said = explained(work, capsys, text.replace('"edgetpu"', '"tensorrt"'), "float")
    assert status == 2
    assert "'7' is no version of TensorRT: want one such as 10.3" in said.err


def test_a_target_that_does_not_take_the_format_is_told(work, capsys):
    status, said = explained(work, capsys, TOOLS.partition("[[exclude]]")[0], "float")
    assert status == 2
    assert "the target coral compiles .tflite, and the format nchw is .onnx: give another format, or leave" in said.err


def test_a_compiled_model_is_measured_and_the_model_before_it_is_scored(graph, work):
    write_labels(work / "instances.json", 12)
    text = TOOLS.split("[formats")[0].replace('["tflite", "nchw"]', '"tflite"').replace('"coral"]', '"edgetpu"]')
    text = text.replace('device = "none"', 'device = "board"\ndataset = "val"')
    found = graph(text + '[datasets.val]\ncoco = ["images", "instances.json"]\n')
    (compiled,) = (stage for stage in found.stages.values() if stage.kind == "compile")
    assert [stage.kind for stage in found.stages.values() if stage.needs == compiled.key] == ["measure"]
    assert kinds(found.stages.values()) == ["compile", "convert", "evaluate", "measure", "measure", "quantize"]


def test_what_is_compiled_for_tensorrt_is_measured_by_its_engine_on_a_device(graph, work):
    text = TOOLS.split("[formats")[0].replace('["none", "coral"]', '"trt"').replace('["tflite", "nchw"]', '"tflite"')
    path = work / "plan.toml"
    text = text.replace('device = "none"', 'device = ["host", "board"]')
    path.write_text(text + '[targets.trt]\nchip = "tensorrt"\nprecision = "fp16"\n[measure]\nimages = "images"\n')
    plan = read_plan(path, tool_readers())
    found = graph_of(plan, cells_of(plan), read_inventory(work / "lab.toml"))
    here, board = (command_lines(plan, found, cell)[-1] for cell in found.cells)
    assert board == ("detlite measure out/compiled/model.onnx --scenario single-stream --precision fp16 --device board")
    assert here == f"detlite measure out/compiled --scenario single-stream --images {work / 'images'}"


def test_a_stage_is_done_once_and_its_record_says_what_it_is_of(graph, work):
    found, store = graph(), make_store(work / "study")
    (stage,) = (one for one in found.stages.values() if one.kind == "convert")
    first = run_stage(str(store.root), to_record(stage), None)
    second = run_stage(str(store.root), to_record(stage), None)
    assert (first["status"], second["status"], second["wall_s"]) == ("done", "done", 0.0)
    assert store.starts(stage.key) == 1
    assert store.find(stage.key).facts["model"] == "float"
    assert done_stages(found, store) == {stage.key}
    assert list((work / "study" / "scratch").iterdir()) == []


def test_a_stage_that_fails_says_why_and_what_needs_it_is_not_run(graph, work):
    found, store = graph(), make_store(work / "study")
    (stage,) = (one for one in found.stages.values() if one.kind == "convert")
    (work / "float" / "model.tflite").unlink()
    outcome = run_stage(str(store.root), to_record(stage), None)
    assert outcome["status"] == "failed"
    assert store.last_failure(stage.key).facts["error"] == outcome["text"]
    after = next(one for one in found.stages.values() if one.needs == stage.key)
    assert run_stage(str(store.root), to_record(after), outcome) | {"text": ""} == {
        "key": after.key,
        "status": "not run",
        "text": "",
        "wall_s": 0.0,
    }


def test_a_finished_plan_starts_no_cluster(graph, work, capsys):
    found, store = graph('[axes]\nmodel = "float"\ndevice = "none"\n'), make_store(work / "study")
    for stage in found.stages.values():
        run_stage(str(store.root), to_record(stage), None)
    scheduler = "tcp://127.0.0.1:1"  # nobody is there
    arguments = [str(work / "plan.toml"), "-o", str(work / "study"), "--scheduler", scheduler, "--json"]
    assert main(["sweep", *arguments]) == 0
    assert '"stages_run": 0' in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--dry-run"], ["--explain", "float"]])
def test_figures_are_not_checked_without_a_sweep(graph, work, capsys, option):
    graph()
    arguments = [str(work / "plan.toml"), "-o", str(work / "study"), "--check", str(work / "expected.toml")]
    assert main(["sweep", *arguments, *option]) == 2
    assert "--check compares the figures of a sweep: leave out --dry-run and --explain" in capsys.readouterr().err


def test_a_dry_run_lists_the_cells_and_writes_nothing(graph, work, capsys):
    graph()
    inventory = ["--inventory", str(work / "lab.toml")]
    assert main(["sweep", str(work / "plan.toml"), "-o", str(work / "study"), "--dry-run", *inventory]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("6 cells, 0 done; 9 stages to run")
    assert not (work / "study").exists()
