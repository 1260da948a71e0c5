"""H.264 that any decoder takes, at once."""

import av
import numpy as np
import numpy.typing as npt
import pytest

from linly_animator.engines.portrait.encoder import Encoder, codec_string


def pictures(count: int, width: int = 256, height: int = 192) -> list[npt.NDArray[np.uint8]]:
    y, x = np.mgrid[:height, :width]
    return [
        np.stack([(x + 3 * k) % 256, (y + k) % 256, (x + y) // 2 % 256], axis=-1).astype(np.uint8)
        for k in range(count)
    ]


def test_each_picture_comes_out_at_once_and_looks_like_it_went_in() -> None:
    encoder, decoder = Encoder(256, 192, 25), av.CodecContext.create("h264", "r")
    decoder.options = {"flags": "low_delay"}
    shown = []
    given = pictures(12)
    for picture in given:
        data, _ = encoder.encode(picture, key_frame=False)
        assert data.startswith(b"\x00\x00\x00\x01")
        shown += decoder.decode(av.Packet(data))
    shown += decoder.decode(None)
    assert len(shown) == len(given)
    for frame, picture in zip(shown, given, strict=True):
        assert np.abs(frame.to_ndarray(format="bgr24").astype(int) - picture).mean() < 12


def test_key_frames_come_when_asked_and_can_be_started_from() -> None:
    encoder = Encoder(256, 192, 25)
    units = [encoder.encode(p, key_frame=k == 5) for k, p in enumerate(pictures(9))]
    assert [is_key for _, is_key in units] == [True, *[False] * 4, True, *[False] * 3]
    decoder = av.CodecContext.create("h264", "r")
    late = [f for data, _ in units[5:] for f in decoder.decode(av.Packet(data))]
    assert len(late + decoder.decode(None)) == 4


def test_the_codec_string_tells_profile_and_level() -> None:
    data, _ = Encoder(512, 512, 25).encode(np.zeros((512, 512, 3), np.uint8), key_frame=True)
    name = codec_string(data)
    assert name.startswith("avc1.42")
    assert len(name) == len("avc1.42c01e")


def test_a_unit_without_parameters_has_no_name() -> None:
    with pytest.raises(ValueError, match="parameter set"):
        codec_string(b"\x00\x00\x00\x01\x41")
