"""The avatars of this replica."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from linly_animator.engine import Avatar, AvatarUnknownError, ImageRejectedError
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.arrays import Floats, Image
from linly_animator.engines.portrait.framing import frame
from linly_animator.engines.portrait.image import decode
from linly_animator.engines.portrait.landmarks import FaceFinder
from linly_animator.engines.portrait.renderer import Renderer

_SMALLEST_FACE = 36.0
"""Pixels between the outer corners of the eyes; below it a mouth is a smudge."""
_PROFILE = 0.78
"""See Anatomy.yaw; about 35 degrees. Beyond it one corner of the mouth is out of sight."""


@dataclass(frozen=True, slots=True)
class _Sitter:
    picture: Image
    landmarks: Floats
    avatar: Avatar


class AvatarStore:
    """Makes avatars and keeps the latest of them. Safe to use from many threads."""

    def __init__(self, finder: FaceFinder, capacity: int) -> None:
        """Prepares an empty store.

        Args:
            finder: finds the faces.
            capacity: avatars that are kept, and as many renderers. Those not used for
                longest go first; the default avatar stays.
        """
        self._finder = finder
        self._capacity = capacity
        self._sitters: OrderedDict[str, _Sitter] = OrderedDict()
        self._renderers: OrderedDict[tuple[str, int, int], Renderer] = OrderedDict()
        self._default = ""
        self._lock = Lock()

    def create(self, image: bytes) -> Avatar:
        """Makes an avatar from an image file; the same bytes always have the same id.

        Raises:
            ImageRejectedError: the image can't become one.
        """
        avatar_id = hashlib.sha256(image).hexdigest()
        with self._lock:
            known = self._sitters.get(avatar_id)
            if known is not None:
                self._sitters.move_to_end(avatar_id)
                return known.avatar
        sitter = self._prepare(avatar_id, image)
        with self._lock:
            self._sitters[avatar_id] = sitter
            self._trim()
        return sitter.avatar

    def create_default(self, image: bytes) -> Avatar:
        """Makes the avatar that the empty id stands for."""
        avatar = self.create(image)
        self._default = avatar.avatar_id
        return avatar

    def renderer(self, avatar_id: str, width: int, height: int) -> Renderer:
        """The avatar at one size. Several streams may draw with it at once.

        Raises:
            AvatarUnknownError: it is not held here.
        """
        avatar_id = avatar_id or self._default
        key = (avatar_id, width, height)
        with self._lock:
            sitter = self._sitters.get(avatar_id)
            if sitter is None:
                raise AvatarUnknownError(avatar_id)
            self._sitters.move_to_end(avatar_id)
            ready = self._renderers.get(key)
            if ready is not None:
                self._renderers.move_to_end(key)
                return ready
        framed = frame(sitter.picture, sitter.landmarks, width, height)
        made = Renderer(framed.picture, framed.landmarks)
        with self._lock:
            self._renderers[key] = made
            self._trim()
        return made

    def _prepare(self, avatar_id: str, image: bytes) -> _Sitter:
        picture = decode(image)
        faces = self._finder.find(picture)
        if not faces:
            raise ImageRejectedError("NO_FACE", "no face was found in the image")
        anatomy = Anatomy(faces[0].landmarks)
        if anatomy.yaw > _PROFILE:
            raise ImageRejectedError("FACE_IN_PROFILE", "the face is turned too far to the side")
        if anatomy.unit < _SMALLEST_FACE:
            raise ImageRejectedError(
                "FACE_TOO_SMALL",
                f"the eyes are {anatomy.unit:.0f} pixels apart, "
                f"at least {_SMALLEST_FACE:.0f} are needed",
            )
        notices: tuple[str, ...] = ()
        if len(faces) > 1:
            notices = (f"{len(faces)} faces found, the largest is animated",)
        return _Sitter(picture, faces[0].landmarks, Avatar(avatar_id, len(faces), notices))

    def _trim(self) -> None:
        while len(self._sitters) > self._capacity:
            oldest = next(key for key in self._sitters if key != self._default)
            del self._sitters[oldest]
            for key in [key for key in self._renderers if key[0] == oldest]:
                del self._renderers[key]
        while len(self._renderers) > self._capacity:
            self._renderers.popitem(last=False)
