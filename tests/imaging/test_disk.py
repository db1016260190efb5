"""Files appear under free names inside their folder, or not at all, and a refusal says what to do."""

import errno
from pathlib import Path

import pytest

from modules.exceptions import WebuiError
from modules.imaging.disk import place, store


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "stem",
    ["../../x", "/etc/x", "..\\..\\x", "C:\\x", "a/../../x", "..", "./", "", "nul", "a\0b", "界" * 300, "x" * 5000],
)
def test_hostile_stems_stay_in_the_folder_and_can_be_written(stem, tmp_path):
    folder, base = place(tmp_path, stem)
    path = store(folder, [f"00000-{base}"], {".png": b"data", "-downscaled.jpg": b""})
    assert path.read_bytes() == b"data"
    assert path.resolve().is_relative_to(tmp_path.resolve())


def test_a_stem_may_name_sub_folders(tmp_path):
    assert place(tmp_path, "2026/cats\\tom 1") == (tmp_path / "2026" / "cats", "tom 1")


def test_a_name_must_be_free_for_every_file(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"mine")
    path = store(tmp_path, ["a", "b"], {".png": b"1", ".txt": b"2"})
    assert path.name == "b.png"
    assert names(tmp_path) == ["a.txt", "b.png", "b.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"mine"


def test_running_out_of_names_is_an_error(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(WebuiError, match="is taken; choose another output folder"):
        store(tmp_path, ["a"], {".png": b""})


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.ENOSPC, "the disk is full; free some space"), (errno.EACCES, "permissions"), (errno.EIO, "check the disk")],
)
def test_a_refusing_disk_leaves_nothing_behind(code, advice, tmp_path, monkeypatch):
    whole = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        whole(path, data[: len(data) // 2])
        raise OSError(code, "refused", str(path))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(WebuiError, match=advice) as caught:
        store(tmp_path, ["a"], {".png": b"data", ".txt": b"text"})
    assert str(caught.value).startswith(f"{tmp_path / 'a.png'} could not be saved: ")
    assert names(tmp_path) == []


def test_what_was_whole_before_the_refusal_stays(tmp_path, monkeypatch):
    whole = Path.write_bytes

    def no_text(path: Path, data: bytes) -> int:
        if data == b"text":
            raise OSError(errno.ENOSPC, "refused", str(path))
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", no_text)
    with pytest.raises(WebuiError, match="the disk is full"):
        store(tmp_path, ["a"], {".png": b"data", ".txt": b"text"})
    assert names(tmp_path) == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"data"


def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(path: Path, target: Path) -> None:
        assert path.read_bytes() == b"data"
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path, ["a"], {".png": b"data"})
    assert names(tmp_path) == []


def test_a_file_in_the_way_of_the_folder_is_explained(tmp_path):
    (tmp_path / "out").touch()
    for folder in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(WebuiError, match="a file stands where a folder should be"):
            store(folder, ["a"], {".png": b""})
