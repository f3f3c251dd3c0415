#!/usr/bin/env python3
"""serve.py ADDRESS DIRECTORY [CERTIFICATE KEY]: an HTTP server of files, with byte ranges, that also
does what servers do on a bad day. Prints "listening on ADDRESS:PORT" (a free port), then one line
for each answer: METHOD PATH RANGE STATUS.

What goes wrong stands in front of the path: /~FAULT[,FAULT...]/path, where FAULT is one of
  cut=N       the connection ends after N bytes of an answer that promised more
  status=C*K  the first K requests for this path are answered with status C
  norange     byte ranges are ignored
  alter       the first byte is another one
  half        the answer is whole, but only half of the file
  notag       nothing is said that tells this file from a later one
  glue        a range is given also where If-Range says that another file is meant
  page        a page for people comes instead
  to=URL      it is elsewhere (URL in base64, as it has slashes)
  login=U:P   user U and password P are wanted

It is a proxy too, for whole URLs and for CONNECT; PROXY_LOGIN=U:P in the environment makes it want
user and password for that. Names that end in .test are its own address to it.
"""
import base64
import collections
import email.utils
import http.client
import http.server
import os
import posixpath
import re
import select
import socket
import ssl
import sys
import urllib.parse

seen = collections.Counter()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self):
        self.answer(True)

    def do_HEAD(self):
        self.answer(False)

    def do_CONNECT(self):
        if not self.may_pass():
            return
        host, _, port = self.path.rpartition(":")
        try:
            there = socket.create_connection((found(host.strip("[]")), int(port)), 10)
        except OSError:
            return self.plain(502)
        with there:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: there, there: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    part = end.recv(1 << 16)
                    if not part:
                        self.close_connection = True
                        return
                    ends[end].sendall(part)

    def relay(self):
        if not self.may_pass():
            return
        url = urllib.parse.urlsplit(self.path)
        there = http.client.HTTPConnection(found(url.hostname), url.port, timeout=10)
        kept = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        there.request(self.command, url.path, headers=kept)
        answer = there.getresponse()
        try:
            body = answer.read()
        except http.client.IncompleteRead as cut:
            body, self.close_connection = cut.partial, True
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def may_pass(self):
        login = os.environ.get("PROXY_LOGIN")
        if login and self.headers.get("Proxy-Authorization") != basic(login):
            self.plain(407, {"Proxy-Authenticate": 'Basic realm="test"'})
            return False
        return True

    def answer(self, with_body):
        if self.path.startswith("http://"):
            return self.relay()
        faults, path = self.asked()
        seen[self.path] += 1
        status, count = faults.get("status", "0*0").split("*")
        if seen[self.path] <= int(count):
            return self.plain(int(status))
        if "login" in faults and self.headers.get("Authorization") != basic(faults["login"]):
            return self.plain(401)
        if "to" in faults:
            return self.plain(302, {"Location": base64.b64decode(faults["to"]).decode()})
        if "page" in faults:
            return self.page()
        file = self.file(path)
        if file is None:
            return self.plain(404)
        with file:
            size = os.fstat(file.fileno()).st_size
            if "half" in faults:
                size //= 2
            tag = f'"{os.fstat(file.fileno()).st_mtime_ns:x}-{size:x}"'
            changed = email.utils.formatdate(os.fstat(file.fileno()).st_mtime, usegmt=True)
            meant = self.headers.get("If-Range", tag)
            same = "glue" in faults or meant in (tag, changed)
            first, last = self.range(size) if same and "norange" not in faults else (None, None)
            if first is not None and first >= size:
                return self.plain(416, {"Content-Range": f"bytes */{size}"})
            start, end = (0, size) if first is None else (first, last + 1)
            self.send_response(200 if first is None else 206)
            if first is not None:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            if "norange" not in faults:
                self.send_header("Accept-Ranges", "bytes")
            if "notag" not in faults:
                self.send_header("ETag", tag)
                self.send_header("Last-Modified", changed)
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if with_body:
                self.body(file, start, end, faults)

    def body(self, file, start, end, faults):
        length = end - start
        if "cut" in faults and int(faults["cut"]) < length:
            length = int(faults["cut"])
            self.close_connection = True
        file.seek(start)
        while length > 0:
            part = file.read(min(length, 1 << 16))
            if not part:
                break
            length -= len(part)
            if "alter" in faults and start == 0:
                part = bytes([part[0] ^ 1]) + part[1:]
            start += len(part)
            self.wfile.write(part)

    def asked(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        faults = {}
        match = re.match(r"/~([^/]*)(/.*)", path)
        if match:
            faults = dict(it.partition("=")[::2] for it in match[1].split(","))
            path = match[2]
        return faults, posixpath.normpath(path)

    def file(self, path):
        try:
            return open(directory + path, "rb")
        except OSError:
            return None

    def range(self, size):
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not match:
            return None, None
        last = int(match[2]) if match[2] else size - 1
        return int(match[1]), min(last, size - 1)

    def page(self):
        text = b"<html><body>Please log in.</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def plain(self, status, headers={}):
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        if status in (429, 503):
            self.send_header("Retry-After", "0")
        self.end_headers()

    def log_request(self, code="-", size="-"):
        say(f"{self.command} {self.path} {self.headers.get('Range', '-')} {int(code)}")

    def log_message(self, format, *args):
        pass


def found(host):
    return address if host.endswith(".test") else host


def basic(login):
    return "Basic " + base64.b64encode(login.encode()).decode()


def say(line):
    print(line, flush=True)


address, directory = sys.argv[1:3]
class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # Clients that go away are what some of this is for.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


server = Server((address, 0), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[3:5])
    server.socket = context.wrap_socket(server.socket, server_side=True)
say(f"listening on {address}:{server.server_port}")
server.serve_forever()
