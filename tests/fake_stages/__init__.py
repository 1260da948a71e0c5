"""Stages of a talk that only wait and count: real servers, real contracts, no models.

What they say and how long they take is set by plain attributes, so that a test can make any
stage slow, silent or broken, and a benchmark can give each an exact cost.
"""

from fake_stages.animator import FakeAnimator
from fake_stages.asr import FakeAsr
from fake_stages.llm import FakeLlm
from fake_stages.tts import FakeTts

__all__ = ["FakeAnimator", "FakeAsr", "FakeLlm", "FakeTts"]
