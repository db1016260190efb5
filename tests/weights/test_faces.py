"""Faces: found as the paper says, cut out and put back to the pixel, and what is said when files are missing."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from modules.exceptions import CorruptFile, Interrupted, NotFound, UnknownArchitecture
from modules.imaging.faces import SIDE, TEMPLATE, cut_out, inverse, put_back, similarity
from modules.weights.devices import place
from modules.weights.faces import retinaface, store
from modules.weights.faces.catalogue import DETECTOR, Restorer, Restorers
from modules.weights.faces.store import Store

THEIRS = [0.480702, 44.981477, 48.450614]
LANDMARKS = np.array([(200.0, 150), (260, 155), (228, 190), (205, 220), (255, 224)])


def drawn():
    """A detector of drawn weights, every tensor from a generator seeded by its place."""
    network = retinaface.RetinaFace().eval()
    state = network.state_dict()
    for number, (name, tensor) in enumerate(state.items()):
        normals = torch.from_numpy(
            np.random.RandomState(number).standard_normal(tuple(tensor.shape)).astype(np.float32)
        )
        if tensor.dim() > 1:
            state[name] = normals * (0.7 / tensor[0].numel() ** 0.5)
        elif name.endswith(("running_var", "weight")):
            state[name] = 1 + normals.abs()
        elif tensor.is_floating_point():
            state[name] = normals * 0.05
    network.load_state_dict(state)
    return network


class Sees(torch.nn.Module):
    """In place of a detector: sure of one face wherever the picture is asked about, in shares of its size."""

    def __init__(self, landmarks, size):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.places = torch.tensor(landmarks / np.array(size), dtype=torch.float32)

    def forward(self, x):
        prior = retinaface.anchors(*x.shape[2:])
        scores, boxes, points = torch.zeros(len(prior)), torch.zeros(len(prior), 4), torch.zeros(len(prior), 10)
        nearest = int((prior[:, :2] - self.places.mean(0)).square().sum(1).argmin())
        for index, sure in ((nearest, 0.99), (nearest ^ 1, 0.98)):  # the other anchor there sees the same face
            scores[index] = sure
            points[index] = ((self.places - prior[index, :2]) / (0.1 * prior[index, 2:])).flatten()
        boxes[nearest ^ 1, 2:] = (prior[nearest, 2:] / prior[nearest ^ 1, 2:]).log() / 0.2
        return scores[None], boxes[None], points[None]


@pytest.fixture
def restorer(tmp_path):
    for name in ("GFPGANv1.3.pth", "GFPGANv1.4.pth", DETECTOR):
        (tmp_path / name).write_bytes(b"")
    return Restorers({"GFPGAN": (tmp_path,), "CodeFormer": (tmp_path / "Codeformer",)}).find("GFPGAN")


def test_the_detector_computes_what_facexlib_does():
    """The numbers are of its RetinaFace on the same drawn weights."""
    network = drawn()
    assert {"body.layer3.5.bn2.running_mean", "fpn.merge1.1.bias", "ssh2.conv7x7_3.0.weight"} <= set(
        network.state_dict()
    )
    x = torch.from_numpy(np.random.RandomState(9).randint(0, 256, (1, 3, 96, 70)).astype(np.float32)) - 110
    with torch.inference_mode():
        scores, boxes, points = network(x)
    assert (scores.shape, boxes.shape, points.shape) == ((1, 294), (1, 294, 4), (1, 294, 10))
    assert [float(one.double().std()) for one in (scores, boxes, points)] == pytest.approx(THEIRS, rel=1e-3)


def test_anchors_cover_the_picture():
    prior = retinaface.anchors(33, 40)
    assert len(prior) == 2 * (5 * 5 + 3 * 3 + 2 * 2)
    assert prior[0].tolist() == pytest.approx([4 / 40, 4 / 33, 16 / 40, 16 / 33])
    assert prior[2].tolist() == pytest.approx([12 / 40, 4 / 33, 16 / 40, 16 / 33])


def test_one_face_is_found_once_and_where_it_is():
    pixels = np.zeros((300, 400, 3), np.uint8)
    (face,) = retinaface.detect(Sees(LANDMARKS, (400, 300)), pixels)
    assert face.landmarks == pytest.approx(LANDMARKS, abs=0.01)


def test_boxes_of_the_same_face_count_once():
    boxes = np.array([(0, 0, 10, 10), (1, 1, 11, 11), (0, 0, 10, 3), (20, 20, 30, 30)], float)
    assert retinaface.distinct(boxes, np.array([0.8, 0.9, 0.7, 0.99])) == [3, 1, 2]


def test_a_similarity_is_found_again():
    turn, scale = 0.4, 0.3
    matrix = np.array([(np.cos(turn), -np.sin(turn), 80 / scale), (np.sin(turn), np.cos(turn), 20 / scale)]) * scale
    points = TEMPLATE @ matrix[:, :2].T + matrix[:, 2]
    assert similarity(points, TEMPLATE) == pytest.approx(inverse(matrix))


def smooth(width, height):
    small = np.random.default_rng(3).integers(0, 256, (5, 6, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def test_a_face_cut_out_and_put_back_changes_nothing():
    image = smooth(400, 300)
    matrix = similarity(LANDMARKS, TEMPLATE)
    face = cut_out(image, matrix)
    assert face.size == (SIDE, SIDE)
    difference = np.asarray(put_back(image, face, matrix), np.int16) - np.asarray(image, np.int16)
    assert np.abs(difference).max() <= 2


def test_a_face_is_put_where_it_was_and_nowhere_else():
    image = Image.new("RGB", (400, 300))
    made = np.asarray(put_back(image, Image.new("RGB", (SIDE, SIDE), "white"), similarity(LANDMARKS, TEMPLATE)))
    ys, xs = np.nonzero(made[:, :, 0])
    assert made[150:225, 200:260].min() == 255
    assert (abs(xs.mean() - 230) < 6, abs(ys.mean() - 170) < 15, xs.min() > 60, xs.max() < 390) == (True,) * 4


def test_every_face_is_drawn_anew_by_the_network(restorer, monkeypatch):
    image = smooth(400, 300)
    ImageDraw.Draw(image).rectangle((195, 140, 265, 230), fill="red")
    faces = Store(lambda: place(use_cpu=True))
    monkeypatch.setattr(faces, "_detector", lambda restorer: Sees(LANDMARKS, image.size))
    monkeypatch.setattr(faces, "_network", lambda restorer: lambda x, **words: (x.flip(1),))
    called = []
    made = faces.mended(image, restorer, 0.5, lambda: called.append(1))
    assert made.getpixel((230, 180)) == (0, 0, 255) and made.getpixel((5, 5)) == image.getpixel((5, 5))
    assert called == [1]

    def stop():
        raise Interrupted("Stopped by the user.")

    with pytest.raises(Interrupted):
        faces.mended(image, restorer, 0.5, stop)


def test_a_picture_without_faces_is_left_alone_and_no_model_is_loaded(restorer, monkeypatch):
    faces = Store(lambda: place(use_cpu=True))
    tiny = LANDMARKS.mean(0) + (LANDMARKS - LANDMARKS.mean(0)) * 0.05
    monkeypatch.setattr(faces, "_detector", lambda restorer: Sees(tiny, (400, 300)))
    image = smooth(400, 300)
    assert faces.mended(image, restorer, 0.5, lambda: None) is image


def test_the_newest_model_is_taken(restorer):
    assert (restorer.model.name, restorer.detector.name) == ("GFPGANv1.4.pth", DETECTOR)


def test_missing_files_are_named(tmp_path):
    known = Restorers({"GFPGAN": (tmp_path,), "CodeFormer": (tmp_path / "Codeformer",)})
    with pytest.raises(NotFound, match="no GFPGAN model"):
        known.find("GFPGAN")
    (tmp_path / "GFPGANv1.4.pth").write_bytes(b"")
    with pytest.raises(NotFound, match=DETECTOR):
        known.find("GFPGAN")
    with pytest.raises(NotFound, match="CodeFormer"):
        known.find("CodeFormer")


def test_faulty_files_are_told(tmp_path, monkeypatch):
    faces = Store(lambda: place(use_cpu=True))
    paths = [tmp_path / name for name in ("GFPGANv1.4.pth", DETECTOR)]
    torch.save({"body.conv1.weight": torch.zeros(3)}, paths[1])
    torch.save({"a": torch.zeros(3)}, paths[0])
    restorer = Restorer("GFPGAN", *paths)
    with pytest.raises(CorruptFile, match=DETECTOR):
        faces.mended(smooth(64, 64), restorer, 0, lambda: None)
    monkeypatch.setattr(faces, "_detector", lambda restorer: Sees(LANDMARKS, (400, 300)))
    with pytest.raises(UnknownArchitecture, match="GFPGANv1.4"):
        faces.mended(smooth(400, 300), restorer, 0, lambda: None)
    monkeypatch.setattr(store, "EXTRA", "a_package_that_is_not_there")
    with pytest.raises(UnknownArchitecture, match="commercial"):
        faces.mended(smooth(400, 300), Restorer("CodeFormer", *paths), 0, lambda: None)
