"""Makes the builders of the calibration tests importable by their names."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "calibration"))
