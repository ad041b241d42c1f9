"""What ran when, over all runs of a session, as a Chrome trace in the shape of onnxruntime's."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from typing import Any

from .errors import Fail


class Profile:
    """Gathers what the runs of a session record."""

    def __init__(self, prefix: str, started: int) -> None:
        self.path = f"{prefix}_{time.strftime('%Y-%m-%d_%H-%M-%S')}_{os.getpid()}.json"
        #: Nanoseconds of the monotonic clock at which the session began to be made.
        self.started = started
        self._begun = threading.local()
        self._folder = tempfile.mkdtemp(prefix="dlrun-profile-")
        self._lock = threading.Lock()
        self._turn = 0
        self._events: list[dict[str, Any]] = []
        self._add("session_initialization", started)

    def _add(self, name: str, begun: int) -> None:
        self._events.append({
            "cat": "Session", "ph": "X", "pid": os.getpid(), "tid": threading.get_native_id(),
            "name": name, "ts": (begun - self.started) / 1000,
            "dur": (time.monotonic_ns() - begun) / 1000, "args": {}})

    def begin(self) -> bytes:
        """A file for the run that this thread begins now."""
        with self._lock:
            self._turn += 1
            path = os.path.join(self._folder, f"{self._turn}.json")
        self._begun.at = time.monotonic_ns()
        return os.fsencode(path)

    def end(self, path: bytes) -> None:
        """Takes in what the run wrote to the file, and removes it."""
        begun: int = self._begun.at
        with open(path, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        os.unlink(path)
        for event in events:
            event["cat"] = "Node"
            event["pid"] = os.getpid()
            event["tid"] = threading.get_native_id()
            event["ts"] += (begun - self.started) / 1000
        with self._lock:
            self._add("model_run", begun)
            self._events += events

    def write(self) -> str:
        """Writes the trace and gives its path."""
        try:
            with self._lock, open(self.path, "w", encoding="utf-8") as file:
                json.dump(self._events, file)
            os.rmdir(self._folder)
        except OSError as error:
            raise Fail(f"the profile could not be written: {error}") from None
        return self.path
