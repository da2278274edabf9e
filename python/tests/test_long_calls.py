"""Long calls: Ctrl-C ends them with a real SIGINT, other threads run meanwhile, and time limits give an answer."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import bursar
from bursar import admit, allocate, explore

HARD = """
import numpy as np
from bursar import allocate
random = np.random.default_rng(5)
value, cost = random.integers(1, 10**6, (480, 10)) * 1.0, random.integers(1, 1000, (6, 480, 10)) * 1.0
"""


def hard_problem():
    """Six resources, 480 items: the search would go on for years."""
    random = np.random.default_rng(5)
    return random.integers(1, 10**6, (480, 10)) * 1.0, random.integers(1, 1000, (6, 480, 10)) * 1.0, [190000.0] * 6


def test_ctrl_c_ends_a_search_that_would_run_on():
    program = HARD + textwrap.dedent("""
        try:
            print("ready", flush=True)
            allocate.choose(value, cost, [190000.0] * 6, gap=0.0, max_nodes=10**12, time_limit_s=100)
        except KeyboardInterrupt:
            print("interrupted")
        """)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=90)  # a busy machine may need some for the linear program, which is not interrupted
    assert out == "interrupted\n" and child.returncode == 0


def test_a_time_limit_gives_the_best_so_far_and_other_threads_run_meanwhile():
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    before = counted[0]
    best = allocate.choose(*hard_problem(), gap=0.0, max_nodes=10**12, time_limit_s=0.5)
    during = counted[0] - before
    done.set()
    thread.join(10)
    assert best.stop == "cancelled" and 0 < best.value < best.bound
    assert during > 3


class Alarm(Exception):
    pass


@contextlib.contextmanager
def alarm(handler, first_s, then_s=0.0):
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, first_s, then_s)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def ring(*_):
    raise Alarm


ROWS = np.full((3_000_000, 2), 0.5)


@pytest.mark.parametrize("call", [
    lambda: allocate.choose(*hard_problem(), gap=0.0, max_nodes=10**12, time_limit_s=60),
    lambda: explore.play(explore.make("ucb1", arms=2), ROWS),
    lambda: admit.replay(["greedy"] * 20, ROWS, ROWS, budget=1e9),
])
def test_what_a_signal_handler_raises_comes_out_of_the_call(call):
    ended = False
    with pytest.raises(Alarm), alarm(ring, 0.1):
        call()
        ended = True
        time.sleep(60)
    assert not ended


def test_a_policy_that_is_playing_is_refused_to_others():
    bandit, refused = explore.make("ucb1", arms=2), []

    def use(*_):
        try:
            bandit.save()
        except bursar.Unavailable as error:
            refused.append(error.retryable and "one caller at a time" in str(error))
            for call in (bandit.decide, lambda: bandit.remaining, lambda: explore.beliefs(bandit)):
                with pytest.raises(bursar.Unavailable):
                    call()

    with alarm(use, 0.02, 0.02):
        for _ in range(50):
            played = explore.play(bandit, ROWS)
            if refused:
                break
    assert refused and all(refused) and (played.options >= 0).all()
    assert bandit.decide().option is not None


def test_a_linear_program_leaves_interrupts_to_python():
    random = np.random.default_rng(6)  # more than 500 items: the linear program and a repair, no search
    value, cost = random.integers(1, 10**6, (600, 8)) * 1.0, random.integers(1, 1000, (6, 600, 8)) * 1.0
    alone = allocate.choose(value, cost, [250000.0] * 6)
    seen, done = [], threading.Event()

    def disturb():
        while not done.is_set():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.002)

    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    thread = threading.Thread(target=disturb, daemon=True)
    try:
        thread.start()
        disturbed = allocate.choose(value, cost, [250000.0] * 6)
    finally:
        done.set()
        thread.join(10)
        signal.signal(signal.SIGINT, before)
    assert seen and disturbed.bound == alone.bound and np.array_equal(disturbed.choice, alone.choice)
