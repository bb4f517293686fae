"""Any Linux board or machine: its processor runs the model."""

from detlite.devices.kind import Kind
from detlite.devices.survey.linux import IDENTITY, SENSORS, identify_linux, is_linux, sense_linux

PLUGIN = Kind(
    title="a Linux machine",
    rank=90,
    runtimes=("ai-edge-litert", "tflite-runtime", "onnxruntime"),
    delegates=("XNNPACK",),
    formats=(".tflite", ".onnx"),
    questions=IDENTITY,
    sensor_questions=SENSORS,
    recognize=lambda answers: "its kernel answers" if is_linux(answers) else None,
    identify=identify_linux,
    sensors=sense_linux,
    hold_clocks="echo performance | sudo tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor",
)
