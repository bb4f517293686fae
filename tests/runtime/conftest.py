"""Makes the model builders of tests/convert, and those beside these tests, importable here."""

import sys
from pathlib import Path

for folder in ("convert", "runtime"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
