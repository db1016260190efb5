"""Order, stopping, failing, remembering."""

import sqlite3
import threading

import pytest

from modules.exceptions import Interrupted, NotFound, ParameterError
from modules.jobs.progress import Progress
from modules.jobs.queue import KEPT, Queue
from modules.jobs.store import Store


@pytest.fixture
def queue(tmp_path):
    made = Queue(Store(tmp_path / "jobs.sqlite3"))
    yield made
    made.close()


@pytest.fixture
def held(queue):
    """A queue whose worker is busy until the event is set."""
    release, running = threading.Event(), threading.Event()

    def work(progress):
        running.set()
        release.wait(10)

    job = queue.submit("hold", work)
    assert running.wait(5)
    yield queue, job, release
    release.set()


def test_jobs_run_in_order_and_answer(held):
    queue, _, release = held
    order = []
    jobs = [queue.submit("n", lambda progress, n=n: order.append(n) or n * n) for n in range(5)]
    assert [queue.position(job) for job in jobs] == [1, 2, 3, 4, 5]
    release.set()
    assert [job.wait(5) for job in jobs] == [0, 1, 4, 9, 16] and order == [0, 1, 2, 3, 4]


def test_a_failing_job_fails_alone(queue, caplog):
    bad = queue.submit("bad", lambda progress: 1 / 0)
    good = queue.submit("good", lambda progress: "fine")
    with pytest.raises(ZeroDivisionError):
        bad.wait(5)
    assert good.wait(5) == "fine" and bad.state == "failed" and "bad" in caplog.text


def test_a_waiting_job_is_taken_out_and_a_running_one_is_told(held):
    queue, running, _ = held
    waiting = queue.submit("n", lambda progress: 1)
    queue.cancel(waiting)
    assert waiting.state == "cancelled" and queue.waiting() == []
    with pytest.raises(Interrupted):
        waiting.wait(5)
    queue.cancel(running)
    assert running.progress.stop.interrupted


def test_interrupt_and_skip_reach_the_running_job_only(held):
    queue, running, _ = held
    waiting = queue.submit("n", lambda progress: 1)
    queue.interrupt()
    queue.skip()
    assert running.progress.stop.interrupted and running.progress.stop.skipped
    assert not waiting.progress.stop.interrupted
    with pytest.raises(Interrupted):
        running.progress.stop.check()


def test_an_id_is_used_once_and_found_again(queue):
    job = queue.submit("n", lambda progress: 1, task_id="task(a)")
    with pytest.raises(ParameterError):
        queue.submit("n", lambda progress: 1, task_id="task(a)")
    job.wait(5)
    assert queue.find("task(a)") is job
    with pytest.raises(NotFound):
        queue.find("task(b)")


def test_old_results_are_forgotten_new_ones_kept(queue):
    jobs = [queue.submit("n", lambda progress: 1) for _ in range(KEPT + 5)]
    jobs[-1].wait(10)
    queue.submit("n", lambda progress: 1).wait(5)
    assert queue.find(jobs[-1].id) is jobs[-1]
    with pytest.raises(NotFound):
        queue.find(jobs[0].id)


def test_listeners_see_every_state_and_may_leave(queue):
    seen = []
    end = queue.listen(lambda job: seen.append(job.state))
    queue.submit("n", lambda progress: progress.at(1)).wait(5)
    while seen[-1:] != ["done"]:
        pass
    end()
    assert seen == ["queued", "running", "running", "done"] or seen == ["running", "queued", "running", "done"]
    queue.submit("n", lambda progress: 1).wait(5)
    assert len(seen) == 4


def test_the_store_remembers_and_calls_unfinished_work_lost(tmp_path):
    path = tmp_path / "jobs.sqlite3"
    queue = Queue(Store(path))
    queue.submit("txt2img", lambda progress: 1, task_id="a", request={"prompt": "a cät"}).wait(5)
    queue.close()
    base = sqlite3.connect(path)
    base.execute("INSERT INTO jobs (id, kind, state, created) VALUES ('b', 'txt2img', 'running', 9e9)")
    base.commit()
    base.close()
    store = Store(path)
    rows = {row["id"]: row for row in store.rows()}
    store.close()
    assert rows["a"]["state"] == "done" and rows["a"]["request"] == '{"prompt": "a cät"}' and rows["a"]["finished"]
    assert rows["b"]["state"] == "lost"


def test_a_store_that_cannot_be_written_does_not_stop_work(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    queue = Queue(Store(tmp_path / "file" / "jobs.sqlite3"))
    assert queue.submit("n", lambda progress: 7).wait(5) == 7
    queue.close()
    assert "cannot be used" in caplog.text


def test_progress_counts_batches_and_draws_a_preview_once():
    progress, drawn = Progress(), []
    progress.begin(batches=2, steps=4)
    progress.next_batch(1)
    progress.at(2, lambda: drawn.append(1) or b"picture")
    assert progress.fraction == 0.75 and progress.eta is not None
    assert progress.preview() == (1, b"picture") == progress.preview() and len(drawn) == 1
    assert Progress().preview() is None and Progress().fraction == 0 and Progress().eta is None


def test_a_skip_ends_with_its_batch():
    progress = Progress()
    progress.stop.skipped = True
    progress.next_batch(1)
    progress.stop.check()


def test_a_waiting_job_is_put_first(queue):
    begun, go, order = threading.Event(), threading.Event(), []

    def work(name):
        return lambda progress: (begun.set(), go.wait(10), order.append(name))

    queue.submit("a", work("running"), task_id="running")
    assert begun.wait(10)
    jobs = [queue.submit("a", work(name), task_id=name, owner=name[0]) for name in ("a1", "b1", "a2", "a3")]
    queue.put_first(jobs[3])
    assert [job.id for job in queue.waiting("a")] == ["a3", "a1", "a2"]
    queue.put_first(queue.find("running"))
    assert queue.position(jobs[1]) <= 2  # another owner's turn is not taken
    go.set()
    for job in jobs:
        job.wait(10)
    assert [name for name in order if name[0] == "a"] == ["a3", "a1", "a2"]
