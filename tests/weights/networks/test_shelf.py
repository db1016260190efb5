"""Shelves of network files: names, hashes, and changes on the disk."""

import hashlib
import json
import os
import threading
import time

import pytest

from modules.weights.networks import hasher, headers, listing
from modules.weights.networks import shelf as shelves
from modules.weights.networks.entries import Kind
from modules.weights.networks.shelf import Shelf
from tests.weights.networks.conftest import names, written

pytestmark = pytest.mark.usefixtures("impatient")


# Names


def test_a_file_goes_by_its_name_and_by_an_alias_that_is_its_alone(shelf, folder):
    written(folder / "first.safetensors", {"ss_output_name": "ink"})
    written(folder / "ink wash.safetensors", {"ss_output_name": "twice"})
    written(folder / "sub/third.safetensors", {"ss_output_name": "twice"})
    written(folder / "fourth.safetensors", {"ss_output_name": "first"})
    written(folder / "fifth.safetensors", {"ss_output_name": "None"})
    written(folder / "old.pt")
    shelf.refresh()  # its own first look may have come between two files
    found = {name: (one := shelf.find(name)) and one.name for name in ("ink", "first", "third", "old", "old.pt")}
    assert found == {"ink": "first", "first": "first", "third": "third", "old": "old", "old.pt": "old"}
    assert [shelf.find(name) for name in ("twice", "None", "INK", "Third", "nothing", "")] == [None] * 6
    called = {one.name: shelf.tag_name(one) for one in shelf.entries()}
    assert called == {name: name for name in called} | {"first": "ink"}


def test_an_alias_borne_twice_is_no_name_in_any_case(shelf, folder):
    for name, alias in (("a", "Ink"), ("b", "Ink"), ("c", "ink"), ("d", "INK2")):
        written(folder / f"{name}.safetensors", {"ss_output_name": alias})
    shelf.refresh()
    assert shelf.find("Ink") is None and shelf.find("ink") is None and shelf.find("INK2").name == "d"


def test_the_order_is_natural_and_of_two_of_a_name_the_last_is_meant(shelf, folder):
    for name in ("b10", "B9", "a", "sub 10/x", "sub 9/a"):
        written(folder / f"{name}.safetensors")
    assert names(shelf) == ["a", "B9", "b10", "a", "x"]
    assert shelf.find("a").folder == "sub 9"


def test_only_the_kinds_own_endings_count(shelf, folder):
    for name in ("a.SAFETENSORS", "b.ckpt", "c.pt", "d.txt", "e.png", "f.json"):
        written(folder / name)
    assert names(shelf) == ["a", "b", "c"]


def test_a_vae_among_checkpoints_bears_the_word(tmp_path, catalogue):
    for name in ("VAE/a.pt", "VAE/b.safetensors", "c/model.safetensors", "c/model.vae.safetensors", "c/x.vae.pt"):
        written(tmp_path / name)
    shelf = Shelf(Kind.VAE, [tmp_path / "VAE"], catalogue, among=[tmp_path / "c"])
    assert sorted(one.path.name for one in shelf.entries()) == [
        "a.pt", "b.safetensors", "model.vae.safetensors", "x.vae.pt",
    ]  # fmt: skip
    assert shelf.find("model.vae.safetensors").path.parent.name == "c"


def test_words_are_searched_in_folders_names_aliases_and_tags(shelf, folder):
    tags = json.dumps({"10_x": {"Red hair": 3, "castle": 1}, "5_y": {"castle": 7}})
    written(folder / "style/Ink.safetensors", {"ss_output_name": "wash", "ss_tag_frequency": tags})
    written(folder / "plain.safetensors", {"modelspec.tags": "Castle, night"})
    assert names(shelf, "castle") == ["plain", "Ink"] and shelf.find("Ink").facts.tags == "castle\nred hair"
    for text in ("ink", "WASH red", "style castle", "  "):
        assert "Ink" in names(shelf, text)
    assert names(shelf, "wash night") == []


# Hashes


def test_a_lora_goes_by_the_hash_of_its_tensors(shelf, folder):
    body = b"tens"
    path = written(folder / "net.safetensors", {"a": "b"}, body=body)
    claimed = hashlib.sha256(b"claimed").hexdigest()
    written(folder / "told.safetensors", {"sshs_model_hash": claimed.upper()})
    written(folder / "lies.safetensors", {"sshs_model_hash": "no hash at all"}, body=body)
    (folder / "old.pt").write_bytes(b"pickle")
    digest, whole = hashlib.sha256(body).hexdigest(), hashlib.sha256(path.read_bytes()).hexdigest()
    hashes = {one.name: shelf.hash(one) for one in shelf.entries()}
    assert hashes == {
        "net": digest[:12], "lies": digest[:12], "told": claimed[:12],
        "old": hashlib.sha256(b"pickle").hexdigest()[:12],
    }  # fmt: skip
    for digits in (digest[:12], digest[:10], digest):
        assert shelf.by_hash(digits).name == "lies"
    assert shelf.by_hash(whole[:10].upper()).name == "net" and shelf.by_hash(claimed[:12]).name == "told"
    assert shelf.by_hash(digest[:9]) is None and shelf.by_hash("0" * 12) is None and shelf.by_hash("") is None


def test_other_files_go_by_all_their_bytes(tmp_path, catalogue):
    path = written(tmp_path / "word.safetensors", {"sshs_model_hash": "0" * 64}, {"emb_params": [1, 4]})
    shelf = Shelf(Kind.EMBEDDING, [tmp_path], catalogue)
    assert shelf.hash(shelf.find("word")) == hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def test_a_hash_is_found_without_having_been_asked_for_and_computed_once(folder, catalogue, monkeypatch):
    path = written(folder / "renamed.safetensors", body=b"abcd")
    digits = hashlib.sha256(b"abcd").hexdigest()[:12]
    assert Shelf(Kind.LORA, [folder], catalogue).by_hash(digits).name == "renamed"
    monkeypatch.setattr(hasher, "digests", lambda path: pytest.fail(f"{path} is read again"))
    later = Shelf(Kind.LORA, [folder], catalogue)
    assert later.by_hash(digits).name == "renamed" and later.hash(later.find("renamed")) == digits
    monkeypatch.undo()
    written(path, body=b"other tensors")
    assert later.hash(later.find("renamed")) == hashlib.sha256(b"other tensors").hexdigest()[:12]


def test_hashing_can_be_off(folder, catalogue):
    written(folder / "net.safetensors", body=b"abcd")
    shelf = Shelf(Kind.LORA, [folder], catalogue, hashing=False)
    assert shelf.hash(shelf.find("net")) == "" and shelf.by_hash(hashlib.sha256(b"abcd").hexdigest()) is None


def test_a_file_that_went_away_has_no_hash(shelf, folder):
    path = written(folder / "net.safetensors")
    entry = shelf.find("net")
    path.unlink()
    assert shelf.hash(entry) == ""


def test_hashes_are_computed_in_the_background(folder, catalogue, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(hasher, "CALM", 0)
    monkeypatch.setattr(hasher, "SEARCH", -1)
    for number in range(3):
        written(folder / f"{number}.safetensors", body=b"%d..." % number)
    shelf = Shelf(Kind.LORA, [folder], catalogue)
    until = time.monotonic() + 10
    while len(catalogue.digests(Kind.LORA)) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert shelf.by_hash(hashlib.sha256(b"2...").hexdigest()).name == "2"


# Changes on the disk


def test_new_replaced_and_deleted_files_are_seen(shelf, folder):
    assert names(shelf) == []
    path = written(folder / "deep/er/net.safetensors", {"ss_output_name": "one"})
    assert names(shelf) == ["net"] and shelf.find("one").name == "net"
    other = written(folder / "other.tmp", {"ss_output_name": "two"})
    os.replace(other, path)
    assert shelf.find("two").name == "net" and shelf.find("one") is None
    path.unlink()
    assert shelf.find("net") is None and names(shelf) == []


def test_a_file_rewritten_in_place_is_noticed_when_it_is_used(shelf, folder, monkeypatch):
    path = written(folder / "net.safetensors", {"ss_output_name": "one"})
    os.utime(folder, (1, 1))
    before = shelf.find("net")
    written(path, {"ss_output_name": "another"})
    os.utime(folder, (1, 1))
    after = shelf.find("net")
    assert (before.alias, after.alias) == ("one", "another") and before.known != after.known


def test_a_file_in_the_middle_of_being_copied(shelf, folder):
    path = written(folder / "net.safetensors", {"ss_output_name": "one"}, {"lora_unet_x.lora_up.weight": [4, 4]})
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    os.utime(folder, (1, 1))
    (entry,) = shelf.entries()
    assert entry.fault == "net.safetensors is no complete safetensors file (9 bytes are missing); download it again."
    path.write_bytes(whole)
    os.utime(folder, (1, 1))
    (entry,) = shelf.entries()
    assert entry.fault is None and entry.alias == "one"


def test_an_unchanged_folder_is_not_read(shelf, folder, monkeypatch):
    written(folder / "net.safetensors")
    os.utime(folder, (1, 1))
    assert names(shelf) == ["net"]
    monkeypatch.setattr(shelves, "contents", lambda folder: pytest.fail(f"{folder} is read again"))
    assert names(shelf) == ["net"] and shelf.find("net").name == "net" and shelf.find("else") is None
    with pytest.raises(pytest.fail.Exception):
        shelf.refresh()


def test_a_later_start_reads_no_header_again(folder, catalogue, monkeypatch):
    written(folder / "net.safetensors", {"ss_output_name": "one", "ss_v2": "True"})
    Shelf(Kind.LORA, [folder], catalogue).entries()
    monkeypatch.setattr(headers, "read", lambda path: pytest.fail(f"{path} is read again"))
    later = Shelf(Kind.LORA, [folder], catalogue)
    assert later.find("one").family == "SD2" and later.described()[0][1] == '{"ss_output_name": "one", "ss_v2": "True"}'


def test_kinds_do_not_mix(tmp_path, catalogue):
    written(tmp_path / "a.safetensors", {"ss_output_name": "x"}, {"emb_params": [2, 768]})
    lora, word = (Shelf(kind, [tmp_path], catalogue) for kind in (Kind.LORA, Kind.EMBEDDING))
    for _ in range(2):
        assert lora.find("x").facts.vectors == 0 and word.find("a").facts.vectors == 2
        lora, word = (Shelf(kind, [tmp_path], catalogue) for kind in (Kind.LORA, Kind.EMBEDDING))


def test_lists_are_steady_while_files_come_and_go(shelf, folder):
    wrong = []

    def ask():
        for _ in range(60):
            found = names(shelf)
            if "stays" not in found or len(set(found)) != len(found) or shelf.find("stays") is None:
                wrong.append(found)

    written(folder / "stays.safetensors")
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        written(folder / f"sub {number % 3}/{number}.safetensors")
        if number % 2:
            (folder / f"sub {(number - 1) % 3}/{number - 1}.safetensors").unlink()
    for thread in threads:
        thread.join()
    assert not wrong and len(names(shelf)) == 31


# Odd folders


def test_links_are_followed_and_never_in_circles(shelf, folder, tmp_path):
    written(tmp_path / "elsewhere/far.safetensors")
    written(folder / "sub/near.safetensors")
    (folder / "sub/up").symlink_to(folder)
    (folder / "sub/self").symlink_to(folder / "sub/self")
    (folder / "away").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(tmp_path / "elsewhere")
    (folder / "one file.safetensors").symlink_to(tmp_path / "elsewhere/far.safetensors")
    (folder / "nowhere.safetensors").symlink_to(tmp_path / "nothing")
    assert sorted(names(shelf)) == ["far", "near", "one file"]


def test_what_is_no_file_is_left_out(shelf, folder):
    os.mkfifo(folder / "pipe.safetensors")
    (folder / "folder.safetensors").mkdir()
    written(folder / "net.safetensors")
    assert names(shelf) == ["net"]


def test_a_folder_that_is_not_there_yet(tmp_path, catalogue):
    shelf = Shelf(Kind.LORA, [tmp_path / "a", tmp_path / "b"], catalogue)
    assert names(shelf) == []
    written(tmp_path / "b/net.safetensors")
    assert names(shelf) == ["net"]


def test_a_young_folder_is_looked_into_again(folder):
    found = listing.walk(folder, {}, lambda path, mtime: listing.Listing(mtime), set())
    assert found[str(folder)].mtime == 0
    os.utime(folder, (5, 5))
    assert (
        listing.walk(folder, {}, lambda path, mtime: listing.Listing(mtime), set())[str(folder)].mtime == 5_000_000_000
    )
