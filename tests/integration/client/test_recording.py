import dataclasses

import av
import pytest

from linly_client import Audio, Frames, TalkStarted, TurnEnded
from linly_client.recording import Recording, RecordingError
from linly_client.wav import read_wav

RATE = 22050
STARTED = TalkStarted(sample_rate=RATE, codec="avc1.42c00b", frame_rate=25)


def turn(turn_id, frames, tone, *, late=0.0):
    """One second of speech with its pictures, the pictures ``late`` seconds behind."""
    for tenth in range(10):
        yield Audio(turn_id=turn_id, data=tone(0.1), offset=tenth / 10, duration=0.1)
    yield Frames(
        turn_id=turn_id,
        frames=tuple(dataclasses.replace(f, offset=f.offset + late) for f in frames),
    )
    yield TurnEnded(turn_id=turn_id)


def record(path, *events):
    return record_all(path, events)


def record_all(path, events):
    with Recording(path) as recording:
        for event in events:
            recording.add(event)
    return path


def interrupted(*events):
    yield from events
    raise RuntimeError("the connection was lost")


def pictures(path):
    with av.open(str(path)) as file:
        return [(frame.time, frame.to_ndarray()[0, 0]) for frame in file.decode(video=0)]


def sound_seconds(path):
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        return float(stream.duration * stream.time_base)


def test_pictures_pass_unchanged_and_are_shown_at_their_time(tmp_path, frames, tone):
    path = record(tmp_path / "o.mp4", STARTED, *turn("1", frames, tone))
    seen = pictures(path)
    assert [time for time, _ in seen] == pytest.approx([f.offset for f in frames])
    assert len({brightness for _, brightness in seen}) == len(frames)
    with av.open(str(path)) as file:
        sent = [f.data.split(b"\0\0\1")[-1] for f in frames]
        muxed = [bytes(p) for p in file.demux(video=0) if p.size]
        assert [unit[-20:] for unit in muxed] == [unit[-20:] for unit in sent]


def test_the_file_is_what_browsers_play(tmp_path, frames, tone):
    path = record(tmp_path / "o.mp4", STARTED, *turn("1", frames, tone))
    content = path.read_bytes()
    assert content.find(b"moov") < content.find(b"mdat")
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert (video.codec_context.codec_tag, audio.codec_context.codec_tag) == ("avc1", "mp4a")
        assert video.codec_context.pix_fmt == "yuv420p"
        assert video.start_time == 0
    assert sound_seconds(path) == pytest.approx(1, abs=0.001)


def test_sound_begins_when_the_timeline_does(tmp_path, frames, tone):
    """The encoder's run-in (1024 samples) must not delay it against the pictures."""
    path = record(tmp_path / "o.mp4", STARTED, *turn("1", frames, tone))
    with av.open(str(path)) as file:
        decoded = [frame.to_ndarray()[0] for frame in file.decode(audio=0) if frame.pts >= 0]
    samples = [abs(value) for chunk in decoded for value in chunk]
    onset = next(index for index, value in enumerate(samples) if value > 0.1)
    assert onset / RATE < 0.02


def test_a_turn_begins_where_the_last_one_ended(tmp_path, frames, tone):
    turns = (*turn("1", frames, tone), *turn("2", frames, tone))
    path = record(tmp_path / "o.mp4", STARTED, *turns)
    times = [time for time, _ in pictures(path)]
    assert times == pytest.approx([f.offset + base for base in (0, 1) for f in frames])
    assert sound_seconds(path) == pytest.approx(2, abs=0.001)


def test_pictures_that_outlast_the_speech_do_not_shift_the_next_turn(tmp_path, frames, tone):
    turns = (*turn("1", frames, tone, late=0.08), *turn("2", frames, tone))
    path = record(tmp_path / "o.mp4", STARTED, *turns)
    assert pictures(path)[25][0] == pytest.approx(1.08, abs=0.001)
    assert sound_seconds(path) == pytest.approx(2.08, abs=0.001)  # silence between them


def test_a_picture_that_was_left_out_moves_no_other(tmp_path, frames, tone):
    audio, kept = list(turn("1", frames, tone))[:10], (*frames[:10], *frames[12:])
    path = record(tmp_path / "o.mp4", STARTED, *audio, Frames(turn_id="1", frames=kept))
    assert [time for time, _ in pictures(path)] == pytest.approx([f.offset for f in kept])


def test_pictures_at_rest_are_left_out(tmp_path, frames, tone):
    idle = Frames(frames=tuple(frames))
    path = record(tmp_path / "o.mp4", STARTED, idle, *turn("1", frames, tone), idle)
    assert len(pictures(path)) == len(frames)


def test_a_talk_without_pictures_is_sound_alone(tmp_path, tone):
    started = TalkStarted(sample_rate=RATE)
    path = record(tmp_path / "o.mp4", started, *list(turn("1", (), tone))[:10])
    with av.open(str(path)) as file:
        assert not file.streams.video
    assert sound_seconds(path) == pytest.approx(1, abs=0.001)


def test_pictures_that_never_come_cost_no_sound(tmp_path, tone):
    path = record(tmp_path / "o.mp4", STARTED, *list(turn("1", (), tone))[:10])
    assert sound_seconds(path) == pytest.approx(1, abs=0.001)


def test_a_rate_that_aac_does_not_know_is_resampled(tmp_path, tone):
    started = TalkStarted(sample_rate=11000)
    audio = Audio(turn_id="1", data=tone(1, 11000), offset=0, duration=1)
    path = record(tmp_path / "o.mp4", started, audio)
    assert sound_seconds(path) == pytest.approx(1, abs=0.002)


def test_a_wav_holds_the_voice_alone(tmp_path, frames, tone):
    path = record(tmp_path / "o.wav", STARTED, *turn("1", (), tone), *turn("2", (), tone))
    wav = read_wav(path)
    assert wav.sample_rate == RATE
    assert wav.pcm == tone(0.1) * 20


def test_what_was_there_stays_when_the_talk_fails(tmp_path, frames, tone):
    path = tmp_path / "o.mp4"
    path.write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="lost"):
        record_all(path, interrupted(STARTED, *turn("1", frames, tone)))
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_talk_without_speech_leaves_no_file(tmp_path):
    record(tmp_path / "o.mp4", STARTED, TurnEnded())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["o.avi", "o", "missing/o.mp4"])
def test_a_name_that_cannot_be_written_is_refused_before_the_talk(tmp_path, name):
    with pytest.raises(RecordingError):
        Recording(tmp_path / name)


def test_a_talk_without_sound_cannot_be_recorded(tmp_path):
    with pytest.raises(RecordingError, match="no audio"):
        record(tmp_path / "o.mp4", TalkStarted(codec="avc1"))
