"""Values as Fly writes them: identifiers, times, durations, images, signals."""
import datetime
import hashlib
import random
import signal

ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(now):
    """One that sorts by the time it was made."""
    number = int(now * 1000) << 80 | random.getrandbits(80)
    return "".join(ULID[number >> 5 * place & 31] for place in reversed(range(26)))


def image_ref(image):
    """As Fly takes a name apart: docker.io's where no registry is named."""
    name, _, digest = image.partition("@")
    head, _, rest = name.partition("/")
    if rest and ("." in head or ":" in head or head == "localhost"):
        registry, name = head, rest
    else:
        registry = "registry-1.docker.io"
    name, _, tag = name.partition(":")
    if registry == "registry-1.docker.io" and "/" not in name:
        name = "library/" + name
    digest = digest or "sha256:" + hashlib.sha256(image.encode()).hexdigest()
    return {"registry": registry, "repository": name,
            **({"tag": tag or "latest"} if tag or "@" not in image else {}),
            "digest": digest, "labels": {}}


def signal_number(value):
    """Of a name, a number, or a number in a string; None where there is no such signal."""
    try:
        return signal.Signals[value] if str(value).startswith("SIG") else \
            signal.Signals(int(value))
    except (KeyError, ValueError):
        return None


def rfc3339(ns):
    seconds, rest = divmod(ns, 10 ** 9)
    time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def whole_second(instant):
    return rfc3339(int(instant) * 10 ** 9).replace(".000000000", "")


def seconds_of(value, default):
    """Of Go's duration as text, or of nanoseconds, as config.stop_config has them."""
    if isinstance(value, (int, float)):
        return value / 1e9
    units = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600}
    total, number, unit = 0.0, "", ""
    for letter in (value or "") + "0":
        if letter.isdigit() or letter == ".":
            if unit:
                total += float(number) * units[unit]
                number = unit = ""
            number += letter
        else:
            unit += letter
    return total if value else default
