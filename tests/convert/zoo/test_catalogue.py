"""The catalogue: its rules, and its agreement with the published tables."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from detlite.convert.rebuild.odapi.family import family_names, load_family
from detlite.convert.zoo.catalogue import (
    Filter,
    Listing,
    PublishedFigure,
    ZooModel,
    convertible,
    find,
    load_catalogue,
    select,
    snake,
)
from detlite.runtime.errors import InputError, UnknownNameError

MODELS = load_catalogue().models


def test_names_are_unique_and_sorted() -> None:
    names = [model.name for model in MODELS]
    assert names == sorted(set(names))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_keeps_the_catalogue_s_rules(model: ZooModel) -> None:
    assert model.name == snake(model.name)
    assert set(model.tasks) <= {"boxes", "masks", "keypoints", "classes", "pixel_classes", "clip_classes"}
    assert model.tasks
    assert model.listings
    assert {listing.page for listing in model.listings} <= set(load_catalogue().pages)
    assert all(archive.url.startswith("https://") for archive in model.archives)
    for figure in model.figures:
        assert set(figure.pages) <= {listing.page for listing in model.listings}
        assert 0 <= figure.value <= 100 or not figure.metric.endswith("percent")
        assert figure.archive is None or figure.archive in {archive.url for archive in model.archives}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_found_by_its_archive_s_full_name(model: ZooModel) -> None:
    for archive in model.archives:
        if archive.stem != "extremenet":  # two archives are called so, years apart
            assert find(archive.file_name) == model


def test_a_model_is_found_by_the_table_s_own_name() -> None:
    assert find("SSD MobileNet V2 FPNLite 320x320").name == "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu_8"


def test_two_dates_of_one_model_are_one_entry_with_the_figures_of_both() -> None:
    model = find("ssd_mobilenet_v3_large_coco_2019_08_14")
    scores = [(f.value, f.pages) for f in model.figures if f.metric == "coco_map_percent"]
    assert scores == [(22.3, ("tf1_zoo_2019",)), (22.6, ("tf1_zoo_2021",))]
    assert [archive.stem[-10:] for archive in model.archives] == ["2020_01_14", "2019_08_14"]


def test_the_newest_page_s_map_is_the_model_s() -> None:
    assert find("ssd_mobilenet_v3_large_coco").coco_map_percent == 22.6


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ssdlite_mobilenet_v2_coco'"):
        find("ssdlite_mobilnet_v2_coco")


def test_a_name_of_several_models_lists_them() -> None:
    with pytest.raises(UnknownNameError, match=r"is ambiguous; use one of .*mlperf_ssd_mobilenet_v1_onnx"):
        find("ssd-mobilenet 300x300")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("ssdlite_mobilenet_v2_coco", (True, "frozen_graph, family mobilenet_v2")),
        ("ssd_resnet50_v1_fpn_640x640_coco17_tpu_8", (True, "saved_model, family resnet_v1_fpn")),
        ("faster_rcnn_nas_coco", (True, "frozen_graph, family nasnet")),
        ("extremenet", (False, "its archive holds no known format; detlite needs frozen_graph or saved_model")),
        ("mask_rcnn_inception_v2_coco", (True, "frozen_graph, family inception_v2")),
        (
            "context_rcnn_resnet101_snapshot_serengeti",
            (True, "frozen_graph, family faster_rcnn_resnet_v1"),
        ),
        (
            "centernet_mobilenetv2fpn_512x512_coco17_kpts",
            (True, "saved_model, family center_net; its keypoints need the label map of the training: --labels"),
        ),
        ("mlperf_ssd_mobilenet_v1_onnx", (True, "onnx, cut at the heads of its SSD")),
        ("mlperf_ssd_resnet34_pytorch", (True, "pytorch, rebuilt as ssd_resnet34")),
        ("mlperf_ssd_resnet34_tf1", (True, "frozen_graph in NCHW, cut at the heads of its SSD by way of tf2onnx")),
        (
            "tf_vision_retinanet_mobilenetv2_256",
            (False, "its weights are not published; retinanet is rebuilt with yours: --config and --checkpoint"),
        ),
        (
            "tf_vision_resnet_50_224",
            (True, "checkpoint; resnet is rebuilt with its params.yaml: --config and --checkpoint"),
        ),
        (
            "tf_vision_movinet_a0_base_50x5_kinetics_600",
            (True, "checkpoint; movinet is rebuilt with its params.yaml: --config and --checkpoint"),
        ),
        (
            "tf_vision_slowonly_8x8_kinetics_400",
            (False, "its weights are not published; resnet_3d is rebuilt with yours: --config and --checkpoint"),
        ),
    ],
)
def test_whether_a_model_can_be_converted_follows_from_its_facts(name: str, verdict: tuple[bool, str]) -> None:
    assert convertible(find(name)) == verdict


@pytest.mark.parametrize("name", family_names())
def test_every_family_covers_families_of_the_catalogue_that_no_other_covers(name: str) -> None:
    own = set(load_family(name).archives)
    others = {archive for other in family_names() if other != name for archive in load_family(other).archives}
    assert not own or own & ({model.family for model in MODELS} | {model.name for model in MODELS})
    assert not own & others


STREAMS = {  # top-1 and top-5 on Kinetics-600, in percent
    "a0": (72.05, 90.63),
    "a1": (76.45, 93.25),
    "a2": (78.40, 94.05),
    "a3": (80.09, 94.84),
    "a4": (81.49, 95.66),
    "a5": (82.37, 95.79),
}


@pytest.mark.parametrize("size", STREAMS)
def test_the_streams_of_movinet_have_the_figures_of_their_page(size: str) -> None:
    model = find(f"movinet_{size}_stream.tar.gz")
    assert tuple(figure.value for figure in model.figures) == STREAMS[size]
    assert {figure.pages for figure in model.figures} == {("movinet",)}
    assert convertible(model)[0]


def test_filters_are_joined_by_and() -> None:
    names = [model.name for model in select(Filter(framework="tf1", quantized=True, text="v1 0.75"))]
    assert names == ["ssd_mobilenet_v1_0_75_depth_quantized_300x300_coco14_sync"]


def test_a_filter_that_no_model_could_pass_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="no framework is called 'tf3'"):
        select(Filter(framework="tf3"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "detlite.catalogue", "schema_version": 9}'])
def test_a_damaged_catalogue_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"catalogue\.json"):
        load_catalogue(path)


# From here on: every row of the published tables against the catalogue.

FACTS = {
    "tf1_zoo_2019": ("(ms)", "mAP"),
    "tf1_zoo_2021": ("(ms)", "mAP"),
    "tf2_zoo": ("(ms)", "mAP"),
    "mlperf_v1.0": ("accuracy",),
    "tf_vision": ("Epochs", "FLOPs", "Params", "Box AP", "Mask AP", "Top-1", "Top-5", "mIoU"),
}


def rows(shared_data: Path, page: str) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = json.loads((shared_data / "zoo" / f"{page}.json").read_text())
    return table


def row_name(page: str, row: dict[str, Any]) -> str:
    if page == "tf_vision":
        return str(row["Backbone"] if "Box AP" in row else row.get("Model") or row["model"])
    if page != "mlperf_v1.0":
        return str(next(iter(row["links"])))
    return f"{row['model']}, {row['framework']}, {row['precision']}" if "accuracy" in row else str(row["model"])


def addresses(row: dict[str, Any]) -> set[str]:
    return {url.replace("http://", "https://") for url in row["links"].values()}


def listed(page: str, row: dict[str, Any]) -> list[tuple[ZooModel, Listing]]:
    return [
        (model, listing)
        for model in MODELS
        for listing in model.listings
        if (listing.page, listing.section, listing.row) == (page, row["section"], row_name(page, row))
        and (listing.archive is None or listing.archive in addresses(row))
        and (page != "tf_vision" or fits(model, row))
    ]


def fits(model: ZooModel, row: dict[str, Any]) -> bool:
    """Rows of TF-Vision with one name differ in their epochs, or in other figures."""
    if "Box AP" not in row:
        figures = sorted((figure.column, Decimal(str(figure.value))) for figure in model.figures)
        return figures == published("tf_vision", row)
    epochs = [figure.value for figure in model.figures if figure.metric == "training_epochs"]
    return epochs == [float(row["Epochs"])]


def published(page: str, row: dict[str, Any]) -> list[tuple[str, Decimal]]:
    """Return (column, number) for every figure in *row*; MLPerf prints mAP as a fraction."""
    factor = 100 if page == "mlperf_v1.0" else 1
    return sorted(
        (column, Decimal(number) * factor)
        for column, cell in row.items()
        if isinstance(cell, str) and any(part in column for part in FACTS[page])
        for number in re.findall(r"\d+(?:\.\d+)?", cell)
    )


def about(figure: PublishedFigure, page: str, archive: str | None) -> bool:
    return page in figure.pages and figure.archive in (None, archive)


@pytest.mark.data
@pytest.mark.parametrize("page", FACTS)
def test_every_row_of_a_table_is_in_the_catalogue_with_its_figures(shared_data: Path, page: str) -> None:
    for row in rows(shared_data, page):
        found = listed(page, row)
        assert found, row
        if page == "mlperf_v1.0" and "accuracy" not in row:
            continue
        ((model, listing),) = found
        figures = sorted(
            (figure.column, Decimal(str(figure.value)))
            for figure in model.figures
            if about(figure, page, listing.archive)
        )
        wanted = published(page, row)
        if page == "mlperf_v1.0":  # two rows share one archive
            assert set(wanted) <= set(figures), row
        else:
            assert figures == wanted, row


@pytest.mark.data
@pytest.mark.parametrize("page", FACTS)
def test_the_catalogue_states_nothing_of_a_table_that_is_not_in_it(shared_data: Path, page: str) -> None:
    table = rows(shared_data, page)
    stated = {
        (figure.column, Decimal(str(figure.value))) for m in MODELS for figure in m.figures if page in figure.pages
    }
    assert stated == {fact for row in table for fact in published(page, row)}
    names = {(row["section"], row_name(page, row)) for row in table}
    listings = [listing for model in MODELS for listing in model.listings if listing.page == page]
    assert {(listing.section, listing.row) for listing in listings} == names
    assert {listing.archive for listing in listings} - {None} <= set().union(*map(addresses, table))


@pytest.mark.data
@pytest.mark.parametrize("page", ["tf1_zoo_2019", "tf1_zoo_2021", "tf2_zoo"])
def test_every_model_returns_what_its_table_says(shared_data: Path, page: str) -> None:
    for row in rows(shared_data, page):
        ((model, _listing),) = listed(page, row)
        assert model.tasks == tuple(row["Outputs"].lower().split("/"))
