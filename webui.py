"""The program: read the flags, build the App, serve it."""

import logging
import os
import sys

# Before anything imports gradio or huggingface_hub: nothing leaves this machine unless the user asks for it.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Read by torch's OpenMP when it is loaded: how long a waiting thread spins before it sleeps. The default starves the
# others on a busy machine, where a step then takes up to sixty times as long; this is as fast on a quiet one.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

from modules import cli, server
from modules.app import build
from modules.compat.joining import found, join
from modules.exceptions import WebuiError


def main() -> int:
    """Run until the user ends it; the exit status."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S", level="INFO")
    launch, given, rest = cli.read(sys.argv[1:])
    logging.getLogger().setLevel(launch.loglevel)
    try:
        extensions = found(launch)
        cli.tell_unknown(extensions.preload(rest))
        app = build(launch, extensions)
        join(app)
        return server.serve(app, fixed_port="port" in given)
    except WebuiError as error:
        logging.error("%s", error)
        return 1
    except KeyboardInterrupt:  # before the server was there to take the signal
        return 130


if __name__ == "__main__":
    sys.exit(main())
