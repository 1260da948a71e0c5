"""A voice that hums; one kind of it never forgets what it hummed."""

import numpy as np

from linly_drill_engines.fault import compute
from linly_tts.engine import Speech, Viseme, VisemeSpan, Voice

_RATE = 48_000
_PER_CHARACTER = 0.02
"""Seconds."""


class DrillTts:
    model = "nothing"
    max_concurrency = 8
    voices = (Voice("hum", ("en-US",), _RATE),)

    def __init__(self, settings):
        pass

    async def start(self):
        pass

    async def stop(self):
        pass

    async def synthesize(self, text, voice, rate, piece, begin):
        begin()
        await compute("tts")
        left = round(len(text) * _PER_CHARACTER * _RATE)
        most = left if piece == float("inf") else round(piece * _RATE)
        while left:
            samples = np.ones(min(left, most), dtype=np.int16)
            self.made(samples)
            visemes = (VisemeSpan(Viseme.AA, 0, len(samples)),)
            yield Speech(samples, (), visemes)
            left -= len(samples)

    def made(self, samples):
        """For the one that remembers."""


class LeakingTts(DrillTts):
    def __init__(self, settings):
        self._kept = []

    def made(self, samples):
        self._kept.append(samples.tobytes())  # the leak
