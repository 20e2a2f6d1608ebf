"""Requests as they came, and answers as they go out."""
import json
import urllib.parse


class Request:
    def __init__(self, method, target, headers, body, at):
        split = urllib.parse.urlsplit(target)
        self.method = method
        self.path = split.path
        self.query = urllib.parse.parse_qs(split.query, keep_blank_values=True)
        self.headers = headers  # names in small letters
        self.body = body
        self.at = at
        self.json = {}
        self.action = self.app = self.machine = self.key = None
        self.token = None
        self.status = None  # of the answer; 0 where the connection was cut
        self.faults = []
        # What faults have in store for the Machine that this request creates.
        self.quirks = {}
        self.hidden_s = 0
        self.is_unreachable = False
        self.entry = None  # in Fly.created

    def one(self, name, default=None):
        return self.query.get(name, [default])[-1]

    def __repr__(self):
        return f"<{self.method} {self.path} {self.status} {self.faults or ''}>"


class Answer:
    def __init__(self, status, body=b"", headers=None, is_cut=False):
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = headers or {}
        self.is_cut = is_cut  # the connection ends without a byte
        self.is_truncated = False
        self.delay_s = 0  # before it
        self.stall_s = 0  # in its middle


class Refusal(Exception):
    """What a request is refused with."""

    def __init__(self, http_status, text, /, **more):
        super().__init__(text)
        self.answer = error(http_status, text, **more)


def error(http_status, text, /, headers=None, **more):
    return Answer(http_status, {"error": text, **more}, headers)
