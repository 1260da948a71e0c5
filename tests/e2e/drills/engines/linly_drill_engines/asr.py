"""A recogniser that always hears the same."""

import time

from linly_asr.engine import Alternative, Recognition
from linly_drill_engines.fault import compute
from linly_mesh.workload import Workload

_HEARD = "hello there"


class DrillAsr:
    name = "drill"
    model = "nothing"
    languages = ("en-US",)
    max_concurrency = 8

    def __init__(self, settings):
        self.workload = Workload()

    async def start(self):
        pass

    async def stop(self):
        pass

    async def open(self):
        unit = self.workload.unit()
        unit.begin()
        return _Utterance(unit)


class _Utterance:
    def __init__(self, unit):
        self._unit = unit

    async def feed(self, samples):
        return _HEARD

    async def finish(self, max_alternatives):
        taken_up = time.monotonic()
        timing = await compute("asr")
        self._unit.finish()
        return Recognition((Alternative(_HEARD, 1.0),), taken_up, timing.compute)

    def close(self):
        self._unit.cancel()  # says nothing of one that has finished
