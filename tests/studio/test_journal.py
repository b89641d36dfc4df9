"""The journal: nothing that was acknowledged is lost, and everything can be undone."""

import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrcnn.errors import UsageError
from maskrcnn.jobs.studio.journal import NAME, Journal
from maskrcnn.jobs.studio.strokes import Change, ConflictError, FullError

WRITER = """
import sys
from pathlib import Path
from maskrcnn.jobs.studio.journal import Journal
from maskrcnn.jobs.studio.strokes import Change
journal = Journal(Path(sys.argv[1]))
journal.add_image("a", "todo", [])
while True:
    [number] = journal.new_ids(1)
    stroke = journal.do("a", "box", [Change(number, {"class": "x" * 500, "n": number})], "me", 0)
    print(number, flush=True)
"""
COMMANDS = st.lists(
    st.tuples(st.sampled_from(["add", "change", "delete", "undo", "redo"]), st.integers(0, 9)), max_size=30
)


def body(value):
    return {"class": "cat", "n": value}


@pytest.mark.parametrize("turn", range(10))
def test_a_process_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path, turn):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(process.stdout.readline()) for _ in range(5 + 7 * turn)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    process.wait()
    journal = Journal(tmp_path)
    kept = journal.objects("a")
    assert set(acknowledged) <= set(kept) and len(kept) <= len(acknowledged) + 1
    assert all(kept[number]["n"] == number for number in acknowledged)
    assert journal.depth("a") == (len(kept), 0)
    assert not set(journal.new_ids(3)) & set(kept)
    journal.close()


@settings(max_examples=20, deadline=None)
@given(COMMANDS)
def test_undo_and_redo_agree_with_a_list_of_states(commands):
    """The twin keeps every state that there was."""
    with tempfile.TemporaryDirectory() as place:
        journal = Journal(Path(place))
        journal.add_image("a", "todo", [(1, body(0), None)])
        journal.set_status("a", "draft", "me")  # worked on, so it is kept
        states, at = [{1: body(0)}], 0
        for step, (kind, value) in enumerate(commands):
            now = states[at]
            if kind in ("undo", "redo"):
                stroke = journal.undo("a", "me", redo=kind == "redo")
                possible = at > 0 if kind == "undo" else at < len(states) - 1
                assert (stroke is not None) == possible
                at += (1 if kind == "redo" else -1) * possible
            else:
                number = journal.new_ids(1)[0] if kind == "add" or not now else sorted(now)[value % len(now)]
                after = None if kind == "delete" and number in now else body(step)
                journal.do("a", kind, [Change(number, after)], "me", 10**9)
                states = [*states[: at + 1], {k: v for k, v in {**now, number: after}.items() if v is not None}]
                at += 1
            assert journal.objects("a") == states[at]
            assert journal.depth("a") == (at, len(states) - 1 - at)
        journal.close()
        again = Journal(Path(place))
        assert again.objects("a") == states[at] and again.depth("a") == (at, len(states) - 1 - at)
        again.close()


def test_entries_are_never_changed_or_taken_away(tmp_path):
    journal = Journal(tmp_path)
    journal.add_image("a", "todo", [])
    journal.do("a", "box", [Change(1, body(1))], "me", 0)
    journal.undo("a", "me")
    journal.close()
    base = sqlite3.connect(tmp_path / NAME)
    assert base.execute("SELECT kind FROM entries ORDER BY seq").fetchall() == [("do",), ("undo",)]
    for statement in ("DELETE FROM entries", "UPDATE entries SET name = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            base.execute(statement)
    base.close()


def test_two_windows_on_one_image_do_not_overwrite_one_another(tmp_path):
    journal = Journal(tmp_path)
    journal.add_image("a", "todo", [(1, body(0), None), (2, body(0), None)])
    seen = journal.state("a").seq
    first = journal.do("a", "move", [Change(1, body(1))], "one", seen)
    assert journal.do("a", "move", [Change(2, body(2))], "two", seen).seq > first.seq  # another object: no conflict
    with pytest.raises(ConflictError, match="another window"):
        journal.do("a", "move", [Change(1, body(3))], "two", seen)
    journal.do("a", "delete", [Change(1, None)], "one", first.seq)
    with pytest.raises(ConflictError):
        journal.do("a", "move", [Change(1, body(3))], "two", first.seq)
    assert journal.objects("a") == {2: body(2)}
    journal.close()


def test_a_stroke_that_is_sent_twice_is_written_once(tmp_path):
    journal = Journal(tmp_path)
    journal.add_image("a", "todo", [])
    first = journal.do("a", "box", [Change(1, body(1))], "me", 0, "key")
    assert journal.do("a", "box", [Change(2, body(1))], "me", 0, "key") == first
    assert journal.objects("a") == {1: body(1)} and journal.depth("a") == (1, 0)
    journal.close()


def test_one_process_holds_a_folder(tmp_path):
    journal = Journal(tmp_path)
    with pytest.raises(UsageError, match="open in another studio"):
        Journal(tmp_path)
    journal.close()
    Journal(tmp_path).close()


def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path):
    journal = Journal(tmp_path)
    journal.add_image("a", "todo", [])
    journal.do("a", "box", [Change(1, body(1))], "me", 0)
    pages = journal._base.execute("PRAGMA page_count").fetchone()[0]
    journal._base.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(FullError, match="free some space"):
        journal.do("a", "box", [Change(2, {"class": "x" * 100_000})], "me", 0)
    assert journal.objects("a") == {1: body(1)} and journal.depth("a") == (1, 0)
    journal.close()
