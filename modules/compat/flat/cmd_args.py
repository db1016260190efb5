"""A1111's `modules.cmd_args`: the parser that a `preload.py` adds flags to."""

import argparse

parser = argparse.ArgumentParser(add_help=False)
