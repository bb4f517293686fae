"""Plans with models of video: clips to calibrate with, data sets of videos, a camera's rate, a video to measure on."""

import json
from dataclasses import replace

import pytest
from builders.command_line import Detlite
from builders.conv_streams import conv_stream
from builders.tiny_streams import clip_reader
from builders.tiny_videos import write_scenes
from builders.video_files import grey, write_video

from detlite.devices.inventory import read_inventory
from detlite.studies.store.store import open_store
from detlite.studies.sweep.cells import cells_of
from detlite.studies.sweep.command_lines import command_lines
from detlite.studies.sweep.graph import graph_of
from detlite.studies.sweep.plan_file import PlanError, read_plan

PLAN = """
[axes]
model = "float"
scheme = "int8"
calibration = ["clips", "clips/a.mkv"]
count = 9
scenario = ["single-stream", "camera"]
fps = 25
[measure]
video = "clips/a.mkv"
queries = 20
processes = 1
min_seconds = 0.1
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "clips").mkdir()
    write_scenes(tmp_path / "clips" / "a.mkv", 0, 200, each=12)
    conv_stream().save(tmp_path / "float")
    (tmp_path / "lab.toml").write_text('[board]\nkind = "generic_linux"\naddress = "board"\n')
    return tmp_path


def planned(work, text=PLAN):
    (work / "plan.toml").write_text(text)
    plan = read_plan(work / "plan.toml")
    return plan, graph_of(plan, cells_of(plan), read_inventory(work / "lab.toml"))


def test_a_rate_counts_only_where_frames_are_paced(work):
    plan, _graph = planned(work)
    rates = {cell.choices["scenario"]: cell.choices["fps"] for cell in cells_of(plan)}
    assert rates == {"single-stream": None, "camera": 25}


def test_a_cell_is_made_by_these_commands(work):
    plan, graph = planned(work)
    cell = next(cell for cell in graph.cells if cell.choices["fps"] and cell.choices["calibration"] == "clips")
    lines = command_lines(plan, graph, cell)
    assert lines[1].endswith(f"--videos {work}/clips --count 9 --seed 0 -o out/quantized")
    assert "--scenario camera --fps 25.0" in lines[2]
    assert lines[2].endswith(f"--video {work}/clips/a.mkv")


def test_a_key_changes_with_the_content_of_a_video(work):
    before = planned(work)[1]
    write_scenes(work / "clips" / "a.mkv", 50, each=12)
    after = planned(work)[1]
    same = before.stages.keys() & after.stages.keys()
    assert [before.stages[key].kind for key in same] == ["convert"]


def test_a_video_is_not_measured_on_another_device(work):
    with pytest.raises(PlanError, match="videos are decoded on this machine: board is measured with images of frames"):
        planned(work, PLAN.replace("fps = 25", 'device = "board"'))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[datasets.val]\nvideo-folders = "clips"\nclips = 0', "0 clips of 1 crop: want 1 to 100 clips"),
        ('[datasets.val]\nvideo-folders = "clips"\ncrops = "3"', "clip_stride are whole numbers"),
        ('[datasets.val]\nimages = "clips"\nclasses = "list.txt"\nclips = 2', "no key of a data set is called 'clips'"),
    ],
)
def test_wrong_views_are_told(work, text, error):
    with pytest.raises(PlanError, match=error):
        planned(work, f"{PLAN}\n{text}\n")


SCORED = """
[axes]
model = "model"
dataset = "val"
[datasets.val]
video-folders = "val"
clips = 2
[measure]
video = "val/last/x.mkv"
queries = 20
processes = 1
min_seconds = 0.1
[evaluate]
bootstrap = 0
"""


@pytest.mark.slow
def test_a_sweep_scores_and_measures_a_model_of_clips(tmp_path, monkeypatch):
    """Of 12 frames that get brighter, the last class is the best; the damaged video is left out."""
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    model = clip_reader(frames=3, stride=2)
    replace(model, contract=replace(model.contract, labels=("first", "middle", "last"))).save(tmp_path / "model")
    (tmp_path / "val" / "last").mkdir(parents=True)
    write_video(tmp_path / "val" / "last" / "x.mkv", [grey(10 * n) for n in range(12)])
    (tmp_path / "val" / "last" / "y.mkv").write_bytes(b"no video")
    (tmp_path / "plan.toml").write_text(SCORED)
    ran = Detlite(tmp_path)("sweep", "plan.toml", "-o", "study", "--workers", 1)
    assert ran.status == 0, ran.err
    entries = open_store(tmp_path / "study").scan().entries
    (found,) = [one for one in entries if one.kind == "evaluate" and one.status == "done"]
    assert (found.facts["top1"], found.facts["images"], found.facts["unread_videos"]) == (100, 1, 1)
    assert found.result["protocol"]["views"]["clips"] == 2
    verified = Detlite(tmp_path)("results", "verify", "study", "--json")
    assert verified.status == 0, verified.err
    record = json.loads(verified.out)
    assert (record["wrong"], record["unchecked"]) == ([], [])
    assert record["checked"] > 0


def test_a_data_set_of_videos_without_labels_is_told_before_anything_runs(work):
    scored = PLAN.replace("[measure]", 'dataset = "val"\n[datasets.val]\nvideos = "clips"\n[measure]')
    with pytest.raises(PlanError, match="a data set of videos needs labels: give kinetics"):
        planned(work, scored)


def test_the_table_of_labels_of_a_data_set_is_beside_the_plan(work):
    scored = PLAN.replace(
        "[measure]", 'dataset = "val"\n[datasets.val]\nvideos = "clips"\nkinetics = "k.csv"\n[measure]'
    )
    (work / "k.csv").write_text("label,youtube_id,time_start,time_end\ngrey,a,0,1\n")
    plan, _graph = planned(work, scored)
    assert plan.datasets["val"].files.path("kinetics") == work / "k.csv"
