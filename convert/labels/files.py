"""Label files: the OD API's `.pbtxt` label maps, text files with one name per line, JSON and tables."""

from __future__ import annotations

import re
from pathlib import Path

from detlite.convert.files.fields import Fields
from detlite.convert.files.text_format import Message, parse_text_format
from detlite.convert.labels.numbered import GAP, MAX_CLASSES, json_labels, numbered_lines, table_labels, with_gaps
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, unknown_name

BACKGROUND = "background"
LABEL_FILES = ("*label*.pbtxt", "labels.txt", "labelmap.txt", "label_map.txt")
"""The names of label files that are found beside a model."""

JSON = re.compile(r'\s*[\[{]\s*["\[\]{}]')
"""How lists and objects of JSON begin; the first name of a list of lines may be `[background]`."""


def known_labels(name: str) -> tuple[str, ...]:
    """Return detlite's label list *name*: `coco` has the 90 ids of COCO, 80 of which have names."""
    folder = Path(__file__).parent
    names = sorted(file.stem for file in folder.glob("*.txt"))
    if name not in names:
        raise unknown_name("label list", name, names)
    return tuple((folder / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the labels in the file at *path*.

    It is a label map (`.pbtxt`), JSON, a table (`.csv`), or text with one name per line, which may begin with its
    number.

    Raises:
        InputError: it is missing, empty, or not a label file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read labels from {path}: {error}") from error
    if path.suffix.lower() == ".json" or JSON.match(text):
        return json_labels(text, path)
    if "item" in text and "{" in text:
        return _label_map(parse_text_format(text, str(path)), path)
    labels = table_labels(text, path) if path.suffix.lower() == ".csv" else _lines(text, path)
    if not labels or len(labels) > MAX_CLASSES:
        raise InputError(f"{path} has {counted(len(labels), 'line')}; want 1 to {MAX_CLASSES}, with one label per line")
    return tuple(label or GAP for label in labels)


def _lines(text: str, path: Path) -> tuple[str, ...]:
    lines = tuple(line.strip() for line in text.splitlines())
    while lines and not lines[-1]:
        lines = lines[:-1]
    return numbered_lines(lines, path) or lines


def _label_map(message: Message, path: Path) -> tuple[str, ...]:
    """Return the labels of a label map; its id 0 is the background and no class, as in the OD API."""
    names: dict[int, str] = {}
    for item in message.values("item"):
        if not isinstance(item, Message):
            continue
        label = item.scalar("display_name") or item.scalar("name")
        lowest = 0 if BACKGROUND in (item.scalar("name"), item.scalar("display_name")) else 1
        number = Fields(item, "item", str(path), item.line).integer("id", low=lowest, high=MAX_CLASSES)
        if number in names:
            raise InputError(f"{path}, line {item.line}: two items have the id {number}")
        names[number] = str(label if label is not None else GAP)
    names.pop(0, None)
    if not names:
        raise InputError(f"{path} is a label map with no items")
    return with_gaps(names.items(), path)


def numbered_labels(classes: int) -> tuple[str, ...]:
    """Return names for *classes* whose labels are not known: class 1, class 2 and so on."""
    return tuple(f"class {number}" for number in range(1, classes + 1))
