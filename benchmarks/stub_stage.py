"""``python -m benchmarks.stub_stage asr|llm|tts|animator ADDRESS``: a stage that only sleeps."""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fake_stages import (  # type: ignore[import-not-found]  # untyped, beside the tests
    FakeAnimator,
    FakeAsr,
    FakeLlm,
    FakeTts,
)

from benchmarks.work import Work
from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.settings import ServerSettings


def make_asr(work: Work) -> FakeAsr:
    """Hears "hello", some time after the audio has ended."""
    asr = FakeAsr()
    asr.final_delay = work.transcript
    return asr


def make_llm(work: Work) -> FakeLlm:
    """Writes the same sentences each time."""
    llm = FakeLlm()
    llm.tokens = work.tokens
    llm.first_token, llm.per_token = work.first_token, work.per_token
    return llm


def make_tts(work: Work) -> FakeTts:
    """Hums a sentence as soon as it is complete."""
    tts = FakeTts()
    tts.first_chunk, tts.per_chunk = work.first_chunk, work.per_chunk
    tts.chunk_seconds, tts.chunks_per_sentence = work.chunk_seconds, work.chunks_per_sentence
    tts.sample_rate = work.sample_rate
    return tts


def make_animator(work: Work) -> FakeAnimator:
    """Gives frames of nothing."""
    animator = FakeAnimator()
    animator.frame_delay, animator.frame_bytes = work.frame, work.frame_bytes
    return animator


_MAKERS: Mapping[str, Callable[[Work], Any]] = {
    "asr": make_asr,
    "llm": make_llm,
    "tts": make_tts,
    "animator": make_animator,
}


async def _serve(name: str, settings: ServerSettings) -> None:
    stub = _MAKERS[name](Work())

    async def start() -> Registration:
        registration: Registration = stub.registration
        return registration

    async def stop() -> None:
        pass

    await serve(name, settings, start, stop, stub.workload)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=_MAKERS)
    parser.add_argument("address", help="unix:/path or host:port")
    arguments = parser.parse_args()
    run(
        lambda: ServerSettings(listen=arguments.address, metrics_listen=""),
        partial(_serve, arguments.stage),
    )
