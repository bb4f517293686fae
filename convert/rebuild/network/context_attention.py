"""The attention of a Context R-CNN: what a region adds to its features from a memory of other images.

Source: Beery et al., Context R-CNN, CVPR 2020; `context_rcnn_lib.py` (TF1) and `context_rcnn_lib_tf2.py` of the OD API
2.8.0 for the form: TF2 has one block, and does not add the input once more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detlite.convert.rebuild.faster_rcnn_config import Attention
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.slim import Projection, Slim
from detlite.convert.rebuild.network.two_stage_names import AttentionNames, AttentionScopes, TwoStageNames
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

FEATURES, FILLED = "context_features", "context_features_count"
"""The names of the memory, [1, slots, width], and of the number of its filled rows, int32 [1]."""

FAR = 1e5
"""Below the similarity of every filled row: the original's, of the rows that are not."""

SCOPE = "context"


@dataclass(frozen=True)
class _Rows:
    """What is attended to: the rows [N, 1, 1, C], and 1 for each that is filled: float32 [1, 1, N]."""

    values: Tensor
    is_filled: Tensor


class ContextAttention:
    """The attention blocks of one network."""

    def __init__(self, net: RegionBuilder, config: Attention, names: TwoStageNames, proposals: Tensor) -> None:
        """Add the inputs of the memory; *proposals* [P, 4] without an area are none.

        Raises:
            InputError: the original has no such attention.
        """
        self._names = names.attention
        if self._names.in_one_block and (config.heads, config.layers, config.attends_itself) != (1, 1, False):
            raise InputError(
                f"context_config has {counted(config.heads, 'head')}, {counted(config.layers, 'layer')}"
                f"{' and self-attention' if config.attends_itself else ''}: the OD API builds one head and one layer "
                "of a TF2 model, without self-attention"
            )
        self._net, self._config, self._slim = net, config, Slim(net, names.layers)
        self._proposals, self._blocks = proposals, 0
        self._memory = self._filled_memory()

    def added(self, means: Tensor) -> Tensor:
        """Return what is added to the features of regions whose means are *means*: both [P, 1, 1, C]."""
        net, config = self._net, self._config
        itself, given = None, means
        if config.attends_itself:
            itself = self._block(means, self._regions(means), None, None)
            if config.itself_first:
                given, itself = net.multiply(itself + means, np.float32(0.5), f"{SCOPE}/halved"), None
        x = given
        for layer in range(config.layers):
            found = [self._block(x, self._memory, layer, head) for head in range(config.heads)]
            whole = found[0] if len(found) == 1 else net.mean_of(found, f"{SCOPE}/layer_{layer}")
            x = x + whole if self._names.adds_input else whole
        if self._names.adds_input:
            x = x + given
        return x if itself is None else itself + x

    def _filled_memory(self) -> _Rows:
        net, slots = self._net, self._config.slots
        bank = net.placeholder(FEATURES, (1, slots, self._config.width), "float32")
        count = net.placeholder(FILLED, (1,), "int32")
        rows = net.reshape(bank, (slots, 1, 1, self._config.width), f"{SCOPE}/rows")
        return _Rows(rows, net.is_below(np.arange(slots, dtype=np.int32)[None, None], count, f"{SCOPE}/is_filled"))

    def _regions(self, means: Tensor) -> _Rows:
        count = int(means.shape[0])
        is_proposal = self._net.has_area(self._proposals, f"{SCOPE}/is_proposal")
        return _Rows(means, self._net.reshape(is_proposal, (1, 1, count), f"{SCOPE}/proposed"))

    def _block(self, x: Tensor, rows: _Rows, layer: int | None, head: int | None) -> Tensor:
        """Return the result [P, 1, 1, C] of the block at *layer* and *head* for the regions *x*."""
        net, config = self._net, self._config
        scopes: AttentionScopes = self._names.block(layer, head, self._blocks)
        name = f"{SCOPE}/block_{self._blocks}"
        self._blocks += 1
        queries, keys, values = (
            net.unit_rows(self._projected(of, scope, config.depth), f"{name}/{part}")
            for part, of, scope in (
                ("queries", x, scopes.query),
                ("keys", rows.values, scopes.key),
                ("values", rows.values, scopes.value),
            )
        )
        similar = net.product(queries, keys, f"{name}/similarity", transposed=True)
        masked = similar * rows.is_filled + (rows.is_filled - np.float32(1)) * np.float32(FAR)
        shares = net.softmax(net.multiply(masked, np.float32(1 / config.temperature), f"{name}/scaled"), name)
        # without a filled row all shares are alike, and nothing is to be found
        filled = values * net.reshape(rows.is_filled, (1, -1, 1), f"{name}/column")
        found = net.product(shares, filled, f"{name}/found")
        pooled = net.reshape(found, (-1, 1, 1, config.depth), f"{name}/pooled")
        return self._projected(pooled, scopes.result, net.channels(x))

    def _projected(self, x: Tensor, scope: str, channels: int) -> Tensor:
        return self._slim.projected(x, _projection(self._names, scope), channels)


def _projection(names: AttentionNames, scope: str) -> Projection:
    bias = None if names.bias is None else f"{scope}/{names.bias}"
    return Projection(scope, f"{scope}/{names.kernel}", f"{scope}/{names.norm}", bias)
