"""CenterNet's peaks in an ONNX graph: what `runtime.boxes.nms.peaks` finds, bit for bit."""

from __future__ import annotations

import numpy as np

from detlite.convert.onnx.graph import OnnxGraph
from detlite.convert.onnx.scores_and_boxes import NO_SCORE, KeptRows, below, top
from detlite.runtime.boxes.nms import PEAK_MARGIN, Nms

TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
AROUND = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}
"""The window of a cell and its neighbours."""


def peak_rows(graph: OnnxGraph, scores: str, classes: int, nms: Nms) -> KeptRows:
    """Add what keeps the peaks of *scores* (1, cells, classes), and return the best `max_detections` of them."""
    rows, columns = nms.cells or (0, 0)
    shape = graph.integers("grid_shape", (1, rows, columns, classes))
    grid = graph.transpose(graph.node("Reshape", [scores, shape], "grid"), TO_NCHW, "score_maps")
    lack = graph.node("Sub", [graph.node("MaxPool", [grid], "best_around", **AROUND), grid], "lack")
    is_best = graph.node("Less", [lack, graph.constant("peak_margin", PEAK_MARGIN)], "is_best")
    threshold = graph.constant("score_threshold", below(nms.score_threshold))
    is_peak = graph.node("And", [is_best, graph.node("Greater", [grid, threshold], "counts")], "is_peak")
    none = graph.constant("no_score", NO_SCORE)
    peaks = graph.transpose(graph.node("Where", [is_peak, grid, none], "peak_maps"), TO_NHWC, "peaks")
    flat = graph.node("Reshape", [peaks, graph.integers("flat_shape", [-1])], "flat_peaks")
    empty = graph.constant("no_scores", np.full(nms.max_detections, NO_SCORE))
    found, order = top(graph, graph.node("Concat", [flat, empty], "peaks_with_empty", axis=0), nms.max_detections, 0)
    is_there = graph.node("Greater", [found, none], "is_detection")
    width = graph.constant("classes", np.int64(classes))
    after_last = graph.constant("after_last", np.int64(rows * columns))
    cells = graph.node("Where", [is_there, graph.node("Div", [order, width], "cells"), after_last], "kept_cells")
    numbers = [graph.node("Mod", [order, width], "class_numbers"), graph.constant("no_class", np.int64(0))]
    return KeptRows(cells, graph.node("Where", [is_there, *numbers], "kept_numbers"), found, cells)
