"""Extensions from a repository: copied, brought up to date, pinned, put back; and what git is kept from."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modules.exceptions import ExtensionError, NotFound, ParameterError
from modules.host.extensions import git, states
from modules.host.extensions.catalogue import Extensions, plain
from modules.host.extensions.installing import stamp
from modules.settings.folders import Folders
from modules.settings.sections import Launch


def run(folder: Path, *words: str) -> str:
    who = "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


class Origin:
    """A bare repository, and the folder in which its commits are made."""

    def __init__(self, root: Path):
        self.work, self.bare = root / "work", root / "thing.git"
        self.work.mkdir()
        run(self.work, "init", "--quiet")
        self.first = self.commit("scripts/thing.py", "VALUE = 1\n")
        run(root, "clone", "--quiet", "--bare", str(self.work), str(self.bare))

    def commit(self, name: str, text: str) -> str:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        run(self.work, "add", ".")
        run(self.work, "commit", "--quiet", "-m", name)
        return run(self.work, "rev-parse", "HEAD")

    def push(self, name: str, text: str, branch: str = "main") -> str:
        made = self.commit(name, text)
        run(self.work, "push", "--quiet", str(self.bare), f"HEAD:{branch}")
        return made


@pytest.fixture
def origin(tmp_path):
    return Origin(tmp_path)


@pytest.fixture
def extensions(tmp_path):
    launch = Launch(data_dir=str(tmp_path / "data"))
    return Extensions(Folders.of(launch), launch)


def at(extensions: Extensions, name: str = "thing") -> str:
    return (extensions.root / name / "scripts/thing.py").read_text()


def test_install_update_pin_and_follow_again(extensions, origin):
    made = extensions.add(str(origin.bare))
    state = git.state(made.path)
    assert (made.name, state.commit, state.branch, state.remote) == ("thing", origin.first, "main", str(origin.bare))
    assert extensions.check("thing") == "latest"
    second = origin.push("scripts/thing.py", "VALUE = 2\n")
    assert extensions.check("thing") == "new commits"
    assert extensions.update("thing") and at(extensions) == "VALUE = 2\n"
    assert not extensions.update("thing")
    extensions.pin("thing", origin.first[:8])
    assert at(extensions) == "VALUE = 1\n" and git.state(made.path).pinned
    assert extensions.check("thing") == "new commits"
    with pytest.raises(ParameterError, match="pinned"):
        extensions.update("thing")
    extensions.pin("thing", "")
    state = git.state(made.path)
    assert (state.commit, state.branch, state.pinned) == (second, "main", False)


def test_a_commit_that_is_not_here_yet_can_be_pinned(extensions, origin):
    extensions.add(str(origin.bare))
    origin.push("scripts/thing.py", "VALUE = 2\n")
    aside = origin.push("scripts/thing.py", "VALUE = 3\n", "aside")
    extensions.pin("thing", aside)
    assert at(extensions) == "VALUE = 3\n"
    with pytest.raises(ParameterError, match="has no commit"):
        extensions.pin("thing", "0" * 12)
    assert at(extensions) == "VALUE = 3\n"


def test_a_saved_state_is_brought_back(extensions, origin, tmp_path):
    path = extensions.add(str(origin.bare)).path
    again = tmp_path / "again.git"
    run(tmp_path, "clone", "--quiet", "--bare", str(origin.bare), str(again))
    extensions.add(str(again), "pinned")
    extensions.pin("pinned", origin.first)
    (extensions.root / "plain/scripts").mkdir(parents=True)
    stem = states.save(tmp_path, "good", states.now(extensions, {"disabled_extensions": ["Plain", "away"]}))
    assert stem.endswith("_good") and states.saved(tmp_path) == [stem]

    second = origin.push("scripts/thing.py", "VALUE = 2\n")
    assert extensions.update("thing")
    assert git.state(path).commit == second
    extensions.pin("pinned", "")
    (extensions.root / "new/scripts").mkdir(parents=True)
    off, failed = states.restore(extensions, states.load(tmp_path, stem), {})
    assert (off, failed) == (["new", "plain"], [])
    assert (at(extensions), at(extensions, "pinned")) == ("VALUE = 1\n", "VALUE = 1\n")
    assert git.state(path).branch == "main" and git.state(extensions.root / "pinned").pinned
    assert extensions.check("thing") == "new commits"  # it follows its branch from there

    shutil.rmtree(extensions.root / "pinned")
    off, failed = states.restore(extensions, states.load(tmp_path, stem), {})
    assert len(failed) == 1 and failed[0].startswith("pinned is not here any more; install it from ")


def test_a_state_of_a1111s_is_read_and_nonsense_is_told(extensions, origin, tmp_path):
    extensions.add(str(origin.bare))
    folder = tmp_path / states.FOLDER
    folder.mkdir()
    row = {"name": "thing", "is_builtin": False, "enabled": False, "branch": "main", "commit_hash": origin.first}
    built = {"LDSR": {"is_builtin": True, "enabled": True, "commit_hash": None}}
    whole = {"created_at": 1.5, "webui": {"commit_hash": "x"}, "extensions": {"thing": row} | built}
    (folder / "a.json").write_text(json.dumps(whole))
    assert states.restore(extensions, states.load(tmp_path, "a"), {}) == (["thing"], [])
    for text in (
        "{",
        "[]",
        "{}",
        '{"extensions": []}',
        '{"extensions": {"thing": {"commit_hash": "--upload-pack=x"}}}',
    ):
        (folder / "a.json").write_text(text)
        with pytest.raises(ParameterError, match="a.json holds no state"):
            states.load(tmp_path, "a")
    for name in ("../a", "b", ""):
        with pytest.raises(NotFound):
            states.load(tmp_path, name)
    with pytest.raises(ParameterError, match="no name for a folder"):
        states.save(tmp_path, "../x", states.now(extensions, {}))


def test_a_branch_and_a_name(extensions, origin):
    origin.push("scripts/thing.py", "VALUE = 9\n", "other/one")
    made = extensions.add(f"file://{origin.bare}", "my thing", "other/one")
    assert made.name == "my thing" and at(extensions, "my thing") == "VALUE = 9\n"


def test_changes_by_hand_are_kept_aside(extensions, origin):
    made = extensions.add(str(origin.bare))
    (made.path / "scripts/thing.py").write_text("VALUE = 'mine'\n")
    (made.path / "notes.txt").write_text("mine too")
    origin.push("scripts/thing.py", "VALUE = 2\n")
    assert extensions.update("thing") and at(extensions) == "VALUE = 2\n"
    assert "mine" in run(made.path, "stash", "show", "-p") and (made.path / "notes.txt").exists()


def test_an_update_that_cannot_be_loaded_is_taken_back(extensions, origin):
    made = extensions.add(str(origin.bare))
    origin.push("scripts/thing.py", "VALUE = 2\n")
    extensions.update("thing")
    origin.push("scripts/thing.py", "broken(\n")
    extensions.update("thing")
    again = Extensions(extensions.folders, extensions.launch)  # the next start
    sys.modules["left_over"] = type(sys)("left_over")
    sys.modules["left_over"].__file__ = str(made.path / "left_over.py")
    assert again.roll_back(again.taken[0]) and at(again) == "VALUE = 1\n"
    assert "left_over" not in sys.modules
    assert f"back at {origin.first[:8]}" in again.troubles.of("thing")[0].sentence
    assert git.state(made.path).branch == "main" and not again.roll_back(again.taken[0])


def test_an_update_that_could_be_loaded_stays(extensions, origin):
    extensions.add(str(origin.bare))
    origin.push("scripts/thing.py", "VALUE = 2\n")
    extensions.update("thing")
    again = Extensions(extensions.folders, extensions.launch)
    again.fine(again.taken[0])
    assert not again.roll_back(again.taken[0]) and at(again) == "VALUE = 2\n"


def test_an_update_is_another_state_for_install(extensions, origin):
    made = extensions.add(str(origin.bare))
    before = stamp(made)
    assert git.commit_of(made.path) == origin.first
    origin.push("readme.txt", "more")
    extensions.update("thing")
    assert stamp(made) != before


def test_what_is_there_is_not_overwritten(extensions, origin):
    extensions.add(str(origin.bare))
    with pytest.raises(ParameterError, match="already"):
        extensions.add(str(origin.bare))
    with pytest.raises(ParameterError, match="already, in the folder 'thing'"):
        extensions.add(str(origin.bare), "other")
    (extensions.root / "taken").mkdir()
    with pytest.raises(ParameterError, match="already"):
        extensions.add(str(origin.bare), "taken")


def test_a_repository_without_an_extension_leaves_nothing(extensions, tmp_path):
    work = tmp_path / "plain"
    work.mkdir()
    run(work, "init", "--quiet")
    (work / "a.txt").write_text("a")
    run(work, "add", ".")
    run(work, "commit", "--quiet", "-m", "a")
    with pytest.raises(ParameterError, match="holds no extension"):
        extensions.add(str(work))
    assert list(extensions.root.iterdir()) == []


def test_a_folder_that_is_no_repository_is_told(extensions):
    (extensions.root / "loose/scripts").mkdir(parents=True)
    assert "did not come from a repository" in extensions.check("loose")
    with pytest.raises(ExtensionError, match="did not come"):
        extensions.update("loose")
    with pytest.raises(NotFound):
        extensions.update("../loose")


def test_all_are_brought_up_to_date_but_pinned_ones(extensions, origin):
    extensions.add(str(origin.bare))
    (extensions.root / "loose/scripts").mkdir(parents=True)
    origin.push("scripts/thing.py", "VALUE = 2\n")
    again = Extensions(extensions.folders, extensions.launch)
    again.update_all()
    assert at(again) == "VALUE = 2\n" and again.troubles.of("loose") == []
    again.pin("thing", origin.first)
    again.update_all()
    assert at(again) == "VALUE = 1\n" and again.troubles.of("thing") == []
    again.pin("thing", "")
    origin.bare.rename(origin.bare.with_name("moved.git"))
    again.update_all()
    assert "being updated" in again.troubles.of("thing")[0].sentence


def test_an_origin_that_is_gone_is_one_sentence(extensions, origin):
    extensions.add(str(origin.bare))
    origin.bare.rename(origin.bare.with_name("moved.git"))
    assert "No extension can be had" in extensions.check("thing")


# What an address, a branch, a name and a commit may not be


@pytest.mark.parametrize(
    "url",
    [
        "", "-", "--upload-pack=touch x", "-oProxyCommand=touch x", "ext::sh -c touch% x", "fd::17", "http://a.b/c",
        "git://a.b/c", "ftp://a.b/c", "file:///etc", "file://other/etc", "ssh://-oProxyCommand=touch/x", "https://", "https://-x/y",
        "ssh://-u@a/b", "a@-oProxyCommand=x:y", "a@b:-x", "https://a.b/c d", "https://a.b/c\n--x", "https://a.b\\c",
        "javascript:alert(1)", "relative/folder", "../x", "/no/such/folder", "https://a.b/" + "c" * 500, "https://\u202ea/b",
    ],
)  # fmt: skip
def test_addresses_that_git_is_not_given(tmp_path, extensions, url):
    if url == "file:///etc":  # a folder, but the server can be reached by others
        with pytest.raises(ParameterError, match="No extension can be had"):
            git.address(url, near=False)
        return
    with pytest.raises(ParameterError, match="No extension can be had"):
        extensions.add(url)


@pytest.mark.parametrize(
    "url",
    ["https://a.b/c.git", "https://me:key@a.b:8443/c", "ssh://git@a.b:22/c", "git@a.b:c/d.git", "https://[::1]/c"],
)
def test_addresses_that_it_is_given(url):
    assert git.address(f" {url} ", near=False) == url


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "../a",
        "/a",
        "-a",
        ".a",
        "a.",
        "a ",
        "con",
        "NUL.x",
        "a\nb",
        "a..b",
        "a:b",
        "\0",
        "x" * 101,
    ],
)
def test_names_that_are_no_folder(name):
    with pytest.raises(ParameterError, match="no name for a folder"):
        plain(name)


@pytest.mark.parametrize("name", ["--orphan", "a..b", "a b", "a~1", "a^", "a:b", "@{-1}", "x.lock", "/a", "a/", "a//b"])
def test_branches_that_are_none(extensions, origin, name):
    with pytest.raises(ParameterError, match="no name of a branch"):
        extensions.add(str(origin.bare), "", name)


@pytest.mark.parametrize("commit", ["main", "--all", "HEAD~1", "abc", "g" * 40, "0" * 65])
def test_commits_that_are_none(extensions, origin, commit):
    extensions.add(str(origin.bare))
    with pytest.raises(ParameterError, match="no commit"):
        extensions.pin("thing", commit)


def test_what_a_copy_brings_with_it_is_not_run(extensions, origin, tmp_path):
    """Hooks and programs that a repository's own configuration names."""
    made = extensions.add(str(origin.bare))
    trap, sprung = tmp_path / "trap.sh", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    for hook in ("post-checkout", "post-merge", "reference-transaction"):
        (made.path / ".git/hooks" / hook).write_bytes(trap.read_bytes())
        (made.path / ".git/hooks" / hook).chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "remote.origin.uploadpack"):
        run(made.path, "config", key, str(trap))
    origin.push("scripts/thing.py", "VALUE = 2\n")
    git.state(made.path)
    extensions.check("thing")
    assert extensions.update("thing")
    extensions.pin("thing", origin.first)
    assert not sprung.exists()


def test_a_password_in_an_address_is_not_shown(extensions):
    assert git.shown("fatal: https://me:secret@a.b/c not found") == "fatal: https://a.b/c not found"
    with pytest.raises(ParameterError) as error:
        extensions.add("http://me:secret@a.b/c")
    assert "secret" not in str(error.value)


def test_submodules_over_other_protocols_are_not_fetched(extensions, origin, tmp_path):
    (origin.work / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% sprung\n')
    run(origin.work, "add", ".gitmodules")
    run(origin.work, "update-index", "--add", "--cacheinfo", f"160000,{origin.first},x")
    run(origin.work, "commit", "--quiet", "-m", "a module from elsewhere")
    run(origin.work, "push", "--quiet", str(origin.bare), "HEAD:main")
    with pytest.raises(ExtensionError, match="failed"):
        extensions.add(str(origin.bare))
    assert not list(tmp_path.rglob("sprung")) and list(extensions.root.iterdir()) == []
