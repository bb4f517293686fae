"""By hand: the wall time of scoring a COCO set against the sum of the bare invoke times.

python tests/benchmarks/scoring_time.py ARTIFACT IMAGES ANNOTATIONS
"""

import json
import subprocess
import sys
from statistics import median

RUNS = 5


def main(artifact: str, images: str, annotations: str) -> None:
    """Print the ratio of each run and their median."""
    command = [sys.executable, "-m", "detlite.cli", "evaluate", artifact, "--coco", images, annotations, "--json"]
    ratios = []
    for _ in range(RUNS):
        record = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        ratios.append(record["wall_s"] / record["invoke_sum_s"])
        print(f"wall {record['wall_s']:.2f} s, invoke {record['invoke_sum_s']:.2f} s, ratio {ratios[-1]:.3f}")
    print(f"median ratio {median(ratios):.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
