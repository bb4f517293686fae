"""Regions are cropped out of the level that fits their size, with one sample in the middle of each cell."""

import numpy as np
import pytest
from builders.asked_weights import AskedWeights

from detlite.convert.rebuild.network.region_align import RegionAlign
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.tensorflow import load_tensorflow


def aligned(boxes, side, size=(256, 512), levels=(3, 4, 5)):
    """Crops [n, side, side, 3] of maps whose channels are the level, the row and the column of each cell."""
    with RegionBuilder(AskedWeights(), (*size, 3)) as net:
        maps = {}
        for level in levels:
            rows, columns = size[0] >> level, size[1] >> level
            grid = np.stack(np.broadcast_arrays(level, *np.mgrid[:rows, :columns]), axis=-1)
            maps[level] = load_tensorflow().constant(grid[None].astype(np.float32))
        crops = RegionAlign(net, maps, "regions").crops(np.asarray(boxes, np.float32), side, "crops")
        with load_tensorflow().compat.v1.Session() as session:
            return session.run(crops)


@pytest.mark.parametrize(
    ("pixels", "level"), [((112, 111), 3), ((112, 112), 3), ((223, 224), 3), ((224, 224), 4), ((256, 512), 4)]
)
def test_a_region_comes_out_of_the_level_of_its_area(pixels, level):
    assert (aligned([[0, 0, pixels[0] / 256, pixels[1] / 512]], 2)[0, ..., 0] == level).all()


def test_samples_are_in_the_middle_of_the_cells_of_a_crop_in_pixels_of_the_level():
    (crop,) = aligned([[32 / 256, 64 / 512, 64 / 256, 128 / 512]], 2)
    np.testing.assert_allclose(crop[:, 0, 1], [4 + 1, 4 + 3])
    np.testing.assert_allclose(crop[0, :, 2], [8 + 2, 8 + 6])


def test_samples_beyond_the_last_cell_are_that_cell():
    (crop,) = aligned([[0.9, 0.9, 1.0, 1.0]], 4)
    assert crop[-1, -1, 1:].tolist() == [31, 63]
