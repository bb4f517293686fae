"""The fields of TFLite metadata: the slots and codes of `metadata_schema.fbs`.

The schema is tensorflow/lite/experimental/support's, of TFLite Support and MediaPipe; a slot is a field's place in its
table; detlite neither writes nor reads `_`.
"""

NAME = "TFLITE_METADATA"
"""A model's name for the buffer with its metadata."""

IDENTIFIER = b"M001"
PARSER_VERSION = "1.2.0"
"""The first version with groups of output tensors, the newest thing that every client must know."""

SEGMENTER = "SEGMENTER_METADATA"
"""MediaPipe's name for the custom metadata of a segmenter."""

SEGMENTER_IDENTIFIER = b"V001"

MODEL_NAME, MODEL_DESCRIPTION, MODEL_VERSION, SUBGRAPHS, AUTHOR, LICENSE, _, MIN_PARSER_VERSION = range(8)
_, _, INPUTS, OUTPUTS, _, _, _, _, OUTPUT_GROUPS, CUSTOM = range(10)  # of SubGraphMetadata
TENSOR_NAME, TENSOR_DESCRIPTION, _, CONTENT, PROCESS_UNITS, STATS, FILES = range(7)  # of TensorMetadata
CONTENT_KIND, CONTENT_PROPERTIES, CONTENT_RANGE = range(3)  # a union, and the dimensions that it applies to
COLOUR_SPACE = 0  # of ImageProperties
BOX_INDEX, BOX_TYPE, BOX_UNIT = range(3)  # of BoundingBoxProperties
RANGE_MIN, RANGE_MAX = range(2)
UNIT_KIND, UNIT_OPTIONS = range(2)  # of ProcessUnit, a union
MEAN, STD = range(2)  # of NormalizationOptions
STATS_MAX, STATS_MIN = range(2)
FILE_NAME, FILE_DESCRIPTION, FILE_TYPE = range(3)
GROUP_NAME, GROUP_TENSORS = range(2)
CUSTOM_NAME, CUSTOM_DATA = range(2)  # of CustomMetadata
ACTIVATION = 0  # of ImageSegmenterOptions, in MediaPipe's image_segmenter_metadata_schema.fbs

FEATURE, IMAGE, BOUNDING_BOX, AUDIO = 1, 2, 3, 4  # kinds of content
NORMALIZATION = 1  # kind of process unit
RGB, GRAYSCALE = 1, 2  # colour spaces
CORNERS = 1  # a box as its edges, BOUNDARIES in the schema
RATIO = 0  # as fractions of the image
AXIS_LABELS = 2  # a file with a label for each place of the last axis
VALUE_LABELS = 3  # a file with a label for each value
ACTIVATIONS = {"IDENTITY": 0, "SIGMOID": 1, "SOFTMAX": 2}  # by detlite's score converter
