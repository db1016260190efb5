"""A1111's `modules.progress`: tasks by their ids."""

from modules.compat.binding import facade as _facade

pending_tasks = {}
finished_tasks = []
recorded_results = []


def create_task_id(task_type):
    """A new one."""
    import uuid

    return f"task({task_type}-{uuid.uuid4().hex[:15]})"


def start_task(id_task):
    """The queue knows."""


def finish_task(id_task):
    """The queue knows."""


def add_task_to_queue(id_job):
    """The queue knows."""


def record_results(id_task, res):
    """The queue keeps them."""


def setup_progress_api(app):
    """The program's own."""


_facade(__name__, {"current_task": lambda app: app.queue.current.id if app.queue.current else None})
