"""A microphone that is always open: speech where there is some, else silence."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter as now

from linly_client.talk import Talk
from linly_client.wav import Wav

_CHUNK = 0.02


class OpenMicrophone:
    """Sends 20 ms of sound every 20 ms, each as soon as its last sample has been heard."""

    def __init__(self, talk: Talk, sample_rate: int) -> None:
        """Sends to ``talk``; silent."""
        self._talk = talk
        self._silence = bytes(2 * round(_CHUNK * sample_rate))
        self._waiting: deque[bytes] = deque()
        self._begin = now()
        self._sent = 0

    def speak(self, wav: Wav) -> float:
        """Plays ``wav`` into it; returns the moment at which its first sample is heard."""
        self._waiting.extend(wav.chunks(_CHUNK))
        return self._begin + self._sent * _CHUNK

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            chunk = self._waiting.popleft() if self._waiting else self._silence
            self._sent += 1
            await asyncio.sleep(self._begin + self._sent * _CHUNK - now())
            await self._talk.send_audio(chunk)


@asynccontextmanager
async def open_microphone(talk: Talk, sample_rate: int) -> AsyncIterator[OpenMicrophone]:
    """A microphone that is on while the block runs."""
    microphone = OpenMicrophone(talk, sample_rate)
    running = asyncio.create_task(microphone.run())
    try:
        yield microphone
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
