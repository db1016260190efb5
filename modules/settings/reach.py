"""Who can reach the server, and which of its folders they may name."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from modules.exceptions import ParameterError
from modules.settings.folders import Folders
from modules.settings.sections.launch import Launch


def is_open(launch: Launch) -> bool:
    """Whether other machines can reach the server."""
    if launch.listen or not launch.server_name:
        return launch.listen
    if launch.server_name.lower() == "localhost":
        return False
    try:
        return not ipaddress.ip_address(launch.server_name.strip("[]")).is_loopback
    except ValueError:
        return True


def named_folder(text: str, folders: Folders, launch: Launch) -> Path:
    """The folder of the server that a user of the page names; a relative one starts at the data folder.

    ParameterError where the flags keep it from him: those of an open server end at the data folder.
    """
    if launch.hide_ui_dir_config:
        raise ParameterError("The server's folders are closed by --hide-ui-dir-config; upload the pictures instead.")
    path = folders.output(text.strip().strip('"'))
    if is_open(launch) and not path.is_relative_to(folders.data):
        raise ParameterError(
            f"{path} is closed to users of a server that other machines can reach; name a folder in {folders.data}."
        )
    return path
