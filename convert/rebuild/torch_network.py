"""The definition of a network that is rebuilt from a PyTorch file; each is one file in `torch_networks/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.weights.stored import StateDictWeights
from detlite.convert.rebuild.weights.torch_file import open_torch
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugins

TORCH_NETWORKS = "detlite.convert.rebuild.torch_networks"
LISTED = 3

Shape = tuple[int, ...]


@dataclass(frozen=True)
class TorchNetwork:
    """One network; its name is its file's name.

    Attributes:
        title: the name shown to users.
        known_by: names of tensors in its state dict that no other network has together.
        class_head: the name of the weights of a class head, whose shape tells the number of classes.
        config: returns the config of the network, given the shape of *class_head*.
        weights: returns the weights by the names that its architecture takes; the state dict's own by default.
    """

    title: str
    known_by: tuple[str, ...]
    class_head: str
    config: Callable[[Shape], DetectorConfig]
    weights: Callable[[StateDictWeights], Weights] = lambda stored: stored


def read_torch(path: Path) -> tuple[TorchNetwork, DetectorConfig, Weights]:
    """Return the network whose weights are in the PyTorch file at *path*, its config, and the weights.

    Raises:
        InputError: the file cannot be read, or holds another network.
    """
    checkpoint = open_torch(path)
    networks = load_plugins(TORCH_NETWORKS).values()
    for network in networks:
        shape = checkpoint.variables[network.class_head].shape if network.class_head in checkpoint.variables else ()
        if shape and all(name in checkpoint.variables for name in network.known_by):
            return network, network.config(shape), network.weights(StateDictWeights(checkpoint))
    some = ", ".join(name[:80] for name in list(checkpoint.variables)[:LISTED])
    raise InputError(
        f"the PyTorch file {path} holds a network that detlite does not rebuild (tensors {some}, ...); it rebuilds "
        f"{' and '.join(network.title for network in networks)}: of others, give the .onnx of torch.onnx.export"
    )
