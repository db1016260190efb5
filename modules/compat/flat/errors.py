"""A1111's `modules.errors`: failures go to the log."""

import logging

log = logging.getLogger("extension")
exception_records = []


def report(message, *, exc_info=False):
    """An error, with its trace or not."""
    log.error("%s", message, exc_info=exc_info)


def display(e, task, *, full_traceback=False):
    """A failed task."""
    log.error("%s: %s", task, e, exc_info=e)


already_displayed = {}


def display_once(e, task):
    """The same once for each task."""
    if task not in already_displayed:
        already_displayed[task] = 1
        display(e, task)


def print_error_explanation(message):
    """A sentence."""
    log.error("%s", message)


def run(code, task):
    """Call, and tell what failed."""
    try:
        code()
    except Exception as error:  # noqa: BLE001 - that is what it is for
        display(error, task)


def format_exception(e, tb):
    """As text."""
    import traceback

    return [(line.filename, line.lineno) for line in traceback.extract_tb(tb)]


def record_exception():
    """The log has it."""


def check_versions():
    """Nothing to check."""


def print_error(*args, **kwargs):
    """A sentence."""
    log.error(" ".join(str(one) for one in args))
