"""Who may change extensions from the page, what of the page's words is believed, and that names stay text."""

import json

import pytest
from fastapi.testclient import TestClient

from modules import server
from modules.app import build
from modules.exceptions import Forbidden, ParameterError, WebuiError
from modules.generate.request import Txt2Img
from modules.generate.wording import word
from modules.host.extensions import index
from modules.settings.reach import HOST, Role, User
from modules.settings.sections import Launch
from modules.webapi.watch import End
from modules.webui import config_states, extensions_tab
from modules.webui.extensions_tab import Wanted

ADMIN, EVE = User("ann", Role.ADMIN), User("eve", Role.USER)


@pytest.fixture
def program(tmp_path):
    """Makes a program over a folder with two extensions."""
    made = []

    def make(**flags):
        for name in ("one", "two"):
            (tmp_path / "extensions" / name / "scripts").mkdir(parents=True, exist_ok=True)
        made.append(build(Launch(data_dir=str(tmp_path), no_download_sd_model=True, nowebui=True, **flags)))
        return made[-1]

    yield make
    for one in made:
        one.queue.close()


def enabled(app):
    return [one.name for one in app.extensions.all(app.options.view().as_dict()) if one.enabled]


def test_what_is_unticked_is_off_at_the_next_start(program):
    app = program()
    app.options.change({"disabled_extensions": ["away"]})
    assert extensions_tab.apply(app, HOST, Wanted(ticks={"one": False, "two": True, "../x": False})) == []
    assert enabled(app) == ["two"]
    assert app.options.view().disabled_extensions == ["away", "one"]  # "away" lies elsewhere for now
    assert [one.name for one in program().extensions.taken] == ["two"]
    extensions_tab.apply(app, HOST, Wanted(every="extra"))
    assert enabled(app) == [] and program().extensions.taken == ()
    extensions_tab.apply(app, HOST, Wanted())
    assert enabled(app) == ["two"]  # of rows that the page had not got yet nothing is known
    extensions_tab.apply(app, HOST, Wanted(ticks={"one": True}))
    assert enabled(app) == ["one", "two"] and app.options.view().disabled_extensions == ["away"]


@pytest.mark.parametrize("flags", [{}, {"disable_all_extensions": True}])
def test_leaving_all_out_unticks_none(program, flags):
    app = program(**flags)
    app.options.change({"disable_all_extensions": "all", "disabled_extensions": ["Two"]})
    shown = extensions_tab.table(app, HOST)
    assert 'name="enable_one" checked' in shown and 'name="enable_two" checked' not in shown
    assert ("started with a flag" in shown) == bool(flags)
    assert shown.count("after the restart") == (0 if flags else 3)  # with the one that comes with the program


def test_what_comes_with_the_program_is_in_the_list_and_can_be_switched_off(program):
    def drawn(app):
        return word(Txt2Img(prompt="{a|a}"), app.options.view().over(enable_wildcards=True), [1], app.sources).prompts[
            0
        ]

    app = program()
    assert drawn(app) == "a"
    row = extensions_tab.table(app, HOST).partition('name="enable_wildcards" checked')[2].partition("</tr>")[0]
    assert "built-in" in row and "update_" not in row and "pin_" not in row
    assert extensions_tab.apply(app, HOST, Wanted(every="extra")) == [] and drawn(program()) == "a"
    assert extensions_tab.apply(app, HOST, Wanted(every="all")) == [] and drawn(program()) == "{a|a}"
    assert extensions_tab.apply(app, HOST, Wanted(ticks={"wildcards": False})) == []
    assert drawn(program()) == "{a|a}" and app.options.view().disabled_extensions == ["wildcards"]
    assert 'name="enable_wildcards">' in extensions_tab.table(program(), HOST)
    app.options.change({"disabled_extensions": []})
    assert drawn(program(disable_extra_extensions=True)) == "a" and drawn(program(safe=True)) == "{a|a}"
    (app.folders.data / "extensions/Wildcards/scripts").mkdir(parents=True)  # gives way to one of its name
    assert "built-in" not in extensions_tab.table(program(), HOST) and drawn(program()) == "{a|a}"


def test_a_saved_state_is_shown_and_brought_back_by_who_may(program):
    app = program()
    app.options.change({"disabled_extensions": ["two", "wildcards"]})
    stem = config_states.save(app, HOST, "")
    app.options.change({"disabled_extensions": ["one"]})
    (app.folders.data / "extensions/<i>new/scripts").mkdir(parents=True)
    shown = config_states.table(app, HOST, stem)
    assert "<td>two</td><td></td><td></td><td>no repository (off)</td><td>no repository</td>" in shown
    assert "&lt;i&gt;new" in shown and "<i>" not in shown and "not saved: switched off" in shown
    assert config_states.restore(app, HOST, stem) == []
    assert app.options.view().disabled_extensions == ["<i>new", "two"]  # what comes with the program is as it is
    for act in (lambda: config_states.save(app, EVE, "x"), lambda: config_states.restore(app, EVE, stem)):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(Forbidden, match="--enable-insecure-extension-access"):
        config_states.restore(program(listen=True), ADMIN, stem)


@pytest.mark.parametrize("open_by", [{"listen": True}, {"share": True}, {"server_name": "0.0.0.0"}])
def test_an_open_server_takes_no_code_from_the_page_without_a_flag(program, open_by):
    app = program(**open_by)
    asked = [
        lambda: extensions_tab.apply(app, ADMIN, Wanted(ticks={"one": False})),
        lambda: extensions_tab.apply(app, ADMIN, Wanted(updates=["one"])),
        lambda: extensions_tab.apply(app, ADMIN, Wanted(pins={"one": "abcdef12"})),
        lambda: extensions_tab.install(app, ADMIN, "https://example.invalid/a"),
        lambda: extensions_tab.check(app, ADMIN),
    ]
    for ask in asked:
        with pytest.raises(Forbidden, match="--enable-insecure-extension-access"):
            ask()
    assert extensions_tab.apply(app, ADMIN, Wanted()) == []  # nothing changes: the program may begin anew
    for change in ({"disabled_extensions": ["one"]}, {"disable_all_extensions": "all"}):  # by the API, by an import
        with pytest.raises(Forbidden):
            app.options.change(change)
        with pytest.raises(Forbidden):
            app.options.take(change)


def test_with_the_flag_it_is_the_administrators(program):
    app = program(listen=True, enable_insecure_extension_access=True)
    assert extensions_tab.apply(app, ADMIN, Wanted(ticks={"one": False})) == [] and enabled(app) == ["two"]
    with pytest.raises(ParameterError, match="No extension can be had"):  # it is not this machine's alone
        extensions_tab.install(app, ADMIN, str(app.folders.data))


@pytest.mark.parametrize("role", [Role.USER, Role.GUEST])
@pytest.mark.parametrize("flags", [{}, {"listen": True, "enable_insecure_extension_access": True}])
def test_users_and_guests_may_not(program, role, flags):
    app, user = program(**flags), User("eve", role)
    for ask in (
        lambda: extensions_tab.apply(app, user, Wanted()),
        lambda: extensions_tab.install(app, user, "https://example.invalid/a"),
        lambda: extensions_tab.check(app, user),
    ):
        with pytest.raises(Forbidden, match="You may not"):
            ask()
    app.extensions.troubles.note("one", "somewhere", OSError("of this machine"))
    if role is Role.GUEST:
        with pytest.raises(Forbidden):
            extensions_tab.table(app, user)
    else:
        assert "of this machine" not in extensions_tab.table(app, user)
    assert "of this machine" in extensions_tab.table(app, ADMIN)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("ticks", "{"), ("ticks", "7"), ("ticks", "[]"), ("ticks", '{"a": "b"}'), ("updates", '{"a": 1}'),
        ("pins", "[]"), ("pins", '{"a": 1}'), ("every", "some"),
    ],
)  # fmt: skip
def test_other_words_of_a_page_are_refused(place, text):
    said = {"ticks": "{}", "updates": "[]", "pins": "{}", "every": "none"} | {place: text}
    with pytest.raises(ParameterError, match="reload it"):
        Wanted.read(**said)


def test_what_fails_is_told_and_the_rest_done(program):
    app = program()
    failed = extensions_tab.apply(
        app, HOST, Wanted(updates=["one", "../two", "gone"], pins={"two": "--all"}, every="all")
    )
    assert [one.partition(":")[0] for one in failed] == ["one", "../two", "gone", "two"]
    assert app.options.view().disable_all_extensions == "all"


def test_everything_of_an_extension_is_text(program):
    app = program()
    evil = app.extensions.root / "<img src=x onerror=alert(1)>"
    (evil / "scripts").mkdir(parents=True)
    (evil / ".git").mkdir()
    app.extensions.troubles.note(evil.name, "here", OSError("<script>alert(1)</script>"))
    shown = extensions_tab.table(app, HOST, {evil.name: "<b>"})
    assert "<img" not in shown and "<script" not in shown and "<b>" not in shown and "&lt;img" in shown


def test_the_api_lists_them_and_only_administrators_restart(program):
    app = program(gradio_auth="ann:key")
    api = server.create(app)
    ended = []
    api.state.watch.end = ended.append
    client = TestClient(api, base_url="http://127.0.0.1")
    assert client.post("/internal/restart").status_code == 401
    client.auth = ("ann", "key")
    listed = client.get("/sdapi/v1/extensions").json()
    assert [(one["name"], one["enabled"], one["remote"]) for one in listed] == [("one", True, ""), ("two", True, "")]
    assert client.post("/internal/restart").status_code == 200 and ended == [End.RESTART]
    assert not server.security.may(User("eve", Role.USER), "POST", "/internal/restart")


@pytest.mark.parametrize(
    "url",
    ["", "file:///etc/passwd", "ftp://a.b/c", "data:,{}", "https://", "//a.b/c", "javascript:1", "https://a.b/\nx"],
)
def test_lists_come_over_http_alone(url):
    with pytest.raises(ParameterError, match="No list can be had"):
        index.fetch(url, near=True)


def test_http_without_s_is_for_this_machine_alone():
    with pytest.raises(ParameterError, match="https://"):
        index.fetch("http://127.0.0.1:9/x", near=False)
    with pytest.raises(WebuiError, match="cannot be had"):
        index.fetch("http://127.0.0.1:9/x", near=True)


@pytest.mark.parametrize("text", [b"", b"[]", b"7", b'{"extensions": 7}', b'{"other": []}', b"\xff"])
def test_what_is_no_list_is_told(text):
    with pytest.raises(WebuiError, match="no list of extensions"):
        index.parse(text)


def test_entries_are_chosen_and_ordered():
    rows = [
        {"name": "b", "url": "u1", "added": "2023-01-02", "tags": ["ads"], "stars": 5},
        {"name": "A", "url": "u2", "added": "2023-01-03", "description": "a Cat"},
        {"name": "c", "url": "u3", "added": "2023-01-01", "stars": "many", "tags": "ads"},
        {"name": "", "url": "u4"}, 7, {"name": "no url"},
    ]  # fmt: skip
    entries = index.parse(json.dumps({"extensions": rows}).encode())
    names = lambda *words: "".join(one.name for one in index.chosen(entries, *words))  # noqa: E731
    assert names((), index.AS_IS, "") == "bAc" and names((), index.NEWEST, "") == "Abc"
    assert names((), index.OLDEST, "") == "cbA" and names((), index.BY_NAME, "") == "Abc"
    assert names(("ads",), index.BY_NAME_BACK, "") == "cA" and names((), index.STARS, "")[0] == "b"
    assert names((), index.AS_IS, "cat a") == "A"
