"""The log API: what Machines of an app print, in pages of 100 lines, for seven days."""
from values import rfc3339

PAGE = 100
DAY_S = 24 * 3600
KEPT_S = 7 * DAY_S


class Logs:
    def __init__(self, clock):
        self.clock = clock
        # How much later than it was printed a line can be asked for.
        self.delay_s = 0
        self._lines = []  # oldest first
        self._last_ns = 0

    def add(self, app, machine, region, text, provider="app", level="info", is_platform=False):
        """is_platform is for lines of Fly's own; nothing that can be asked for tells them from
        the command's."""
        with self.clock.changed:
            now = self.clock.now()
            # No two lines have one time: pages go on after a time, and would lose the second.
            self._last_ns = max(self._last_ns + 1, int(now * 10 ** 9))
            self._lines.append({
                "app": app, "ns": self._last_ns, "visible_at": now + self.delay_s,
                "is_platform": is_platform,
                "attributes": {
                    "timestamp": rfc3339(self._last_ns), "message": text, "level": level,
                    "instance": machine, "region": region,
                    "meta": {"instance": machine, "region": region,
                             "event": {"provider": provider}},
                }})
            self.clock.changed.notify_all()

    def page(self, app, instance=None, region=None, next_token=""):
        """The answer to a request: lines after the token, or else the last of a day."""
        with self.clock.changed:
            now = self.clock.now()
            after = int(next_token) if next_token else int((now - DAY_S) * 10 ** 9)
            after = max(after, int((now - KEPT_S) * 10 ** 9))
            lines = [line for line in self._lines
                     if line["app"] == app and line["ns"] > after and line["visible_at"] <= now
                     and instance in (None, line["attributes"]["instance"])
                     and region in (None, line["attributes"]["region"])]
        lines = lines[:PAGE] if next_token else lines[-PAGE:]
        return {"data": [{"id": str(line["ns"]), "type": "log", "attributes": line["attributes"]}
                         for line in lines],
                "meta": {"next_token": str(lines[-1]["ns"]) if lines else next_token}}

    def text(self, machine):
        """All that a Machine's command printed, whether it can be asked for or not."""
        with self.clock.changed:
            return "".join(line["attributes"]["message"] + "\n" for line in self._lines
                           if line["attributes"]["instance"] == machine
                           and not line["is_platform"])
