"""Long calls: Ctrl-C ends them with a real SIGINT, other threads run meanwhile, and time limits give an answer."""

import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from bursar import allocate


HARD = """
import numpy as np
from bursar import allocate
random = np.random.default_rng(5)
value, cost = random.integers(1, 10**6, (480, 10)) * 1.0, random.integers(1, 1000, (6, 480, 10)) * 1.0
print("ready", flush=True)
"""


def hard_problem():
    """Six resources, 480 items: the search would go on for years."""
    random = np.random.default_rng(5)
    return random.integers(1, 10**6, (480, 10)) * 1.0, random.integers(1, 1000, (6, 480, 10)) * 1.0, [190000.0] * 6


def test_ctrl_c_ends_a_search_that_would_run_on():
    program = HARD + textwrap.dedent("""
        try:
            allocate.choose(value, cost, [190000.0] * 6, gap=0.0, max_nodes=10**12, time_limit_s=60)
        except KeyboardInterrupt:
            print("interrupted")
        """)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    assert child.poll() is None
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert out == "interrupted\n" and child.returncode == 0
    assert time.monotonic() - sent < 5


def test_what_a_signal_handler_raises_comes_out_of_the_call():
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Alarm):
            allocate.choose(*hard_problem(), gap=0.0, max_nodes=10**12, time_limit_s=60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_time_limit_gives_the_best_so_far_and_other_threads_run_meanwhile():
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    best = allocate.choose(*hard_problem(), gap=0.0, max_nodes=10**12, time_limit_s=0.5)
    during = counted[0]
    done.set()
    thread.join(10)
    assert best.stop == "cancelled" and 0 < best.value < best.bound
    assert during > 20
