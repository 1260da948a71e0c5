"""Which of the face mesh's 468 points lie where.

The numbers are those of MediaPipe's canonical face model. "Right" and "left" are the
portrait's own; in a picture the portrait's right is on the viewer's left. Every row runs
from the portrait's right to its left.
"""

from __future__ import annotations

LIP_UPPER_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LIP_UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LIP_LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIP_LOWER_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)

RIGHT_EYE_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
RIGHT_EYE_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
LEFT_EYE_UPPER = (362, 398, 384, 385, 386, 387, 388, 466, 263)
LEFT_EYE_LOWER = (362, 382, 381, 380, 374, 373, 390, 249, 263)

RIGHT_EYE_CORNER, LEFT_EYE_CORNER = 33, 263
RIGHT_EAR, LEFT_EAR = 234, 454
CHIN, NOSE_BRIDGE = 152, 6
MOUTH_CORNERS, INNER_CORNERS = (61, 291), (78, 308)

BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
BROWS_INNER = (107, 66, 336, 296)
FOREHEAD = (10, 109, 338, 151, 67, 297, 103, 332)
EYES = (33, 159, 133, 145, 362, 386, 263, 374)
NOSE = (1, 2, 4, 6, 168, 98, 327, 129, 358, 195)
PHILTRUM = (164, 167, 393)
CHEEKS = (50, 280, 205, 425, 187, 411, 207, 427, 123, 352, 147, 376)
FOLDS = (206, 426, 216, 436, 212, 432, 92, 322)
CHIN_FRONT = (18, 200, 199, 175, 83, 313, 182, 406, 201, 421, 204, 424)
JAW = (152, 148, 176, 149, 150, 136, 172, 58, 377, 400, 378, 379, 365, 397, 288)
SIDES = (132, 93, 234, 127, 162, 361, 323, 454, 356, 389)

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
