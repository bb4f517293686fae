"""Asks the importer of TensorRT for RTX about .onnx files: `tensorrt_importer.py [--build] FILE ...` with its Python.

Writes to stdout, as JSON by file, whether it parses, its errors, whether an engine is built, and the engine's first
bytes. It needs no GPU.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

HEAD_BYTES = 28


def answer(trt: Any, path: str, *, build: bool) -> dict[str, Any]:
    """Return what the importer says of the file at *path*, in a strongly typed network."""
    log = trt.Logger(trt.Logger.INTERNAL_ERROR)
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    parsed = parser.parse(Path(path).read_bytes())
    errors = [parser.get_error(i).desc() for i in range(parser.num_errors)]
    engine = None
    if parsed and build:
        config = builder.create_builder_config()
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.SM86, 0)
        engine = builder.build_serialized_network(network, config)
    head = None if engine is None else bytes(memoryview(engine)[:HEAD_BYTES]).hex()
    return {"parsed": parsed, "errors": errors, "built": engine is not None, "head": head}


def main() -> None:
    """Answer for each file of the command line."""
    trt = importlib.import_module("tensorrt_rtx")  # of the environment that runs this file
    build = "--build" in sys.argv
    print(json.dumps({path: answer(trt, path, build=build) for path in sys.argv[1:] if path != "--build"}))


if __name__ == "__main__":
    main()
