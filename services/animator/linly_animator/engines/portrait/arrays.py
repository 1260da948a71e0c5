"""What the arrays of this engine hold."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
"""Points, fields, weights and masks; single precision wherever a frame's time depends on it."""
Image = npt.NDArray[np.uint8]
"""height x width x 3, BGR."""
