"""What a data set gives, as rows that a test can compare."""

from pathlib import Path

from detlite.accuracy.dataset import Object, load_dataset

Item = tuple[str, bytes | Path | None, tuple[Object, ...] | None]


def items(name: str, *paths: Path) -> list[Item]:
    """Return (suffix, bytes or path, objects) of each image of the data set *name* at *paths*."""
    source = load_dataset(name)
    return [
        (one.suffix, one.path if one.content is None else one.content(), one.objects) for one in source.items(paths)
    ]
