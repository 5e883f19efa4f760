"""OpenCV DNN: one photograph after the other through the three networks, OpenCV's own threads inside each.

    opencv_dnn.py '{"models": {"detect": …, "landmarks": …, "feature": …}, "photographs": […], "threads": 2}'

Loads, runs one photograph to warm up and prints {"ready": versions}. Every line on standard input starts a round over all
photographs, from the file to the embedding, and is answered by a line {"seconds", "milliseconds": {stage: a photograph},
"faces": [null or {"square", "embedding"}]}.
"""

import json
import sys
from time import perf_counter

import cv2
import numpy as np

import faces

request = json.loads(sys.argv[1])
cv2.setNumThreads(request["threads"])
detect, landmarks, feature = (
    cv2.dnn.readNetFromONNX(request["models"][role]) for role in ("detect", "landmarks", "feature")
)
STAGES = ("decode", "detect", "landmarks", "align", "embed")
DETECT_OUTPUTS = ("scores", "boxes")


def embed(path, spent):
    marks = [perf_counter()]
    picture = cv2.imread(path)
    marks.append(perf_counter())
    canvas, step = faces.letterbox(picture)
    detect.setInput(cv2.dnn.blobFromImage(canvas, 1 / 128, mean=(127, 127, 127), swapRB=True))
    scores, boxes = detect.forward(DETECT_OUTPUTS)
    face = faces.largest_face(scores[0], boxes[0], step)
    marks.append(perf_counter())
    if face is None:
        return None
    square, _ = face
    landmarks.setInput(faces.landmark_input(picture, square)[None, None])
    points = landmarks.forward()[0]
    marks.append(perf_counter())
    crop = faces.align(picture, square, points)
    marks.append(perf_counter())
    feature.setInput(cv2.dnn.blobFromImage(crop, 1 / 128, mean=(127, 127, 127), swapRB=True))
    embedding = feature.forward()[0]
    embedding = embedding / np.linalg.norm(embedding)
    marks.append(perf_counter())
    for stage, start, end in zip(STAGES, marks, marks[1:]):
        spent[stage] += end - start
    return square, embedding


def answer(value):
    print(json.dumps(value), flush=True)


embed(request["photographs"][0], dict.fromkeys(STAGES, 0))
answer({"ready": {"opencv": cv2.__version__, "python": sys.version.split()[0]}})
for _ in sys.stdin:
    spent = dict.fromkeys(STAGES, 0)
    start = perf_counter()
    found = [embed(path, spent) for path in request["photographs"]]
    seconds = perf_counter() - start
    answer(
        {
            "seconds": seconds,
            "milliseconds": {stage: 1000 * time / len(found) for stage, time in spent.items()},
            "faces": [face and {"square": face[0], "embedding": face[1].tolist()} for face in found],
        }
    )
