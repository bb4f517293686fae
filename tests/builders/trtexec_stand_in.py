"""A stand-in for TensorRT's trtexec, as a shell program: it takes its version's options, and writes what that writes.

An option that the version does not have is refused in the words of the real program.
"""

import json
from pathlib import Path

LAYERS = {
    "Layers": [
        {
            "Name": "Reformatting CopyNode for Input Tensor 0 to first",
            "LayerType": "Reformat",
            "Inputs": [{"Name": "image", "Format/Datatype": "Row major linear FP32"}],
            "Outputs": [{"Name": "first_in", "Format/Datatype": "Int8"}],
        },
        {
            "Name": "Conv/first + Relu/first",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "first_in", "Format/Datatype": "Int8"}],
            "Outputs": [{"Name": "first_out", "Format/Datatype": "Int8"}],
            "Weights": {"Type": "Int8", "Count": 216},
            "Metadata": "[ONNX Layer: Conv/first]\u001e[ONNX Layer: Relu/first]",
        },
        {
            "Name": "Sigmoid/scores",
            "LayerType": "PointWiseV2",
            "Inputs": [{"Name": "logits", "Format/Datatype": "Half"}],
            "Outputs": [{"Name": "scores", "Format/Datatype": "Half"}],
        },
    ],
    "Bindings": ["image", "scores"],
}
PROFILE = [
    {"count": 50},
    {"name": "Reformatting CopyNode for Input Tensor 0 to first", "timeMs": 5, "averageMs": 0.11, "medianMs": 0.1},
    {"name": "Conv/first + Relu/first", "timeMs": 20, "averageMs": 0.41, "medianMs": 0.4},
    {"name": "Sigmoid/scores", "timeMs": 5, "averageMs": 0.11, "medianMs": 0.1},
]
TIMES = [{"startH2dMs": 0, "h2dMs": 0.5, "computeMs": 3, "d2hMs": 0.25, "latencyMs": 3.75}] * 200
BUILD_ONLY = {"8502": "--buildOnly", "100300": "--skipInference", "110000": "--skipInference"}
GONE = {"8502": "--skipInference", "100300": "--buildOnly", "110000": "--buildOnly|--fp16|--int8"}

PROGRAM = """\
echo "$@" >>{calls}
echo '&&&& RUNNING TensorRT.trtexec [TensorRT v{digits}] # trtexec '"$*"
for word; do case $word in
{gone}) echo "[11/29/2026-10:00:00] [E] Unknown option: $word"
  echo '&&&& FAILED TensorRT.trtexec [TensorRT v{digits}] # trtexec'; exit 1 ;;
--saveEngine=*) save=${{word#*=}} ;;
--exportTimes=*) times=${{word#*=}} ;;
--exportLayerInfo=*) layers=${{word#*=}} ;;
--exportProfile=*) profile=${{word#*=}} ;;
esac; done
echo '[11/29/2026-10:00:00] [I] Selected Device: Orin'
{body}
[ -z "$save" ] || {{ echo an engine >"$save"; echo '[11/29/2026-10:00:13] [I] Engine built in 12.5 sec.'; }}
[ -z "$times" ] || cat {data}/times.json >"$times"
[ -z "$layers" ] || cat {data}/layers.json >"$layers"
[ -z "$profile" ] || cat {data}/profile.json >"$profile"
echo '&&&& PASSED TensorRT.trtexec [TensorRT v{digits}] # trtexec '"$*"
"""


def trtexec(folder: Path, *, digits: str = "100300", body: str = "") -> str:
    """The program of the version with these *digits*, which also does *body*; it logs its calls to *folder*/calls."""
    for name, value in (("times", TIMES), ("layers", LAYERS), ("profile", PROFILE)):
        (folder / f"{name}.json").write_text(json.dumps(value))
    return PROGRAM.format(calls=folder / "calls", data=folder, digits=digits, gone=GONE[digits], body=body)
