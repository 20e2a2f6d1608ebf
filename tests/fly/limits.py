"""Fly's rate limits: so many requests a second of one action to one Machine, or to one app."""
import collections
import math

# Of the documents: 1 a second and 3 at a time, but Get Machine 5 a second and 10 at a time.
# The log API and GraphQL are other services, with limits nobody has written down.
DOCUMENTED = {"get": (5, 10), "logs": None, "graphql": None}
OTHERS = (1, 3)


class Limits:
    def __init__(self, clock):
        self.clock = clock
        self.enabled = True
        # action: how often it was told 429; a test may demand that there is none.
        self.exceeded = collections.Counter()
        self._rates = dict(DOCUMENTED)
        self._left = {}

    def set(self, action, rate, burst):
        """Another limit of an action; a rate of None takes it away."""
        self._rates[action] = None if rate is None else (rate, burst)

    def refused_s(self, action, identifier):
        """0, and one request is counted; or how many seconds are left until one is allowed."""
        limit = self._rates.get(action, OTHERS)
        if not self.enabled or limit is None:
            return 0
        rate, burst = limit
        now = self.clock.now()
        left, since = self._left.get((action, identifier), (burst, now))
        left = min(burst, left + (now - since) * rate)
        if left < 1:
            self._left[action, identifier] = left, now
            self.exceeded[action] += 1
            return max(1, math.ceil((1 - left) / rate))
        self._left[action, identifier] = left - 1, now
        return 0
