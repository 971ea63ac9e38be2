"""A running `bulkhead serve` over capsules of our own, for the tests beside this file."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD_DIR = os.environ["BULKHEAD_BUILD_DIR"]
TOOL = os.environ.get("BULKHEAD_TOOL", os.path.join(BUILD_DIR, "bulkhead"))
PAYLOAD_BYTES_MAX = 8 << 20
WAIT_S = 60  # for what must happen; reaching it is a failure


def compile_guest():
    """The path of guest.wasm, compiled once per build directory."""
    source = os.path.join(HERE, "guest.c")
    directory = os.path.join(BUILD_DIR, "tests", "serve-guest")
    output = os.path.join(directory, "guest.wasm")
    if os.path.exists(output) and os.path.getmtime(output) > os.path.getmtime(source):
        return output
    os.makedirs(directory, exist_ok=True)
    compiler = os.path.join(HERE, "..", "..", "sdk", "c", "capsule-cc")
    handle, unfinished = tempfile.mkstemp(dir=directory, suffix=".wasm")
    os.close(handle)
    subprocess.run([compiler, source, "-o", unfinished], check=True)
    os.rename(unfinished, output)  # another test may compile at the same time
    return output


def write_capsule(directory, name, manifest=None, wasm=None, extra=""):
    """A capsule directory below `directory`; `name` names it and the capsule."""
    path = os.path.join(directory, name)
    os.makedirs(path)
    shutil.copy(wasm or compile_guest(), os.path.join(path, "guest.wasm"))
    text = manifest or (f'[package]\nname = "{name}"\nversion = "1.2.3"\n'
                        f'description = "says \\"{name}\\""\n\n'
                        f'[[component]]\nfile = "guest.wasm"\n{extra}')
    with open(os.path.join(path, "Capsule.toml"), "w") as file:
        file.write(text)
    return path


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def error_code(self):
        return self.json()["error"]["code"]


class Service:
    """Start, ask, stop. Use it in a `with` statement."""

    def __init__(self, capsules, *arguments, listen="127.0.0.1:0", workers=2):
        self.scratch = tempfile.mkdtemp(prefix="bulkhead-serve-")
        self.log = open(os.path.join(self.scratch, "log"), "w+")
        environment = dict(os.environ, XDG_STATE_HOME=os.path.join(self.scratch, "state"),
                           XDG_CACHE_HOME=os.path.join(BUILD_DIR, "tests", "serve-cache"))
        self.process = subprocess.Popen(
            [TOOL, "serve", capsules, "--listen", listen, "--workers", str(workers), *arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        self.host, self.port = self.wait_for_address()

    def wait_for_address(self):
        watchdog = threading.Timer(WAIT_S, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                found = re.search(r"http://(\[[0-9a-f:]+\]|[0-9.]+):([0-9]+)", line)
                if found:
                    return found.group(1).strip("[]"), int(found.group(2))
        finally:
            watchdog.cancel()
        raise AssertionError(f"serve ended with {self.process.wait()}:\n{self.read_log()}")

    def read_log(self):
        self.log.flush()
        with open(self.log.name) as file:
            return file.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.scratch)

    def connect(self):
        return contextlib.closing(http.client.HTTPConnection(self.host, self.port,
                                                             timeout=WAIT_S))

    def open_socket(self):
        return socket.create_connection((self.host, self.port), timeout=WAIT_S)

    def request(self, method, path, body=None, headers=None):
        with self.connect() as connection:
            return ask(connection, method, path, body, headers)

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def invoke(self, action, payload=b"", capsule="guest", **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", f"/v1/capsules/{capsule}/actions/{action}", payload, fields)

    def metric(self, line_start):
        """The number on the first line of /metrics that starts so; 0 without such a line."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(line_start):
                return float(line.rsplit(" ", 1)[1])
        return 0


def ask(connection, method, path, body=None, headers=None):
    connection.request(method, path, body, headers or {})
    return Answer(connection.getresponse())


def read_until_closed(stream):
    parts = []
    while True:
        part = stream.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def wait_until(condition):
    """Ask again and again: no event of ours says when another process has got somewhere."""
    waiting = threading.Event()
    for _ in range(WAIT_S * 100):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not happen")
