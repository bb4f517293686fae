"""What a plan's names mean: models, calibration images and data sets, each with the digest of its content."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from detlite.accuracy.dataset import DatasetFiles, load_dataset
from detlite.accuracy.images import Images, images_in
from detlite.accuracy.metric import load_metric
from detlite.accuracy.video import is_video
from detlite.calibration.images.gather import ImageRequest
from detlite.convert.requests import Given
from detlite.convert.source import ARTIFACT, digest_of, recognize
from detlite.convert.zoo.catalogue import CONFIG, convertible, find, needs
from detlite.runtime.artifact import CONTRACT
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.hashing import sha256_of
from detlite.runtime.image.files import folder_files
from detlite.studies.store.entry import digest_of as digest_of_json
from detlite.studies.sweep.plan_file import PlanFile, SweptDataset, SweptModel


@dataclass(frozen=True)
class SourceModel:
    """A model to start from.

    Attributes:
        sha256: of its content; of its archive's address where the catalogue has no digest.
        zoo: its name in the zoo; None for files.
        given: the files to convert; empty for a model of the zoo.
        labels: a label file, or None.
    """

    sha256: str
    zoo: str | None = None
    given: Given = field(default_factory=Given)
    labels: Path | None = None


@dataclass(frozen=True, eq=False)
class Sources:
    """The sources of a plan, each looked at once."""

    plan: PlanFile
    _models: dict[str, SourceModel] = field(default_factory=dict)
    _folders: dict[str, Images] = field(default_factory=dict)
    _images: dict[tuple[str, int, int], Images] = field(default_factory=dict)
    _digests: dict[Path, str] = field(default_factory=dict)
    _datasets: dict[str, str] = field(default_factory=dict)

    def model(self, name: str) -> SourceModel:
        """Return the model that the plan calls *name*.

        Raises:
            InputError: it does not exist, is of no format that detlite reads, or its zoo archive cannot be converted.
            UnknownNameError: it is no file, and the zoo has no such model.
        """
        if name not in self._models:
            self._models[name] = self._model(name, self.plan.models.get(name, SweptModel(path=name)))
        return self._models[name]

    def labels_sha256(self, name: str) -> tuple[str, ...]:
        """Return the digest of the label file that the plan gives the model *name*; none where it gives none.

        Raises:
            InputError: it cannot be read.
        """
        labels = self.plan.models.get(name, SweptModel()).labels
        return () if labels is None else (self._sha256(labels),)

    def images(self, folder: str, count: int, seed: int) -> Images:
        """Return *count* images of the folder or list *folder*, chosen with *seed*.

        Raises:
            InputError: there are none.
        """
        place = (folder, count, seed)
        if place not in self._images:
            if folder not in self._folders:
                self._folders[folder] = images_in(self._path(folder))
            self._images[place] = self._folders[folder].choose(count, seed)
        return self._images[place]

    def videos(self, text: str, count: int, seed: int) -> ImageRequest | None:
        """Return the request for *count* samples of the video, or of the folder of videos, that *text* names.

        None if it names anything else; a folder that holds images, too, is one of images.
        """
        path = self._path(text)
        source = "video" if path.is_file() and is_video(path) else "videos" if _is_of_videos(path) else None
        return None if source is None else ImageRequest(source, (path,), count, seed)

    def videos_sha256(self, request: ImageRequest) -> str:
        """Return the digest of the contents of the videos of *request*, and of how many samples are chosen."""
        found = load_dataset(request.source).videos
        assert found is not None
        return digest_of_json([[self._sha256(path) for path in found(request.paths)], request.count, request.seed])

    def video(self, text: str) -> tuple[Path, str]:
        """Return the video *text*, and the digest of its content.

        Raises:
            InputError: it cannot be read.
        """
        return self._path(text), self._sha256(self._path(text))

    def images_sha256(self, images: Images) -> str:
        """Return the digest of the contents of *images*, in their order."""
        return digest_of_json([self._sha256(path) for path in images.paths])

    def dataset(self, name: str) -> SweptDataset:
        """Return the data set that the plan calls *name*.

        Raises:
            UnknownNameError: the plan has no such data set.
        """
        if name not in self.plan.datasets:
            raise unknown_name("data set in [datasets]", name, self.plan.datasets)
        return self.plan.datasets[name]

    def dataset_sha256(self, name: str) -> str:
        """Return the digest of the labels and images of the data set *name*.

        Raises:
            InputError: they cannot be read, or an image is missing.
            UnknownNameError: the plan has no such data set.
        """
        if name not in self._datasets:
            self._datasets[name] = digest_of_json(self._labels(self.dataset(name).files))
        return self._datasets[name]

    def check_metric(self, dataset: str, metric: str) -> None:
        """Check that *metric* can be scored with the labels of *dataset*.

        Raises:
            InputError: it cannot.
            UnknownNameError: the plan has no such data set.
        """
        files, found = self.dataset(dataset).files, load_metric(metric)
        labels = load_dataset(files.name).labels
        kinds = [kind for kind, one in labels.items() if one.needs is None or one.needs in files.further]
        if found.task not in kinds or (found.takes and files.name.replace("_", "-") not in found.takes):
            raise InputError(
                f"the data set {dataset!r} has no labels for the metric {metric}: {files.name} has labels "
                f"for {', '.join(kinds) or 'no task'}"
            )

    def _labels(self, files: DatasetFiles) -> list[object]:
        """Return digests of the labels of *files* for each kind of task that they can be read for; at least one."""
        found: list[object] = []
        why: list[InputError] = []
        lacking: list[str] = []
        for kind, reader in load_dataset(files.name).labels.items():
            if reader.needs is not None and reader.needs not in files.further:
                lacking.append(reader.needs)
                continue
            try:
                labels, folder = reader.read(files)
            except InputError as error:  # boxes without masks, for example: no labels of that kind
                why.append(error)
                continue
            labels = labels if files.limit is None else labels.first(files.limit)
            found.append([kind, labels.sha256, [self._sha256(folder / image.file_name) for image in labels.images]])
        if not found:
            raise why[0] if why else InputError(f"a data set of {files.name} needs labels: give {' or '.join(lacking)}")
        return found

    def _model(self, name: str, model: SweptModel) -> SourceModel:
        labels = model.labels
        if model.config is not None and model.checkpoint is not None:
            files = sorted(model.checkpoint.parent.glob(f"{model.checkpoint.name}.*"))
            if not model.config.is_file() or not files:
                raise InputError(f"the model {name!r}: {model.config} or {model.checkpoint}.* is not there")
            given = Given(config=model.config, checkpoint=model.checkpoint)
            return SourceModel(
                digest_of_json([digest_of([model.config, *files]), *self.labels_sha256(name)]),
                given=given,
                labels=labels,
            )
        text = model.path or name
        path = self._path(text)
        if path.exists():
            source = recognize(path)
            contract = [sha256_of(path / CONTRACT)] if source.format == ARTIFACT else []
            return SourceModel(
                digest_of_json([source.sha256, *contract, *self.labels_sha256(name)]), given=Given(path), labels=labels
            )
        if "/" in text or Path(text).suffix:
            raise InputError(f"the model {text} does not exist: give a file, a folder or the name of a zoo model")
        zoo = find(text)
        able, why = convertible(zoo)
        if not able:
            raise InputError(f"the model {text} of the zoo cannot be converted: {why}")
        if needs(zoo) == CONFIG:
            raise InputError(
                f"the model {text} of the zoo is a checkpoint without its params.yaml: give config and checkpoint in "
                f"[models.{name}]"
            )
        archives = [archive.sha256 or archive.url for archive in zoo.archives] + [one.sha256 for one in zoo.packages]
        return SourceModel(digest_of_json([zoo.name, archives, *self.labels_sha256(name)]), zoo=text, labels=labels)

    def _path(self, text: str) -> Path:
        return self.plan.path.absolute().parent / Path(text).expanduser()

    def _sha256(self, path: Path) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = sha256_of(path)
            except OSError as error:
                raise InputError(f"{path} cannot be read: {error.strerror}") from error
        return self._digests[path]


def _is_of_videos(folder: Path) -> bool:
    """Return whether *folder* holds videos and no images."""
    if not folder.is_dir():
        return False
    found = folder_files(folder)
    return not found.paths and any(map(is_video, found.skipped))
