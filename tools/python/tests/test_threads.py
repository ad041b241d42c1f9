"""Many threads on one session, the interpreter lock, and runs that are ended."""

import _thread
import signal
import threading
import time
import unittest

import numpy as np

import dlrun

from . import onnx_bytes as ob

SIZE = 384
LONG = ob.chain(150, SIZE)


def identity_matrix():
    return np.eye(SIZE, dtype=np.float32)


class Threads(unittest.TestCase):
    def test_eight_on_one_session(self):
        s = dlrun.InferenceSession(ob.affine(), threads=1)
        failures = []

        def work(seed):
            draws = np.random.default_rng(seed)
            try:
                for i in range(400):
                    x = draws.random((1 + (seed + i // 50) % 3, 3), np.float32)
                    y, = s.run(None, {"x": x})
                    if not np.array_equal(y, x * np.float32(2) + np.float32(1)):
                        raise AssertionError(f"{x} gave {y}")
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failures, [])
        self.assertLessEqual(len(s._frames), 8)

    def test_the_lock_is_released(self):
        s = dlrun.InferenceSession(LONG, threads=1)
        x = identity_matrix()
        begun, ended = threading.Event(), threading.Event()

        def work():
            begun.set()
            s.run(None, {"x": x})
            ended.set()

        turns = 0
        t = threading.Thread(target=work)
        t.start()
        begun.wait()
        while not ended.is_set():
            turns += 1
            time.sleep(0.0005)
        t.join()
        # With the lock held there would be a turn or two.
        self.assertGreater(turns, 10)

    def test_a_session_may_go_while_it_runs(self):
        s = dlrun.InferenceSession(LONG, threads=1)
        results = []
        t = threading.Thread(target=lambda: results.append(s.run(None, {"x": identity_matrix()})))
        t.start()
        time.sleep(0.02)
        s.close()
        t.join()
        np.testing.assert_array_equal(results[0][0], identity_matrix())


class Ended(unittest.TestCase):
    def setUp(self):
        self.session = dlrun.InferenceSession(LONG, threads=1)
        self.feed = {"x": identity_matrix()}
        started = time.monotonic()
        self.session.run(None, self.feed)
        self.whole = time.monotonic() - started

    def test_terminate(self):
        options = dlrun.RunOptions()

        def later():
            options.terminate = True

        threading.Timer(self.whole / 10, later).start()
        started = time.monotonic()
        with self.assertRaises(dlrun.Fail) as caught:
            self.session.run(None, self.feed, options)
        self.assertLess(time.monotonic() - started, self.whole * 0.9)
        self.assertEqual(caught.exception.code, "cancelled")
        with self.assertRaises(dlrun.Cancelled):
            self.session.run(None, self.feed, options)
        options.terminate = False
        self.session.run(None, self.feed, options)

    def test_timeout(self):
        options = dlrun.RunOptions()
        options.timeout = self.whole / 10
        with self.assertRaises(dlrun.Cancelled) as caught:
            self.session.run(None, self.feed, options)
        self.assertEqual(caught.exception.code, "deadline")
        options.timeout = 600
        self.session.run(None, self.feed, options)

    def test_keyboard_interrupt(self):
        # A process started in a shell's background ignores the signal.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        threading.Timer(self.whole / 10, _thread.interrupt_main).start()
        with self.assertRaises(KeyboardInterrupt):
            for _ in range(100):
                self.session.run(None, self.feed)
        y, = self.session.run(None, self.feed)
        np.testing.assert_array_equal(y, self.feed["x"])


if __name__ == "__main__":
    unittest.main()
