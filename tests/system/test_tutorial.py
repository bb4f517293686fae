"""docs/tutorial.md, run line by line on a small checkpoint: what a newcomer copies works in this order."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from builders.model_files import write_photos
from builders.small_checkpoint import LABEL_MAP, write_checkpoint

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
ELSEWHERE = ("--device", "detlite compile", "_edgetpu.tflite")
"""Lines that need a board or Google's compiler contain one of these: `test_documentation` parses them."""


def lines() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [
        line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.startswith("detlite")
    ]


@pytest.fixture(scope="module")
def reader(tmp_path_factory, detlite_in):
    """The folder of someone who has what the tutorial asks for."""
    run = detlite_in(tmp_path_factory.mktemp("reader"))
    write_checkpoint(run.folder, "model.ckpt-50000")
    (run.folder / "map.pbtxt").write_text(LABEL_MAP)
    write_photos(run.folder / "photos")
    write_photos(run.folder / "val")
    write_labels(run.folder / "val", run.folder / "val.json")
    return run


def write_labels(images: Path, file: Path) -> None:
    """Write COCO annotations in which each picture is a cat as a whole."""
    names = sorted(path.name for path in images.iterdir())
    boxes = [
        {"id": number + 1, "image_id": number, "category_id": 1, "bbox": [0, 0, 80, 60]} for number in range(len(names))
    ]
    known = [{"id": number, "file_name": name, "height": 60, "width": 80} for number, name in enumerate(names)]
    categories = [{"id": number, "name": name} for number, name in enumerate(("cat", "dog", "kite"), 1)]
    file.write_text(json.dumps({"images": known, "annotations": boxes, "categories": categories}))


@pytest.mark.slow
def test_the_tutorial_can_be_followed(reader):
    done = [line for line in lines() if not any(word in line for word in ELSEWHERE)]
    assert len(done) >= 10
    for line in done:
        if "accuracy-before.json" in line:
            shutil.copy(reader.folder / "accuracy.json", reader.folder / "accuracy-before.json")
        ran = reader(*shlex.split(line)[1:])
        assert ran.status == 0, f"{line}\n{ran.err}"
    assert (reader.folder / "out" / "better" / "model.tflite").is_file()
    assert (reader.folder / "board.pyz").is_file()
    assert any((reader.folder / "drawn").iterdir())
