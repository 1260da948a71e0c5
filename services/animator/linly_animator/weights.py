"""The models that this service needs, as data."""

from linly_mesh.weights import WheelWeights

FACE = WheelWeights(
    name="face-landmarks",
    requirement="mediapipe==0.10.21",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    files={
        "mediapipe/modules/face_detection/face_detection_short_range.tflite": (
            "face_detection_short_range.tflite"
        ),
        "mediapipe/modules/face_landmark/face_landmark.tflite": "face_landmark.tflite",
    },
    licence="Apache-2.0",
    # Only the two files are wanted, so any one wheel will do: not every Python has its own.
    pip_arguments=("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"),
)
WEIGHTS = (FACE,)
