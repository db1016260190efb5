"""Names and passwords: kept as salted hashes, checked in constant time, guessed at a crawl."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from modules.exceptions import ParameterError

REMEMBERED = 256  # headers found good, so that scrypt's price is paid once a client
FREE_TRIES = 5
LONGEST_PAUSE = 30.0  # seconds
ADDRESSES = 10_000


@dataclass(frozen=True, slots=True)
class Login:
    """One user; the password cannot be read back."""

    user: bytes
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, user: str, password: str) -> Login:
        salt = secrets.token_bytes(16)
        return cls(user.encode(), salt, _scrypt(password.encode(), salt))

    def fits(self, user: bytes, password: bytes) -> bool:
        """Whether these are the user's; takes as long for a wrong name as for a wrong password."""
        right = hmac.compare_digest(_scrypt(password, self.salt), self.digest)
        return hmac.compare_digest(user, self.user) and right


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1, dklen=32)


def parse(text: str, flag: str) -> tuple[Login, ...]:
    """The logins of `user:password,user:password`; ParameterError that does not repeat the passwords."""
    found = []
    for number, part in enumerate((part.strip() for part in text.split(",")), 1):
        user, colon, password = part.partition(":")
        if part and not (user and colon and password):
            raise ParameterError(f"{flag}: login number {number} is not written user:password.")
        if part:
            found.append(Login.of(user, password))
    if text and not found:
        raise ParameterError(f"{flag}: there is no user:password in it.")
    return tuple(found)


class Door:
    """Who may pass: some logins, those found good lately, and who guessed wrong how often. Any thread may ask."""

    def __init__(self, logins: tuple[Login, ...]):
        self.logins = logins
        self._key = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def remembers(self, header: bytes) -> bool:
        """Whether this Authorization header was found good before."""
        return self._mark(header) in self._good

    def opens(self, header: bytes, address: str) -> bool:
        """Whether this Authorization header is good; slow, by design."""
        user, password = _basic(header)
        good = [login for login in self.logins if login.fits(user, password)]
        with self._lock:
            if good:
                self._failures.pop(address, None)
                self._good[self._mark(header)] = None
                if len(self._good) > REMEMBERED:
                    self._good.popitem(last=False)
            else:
                count, _ = self._failures.pop(address, (0, 0.0))
                self._failures[address] = count + 1, time.monotonic()
                if len(self._failures) > ADDRESSES:
                    self._failures.popitem(last=False)
        return bool(good)

    def pause(self, address: str) -> float:
        """Seconds until this address may try again; doubles with each failure after the free ones."""
        count, last = self._failures.get(address, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        wait = min(LONGEST_PAUSE, 2.0 ** min(count - FREE_TRIES, 10))
        return max(0.0, last + wait - time.monotonic())

    def _mark(self, header: bytes) -> bytes:
        return hmac.digest(self._key, header, "sha256")


def _basic(header: bytes) -> tuple[bytes, bytes]:
    """(user, password) of an HTTP Basic header (RFC 7617); empty ones for anything else."""
    scheme, _, rest = header.partition(b" ")
    if scheme.lower() != b"basic":
        return b"", b""
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return user, password
