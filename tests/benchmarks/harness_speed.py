"""By hand: what our harness adds to the interpreter, on an int8 artifact with raw heads.

python tests/benchmarks/harness_speed.py ARTIFACT PHOTO.npy

1. SingleStream's median invoke beside a bare loop of `invoke`, block by block on one interpreter: at most 1 % more.
2. The same beside `litert-benchmark` of ai-edge-litert, process by process: within 2 %.
3. `board.pyz` from its start to the first detection, beside numpy, the interpreter, loading and one invoke: 1.15 times.
4. The peak of its memory over that of the bare process: at most 20 MB.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from detlite.devices.packaging.zipapp import board_program
from detlite.runtime.artifact import read_artifact
from detlite.runtime.measure.presets import PRESETS, Preset
from detlite.runtime.measure.process import LoadedModel
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.run import measure_model
from detlite.runtime.runners.backend import Settings
from detlite.runtime.runners.interpreter import Opened

BLOCKS, BLOCK = 40, 25
ROUNDS = 5
STARTS = 15
BARE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
detail = interpreter.get_input_details()[0]
interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
interpreter.invoke()
print(*[line for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


def setup_of(folder: Path, photo: Path, preset: Preset) -> Setup:
    artifact = read_artifact(folder)
    return Setup(
        artifact.model, artifact.contract, "litert", Settings(), "single-stream", "check", preset, images=(photo,)
    )


def beside_bare_loop(setup: Setup) -> None:
    bench = LoadedModel(setup.request(Path()))
    rows: list[bytes] = []
    serve = bench.server(rows.append, lambda _now: None)
    assert isinstance(bench.runner, Opened)
    invoke, ours, bare = bench.runner.interpreter.invoke, [], []
    for block in range(BLOCKS):
        spans = []
        for _ in range(BLOCK):
            begin = time.perf_counter_ns()
            invoke()
            spans.append(time.perf_counter_ns() - begin)
        bare.append(median(spans) / 1e6)
        for i in range(BLOCK):
            serve(block * BLOCK + i, 0, time.perf_counter_ns())
        ours.append(median(int(row.split()[5]) for row in rows[-BLOCK:]) / 1e6)
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))  # of neighbours: the machine drifts
    print(f"1. invoke {median(ours):.4f} ms, bare loop {median(bare):.4f} ms, ratio {ratio:.4f}")


def beside_litert_benchmark(setup: Setup, scratch: Path) -> None:
    program: list[str | Path] = [
        Path(sys.executable).with_name("litert-benchmark"),
        "--model",
        setup.model,
        "--num_runs",
        "300",
    ]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        result = scratch / "result.json"
        subprocess.run([*program, "--warmup_runs", "30", "--result_json", result], check=True, capture_output=True)
        theirs.append(json.loads(result.read_text())["latency"]["median_ms"])
        invoke_ms = measure_model(setup).invoke.p50_ms
        assert invoke_ms is not None
        ours.append(invoke_ms)
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"2. invoke {median(ours):.3f} ms, litert-benchmark {median(theirs):.3f} ms, ratio {ratio:.4f}")


def start_and_memory(folder: Path, photo: Path, setup: Setup, scratch: Path) -> None:
    program = scratch / "board.pyz"
    program.write_bytes(board_program())
    commands: dict[str, list[str | Path]] = {
        "bare": [sys.executable, "-c", BARE, setup.model],
        "board": [sys.executable, program, "detect", folder, photo, "--json"],
    }
    spans: dict[str, list[float]] = {name: [] for name in commands}
    environment = {**os.environ, "XDG_CACHE_HOME": str(scratch / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as on a board: modules are compiled once
    subprocess.run(commands["board"], check=True, capture_output=True, env=environment)
    for _ in range(STARTS):
        for name, command in commands.items():
            begin = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            spans[name].append(1e3 * (time.perf_counter() - begin))
            if name == "bare":
                bare_kb = int(done.stdout.split()[-2])
    board, bare = median(spans["board"]), median(spans["bare"])
    print(f"3. start to detection {board:.1f} ms, bare {bare:.1f} ms, ratio {board / bare:.3f}", end="; ")
    print(f"fastest {min(spans['board']):.1f} and {min(spans['bare']):.1f}")
    peak = measure_model(setup).memory_peak_bytes
    assert peak is not None
    print(f"4. memory {peak / 1e6:.1f} MB, bare {bare_kb * 1024 / 1e6:.1f} MB")


def main(folder: str, photo: str) -> None:
    """Print the four figures."""
    assert np.load(photo).ndim == 3
    quick = PRESETS["quick"]
    setup = setup_of(Path(folder), Path(photo), quick)
    with tempfile.TemporaryDirectory() as scratch:
        beside_bare_loop(setup)
        beside_litert_benchmark(setup, Path(scratch))
        start_and_memory(Path(folder), Path(photo), setup, Path(scratch))


if __name__ == "__main__":
    main(*sys.argv[1:])
