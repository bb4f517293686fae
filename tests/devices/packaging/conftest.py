"""Makes the builders of tests/convert and those beside the tests importable by their names."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
for folder in (HERE.parents[2] / "convert", HERE.parent / "android"):
    sys.path.insert(0, str(folder))
