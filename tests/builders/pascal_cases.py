"""A small set with group-of boxes, written by hand, and the files of Pascal VOC and Open Images that say it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from builders.detection_cases import annotations, detected
from detlite.accuracy.detect import Detected
from detlite.accuracy.labels.annotations import Annotations

VocObject = tuple[str, float, float, float, float, int]

TRUTHS = (  # image, class, (x, y, width, height) in hundredths of the image, group-of
    (0, 0, (10, 10, 30, 30), False),
    (0, 0, (50, 50, 40, 40), True),
    (0, 1, (5, 60, 20, 20), False),
    (1, 0, (20, 20, 40, 40), False),
    (1, 1, (0, 0, 80, 80), True),
    (2, 0, (10, 10, 20, 20), True),
    (2, 2, (30, 30, 30, 30), False),
)
FOUND = (  # image, class, box, score
    (0, 0, (10, 10, 30, 32), 0.9),
    (0, 0, (12, 10, 30, 30), 0.85),  # the same object again
    (0, 0, (55, 55, 15, 15), 0.8),  # two in one group
    (0, 0, (60, 60, 20, 20), 0.7),
    (0, 1, (5, 60, 20, 12), 0.6),
    (1, 0, (60, 60, 20, 20), 0.95),
    (1, 0, (22, 18, 40, 40), 0.5),
    (1, 1, (10, 10, 20, 20), 0.4),
    (1, 2, (0, 0, 50, 50), 0.99),  # somebody said that none is there
    (2, 0, (50, 50, 20, 20), 0.3),
    (2, 1, (30, 30, 30, 30), 0.65),  # nobody said anything
    (2, 2, (30, 30, 30, 28), 0.2),
)


def open_images() -> tuple[Annotations, Detected]:
    """The annotations and the detections above; class 2 was verified to be absent in image 1."""
    truth = annotations([row[:3] for row in TRUTHS], images=3, classes=3)
    truths = tuple(replace(t, group_of=row[3]) for t, row in zip(truth.truths, TRUTHS, strict=True))
    verified = frozenset({(2, 3)})
    return replace(truth, truths=truths, verified=verified, origin="open-images"), detected(FOUND, images=3)


def write_xml(path: Path, objects: Iterable[VocObject], *, size: tuple[int, int] = (375, 500)) -> None:
    """Write a VOC annotation of *objects*, each (name, xmin, ymin, xmax, ymax, difficult)."""
    rows = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, x1, y1, x2, y2, difficult in objects
    )
    height, width = size
    path.write_text(
        f"<annotation><size><width>{width}</width><height>{height}</height><depth>3</depth></size>{rows}</annotation>"
    )


def write_voc(folder: Path, files: Mapping[str, Iterable[VocObject]]) -> Path:
    """Write a VOC folder: *files* maps a stem to its objects; the images are empty files."""
    (folder / "Annotations").mkdir(parents=True)
    (folder / "JPEGImages").mkdir()
    for stem, objects in files.items():
        write_xml(folder / "Annotations" / f"{stem}.xml", objects)
        (folder / "JPEGImages" / f"{stem}.jpg").touch()
    return folder
