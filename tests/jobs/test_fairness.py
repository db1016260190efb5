"""Whose turn it is: owners alternate, however many jobs each has; and the store knows whose jobs they were."""

import sqlite3
import threading

from modules.jobs.queue import Queue
from modules.jobs.store import Store


def held():
    """A queue whose worker is busy, and what lets it go on."""
    queue, go, running = Queue(Store(None)), threading.Event(), threading.Event()

    def work(progress):
        running.set()
        go.wait(10)

    queue.submit("hold", work, owner="ann")
    assert running.wait(5)
    return queue, go


def test_owners_take_turns():
    queue, go = held()
    order = []
    jobs = [
        queue.submit("n", lambda progress, name=name: order.append(name), owner=name[0])
        for name in ("a1", "a2", "a3", "b1", "b2", "c1", "a4")
    ]
    expected = ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]
    assert [queue.position(job) for job in jobs] == [1, 4, 6, 2, 5, 3, 7]
    go.set()
    for job in jobs:
        job.wait(5)
    assert order == expected
    queue.close()


def test_who_comes_late_does_not_wait_for_all_of_anothers():
    queue, go = held()
    many = [queue.submit("n", lambda progress: None, owner="a") for _ in range(50)]
    late = queue.submit("n", lambda progress: None, owner="b")
    assert queue.position(late) == 2 and queue.position(many[1]) == 3
    for job in many[10:]:
        queue.cancel(job)
    again = queue.submit("n", lambda progress: None, owner="a")
    assert queue.position(again) == 12 and len(queue.waiting("a")) == 11  # what was taken back costs nothing
    go.set()
    again.wait(5)
    queue.close()


def test_the_store_pages_through_an_owners_jobs(tmp_path):
    store = Store(tmp_path / "jobs.sqlite3")
    for number in range(7):
        store.add(f"id{number}", "txt2img", float(number // 2), {"n": number}, "ann" if number % 2 else "bob")
    first = store.newest(3)
    assert [row["id"] for row in first] == ["id6", "id5", "id4"]
    rest = store.newest(9, before=(first[-1]["created"], first[-1]["id"]))
    assert [row["id"] for row in rest] == ["id3", "id2", "id1", "id0"]
    assert [row["id"] for row in store.newest(9, owner="ann")] == ["id5", "id3", "id1"]
    store.end("id3", 1.0, "done", None)
    assert [row["id"] for row in store.newest(9, owner="ann", state="done")] == ["id3"]
    assert store.row("id3")["owner"] == "ann" and store.row("none") is None
    store.close()


def test_a_store_of_an_earlier_version_gains_the_column(tmp_path):
    path = tmp_path / "jobs.sqlite3"
    with sqlite3.connect(path) as base:
        base.execute(
            "CREATE TABLE jobs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, request TEXT, "
            "created REAL NOT NULL, started REAL, finished REAL, error TEXT)"
        )
        base.execute("INSERT INTO jobs (id, kind, state, created) VALUES ('old', 'txt2img', 'done', 1)")
    base.close()
    store = Store(path)
    store.add("new", "txt2img", 2.0, None, "ann")
    assert [(row["id"], row["owner"]) for row in store.newest(9)] == [("new", "ann"), ("old", "")]
    store.close()
