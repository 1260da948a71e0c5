"""H.264 access units, one for each picture, at once."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
from av.video.frame import PictureType

from linly_animator.engines.portrait.arrays import Image

_SECONDS_PER_KEY = 10
"""Receivers that lost their place ask for a key frame; this helps those that don't."""


class Encoder:
    """Encodes one stream of pictures. Not safe to share between threads.

    Constrained Baseline without B-frames, so that each picture leaves as soon as it came
    in; every key frame is an IDR that carries its parameter sets.
    """

    def __init__(self, width: int, height: int, frame_rate: int) -> None:
        """`width` and `height` in pixels, even."""
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate, context.time_base = Fraction(frame_rate), Fraction(1, frame_rate)
        context.gop_size = frame_rate * _SECONDS_PER_KEY
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": "21",
            "forced-idr": "1",
            # The one thing of the faster presets' savings that shows on a soft background.
            "deblock": "0:0",
            # One core per stream: streams share the engine's threads, a picture does not.
            # The matrix is the one that OpenCV converts with.
            "x264-params": "threads=1:sliced-threads=0:scenecut=0:repeat-headers=1"
            ":colormatrix=smpte170m:colorprim=smpte170m:transfer=smpte170m",
        }
        self._context = context
        self._count = 0

    def encode(self, picture: Image, *, key_frame: bool) -> tuple[bytes, bool]:
        """One picture (BGR) as an Annex B access unit, and whether it is a key frame."""
        frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), "yuv420p")
        frame.pts = self._count
        self._count += 1
        frame.pict_type = PictureType.I if key_frame else PictureType.NONE
        packets = self._context.encode(frame)
        return b"".join(bytes(packet) for packet in packets), any(p.is_keyframe for p in packets)


def codec_string(access_unit: bytes) -> str:
    """The RFC 6381 name ("avc1.42c01e") of the stream that begins with this key frame.

    Profile, constraints and level are the three bytes after the header of the sequence
    parameter set (ITU-T H.264, 7.3.2.1.1).
    """
    at = access_unit.find(b"\x00\x00\x01\x67")
    if at < 0:
        raise ValueError("the access unit has no sequence parameter set")
    return f"avc1.{access_unit[at + 4 : at + 7].hex()}"
