"""The operators of two-stage detectors: boxes, their suppression, and crops of regions, with fixed shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.convert.rebuild.detector_config import PostProcessing
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.region_tensors import KeptTensors, Samples, SuppressedRows
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

MOST_COUNTED = 1 << 24
"""Whole numbers up to this are exact in float32."""


class RegionBuilder(GraphBuilder):
    """A graph with operators that work on boxes and the regions in them.

    Attributes:
        stages: multiply-accumulates of each stage that is finished, by what the stage is for.
    """

    def __init__(self, weights: Weights, shape: tuple[int, int, int]) -> None:
        super().__init__(weights, shape)
        self.stages: dict[str, int] = {}

    def finish_stage(self, title: str) -> None:
        """Count all operations since the last stage for the stage *title*."""
        self.stages[title] = self.macs - sum(self.stages.values())

    def column(self, x: Tensor, number: int, name: str) -> Tensor:
        """Return one column [N] of *x* [1, N, columns]."""
        count = int(x.shape[1])
        return self.reshape(self._tf.slice(x, (0, 0, number), (1, count, 1), name=f"{name}/slice"), (count,), name)

    def columns(self, x: Tensor, begin: int, count: int, name: str) -> Tensor:
        """Return *count* columns of *x* [N, columns], starting at *begin*."""
        return self._tf.slice(x, (0, begin), (int(x.shape[0]), count), name=f"{name}/slice")

    def decoded(self, codes: Tensor, anchors: Any, coder: BoxCoder, name: str) -> Tensor:
        """Return the boxes [..., 4], (y1, x1, y2, x2), of *codes* [..., 4]; see `detlite.runtime.boxes.coding.decode`.

        *anchors*, an array or a tensor of such a shape, are (y centre, x centre, height, width).
        """
        last = len(codes.shape) - 1
        scales = np.array((1 / coder.y, 1 / coder.x, 1 / coder.height, 1 / coder.width), np.float32)
        scaled = self.multiply(codes, scales, f"{name}/scaled")
        shift, stretch = self._tf.split(scaled, 2, axis=last, name=f"{name}/split")
        centre = self._tf.add(
            self.multiply(shift, anchors[..., 2:], f"{name}/shift"), anchors[..., :2], f"{name}/centre"
        )
        half = self.multiply(
            self._tf.exp(stretch, name=f"{name}/exp"), anchors[..., 2:] * np.float32(0.5), f"{name}/half"
        )
        corners = (self._tf.subtract(centre, half, f"{name}/low"), self._tf.add(centre, half, f"{name}/high"))
        return self.concat(corners, last, name)

    def suppressed(
        self,
        boxes: Tensor,
        scores: Tensor,
        *,
        most: int,
        iou_threshold: float,
        score_threshold: float,
        name: str,
    ) -> Tensor:
        """Return *most* of *boxes* [N, 4], best first, that no better box suppresses; zeros fill the rows after them.

        A box goes when its IoU with a kept one is over *iou_threshold*, or its score is not over *score_threshold*.
        """
        kept = self.kept_rows(boxes, scores, most, (iou_threshold, score_threshold), name)
        found = self._tf.gather(boxes, kept.rows, name=f"{name}/boxes")
        return self.multiply(found, self.reshape(kept.is_kept, (most, 1), f"{name}/is_kept"), f"{name}/found")

    def kept_rows(
        self, boxes: Tensor, scores: Tensor, most: int, thresholds: tuple[float, float], name: str
    ) -> SuppressedRows:
        """Return which of *boxes* [N, 4] `suppressed` keeps; *thresholds*: (IoU, score)."""
        kept, count = self._suppression(boxes, scores, most, thresholds, name)
        kept = self.reshape(kept, (most,), f"{name}/kept")
        return SuppressedRows(
            kept, self._tf.cast(self._tf.less(np.arange(most, dtype=np.int32), count), self._tf.float32)
        )

    def _suppression(
        self, boxes: Tensor, scores: Tensor, most: int, thresholds: tuple[float, float], name: str
    ) -> tuple[Tensor, Tensor]:
        """Return the rows of *boxes* that are kept, int32 [most], and how many; *thresholds*: (IoU, score)."""
        kept, count = self._tf.raw_ops.NonMaxSuppressionV4(
            boxes=boxes,
            scores=scores,
            max_output_size=most,
            iou_threshold=np.float32(thresholds[0]),
            score_threshold=np.float32(thresholds[1]),
            pad_to_max_output_size=True,
            name=name,
        )
        return kept, count

    def suppressed_by_class(
        self,
        boxes: Tensor,
        scores: Tensor,
        nms: PostProcessing,
        name: str,
        *,
        keeps_empty: bool = False,
        window: Tensor | None = None,
    ) -> KeptTensors:
        """Return the best detections of all classes, after suppression within each.

        As `detlite.runtime.boxes.nms_by_class.suppress_by_class` does it: on boxes that are not clipped, which then are
        clipped to the input; a box without an area left is none, unless *keeps_empty*.

        Args:
            boxes: [K, P, 4], of each class; or [1, P, 4], of all.
            scores: [P, K], without the background.
            nms: the settings.
            name: the scope of the operators.
            keeps_empty: whether boxes without an area are detections.
            window: where the image is in the input, [1, 4]; None where it fills it.
        """
        count, classes = (int(side) for side in scores.shape)
        each, shared = min(nms.max_detections_per_class, count), int(boxes.shape[0]) == 1
        most = min(nms.max_total_detections, each * classes)
        by_class = self._tf.transpose(scores, (1, 0), name=f"{name}/by_class")
        thresholds = nms.iou_threshold, nms.score_threshold
        of_class, scores_of = self._tf.unstack(boxes), self._tf.unstack(by_class)
        kept = [
            self._suppression(of_class[0 if shared else one], scores_of[one], each, thresholds, f"{name}/class_{one}")
            for one in range(classes)
        ]
        rows = self._tf.stack([self.reshape(row, (each,), f"{name}/kept_{one}") for one, (row, _n) in enumerate(kept)])
        counts = self.reshape(self._tf.stack([found for _row, found in kept]), (classes, 1), f"{name}/counts")
        is_kept = self._tf.cast(self._tf.less(np.arange(each, dtype=np.int32)[None], counts), self._tf.float32)
        numbers = np.arange(classes, dtype=np.int32)[:, None]
        places = self.reshape(rows + numbers * count, (-1,), f"{name}/places")
        of_box = self.reshape(rows, (-1,), f"{name}/of_box") if shared else places
        found_scores = self._tf.gather(self.reshape(by_class, (-1,), f"{name}/flat_scores"), places)
        found = self._tf.gather(self.reshape(boxes, (-1, 4), f"{name}/flat_boxes"), of_box)
        found = self.within(found, window, f"{name}/clip")
        valid = self.reshape(is_kept, (-1,), f"{name}/is_kept")
        if not keeps_empty:
            valid = valid * self.has_area(found, f"{name}/has_area")
        labels = np.broadcast_to(numbers, (classes, each)).ravel().astype(np.float32)
        return self._best(found, found_scores * valid - (1 - valid), labels, most, name)

    def _best(self, boxes: Tensor, scores: Tensor, classes: Any, most: int, name: str) -> KeptTensors:
        """Return the *most* rows with the best *scores* [N]; a score of -1 is none."""
        best, order = self._tf.math.top_k(scores, most, name=f"{name}/best")
        valid = self._tf.cast(self._tf.less(np.float32(-0.5), best), self._tf.float32)
        column = self.reshape(valid, (most, 1), f"{name}/valid")
        return KeptTensors(
            self.multiply(self._tf.gather(boxes, order), column, f"{name}/boxes"),
            self.multiply(self._tf.gather(classes, order), valid, f"{name}/classes"),
            self.multiply(best, valid, f"{name}/scores"),
            self.reshape(self._tf.reduce_sum(valid), (1,), f"{name}/count"),
        )

    def name_detections(self, found: KeptTensors, scope: str) -> None:
        """Add *found* as `boxes` [1, D, 4], `classes` and `scores` [1, D] and `count` [1], all in *scope*."""
        count = int(found.boxes.shape[0])
        shapes = {"boxes": (1, count, 4), "classes": (1, count), "scores": (1, count), "count": (1,)}
        for role, shape in shapes.items():
            self.identity(self.reshape(getattr(found, role), shape, f"{scope}/whole_{role}"), f"{scope}/{role}")

    def has_area(self, boxes: Tensor, name: str) -> Tensor:
        """Return 1 for each of *boxes* [P, 4] with an area, else 0: float32 [P]."""
        low, high = self._tf.split(boxes, 2, axis=1, name=f"{name}/split")
        sides = self._tf.cast(self._tf.less(low, high), self._tf.float32)
        return self._tf.reduce_min(sides, 1, name=name)

    def within(self, boxes: Tensor, window: Tensor | None, name: str) -> Tensor:
        """Return *boxes* [N, 4] clipped to *window* [1, 4], where the image is, or to the input."""
        if window is None:
            return self.clip(boxes, 0.0, 1.0, name)
        low, high = (
            self.concat([part, part], 1, f"{name}/{end}")
            for part, end in zip(self._tf.split(window, 2, axis=1), ("low", "high"), strict=True)
        )
        floor = self._tf.maximum(boxes, low, name=f"{name}/Maximum")
        return self._tf.minimum(floor, high, name=f"{name}/Minimum")

    def is_below(self, numbers: Any, limit: Tensor, name: str) -> Tensor:
        """Return 1 for each of the whole *numbers* under *limit*, int32 [1], else 0: float32."""
        return self._tf.cast(self._tf.less(numbers, limit), self._tf.float32, name=name)

    def unit_rows(self, x: Tensor, name: str) -> Tensor:
        """Return *x* [N, 1, 1, C] as rows of length 1: [1, N, C]; one of zeros stays so."""
        rows = self.reshape(x, (1, int(x.shape[0]), self.channels(x)), f"{name}/rows")
        return self._tf.math.l2_normalize(rows, axis=-1, name=name)

    def product(self, x: Tensor, y: Tensor, name: str, *, transposed: bool = False) -> Tensor:
        """Return *x* [1, N, C] times *y* [1, C, M], or times the transposed *y* [1, M, C]: [1, N, M]."""
        made = self._tf.matmul(x, y, transpose_b=transposed, name=name)
        self.macs += int(np.prod(made.shape)) * self.channels(x)
        return made

    def softmax(self, x: Tensor, name: str) -> Tensor:
        """Return the softmax of *x* over its last axis."""
        return self._tf.nn.softmax(x, name=f"{name}/softmax")

    def centred(self, boxes: Tensor, name: str) -> Tensor:
        """Return *boxes* [P, 4] as (y centre, x centre, height, width)."""
        low, high = self._tf.split(boxes, 2, axis=1, name=f"{name}/split")
        return self.concat(((low + high) * np.float32(0.5), high - low), 1, name)

    def class_rows(self, x: Tensor, name: str) -> Tensor:
        """Return *x* [P, K, C] with its classes first: [K, P, C]."""
        return self._tf.transpose(x, (1, 0, 2), name=name)

    def planes_of(self, maps: Tensor, classes: Tensor, name: str) -> Tensor:
        """Return [D, rows, columns]: of each of *maps* [D, rows, columns, K] the plane of its class, float32 [D].

        A single plane is for all classes.
        """
        count, rows, columns, planes = (int(side) for side in maps.shape)
        if planes == 1:
            return self.reshape(maps, (count, rows, columns), name)
        flat = self.reshape(
            self._tf.transpose(maps, (0, 3, 1, 2), name=f"{name}/planes"),
            (count * planes, rows * columns),
            f"{name}/flat",
        )
        first = np.arange(count, dtype=np.int32) * planes
        found = self._tf.gather(flat, self._tf.cast(classes, self._tf.int32) + first)
        return self.reshape(found, (count, rows, columns), name)

    def rows_at(self, x: Tensor, places: Tensor, name: str) -> Tensor:
        """Return [D, C]: what *x* [1, rows, columns, C] holds at the cells *places*, int32 [D], counted row by row."""
        rows, columns = self.size(x)
        cells = self.reshape(x, (rows * columns, self.channels(x)), f"{name}/cells")
        return self._tf.gather(cells, places, name=name)

    def spread(self, x: Tensor, size: tuple[int, int], name: str) -> Tensor:
        """Return *x* [D, 1, 1, C] in all cells of (rows, columns)."""
        return self._tf.add(x, np.zeros((1, *size, 1), np.float32), name=name)

    def cell_of_centre(self, boxes: Tensor, cells: tuple[int, int], name: str) -> Tensor:
        """Return the cell of (rows, columns) in which the centre of each of *boxes* [D, 4], 0..1, is: int32 [D]."""
        low, high = self._tf.split(boxes, 2, axis=1, name=f"{name}/split")
        sides = np.array(cells, np.float32)
        middle = self.multiply((low + high) * np.float32(0.5), sides, f"{name}/middle")
        inside = self._tf.minimum(self._tf.maximum(middle, np.float32(0)), sides - 1)
        place = self._tf.floor(inside, name=f"{name}/Floor")
        flat = self._tf.reduce_sum(self.multiply(place, np.array([cells[1], 1], np.float32), f"{name}/flat"), 1)
        return self._tf.cast(flat, self._tf.int32, name=name)

    def boxes_at(self, codes: Tensor, cells: Tensor, sides: tuple[int, int], name: str) -> Tensor:
        """Return the boxes [D, 4], 0..1, of *codes* [D, 4], (y offset, x offset, height, width), at *cells*, int32 [D].

        All are in cells of (rows, columns) = *sides*; a size below 0 is 0.
        """
        count = int(codes.shape[0])
        number = self._tf.cast(cells, self._tf.float32)
        near = self._tf.floor(self.multiply(number + np.float32(0.5), np.float32(1 / sides[1]), f"{name}/row"))
        place = self._tf.stack([near, number - near * np.float32(sides[1])], 1)
        offset, size = self._tf.split(codes, 2, axis=1, name=f"{name}/split")
        half = self._tf.maximum(size, np.float32(0)) * np.float32(0.5)
        centre = self.reshape(place, (count, 2), f"{name}/place") + offset
        scale = np.array((1 / sides[0], 1 / sides[1]) * 2, np.float32)
        return self.multiply(self.concat((centre - half, centre + half), 1, f"{name}/corners"), scale, name)

    def count_over(self, scores: Tensor, threshold: float, name: str) -> Tensor:
        """Return how many of *scores* [D] are over *threshold*: float32 [1]."""
        over = self._tf.cast(self._tf.less(np.float32(threshold), scores), self._tf.float32)
        return self.reshape(self._tf.reduce_sum(over), (1,), name)

    def peaks(self, scores: Tensor, most: int, margin: float, name: str) -> tuple[Tensor, Tensor, Tensor]:
        """Return (scores, cells int32, classes float32), each [most], of the best peaks of *scores* [1, ..., C].

        A peak is no more than *margin* under the best of the 3 x 3 cells around; other cells score 0. As
        `detlite.runtime.boxes.nms.peaks` finds them.

        Raises:
            InputError: there are more scores than float32 counts exactly, or fewer than peaks.
        """
        (rows, columns), classes = self.size(scores), self.channels(scores)
        if rows * columns * classes > MOST_COUNTED:
            raise InputError(
                f"{rows} x {columns} cells of {counted(classes, 'class')} are over {MOST_COUNTED} scores, the most "
                "that the peaks in a network may have: give a smaller --input"
            )
        if most > rows * columns * classes:
            raise InputError(
                f"{counted(most, 'box')} from the {counted(rows * columns * classes, 'score')} of {rows} x {columns} "
                f"cells and {classes} classes: give --max-detections {rows * columns * classes} or less, or a larger "
                "--input"
            )
        best = self.max_pool(scores, 3, 1, f"{name}/around")
        reached = self._tf.cast(self._tf.less(best - scores, np.float32(margin)), self._tf.float32)
        flat = self.reshape(self.multiply(scores, reached, f"{name}/kept"), (rows * columns * classes,), f"{name}/all")
        found, order = self._tf.math.top_k(flat, most, name=f"{name}/best")
        number = self._tf.cast(order, self._tf.float32)
        near = self._tf.floor(self.multiply(number, np.float32(1 / classes), f"{name}/cell"))
        rest = number - near * np.float32(classes)  # exact, and at most one cell off: the product was rounded
        over = self._tf.cast(self._tf.less(np.float32(classes - 0.5), rest), self._tf.float32)
        cell = near + over - self._tf.cast(self._tf.less(rest, np.float32(0)), self._tf.float32)
        return found, self._tf.cast(cell, self._tf.int32), number - cell * np.float32(classes)

    def crop_regions(
        self, x: Tensor, boxes: Tensor, size: tuple[int, int], name: str, *, beyond: bool = False
    ) -> Tensor:
        """Return [P, *size*, C]: *x* [1, rows, columns, C] sampled bilinearly in *boxes* [P, 4], 0..1.

        The first and the last sample of a side are on the edges of the box, and cell centres on the corners of the
        map: `tf.image.crop_and_resize` of boxes inside it, in operators that TFLite has. There, a last sample that
        rounding puts beyond the last cell is 0, in a box that reaches it; here it is that cell. With *beyond*, boxes
        may leave the map: it is 0 one cell beyond its edges, and further on.
        """
        sides, (rows, columns) = self.size(x), self.size(x)
        if beyond:
            x = self.pad(x, (1, 1), (1, 1), f"{name}/beyond")
            rows, columns = self.size(x)
        cells = self.reshape(x, (rows * columns, self.channels(x)), f"{name}/cells")
        y1, x1, y2, x2 = self._tf.split(boxes, 4, axis=1, name=f"{name}/split")
        first, second, share = self._samples(y1, y2, size[0], sides[0], f"{name}/y", beyond=beyond)
        across = self._samples(x1, x2, size[1], sides[1], f"{name}/x", beyond=beyond)
        return self.interpolated(cells, Samples(first * columns, second * columns, share), across, name)

    def interpolated(self, cells: Tensor, down: Samples, across: Samples, name: str) -> Tensor:
        """Return [N, h, w, C]: of *cells* [M, C] those around each sample, weighted by how near they are.

        *down* has the numbers of the cells with which rows begin, for h samples; *across* those in a row, for w.
        """
        count, height = (int(side) for side in down.share.shape)
        width = int(across.share.shape[1])
        across_share = self.reshape(across.share, (count, 1, width, 1), f"{name}/across_share")
        down_share = self.reshape(down.share, (count, height, 1, 1), f"{name}/down_share")
        sampled = []
        for number, begin in enumerate((down.first, down.second)):
            row = self.reshape(begin, (count, height, 1), f"{name}/row_{number}")
            left, right = (
                self._tf.gather(cells, row + self.reshape(place, (count, 1, width), f"{name}/at_{number}_{side}"))
                for side, place in enumerate((across.first, across.second))
            )
            sampled.append(left + (right - left) * across_share)
        above, below = sampled
        return self._tf.add(above, (below - above) * down_share, name=name)

    def _samples(self, low: Tensor, high: Tensor, count: int, cells: int, name: str, *, beyond: bool) -> Samples:
        """Return *count* samples from *low* to *high*, both [N, 1]; *beyond* counts a cell more at each end."""
        steps = np.linspace(0, 1, count, dtype=np.float32)[None] if count > 1 else np.full((1, 1), 0.5, np.float32)
        at = self.multiply(low + (high - low) * steps, np.float32(cells - 1), name)
        last = np.float32(cells - 1)
        if beyond:
            at = self.clip(at, -1.0, float(cells), f"{name}/inside") + np.float32(1)
            last = np.float32(cells + 1)
        first = self._tf.minimum(self._tf.floor(at, name=f"{name}/Floor"), last)
        second = self._tf.minimum(first + 1, last)
        return Samples(self._tf.cast(first, self._tf.int32), self._tf.cast(second, self._tf.int32), at - first)

    def bin_boxes(self, boxes: Tensor, place: tuple[int, int], bins: tuple[int, int], name: str) -> Tensor:
        """Return the part at *place* (row, column) of each of *boxes* [P, 4], of *bins* (rows, columns)."""
        low, high = self._tf.split(boxes, 2, axis=1, name=f"{name}/split")
        step = self.multiply(high - low, np.array((1 / bins[0], 1 / bins[1]), np.float32), f"{name}/step")
        begin = low + step * np.array(place, np.float32)
        return self.concat((begin, begin + step), 1, name)
