"""The animator's contract, answered by an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

import linly_animator
from linly.animator.v1 import animator_pb2 as pb
from linly.animator.v1 import animator_pb2_grpc
from linly.common.v1 import common_pb2
from linly_animator import convert
from linly_animator.engine import (
    AnimationOptions,
    AnimationOutput,
    AnimatorEngine,
    AvatarUnknownError,
    BusyError,
    FrameBatch,
    Header,
    ImageRejectedError,
    SpeechCancelled,
    SpeechEnded,
)
from linly_animator.metrics import AnimatorMetrics
from linly_animator.requests import SpeechRequests
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.requests import RequestReader

MAX_IMAGE_BYTES = 16 << 20
"""Of an image as a whole."""
MAX_CHUNK_BYTES = 1 << 20
"""Of one message of an image."""
_RETRY_AFTER = 2.0
"""Seconds."""

_Context = grpc.aio.ServicerContext[Any, Any]


class AnimatorServicer(animator_pb2_grpc.AnimatorServiceServicer):
    """Validates, converts and delegates."""

    def __init__(
        self,
        engine: AnimatorEngine,
        engine_name: str,
        max_uploads: int,
        draining: Draining,
        metrics: AnimatorMetrics,
    ) -> None:
        """`max_uploads`: images received at the same time; `draining` ends streams at rest."""
        self._metrics = metrics
        self._draining = draining
        self._engine = engine
        self._engine_name = engine_name
        self._max_uploads = max_uploads
        self._uploads = 0

    async def StreamingAnimate(  # noqa: N802  # gRPC's name
        self, request_iterator: AsyncIterator[pb.StreamingAnimateRequest], context: _Context
    ) -> AsyncIterator[pb.StreamingAnimateResponse]:
        """Animates one avatar over many speeches."""
        reader = RequestReader(request_iterator)
        config = (await reader.config()).config
        options, encoding = convert.options(config), convert.encoding(config)
        requests = SpeechRequests(reader, encoding)
        outputs = self._draining.until_at_rest(
            self._engine.animate(options, requests.inputs()),
            lambda: not (requests.under_way or reader.ended),
        )
        try:
            async with aclosing(outputs):
                async for output in outputs:
                    if isinstance(output, SpeechEnded | SpeechCancelled):
                        requests.under_way.discard(output.speech_id)
                    yield self._response(output, options)
        except AvatarUnknownError as error:
            raise ServiceError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "AVATAR_UNKNOWN",
                "config.avatar_id: not held here; give the image again by CreateAvatar",
                field="config.avatar_id",
            ) from error
        except BusyError as error:
            raise _exhausted(str(error)) from error

    def _response(
        self, output: AnimationOutput, options: AnimationOptions
    ) -> pb.StreamingAnimateResponse:
        match output:
            case Header():
                header = convert.header(output, options, self._engine.blendshape_names)
                return pb.StreamingAnimateResponse(header=header)
            case FrameBatch():
                self._metrics.gave_frames(output)
                return pb.StreamingAnimateResponse(frames=convert.frames(output))
            case SpeechEnded():
                return pb.StreamingAnimateResponse(speech_ended=convert.speech_ended(output))
            case SpeechCancelled():
                cancelled = convert.speech_cancelled(output)
                return pb.StreamingAnimateResponse(speech_cancelled=cancelled)

    async def CreateAvatar(  # noqa: N802  # gRPC's name
        self, request_iterator: AsyncIterator[pb.CreateAvatarRequest], context: _Context
    ) -> pb.CreateAvatarResponse:
        """Prepares an avatar from an image."""
        if self._uploads >= self._max_uploads:
            raise _exhausted("too many images are being received")
        self._uploads += 1
        try:
            image = await _received(RequestReader(request_iterator))
            avatar = await self._engine.create_avatar(image)
        except ImageRejectedError as error:
            raise invalid_argument("image", str(error), reason=error.reason) from error
        except BusyError as error:
            raise _exhausted(str(error)) from error
        finally:
            self._uploads -= 1
        return pb.CreateAvatarResponse(
            avatar_id=avatar.avatar_id, face_count=avatar.face_count, notices=avatar.notices
        )

    async def GetCapabilities(  # noqa: N802  # gRPC's name
        self, request: pb.GetCapabilitiesRequest, context: _Context
    ) -> pb.GetCapabilitiesResponse:
        """Describes the service."""
        return pb.GetCapabilitiesResponse(
            service=common_pb2.ServiceInfo(
                name="animator",
                version=linly_animator.__version__,
                engine=self._engine_name,
                model=self._engine.model,
                max_concurrency=self._engine.max_streams,
            ),
            codecs=[pb.VIDEO_CODEC_H264],
            blendshape_names=self._engine.blendshape_names,
            max_image_bytes=MAX_IMAGE_BYTES,
        )


async def _received(reader: RequestReader[pb.CreateAvatarRequest]) -> bytes:
    await reader.config()
    image = bytearray()
    async for _, request in reader:
        if len(request.image) > MAX_CHUNK_BYTES:
            raise invalid_argument("image", f"expected chunks of at most {MAX_CHUNK_BYTES} bytes")
        image += request.image
        if len(image) > MAX_IMAGE_BYTES:
            raise invalid_argument(
                "image", f"expected at most {MAX_IMAGE_BYTES} bytes", reason="IMAGE_TOO_LARGE"
            )
    if not image:
        raise invalid_argument("image", "expected the bytes of an image, got none")
    return bytes(image)


def _exhausted(message: str) -> ServiceError:
    return ServiceError(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY", message, retry_after=_RETRY_AFTER
    )
