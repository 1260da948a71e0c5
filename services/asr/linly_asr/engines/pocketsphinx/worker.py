"""The worker process: one decoder behind a pair of pipes.

Requests come on standard input as a kind, the size of a payload, and the payload; each is
answered by one line of JSON on standard output. The process ends when its input does.
"""

import json
import os
import signal
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

REQUEST = struct.Struct("<cI")
FEED, FINISH, DISCARD = b"F", b"E", b"D"
COUNT = struct.Struct("<H")
"""The payload of FINISH: how many alternatives are wanted."""


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
    decoder.feed(bytes(3200))  # the first frames touch most of the model: not in a turn
    decoder.discard()
    reply({})  # ready
    while len(header := sys.stdin.buffer.read(REQUEST.size)) == REQUEST.size:
        kind, size = REQUEST.unpack(header)
        payload = sys.stdin.buffer.read(size)
        match kind:
            case b"F":
                reply(decoder.feed(payload))
            case b"E":
                reply(decoder.finish(*COUNT.unpack(payload)))
            case _:
                reply(decoder.discard())


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the parent is gone, and with it all reason to be
        main()
