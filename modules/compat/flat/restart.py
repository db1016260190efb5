"""A1111's `modules.restart`: people restart the program, extensions do not."""


def is_restartable():
    """No."""
    return False


def restart_program():
    """Refused."""


def stop_program():
    """Refused."""
