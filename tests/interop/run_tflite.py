"""Runs model.tflite in a folder on the bytes in its files `input0` and so on, and writes `output0` and so on."""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

folder = Path(sys.argv[1])
interpreter = Interpreter(model_path=str(folder / "model.tflite"))
interpreter.allocate_tensors()
for number, detail in enumerate(interpreter.get_input_details()):
    values = np.frombuffer((folder / f"input{number}").read_bytes(), detail["dtype"])
    interpreter.set_tensor(detail["index"], values.reshape(detail["shape"]))
interpreter.invoke()
for number, detail in enumerate(interpreter.get_output_details()):
    (folder / f"output{number}").write_bytes(interpreter.get_tensor(detail["index"]).tobytes())
