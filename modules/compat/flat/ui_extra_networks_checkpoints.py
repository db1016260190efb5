"""A1111's `modules.ui_extra_networks_checkpoints`: the program has its own page of them."""

from modules.compat.stubs import stub

__getattr__ = stub(__name__)
