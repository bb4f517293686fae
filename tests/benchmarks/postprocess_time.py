"""By hand: numpy's post-processing of raw heads, fast and regular, beside one invoke of the model.

python tests/benchmarks/postprocess_time.py ARTIFACT IMAGES
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from detlite.convert.artifact import open_artifact
from detlite.runtime.artifact import Artifact
from detlite.runtime.image.read import read_image
from detlite.runtime.session import Session
from detlite.runtime.tasks.detection import detection_of


def main(artifact: str, images: str) -> None:
    """Print the median of each over the images, in milliseconds of processor time."""
    opened, paths = open_artifact(Path(artifact)), sorted(Path(images).iterdir())
    for kind in ("fast", "regular"):
        contract = opened.contract.with_task(nms=replace(detection_of(opened.contract).nms, kind=kind))
        session = Session(Artifact(opened.model, contract))
        times = [timed(session, path) for path in paths]
        invoke_ms, postprocess_ms = (median(column) for column in zip(*times, strict=True))
        print(f"{kind}: invoke {invoke_ms:.2f} ms, post-processing {postprocess_ms:.2f} ms, {len(times)} images")


def timed(session: Session, path: Path) -> tuple[float, float]:
    """Return what the invoke and the post-processing of one image take, in milliseconds."""
    tensor = session.preprocess(read_image(path))
    begin = time.process_time()
    session.invoke(tensor)
    invoked = time.process_time()
    session.postprocess(session.heads())
    return 1e3 * (invoked - begin), 1e3 * (time.process_time() - invoked)


if __name__ == "__main__":
    main(*sys.argv[1:])
