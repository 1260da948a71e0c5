"""What a client hears back from speech."""

import asyncio

import numpy as np
import pytest

from linly.asr.v1 import asr_pb2
from linly.common.v1 import common_pb2
from linly_asr.audio import Encoding, decode
from linly_mesh.rpc.convert import to_duration, to_seconds

from .asr_service import Request, Response, Service, finals, send

SECOND = 32_000  # bytes


def kinds(responses: list[Response]) -> list[str]:
    return [
        asr_pb2.SpeechEvent.Type.Name(r.speech_event.type).removeprefix("TYPE_")
        if r.WhichOneof("response") == "speech_event"
        else "FINAL"
        if r.result.is_final
        else "FLUSHED"
        if r.WhichOneof("response") == "flushed"
        else "INTERIM"
        for r in responses
    ]


def results(responses: list[Response]) -> list[asr_pb2.RecognitionResult]:
    return [r.result for r in responses if r.WhichOneof("response") == "result"]


async def test_the_shipped_questions_are_right_word_for_word(
    service: Service, questions: dict[str, bytes]
) -> None:
    assert len(questions) >= 6
    for text, audio in questions.items():
        assert await service.transcripts(audio, interim_results=True) == [text]


async def test_an_utterance_is_begin_interims_end_final(service: Service, question: bytes) -> None:
    responses = await service.recognize(question, interim_results=True)
    begin, *interims, end, final = kinds(responses)
    assert (begin, end, final) == ("SPEECH_BEGIN", "SPEECH_END", "FINAL")
    assert set(interims) == {"INTERIM"}
    *earlier, last = results(responses)[:-1]
    assert len(earlier) > 2
    assert not any(each.HasField("stability") for each in earlier)
    assert last.stability == 1.0
    assert last.alternatives[0].transcript == "what is the capital of france"
    assert len({r.utterance_id for r in results(responses)}) == 1


async def test_events_lie_where_the_speech_is(service: Service, question: bytes) -> None:
    responses = await service.recognize(question)
    begin, end = responses[0].speech_event, responses[1].speech_event
    spoken = len(question) / SECOND - 0.3 - 1.0
    assert to_seconds(begin.offset) == pytest.approx(0.3, abs=0.06)
    assert to_seconds(end.offset) == pytest.approx(0.3 + spoken, abs=0.15)
    silence = to_seconds(end.detection_offset) - to_seconds(end.offset)
    assert silence == pytest.approx(0.48, abs=0.001)


async def test_the_final_has_confidence_words_and_timing(service: Service, question: bytes) -> None:
    (final,) = results(await service.recognize(question, word_offsets=True))
    (best,) = final.alternatives
    assert final.language_code == "en-US"
    assert 0 < best.confidence <= 1
    assert [word.word for word in best.words] == best.transcript.split()
    offsets = [to_seconds(d) for word in best.words for d in (word.start_offset, word.end_offset)]
    assert offsets == sorted(offsets)
    assert offsets[0] == pytest.approx(0.3, abs=0.1)
    assert offsets[-1] == pytest.approx(to_seconds(final.result_end_offset), abs=0.25)
    timing = final.timing
    assert to_seconds(timing.queue_wait) <= to_seconds(timing.first_output)
    assert to_seconds(timing.compute) > 0


async def test_words_and_alternatives_come_when_asked_for(
    service: Service, question: bytes
) -> None:
    (plain,) = results(await service.recognize(question))
    assert [len(a.words) for a in plain.alternatives] == [0]
    (several,) = results(await service.recognize(question, max_alternatives=3))
    transcripts = [a.transcript for a in several.alternatives]
    assert transcripts[0] == plain.alternatives[0].transcript
    assert 1 < len(set(transcripts)) == len(transcripts) <= 3


async def test_no_interims_unless_asked_for(service: Service, question: bytes) -> None:
    assert kinds(await service.recognize(question)) == ["SPEECH_BEGIN", "SPEECH_END", "FINAL"]


async def test_a_pause_of_300_ms_does_not_split(
    service: Service, questions: dict[str, bytes]
) -> None:
    text = "tell me about the moon and the sun"
    responses = await service.recognize(questions[text], interim_results=True)
    assert finals(responses) == [text]
    likely = [r.alternatives[0].transcript for r in results(responses) if r.stability == 1.0]
    assert likely == ["tell me about the moon", text]


async def test_several_utterances_in_a_stream(
    service: Service, questions: dict[str, bytes]
) -> None:
    texts = list(questions)[:3]
    audio = b"".join(questions[text] for text in texts)
    responses = await service.recognize(audio, word_offsets=True)
    assert finals(responses) == texts
    assert len({r.utterance_id for r in results(responses)}) == 3
    ends = [to_seconds(r.result_end_offset) for r in results(responses)]
    last_word = results(responses)[-1].alternatives[0].words[-1]
    assert to_seconds(last_word.end_offset) == pytest.approx(ends[-1], abs=0.25)


async def test_flush_finishes_the_open_utterance_without_silence(
    service: Service, question: bytes
) -> None:
    spoken = question[: len(question) - SECOND + 3200]  # 100 ms of silence are left
    async with service.call() as call:
        await send(call, spoken)
        await call.write(Request(flush=asr_pb2.Flush()))
        responses = [await call.read() for _ in range(4)]
        assert kinds(responses) == ["SPEECH_BEGIN", "SPEECH_END", "FINAL", "FLUSHED"]
        assert finals(responses) == ["what is the capital of france"]
        assert to_seconds(responses[-1].flushed.offset) == pytest.approx(len(spoken) / SECOND)
        await send(call, bytes(SECOND) + question, end=True)
        assert finals([r async for r in call]) == ["what is the capital of france"]


async def test_each_flush_is_answered_also_in_silence(service: Service) -> None:
    async with service.call() as call:
        for _ in range(3):
            await call.write(Request(flush=asr_pb2.Flush()))
        await send(call, b"", end=True)
        assert kinds([r async for r in call]) == ["FLUSHED"] * 3


@pytest.mark.parametrize("with_end", [True, False])
async def test_the_end_finishes_the_open_utterance(
    service: Service, question: bytes, with_end: bool
) -> None:
    async with service.call() as call:
        await send(call, question[: len(question) - SECOND + 3200], end=with_end)
        await call.done_writing()
        assert finals([r async for r in call]) == ["what is the capital of france"]


@pytest.mark.parametrize("piece", [320, 640, 1 << 20])
async def test_messages_of_any_size_say_the_same(
    service: Service, question: bytes, piece: int
) -> None:
    async with service.call() as call, asyncio.TaskGroup() as tasks:
        tasks.create_task(send(call, question, piece=piece, end=True))
        assert finals([r async for r in call]) == ["what is the capital of france"]


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000])
async def test_other_sample_rates_say_the_same(
    service: Service, question: bytes, rate: int
) -> None:
    audio = at_rate(question, rate).astype("<i2").tobytes()
    transcripts = await service.transcripts(audio, sample_rate_hertz=rate)
    assert transcripts == ["what is the capital of france"]


async def test_a_telephone_is_understood(service: Service, questions: dict[str, bytes]) -> None:
    # It lacks half of what the model was trained on: some words are right, not always all.
    heard = await service.transcripts(
        mulaw(at_rate(questions["tell me about the moon"], 8000)),
        encoding=common_pb2.AUDIO_ENCODING_MULAW,
        sample_rate_hertz=8000,
    )
    assert "about" in " ".join(heard)


async def test_mulaw_at_full_rate_says_the_same(service: Service, question: bytes) -> None:
    audio = mulaw(np.frombuffer(question, "<i2"))
    transcripts = await service.transcripts(audio, encoding=common_pb2.AUDIO_ENCODING_MULAW)
    assert transcripts == ["what is the capital of france"]


async def test_streams_at_the_same_time_are_not_mixed_up(
    service: Service, questions: dict[str, bytes]
) -> None:
    texts = list(questions)[:4]  # twice as many as there are decoders
    heard = await asyncio.gather(*(service.transcripts(questions[text]) for text in texts))
    assert heard == [[text] for text in texts]


async def test_speech_without_end_is_cut_at_the_longest_utterance(
    service: Service, question: bytes
) -> None:
    spoken = question[SECOND * 3 // 10 : len(question) - SECOND]
    responses = await service.recognize(spoken * 7)
    ends = [r.speech_event for r in responses if r.speech_event.HasField("detection_offset")]
    assert len(ends) == 3
    assert to_seconds(ends[0].detection_offset) == pytest.approx(5.0, abs=0.1)
    assert "capital" in finals(responses)[0]


async def test_endpointing_is_the_callers_choice(
    service: Service, questions: dict[str, bytes]
) -> None:
    split = asr_pb2.EndpointingConfig(end_silence=to_duration(0.2))
    audio = questions["tell me about the moon and the sun"]
    assert len(await service.transcripts(audio, endpointing=split)) == 2
    deaf = asr_pb2.EndpointingConfig(min_speech=to_duration(10))
    assert await service.transcripts(audio, endpointing=deaf) == []


async def test_capabilities(service: Service) -> None:
    about = await service.stub.GetCapabilities(asr_pb2.GetCapabilitiesRequest())
    assert (about.service.name, about.service.engine) == ("asr", "pocketsphinx")
    assert about.service.max_concurrency == 2
    assert list(about.language_codes) == ["en-US"]
    assert len(about.encodings) == 3
    assert to_seconds(about.max_utterance) == 5.0


def at_rate(question: bytes, rate: int) -> np.ndarray:
    """The question at another rate."""
    samples = np.frombuffer(question, "<i2").astype(np.float32)
    whole = np.arange(len(samples))
    if rate < 16_000:  # what 8 kHz can't hold must go before every second sample does
        kernel = np.sinc(np.arange(-32, 33) / 2) * np.hamming(65) / 2
        samples = np.convolve(samples, kernel, "same")
    wanted = np.arange(0, len(samples) - 1, 16_000 / rate)
    return np.interp(wanted, whole, samples)


def mulaw(samples: np.ndarray) -> bytes:
    """G.711 mu-law, by the nearest entry of its table."""
    table = decode(bytes(range(256)), Encoding.MULAW) * 32768
    order = np.argsort(table, kind="stable")
    places = np.searchsorted(table[order], samples).clip(0, 255)
    return order[places].astype(np.uint8).tobytes()
