import asyncio

from linly.animator.v1 import animator_pb2
from linly.talk.v1 import talk_pb2
from linly_orchestrator.outbox import Outbox


def event(generation: int, kind: str, turn_id: str = "t1", *, key: bool = False):
    made = talk_pb2.ConverseResponse(turn_id=turn_id, generation=generation)
    getattr(made, kind).SetInParent()
    if kind == "frames":
        made.frames.frames.append(animator_pb2.Frame(key_frame=key))
    return made


def waiting(outbox: Outbox) -> list[tuple[int, str]]:
    outbox.close()

    async def read() -> list[tuple[int, str]]:
        return [(e.generation, e.WhichOneof("event")) async for e in outbox]

    return asyncio.run(read())


def test_events_come_in_order():
    outbox = Outbox()
    generation = outbox.next_generation()
    for kind in ("turn_started", "audio", "frames", "turn_ended"):
        outbox.put_now(event(generation, kind))
    assert [kind for _, kind in waiting(outbox)] == [
        "turn_started", "audio", "frames", "turn_ended",
    ]  # fmt: skip


def test_an_interruption_overtakes_media_but_not_words():
    outbox = Outbox()
    generation = outbox.next_generation()
    for kind in ("turn_started", "reply_text", "audio", "frames", "audio"):
        outbox.put_now(event(generation, kind))
    outbox.interrupt()
    outbox.put_now(event(outbox.generation, "interrupted"))
    assert waiting(outbox) == [
        (1, "turn_started"),
        (1, "reply_text"),
        (2, "interrupted"),
    ]


def test_what_is_stale_is_dropped_even_if_its_writer_waited_for_room():
    async def talk() -> list[int]:
        outbox = Outbox()
        outbox.next_generation()
        for _ in range(4):
            outbox.put_now(event(1, "reply_text"))
        late = asyncio.create_task(outbox.put(event(1, "audio")))
        await asyncio.sleep(0)
        outbox.interrupt()
        outbox.put_now(event(2, "interrupted"))
        events = aiter(outbox)
        generations = [(await anext(events)).generation for _ in range(5)]
        await late
        outbox.put_now(event(2, "turn_ended"))
        generations.append((await anext(events)).generation)
        return generations

    assert asyncio.run(talk()) == [1, 1, 1, 1, 2, 2]


def test_a_new_turn_does_not_drop_what_the_last_one_said():
    outbox = Outbox()
    outbox.put_now(event(outbox.next_generation(), "audio"))
    outbox.put_now(event(outbox.next_generation(), "turn_started"))
    assert waiting(outbox) == [(1, "audio"), (2, "turn_started")]


def test_idle_frames_are_taken_only_while_there_is_room():
    outbox = Outbox()
    taken = [outbox.offer(event(0, "frames", "")) for _ in range(6)]
    assert taken == [True] * 4 + [False] * 2


def test_idle_frames_that_were_taken_survive_an_interruption():
    outbox = Outbox()
    assert outbox.offer(event(0, "frames", ""))
    outbox.interrupt()
    assert waiting(outbox) == [(0, "frames")]


def test_after_an_interruption_the_picture_begins_with_a_key_frame():
    outbox = Outbox()
    outbox.interrupt()
    assert not outbox.offer(event(1, "frames", ""))
    assert outbox.offer(event(1, "frames", "", key=True))
    assert outbox.offer(event(1, "frames", ""))


def test_the_key_frame_of_the_next_speech_does_as_well():
    outbox = Outbox()
    outbox.interrupt()
    outbox.put_now(event(1, "frames", key=True))
    assert outbox.offer(event(1, "frames", ""))
