"""A1111's `modules.call_queue`: handlers in the queue."""

from modules.compat.calls import QUEUE_LOCK as queue_lock  # noqa: F401
from modules.compat.calls import queued as wrap_queued_call  # noqa: F401
from modules.compat.calls import wrap_gradio_call, wrap_gradio_call_no_job, wrap_gradio_gpu_call  # noqa: F401
