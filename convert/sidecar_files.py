"""The files beside a graph or a model: its `pipeline.config` and its label files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.fields import Fields
from detlite.convert.files.float32 import shortest
from detlite.convert.files.text_format import Message, read_text_format
from detlite.convert.labels.background import BACKGROUNDS
from detlite.convert.labels.files import LABEL_FILES, known_labels, numbered_labels, read_labels
from detlite.convert.labels.numbered import MAX_CLASSES
from detlite.convert.rebuild.odapi.config.resizer import FIXED, fixed_size
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

CONFIG = "pipeline.config"
COCO_CLASSES = 90
SUPPORTED_MODEL = "ssd"
NMS = ("post_processing", "batch_non_max_suppression")


@dataclass(frozen=True)
class NamedLabels:
    """Labels, where they come from (for a contract's origin), and what errors call them."""

    labels: tuple[str, ...]
    origin: str
    title: str


@dataclass(frozen=True, eq=False)
class Hints:
    """The facts in the files beside the graph; None if they are missing.

    Attributes:
        folder: the files' folder.
        classes: number of classes, without the background.
        input_size: the (height, width) of its `fixed_shape_resizer`.
        iou_threshold: of its non-maximum suppression.
        nms_said: its other NMS settings in words: training and evaluation use them, a device need not.
        packed: the labels in the model's own metadata.
    """

    folder: Path
    classes: int | None = None
    input_size: tuple[int, int] | None = None
    iou_threshold: float | None = None
    nms_said: str = "no pipeline.config beside the graph"
    packed: NamedLabels | None = None

    def labels(self, classes: int, file: Path | None, origin: dict[str, str]) -> tuple[str, ...]:
        """Return one label for each of *classes*, from *file* or the known files, and record the source in *origin*.

        Raises:
            InputError: the labels do not match the classes.
        """
        if self.classes is not None and self.classes != classes:
            raise InputError(
                f"{self.folder / CONFIG} says {counted(self.classes, 'class')}, but the graph has {classes}"
            )
        if (named := self.named(file)) is not None:
            origin["labels"] = named.origin
            return matching_labels(named.labels, classes, named.title)
        if classes == COCO_CLASSES:
            origin["labels"] = "COCO's list, as the graph has COCO's 90 classes; --labels gives another"
            return known_labels("coco")
        origin["labels"] = "numbers: no label file was given or found; --labels gives one"
        return numbered_labels(classes)

    def named(self, file: Path | None) -> NamedLabels | None:
        """Return the labels in *file*, in the model or in the first known file; None if there are none."""
        if file is not None:
            return NamedLabels(read_labels(file), file.name, str(file))
        if self.packed is not None:
            return self.packed
        for pattern in LABEL_FILES:
            for found in sorted(self.folder.glob(pattern)):
                return NamedLabels(read_labels(found), f"{found.name} beside the graph", str(found))
        return None


def matching_labels(labels: tuple[str, ...], classes: int, name: str) -> tuple[str, ...]:
    """Return one label for each of *classes*: *labels*, less a first one that is the background's.

    Raises:
        InputError: there are fewer or more; it names the file *name*.
    """
    if len(labels) == classes + 1 and labels[0].lower() in BACKGROUNDS:
        return labels[1:]
    if len(labels) != classes:
        raise InputError(
            f"{name} has {counted(len(labels), 'label')} and the model {counted(classes, 'class')}: give one for each, "
            "??? where a class has none; before them the background may have one"
        )
    return labels


def read_hints(folder: Path) -> Hints:
    """Return the facts in the files of *folder*.

    Only what a graph needs is read: the graph may already contain what detlite cannot build from the config.

    Raises:
        InputError: its `pipeline.config` cannot be read, describes a model that is not an SSD, or has an invalid value.
    """
    path = folder / CONFIG
    if not path.is_file():
        return Hints(folder)
    config = read_text_format(path)
    model = Fields(config, "the file", str(path)).inside("model")
    if not model.has(SUPPORTED_MODEL):
        kinds = ", ".join(model.names) or "no model"
        raise InputError(f"{path} is of {kinds}; want model {{ {SUPPORTED_MODEL} {{ ... }} }}")
    return _of_ssd(folder, config, model.inside(SUPPORTED_MODEL))


def _of_ssd(folder: Path, config: Message, ssd: Fields) -> Hints:
    classes = ssd.integer("num_classes", low=1, high=MAX_CLASSES) if ssd.has("num_classes") else None
    resizer = ssd.inside("image_resizer")
    size = fixed_size(resizer.inside(FIXED)) if resizer.has(FIXED) else None
    said = config.message("model", SUPPORTED_MODEL, *NMS)
    if said is None:
        return Hints(folder, classes, size, nms_said=f"{CONFIG} says nothing of it")
    nms = ssd.inside(NMS[0]).inside(NMS[1])
    iou = shortest(nms.real("iou_threshold", 0.6, low=0.0, high=1.0))
    scalars = ", ".join(f"{name} {value}" for name, value, _line in said.fields if not isinstance(value, Message))
    return Hints(folder, classes, size, iou, f"{CONFIG} says {scalars or 'nothing of it'}")
