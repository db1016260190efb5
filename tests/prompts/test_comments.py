"""Comments are not drawn."""

import pytest

from modules.prompts.comments import strip_comments


@pytest.mark.parametrize(
    ("prompt", "drawn"),
    [
        ("a red castle # this is a comment\n# whole line\non a hill", "a red castle\non a hill"),
        ("# all of it", ""),
        ("# first\n  # second\na", "a"),
        ("a\n\nb", "a\n\nb"),
        ("a #", "a"),
        ("a  \nb#c#d\n", "a  \nb\n"),
    ],
)
def test_from_the_mark_to_the_end_of_the_line(prompt, drawn):
    assert strip_comments(prompt) == drawn


def test_stripping_twice_changes_nothing():
    once = strip_comments("a # b\n#c\n d # e")
    assert strip_comments(once) == once
