"""The time Fly goes by: the real one until a test takes it in hand."""
import heapq
import itertools
import threading
import time


class Clock:
    """Its condition `changed` is the one lock of the whole stand-in: what happens, happens in
    it, so that who waits for a time or for a change waits in one place."""

    def __init__(self):
        self.changed = threading.Condition(threading.RLock())
        self.closed = False
        self._speed = 1.0
        self._base = time.time()
        self._real = time.monotonic()
        self._timers = []
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def now(self):
        """Seconds since 1970."""
        with self.changed:
            return self._base + (time.monotonic() - self._real) * self._speed

    @property
    def speed(self):
        """Seconds that go by in a real one; with 0 the time stands until advance()."""
        return self._speed

    @speed.setter
    def speed(self, value):
        with self.changed:
            self._set(self.now())
            self._speed = value
            self.changed.notify_all()

    def advance(self, seconds):
        """What is due on the way is done before this returns, each at its own time; meanwhile
        the time stands, so that what an action puts off by nothing is due on the way as well."""
        with self.changed:
            now, speed = self.now(), self._speed
            target, self._speed = now + seconds, 0
            while self._timers and self._timers[0][0] <= target:
                at, _, action = heapq.heappop(self._timers)
                self._set(max(at, now))
                now = self._base
                action()
            self._set(target)
            self._speed = speed
            self.changed.notify_all()

    def after(self, seconds, action):
        """Calls action in the lock."""
        with self.changed:
            heapq.heappush(self._timers, (self.now() + seconds, next(self._order), action))
            self.changed.notify_all()

    def wait(self, condition, until):
        """What condition() is once it is truthy; None when the time came or all is over."""
        with self.changed:
            while not self.closed:
                result = condition()
                if result:
                    return result
                if self.now() >= until:
                    return None
                self.changed.wait(self._real_delay(until))
            return None

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self._thread.join()

    def _set(self, instant):
        self._base = instant
        self._real = time.monotonic()

    def _real_delay(self, instant):
        return (max(0.0, instant - self.now()) / self._speed) if self._speed else None

    def _run(self):
        with self.changed:
            while not self.closed:
                if not self._timers:
                    self.changed.wait()
                elif self._timers[0][0] <= self.now():
                    heapq.heappop(self._timers)[2]()
                    self.changed.notify_all()
                else:
                    self.changed.wait(self._real_delay(self._timers[0][0]))
