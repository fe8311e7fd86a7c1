"""The thread pool that delivers."""

import threading

import pytest

from pipeline.flow.pool import DeliveryPool, Inline
from pipeline.flow.work import Work


def works(count):
    return [Work(f"u:{number}", ()) for number in range(count)]


def test_every_result_comes_back_once():
    with DeliveryPool(lambda work: work.key, concurrency=4) as pool:
        assert sorted(pool.run(works(100))) == sorted(work.key for work in works(100))


def test_no_more_than_concurrency_at_the_same_time():
    lock, now, most = threading.Lock(), [0], [0]
    gate = threading.Barrier(3, timeout=5)

    def busy(work):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        gate.wait()
        with lock:
            now[0] -= 1

    with DeliveryPool(busy, concurrency=3) as pool:
        list(pool.run(works(9)))
    assert most == [3]


def test_submit_blocks_while_the_pool_is_full():
    gate = threading.Event()
    with DeliveryPool(lambda work: gate.wait(5), concurrency=1, backlog=1) as pool:
        first, second, third = works(3)
        pool.submit(first)
        pool.submit(second)
        blocked = threading.Thread(target=pool.submit, args=(third,))
        blocked.start()
        blocked.join(0.05)
        assert blocked.is_alive()
        gate.set()
        blocked.join(5)
        assert len(list(pool.drain())) == 3


def test_works_are_read_only_as_far_ahead_as_there_is_room():
    gate, read = threading.Event(), []

    def source():
        for work in works(100):
            read.append(work)
            if len(read) == 5:
                gate.set()  # the fifth is read before one has ended: there would be no room
            yield work

    with DeliveryPool(lambda work: gate.wait(0.2), concurrency=2, backlog=1) as pool:
        results = pool.run(source())
        next(results)
        assert len(read) <= 5
        list(results)


def test_ready_never_blocks():
    gate = threading.Event()
    with DeliveryPool(lambda work: gate.wait(5), concurrency=1) as pool:
        pool.submit(works(1)[0])
        assert list(pool.ready()) == []
        gate.set()
        assert list(pool.drain()) == [True]


def test_one_key_is_never_delivered_twice_at_the_same_time():
    gate = threading.Event()
    with DeliveryPool(lambda work: gate.wait(5), concurrency=2) as pool:
        pool.submit(Work("u:1", ()))
        with pytest.raises(ValueError, match="order"):
            pool.submit(Work("u:1", ()))
        gate.set()
        list(pool.drain())
        pool.submit(Work("u:1", ()))
        list(pool.drain())


def test_a_bug_comes_out_of_drain():
    def broken(work):
        raise KeyError("bug")

    with DeliveryPool(broken, concurrency=1) as pool:
        pool.submit(works(1)[0])
        with pytest.raises(KeyError, match="bug"):
            list(pool.drain())


def test_after_a_bug_nothing_more_is_begun():
    begun = []

    def broken(work):
        begun.append(work)
        raise KeyError("bug")

    with (
        DeliveryPool(broken, concurrency=1, backlog=5) as pool,
        pytest.raises(KeyError, match="bug"),
    ):
        list(pool.run(works(50)))
    assert len(begun) == 1


def test_close_ends_every_thread():
    before = threading.active_count()
    with DeliveryPool(lambda work: None, concurrency=4) as pool:
        list(pool.run(works(10)))
    assert threading.active_count() == before


def test_a_concurrency_that_delivers_nothing_is_refused():
    with pytest.raises(ValueError, match="delivers nothing"):
        DeliveryPool(lambda work: None, concurrency=0)


def test_what_never_waits_is_delivered_on_the_thread_that_submits():
    threads = []
    pool = Inline(lambda work: threads.append(threading.get_ident()) or work.key)
    pool.submit(Work("u:1", ()))
    pool.submit(Work("u:2", ()))
    assert (list(pool.ready()), list(pool.drain())) == (["u:1", "u:2"], [])
    assert set(threads) == {threading.get_ident()}
