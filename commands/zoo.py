"""`detlite zoo`: list, show and fetch published detectors."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from detlite.commands.command import CommandGroup
from detlite.commands.completion import names_of, zoo_names, zoo_values
from detlite.commands.console import emit_facts, emit_json, emit_table, notice, progress, say
from detlite.commands.options import json_option
from detlite.convert.zoo.catalogue import Filter, ZooModel, convertible, find, load_catalogue, needs, select
from detlite.runtime.counts import counted


@click.group(cls=CommandGroup)
def command() -> None:
    """List, show and fetch published models.

    \b
    detlite zoo list --convertible                  the models that detlite can convert
    detlite zoo list --family ssdlite_mobilenet_v2
    detlite zoo show ssdlite_mobilenet_v2_coco      its published figures and their sources
    detlite zoo fetch ssdlite_mobilenet_v2_coco     download, check and unpack it
    """


@command.command("list")
@click.argument("words", nargs=-1)
@click.option(
    "--family",
    shell_complete=names_of(lambda: zoo_values(lambda model: (model.family,))),
    help="List only this family, such as ssd_mobilenet_v2.",
)
@click.option(
    "--task",
    shell_complete=names_of(lambda: zoo_values(lambda model: model.tasks)),
    help="List only models that return boxes, masks, keypoints, classes, pixel_classes or clip_classes.",
)
@click.option(
    "--framework",
    shell_complete=names_of(lambda: zoo_values(lambda model: (model.framework,))),
    help="List only models of tf1, tf2, tf_vision, onnx or pytorch.",
)
@click.option(
    "--quantized/--float",
    default=None,
    help="List only models published in 8 bits, or only those in float (default: both).",
)
@click.option("--convertible", "only_convertible", is_flag=True, help="List only models that detlite can convert.")
@json_option
def list_models(
    words: tuple[str, ...],
    as_json: bool,
    only_convertible: bool,
    **conditions: Any,
) -> None:
    """List the models whose names contain all WORDS, with their published COCO mAP.

    \b
    detlite zoo list --convertible
    detlite zoo list mobilenet fpn --framework tf2
    detlite zoo list --task boxes --quantized --json
    """
    wanted = Filter(text=" ".join(words), convertible=only_convertible or None)
    models = select(dataclasses.replace(wanted, **conditions))
    if as_json:
        emit_json("zoo_list", {"models": [_record(model) for model in models]})
        return
    emit_table(("name", "input", "mAP %", "8 bit", "framework", "family", "convertible"), [_row(m) for m in models])
    able = [model for model in models if convertible(model)[0]]
    lacking = sum(needs(model) is not None for model in able)
    more = f", {lacking} of these with a file that the archive lacks" if lacking else ""
    notice(f"{len(models)} of {counted(len(load_catalogue().models), 'model')}, {len(able)} of them convertible{more}")


@command.command()
@click.argument("name", shell_complete=names_of(zoo_names))
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the facts, published figures, pages and archives of the model NAME.

    \b
    detlite zoo show ssdlite_mobilenet_v2_coco
    detlite zoo show ssd_mobilenet_v3_large_coco_2020_01_14 --json
    """
    model = find(name)
    if as_json:
        emit_json("zoo_model", _record(model))
        return
    able, why = convertible(model)
    facts = {
        "name": model.name,
        "family": model.family,
        "framework": model.framework,
        "returns": ", ".join(model.tasks),
        "input": _size(model),
        "8 bit": _yes(model.quantized),
        "trained on": model.training_set or "not stated",
        "convertible": f"{_yes(able)}: {why}",
    }
    emit_facts(facts)
    say("")
    rows = [
        (
            figure.metric,
            f"{figure.value:g}",
            figure.split or "",
            figure.device or "",
            figure.precision or "",
            _pages(figure.pages),
        )
        for figure in model.figures
    ]
    emit_table(("figure", "value", "images", "device", "precision", "page"), rows)
    say("")
    for archive in model.archives:
        say(archive.url)
    for package in model.packages:
        say(f"{package.registry} package {package.name} {package.version}")


@command.command()
@click.argument("name", shell_complete=names_of(zoo_names))
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the archive or its unpacked files; nothing is downloaded.",
)
@click.option(
    "--cache", type=click.Path(file_okay=False, path_type=Path), help="Cache folder (default: $DETLITE_CACHE)."
)
@json_option
def fetch(name: str, folder: Path | None, cache: Path | None, as_json: bool) -> None:
    """Download the model NAME, check its sha256 and unpack it. A cached model is not downloaded again.

    \b
    detlite zoo fetch ssdlite_mobilenet_v2_coco
    detlite zoo fetch ssd_mobilenet_v2_coco --from ~/Downloads
    """
    from detlite.convert.zoo.fetch import fetch as fetch_model

    with progress() as report:
        found = fetch_model(name, cache=cache, folder=folder, progress=report, notice=notice)
    if as_json:
        record = {
            "name": find(name).name,
            "path": str(found.path),
            "source": found.source,
            "sha256": found.sha256,
        }
        emit_json("zoo_fetch", record)
        return
    emit_facts({"source": found.source, "sha256": found.sha256})
    say(f"{find(name).name}: {_verdict(find(name))}, in {found.path}")


def _verdict(model: ZooModel) -> str:
    """Return whether *model*, which was fetched, can be converted, and why."""
    able, why = convertible(model)
    if not able:
        return f"downloaded, but detlite cannot convert it ({why})"
    if option := needs(model):
        return f"downloaded; converting it takes a file for {option} that its archive lacks ({why})"
    return f"ready to convert ({why})"


def _record(model: ZooModel) -> dict[str, object]:
    able, why = convertible(model)
    return {**dataclasses.asdict(model), "convertible": able, "convertible_reason": why}


def _row(model: ZooModel) -> tuple[object, ...]:
    score = model.coco_map_percent
    return (
        model.name,
        _size(model),
        "" if score is None else f"{score:g}",
        _yes(model.quantized),
        model.framework,
        model.family,
        _convertible(model),
    )


def _convertible(model: ZooModel) -> str:
    able, option = convertible(model)[0], needs(model)
    return f"with {option}" if able and option is not None else _yes(able)


def _pages(keys: tuple[str, ...]) -> str:
    pages = load_catalogue().pages
    return "; ".join(f"{pages[key].title} ({pages[key].revision})" for key in keys)


def _size(model: ZooModel) -> str:
    return "varies" if model.input_size is None else f"{model.input_size[0]}x{model.input_size[1]}"


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
