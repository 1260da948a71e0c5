"""A clock that tests move, and an authority that goes by it."""

from datetime import UTC, datetime, timedelta

import pytest

from linly_mesh.identity.authority import Authority
from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.spiffe import SpiffeId

ASR = SpiffeId("asr")
DAY = timedelta(hours=24)


class Clock:
    def __init__(self):
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, **span):
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def authority(tmp_path, clock):
    return Authority(tmp_path / "authority", clock)


@pytest.fixture
def issued(tmp_path, authority, clock):
    return IssuedSvid(authority, ASR, tmp_path / "asr", DAY, clock=clock)
