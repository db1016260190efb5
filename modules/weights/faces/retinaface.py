"""RetinaFace on ResNet-50: where faces are, with five landmarks each (Deng et al. 2019, arXiv 1905.00641).

Modules are named as in the file detection_Resnet50_Final.pth, which A1111 and its extensions keep beside their models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

STRIDES = (8, 16, 32)  # of the three levels of the pyramid
ANCHORS = ((16, 32), (64, 128), (256, 512))  # sides of a level's two square anchors, in pixels
VARIANCES = (0.1, 0.2)  # of centre and of size, in units of an anchor
MEAN = (104.0, 117.0, 123.0)  # of blue, green and red, in levels of 255
CONFIDENCE = 0.97
OVERLAP = 0.4  # intersection over union from which on two boxes are one face


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in pixels: box (left, top, right, bottom) and [5,2] landmarks: eyes, nose, corners of the mouth."""

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions (He et al. 2015, arXiv 1512.03385), its stride in the middle one."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """[B,inputs,H,W] to [B,4 width,H/stride,W/stride]."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        short = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn3(self.conv3(y)) + short)


class ResNet50(nn.Module):
    """The backbone; answers the outputs of its last three stages, at strides 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.layer1 = _stage(64, 64, 3, 1)
        self.layer2 = _stage(256, 128, 4, 2)
        self.layer3 = _stage(512, 256, 6, 2)
        self.layer4 = _stage(1024, 512, 3, 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """[B,3,H,W] to three feature maps of 512, 1024 and 2048 channels."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        second = self.layer2(self.layer1(x))
        third = self.layer3(second)
        return [second, third, self.layer4(third)]


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, width, stride)
    return nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(blocks - 1)))


def _conv(inputs: int, outputs: int, kernel: int, rectified: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.ReLU()] if rectified else []))


class Pyramid(nn.Module):
    """Feature pyramid: each level takes in the next coarser one (Lin et al. 2016, arXiv 1612.03144)."""

    def __init__(self) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_conv(width, 256, 1) for width in (512, 1024, 2048))
        self.merge1, self.merge2 = _conv(256, 256, 3), _conv(256, 256, 3)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Three maps of 256 channels, finest first."""
        fine, middle, coarse = self.output1(maps[0]), self.output2(maps[1]), self.output3(maps[2])
        middle = self.merge2(middle + F.interpolate(coarse, middle.shape[2:]))
        fine = self.merge1(fine + F.interpolate(middle, fine.shape[2:]))
        return [fine, middle, coarse]


class Context(nn.Module):
    """Views of 3, 5 and 7 pixels side by side (SSH, Najibi et al. 2017, arXiv 1708.03979)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3X3 = _conv(256, 128, 3, rectified=False)
        self.conv5X5_1, self.conv5X5_2 = _conv(256, 64, 3), _conv(64, 64, 3, rectified=False)
        self.conv7X7_2, self.conv7x7_3 = _conv(64, 64, 3), _conv(64, 64, 3, rectified=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B,256,H,W] to the same shape."""
        half = self.conv5X5_1(x)
        views = self.conv3X3(x), self.conv5X5_2(half), self.conv7x7_3(self.conv7X7_2(half))
        return F.relu(torch.cat(views, 1))


class Head(nn.Module):
    """`size` numbers for each of a level's two anchors."""

    def __init__(self, size: int):
        super().__init__()
        self.conv1x1 = nn.Conv2d(256, 2 * size, 1)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """[B,256,H,W] to [B,2HW,size], row by row, the smaller anchor first."""
        y: Tensor = self.conv1x1(x)
        return y.movedim(1, 3).reshape(len(y), -1, self.size)


class RetinaFace(nn.Module):
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.fpn = ResNet50(), Pyramid()
        self.ssh1, self.ssh2, self.ssh3 = Context(), Context(), Context()
        self.ClassHead, self.BboxHead, self.LandmarkHead = (
            nn.ModuleList(Head(size) for _ in STRIDES) for size in (2, 4, 10)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B,3,H,W], blue, green, red less MEAN, to per anchor: probability of a face, box and landmark offsets."""
        contexts = self.ssh1, self.ssh2, self.ssh3
        maps = [context(one) for context, one in zip(contexts, self.fpn(self.body(x)), strict=True)]
        scores, boxes, points = (
            torch.cat([head(one) for head, one in zip(heads, maps, strict=True)], 1)
            for heads in (self.ClassHead, self.BboxHead, self.LandmarkHead)
        )
        return scores.softmax(-1)[..., 1], boxes, points


def anchors(height: int, width: int) -> Tensor:
    """[n,4]: centre x, y and width, height of every anchor, in shares of the picture."""
    found = []
    for stride, sides in zip(STRIDES, ANCHORS, strict=True):
        rows, columns = math.ceil(height / stride), math.ceil(width / stride)
        y, x = torch.meshgrid(
            (torch.arange(rows) + 0.5) * stride, (torch.arange(columns) + 0.5) * stride, indexing="ij"
        )
        centre = torch.stack([x, y], -1).reshape(-1, 1, 2).expand(-1, len(sides), 2)
        size = torch.tensor(sides).reshape(1, -1, 1).expand(len(centre), -1, 2)
        found.append(torch.cat([centre, size], -1).reshape(-1, 4))
    return torch.cat(found) / torch.tensor([width, height, width, height])


def detect(network: RetinaFace, pixels: NDArray[np.uint8]) -> list[Face]:
    """The faces in a picture [H,W,3] of red, green and blue, surest first."""
    height, width = pixels.shape[:2]
    where = next(network.parameters()).device
    x = torch.from_numpy(np.ascontiguousarray(pixels[:, :, ::-1])).to(where).float() - torch.tensor(MEAN, device=where)
    with torch.inference_mode():
        scores, boxes, points = (one[0].cpu() for one in network(x.movedim(2, 0)[None]))
    prior = anchors(height, width)
    sure = scores > CONFIDENCE
    scores, boxes, points, prior = scores[sure], boxes[sure], points[sure], prior[sure]
    centre = prior[:, :2] + VARIANCES[0] * boxes[:, :2] * prior[:, 2:]
    size = prior[:, 2:] * torch.exp(VARIANCES[1] * boxes[:, 2:])
    landmarks = prior[:, None, :2] + VARIANCES[0] * points.reshape(-1, 5, 2) * prior[:, None, 2:]
    scale = torch.tensor([width, height])
    corners = torch.cat([(centre - size / 2) * scale, (centre + size / 2) * scale], 1).double().numpy()
    kept = distinct(corners, scores.numpy())
    places = (landmarks * scale).double().numpy()
    return [Face(corners[index], places[index]) for index in kept]


def distinct(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> list[int]:
    """Indices of the boxes [n,4], surest first, without those that a surer one overlaps (non-maximum suppression)."""
    left = list(np.argsort(-scores, kind="stable"))
    kept: list[int] = []
    while left:
        best = int(left.pop(0))
        kept.append(best)
        left = [index for index in left if _shared(boxes[best], boxes[index]) <= OVERLAP]
    return kept


def _shared(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Intersection over union."""
    width, height = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = max(0.0, float(width)) * max(0.0, float(height))
    areas = sum(float(np.prod(box[2:] - box[:2])) for box in (one, other))
    return common / (areas - common)
