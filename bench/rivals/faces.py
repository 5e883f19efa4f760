"""What lies between a photograph and the three networks, as a Python team writes it with OpenCV and NumPy.

Pictures are BGR, as OpenCV decodes them. Used by every Python rival, so that they differ in who runs them alone.
"""

import cv2
import numpy as np

DETECT_WIDTH, DETECT_HEIGHT = 320, 240
MIN_SCORE, MAX_OVERLAP = 0.65, 0.4
LANDMARK_SIDE = 64
POSE_SIDE = 224
CROP_SIDE = 112
IMAGENET_MEAN = np.float32([0.485, 0.456, 0.406])
IMAGENET_DEVIATION = np.float32([0.229, 0.224, 0.225])

# ArcFace's five points in the crop (InsightFace, face_align), pixel centres at whole numbers.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
# Points of the 68 whose mean is each of the five.
FIVE_OF_68 = ([37, 38, 40, 41], [43, 44, 46, 47], [30], [48, 60], [54, 64])


def letterbox(picture):
    """The picture in the top-left corner of the detector's black input, and picture pixels a pixel of it."""
    height, width = picture.shape[:2]
    step = max(width / DETECT_WIDTH, height / DETECT_HEIGHT)
    size = (min(DETECT_WIDTH, round(width / step)), min(DETECT_HEIGHT, round(height / step)))
    canvas = np.zeros((DETECT_HEIGHT, DETECT_WIDTH, 3), np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return canvas, step


def largest_face(scores, boxes, step):
    """[4420, 2] and [4420, 4] of the detector → (square (x, y, side) in whole pixels, score), or None."""
    face_scores = scores[:, 1]
    likely = np.flatnonzero(face_scores > MIN_SCORE)
    if len(likely) == 0:
        return None
    corners = boxes[likely] * np.float32([DETECT_WIDTH, DETECT_HEIGHT] * 2) * step
    sizes = corners[:, 2:] - corners[:, :2]
    likely_scores = face_scores[likely]
    rectangles = np.hstack([corners[:, :2], sizes])
    kept = np.array(cv2.dnn.NMSBoxes(rectangles.tolist(), likely_scores.tolist(), MIN_SCORE, MAX_OVERLAP)).ravel()
    best = max(kept, key=lambda i: sizes[i, 0] * sizes[i, 1])
    side = sizes[best, 1]
    left, top = corners[best, :2] + (sizes[best] - side) / 2
    return (round(float(left)), round(float(top)), round(float(side))), float(likely_scores[best])


def cut(picture, square):
    """The square; black outside the picture."""
    x, y, side = square
    height, width = picture.shape[:2]
    part = picture[max(y, 0) : y + side, max(x, 0) : x + side]
    if part.shape[:2] == (side, side):
        return part
    beyond = [max(-y, 0), max(y + side - height, 0), max(-x, 0), max(x + side - width, 0)]
    return cv2.copyMakeBorder(part, *beyond, cv2.BORDER_CONSTANT)


def landmark_input(picture, square):
    """The face's square, grey, 64×64, 0–1."""
    small = cv2.resize(cut(picture, square), (LANDMARK_SIDE, LANDMARK_SIDE), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32) / 256


def pose_input(picture, square):
    """The face's square → [3, 224, 224], RGB, ImageNet's mean and deviation."""
    small = cv2.resize(cut(picture, square), (POSE_SIDE, POSE_SIDE), interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    return ((rgb - IMAGENET_MEAN) / IMAGENET_DEVIATION).transpose(2, 0, 1)


def expected_degrees(logits):
    """[N, 66] bins of 3 degrees → the expectation of their softmax."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights @ np.arange(66, dtype=np.float32) / weights.sum(axis=1) * 3 - 97.5


def align(picture, square, landmarks):
    """136 values of the landmark network → the aligned 112×112 crop."""
    x, y, side = square
    points = landmarks.reshape(68, 2) * side + (x - 0.5, y - 0.5)
    five = np.array([points[indices].mean(axis=0) for indices in FIVE_OF_68])
    return cv2.warpAffine(picture, similarity(five, TEMPLATE), (CROP_SIDE, CROP_SIDE))


def similarity(source, target):
    """The 2×3 least-squares similarity from points to points (Umeyama; in the plane it has this closed form)."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    (sx, sy), (tx, ty) = (source - source_mean).T, (target - target_mean).T
    spread = (sx * sx + sy * sy).sum()
    a, b = (sx * tx + sy * ty).sum() / spread, (sx * ty - sy * tx).sum() / spread
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, target_mean - turn @ source_mean])
