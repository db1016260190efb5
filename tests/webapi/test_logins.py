"""Passwords: how they are written, kept, checked and guessed."""

import base64

import pytest

from modules import exceptions
from modules.settings.sections import Launch
from modules.webapi import logins, security


def basic(user, password):
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


@pytest.mark.parametrize("text", ["secretword", "ann:", ":secretword", "ann:ok,secretword", ","])
def test_a_login_flag_that_is_none_stops_the_start(text):
    with pytest.raises(exceptions.ParameterError, match="--api-auth") as caught:
        security.rules(Launch(api_auth=text))
    assert "secretword" not in str(caught.value)


def test_a_password_is_hashed_once_and_kept_hashed(monkeypatch):
    calls = []
    monkeypatch.setattr(logins, "_scrypt", lambda password, salt: calls.append(password) or (salt + password).ljust(32))
    door = logins.Door(logins.parse("ann:secretword, bob:other, carl:third", "--x"))
    header = basic("ann", "secretword")
    assert not door.remembers(header) and door.opens(header, "a") and door.remembers(header)
    assert len(calls) == 3 + 1  # one for each that is kept, one for her who came
    assert door.opens(header, "b") and len(calls) == 4  # one of many that came at once with the same header
    assert not door.opens(basic("dora", "secretword"), "a") and len(calls) == 5
    assert header not in door._good and b"secretword" not in repr(door._good).encode()


def test_the_hash():
    login = logins.Login.of("ann", "word")
    assert login.fits(b"ann", b"word") and not login.fits(b"ann", b"Word") and not login.fits(b"Ann", b"word")
    assert b"word" not in login.digest and login.digest != logins.Login.of("ann", "word").digest


def test_the_pause_grows_and_ends(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(logins.time, "monotonic", lambda: clock[0])
    door = logins.Door(logins.parse("ann:word", "--x"))
    waits = []
    for _ in range(12):
        door.opens(b"Basic x", "a")
        waits.append(door.pause("a"))
        clock[0] += waits[-1]
        assert door.pause("a") == 0
    assert waits[:4] == [0, 0, 0, 0] and waits[4:9] == [1, 2, 4, 8, 16] and waits[-1] == logins.LONGEST_PAUSE
    door.opens(basic("ann", "word"), "a")
    door.opens(b"Basic x", "a")
    assert door.pause("a") == 0
