"""By hand: what detlite predicts of its own .onnx for TensorRT, beside what an importer says, for all golden families.

DETLITE_INTEROP=FOLDER python tests/benchmarks/tensorrt_import.py [GOLDEN ...]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from builders import tensorrt_importer
from builders.golden_files import DATA
from builders.golden_models import NAMES, Golden

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.exporter import export_model
from detlite.convert.exporters.tflite import from_graph
from detlite.convert.load import load_rebuilt
from detlite.convert.onnx.package import load_onnx
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.checkpoint_source import CheckpointSource
from detlite.convert.source import source_of_checkpoint
from detlite.convert.targets.tensorrt.predict import predict

VERSION = (11, 0)
"""The table's row that is nearest to TensorRT for RTX."""


def files(name: str, folder: Path) -> dict[str, Path]:
    """Write the float and the int8-float-bias file of the golden *name* to *folder*."""
    golden = Golden(name)
    trained = CheckpointSource(golden.config, golden.write_checkpoint(folder))
    model = from_graph(load_rebuilt(source_of_checkpoint(trained, trained.config), DetectorOptions()).graph, "float32")
    images = Images(tuple(sorted((DATA / "coco/train/images").glob("*.jpg"))[:4]), "coco/train")
    made = {"float": model, "int8": quantize(model, images, Recipe(scheme="int8-float-bias")).model}
    for kind, one in made.items():
        (folder / f"{kind}.onnx").write_bytes(export_model(one, "onnx", {"target": "tensorrt", "nms": "none"}).data)
    return {kind: folder / f"{kind}.onnx" for kind in made}


def asked(paths: list[Path]) -> dict[str, dict[str, object]]:
    """Return what the importer says of *paths*, and whether it builds engines."""
    python = Path(os.environ["DETLITE_INTEROP"]) / "tensorrt/bin/python"
    command = [str(python), tensorrt_importer.__file__, "--build", *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main(names: list[str]) -> None:
    """Print a row for each golden and each form."""
    print("golden | form | nodes | int8 of operators | predicted | parsed | built")
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            made = files(name, Path(scratch))
            said = asked(list(made.values()))
            for form, path in made.items():
                found = predict(load_onnx().load(path), VERSION)
                answer = said[str(path)]
                refused = f"{len(found.refused)} refused" if found.refused else "imports"
                counts = f"{len(found.fates)} | {found.int8} of {found.operators}"
                errors = answer["errors"] or ""
                print(
                    f"{name} | {form} | {counts} | {refused} | {answer['parsed']} | {answer['built']} {errors}",
                    flush=True,
                )


if __name__ == "__main__":
    np.seterr(all="ignore")
    main(sys.argv[1:] or NAMES)
