"""Checks of calibration images: what each finds, and that good images are found to be good."""

import dataclasses

import numpy as np
import pytest
from builders.float_detector import detector
from builders.image_files import picture
from PIL import Image

from detlite.accuracy.images import Images
from detlite.calibration.images.check import CHECKS, LintedImages
from detlite.calibration.images.confidence import Confidence
from detlite.calibration.images.image_cache import ImageCache
from detlite.calibration.images.lint.variety import vendi
from detlite.calibration.images.linting import lint
from detlite.calibration.images.similar import groups, pairs
from detlite.calibration.images.thumbnail import thumbnails
from detlite.convert.load import load_source, with_heads
from detlite.convert.options import DetectorOptions
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin, load_plugins

COUNT = 12


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(COUNT):
        Image.fromarray(picture(number, 120)).save(folder / f"{number:02d}.png")
    return tuple(sorted(folder.iterdir()))


def inspected(paths, **more):
    return LintedImages(tuple(paths), np.stack(thumbnails(paths)), **more)


def found(name, paths, **more):
    return load_plugin(CHECKS, name).find(inspected(paths, **more))


@pytest.mark.parametrize("name", sorted(load_plugins(CHECKS)))
def test_in_good_images_nothing_is_found(images, name):
    assert found(name, images) == []


@pytest.mark.parametrize("name", sorted(load_plugins(CHECKS)))
def test_a_check_says_what_it_looks_for_and_takes_one_image(images, name):
    assert load_plugin(CHECKS, name).title
    assert all(finding.text and finding.advice for finding in found(name, images[:1]))


def again(image, folder):
    """Write *image* in three other ways, and return the files."""
    image.save(folder / "renamed.png")
    image.save(folder / "recoded.jpg", quality=30)
    image.resize((90, 70), Image.Resampling.BILINEAR).save(folder / "smaller.png")
    return [folder / name for name in ("renamed.png", "recoded.jpg", "smaller.png")]


def test_the_same_picture_in_other_names_sizes_and_formats_is_one_duplicate(images, tmp_path):
    copies = again(Image.open(images[3]), tmp_path)
    (finding,) = found("duplicates", [*images, *copies])
    assert finding.images == tuple(map(str, (images[3], *copies)))
    assert finding.text == "4 images show the same: 03.png, renamed.png, recoded.jpg, smaller.png"


def test_images_of_the_validation_split_are_found_by_content(images, tmp_path):
    copies = again(Image.open(images[3]), tmp_path)
    (finding,) = found("leaked", images, against=tuple(copies), against_thumbnails=np.stack(thumbnails(copies)))
    assert finding.images == (str(images[3]),)
    assert finding.text == "1 of 12 images is in the validation split: 03.png is renamed.png there"


def test_a_blank_image_is_named(images, tmp_path):
    Image.new("RGB", (90, 60), "black").save(tmp_path / "black.png")
    (finding,) = found("blank", [*images, tmp_path / "black.png"])
    assert finding.images == (str(tmp_path / "black.png"),)


def test_each_broken_image_is_one_finding(images):
    assert [one.text for one in found("broken", images, broken=("a.png is no image", "b.png is cut"))] == [
        "a.png is no image",
        "b.png is cut",
    ]


def test_images_without_colour_are_found(images, tmp_path):
    grey = []
    for path in images:
        grey.append(tmp_path / path.name)
        Image.open(path).convert("L").save(grey[-1])
    assert [len(one.images) for one in found("grey", grey)] == [COUNT]


def test_frames_that_are_nearly_the_same_are_too_little_variety(tmp_path):
    wide = Image.fromarray(picture(1, 400))
    paths = []
    for number in range(40):
        paths.append(tmp_path / f"{number:02d}.png")
        wide.crop((number, 0, number + 300, 300)).save(paths[-1])
    (finding,) = found("variety", paths)
    assert finding.text.startswith("40 images are as various as 1.")


def test_the_vendi_score_counts_different_images():
    far = np.eye(5) * 100
    assert vendi(far) == pytest.approx(5)
    assert vendi(far.repeat(3, axis=0)) == pytest.approx(5)
    assert vendi(np.zeros((9, 4))) == pytest.approx(1)


def test_pictures_that_are_each_there_twice_are_groups_of_two():
    images = np.stack([picture(number % 3, 32) for number in range(6)])
    assert groups(images) == [[0, 3], [1, 4], [2, 5]]


def test_blank_images_are_no_copies_of_each_other():
    blank = np.full((2, 32, 32, 3), 90, np.uint8)
    assert list(pairs(blank, blank)) == []


class Sure(Confidence):
    """A model that is surer the nearer its input is to *trained*."""

    def __init__(self, image: ImageInput, trained: ImageInput) -> None:
        self.image, self.trained = image, trained

    def of(self, pixels, image):
        same = sum(getattr(image, name) == getattr(self.trained, name) for name in ("colour", "mean", "std"))
        return same + pixels.mean() / 1000


GIVEN = ImageInput("image", 16, 16, "RGB", "float32", (127.5,) * 3, (127.5,) * 3, "tf1_bilinear")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"colour": "BGR"}, "red and blue swapped"),
        ({"mean": (0.0,) * 3, "std": (255.0,) * 3}, "pixels of 0..1"),
        ({"mean": (0.0,) * 3, "std": (1.0,) * 3}, "pixels of 0..255"),
        ({"mean": (123.68, 116.779, 103.939), "std": (1.0,) * 3}, "pixels less ImageNet's mean"),
    ],
)
def test_another_order_or_scale_that_suits_the_model_better_is_named(images, changes, text):
    confidence = Sure(GIVEN, dataclasses.replace(GIVEN, **changes))
    (finding,) = found("normalization", images, confidence=confidence)
    assert finding.text.startswith(f"the float model is surer of what it finds with {text}: logits higher by ")


def test_a_model_that_is_surest_as_it_is_gives_no_finding(images):
    assert found("normalization", images, confidence=Sure(GIVEN, GIVEN)) == []


def test_too_few_images_to_be_sure_give_no_finding(images):
    confidence = Sure(GIVEN, dataclasses.replace(GIVEN, colour="BGR"))
    assert found("normalization", images[:7], confidence=confidence) == []


def test_a_real_model_is_asked(images, tmp_path):
    findings = lint(Images(images, ""), detector(), ImageCache(tmp_path / "kept"))
    assert set(findings) == set(load_plugins(CHECKS))


@pytest.mark.data
@pytest.mark.slow
def test_swapped_colours_and_a_wrong_scale_are_told_by_a_real_detector(shared_data, tmp_path):
    path = shared_data / "models" / "ssd_mobilenet_v2_fpnlite_320_tf2_drq" / "model.tflite"
    model = with_heads(load_source(path, DetectorOptions()), "raw")
    photographs = sorted((shared_data / "coco" / "train" / "images").glob("*.jpg"))[:64]
    assert found("normalization", photographs, confidence=Confidence(model)) == []
    swapped = [tmp_path / f"{one.stem}.npy" for one in photographs]
    for one, other in zip(photographs, swapped, strict=True):
        np.save(other, np.ascontiguousarray(read_image(one)[..., ::-1]))
    (finding,) = found("normalization", swapped, confidence=Confidence(model))
    assert "red and blue swapped" in finding.text
    image = dataclasses.replace(model.contract.image, mean=(0.0,) * 3, std=(255.0,) * 3)
    wrong = dataclasses.replace(model, contract=model.contract.with_image(image))
    (finding,) = found("normalization", photographs, confidence=Confidence(wrong))
    assert "pixels of -1..1" in finding.text
