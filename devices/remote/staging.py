"""What goes to a device: the board's program, the artifact's files, and images as pixels.

Images are decoded here, so that every device gets the same pixels, and needs no Pillow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detlite.devices.deploy.deploy import Deployed, deploy
from detlite.devices.deploy.device_lock import Hold
from detlite.devices.deploy.files import DeviceFile, device_file
from detlite.devices.deploy.scripts import script
from detlite.devices.packaging.zipapp import board_program
from detlite.devices.transport.run import run_script
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS, Artifact, sha256_of
from detlite.runtime.image.read import read_image
from detlite.runtime.model_file import model_name
from detlite.runtime.progress import Progress, silent

ARTIFACT_FOLDER, IMAGE_FOLDER, BANK = "artifact", "images", "bank.npz"
IMAGE_LIST = "images.txt"
"""Written on the device: the paths of the images there, in their order."""

ARRANGE_S = 60.0


@dataclass(frozen=True)
class Staged:
    """Files that are ready to be put on a device.

    Attributes:
        program: the board's program.
        model: the artifact's model.
        artifact: all files of the artifact, by the names that they have in its folder.
        bank: the bank of features that the model is run with; None for an empty one.
    """

    program: DeviceFile
    model: DeviceFile
    artifact: Mapping[str, DeviceFile]
    bank: DeviceFile | None = None

    @property
    def model_sha256(self) -> str:
        """The digest of the model."""
        return self.model.sha256


def stage(artifact: Artifact, scratch: Path) -> Staged:
    """Return the program, written to *scratch*, and the files of *artifact*; a bare model gets those it lacks."""
    program = scratch / "board.pyz"
    program.write_bytes(board_program())
    folder = artifact.model.parent
    if not artifact.history:
        folder = scratch / "artifact"
        folder.mkdir()
        step = {"step": "given", "tool": "detlite", "output_sha256": sha256_of(artifact.model)}
        (folder / HISTORY).write_text(json.dumps({"steps": [step]}))
        (folder / CONTRACT).write_text(artifact.contract.to_json(), encoding="utf-8")
        (folder / LABELS).write_text("".join(f"{label}\n" for label in artifact.contract.labels), encoding="utf-8")
    files = {name: device_file(folder / name) for name in (CONTRACT, HISTORY, LABELS)}
    model = device_file(artifact.model)
    bank = None if artifact.bank is None else device_file(artifact.bank)
    return Staged(device_file(program), model, {model_name(artifact.format): model, **files}, bank)


def stage_images(paths: Sequence[Path], scratch: Path, *, upright: bool) -> list[DeviceFile]:
    """Return the pixels of the images *paths*, each written to *scratch* as .npy, in their order.

    They are turned *upright* by their EXIF orientation, or as stored.
    """
    files = []
    for number, path in enumerate(paths):
        array = scratch / f"{number}.npy"
        np.save(array, read_image(path, upright=upright), allow_pickle=False)
        files.append(device_file(array))
    return files


def put(held: Hold, staged: Staged, images: Sequence[DeviceFile] = (), *, progress: Progress = silent) -> Deployed:
    """Put everything on the device, named in the job's folder: `board.pyz`, `artifact/`, `images/`, `images.txt`.

    The bank of features, if there is one, is `BANK` there.
    """
    banks = {} if staged.bank is None else {BANK: staged.bank}
    files = [staged.program, *staged.artifact.values(), *banks.values(), *images]
    deployed = deploy(held, files, progress=progress)
    links = {"board.pyz": staged.program, **banks}
    links |= {f"{ARTIFACT_FOLDER}/{name}": file for name, file in staged.artifact.items()}
    links |= {f"{IMAGE_FOLDER}/{file.name}": file for file in images}
    lines = "".join(f"{file.name} {link}\n" for link, file in links.items())
    run_script(held.transport, script("arrange"), [held.work], timeout_s=ARRANGE_S, stdin=lines)
    return deployed


def forget(held: Hold, files: Sequence[DeviceFile]) -> None:
    """Remove *files* from the device."""
    lines = "".join(f"{file.name}\n" for file in files)
    run_script(held.transport, script("forget"), [held.work], timeout_s=ARRANGE_S, stdin=lines)
