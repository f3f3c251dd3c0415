"""What the benches of running hosts share: hosts (tests/bench/machine.sh), and how long one is silent."""
import os
import socket
import subprocess
import sys
import threading
import time

here = os.path.dirname(os.path.realpath(__file__))
machine_sh = os.path.join(here, "..", "tests", "bench", "machine.sh")


def machine(*arguments, check=True):
    result = subprocess.run([machine_sh, *arguments], capture_output=True, text=True)
    if check and result.returncode != 0:
        sys.exit(f"machine.sh {' '.join(arguments)}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


class Silence:
    """The longest time between two answers of the API, in milliseconds."""

    def __init__(self, path):
        self.path, self.longest, self.done = path, 0.0, False
        self.thread = threading.Thread(target=self.listen)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done = True
        self.thread.join()

    def listen(self):
        last = time.perf_counter()
        while not self.done:
            if self.answers():
                now = time.perf_counter()
                self.longest, last = max(self.longest, (now - last) * 1000), now
            time.sleep(0.004)

    def answers(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            try:
                client.connect(self.path)
                client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return client.recv(64).startswith(b"HTTP/1.0 200")
            except OSError:
                return False
