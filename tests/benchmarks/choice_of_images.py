"""By hand: whether a choice of calibration images is better than another, by the fidelity of what it calibrates.

python tests/benchmarks/choice_of_images.py FLOAT_ARTIFACT COCO_IMAGES COCO_ANNOTATIONS HELD_OUT_IMAGES [SEEDS]
"""

import random
import sys
from pathlib import Path

import numpy as np

from detlite.accuracy.datasets.coco import PLUGIN
from detlite.accuracy.images import Images, images_in
from detlite.calibration.images.choice import brightness_strata, content_strata, label_strata, stratified
from detlite.calibration.images.gallery import Gallery
from detlite.calibration.images.image_cache import default_image_cache
from detlite.calibration.images.thumbnail import cached_thumbnails
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.load import load_source, with_heads
from detlite.convert.options import DetectorOptions
from detlite.runtime.progress import silent
from detlite.studies.search.bench import Bench

COUNTS = (8, 16, 32)


def main(artifact: str, folder: str, annotations: str, held_out: str, seeds: str = "12") -> None:
    """Print, for each count and choice, the fidelity's mean and deviation, and the difference to a random choice."""
    model = with_heads(load_source(Path(artifact), DetectorOptions(), progress=silent), "raw")
    bench = Bench(model, images_in(Path(held_out)))
    gallery = Gallery(PLUGIN, (Path(folder), Path(annotations)))
    paths = gallery.files(range(len(gallery)), default_image_cache())
    looks = cached_thumbnails(Images(tuple(paths), "", upright=False), default_image_cache())
    for count in COUNTS:
        found = []
        for seed in range(int(seeds)):
            chosen = choices(gallery, looks, count, seed)
            sets = {
                name: Images(tuple(paths[one] for one in numbers), "", upright=False)
                for name, numbers in chosen.items()
            }
            made = {name: quantize(model, images, Recipe()).model for name, images in sets.items()}
            found.append({name: bench.fidelity(one).fidelity for name, one in made.items()})
        for name in found[0]:
            values = np.array([one[name] for one in found])
            more = values - [one["random"] for one in found]
            error = more.std(ddof=1) / len(more) ** 0.5
            print(
                f"{count} {name}: {values.mean():.2f}, deviation {values.std(ddof=1):.2f}, worst {values.min():.2f}; "
                f"over random {more.mean():+.2f} +- {error:.2f}"
            )


def choices(gallery, looks, count, seed):
    """Return the numbers of the images by each choice; `first` begins elsewhere for each seed."""
    some = range(len(gallery))
    labels, content = label_strata(gallery.objects), content_strata(looks, count)
    return {
        "random": random.Random(seed + 1000).sample(some, count),
        "first": [(37 * seed + one) % len(some) for one in range(count)],
        "by labels": stratified(labels | brightness_strata(looks), count, seed),
        "by content": stratified(content | brightness_strata(looks), count, seed),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
