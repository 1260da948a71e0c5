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
from typing import Any

REQUEST = struct.Struct("<cI")
FEED, FINISH, DISCARD = b"F", b"E", b"D"
COUNT = struct.Struct("<H")
"""The payload of FINISH: how many alternatives are wanted."""


def main() -> None:
    """Serves requests until the end of the input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it drains
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not end up among the replies

    def reply(message: Mapping[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")

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
    main()
