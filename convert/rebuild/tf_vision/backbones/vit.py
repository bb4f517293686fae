"""The vision transformer (ViT), and DeiT, which has the same network."""

from __future__ import annotations

import re
from collections.abc import Mapping

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.transformer import TransformerBackbone, build_transformer
from detlite.convert.rebuild.tf_vision.backbone import Backbone
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.runtime.errors import InputError

SIZES: Mapping[str, tuple[int, int, int, int]] = {
    "ti": (192, 768, 3, 12),
    "s": (384, 1536, 6, 12),
    "b": (768, 3072, 12, 12),
    "l": (1024, 4096, 16, 24),
    "h": (1280, 5120, 16, 32),
}
"""Width, inner width, heads and layers, by the letter of the name."""

NAME = re.compile(r"vit-(ti|s|b|l|h)([1-9][0-9]?)")
TOKENS = 0
"""The level of what a classifier takes."""


def read(section: Params, norm: NormActivation) -> TransformerBackbone:
    """Return the transformer of *section*; its name decides its size, and *norm* plays no part.

    Raises:
        InputError: it has another name, or a part that detlite does not rebuild.
    """
    del norm
    section.needs("model_name", "representation_size")
    section.ignore(
        *("hidden_size", "patch_size", "transformer", "transformer_partition_dims", "init_stochastic_depth_rate"),
        *("original_init", "output_encoded_tokens", "output_attention_scores"),
    )
    section.only("pooler", "token", "detlite rebuilds transformers that classify by their class token")
    section.only("layer_scale_init_value", 0.0, "detlite does not rebuild layer scales")
    section.only("output_2d_feature_maps", False, "detlite rebuilds transformers of classifiers")
    section.only("pos_embed_shape", [], "detlite rebuilds positions of the size of the input")
    name = section.text("model_name", "vit-b16")
    found = NAME.fullmatch(name)
    if found is None:
        raise InputError(
            f"{section.where('model_name')} is {name}; want vit-ti16, vit-s16, vit-b16, vit-l16, vit-h14 ..."
        )
    width, inner, heads, layers = SIZES[found[1]]
    representation = section.integer("representation_size", 0, high=65536)
    return TransformerBackbone(int(found[2]), width, inner, heads, layers, representation)


def build(
    net: GraphBuilder, image: Tensor, config: TransformerBackbone, root: str, classifies: bool
) -> Mapping[int, Tensor]:
    """Return what the class token holds, for a classifier alone; there are no maps."""
    return {TOKENS: build_transformer(net, image, config, root)} if classifies else {}


PLUGIN = Backbone(title="ViT", reads=TransformerBackbone, read=read, build=build)
