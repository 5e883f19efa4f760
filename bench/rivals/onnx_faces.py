"""The networks by ONNX Runtime, for a batch of photographs: what a worker of either pipeline holds."""

import os

# Before NumPy and OpenCV: a worker computes on the threads it is given and no others.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import onnxruntime

import faces

EMBEDDING_SIZE = 512
# Photographs a run of the detector: more cost memory and are no faster on a CPU.
DETECT_BATCH = 8
# Yaw, pitch and roll as the pose network names its outputs.
ANGLES = ("output", "617", "618")


class FaceEmbedder:
    def __init__(self, models, threads):
        cv2.setNumThreads(threads)
        self.detect, self.landmarks, self.feature = (
            open_network(models[role], threads) for role in ("detect", "landmarks", "feature")
        )
        self.pose = open_network(models["pose"], threads) if "pose" in models else None

    def embed(self, paths):
        """Of each photograph's file the detection score (0: no face), the unit embedding and, where the models have a pose
        network, yaw, pitch and roll in degrees (zeros)."""
        scores = np.zeros(len(paths), np.float32)
        embeddings = np.zeros((len(paths), EMBEDDING_SIZE), np.float32)
        poses = np.zeros((len(paths), len(ANGLES)), np.float32)
        for start in range(0, len(paths), DETECT_BATCH):
            pictures = [cv2.imread(path) for path in paths[start : start + DETECT_BATCH]]
            found = self.find(pictures)
            if not found:
                continue
            squares = np.stack([faces.landmark_input(pictures[i], square) for i, square, _ in found])
            points = run(self.landmarks, squares[:, None])["output"]
            crops = [faces.align(pictures[i], square, p) for (i, square, _), p in zip(found, points)]
            (vectors,) = run(self.feature, planes(crops)).values()
            rows = [start + i for i, _, _ in found]
            scores[rows] = [score for _, _, score in found]
            embeddings[rows] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            if self.pose is not None:
                tight = np.stack([faces.pose_input(pictures[i], square) for i, square, _ in found])
                answers = run(self.pose, tight)
                poses[rows] = np.column_stack([faces.expected_degrees(answers[name]) for name in ANGLES])
        return scores, embeddings, poses

    def find(self, pictures):
        """(index, square, score) of the face of each picture that has one; None is a file that is no picture."""
        readable = [i for i, picture in enumerate(pictures) if picture is not None]
        if not readable:
            return []
        canvases, steps = zip(*(faces.letterbox(pictures[i]) for i in readable))
        outputs = run(self.detect, planes(canvases))
        found = [faces.largest_face(*each) for each in zip(outputs["scores"], outputs["boxes"], steps)]
        return [(i, *face) for i, face in zip(readable, found) if face is not None]


def open_network(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(network, values):
    names = [output.name for output in network.get_outputs()]
    return dict(zip(names, network.run(names, {network.get_inputs()[0].name: values})))


def planes(pictures):
    """Pictures of one size → [N, 3, H, W], RGB, (v − 127)/128."""
    return cv2.dnn.blobFromImages(list(pictures), 1 / 128, mean=(127, 127, 127), swapRB=True)
