"""TensorRT by what its own program measured: the JSON of `trtexec --exportTimes`."""

from detlite.runtime.backend import Backend
from detlite.runtime.trtexec import read_times

PLUGIN = Backend(title="TensorRT, by trtexec", suffixes=(".json",), results=read_times)
