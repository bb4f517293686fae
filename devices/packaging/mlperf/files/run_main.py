"""Start MLPerf's main.py as it is, with numpy 1.24 or newer, and without torch: run_main.py MAIN OPTION ...

main.py makes arrays of lists of unequal lengths, which numpy made arrays of objects until 1.23 and now refuses. Its
ONNX Runtime back end imports torch to ask for a GPU; without torch there is none.
"""

import importlib.util
import runpy
import sys
import types
from pathlib import Path
from typing import Any

import numpy

plain = numpy.array


def array(values: Any, *arguments: Any, **options: Any) -> Any:
    """Return what numpy.array returns, or else an array of objects, one for each of the values."""
    try:
        return plain(values, *arguments, **options)
    except ValueError:
        made = numpy.empty(len(values), object)
        for place, value in enumerate(values):
            made[place] = value
        return made


def main(path: str) -> None:
    """Run the program at *path* with this process's arguments but the first."""
    setattr(numpy, "array", array)  # noqa: B010 - a program that we do not change calls it so
    if importlib.util.find_spec("torch") is None:
        without = types.ModuleType("torch")
        without.__dict__["cuda"] = types.SimpleNamespace(is_available=lambda: False)
        sys.modules["torch"] = without
    sys.path.insert(0, str(Path(path).parent))
    sys.argv = sys.argv[1:]
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
