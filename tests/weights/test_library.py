"""Finding, naming and hashing checkpoints."""

import hashlib
import os

import pytest

from modules.exceptions import NotFound
from modules.weights.hashing import Hashes
from modules.weights.library import Library


@pytest.fixture
def folder(tmp_path):
    models = tmp_path / "models"
    (models / "sub").mkdir(parents=True)
    for name in ("b.safetensors", "A model.safetensors", "sub/c.safetensors", "b.vae.safetensors", "notes.txt"):
        (models / name).write_bytes(name.encode())
    return models


@pytest.fixture
def library(folder, tmp_path):
    return Library((folder, tmp_path / "missing"), Hashes(tmp_path / "cache/hashes.json"))


def test_checkpoints_are_found_and_titled(library, tmp_path):
    assert [one.title for one in library.checkpoints()] == ["A model.safetensors", "b.safetensors", "sub/c.safetensors"]
    digest = hashlib.sha256(b"b.safetensors").hexdigest()
    assert library.hashed(library.find("b")).title == f"b.safetensors [{digest[:10]}]"
    assert library.checkpoints()[1].title.endswith("]")
    assert Hashes(tmp_path / "cache/hashes.json").known(library.find("b").path) == digest


@pytest.mark.parametrize("text", ["b", "b.safetensors", "B.SAFETENSORS", "b.safetensors [0123456789]"])
def test_names_that_mean_b(library, text):
    assert library.find(text).name == "b.safetensors"


def test_of_those_with_a_text_in_their_titles_the_shortest_is_meant(library, folder):
    for name in ("v1-5-pruned-emaonly.safetensors", "v1-5-pruned.safetensors", "v1-5.safetensors"):
        (folder / name).write_bytes(b"n")
    assert library.find("v1-5").name == "v1-5.safetensors"  # which is its name
    assert library.find("V1-5-pru").name == "v1-5-pruned.safetensors"
    assert library.find("emaonly [0123456789]").name == "v1-5-pruned-emaonly.safetensors"
    for text in ("", " ", "v1-6"):
        with pytest.raises(NotFound):
            library.find(text)


def test_a_hash_finds_the_file_whatever_its_name(library):
    found = library.hashed(library.find("sub/c"))
    assert library.find(found.short_hash).name == found.name == library.find(found.sha256).name
    assert library.find(f"renamed [{found.short_hash}]").name == found.name
    assert library.find(str(found.path)).name == found.name == library.find("c").name


def test_a_changed_file_has_another_hash(library, folder):
    before = library.hashed(library.find("b")).sha256
    (folder / "b.safetensors").write_bytes(b"other")
    os.utime(folder / "b.safetensors", (1, 1))
    assert library.find("b").sha256 is None and library.hashed(library.find("b")).sha256 != before


def test_a_file_dropped_in_is_found_without_a_restart(library, folder):
    (folder / "new.safetensors").write_bytes(b"n")
    assert library.find("new").model_name == "new"


def test_an_unknown_name_says_what_is_near(library):
    with pytest.raises(NotFound, match="did you mean 'A model.safetensors'"):
        library.find("A modell")


def test_hashing_can_be_off(folder, tmp_path):
    library = Library((folder,), Hashes(tmp_path / "h.json"), hashing=False)
    assert library.hashed(library.find("b")).sha256 is None


def test_a_broken_cache_is_computed_again(tmp_path, caplog):
    path = tmp_path / "h.json"
    path.write_text('{"x": 1}')
    (tmp_path / "f").write_bytes(b"f")
    assert Hashes(path).sha256(tmp_path / "f") == hashlib.sha256(b"f").hexdigest() and "computed again" in caplog.text


def test_a_preferred_file_is_listed_wherever_it_lies_and_comes_first(folder, tmp_path):
    (tmp_path / "z.safetensors").write_bytes(b"z")
    library = Library((folder,), Hashes(tmp_path / "h.json"), preferred=tmp_path / "z.safetensors")
    assert library.first().name == "z.safetensors" and library.find("z").path == tmp_path / "z.safetensors"


def test_a_spare_file_serves_where_there_is_no_other(folder, tmp_path):
    (spare := tmp_path / "demo.safetensors").write_bytes(b"d")
    (empty := tmp_path / "empty").mkdir()
    library = Library((empty,), Hashes(tmp_path / "h.json"), spare=spare)
    assert library.first().path == spare and [one.name for one in library.checkpoints()] == ["demo.safetensors"]
    (empty / "z.safetensors").write_bytes(b"z")
    library.scan()
    assert [one.name for one in library.checkpoints()] == ["z.safetensors"]


def test_a_spare_file_among_others_is_not_the_first(folder):
    (spare := folder / "A demo.safetensors").write_bytes(b"d")
    library = Library((folder,), Hashes(folder / "h.json"), spare=spare)
    assert library.checkpoints()[0].path == spare and library.first().name == "A model.safetensors"


def test_a_file_taken_away_is_not_the_first(library, folder):
    (folder / "A model.safetensors").unlink()
    assert library.first().name == "b.safetensors" and len(library.checkpoints()) == 2
