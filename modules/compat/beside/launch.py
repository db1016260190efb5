"""A1111's `launch`: what `install.py` files import."""

from modules.launch_utils import *  # noqa: F403
from modules.launch_utils import args, default_command_live, dir_repos, git, index_url, python  # noqa: F401
