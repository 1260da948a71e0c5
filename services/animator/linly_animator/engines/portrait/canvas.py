"""What a stream draws on: one renderer, one encoder."""

from __future__ import annotations

from linly_animator.engine import AnimationOptions
from linly_animator.engines.portrait import blendshapes
from linly_animator.engines.portrait.encoder import Encoder, codec_string
from linly_animator.engines.portrait.pose import REST, Pose
from linly_animator.engines.portrait.renderer import Renderer


class Canvas:
    """Turns poses into frames. One thread at a time."""

    def __init__(self, renderer: Renderer, options: AnimationOptions) -> None:
        self._renderer = renderer
        self._blendshapes = options.blendshapes
        self._encoder: Encoder | None = None
        self.codec_string = ""
        """RFC 6381; empty without video."""
        if options.video:
            size = (options.width, options.height, options.frame_rate)
            # Level and profile are the encoder's choice, known once it has made a picture.
            trial, _ = Encoder(*size).encode(renderer.draw(REST), key_frame=True)
            self.codec_string = codec_string(trial)
            self._encoder = Encoder(*size)

    def draw(self, pose: Pose, key_frame: bool) -> tuple[bytes, bool, tuple[float, ...]]:
        """The access unit, whether decoding can begin with it, and the blendshapes of a pose.

        Without video there is no access unit, and every frame stands alone.
        """
        shapes = blendshapes.values(pose) if self._blendshapes else ()
        if self._encoder is None:
            return b"", True, shapes
        data, is_key = self._encoder.encode(self._renderer.draw(pose), key_frame=key_frame)
        return data, is_key, shapes
