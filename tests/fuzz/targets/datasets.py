"""Data sets: their images for calibration, and their labels of every task."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from builders.image_files import encoded, labelled_example, picture, record, write_tar
from builders.pascal_cases import write_xml
from fuzz.checkpoints import records
from fuzz.mutations import Mutation, blind, gzipped, json_value, protobuf, tarred, text, zipped
from fuzz.target import Target
from PIL import Image

from detlite.accuracy.dataset import DATASETS, DatasetFiles, load_dataset
from detlite.accuracy.labels.hierarchy import read_hierarchy
from detlite.accuracy.labels.image_classes import read_class_list
from detlite.accuracy.labels.label_images import read_label_image

MOST_ITEMS = 8
NAMES = ("split", "kitti-classes")
"""The further options that name no file."""

IMAGES = {"images": [{"id": n, "file_name": f"{n}.png", "height": 40, "width": 40} for n in (1, 2)]}
SQUARE = [[1, 1, 9, 1, 9, 9, 1, 9]]
CORNER = [[0, 0, 3, 0, 3, 3]]
RUNS = {"size": [40, 40], "counts": [100, 20, 1480]}
ROWS = (
    {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 8, 9], "area": 64, "iscrowd": 0, "segmentation": SQUARE},
    {"id": 2, "image_id": 2, "category_id": 3, "bbox": [1, 2, 8, 9], "area": 20, "iscrowd": 1, "segmentation": RUNS},
    {
        "id": 3,
        "image_id": 2,
        "category_id": 4,
        "bbox": [0, 0, 3, 3],
        "area": 2,
        "iscrowd": 0,
        "segmentation": CORNER,
    },
)
INSTANCES = {**IMAGES, "annotations": ROWS, "categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}]}
BOXES = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n1,/m/cat,0.25,0.5,0.1,0.6,0\n2,/m/dog,0,1,0,1,1\n"
VERIFIED = "ImageID,Source,LabelName,Confidence\n1,verification,/m/dog,0\n2,verification,/m/cat,1\n"
CAT = {"LabelName": "/m/cat", "Subcategory": [{"LabelName": "/m/kitten"}]}
TREE = {"LabelName": "/m/all", "Subcategory": [{"LabelName": "/m/dog"}, CAT]}
FILES = {"boxes": "boxes.csv", "oid-labels": "verified.csv", "oid-hierarchy": "tree.json", "oid-names": "names.csv"}


def photos(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for number in (1, 2):
        (folder / f"{number}.png").write_bytes(encoded(number))


def read_all(
    name: str, paths: Callable[[Path], tuple[Path, ...]], further: Mapping[str, str] = {}
) -> Callable[[Path], object]:
    """Return what reads a data set's first images, and its labels of each task."""
    dataset = load_dataset(name)

    def read(folder: Path) -> object:
        options = {option: file if option in NAMES else str(folder / file) for option, file in further.items()}
        for reader in dataset.labels.values():
            if reader.needs is None or reader.needs in options:
                reader.read(DatasetFiles(name, paths(folder), options))
        found = []
        for item in dataset.items(paths(folder)):
            found.append(item.content() if item.content is not None else item.path)
            if len(found) == MOST_ITEMS:
                break
        return found

    return read


def class_folders(folder: Path) -> None:
    for name in ("cat", "dog"):
        photos(folder / name)


def coco(folder: Path) -> None:
    photos(folder / "images")
    (folder / "instances.json").write_text(json.dumps(INSTANCES))


def kitti(folder: Path) -> None:
    photos(folder / "image_2")
    (folder / "label_2").mkdir()
    for number, kind in ((1, "Car"), (2, "DontCare")):
        lines = f"{kind} 0.00 0 1.8 3.0 4.5 20 30 1.6 1.7 3.9 1.8 1.5 8.6 1.9\nCar 0 0 0 1 1 9 9 0 0 0 0 0 0 0\n"
        (folder / "label_2" / f"{number}.txt").write_text(lines)


def image_list(folder: Path) -> None:
    photos(folder / "images")
    (folder / "list.txt").write_text("# two\nimages/1.png\nimages/2.png\n")


def plain_images(folder: Path) -> None:
    photos(folder / "images")
    (folder / "masks").mkdir()
    for number in (1, 2):
        Image.fromarray(np.full((40, 40), number, np.uint8)).save(folder / "masks" / f"{number}.png")
    (folder / "classes.txt").write_text("1.png 3\n2.png 7\n")


def voc_masks(folder: Path) -> None:
    plain_images(folder)
    (folder / "images").rename(folder / "JPEGImages")
    (folder / "masks").rename(folder / "SegmentationClass")
    (folder / "ImageSets" / "Segmentation").mkdir(parents=True)
    (folder / "ImageSets" / "Segmentation" / "val.txt").write_text("1\n2\n")


def npz(folder: Path) -> None:
    np.savez(folder / "a.npz", first=picture(1), more=np.stack([picture(2), picture(3)]))


def packed_npz(folder: Path) -> None:
    np.savez_compressed(folder / "a.npz", images=np.stack([picture(2), picture(3)]))


def open_images(folder: Path) -> None:
    photos(folder / "images")
    for path in list((folder / "images").iterdir()):
        path.rename(path.with_suffix(".jpg"))
    (folder / "boxes.csv").write_text(BOXES)
    (folder / "verified.csv").write_text(VERIFIED)
    (folder / "tree.json").write_text(json.dumps(TREE))
    (folder / "names.csv").write_text("/m/cat,Cat\n/m/dog,Dog\n")


def tar(folder: Path) -> None:
    write_tar(folder / "a.tar", [(f"{n}.png", encoded(n)) for n in (1, 2)])


def gzipped_tar(folder: Path) -> None:
    write_tar(folder / "a.tar.gz", [(f"{n}.png", encoded(n)) for n in (1, 2)], "w:gz")


def tfrecord(folder: Path) -> None:
    (folder / "a.tfrecord").write_bytes(b"".join(record(labelled_example(n)) for n in (1, 2)))


def voc(folder: Path) -> None:
    (folder / "Annotations").mkdir()
    photos(folder / "JPEGImages")
    for n in (1, 2):
        (folder / "JPEGImages" / f"{n}.png").rename(folder / "JPEGImages" / f"{n}.jpg")
        write_xml(folder / "Annotations" / f"{n}.xml", [("cat", 3, 4, 20, 30, 0), ("dog", 1, 1, 40, 40, 1)])
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "test.txt").write_text("1\n2\n")


def video(folder: Path) -> None:
    import av

    with av.open(str(folder / "a.mp4"), "w") as out:
        stream = out.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 48
        stream.pix_fmt = "yuv420p"
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(picture(number, 48), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


def labelled_videos(folder: Path) -> None:
    (folder / "videos" / "cat").mkdir(parents=True)
    video(folder)
    (folder / "a.mp4").rename(folder / "videos" / "cat" / "a_000001_000002.mp4")
    (folder / "kinetics.csv").write_text("label,youtube_id,time_start,time_end,split\ncat,a,1,2,val\ndog,b,3,4,val\n")


def one(*parts: str) -> Callable[[Path], tuple[Path, ...]]:
    return lambda folder: tuple(folder / part for part in parts)


def dataset(
    name: str,
    seed: Callable[[Path], object],
    paths: tuple[str, ...],
    mutations: Mapping[str, tuple[Mutation, ...]],
    *,
    variant: str = "",
    further: Mapping[str, str] = {},
    may_abort: bool = False,
) -> Target:
    called = f"{DATASETS.removeprefix('detlite.')}.{name}{variant}"
    return Target(called, seed, read_all(name, one(*paths), further), mutations, may_abort=may_abort)


JSON: Mapping[str, tuple[Mutation, ...]] = {"*.json": (json_value, json_value, json_value, text, blind)}
WORDS: Mapping[str, tuple[Mutation, ...]] = {"*": (text, text, blind)}
CSV: Mapping[str, tuple[Mutation, ...]] = {"*.csv": (text, text, blind), **JSON}
TARGETS = (
    dataset("class_folders", class_folders, (".",), {"*": (blind,)}),
    dataset("coco", coco, ("images", "instances.json"), JSON),
    dataset("kitti", kitti, (".",), {"*.txt": (text, text, blind)}, further={"kitti-classes": "car,cyclist"}),
    dataset("list", image_list, ("list.txt",), {"*.txt": (text, blind)}),
    dataset("images", plain_images, ("images",), {"*.txt": (text, text, blind)}, further={"classes": "classes.txt"}),
    dataset("masks", plain_images, ("images", "masks"), {"masks/*": (blind,)}),
    dataset("imagenet", plain_images, ("images", "classes.txt"), {"*.txt": (text, text, blind)}),
    dataset(
        "voc_segmentation",
        voc_masks,
        ("ImageSets/Segmentation/val.txt",),
        {"*.txt": (text, blind), "SegmentationClass/*": (blind,)},
    ),
    dataset("npz", npz, ("a.npz",), {"*": (blind, zipped(text), zipped(blind))}),
    dataset("npz", packed_npz, ("a.npz",), {"*": (blind, zipped(text), zipped(blind))}, variant=", compressed"),
    dataset(
        "open_images",
        open_images,
        ("images", "boxes.csv"),
        CSV,
        further={key: file for key, file in FILES.items() if key != "boxes"},
    ),
    dataset("tar", tar, ("a.tar",), {"*": (blind, tarred(text), tarred(blind))}),
    dataset(
        "tar", gzipped_tar, ("a.tar.gz",), {"*": (blind, gzipped(blind), gzipped(tarred(text)))}, variant=", gzipped"
    ),
    dataset("tfrecord", tfrecord, ("a.tfrecord",), {"*": (records(protobuf), records(blind), blind)}),
    dataset("video", video, ("a.mp4",), {"*": (blind,)}, may_abort=True),
    dataset("video_folders", labelled_videos, ("videos",), {"*.mp4": (blind,)}, may_abort=True),
    dataset(
        "videos", labelled_videos, ("videos",), {"*.csv": (text, text, blind)}, further={"kinetics": "kinetics.csv"}
    ),
    dataset("voc", voc, (".",), {"*.xml": (text, text, blind), "*.txt": (text,)}),
    dataset("voc", voc, (".",), {"*.txt": (text, blind)}, variant=", a split", further={"split": "test"}),
    Target(
        "class hierarchy",
        lambda folder: (folder / "tree.json").write_text(json.dumps(TREE)),
        lambda folder: read_hierarchy(folder / "tree.json"),
        JSON,
    ),
    Target(
        "class list",
        lambda folder: (folder / "classes.json").write_text(json.dumps({"1.png": 3, "2.png": [4]})),
        lambda folder: read_class_list(folder / "classes.json"),
        JSON,
    ),
    Target(
        "label image",
        lambda folder: Image.fromarray(np.arange(1600).reshape(40, 40).astype(np.uint8)).save(folder / "mask.png"),
        lambda folder: read_label_image(folder / "mask.png"),
    ),
)
