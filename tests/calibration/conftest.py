"""Makes the builders beside the tests, and beside those of `convert`, importable by their names."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "convert")]
