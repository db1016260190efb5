"""A1111's `modules.script_loading`: a Python file as a module."""

import importlib.util
import os

loaded_scripts = {}


def load_module(path):
    """Read it now."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded_scripts[path] = module
    return module


def preload_extensions(extensions_dir, parser, extension_list=None):
    """The program does."""
