"""Who can reach the server, what they may do there, and which of its folders they may name."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from modules.exceptions import Forbidden, ParameterError
from modules.settings.folders import Folders
from modules.settings.sections.launch import Launch


class Role(IntEnum):
    """What someone may do; each may do what those above it may."""

    GUEST = 1  # make pictures and see his own
    USER = 2  # see everyone's, look again for files; change nothing of the server
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class User:
    """Who asks; without a name where nobody has to log in."""

    name: str = ""
    role: Role = Role.ADMIN

    def need(self, role: Role, what: str) -> None:
        """Forbidden, said as "You may not `what`", for one of a lesser role."""
        if self.role < role:
            raise Forbidden(f"You may not {what}: your login is a {self.role.name.lower()}'s.")

    def sees(self, owner: str) -> bool:
        """Whether he may look at someone's job and its pictures."""
        return self.role > Role.GUEST or owner == self.name

    def stops(self, owner: str) -> bool:
        """Whether he may end someone's job."""
        return self.role is Role.ADMIN or owner == self.name


HOST = User()  # who runs the program


def is_open(launch: Launch) -> bool:
    """Whether other machines can reach the server."""
    if launch.share:
        return True
    if launch.listen or not launch.server_name:
        return launch.listen
    if launch.server_name.lower() == "localhost":
        return False
    try:
        return not ipaddress.ip_address(launch.server_name.strip("[]")).is_loopback
    except ValueError:
        return True


def may_add_code(launch: Launch, user: User) -> None:
    """Forbidden for who may not bring extensions in: they run as the server does, so an open one takes none unasked."""
    user.need(Role.ADMIN, "install or switch on extensions")
    if is_open(launch) and not launch.enable_insecure_extension_access:
        raise Forbidden(
            "Other machines can reach this server, and extensions may run anything on it: to install or switch them on "
            "from the page, start it with --enable-insecure-extension-access."
        )


def named_folder(text: str, folders: Folders, launch: Launch, user: User) -> Path:
    """The folder of the server that a user of the page names; a relative one starts at the data folder.

    ParameterError where the flags keep it from him: those of an open server end at the data folder.
    Forbidden for guests.
    """
    user.need(Role.USER, "name folders of the server")
    if launch.hide_ui_dir_config:
        raise ParameterError("The server's folders are closed by --hide-ui-dir-config; upload the pictures instead.")
    path = folders.output(text.strip().strip('"'))
    if is_open(launch) and not path.is_relative_to(folders.data):
        raise ParameterError(
            f"{path} is closed to users of a server that other machines can reach; name a folder in {folders.data}."
        )
    return path
