"""A language model that always writes the same."""

import time

from linly_drill_engines.fault import compute
from linly_llm.engine import Delta, Finished, FinishReason
from linly_mesh.workload import Workload

_REPLY = ("I see. ", "That is good.")


class DrillLlm:
    model = "nothing"
    context_tokens = 1000
    max_concurrency = 8

    def __init__(self, settings):
        self.workload = Workload()

    async def start(self):
        pass

    async def stop(self):
        pass

    async def generate(self, prompt):
        begin = time.monotonic()
        with self.workload.unit() as unit:
            unit.begin()
            timing = await compute("llm")
            for text in _REPLY:
                yield Delta(text, time.monotonic() - begin, timing)
                timing = None
            yield Finished(FinishReason.STOP, 10, len(_REPLY), time.monotonic() - begin)
