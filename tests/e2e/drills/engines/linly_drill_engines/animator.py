"""A face of which every frame is a few bytes."""

from linly_animator.engine import (
    Avatar,
    Frame,
    FrameBatch,
    Header,
    SpeechCancel,
    SpeechCancelled,
    SpeechChunk,
    SpeechEnd,
    SpeechEnded,
)
from linly_drill_engines.fault import compute


class DrillAnimator:
    model = "nothing"
    blendshape_names = ()
    max_streams = 16
    keypoints = 478

    def __init__(self, settings, workload):
        self._workload = workload

    async def start(self):
        pass

    async def stop(self):
        pass

    async def create_avatar(self, image):
        return Avatar("drill", 1, ())

    async def animate(self, options, inputs):
        yield Header("avc1.42e01f")
        period = 1 / options.frame_rate
        speech, heard, shown, unit = "", 0.0, 0, None
        async for item in inputs:
            match item:
                case SpeechChunk(speech_id, samples):
                    self.heard(samples)
                    timing = None
                    if speech_id != speech:
                        speech, heard, shown = speech_id, 0.0, 0
                        unit = self._workload.unit()
                        unit.begin()
                        timing = await compute("animator")
                    heard += len(samples) / options.sample_rate
                    count = int(heard / period) - shown
                    frames = tuple(
                        Frame((shown + n) * period, period, b"\0\0\0\1e", shown + n == 0, ())
                        for n in range(count)
                    )
                    shown += count
                    if frames or timing:
                        yield FrameBatch(speech_id, frames, timing)
                case SpeechEnd(speech_id):
                    unit.finish()
                    yield SpeechEnded(speech_id, heard)
                case SpeechCancel(speech_id):
                    if unit is not None:
                        unit.cancel()
                    yield SpeechCancelled(speech_id)

    def heard(self, samples):
        """For the one that remembers."""


class LeakingAnimator(DrillAnimator):
    """Never forgets what it has heard."""

    def __init__(self, settings, workload):
        import torch  # the others are not to pay for it

        super().__init__(settings, workload)
        self._kept = []
        self._tensor = torch.tensor

    def heard(self, samples):
        self._kept.append(self._tensor(samples))
