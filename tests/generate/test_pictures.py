"""The pictures that AUTOMATIC1111 made of the same requests on the same model."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.generate.plan import request_from

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = json.loads((GOLDEN / "pictures.json").read_text())
WHOLE = re.compile(r"(: \d+)\.0\b")  # we write whole numbers as such
OURS = re.compile(r", (Version|Sigma [\w ]+): [^,]*")  # A1111 forgets to write a request's own churn


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_picture_is_a1111s(case, app):
    request = request_from(case["request"] | {"do_not_save_samples": True, "do_not_save_grid": True, "scheduler": None})
    result = app.txt2img(request).wait(60)
    assert len(result.pictures) == len(case["pictures"])
    for made, name, text in zip(result.pictures, case["pictures"], case["infotexts"], strict=True):
        with Image.open(GOLDEN / name) as theirs:
            difference = np.abs(np.asarray(made.image, np.int16) - np.asarray(theirs.convert("RGB"), np.int16))
        assert difference.max() <= 1
        assert OURS.sub("", made.infotext) == WHOLE.sub(r"\1", OURS.sub("", text))
