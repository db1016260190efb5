"""Styles: applied, found again in a finished prompt, and kept in files that nothing gets lost from."""

import pytest

from modules.exceptions import PromptError, WebuiError
from modules.prompts.stylefiles import Styles
from modules.prompts.styles import Style, apply_styles, extract_styles

PHOTO = Style("Photo", "photo of {prompt}, 35mm", "painting")
SUFFIX = Style("Suffix", "masterpiece, best quality", "lowres")
BOTH = Style("Both", "cinematic {prompt} still", "cartoon, {prompt}, blurry")
NEGATIVE = Style("Negative", "", "(worst quality:1.2)")
ALL = [PHOTO, SUFFIX, BOTH, NEGATIVE]


@pytest.mark.parametrize(
    ("styles", "prompt", "negative", "made"),
    [
        ([BOTH], "a hill", "bad", ("cinematic a hill still", "cartoon, bad, blurry")),
        ([PHOTO, SUFFIX], "a", "b", ("photo of a, 35mm, masterpiece, best quality", "b, painting, lowres")),
        ([SUFFIX, PHOTO], "a", "", ("photo of a, masterpiece, best quality, 35mm", "lowres, painting")),
        ([PHOTO, SUFFIX], "", "", ("photo of , 35mm, masterpiece, best quality", "painting, lowres")),
        ([SUFFIX], " a ", "", ("a, masterpiece, best quality", "lowres")),
        ([NEGATIVE], "a", "b", ("a", "b, (worst quality:1.2)")),
    ],
)
def test_styles_dress_a_prompt_as_in_a1111(styles, prompt, negative, made):
    assert apply_styles(prompt, negative, styles) == made


@pytest.mark.parametrize("styles", [[PHOTO], [SUFFIX], [BOTH], [NEGATIVE], [PHOTO, SUFFIX], [SUFFIX, BOTH, NEGATIVE]])
@pytest.mark.parametrize("prompts", [("a castle", "blurry, lowres"), ("", ""), ("photo of x", "y")])
def test_styles_are_found_again(styles, prompts):
    dressed = apply_styles(*prompts, styles)
    names, *bare = extract_styles(*dressed, ALL)
    by_name = {style.name: style for style in ALL}
    assert apply_styles(*bare, [by_name[name] for name in names]) == dressed
    if prompts[0]:
        assert names == [style.name for style in styles] and tuple(bare) == prompts


def test_both_prompts_must_carry_a_style():
    assert extract_styles("photo of a, 35mm", "blurry", ALL) == ([], "photo of a, 35mm", "blurry")
    assert extract_styles("xmasterpiece, best quality", "lowres", ALL)[0] == []
    assert extract_styles("a", "b", [Style("nothing")])[0] == []


def test_styles_that_double_their_prompt_end():
    with pytest.raises(PromptError, match="choose fewer"):
        apply_styles("a" * 100, "", [Style("twice", "{prompt} {prompt}")] * 100)


def test_files_are_read_as_a1111_writes_them(tmp_path):
    (tmp_path / "styles.csv").write_text(
        'name,prompt,negative_prompt\r\n"a, b","x, ""{prompt}""\r\nsecond",no\r\n,,\r\n#note,x,y\r\nShort\r\n',
        encoding="utf-8-sig",
        newline="",
    )
    (tmp_path / "styles-old.csv").write_text("name,text\nOld,wörds\n", encoding="utf-8")
    (tmp_path / "styles-sheet.csv").write_text("name,prompt\nShort,wörds\n", encoding="cp1252")
    styles = Styles([tmp_path / "styles*.csv", tmp_path / "none.csv"]).all()
    assert list(styles) == ["Old", "Short", "a, b"]
    assert styles["a, b"] == Style("a, b", 'x, "{prompt}"\r\nsecond', "no")
    assert styles["Old"] == Style("Old", "wörds") and styles["Short"] == Style("Short", "")


def test_the_later_file_wins_and_no_file_is_no_style(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"name,prompt\nx,{name}\n")
    assert Styles([tmp_path / "a.csv", tmp_path / "b.csv"]).all()["x"].prompt == "b"
    assert Styles([tmp_path / "none.csv"]).all() == {}


def test_a_change_of_the_file_is_seen(tmp_path):
    path = tmp_path / "styles.csv"
    styles = Styles([path])
    assert styles.all() == {}
    path.write_text("name,prompt\na,1\n")
    assert list(styles.all()) == ["a"]
    path.write_text("name,prompt\na,1\nb,22\n")
    assert list(styles.all()) == ["a", "b"]


def test_writing_keeps_what_it_does_not_know(tmp_path):
    path = tmp_path / "styles.csv"
    path.write_text("name,text,stars\n#a comment,1\nA,old,7\n\nB,b\n")
    before = path.read_bytes()
    styles = Styles([path])
    styles.put(Style("A", "new, {prompt}", "neg"))
    assert (tmp_path / "styles.csv.bak").read_bytes() == before
    styles.put(Style("C", "line\nline", ""))
    styles.drop("B")
    styles.drop("never there")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[:3] == ["name,prompt,stars,negative_prompt", "#a comment,1", 'A,"new, {prompt}",7,neg']
    assert (
        styles.all()
        == Styles([path]).all()
        == {
            "A": Style("A", "new, {prompt}", "neg"),
            "C": Style("C", "line\nline"),
        }
    )
    assert not list(tmp_path.glob("*.tmp"))


def test_a_style_is_written_where_it_is(tmp_path):
    first, second = tmp_path / "styles.csv", tmp_path / "more.csv"
    second.write_text("name,prompt\nA,1\n")
    styles = Styles([tmp_path / "m*.csv", first])
    styles.put(Style("A", "2"))
    styles.put(Style("N", "new"))
    assert Styles([second]).all() == {"A": Style("A", "2")}
    assert Styles([first]).all() == {"N": Style("N", "new")}


def test_a_failed_write_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "styles.csv"
    path.write_text("name,prompt\nA,1\n")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("modules.prompts.stylefiles.os.replace", full)
    with pytest.raises(WebuiError, match="'B' could not be written: .*No space left"):
        Styles([path]).put(Style("B"))
    assert path.read_text() == "name,prompt\nA,1\n"
