"""Names and passwords: kept as salted hashes, checked in constant time, guessed at a crawl.

A file of logins has one `user:password` a line, or several separated by commas, as A1111 reads it. A password may be
its hash, `scrypt:salt:digest`; below a line `[user]` or `[guest]` the logins have that role, above it `admin`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path

from modules.exceptions import ParameterError
from modules.settings.reach import Role, User

REMEMBERED = 256  # headers found good, so that scrypt's price is paid once a client
FREE_TRIES = 5
LONGEST_PAUSE = 30.0  # seconds
ADDRESSES = 10_000
TOGETHER = 100  # failures a minute from all addresses: whoever stands behind a proxy may claim any address
HEADING = re.compile(r"\[(admin|user|guest)\]")
HASHED = re.compile(r"scrypt:([A-Za-z0-9_-]+={0,2}):([A-Za-z0-9_-]+={0,2})")


@dataclass(frozen=True, slots=True)
class Login:
    """One user; the password cannot be read back."""

    user: bytes
    salt: bytes
    digest: bytes
    role: Role = Role.ADMIN

    @classmethod
    def of(cls, user: str, password: str, role: Role = Role.ADMIN) -> Login:
        """With a password, or with the hash of one as `written` gives it."""
        if hashed := HASHED.fullmatch(password):
            salt, digest = (base64.urlsafe_b64decode(part) for part in hashed.groups())
            return cls(user.encode(), salt, digest, role)
        salt = secrets.token_bytes(16)
        return cls(user.encode(), salt, _scrypt(password.encode(), salt), role)

    @property
    def written(self) -> str:
        """`user:scrypt:salt:digest`."""
        salt, digest = (base64.urlsafe_b64encode(part).decode() for part in (self.salt, self.digest))
        return f"{self.user.decode()}:scrypt:{salt}:{digest}"

    @property
    def who(self) -> User:
        """Whoever logs in with it."""
        return User(self.user.decode(), self.role)

    def fits(self, user: bytes, password: bytes) -> bool:
        """Whether these are the user's; takes as long for a wrong name as for a wrong password."""
        right = hmac.compare_digest(_scrypt(password, self.salt), self.digest)
        return hmac.compare_digest(user, self.user) and right


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1, dklen=32)


def parse(text: str, flag: str, role: Role = Role.ADMIN) -> tuple[Login, ...]:
    """The logins of `user:password,user:password`; ParameterError that does not repeat the passwords."""
    found = []
    for number, part in enumerate((part.strip() for part in text.split(",")), 1):
        user, colon, password = part.partition(":")
        if part and not (user and colon and password):
            raise ParameterError(f"{flag}: login number {number} is not written user:password.")
        if part:
            found.append(_login(user, password, role, flag))
    if text and not found:
        raise ParameterError(f"{flag}: there is no user:password in it.")
    return tuple(found)


def _login(user: str, password: str, role: Role, flag: str) -> Login:
    try:
        return Login.of(user, password, role)
    except ValueError:
        raise ParameterError(f"{flag}: the hash of {user}'s password is damaged; write the password anew.") from None


def read_file(path: Path, flag: str) -> tuple[Login, ...]:
    """The logins of a file. ParameterError where it cannot be read or names nobody."""
    role = Role.ADMIN
    found: list[Login] = []
    for number, line in enumerate(_lines(path, flag), 1):
        if heading := HEADING.fullmatch(line.strip()):
            role = Role[heading[1].upper()]
        elif line.strip() and not line.lstrip().startswith("#"):
            found += parse(line, f"{flag}: {path}, line {number}", role)
    if not found:
        raise ParameterError(f"{flag}: there is no user:password in {path}.")
    return tuple(found)


def hash_file(path: Path, flag: str) -> int:
    """Put hashes in the place of a file's passwords; how many. The file is written whole or not at all."""
    read_file(path, flag)
    lines, count = [], 0
    for line in _lines(path, flag):
        if not line.strip() or HEADING.fullmatch(line.strip()) or line.lstrip().startswith("#"):
            lines.append(line)
            continue
        count += sum(not HASHED.fullmatch(part.strip().partition(":")[2]) for part in line.split(",") if part.strip())
        lines += [login.written for login in parse(line, flag)]
    made = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(made, path)
    except OSError as error:
        raise ParameterError(f"{flag}: {path} cannot be written: {error.strerror}.") from error
    return count


def _lines(path: Path, flag: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{flag}: {path} cannot be read: {getattr(error, 'strerror', error)}.") from error


class Door:
    """Who may pass: some logins, those found good lately, and who guessed wrong how often. Any thread may ask."""

    def __init__(self, logins: tuple[Login, ...]):
        self.logins = logins
        self._key = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, User] = OrderedDict()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._latest: deque[float] = deque(maxlen=TOGETHER)
        self._lock = threading.Lock()

    def remembers(self, header: bytes) -> User | None:
        """Whose Authorization header this is, if it was found good before."""
        return self._good.get(self._mark(header))

    def opens(self, header: bytes, address: str) -> User | None:
        """Whose Authorization header this is, if it is good; slow, by design."""
        if (known := self.remembers(header)) is not None:
            return known  # found good while this request waited: many come at once with the same one
        user, password = _basic(header)
        named = [login for login in self.logins if hmac.compare_digest(user, login.user)]
        good = [login for login in named or self.logins[:1] if login.fits(user, password)]  # a stranger takes as long
        with self._lock:
            if good:
                self._failures.pop(address, None)
                self._good[self._mark(header)] = good[0].who
                if len(self._good) > REMEMBERED:
                    self._good.popitem(last=False)
            else:
                count, _ = self._failures.pop(address, (0, 0.0))
                self._failures[address] = count + 1, time.monotonic()
                self._latest.append(time.monotonic())
                if len(self._failures) > ADDRESSES:
                    self._failures.popitem(last=False)
        return good[0].who if good else None

    def pause(self, address: str) -> float:
        """Seconds until this address may try again; doubles with each failure after the free ones."""
        if len(self._latest) == TOGETHER and (flood := self._latest[0] + 60 - time.monotonic()) > 0:
            return flood
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
