"""By hand, on a quiet machine: what `detlite sweep` adds to its stages, and how much faster two workers evaluate.

python tests/benchmarks/sweep_overhead.py PLAN.toml [INVENTORY]
python tests/benchmarks/sweep_overhead.py --evaluate ARTIFACT PHOTOS LABELS.json

1. The plan's stages one after the other in this process, then `detlite sweep` of the same plan in an empty study: at
   most 1.15 times as long. The second run of the finished plan: under 2 s.
2. `detlite evaluate` in one process beside `--workers 2`, twice each, in turns: at least 1.7 times as fast for a slow
   model and many images, from 30 ms an image and 1,500 images on.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from detlite.commands.sweep_tools import tool_readers
from detlite.devices.inventory import read_inventory
from detlite.runtime.records import to_record
from detlite.studies.store.store import make_store
from detlite.studies.sweep.cells import cells_of
from detlite.studies.sweep.graph import graph_of
from detlite.studies.sweep.plan_file import read_plan
from detlite.studies.sweep.run_stage import run_stage


def timed(*command: str) -> float:
    begin = time.perf_counter()
    subprocess.run(["detlite", *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def alone_s(plan: Path, inventory: Path | None, study: Path) -> float:
    """Return how long the plan's distinct stages take, each run alone; print the sum for each kind."""
    asked = read_plan(plan, tool_readers())
    graph = graph_of(asked, cells_of(asked), read_inventory(inventory))
    make_store(study)
    spent: Counter[str] = Counter()
    for stage in graph.stages.values():
        outcome = run_stage(str(study), to_record(stage), None)
        assert outcome["status"] == "done", outcome
        spent[stage.kind] += outcome["wall_s"]
    print(f"{len(graph.cells)} cells, {len(graph.stages)} stages:", {kind: round(s, 1) for kind, s in spent.items()})
    return sum(spent.values())


def sweep(plan: Path, inventory: Path | None, folder: Path) -> None:
    stages_s = alone_s(plan, inventory, folder / "alone")
    command = ["sweep", str(plan), "-o", str(folder / "study"), *(["--inventory", str(inventory)] if inventory else [])]
    first_s, second_s = timed(*command), timed(*command)
    print(f"stages alone {stages_s:.1f} s, the sweep {first_s:.1f} s: {first_s / stages_s:.2f}; again {second_s:.2f} s")


def evaluate(artifact: str, photos: str, labels: str) -> None:
    command = ["evaluate", artifact, "--coco", photos, labels, "--bootstrap", "0"]
    times = [(timed(*command), timed(*command, "--workers", "2")) for _ in range(2)]
    for one_s, two_s in times:
        print(f"one process {one_s:.1f} s, two workers {two_s:.1f} s: {one_s / two_s:.2f} times as fast")


if __name__ == "__main__":
    if sys.argv[1] == "--evaluate":
        evaluate(*sys.argv[2:])
    else:
        given = [Path(text).absolute() for text in sys.argv[1:]]
        with tempfile.TemporaryDirectory() as made:
            sweep(given[0], given[1] if len(given) > 1 else None, Path(made))
