"""What is read of a watched directory: new, growing, renamed, cut off and packed files."""

import bz2
import gzip
import lzma
import os

import pytest

from pipeline.sources.watched import WatchedFiles, WatchPolicy

START = 1_700_000_000.0


class Store:
    """Positions in memory."""

    def __init__(self):
        self.entries = {}

    def load(self):
        return dict(self.entries)

    def save(self, changes):
        for name, text in changes.items():
            if text is None:
                self.entries.pop(name, None)
            else:
                self.entries[name] = text


class Watch:
    """A directory, a clock, and sources that look at it."""

    def __init__(self, directory):
        self.directory = directory
        self.now = START
        self.store = Store()
        self.start()

    def start(self, pattern=None):
        self.source = WatchedFiles(
            pattern or str(self.directory),
            self.store,
            WatchPolicy(),
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def restart(self):
        self.source.close()
        self.start()

    def sleep(self, seconds):
        self.now += seconds

    def write(self, name, data, *, mode="wb"):
        path = self.directory / name
        with path.open(mode) as file:
            file.write(data)
        os.utime(path, (self.now, self.now))
        return path

    def append(self, name, data):
        self.now += 1
        return self.write(name, data, mode="ab")

    def records(self, limit=1000):
        """Everything that comes within a second."""
        found = []
        until = self.now + 1
        while self.now < until:
            found += self.source.poll(limit, until - self.now)
        return found

    def texts(self):
        return [record.text for record in self.records()]

    def commit(self, records):
        self.source.commit({record.partition: record.next for record in records})


@pytest.fixture
def watch(tmp_path):
    watch = Watch(tmp_path)
    yield watch
    watch.source.close()


def test_the_lines_of_a_new_file_are_given(watch):
    watch.write("a.jsonl", b"one\ntwo\r\n\nthree\n")
    assert watch.texts() == [b"one", b"two", b"three"]


def test_a_line_says_where_it_stands_and_when_its_file_was_changed(watch):
    path = watch.write("a.jsonl", b"one\ntwo\n")
    second = watch.records()[1]
    assert second.origin == f"{path}@4"
    assert (second.position, second.next) == (4, 8)
    assert second.arrived_at == int(START) * 1_000_000


def test_what_is_appended_is_given_once(watch):
    watch.write("a.jsonl", b"one\n")
    watch.texts()
    watch.append("a.jsonl", b"two\n")
    assert watch.texts() == [b"two"]


def test_older_files_come_first(watch):
    watch.write("b.jsonl", b"older\n")
    watch.now += 1
    watch.write("a.jsonl", b"newer\n")
    assert watch.texts() == [b"older", b"newer"]


def test_no_more_is_given_than_was_asked_for_and_the_rest_later(watch):
    watch.write("a.jsonl", b"1\n2\n3\n")
    assert [record.text for record in watch.source.poll(2, 0)] == [b"1", b"2"]
    assert [record.text for record in watch.source.poll(2, 0)] == [b"3"]


def test_a_line_that_is_still_being_written_waits_for_its_end(watch):
    watch.write("a.jsonl", b'one\n{"half')
    assert watch.texts() == [b"one"]
    watch.now += 10
    assert watch.texts() == []
    watch.append("a.jsonl", b'": 1}\n')
    assert watch.texts() == [b'{"half": 1}']


def test_a_whole_object_without_a_line_break_is_given_once_its_file_rests(watch):
    watch.write("a.jsonl", b'one\n{"a": 1}')
    assert watch.texts() == [b"one"]
    watch.now += 2
    assert watch.texts() == [b'{"a": 1}']
    watch.append("a.jsonl", b"\ntwo\n")
    assert watch.texts() == [b"two"]


def test_a_broken_last_line_is_given_as_it_is_after_a_minute(watch):
    watch.write("a.jsonl", b'one\n{"half')
    watch.texts()
    watch.now += 60
    assert watch.texts() == [b'{"half']


def test_hidden_files_are_not_read_before_they_are_renamed(watch):
    path = watch.write(".a.jsonl", b"one\n")
    assert watch.texts() == []
    path.rename(watch.directory / "a.jsonl")
    assert watch.texts() == [b"one"]


def test_a_pattern_chooses_the_files(watch):
    watch.write("a.jsonl", b"one\n")
    watch.write("a.log", b"no\n")
    watch.start(str(watch.directory / "*.jsonl"))
    assert watch.texts() == [b"one"]


def test_a_directory_that_has_the_pattern_s_form_is_no_file(watch):
    (watch.directory / "b.jsonl").mkdir()
    assert watch.texts() == []


def test_after_a_restart_it_goes_on_behind_what_was_committed(watch):
    watch.write("a.jsonl", b"one\ntwo\nthree\n")
    first = watch.source.poll(1, 0)
    watch.commit(first)
    watch.restart()
    assert watch.texts() == [b"two", b"three"]


def test_what_was_given_and_not_committed_is_given_again_after_a_restart(watch):
    watch.write("a.jsonl", b"one\ntwo\n")
    watch.texts()
    watch.restart()
    assert watch.texts() == [b"one", b"two"]


def test_a_renamed_file_is_not_read_again(watch):
    path = watch.write("a.jsonl", b"one\ntwo\n")
    watch.commit(watch.records())
    path.rename(watch.directory / "a.1.jsonl")
    assert watch.texts() == []
    watch.restart()
    assert watch.texts() == []


def test_a_rotation_loses_nothing_of_either_file(watch):
    path = watch.write("a.jsonl", b"one\n")
    watch.texts()
    watch.append("a.jsonl", b"two\n")
    path.rename(watch.directory / "a.1.jsonl")
    watch.write("a.jsonl", b"three\n")
    assert sorted(watch.texts()) == [b"three", b"two"]


def test_what_is_written_to_a_file_that_was_renamed_out_of_the_pattern_is_still_read(watch):
    watch.start(str(watch.directory / "*.jsonl"))
    path = watch.write("a.jsonl", b"one\n")
    watch.texts()
    path.rename(watch.directory / "a.1")
    assert watch.texts() == []
    watch.append("a.1", b"two\n")
    assert watch.texts() == [b"two"]


def test_a_file_that_is_gone_is_let_go_of_once_it_rests(watch):
    path = watch.write("a.jsonl", b"one\n")
    watch.texts()
    path.unlink()
    watch.texts()
    watch.now += 60
    watch.texts()
    assert watch.source._files == {}
    assert watch.source._by_inode == {}


def test_a_file_that_is_cut_off_and_written_anew_is_read_from_its_beginning(watch):
    watch.write("a.jsonl", b"one\ntwo\n")
    watch.commit(watch.records())
    watch.now += 1
    watch.write("a.jsonl", b"new and longer than before\n")
    assert watch.texts() == [b"new and longer than before"]
    assert watch.source.noticed() == {"file_truncated": 1}


def test_a_file_that_is_cut_off_behind_its_first_line_is_read_from_its_beginning(watch):
    watch.write("a.jsonl", b"same\ntwo\nthree\n")
    watch.commit(watch.records())
    watch.now += 1
    watch.write("a.jsonl", b"same\nnew\n")
    assert watch.texts() == [b"same", b"new"]


def test_another_file_with_the_same_inode_and_first_line_is_told_after_a_restart(watch):
    watch.write("a.jsonl", b"header\none\n")
    watch.commit(watch.records())
    watch.source.close()
    watch.now += 1
    watch.write("a.jsonl", b"header\nTWO\nthree\n")  # the inode stays
    watch.start()
    assert watch.texts() == [b"header", b"TWO", b"three"]
    assert watch.source.noticed() == {"file_truncated": 1}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_is_read_once_it_is_complete(watch, pack):
    watch.write("a.jsonl.packed", pack(b"one\ntwo"))
    assert watch.texts() == []
    watch.now += 2
    assert watch.texts() == [b"one", b"two"]
    assert watch.texts() == []


def test_a_packed_file_that_was_read_is_not_read_again_after_a_restart(watch):
    watch.write("a.gz", gzip.compress(b"one\ntwo\n"))
    watch.now += 2
    watch.commit(watch.records())
    watch.restart()
    assert watch.texts() == []


def test_a_packed_file_goes_on_where_it_was_committed(watch):
    watch.write("a.gz", gzip.compress(b"one\ntwo\n"))
    watch.now += 2
    watch.commit(watch.source.poll(1, 0))
    watch.restart()
    assert watch.texts() == [b"two"]


def test_a_damaged_archive_gives_every_line_before_the_damage_and_then_its_fault_once(watch):
    whole = gzip.compress(os.urandom(60_000).hex().encode() + b"\ntwo\n")
    watch.write("a.gz", gzip.compress(b"one\n") + whole[: len(whole) // 2])
    watch.now += 2
    assert watch.texts() == [b"one"]
    watch.now += 60
    (fault,) = watch.records()
    assert fault.text is None
    assert "EOFError" in fault.fault
    watch.commit([fault])
    watch.now += 60
    assert watch.texts() == []
    watch.restart()
    assert watch.texts() == []


def test_an_archive_that_is_completed_in_time_is_no_fault(watch):
    whole = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    watch.write("a.gz", whole[:-15])
    watch.now += 2
    assert watch.texts() == [b"one"]
    watch.append("a.gz", whole[-15:])
    watch.now += 2
    assert watch.texts() == [b"two"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_complained_of_once(watch):
    watch.write("a.jsonl", b"one\n").chmod(0)
    assert watch.texts() == []
    assert watch.source.noticed() == {"file_unreadable": 1}


def test_a_line_that_is_too_long_is_kept_in_part_and_says_how_long_it_is(watch):
    watch.write("a.jsonl", b"x" * (20 << 20) + b"\nnext\n")
    cut, following = watch.records()
    assert len(cut.text) == 16 << 20
    assert cut.length == 20 << 20
    assert following.text == b"next"


def test_of_long_lines_fewer_are_given_at_once(watch):
    watch.write("a.jsonl", (b"x" * (5 << 20) + b"\n") * 20)
    assert len(watch.source.poll(100, 0)) < 10
    assert len(watch.records()) > 10


def test_files_that_were_not_there_for_a_week_are_forgotten(watch):
    path = watch.write("a.jsonl", b"one\n")
    watch.commit(watch.records())
    path.unlink()
    watch.now += 9 * 86_400
    watch.texts()
    assert watch.store.entries == {}


def test_a_file_that_stays_is_remembered_however_old_it_is(watch):
    watch.write("a.jsonl", b"one\n")
    watch.commit(watch.records())
    for _ in range(20):
        watch.now += 86_400
        watch.texts()
    watch.restart()
    assert watch.texts() == []


def test_no_more_than_some_files_stay_open(watch):
    for number in range(80):
        watch.write(f"{number}.jsonl", b"one\n")
    watch.texts()
    assert sum(file.reading is not None for file in watch.source._files.values()) <= 64
    watch.append("0.jsonl", b"two\n")
    watch.append("79.jsonl", b"three\n")
    assert sorted(watch.texts()) == [b"three", b"two"]


def test_a_last_line_that_waits_at_the_end_is_told(watch, caplog):
    watch.write("a.jsonl", b'one\n{"half')
    watch.texts()
    watch.source.close()
    assert "its last line has not ended yet; its 6 bytes" in caplog.text
