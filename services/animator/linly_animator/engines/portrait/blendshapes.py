"""ARKit's 52 blendshapes, from the same pose that the video is drawn from."""

from __future__ import annotations

from linly_animator.engines.portrait.pose import Pose

NAMES = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight",
    "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight", "jawForward",
    "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft",
    "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft",
    "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip
"""In Apple's order (ARFaceAnchor.BlendShapeLocation, as Audio2Face lists them)."""

_INDEX = {name: position for position, name in enumerate(NAMES)}


def values(pose: Pose) -> tuple[float, ...]:
    """One value from 0 to 1 per name.

    ARKit's mouthClose counters jawOpen: it is what brings the lips together over an open jaw.
    """
    mouth, head = pose.mouth, pose.head
    parted = 1 - mouth.seal
    shapes = {
        "jawOpen": mouth.jaw,
        "mouthClose": mouth.jaw * mouth.seal,
        "mouthFunnel": mouth.pucker * min(mouth.jaw * 2, 1) * parted,
        "mouthPucker": mouth.pucker * (1 - 0.5 * min(mouth.jaw * 2, 1)),
        "mouthRollLower": max(mouth.tuck, 0.6 * mouth.press),
        "mouthRollUpper": 0.6 * mouth.press,
        "browInnerUp": head.brow,
        "tongueOut": 0.4 * mouth.tongue_out,
    }
    for side in ("Left", "Right"):
        shapes[f"eyeBlink{side}"] = head.blink
        shapes[f"mouthStretch{side}"] = 0.6 * max(mouth.wide, 0)
        shapes[f"mouthSmile{side}"] = 0.25 * max(mouth.wide, 0)
        shapes[f"mouthPress{side}"] = mouth.press
        shapes[f"mouthUpperUp{side}"] = mouth.upper * parted
        shapes[f"mouthLowerDown{side}"] = mouth.lower * parted
        shapes[f"browOuterUp{side}"] = 0.6 * head.brow
    result = [0.0] * len(NAMES)
    for name, value in shapes.items():
        result[_INDEX[name]] = min(max(value, 0.0), 1.0)
    return tuple(result)
