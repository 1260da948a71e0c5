"""Frames that would come too late are left out before they are made."""

from linly_mesh.rpc.convert import to_seconds

from .animating import animate, config, decoded, end, end_speech, skip, speech, voice
from .conftest import Service


async def test_frames_that_playback_has_passed_are_not_made(service: Service) -> None:
    sound = voice(1.0, 0.0)
    given = await animate(
        service.stub,
        config(),
        speech("a", sound[:800]),  # too little for a frame
        skip("a", 0.6),
        speech("a", sound[800:]),
        end_speech("a"),
        end(),
    )
    frames = given.frames("a")
    offsets = [round(to_seconds(frame.offset), 3) for frame in frames]
    assert offsets == [round(0.04 * number, 3) for number in range(15, 25)]
    assert frames[0].key_frame
    assert len(decoded(frames)) == 10
    assert given.kinds()[-1] == "speech_ended"


async def test_a_speech_that_is_passed_over_altogether_ends(service: Service) -> None:
    given = await animate(
        service.stub,
        config(),
        speech("a", voice(0.05, 0.0)),
        skip("a", 9.0),
        speech("a", voice(0.5, 0.05)),
        end_speech("a"),
        speech("b", voice(0.2, 0.0)),
        end_speech("b"),
        end(),
    )
    assert given.frames("a") == []
    assert len(given.frames("b")) == 5
    assert given.kinds().count("speech_ended") == 2


async def test_a_skip_to_the_beginning_changes_nothing(service: Service) -> None:
    given = await animate(
        service.stub, config(), speech("a", voice(0.4, 0.0)), end_speech("a"), skip("a", 0.0), end()
    )
    assert len(given.frames("a")) == 10
