"""Fetching a published model: from a folder of the user's, the cache, its own host, or a package registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.convert.zoo.cache import Cache, Cached
from detlite.convert.zoo.catalogue import Model, find
from detlite.convert.zoo.sources import Source, WebFile, sources_of
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
        source: where it came from: an address, `npm:name@version`, or a file.
        sha256: of the archive; of the model file where there was no archive.
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
    """Return the model *name* of the catalogue, unpacked.

    Args:
        name: as `Catalogue.find` takes it; an archive's full name with its date chooses that archive.
        cache: the cache folder; `default_cache_folder()` where None.
        folder: where the user has the archive, or its unpacked files; with it nothing else is tried.
        progress: told of every block that is downloaded.
        notice: told, in one line each, which source is tried and which failed.

    Raises:
        UnknownNameError: no model is called so.
        InputError: nobody publishes it, *folder* has nothing of it, or a file is not what it must be.
        MissingToolError: every source failed; the message says what was tried and why each failed.
    """
    store = Cache(cache.absolute() if cache else default_cache_folder())
    return fetch_model(find(name), store, called=name, folder=folder, progress=progress, notice=notice)


def fetch_model(
    model: Model,
    store: Cache,
    *,
    called: str = "",
    folder: Path | None = None,
    progress: Progress = silent,
    notice: Notice = mute,
) -> Fetched:
    """Return *model*, *called* so by the user, unpacked in *store*; see `fetch`."""
    if folder is not None:
        return _from_folder(model, folder, store, notice)
    sources = sources_of(model, called)
    if not sources:
        raise InputError(f"nobody publishes the weights of {model.name}; give your own with --from FOLDER")
    for source in sources:
        if cached := store.look_up(source):
            return _fetched(cached, source, source.key)
    return _first_that_works(model, sources, store, (progress, notice))


def _first_that_works(
    model: Model, sources: tuple[Source, ...], store: Cache, told: tuple[Progress, Notice]
) -> Fetched:
    progress, notice = told
    failures = []
    for source in sources:
        notice(f"fetching {model.name} from {source.key}")
        try:
            return _fetched(store.obtain(source, progress), source, source.key)
        except MissingToolError as error:
            notice(f"not from there: {error}")
            failures.append(str(error))
    raise MissingToolError(
        f"{model.name} was not to be had anywhere. Tried: {'; '.join(failures)}. Get {sources[0].file_name} "
        "on a machine that can, and give its folder with --from FOLDER"
    )


def _fetched(cached: Cached, source: Source, where: str) -> Fetched:
    path = cached.folder / source.folder if source.folder else _descend(cached.folder)
    if not path.is_dir():
        raise InputError(f"{where} holds no folder {source.folder}")
    return Fetched(path, where, cached.sha256)


def _descend(folder: Path) -> Path:
    """Return the only folder in *folder*, as archives have it, or *folder* itself."""
    inside = [item for item in folder.iterdir() if not item.name.startswith("._")]  # macOS's tar adds these
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _from_folder(model: Model, folder: Path, store: Cache, notice: Notice) -> Fetched:
    sources: list[Source] = [*map(WebFile, model.archives), *sources_of(model, model.name)]
    for source in sources:
        file = folder / source.file_name
        if file.is_file():
            return _fetched(store.adopt(file, source), source, str(file))
    stems = [archive.stem for archive in model.archives]
    packed = [package.folder for package in model.packages]
    for place in (*(folder / name for name in (*stems, *packed)), folder):
        for name in MODEL_FILES:
            if (place / name).is_file():
                notice(f"{place} is taken as it is: there is no digest to check {name} against")
                return Fetched(place, str(place), sha256_of(place / name))
    wanted = [source.file_name for source in sources]
    raise InputError(
        f"{folder} holds nothing of {model.name}: want {' or '.join(dict.fromkeys(wanted))}, or its unpacked "
        f"{', '.join(MODEL_FILES[:3])} or {MODEL_FILES[-1]}"
    )
