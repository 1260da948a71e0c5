"""What a client that stops reading costs, through the whole chain of proxies."""

import asyncio

MOST = 8 << 20
QUIET = 1.0
"""Seconds without a new byte after which all senders are taken to be stopped."""
SENTENCES = 4_000
"""25 MB of audio and 20 MB of frames, if nothing stopped them."""


def made(house) -> int:
    """Bytes of media that the stages have made."""
    frames = round(house.animator.made / 0.04)
    return round(house.tts.made * 2 * house.tts.sample_rate) + frames * house.animator.frame_bytes


async def stopped(house) -> int:
    before = -1
    while (now := made(house)) != before:
        before = now
        await asyncio.sleep(QUIET)
    return now


async def test_an_unread_talk_is_held_to_8_mib_in_the_whole_chain(house):
    house.llm.tokens = ["Sentence. "] * SENTENCES
    house.animator.frame_bytes = 1024
    async with house.talk(video=True) as talk:
        await talk.text("hi")
        await talk.until("audio")
        held = await stopped(house)
        assert 64 << 10 < held < MOST
        assert house.tts.made < SENTENCES * 0.2
