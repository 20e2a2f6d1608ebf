#!/usr/bin/python3
"""A real SMTP server that keeps every mail as a file: DIR/new/NAME, a maildir.

Needs Debian's python3-aiosmtpd. When it listens it prints one JSON line:
{"event": "ready", "host": "127.0.0.1", "port": 2525}. SIGTERM and SIGINT end it.

Addresses that start with a certain word are refused at RCPT TO:
    bounce…  550 5.1.1 no such user
    later…   450 4.2.1 try again later
    relay…   554 5.7.1 relaying denied
"""
import argparse
import asyncio
import itertools
import json
import os
import signal
import sys
import time

from aiosmtpd.smtp import SMTP

REFUSALS = {
    "bounce": "550 5.1.1 no such user",
    "later": "450 4.2.1 try again later",
    "relay": "554 5.7.1 relaying denied",
}


class Sink:
    def __init__(self, folder, delay_s, hang_at):
        self.folder = folder
        self.delay_s = delay_s
        self.hang_at = hang_at
        self.counter = itertools.count(1)
        for name in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)

    async def handle_RCPT(self, server, session, envelope, address, options):
        for word, refusal in REFUSALS.items():
            if address.lower().startswith(word):
                return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        number = next(self.counter)
        name = f"{time.time_ns()}.{os.getpid()}_{number}.sink"
        unfinished = os.path.join(self.folder, "tmp", name)
        head = f"Return-Path: <{envelope.mail_from}>\r\n"
        head += "".join(f"Delivered-To: {to}\r\n" for to in envelope.rcpt_tos)
        with open(unfinished, "wb") as file:
            file.write(head.encode() + envelope.original_content)
        os.rename(unfinished, os.path.join(self.folder, "new", name))
        await asyncio.sleep(self.delay_s)
        if number == self.hang_at:
            await asyncio.Event().wait()
        return "250 2.0.0 kept"


async def serve(options):
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sink = Sink(options.folder, options.delay, options.hang_at)
    server = await loop.create_server(
        lambda: SMTP(sink, hostname="sink.invalid", ident="kaiwa's sink", loop=loop),
        options.host, options.port)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"event": "ready", "host": options.host, "port": port}), flush=True)
    await stop.wait()
    server.close()
    await server.wait_closed()


def main():
    parser = argparse.ArgumentParser(description="A real SMTP server that keeps mail as files.")
    parser.add_argument("folder", help="where to keep the mails, a maildir; made if missing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2525, help="0: any free one (default 2525)")
    parser.add_argument("--delay", type=float, default=0, metavar="SECONDS",
                        help="between keeping a mail and answering for it")
    parser.add_argument("--hang-at", type=int, metavar="N",
                        help="keep the Nth mail but never answer, to try out crashes")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options))
    except OSError as error:
        print(json.dumps({"level": "error", "msg": "cannot serve", "cause": str(error),
                          "remedy": "give another --port, or a folder that can be written"}),
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
