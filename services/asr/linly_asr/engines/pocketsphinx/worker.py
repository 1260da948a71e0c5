"""The worker process: one decoder behind a pair of pipes.

Requests come on standard input as a kind, the size of a payload, and the payload; each is
answered by one line of JSON on standard output. The process ends when its input does.
"""

import json
import os
import select
import signal
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

REQUEST = struct.Struct("<cI")
FEED, FINISH, DISCARD = b"F", b"E", b"D"
"""More audio; the utterance is over; it is not wanted any more."""
COUNT = struct.Struct("<H")
"""The payload of FINISH: how many alternatives are wanted."""


def _next_request_waits() -> bool:
    """While audio is decoded, only DISCARD or the end of the input can come."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main() -> None:
    """Serves requests until the end of the input."""
    # Terminals and supervisors signal the whole group, but the parent drains: it still needs us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    replies = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not end up among the replies

    def reply(message: Mapping[str, Any]) -> None:
        os.write(replies, json.dumps(message).encode() + b"\n")

    from linly_asr.engines.pocketsphinx.decoder import UtteranceDecoder

    decoder = UtteranceDecoder()
    decoder.feed(bytes(3200), lambda: False)  # the first decoding is slow: not in a turn
    decoder.discard()
    reply({})  # ready
    while len(header := sys.stdin.buffer.read(REQUEST.size)) == REQUEST.size:
        kind, size = REQUEST.unpack(header)
        payload = sys.stdin.buffer.read(size)
        if kind == FEED:
            reply(decoder.feed(payload, _next_request_waits))
        elif kind == FINISH:
            reply(decoder.finish(*COUNT.unpack(payload)))
        else:
            reply(decoder.discard())


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the parent is gone, and with it all reason to be
        main()
