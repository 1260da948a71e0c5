import pytest

from linly.animator.v1 import animator_pb2
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_client import Message, Microphone, Playback, Sampling, TalkOptions, Video
from linly_client.options import to_config


def test_the_defaults_ask_for_voice_and_portrait_and_leave_the_rest_to_the_server():
    config = to_config(TalkOptions())
    assert config.output.audio.encoding == common_pb2.AUDIO_ENCODING_LINEAR16
    assert config.output.video.codec == animator_pb2.VIDEO_CODEC_H264
    assert config.playback_mode == talk_pb2.PLAYBACK_MODE_REAL_TIME
    assert config.barge_in
    for unset in ("audio_input", "max_lead", "max_new_tokens"):
        assert not config.HasField(unset)
    assert not config.output.video.HasField("width")
    assert not config.sampling.HasField("temperature")
    assert config.WhichOneof("portrait") is None


def test_nothing_but_text_asks_for_no_media():
    output = to_config(TalkOptions(audio=False, video=None)).output
    assert not output.HasField("audio")
    assert not output.HasField("video")


def test_a_temperature_of_zero_is_not_the_same_as_none():
    sampling = to_config(TalkOptions(sampling=Sampling(temperature=0.0, seed=7))).sampling
    assert sampling.HasField("temperature")
    assert sampling.temperature == 0
    assert sampling.seed == 7
    assert not sampling.HasField("top_k")


def test_a_microphone_states_its_format():
    config = to_config(TalkOptions(microphone=Microphone(sample_rate=8000, end_silence=0.4)))
    audio = config.audio_input
    assert audio.encoding == common_pb2.AUDIO_ENCODING_LINEAR16
    assert audio.sample_rate_hertz == 8000
    assert audio.interim_results
    assert audio.endpointing.end_silence.ToMilliseconds() == 400
    bare = to_config(TalkOptions(microphone=Microphone(sample_rate=8000))).audio_input
    assert not bare.HasField("endpointing")


@pytest.mark.parametrize("mode", Playback)
def test_every_playback_mode_is_one_of_the_contract(mode):
    config = to_config(TalkOptions(playback=mode, max_lead=0.2, barge_in=False))
    assert talk_pb2.PlaybackMode.Name(config.playback_mode) == f"PLAYBACK_MODE_{mode.upper()}"
    assert config.max_lead.ToMilliseconds() == 200
    assert not config.barge_in


def test_history_keeps_its_order_and_roles():
    history = (Message("user", "a"), Message("assistant", "b"))
    sent = to_config(TalkOptions(history=history)).history
    assert [(m.role, m.content) for m in sent] == [
        (llm_pb2.ROLE_USER, "a"),
        (llm_pb2.ROLE_ASSISTANT, "b"),
    ]


def test_an_image_wins_over_an_avatar():
    assert to_config(TalkOptions(avatar_id="x")).avatar_id == "x"
    assert to_config(TalkOptions(avatar_id="x", portrait=b"png")).image == b"png"


def test_the_size_of_the_video_is_passed_on():
    video = to_config(TalkOptions(video=Video(width=256, height=320, frame_rate=30))).output.video
    assert (video.width, video.height, video.frame_rate) == (256, 320, 30)
