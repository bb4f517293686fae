"""`detlite zoo` as a user runs it."""

import json
import tarfile
from pathlib import Path

import pytest

from detlite.cli import main

NAME = "ssdlite_mobilenet_v2_coco"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["zoo", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_list_shows_names_and_scores(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "list", "--family", "ssdlite_mobilenet_v2")
    assert status == 0
    assert out.splitlines()[1].split() == [NAME, "300x300", "22", "no", "tf1", "ssdlite_mobilenet_v2", "yes"]
    assert err == "1 of 163 models, 1 of them convertible\n"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("tf_vision_vit_b16_224", "with --config"),
        ("tf_vision_retinanet_mobilenetv2_256", "no"),
        ("centernet_mobilenetv2fpn_512x512_coco17_kpts", "with --labels"),
    ],
)
def test_list_says_which_file_is_needed_beside_the_archive(
    capsys: pytest.CaptureFixture[str], name: str, column: str
) -> None:
    _status, out, err = run(capsys, "list", name)
    assert out.rstrip().endswith(f" {column}")
    assert ("1 of these with a file that the archive lacks" in err) == column.startswith("with")


def test_list_json_has_a_schema_and_the_same_models(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _err = run(capsys, "list", "mobilenet", "v3", "--convertible", "--json")
    record = json.loads(out)
    assert (status, record["schema"], record["schema_version"]) == (0, "detlite.zoo_list", 1)
    assert [m["name"] for m in record["models"]] == [
        "ssd_mobilenet_v3_large_coco",
        "ssd_mobilenet_v3_small_coco",
    ]


def test_list_of_an_unknown_family_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "list", "--family", "ssd_mobilenet_v22")
    assert (status, out) == (2, "")
    assert "did you mean 'ssd_mobilenet_v2'" in err


def test_show_names_the_page_of_a_figure(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _err = run(capsys, "show", NAME)
    assert status == 0
    assert "TensorFlow 1 Detection Model Zoo (2021)" in out
    assert "convertible  yes: frozen_graph, family mobilenet_v2" in out


def test_show_json_holds_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    _status, out, _err = run(capsys, "show", NAME, "--json")
    figures = {figure["metric"]: figure["value"] for figure in json.loads(out)["figures"]}
    assert figures == {"latency_ms": 27.0, "coco_map_percent": 22.0}


def test_show_of_an_unknown_name_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status, _out, err = run(capsys, "show", "ssdlite_mobilnet_v2_coco")
    assert status == 2
    hint = f"did you mean '{NAME}'?; see `detlite zoo list`"
    assert err == f"detlite: no model is called 'ssdlite_mobilnet_v2_coco'; {hint}\n"


def test_a_name_that_is_far_from_all_suggests_the_nearest_and_not_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    status, _out, err = run(capsys, "show", "mobiledet")
    assert status == 2
    assert "of 163, the nearest are: " in err
    assert all("mobiledet" in name for name in err.split("are: ")[1].split(";")[0].split(", "))


def test_a_name_that_is_like_no_other_says_where_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, _out, err = run(capsys, "show", "yyy")
    assert (status, err) == (2, "detlite: no model is called 'yyy'; none of 163 is like it; see `detlite zoo list`\n")


def test_fetch_from_a_folder_ends_with_the_verdict_and_the_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.json").write_text("{}")
    status, out, err = run(capsys, "fetch", NAME, "--from", str(tmp_path), "--cache", str(tmp_path / "cache"))
    assert status == 0
    assert out.splitlines()[-1] == f"{NAME}: ready to convert (frozen_graph, family mobilenet_v2), in {tmp_path}"
    assert "is used unchecked: no digest is known for model.json" in err


def test_fetch_json_gives_path_source_and_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "frozen_inference_graph.pb").write_bytes(b"graph")
    _status, out, _err = run(capsys, "fetch", NAME, "--from", str(tmp_path), "--cache", str(tmp_path), "--json")
    record = json.loads(out)
    assert (record["name"], record["path"]) == (NAME, str(tmp_path))
    assert len(record["sha256"]) == 64


def test_fetch_from_an_empty_folder_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "fetch", NAME, "--from", str(tmp_path), "--cache", str(tmp_path / "cache"))
    assert (status, out) == (2, "")
    assert err.startswith(f"detlite: {tmp_path} does not hold {NAME}: want {NAME}_2018_05_09.tar.gz")


def test_fetch_of_a_broken_archive_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / f"{NAME}_2018_05_09.tar.gz").write_bytes(b"\x1f\x8bbroken")
    status, _out, err = run(capsys, "fetch", NAME, "--from", str(tmp_path), "--cache", str(tmp_path / "cache"))
    assert status == 2
    assert err.count("\n") == 1
    assert "truncated, corrupt" in err


@pytest.mark.parametrize("words", [(), ("list",), ("show",), ("fetch",)])
def test_every_help_begins_with_examples(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _err = run(capsys, *words, "--help")
    assert status == 0
    assert 2 <= out.count("detlite zoo ") <= 5


def test_fetch_tells_that_a_model_of_tf_vision_needs_its_params_yaml(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ckpt-1.index").write_bytes(b"index")
    archive = "dilated-resnet-101-deeplabv3plus.tar.gz"
    with tarfile.open(tmp_path / archive, "w:gz") as packed:
        packed.add(tmp_path / "ckpt-1.index", "ckpt-1.index")
    name = "tf_vision_deeplabv3plus_resnet101_512"
    status, out, _err = run(capsys, "fetch", name, "--from", str(tmp_path), "--cache", str(tmp_path / "cache"))
    assert status == 0
    assert f"{name}: downloaded; converting it takes a file for --config that its archive lacks (" in out
