"""What programs of devices print, in small: written by hand in their formats, by the name of the format."""

BENCHMARK = """STARTING!
Log parameter values verbosely: [0]
Num threads: [4]
Graph: [ssd.tflite]
Use xnnpack: [1]
Loaded model ssd.tflite
The input model file size (MB): 4.5
Initialized session in 12.5ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=2 first=30000 curr=20000 min=20000 max=30000 avg=25000 std=5000

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=20100 curr=20300 min=19900 max=20900 avg=20250 std=150

Inference timings in us: Init: 12500, First inference: 30000, Warmup (avg): 25000, Inference (avg): 20250
Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE.
Memory footprint delta from the start of the tool (MB): init=1.5 overall=20.25
"""

PROFILE = """Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t         AllocateTensors\t    1.500\t    1.500\t100.000%\t100.000%\t    64.000\t        1\tAllocateTensors/0

Number of nodes executed: 1
============================== Summary by node type ==============================
\t             [Node type]\t  [count]\t  [avg ms]\t    [avg %]\t    [cdf %]\t  [mem KB]\t[times called]
\t         AllocateTensors\t        1\t     1.500\t   100.000%\t   100.000%\t    64.000\t        1

Timings (microseconds): count=1 curr=1500
Memory (bytes): count=0
1 nodes observed

Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t    3.250\t    3.000\t 75.000%\t 75.000%\t     0.000\t        1\t[conv/Relu6, conv/bias]:0
\t                     ADD\t    1.125\t    1.000\t 25.000%\t100.000%\t     0.000\t        1\t[add]:1

Number of nodes executed: 2
============================== Summary by node type ==============================
\t             [Node type]\t  [count]\t  [avg ms]\t    [avg %]\t    [cdf %]\t  [mem KB]\t[times called]
\t                 CONV_2D\t        1\t     3.000\t    75.000%\t    75.000%\t     0.000\t        1
\t                     ADD\t        1\t     1.000\t    25.000%\t   100.000%\t     0.000\t        1

Timings (microseconds): count=50 first=4375 curr=4000 min=3900 max=4375 avg=4000 std=50
Memory (bytes): count=0
2 nodes observed
"""

PROFILE_CSV = """Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
node type, first, avg_ms, %, cdf%, mem KB, times called, name
AllocateTensors, 1.5, 1.5, 100%, 100%, 64, 1, AllocateTensors/0
1 nodes observed

Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
node type, first, avg_ms, %, cdf%, mem KB, times called, name
CONV_2D, 3.25, 3, 75%, 75%, 0, 1, [conv/Relu6\t conv/bias]:0
ADD, 1.125, 1, 25%, 100%, 0, 1, [add]:1
2 nodes observed
"""

LITERT = """
========== BENCHMARK RESULTS ==========
Model initialization: 12.50 ms
First inference:      30.25 ms
Warmup (avg):         25.00 ms (2 runs)
Inference (avg):      20.50 ms (50 runs)
Inference (min):      19.75 ms
Inference (max):      21.25 ms
Inference (std):      0.50 ms
Throughput:           13.50 MB/s
Init footprint:       3.50 MB
Overall footprint:    22.75 MB
Peak memory:          24.00 MB
========================================
"""

THERMAL = """IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 1
Thermal Status: 1
Cached temperatures:
\tTemperature{mValue=99.0, mType=0, mName=BIG, mStatus=0}
HAL Ready: true
HAL connection:
\tThermalHAL 2.0 connected: yes
Current temperatures from HAL:
\tTemperature{mValue=51.5, mType=0, mName=BIG, mStatus=0}
\tTemperature{mValue=39.25, mType=3, mName=VIRTUAL-SKIN, mStatus=1}
\tTemperature{mValue=9500.0, mType=7, mName=ocp_cpu1, mStatus=0}
\tTemperature{mValue=40.5, mType=10, mName=TPU, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""

BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  status: 2
  health: 2
  present: true
  level: 87
  scale: 100
  voltage: 4210
  temperature: 305
  technology: Li-ion
"""

GETPROP = """[ro.build.version.sdk]: [35]
[ro.product.cpu.abi]: [arm64-v8a]
[ro.product.model]: [Pixel 8]
[ro.soc.model]: [Tensor G3]
[persist.sys.locale]: [en-US]
"""

PIXEL_THERMAL = (
    "11-21 12:00:00.125  1000  1801  1811 I pixel-thermal: VIRTUAL-SKIN:43.5 raw data: "
    "VIRTUAL-SKIN:43500 battery:41250 soc_therm:47750\n"
)

TEGRASTATS = (
    "11-21-2026 12:00:00 RAM 2001/7620MB (lfb 4x4MB) SWAP 10/3810MB (cached 0MB) "
    "CPU [12%@1510,3%@729,off,off,5%@729,100%@1510] EMC_FREQ 4%@2133 GR3D_FREQ 33%@[624] APE 174 "
    "cpu@48.25C cv0@-256C gpu@47.5C tj@48.75C PMIC@100C VDD_IN 5125mW/4990mW VDD_CPU_GPU_CV 801mW/770mW\n"
    "RAM 2002/7620MB (lfb 4x4MB) CPU [2%@729,3%@729,off,off,5%@729,7%@729] GR3D_FREQ 0% "
    "cpu@48C/49.5C tj@48.5C/49.5C VDD_GPU_SOC 1500mW/1400mW/1600mW VDD_CPU_CV 700mW/650mW/900mW "
    "VIN_SYS_5V0 3800mW/3700mW/3900mW\n"
)

CLOCKS = """SOC family:tegra234  Machine:NVIDIA Jetson Orin Nano
Online CPUs: 0-5
cpu0: Online=1 Governor=schedutil MinFreq=1510400 MaxFreq=1510400 CurrentFreq=1510400 IdleStates: WFI=0 c7=0
cpu5: Online=0 Governor=schedutil MinFreq=729600 MaxFreq=1510400 CurrentFreq=729600 IdleStates: WFI=1 c7=1
GPU MinFreq=624750000 MaxFreq=624750000 CurrentFreq=624750000
EMC MinFreq=204000000 MaxFreq=2133000000 CurrentFreq=2133000000 FreqOverride=0
NV Power Mode: 15W
0
"""

RELEASE = (
    "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 2025\n"
)

JETSON_RELEASE = """Software part of jetson-stats 4.3.1
Model: NVIDIA Jetson Orin Nano Developer Kit - Jetpack 6.2 [L4T 36.4.3]
NV Power Mode[0]: 15W
Hardware:
 - P-Number: p3767-0005
 - Module: NVIDIA Jetson Orin Nano (8GB ram)
Libraries:
 - CUDA: 12.6.68
 - TensorRT: 10.3.0.30
"""

TRTEXEC = """&&&& RUNNING TensorRT.trtexec [TensorRT v100300] [b30] # trtexec --onnx=ssd.onnx --int8
[11/21/2026-12:00:00] [I] === Model Options ===
[11/21/2026-12:00:00] [I] Precision: FP32+INT8
[11/21/2026-12:00:01] [I] Selected Device: Orin
[11/21/2026-12:00:01] [I] Compute Capability: 8.7
[11/21/2026-12:01:00] [I] Engine built in 58.5 sec.
[11/21/2026-12:01:09] [I] === Performance summary ===
[11/21/2026-12:01:09] [I] Throughput: 410.5 qps
[11/21/2026-12:01:09] [I] Latency: min = 2.25 ms, max = 3.5 ms, mean = 2.5 ms, median = 2.375 ms, \
percentile(90%) = 2.625 ms, percentile(95%) = 2.75 ms, percentile(99%) = 3.25 ms
[11/21/2026-12:01:09] [I] GPU Compute Time: min = 2 ms, max = 3 ms, mean = 2.125 ms, median = 2.0625 ms, \
percentile(90%) = 2.1875 ms, percentile(95%) = 2.3125 ms, percentile(99%) = 2.875 ms
&&&& PASSED TensorRT.trtexec [TensorRT v100300] [b30] # trtexec --onnx=ssd.onnx --int8
"""

LAYERS = """[
  { "count" : 100 }
, { "name" : "Conv_0 + Relu_1", "timeMs" : 30.5, "averageMs" : 0.305, "medianMs" : 0.3, "percentage" : 75.5 }
, { "name" : "Reformatting CopyNode for Input Tensor 0", "timeMs" : 9.5, "averageMs" : 0.095, "percentage" : 24.5 }
]
"""

LSUSB = """Bus 004 Device 003: ID 18d1:9302 Google Inc.
Bus 002 Device 007: ID 1a6e:089a Global Unichip Corp.
Bus 001 Device 001: ID 1d6b:0002 Linux Foundation 2.0 root hub
"""

CORAL = """Model name: ssd_edgetpu.tflite, param num_threads: 2, delegate: None
EdgeTpu delegate
Interpreter:  1 320 320 3
First Inference : 31.5 ms
  step 100/1000, iter_time(ms)=12
  images/sec: 81
  99th_percentile(ms): 14.25
  total_time(s): 12.5
  latency_mean(ms): 12.25
  latency_median(ms): 12.125
  latency_min(ms): 11.75
"""

REFERENCE = "MODEL INFERENCE_TIME\nssd_a_edgetpu.tflite 12.5\nssd_b_edgetpu.tflite 7.25\n"

AREAS = (("all", 100), ("all", 100), ("all", 100), ("small", 100), ("medium", 100), ("large", 100))
PRECISIONS = "".join(
    f" Average Precision  (AP) @[ IoU={iou:<9} | area={area:>6s} | maxDets={most:3d} ] = 0.{number}25\n"
    for number, (iou, (area, most)) in enumerate(
        zip(("0.50:0.95", "0.50", "0.75", *["0.50:0.95"] * 3), AREAS, strict=True)
    )
)
RECALLS = "".join(
    f" Average Recall     (AR) @[ IoU=0.50:0.95 | area={area:>6s} | maxDets={most:3d} ] = 0.{number}75\n"
    for number, (area, most) in enumerate(
        zip(("all",) * 3 + ("small", "medium", "large"), (1, 10, *[100] * 4), strict=True)
    )
)

LAYER_INFO = """{"Layers": [{
  "Name": "Conv_0 + Clip_3",
  "LayerType": "CaskConvolution",
  "Inputs": [{"Name": "image", "Dimensions": [1,3,8,8], "Format/Datatype": "Row major Int8 format"}],
  "Weights": {"Type": "Int8", "Count": 216}
},{
  "Name": "Sigmoid_9",
  "LayerType": "PointWiseV2",
  "Inputs": [{"Name": "logits", "Format/Datatype": "Half"}]
}], "Bindings": ["image", "scores"]
}
"""

TEXTS = {
    "battery": BATTERY,
    "benchmark_model": BENCHMARK,
    "coco_summary": PRECISIONS + RECALLS,
    "edgetpu_benchmark": CORAL,
    "getprop": GETPROP,
    "jetson_clocks": CLOCKS,
    "jetson_release": JETSON_RELEASE,
    "litert_benchmark": LITERT,
    "lsusb": LSUSB,
    "nv_tegra_release": RELEASE,
    "nvpmodel": "NVPM WARN: fan mode is not set!\nNV Power Mode: MAXN_SUPER\n2\n",
    "op_profile": PROFILE,
    "pixel_thermal": PIXEL_THERMAL,
    "pycoral_reference": REFERENCE,
    "tegrastats": TEGRASTATS,
    "thermalservice": THERMAL,
    "trtexec_log": TRTEXEC,
    "trtexec_profile": LAYERS,
    "trtexec_layers": LAYER_INFO,
}
