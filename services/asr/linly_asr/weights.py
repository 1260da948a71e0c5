"""The weights that this service takes from wheels."""

from linly_mesh.weights import WheelWeights

SILERO_VAD = WheelWeights(
    name="silero-vad",
    requirement="silero-vad==6.2.3",
    sha256="7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
    files={"silero_vad/data/silero_vad_16k_op15.onnx": "silero_vad.onnx"},
    licence="MIT",
)
"""Voice activity detection. Installed normally, the wheel would bring PyTorch with it."""

WEIGHTS = (SILERO_VAD,)
