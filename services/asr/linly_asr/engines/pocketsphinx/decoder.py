"""One decoder, in plain synchronous Python. Runs in a worker process, for it holds the GIL."""

import os
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from pocketsphinx import Decoder, get_model_path

_FRAMES_PER_SECOND = 100
_SLICE = 960
"""Bytes decoded before it is asked again whether the result is still wanted: 30 ms of audio."""
_SEARCH_PER_ALTERNATIVE = 20
"""Paths looked at per wanted alternative: most differ in silences or pronunciations alone."""
_CEPSTRAL_MEAN = "51.27,7.51,5.07,20.89,0.27,0.00,3.08,-6.75,-2.56,-3.33,5.98,1.35,2.33"
"""Where each utterance's mean normalisation starts: averaged over four voices at a usual level.
From the model's own "40,3,-1", made for quieter recordings, 26 of 56 short sentences came out
word for word, from this 34, leaving the tested voice out of the average. It is not carried from
one utterance to the next, since these may be of different people."""


class UtteranceDecoder:
    """Decodes one utterance after the other."""

    def __init__(self) -> None:
        """Loads the US English model, about 0.4 s and 90 MB."""
        model = get_model_path("en-us")
        self._decoder = Decoder(
            hmm=os.path.join(model, "en-us"),
            lm=os.path.join(model, "en-us.lm.bin"),
            dict=os.path.join(model, "cmudict-en-us.dict"),
            samprate=16_000,
            loglevel="FATAL",
            # The second pass would begin at the end of speech: 5 % of its length, as delay.
            fwdflat=False,
        )
        self._open = False
        self._left_open = False
        self._compute = 0.0

    def feed(self, pcm: bytes, given_up: Callable[[], bool]) -> dict[str, Any]:
        """Decodes the next audio, 16-bit at 16 kHz; the first one begins an utterance.

        ``given_up`` is asked now and then whether the result is still wanted.
        """
        began = time.monotonic()
        if not self._open:
            self._end_what_was_left()
            self._decoder.set_cmn(_CEPSTRAL_MEAN)
            self._decoder.start_utt()
            self._open = True
        for start in range(0, len(pcm), _SLICE):
            if given_up():
                return {}  # nobody reads it, and a hypothesis takes its time
            self._decoder.process_raw(pcm[start : start + _SLICE], False, False)
        hypothesis = self._decoder.hyp()
        self._compute += time.monotonic() - began
        return {"transcript": hypothesis.hypstr if hypothesis else ""}

    def finish(self, max_alternatives: int) -> dict[str, Any]:
        """Ends the utterance: its alternatives, and when and how long was worked on it."""
        taken_up = time.monotonic()
        alternatives = self._end(max_alternatives) if self._open else []
        compute = self._compute + time.monotonic() - taken_up
        self.discard()
        return {"alternatives": alternatives, "taken_up": taken_up, "compute": compute}

    def discard(self) -> dict[str, Any]:
        """Forgets the utterance, if there is one.

        The decoder closes an utterance with some 30 ms of work; that is left to the next one,
        since who gives up is told at once that nothing is computed any more.
        """
        self._left_open |= self._open
        self._open = False
        self._compute = 0.0
        return {}

    def _end_what_was_left(self) -> None:
        if self._left_open:
            self._left_open = False
            self._decoder.end_utt()

    def _end(self, max_alternatives: int) -> list[dict[str, Any]]:
        self._decoder.end_utt()
        self._open = False
        best = self._decoder.hyp()
        if best is None or not best.hypstr:
            return []
        words = [
            {
                "word": segment.word.partition("(")[0],  # "new(2)": a second pronunciation
                "start": segment.start_frame / _FRAMES_PER_SECOND,
                "end": (segment.end_frame + 1) / _FRAMES_PER_SECOND,
                "confidence": min(segment.prob, 1.0),
            }
            for segment in self._decoder.seg()
            if segment.word[0] not in "<["  # silence and noise
        ]
        # The posterior of the whole path falls with its length: the words' mean says more.
        confidence = sum(word["confidence"] for word in words) / len(words)
        alternatives = [{"transcript": best.hypstr, "confidence": confidence, "words": words}]
        if max_alternatives > 1:
            seen = {best.hypstr: None}
            for path in islice(self._decoder.nbest(), max_alternatives * _SEARCH_PER_ALTERNATIVE):
                if path.hypstr:
                    seen.setdefault(path.hypstr)
            others = list(seen)[1:max_alternatives]
            alternatives += [{"transcript": text, "words": []} for text in others]
        return alternatives
