"""The images of a run: those to calibrate with, and others to score with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detlite.accuracy.images import Images, images_in
from detlite.accuracy.labels.annotations import Annotations, check_image_files
from detlite.accuracy.labels.coco import read_annotations
from detlite.accuracy.video import folder_videos
from detlite.calibration.images.demo import PHOTOGRAPHS, SMALLEST_CROP, crop_names, demo_images, scene_of
from detlite.calibration.images.gather import ImageRequest
from detlite.runtime.counts import agreed, counted, plural
from detlite.runtime.errors import InputError
from detlite.runtime.records import to_record
from detlite.studies.run.ledger import Ledger, Record

DEMO_CALIBRATION, DEMO_EVALUATION = 64, 48
CALIBRATION_SEED, EVALUATION_SEED = 1, 2
MOST_CALIBRATION_SHARE = 0.4
"""Share of the given images; the rest is for scoring, which needs more."""


@dataclass(frozen=True, eq=False)
class ImageSets:
    """Two disjoint sets of images.

    Attributes:
        calibration: what the int8 ranges come from.
        evaluation: what the models are scored on.
        annotations: of the evaluation images, in order; None without labels.
        note: a remark on the choice.
        photographs: for each evaluation image, the number of the scene that it was cut from; None if every image is one
            of its own.
        cautions: what a reader of the scores must know, one sentence each.
        footage: the request to calibrate with, where the files are videos; None for images.
    """

    calibration: Images
    evaluation: Images
    annotations: Annotations | None
    note: str
    photographs: tuple[int, ...] | None = None
    cautions: tuple[str, ...] = ()
    footage: ImageRequest | None = None

    @property
    def unit(self) -> str:
        """One of what is calibrated and scored with, for texts."""
        return "image" if self.footage is None else "video"


def demo_sets(ledger: Ledger) -> ImageSets:
    """Return crops of the extra `demo`'s photographs, written to the run's folder; mirrored for calibration."""
    calibration = _crops(ledger, "calibration", DEMO_CALIBRATION, CALIBRATION_SEED)
    evaluation = _crops(ledger, "evaluation", DEMO_EVALUATION, EVALUATION_SEED)
    return ImageSets(
        calibration=calibration,
        evaluation=evaluation,
        annotations=None,
        note="Scenes are drawn as wholes for the intervals: crops of one are not independent.",
        photographs=tuple(map(scene_of, range(DEMO_EVALUATION))),
        cautions=(
            f"The images are crops of {counted(len(PHOTOGRAPHS), 'photograph')}, the same for calibration (mirrored) "
            "and for scoring: enough to show that the model works, too few to rank models. Give your own with --images "
            "or --coco.",
        ),
    )


def _crops(ledger: Ledger, name: str, count: int, seed: int) -> Images:
    folder, mirror = ledger.folder / "images" / name, name == "calibration"
    files = [f"images/{name}/{file}" for file in crop_names(count)]
    inputs: Record = {"count": count, "seed": seed, "mirror": mirror, "smallest": SMALLEST_CROP}
    inputs["photographs"] = [to_record(one) for one in PHOTOGRAPHS]

    def work() -> Record:
        return {"origin": demo_images(folder, count=count, seed=seed, mirror=mirror).origin}

    answer = ledger.stage(f"images for {name}", inputs, files, work)
    return Images(tuple(ledger.folder / file for file in files), answer["origin"])


@dataclass(frozen=True)
class CalibrationChoice:
    """Which images a run calibrates with.

    Attributes:
        count: the most images.
        seed: of their choice.
        apart: a folder of images, or a list, to choose them from; None: they are taken from the images to score with.
        is_needed: whether the scheme calibrates at all.
    """

    count: int
    seed: int = 0
    apart: Path | None = None
    is_needed: bool = True

    def images(self) -> Images | None:
        """Return the images that are given apart, none where none are needed; None to take them from the others."""
        if not self.is_needed:
            return Images((), "")
        return None if self.apart is None else images_in(self.apart).choose(self.count, self.seed)


def folder_sets(path: Path, choice: CalibrationChoice) -> ImageSets:
    """Return the images in the folder (or list) *path* to score with, and those of *choice* to calibrate with."""
    images = images_in(path)
    apart = choice.images()
    if apart is not None:
        return _apart(apart, images, None)
    count, seed = choice.count, choice.seed
    chosen = _calibration(images.paths, count, seed)
    rest = tuple(p for p in images.paths if p not in chosen)
    return ImageSets(
        calibration=Images(tuple(p for p in images.paths if p in chosen), f"{len(chosen)} of {images.origin}"),
        evaluation=Images(rest, f"the other {len(rest)} of {images.origin}"),
        annotations=None,
        note=f"{counted(len(chosen), 'image')} to calibrate with, the other {len(rest)} to score with.",
    )


def video_sets(folder: Path, choice: CalibrationChoice) -> ImageSets:
    """Return the videos in *folder* to compare with, and others, or those of *choice*, to calibrate with.

    Raises:
        InputError: there are none, or a single one to do both with.
    """
    paths = folder_videos(folder)
    if not choice.is_needed:
        used, rest, origin = tuple[Path, ...](), paths, ""
    elif choice.apart is not None:
        used, rest = (choice.apart,) if choice.apart.is_file() else folder_videos(choice.apart), paths
        origin = f"videos {choice.apart.name}"
    else:
        chosen = _calibration(paths, len(paths), choice.seed, "video")
        used, rest = tuple(p for p in paths if p in chosen), tuple(p for p in paths if p not in chosen)
        origin = f"{len(used)} of the videos in {folder.name}"
    sets = _apart(Images(used, origin), Images(rest, f"videos in {folder.name}"), None, "video")
    return replace(sets, footage=ImageRequest("videos", used, choice.count, choice.seed))


def coco_sets(folder: Path, annotations_file: Path, choice: CalibrationChoice) -> ImageSets:
    """Return the images of a COCO file to score with, and those of *choice* to calibrate with."""
    annotations = read_annotations(annotations_file)
    paths = check_image_files(annotations, folder)
    apart = choice.images()
    if apart is not None:
        whole = Images(tuple(paths), f"COCO file {annotations_file.name}", upright=False)
        return _apart(apart, whole, annotations)
    count, seed = choice.count, choice.seed
    chosen = _calibration(paths, count, seed)
    pairs = [(image, path) for image, path in zip(annotations.images, paths, strict=True) if path not in chosen]
    kept = {image.id for image, _path in pairs}
    rest = replace(
        annotations,
        images=tuple(image for image, _path in pairs),
        truths=tuple(truth for truth in annotations.truths if truth.image_id in kept),
    )
    return ImageSets(
        calibration=Images(
            tuple(p for p in paths if p in chosen), f"{len(chosen)} of COCO file {annotations_file.name}", upright=False
        ),
        evaluation=Images(tuple(path for _image, path in pairs), f"the other {len(pairs)} of it", upright=False),
        annotations=rest,
        note=f"{counted(len(chosen), 'image')} to calibrate with, the other {len(pairs)} to score with: "
        "none is in both.",
    )


def _apart(calibration: Images, evaluation: Images, annotations: Annotations | None, unit: str = "image") -> ImageSets:
    """Return the sets of images, or of another *unit*, that were given apart, with a caution if some are in both."""
    both = {path.resolve() for path in calibration.paths} & {path.resolve() for path in evaluation.paths}
    note = f"{counted(len(calibration.paths), unit)} to calibrate with, {len(evaluation.paths)} to score with."
    return ImageSets(
        calibration=calibration,
        evaluation=evaluation,
        annotations=annotations,
        note=note if calibration.paths else f"No calibration, {counted(len(evaluation.paths), unit)} to score with.",
        cautions=(
            f"{len(both)} of the scored {plural(unit)} {agreed(len(both), 'was', 'were')} calibrated with: give others "
            "with --calibrate",
        )
        if both
        else (),
    )


def _calibration(paths: Sequence[Path], count: int, seed: int, unit: str = "image") -> frozenset[Path]:
    if len(paths) < 2:
        raise InputError(
            f"{counted(len(paths), unit)}: want at least 2, one to calibrate with and another to score with"
        )
    most = max(1, int(len(paths) * MOST_CALIBRATION_SHARE))
    return frozenset(Images(tuple(paths), "").choose(min(count, most), seed).paths)
