"""The text in picture files is found wherever its writer put it, and never breaks the reading."""

import io
import json
import random

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.imaging.metadata import exif_comment, png_info, read_text, whole

TEXT = "a cat, 世界 😀 é\nNegative prompt: “blurry”\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 8x8"


def reopened(form: str, **arguments) -> Image.Image:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, form, **arguments)
    image = Image.open(io.BytesIO(out.getvalue()))
    image.load()
    return image


def with_exif(exif: bytes) -> Image.Image:
    image = Image.new("RGB", (8, 8))
    image.info["exif"] = exif
    return image


def tiff_with_comment(comment: bytes, order: str = "little") -> bytes:
    """Make EXIF bytes by Pillow, an implementation that is not ours."""
    exif = Image.Exif()
    exif.endian = "<" if order == "little" else ">"
    exif[0x0131] = "some software"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:22 10:00:00"
    exif.get_ifd(0x8769)[0x9286] = comment
    return exif.tobytes()


@pytest.mark.parametrize("text", ["plain", "newline\nand é", TEXT, "日本語だけ"])
def test_png_chunks_round_trip(text):
    image = reopened("PNG", pnginfo=png_info({"note": "kept", "parameters": text}))
    assert read_text(image) == (text, {"note": "kept"})


def test_latin_text_is_a_plain_chunk_and_other_text_is_not():
    assert [kind for kind, _, _ in png_info({"a": "é", "b": "世"}).chunks] == [b"tEXt", b"iTXt"]


def test_png_keywords_are_made_to_fit():
    image = reopened("PNG", pnginfo=png_info({"": "lost", "k" * 100: "long", "世\0界": "wide"}))
    assert read_text(image) == (None, {"k" * 79: "long", "??": "wide"})


def test_exif_is_byte_for_byte_what_piexif_writes():
    assert exif_comment("hé\n") == (
        b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x87i\x00\x04\x00\x00\x00\x01\x00\x00\x00\x1a\x00\x00\x00\x00"
        b"\x00\x01\x92\x86\x00\x07\x00\x00\x00\x0e\x00\x00\x00(UNICODE\x00\x00h\x00\xe9\x00\n"
    )


@pytest.mark.parametrize("text", ["x", TEXT, "日本語だけ", "\n two "])
def test_exif_round_trips_and_pillow_agrees(text):
    image = reopened("JPEG", exif=exif_comment(text))
    assert read_text(image) == (text, {})
    assert image.getexif().get_ifd(0x8769)[0x9286] == b"UNICODE\0" + text.encode("utf-16-be")


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + TEXT.encode("utf-16-be"),
        b"UNICODE\0" + TEXT.encode("utf-16-le"),
        b"UNICODE\0" + TEXT.encode("utf-16"),
        b"UNICODE\0" + TEXT.encode("utf-16-be") + b"\0\0",
        b"ASCII\0\0\0" + TEXT.encode("utf-8") + b"\0",
        bytes(8) + TEXT.encode("utf-8"),
        bytes(8) + TEXT.encode("utf-16-le"),
        TEXT.encode("utf-8"),
    ],
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_every_character_code_is_read(comment, order):
    assert read_text(with_exif(tiff_with_comment(comment, order)))[0] == TEXT


def test_old_codes_are_read():
    kana = "ねこ Steps: 20"
    for payload in (kana.encode("iso2022_jp"), kana.encode("shift_jis")):
        assert read_text(with_exif(tiff_with_comment(b"JIS\0\0\0\0\0" + payload)))[0] == kana
    assert read_text(with_exif(tiff_with_comment(b"ASCII\0\0\0caf\xe9")))[0] == "café"
    assert read_text(with_exif(tiff_with_comment(b"cat")))[0] == "cat"


def test_exif_goes_before_the_png_chunk_unless_it_is_blank():
    chunk = png_info({"parameters": "chunk"})
    assert read_text(reopened("PNG", pnginfo=chunk, exif=exif_comment("exif")))[0] == "exif"
    blank = tiff_with_comment(b"ASCII\0\0\0" + b" " * 20)
    assert read_text(reopened("PNG", pnginfo=chunk, exif=blank))[0] == "chunk"


def test_gif_comment_is_the_last_resort():
    assert read_text(reopened("GIF", comment=TEXT.encode())) == (TEXT, {})
    assert read_text(reopened("JPEG", comment=b"other", exif=exif_comment("mine"))) == ("mine", {"comment": "other"})
    assert read_text(reopened("GIF", comment=b"\xff\xfe\xfd")) == (None, {})


def novelai(comment: object, **others: str) -> Image.Image:
    info = {"Software": "NovelAI", "Description": "a {cat}", "Comment": comment, **others}
    return reopened("PNG", pnginfo=png_info({key: str(value) for key, value in info.items()}))


def test_novelai_becomes_a1111_text():
    facts = {"steps": 28, "sampler": "k_dpmpp_2m", "seed": 42, "scale": 11.0, "uc": "low, [bad]", "noise": 0.2}
    text, items = read_text(novelai(json.dumps(facts)))
    assert text == (
        "a {cat}\nNegative prompt: low, [bad]\n"
        "Steps: 28, Sampler: DPM++ 2M, CFG scale: 11.0, Seed: 42, Size: 8x8, Clip skip: 2, ENSD: 31337"
    )
    assert items["Software"] == "NovelAI"


def test_novelai_gaps_are_left_out():
    text, _ = read_text(novelai('{"steps": {"x": 1}, "sampler": [], "uc": null}'))
    assert text == "a {cat}\nSampler: Euler a, Size: 8x8, Clip skip: 2, ENSD: 31337"


@pytest.mark.parametrize("comment", ["", "{", "[1]", "[" * 100_000])
def test_broken_novelai_counts_as_absent(comment):
    text, items = read_text(novelai(comment))
    assert text is None
    assert items["Description"] == "a {cat}"


def test_parameters_go_before_novelai():
    assert read_text(novelai("{}", parameters="mine"))[0] == "mine"


def test_technical_items_and_raw_bytes_are_left_out():
    image = reopened("JPEG", dpi=(72, 72), progressive=True, icc_profile=b"profile")
    image.info |= {"photo": b"\xff\xfe", "word": "ünï".encode(), "number": 3}
    assert {"dpi", "jfif", "icc_profile"} <= image.info.keys()
    assert read_text(image) == (None, {"word": "ünï"})


def test_damaged_exif_never_raises_and_never_hides_the_chunk():
    good = exif_comment(TEXT)
    chance = random.Random(7)
    for _ in range(2000):
        bad = bytearray(good[: chance.randrange(len(good) + 1)] if chance.random() < 0.3 else good)
        for _ in range(chance.randrange(5) if bad else 0):
            bad[chance.randrange(min(len(bad), 48))] = chance.randrange(256)
        text, items = read_text(with_exif(bytes(bad)))
        assert text is None or text.strip()
        assert items == {}
    image = with_exif(good[:30])
    image.info["parameters"] = "chunk"
    assert read_text(image) == ("chunk", {})


def test_text_that_no_encoding_takes_is_mended():
    broken = "a\0b \ud83d\ude00 \ud800!"
    assert whole(broken) == "ab 😀 \ufffd!"
    assert read_text(with_exif(exif_comment(broken)))[0] == whole(broken)
    assert read_text(reopened("PNG", pnginfo=png_info({"parameters": broken})))[0] == whole(broken)


def test_compressed_chunks_are_read():
    info = PngInfo()
    info.add_text("parameters", TEXT, zip=True)
    assert read_text(reopened("PNG", pnginfo=info))[0] == TEXT
