"""Families: found by their files, recognized by the scopes in a graph."""

from pathlib import Path

import pytest

from detlite.convert.rebuild.odapi.family import Family, family_names, family_of_archive, family_of_scope, load_family
from detlite.runtime.errors import ContractError, UnknownNameError
from detlite.runtime.plugins import load_plugin, plugin_names

GOLDENS = {
    "ssd_inception_v2": "inception_v2",
    "ssd_mobilenet_v1": "mobilenet_v1",
    "ssd_mobilenet_v1_fpn": "mobilenet_v1",
    "ssd_mobilenet_v1_ppn": "mobilenet_v1",
    "ssd_spaghettinet_edgetpu_s": "spaghettinet",
    "ssdlite_mobiledet_cpu": "mobiledet",
    "ssdlite_mobiledet_edgetpu": "mobiledet",
    "ssdlite_mobilenet_v2": "mobilenet_v2",
    "ssdlite_mobilenet_v3_small": "mobilenet_v3",
}


@pytest.mark.parametrize("name", family_names())
def test_a_family_is_recognized_by_each_of_its_scopes(name: str) -> None:
    family = load_family(name)
    for scope in family.scopes:
        assert family_of_scope([f"{scope}/Conv/weights", "Preprocessor/sub"]) == family
        assert family_of_scope([f"StatefulPartitionedCall/{scope}/model/Conv1/Conv2D"]) == family


def test_a_scope_counts_in_whole_parts_only() -> None:
    assert family_of_scope(["FeatureExtractor/MobilenetV25/Conv", "MyFeatureExtractor/MobilenetV2/Conv"]) is None


def test_a_graph_of_no_family_has_none() -> None:
    assert family_of_scope(["FeatureExtractor/Inception_V9/conv1"]) is None


def test_resnet_is_normalized_by_the_imagenet_means_alone() -> None:
    family = load_family("resnet_v1_fpn")
    assert (family.mean, family.std) == ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))


def test_mobilenets_read_minus_one_to_one() -> None:
    family = load_family("mobilenet_v2")
    assert [(0 - family.mean[0]) / family.std[0], (255 - family.mean[0]) / family.std[0]] == [-1.0, 1.0]


def test_an_archive_s_family_names_its_file() -> None:
    assert family_of_archive("ssd_mobilenet_v2_mnasfpn") == "mobilenet_v2"
    assert family_of_archive("centernet") is None


def test_a_family_without_a_scope_is_refused() -> None:
    with pytest.raises(ContractError, match="names no scope"):
        Family("x", "y", (), (0, 0, 0), (1, 1, 1), ())


def test_a_plugin_that_has_no_file_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="no family is called 'mobilenet_v9'; did you mean 'mobilenet_v"):
        load_plugin("detlite.convert.rebuild.odapi.families", "mobilenet_v9")


def test_plugins_are_named_after_their_files() -> None:
    files = {path.stem for path in (Path(__file__).parents[4] / "convert/rebuild/odapi/families").glob("*.py")}
    assert set(plugin_names("detlite.convert.rebuild.odapi.families")) == files - {"__init__"}


@pytest.mark.data
@pytest.mark.parametrize(("golden", "name"), GOLDENS.items())
def test_graphs_of_the_original_api_are_recognized(shared_data: Path, golden: str, name: str) -> None:
    lines = (shared_data / "odapi_goldens" / golden / "layers.tsv").read_text().splitlines()[1:]
    assert family_of_scope(line.split("\t")[0] for line in lines) == load_family(name)
