"""What the files beside a graph say of it: its `pipeline.config` and its label files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.convert.labels.files import known_labels, read_labels
from detlite.convert.text_format import Message, parse_text_format
from detlite.runtime.errors import InputError

CONFIG = "pipeline.config"
LABEL_FILES = ("*label*.pbtxt", "labels.txt", "labelmap.txt", "label_map.txt")
COCO_CLASSES = 90
SUPPORTED_MODEL = "ssd"


@dataclass(frozen=True, eq=False)
class Hints:
    """What is said beside the graph; None where nothing is.

    Attributes:
        folder: where the files lie.
        config: the parsed `pipeline.config`.
        classes: its number of classes, without the background.
        input_size: the (height, width) of its `fixed_shape_resizer`.
        iou_threshold: of its non-maximum suppression.
        nms_said: its other settings for that, in words: training and evaluation use them, a device need not.
    """

    folder: Path
    config: Message | None
    classes: int | None = None
    input_size: tuple[int, int] | None = None
    iou_threshold: float | None = None
    nms_said: str = "no pipeline.config beside the graph"

    def labels(self, classes: int, file: Path | None, origin: dict[str, str]) -> tuple[str, ...]:
        """Return one label for each of *classes*, from *file* or what is known, and say in *origin* where from.

        Raises:
            InputError: the labels do not match the classes.
        """
        if self.classes is not None and self.classes != classes:
            raise InputError(f"{self.folder / CONFIG} says {self.classes} classes, and the graph has {classes}")
        if file is not None:
            origin["labels"] = file.name
            return matching_labels(read_labels(file), classes, str(file))
        for pattern in LABEL_FILES:
            for found in sorted(self.folder.glob(pattern)):
                origin["labels"] = f"{found.name} beside the graph"
                return matching_labels(read_labels(found), classes, str(found))
        if classes == COCO_CLASSES:
            origin["labels"] = "COCO's list, as the graph has COCO's 90 classes; --labels gives another"
            return known_labels("coco")
        origin["labels"] = "numbers: no label file was given or found; --labels gives one"
        return tuple(f"class {number}" for number in range(1, classes + 1))


def matching_labels(labels: tuple[str, ...], classes: int, name: str) -> tuple[str, ...]:
    """Return *labels* if there is one for each of *classes*; *name* stands in the error."""
    if len(labels) != classes:
        raise InputError(
            f"{name} has {len(labels)} labels and the model {classes} classes: give one for each, ??? where a class "
            "has none, and none for the background"
        )
    return labels


def read_hints(folder: Path) -> Hints:
    """Return what the files in *folder* say.

    Raises:
        InputError: its `pipeline.config` cannot be read, or is of a model that is no SSD.
    """
    path = folder / CONFIG
    if not path.is_file():
        return Hints(folder, None)
    try:
        config = parse_text_format(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text: {error}") from error
    ssd = config.message("model", SUPPORTED_MODEL)
    if ssd is None:
        model = config.message("model")
        kinds = ", ".join(name for name, _value, _line in model.fields) if model else "no model"
        raise InputError(f"{path} is of {kinds}; want model {{ {SUPPORTED_MODEL} {{ ... }} }}")
    return _of_ssd(folder, config, ssd)


def _of_ssd(folder: Path, config: Message, ssd: Message) -> Hints:
    resizer = ssd.message("image_resizer", "fixed_shape_resizer")
    nms = ssd.message("post_processing", "batch_non_max_suppression")
    classes = int(ssd.number("num_classes", 0)) or None
    size = (int(resizer.number("height", 300)), int(resizer.number("width", 300))) if resizer else None
    if nms is None:
        return Hints(folder, config, classes, size, nms_said=f"{CONFIG} says nothing of it")
    said = ", ".join(f"{name} {value}" for name, value, _line in nms.fields if not isinstance(value, Message))
    return Hints(folder, config, classes, size, nms.number("iou_threshold", 0.6), f"{CONFIG} says {said}")
