"""By hand, as root: what deploying, detecting in 8 images and fetching cost on an emulated board beyond the detecting.

python tests/benchmarks/device_overhead.py ARTIFACT IMAGES [ARM64_ROOT]

Each round has on one side all of it, with nothing on the board, and on the other the same program started by one ssh
command, put there before with the model and the photographs in it.
"""

import os
import shutil
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from builders.arm64_root import build
from builders.emulated import Emulated

from detlite.convert.artifact import open_artifact
from detlite.devices.inventory import read_inventory
from detlite.devices.packaging.zipapp import board_program
from detlite.devices.remote.detect import detect_on
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import run
from detlite.runtime.image.read import read_image

ROUNDS, IMAGES = 5, 8


def main(artifact: str, images: str, arm64: str | None = None) -> None:
    """Print both times of each round, and the median of their differences."""
    model = open_artifact(Path(artifact))
    with TemporaryDirectory() as kept, TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o755)
        paths = [decoded(path, Path(scratch)) for path in sorted(Path(images).iterdir())[:IMAGES]]
        program = board_program(artifact=model, images=paths)
        board = Emulated("board", build(Path(arm64 or kept)), Path(scratch) / "it")
        board.start()
        try:
            inventory = Path(scratch) / "devices.toml"
            inventory.write_text(board.inventory("board"))
            device = read_inventory(inventory).device("board")
            (board.scratch / "data" / "board.pyz").write_bytes(program)
            more = [compared(board, device, model, paths) for _ in range(ROUNDS)]
        finally:
            board.stop()
    print(f"median of what comes on top: {median(more):.2f} s")


def decoded(path: Path, folder: Path) -> Path:
    """Return where the image at *path* lies as pixels: the board has no decoder."""
    pixels = folder / f"{path.stem}.npy"
    np.save(pixels, read_image(path))
    return pixels


def compared(board, device, model, paths) -> float:
    """Return by how much the whole takes longer than detecting alone, in seconds."""
    begin = time.perf_counter()
    with connect(device) as transport:
        done = run(transport, [device.python, "/home/mendel/board.pyz", "detect", "--lines"], timeout_s=300)
    assert done.status == 0, done.err
    alone_s = time.perf_counter() - begin
    shutil.rmtree(board.work, ignore_errors=True)
    with TemporaryDirectory() as cache:
        os.environ["DETLITE_CACHE"] = cache  # what was found before is in it
        begin = time.perf_counter()
        detect_on(device, model, paths)
        whole_s = time.perf_counter() - begin
    print(f"alone {alone_s:.2f} s, deployed and fetched {whole_s:.2f} s")
    return whole_s - alone_s


if __name__ == "__main__":
    main(*sys.argv[1:])
