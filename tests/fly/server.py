"""The HTTP side: connections that stay open, and answers as broken as a fault wants them."""
import http.server
import random
import socket
import ssl
import sys
import threading

from answers import Request, error
from values import ulid

REASONS = http.server.BaseHTTPRequestHandler.responses


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address, handle, malformed, clock, control=None, tls=None):
        """handle(request) is the answer, control(request) that of paths below /_test;
        malformed(text) is told of what is no request of HTTP."""
        self.handle_api = handle
        self.malformed = malformed
        self.clock = clock
        self.control = control
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.lock = threading.Lock()
        self.open = set()
        super().__init__(address, Handler)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{self.server_address[0]}:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def get_request(self):
        connection, address = super().get_request()
        if self.context:
            # The handshake is done by the connection's own thread, at its first read.
            connection = self.context.wrap_socket(connection, server_side=True,
                                                  do_handshake_on_connect=False)
        with self.lock:
            self.open.add(connection)
        return connection, address

    def shutdown_request(self, request):
        with self.lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A client that went away is none of our business; anything else is told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def close(self):
        self.shutdown()
        self.server_close()
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        self.thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def answer(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            self.close_connection = True
            self.server.malformed(f"{self.command} {self.path}: no Content-Length")
            self.send(error(411, "Content-Length is required"))
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            # Who was killed while it asked is no deviation; the request never was.
            self.close_connection = True
            return
        request = Request(self.command, self.path, headers, body, self.server.clock.now())
        if self.server.control and request.path.startswith("/_test/"):
            self.send(self.server.control(request))
        else:
            self.send(self.server.handle_api(request))

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = answer

    def send_error(self, code, message=None, explain=None):
        """What the parser of requests finds."""
        self.close_connection = True
        self.server.malformed(f"{self.raw_requestline!r}: {message}")
        self.send(error(int(code), message or "bad request"))

    def send(self, answer):
        clock = self.server.clock
        if answer.delay_s:
            clock.wait(lambda: False, clock.now() + answer.delay_s)
        if answer.is_cut or clock.closed:
            self.close_connection = True
            return
        head = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, ('Unknown',))[0]}",
                f"fly-request-id: {ulid(clock.now())}-{random.choice(('ams', 'iad'))}"]
        headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
        if answer.status != 204:
            headers["Content-Length"] = len(answer.body)
        head += [f"{name}: {value}" for name, value in headers.items()]
        data = "\r\n".join(head + ["", ""]).encode()
        body = b"" if answer.status == 204 else answer.body
        half = len(body) // 2
        if answer.is_truncated:
            self.close_connection = True
            self.wfile.write(data + body[:half])
        elif answer.stall_s:
            self.wfile.write(data + body[:half])
            clock.wait(lambda: False, clock.now() + answer.stall_s)
            self.wfile.write(body[half:])
        else:
            self.wfile.write(data + body)
