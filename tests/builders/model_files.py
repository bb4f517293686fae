"""Files of detectors for tests of commands, made of the tiny SSD."""

import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from builders.tiny_ssd import Tiny, tiny_graph_def


def write_frozen(folder: Path, tiny: Tiny = Tiny()) -> Path:  # noqa: B008  # frozen
    """Write a folder with a frozen graph and its labels, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "frozen_inference_graph.pb").write_bytes(tiny_graph_def(tiny).SerializeToString())
    (folder / "labels.txt").write_text("cat\ndog\nkite\n")
    return folder


def write_archive(folder: Path) -> Path:
    """Write a zoo-like archive of `write_frozen` and return it."""
    inner = write_frozen(folder / "tiny_2018_01_01")
    path = folder / "tiny_2018_01_01.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(inner, inner.name)
    return path


def write_photos(folder: Path, count: int = 6) -> Path:
    """Write *count* small pictures with something in them and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        chance = np.random.default_rng(number)
        coarse = chance.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(coarse).resize((80, 60), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder
