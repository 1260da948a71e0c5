"""Silero voice activity detection, run by onnxruntime alone."""

from pathlib import Path

import numpy as np
import onnxruntime

from linly_asr.endpointing import FRAME
from linly_asr.engine import SAMPLE_RATE, Samples

_CONTEXT = 64
"""Samples of the frame before that the model wants in front of each frame at 16 kHz."""


class SileroVad:
    """The loaded model; holds nothing of any stream.

    A frame takes about 0.2 ms on one core, less than handing it to a thread and back costs in
    latency, so streams run it where they are.
    """

    def __init__(self, path: Path) -> None:
        """Loads an ONNX file of Silero VAD 5 or 6."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # more threads only wait for each other on 32 ms
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def stream(self) -> "VadStream":
        """Starts listening to a stream of its own."""
        return VadStream(self._session)


class VadStream:
    """Listens to one stream of audio."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """Made by ``SileroVad.stream``."""
        self._session = session
        self._state = np.zeros((2, 1, 128), np.float32)
        self._input = np.zeros((1, _CONTEXT + FRAME), np.float32)
        self._rate = np.array(SAMPLE_RATE, np.int64)

    def probability(self, frame: Samples) -> float:
        """The probability of speech in the next frame, which has shape (FRAME,)."""
        self._input[0, :_CONTEXT] = self._input[0, -_CONTEXT:]
        self._input[0, _CONTEXT:] = frame
        inputs = {"input": self._input, "state": self._state, "sr": self._rate}
        probability, self._state = self._session.run(None, inputs)
        return float(probability[0, 0])
