import asyncio

import numpy as np
import pytest

from linly.common.v1 import common_pb2
from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.convert import to_seconds

from .conftest import Service
from .speaking import (
    CANCEL,
    END,
    FLUSH,
    Heard,
    config,
    converse,
    duplex,
    say,
    text,
)

POEM = "Tyger Tyger, burning bright, in the forests of the night; what immortal hand or eye? "


async def test_a_text_written_in_deltas_is_spoken_as_one_speech(service: Service) -> None:
    story = POEM * 3
    deltas = [story[at : at + 7] for at in range(0, len(story), 7)]
    heard = await converse(service.stub, [config(), *map(text, deltas), END])
    assert heard.kinds[-1] == "finished"
    assert set(heard.kinds[:-1]) == {"chunk"}
    assert to_seconds(heard.answers[-1].finished.duration) == pytest.approx(heard.seconds)
    spoken = [story[word.start_code_point : word.end_code_point] for word in heard.words]
    letters = "".join(c for c in story if c.isalnum())
    assert "".join(c for word in spoken for c in word if c.isalnum()) == letters
    assert heard.header.voice == "en-us"
    assert heard.header.sample_rate_hertz == 22_050


async def test_visemes_cover_the_audio_without_a_gap(service: Service) -> None:
    heard = await say(service.stub, POEM)
    at = 0.0
    for viseme in (viseme for chunk in heard.chunks for viseme in chunk.visemes):
        assert to_seconds(viseme.offset) == pytest.approx(at, abs=1e-6)
        assert viseme.viseme != common_pb2.VISEME_UNSPECIFIED
        at += to_seconds(viseme.duration)
    assert at == pytest.approx(heard.seconds, abs=1e-6)


async def test_messages_are_small_at_first_and_then_few(service: Service) -> None:
    heard = await say(service.stub, POEM)
    lengths = [len(chunk.audio) / 2 / 22_050 for chunk in heard.chunks]
    assert lengths[:2] == pytest.approx([0.04, 0.04])
    assert heard.seconds / len(lengths) > 0.07


async def test_each_clause_says_where_its_time_went(service: Service) -> None:
    heard = await say(service.stub, "First. Second! Third?")
    timings = [chunk.timing for chunk in heard.chunks if chunk.HasField("timing")]
    assert len(timings) == 3
    for timing in timings:
        parts = to_seconds(timing.queue_wait) + to_seconds(timing.compute)
        assert to_seconds(timing.first_output) == pytest.approx(parts, abs=1e-6)
        assert to_seconds(timing.compute) > 0


async def test_words_name_their_segment_and_count_from_its_beginning(service: Service) -> None:
    parts = [text("Hello you ", "a"), text("there. ", "a"), text("And me.", "b"), text("x", "a")]
    heard = await converse(service.stub, [config(), *parts, END])
    found = [(w.segment_id, w.start_code_point, w.end_code_point) for w in heard.words]
    assert found == [
        ("a", 0, 5), ("a", 6, 9), ("a", 10, 15), ("b", 0, 3), ("b", 4, 6), ("a", 17, 18),
    ]  # fmt: skip


async def test_closing_without_end_means_the_same(service: Service) -> None:
    heard = await converse(service.stub, [config(), text("no mark at the end")])
    assert len(heard.words) == 5
    assert heard.kinds[-1] == "finished"


async def test_flush_speaks_what_is_held_and_is_answered_after_it(service: Service) -> None:
    async with duplex(service.stub) as call:
        await call.write(config())
        await call.write(text("half a clause"))
        await call.write(FLUSH)
        heard = Heard((await call.read()).header)
        while "flushed" not in heard.kinds:
            heard.take(await call.read())
        assert len(heard.words) == 3
        assert to_seconds(heard.answers[0].flushed.offset) == pytest.approx(heard.seconds)
        await call.write(END)
        await call.done_writing()
        heard.take(await call.read())
        assert heard.kinds[-1] == "finished"


async def test_cancel_silences_at_once_and_the_stream_goes_on(service: Service) -> None:
    async with duplex(service.stub) as call:
        await call.write(config())
        await call.write(text(POEM * 100))  # minutes
        heard = Heard((await call.read()).header)
        for _ in range(3):
            heard.take(await call.read())
        await call.write(CANCEL)
        while "cancelled" not in heard.kinds:
            heard.take(await call.read())
        assert heard.seconds < 5, "only what was on its way already"
        assert service.workload.snapshot().idle
        assert to_seconds(heard.answers[0].cancelled.offset) == pytest.approx(heard.seconds)
        await call.write(text("Sorry."))
        await call.write(END)
        await call.done_writing()
        while "finished" not in heard.kinds:
            heard.take(await call.read())
    last = heard.words[-1]
    assert (last.start_code_point, last.end_code_point) == (len(POEM) * 100, len(POEM) * 100 + 5)


async def test_streams_at_the_same_time_are_not_mixed_up(service: Service) -> None:
    voices = {"en-us": "One two three. Four.", "de": "Eins. Zwei drei vier.", "cmn": "一。二三四。"}
    alone = {voice: await say(service.stub, words, voice=voice) for voice, words in voices.items()}
    together = await asyncio.gather(
        *(say(service.stub, words, voice=voice) for voice, words in [*voices.items()] * 2)
    )
    for heard in together:
        expected = alone[heard.header.voice]
        assert heard.seconds == pytest.approx(expected.seconds, rel=0.05)
        assert [(w.start_code_point, w.end_code_point) for w in heard.words] == [
            (w.start_code_point, w.end_code_point) for w in expected.words
        ]


@pytest.mark.parametrize(
    ("encoding", "rate", "width"),
    [
        (common_pb2.AUDIO_ENCODING_MULAW, 8_000, 1),
        (common_pb2.AUDIO_ENCODING_ALAW, 8_000, 1),
        (common_pb2.AUDIO_ENCODING_LINEAR16, 16_000, 2),
        (common_pb2.AUDIO_ENCODING_LINEAR16, 48_000, 2),
    ],
)
async def test_audio_comes_in_the_form_asked_for(
    service: Service, encoding: int, rate: int, width: int
) -> None:
    heard = await say(service.stub, POEM, encoding=encoding, sample_rate_hertz=rate)
    assert (heard.header.encoding, heard.header.sample_rate_hertz) == (encoding, rate)
    natural = await say(service.stub, POEM)
    assert heard.seconds == pytest.approx(natural.seconds, rel=0.02)
    assert sum(len(chunk.audio) for chunk in heard.chunks) == round(heard.seconds * rate) * width
    if width == 2:
        audio = np.frombuffer(b"".join(chunk.audio for chunk in heard.chunks), "<i2")
        assert audio.astype(float).std() > 500


async def test_the_rate_of_speech_is_the_callers(service: Service) -> None:
    natural = await say(service.stub, POEM)
    for rate in (0.5, 2.0):
        heard = await say(service.stub, POEM, speaking_rate=rate)
        assert natural.seconds / heard.seconds == pytest.approx(rate, rel=0.25)
        assert len(heard.words) == len(natural.words)


async def test_voices_are_listed_and_each_can_be_asked_for(service: Service) -> None:
    listed = await service.stub.ListVoices(tts_pb2.ListVoicesRequest(language_code="de"))
    assert [voice.name for voice in listed.voices] == ["de"]
    everyone = await service.stub.ListVoices(tts_pb2.ListVoicesRequest())
    names = [voice.name for voice in everyone.voices]
    assert names == sorted(names)
    assert {"en-us", "en-gb", "cmn", "fr-fr"} <= set(names)
    heard = await say(service.stub, "Guten Tag.", language_code="de-DE")
    assert heard.header.voice == "de"


async def test_capabilities_describe_the_service(service: Service) -> None:
    answer = await service.stub.GetCapabilities(tts_pb2.GetCapabilitiesRequest())
    assert (answer.service.name, answer.service.engine) == ("tts", "espeak")
    assert answer.service.model.startswith("espeak-ng 1.5")
    assert answer.service.version
    assert answer.default_voice == "en-us"
    assert common_pb2.AUDIO_ENCODING_MULAW in answer.encodings
