"""The database of network files, and the program without it."""

import logging
import sqlite3
from pathlib import Path

import pytest

from modules.weights.networks import catalogue as catalogues
from modules.weights.networks.catalogue import Catalogue
from modules.weights.networks.entries import Kind
from modules.weights.networks.shelf import Shelf
from tests.weights.networks.conftest import names, written

pytestmark = pytest.mark.usefixtures("impatient")


def start(folder, database):
    shelf = Shelf(Kind.LORA, [folder], Catalogue(database))
    assert shelf.find("net").alias == "one" and len(shelf.hash(shelf.find("net"))) == 12
    assert shelf.described()[0][1] == '{"ss_output_name": "one"}'


@pytest.mark.parametrize("harm", ["text", "cut", "empty", "no tables", "other version"])
def test_a_broken_database_is_begun_afresh(folder, tmp_path, caplog, harm):
    written(folder / "net.safetensors", {"ss_output_name": "one"})
    database = tmp_path / "networks.sqlite3"
    start(folder, database)
    if harm == "no tables":
        with sqlite3.connect(database) as base:
            base.execute("DROP TABLE files")
        base.close()
    elif harm == "other version":
        with sqlite3.connect(database) as base:
            base.execute("PRAGMA user_version = 99")
        base.close()
    else:
        whole = database.read_bytes()
        database.write_bytes({"text": b"no database" * 500, "cut": whole[: len(whole) // 2], "empty": b""}[harm])
    start(folder, database)
    said = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(said) == (harm in ("text", "cut", "no tables")), caplog.text
    caplog.clear()
    start(folder, database)
    assert not caplog.records and len(Catalogue(database).known(Kind.LORA)) == 1


def test_a_database_that_another_program_holds_is_done_without(folder, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(catalogues, "PATIENCE", 0.01)
    written(folder / "net.safetensors", {"ss_output_name": "one"})
    database = tmp_path / "networks.sqlite3"
    start(folder, database)
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    start(folder, database)
    assert "cannot be used (database is locked)" in caplog.text and len(caplog.records) == 1
    holder.close()
    start(folder, database)


def test_without_a_place_for_the_database(folder, tmp_path, caplog):
    written(folder / "net.safetensors", {"ss_output_name": "one"})
    (tmp_path / "file").touch()
    start(folder, tmp_path / "file" / "networks.sqlite3")
    assert "cannot be used" in caplog.text and len(caplog.records) == 1
    database = tmp_path / "networks.sqlite3"
    database.mkdir()
    start(folder, database)


def test_what_is_gone_leaves_the_database(shelf, folder, catalogue):
    path = written(folder / "net.safetensors")
    written(folder / "stays.safetensors")
    assert len(names(shelf)) == 2
    path.unlink()
    assert names(shelf) == ["stays"] and [Path(one).stem for one in catalogue.known(Kind.LORA)] == ["stays"]


def test_what_is_out_of_sight_stays_in_the_database(shelf, folder, catalogue, tmp_path):
    """A drive that is not plugged in, a start with another folder."""
    written(folder / "net.safetensors")
    assert names(shelf) == ["net"]
    folder.rename(tmp_path / "unplugged")
    assert names(shelf) == [] and names(Shelf(Kind.LORA, [tmp_path / "other"], catalogue)) == []
    assert [Path(one).stem for one in catalogue.known(Kind.LORA)] == ["net"]
