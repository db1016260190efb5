"""Pictures are found by what they were made of, also while files come, change and go."""

import os
import time
from datetime import datetime

import pytest
from PIL import Image

from modules.exceptions import NotFound, ParameterError
from modules.history.catalogue import History
from modules.imaging.files import SaveOptions, save

PAIRS = "Steps: 5, Sampler: Euler, CFG scale: 4, Seed: {seed}, Size: {w}x{h}, Model hash: 0123456789, Model: {model}"


def make(folder, stem, prompt, seed=1, size=(64, 32), model="castle_v2", **how):
    text = f"{prompt}\nNegative prompt: rain\n{PAIRS.format(seed=seed, w=size[0], h=size[1], model=model)}"
    path = save(Image.new("RGB", size), folder, stem, text, SaveOptions(format=how.get("kind", "png")))
    moment = datetime.fromisoformat(how.get("when", "2024-05-31")).timestamp()
    os.utime(path, (moment, moment))
    return path


def settled(history, text="", total=None):
    """Wait until the index stands still and, if said, finds so many."""
    until = time.monotonic() + 20
    while history.busy or (total is not None and history.search(text)[0] != total):
        assert time.monotonic() < until, history.search(text)[0]
        time.sleep(0.02)
    return [row.name for row in history.search(text)[1].values()]


@pytest.fixture
def folder(tmp_path):
    make(tmp_path / "out/2024", "one", "a red (castle:1.2) <lora:ink drops:0.8>", seed=11, when="2024-05-31 23:30")
    make(tmp_path / "out", "two", "Ein Schloß, 赤い城", seed=12, size=(32, 64), when="2024-06-01 00:30", kind="jpeg")
    make(tmp_path / "out", "three", "a red house", seed=-0, model="house", when="2023-01-05", kind="webp")
    (tmp_path / "out/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "out"


@pytest.fixture
def history(tmp_path, folder):
    made = History(tmp_path / "cache/history.sqlite3", lambda: [folder])
    made.refresh()
    settled(made, total=3)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["two.jpeg", "one.png", "three.webp"]),
        ("red", ["one.png", "three.webp"]),
        ("RED cas", ["one.png"]),
        ('"red house"', ["three.webp"]),
        ('"house red"', []),
        ("赤い城", ["two.jpeg"]),
        ("schloß", ["two.jpeg"]),
        ("model:castle_v2 red", ["one.png"]),
        ('lora:"ink drops"', ["one.png"]),
        ("seed:12", ["two.jpeg"]),
        ("size:32x64", ["two.jpeg"]),
        ("date:2024-05", ["one.png"]),
        ("date:2024-06-01", ["two.jpeg"]),
        ("after:2024", ["two.jpeg", "one.png"]),
        ("before:2024", ["three.webp"]),
        ("name:three", ["three.webp"]),
        ("red OR NOT AND ( * ^ \" - ' :", []),
        ("castle:1.2", ["one.png"]),
        ("😀 ((", ["two.jpeg", "one.png", "three.webp"]),
    ],
)
def test_found_newest_first(history, text, names):
    assert [row.name for row in history.search(text)[1].values()] == names


@pytest.mark.parametrize("text", ["size:big", "date:soon", "after:2024-13", "before:99999-01"])
def test_a_bad_filter_is_one_sentence(history, text):
    with pytest.raises(ParameterError, match="write it as"):
        history.search(text)


def test_files_come_change_and_go(history, folder, tmp_path):
    assert list(history.search("red", 1, 5)[1].values())[0].name == "three.webp"
    new = make(folder, "four", "a red boat", when="2025-01-01")
    history.look_at([new, folder / "none.png"])
    assert settled(history, "boat", 1) == ["four.png"]
    (folder / "two.jpeg").unlink()
    make(folder, "three", "a blue house", kind="webp")
    (folder / "three.webp").write_bytes((folder / "three-1.webp").read_bytes())
    history.refresh()
    assert settled(history, "blue", 2)
    assert settled(history, "seed:12", 0) == []
    number, row = next(iter(history.search("boat")[1].items()))
    assert history.picture(number) == row
    new.unlink()
    with pytest.raises(NotFound):
        history.picture(number)


def test_a_later_start_knows_them_and_a_broken_index_is_made_anew(history, folder, tmp_path):
    path = tmp_path / "cache/history.sqlite3"
    again = History(path, lambda: [folder])
    assert again.search("castle")[0] == 2
    again.close()
    history.close()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.write_bytes(b"no database" * 1000)
    anew = History(path, lambda: [folder])
    anew.refresh()
    settled(anew, total=3)
    anew.close()


def test_a_folder_that_is_away_keeps_its_rows_and_one_left_out_does_not(tmp_path, folder):
    folders = [folder]
    history = History(tmp_path / "cache/history.sqlite3", lambda: folders)
    history.refresh()
    settled(history, total=3)
    folder.rename(tmp_path / "away")
    history.refresh()
    time.sleep(0.1)
    settled(history, total=3)
    (tmp_path / "away").rename(folder)
    folders.clear()
    history.refresh()
    settled(history, total=0)
    history.close()
