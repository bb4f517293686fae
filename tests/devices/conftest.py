"""Makes the builders beside the tests importable by their names."""

import sys
from pathlib import Path

for folder in ("convert", "devices"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
