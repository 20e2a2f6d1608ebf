"""For Schemathesis: each request comes from another client, as through a proxy.

Some of its checks send tokens that are none, on purpose; ten of them from one address, and
belfry would answer 429 (tests/daemon/test_access.py has that).
"""
import itertools

import requests

numbers = itertools.count()
send = requests.Session.send


def send_from_elsewhere(session, request, **options):
    n = next(numbers)
    request.headers["X-Forwarded-For"] = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
    return send(session, request, **options)


requests.Session.send = send_from_elsewhere
