"""Reference models of the original TF-Vision in the shared data, and small configs as its trainer writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from builders.golden_files import DATA, GoldenFiles
from detlite.convert.rebuild.weights.unused_variables import UnusedVariables
from detlite.convert.rebuild.weights.weights import Name, Weights, names_of
from detlite.runtime.arrays import Floats

GOLDENS = DATA / "tfvision_goldens"


@dataclass(frozen=True)
class TfVisionGolden(GoldenFiles):
    """One reference model of TF-Vision."""

    folder: ClassVar[Path] = GOLDENS
    library_file: ClassVar[str] = "tfv_lib.py"
    config_file: ClassVar[str] = "params.yaml"

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.meta["input_size"]
        return height, width

    @property
    def picture(self) -> Any:
        """The picture that the original saw: uint8."""
        return self.library.image(*self.meta["picture"][1])

    def values(self) -> dict[str, Any]:
        """Every variable of the checkpoint, by name."""
        return dict(self.library.weights(self.meta, self.stored))

    def write_checkpoint(self, folder: Path) -> Path:
        """Write the exporter's checkpoint to *folder* and return its prefix."""
        self.library.write_checkpoint(str(folder / "ckpt-1"), self.meta, self.stored)
        return folder / "ckpt-1"


class MemoryWeights(Weights):
    """Weights that are in memory; `unused` are the names that nobody took."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self.unused = set(values)

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        first = names_of(name)[0]
        self.unused.discard(first)
        value = np.asarray(self._values[first], np.float32)
        assert value.shape == tuple(shape), first
        return value

    def has(self, name: Name) -> bool:
        return names_of(name)[0] in self._values

    def shape_of(self, name: Name) -> tuple[int, ...] | None:
        return np.shape(self._values[names_of(name)[0]]) if self.has(name) else None

    def finish(self, *, config: str = "pipeline.config") -> UnusedVariables:
        return UnusedVariables()


def classifier_params(**model: Any) -> dict[str, Any]:
    """A whole params.yaml of a small ResNet classifier, with changes to its `task.model`."""
    whole = {
        "num_classes": 11,
        "input_size": [32, 48, 3],
        "dropout_rate": 0.0,
        "backbone": {
            "type": "resnet",
            "resnet": {
                "model_id": 18,
                "stem_type": "v0",
                "se_ratio": 0.0,
                "resnetd_shortcut": False,
                "replace_stem_max_pool": False,
            },
        },
        "norm_activation": {"activation": "relu", "norm_epsilon": 1e-5, "norm_momentum": 0.9, "use_sync_bn": False},
        **model,
    }
    return {
        "runtime": {},
        "task": {"model": whole, "train_data": {"aug_crop": True}, "validation_data": {}},
        "trainer": {},
    }


def video_params(
    backbone: dict[str, Any], kind: str = "resnet_3d", model_type: str = "video_classification", **data: Any
) -> dict[str, Any]:
    """A whole params.yaml of a video classifier."""
    return {
        "runtime": {},
        "task": {
            "model": {
                "model_type": model_type,
                "backbone": {"type": kind, kind: backbone},
                "norm_activation": {"activation": "relu", "norm_epsilon": 1e-5},
                "dropout_rate": 0.5,
                "aggregate_endpoints": False,
                **({"activation": "swish"} if model_type == "movinet" else {}),
            },
            "train_data": {
                "feature_shape": [4, 32, 32, 3],
                "num_classes": 5,
                "temporal_stride": 2,
                "min_image_size": 40,
                **data,
            },
            "validation_data": {},
            "metrics": {"use_per_class_recall": False},
        },
        "trainer": {},
    }


RS: dict[str, Any] = {
    "model_id": 50,
    "stem_type": "v1",
    "se_ratio": 0.25,
    "stem_conv_temporal_kernel_size": 5,
    "stem_conv_temporal_stride": 2,
    "stem_pool_temporal_stride": 1,
    "block_specs": [
        {"temporal_strides": 1, "temporal_kernel_sizes": [frames], "use_self_gating": True} for frames in (1, 1, 3, 3)
    ],
}
MOVINET: dict[str, Any] = {
    "model_id": "a0",
    "causal": True,
    "conv_type": "3d_2plus1d",
    "se_type": "2plus3d",
    "activation": "hard_swish",
    "gating_activation": "hard_sigmoid",
    "use_positional_encoding": False,
}
