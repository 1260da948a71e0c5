"""What goes over loopback, as the kernel sees it."""

import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_ETHERNET, _IPV4, _TCP = 14, b"\x08\x00", 6
_ALL = 0x0003
"""ETH_P_ALL: sockets of one protocol alone are not shown what is sent."""
_SO_RCVBUFFORCE = 33
_BUFFER = 64 << 20
"""Bytes that may wait to be read: a talk's frames come in bursts."""


class End(NamedTuple):
    """One side of a connection."""

    address: str
    port: int


class Capture:
    """The bytes that were sent, by who sent them to whom."""

    def __init__(self) -> None:
        self.streams: dict[tuple[End, End], bytearray] = defaultdict(bytearray)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        # beyond what the system grants to everybody; whoever may capture may ask for it
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.bind(("lo", _ALL))
        self._socket.settimeout(0.1)
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read)

    def sent_to(self, address: str) -> dict[tuple[End, End], bytes]:
        """The streams towards and from one address."""
        return {
            ends: bytes(data)
            for ends, data in self.streams.items()
            if address in (ends[0].address, ends[1].address)
        }

    def finish(self) -> None:
        """Takes what has been sent by now, and nothing more."""
        self._over.set()
        self._reader.join()

    def _read(self) -> None:
        while True:
            try:
                packet, where = self._socket.recvfrom(1 << 17)
            except TimeoutError:  # all that was sent has been read
                if self._over.is_set():
                    return
                continue
            is_outgoing = where[2] == socket.PACKET_OUTGOING  # on loopback each is seen twice
            if is_outgoing and packet[_ETHERNET - 2 : _ETHERNET] == _IPV4:
                self._take(packet[_ETHERNET:])

    def _take(self, packet: bytes) -> None:
        header = (packet[0] & 15) * 4
        if packet[9] != _TCP:
            return
        length = struct.unpack_from("!H", packet, 2)[0] or len(packet)  # 0: segmented later
        source, target = (socket.inet_ntoa(packet[at : at + 4]) for at in (12, 16))
        ports = struct.unpack_from("!HH", packet, header)
        begin = header + (packet[header + 12] >> 4) * 4
        ends = (End(source, ports[0]), End(target, ports[1]))
        if payload := packet[begin:length]:
            self.streams[ends] += payload


@contextmanager
def captured() -> Iterator[Capture]:
    """Captures while the block runs; needs the right to (root, or CAP_NET_RAW)."""
    capture = Capture()
    capture._reader.start()
    try:
        yield capture
    finally:
        capture.finish()
        capture._socket.close()
