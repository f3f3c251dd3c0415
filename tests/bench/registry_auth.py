#!/usr/bin/env python3
"""registry_auth.py DIR ADDRESS: a token server for docker-registry (distribution's token
authentication), for tests. Knows one user, deploy, whose password is in DIR/password; strangers
get no token. Signs with DIR/auth.key, whose certificate DIR/auth.crt registries have as their
rootcertbundle. Writes its port to DIR/port."""
import base64
import http.server
import json
import subprocess
import sys
import time
import urllib.parse

directory, address = sys.argv[1:]
KEY, CERTIFICATE = f"{directory}/auth.key", f"{directory}/auth.crt"
PASSWORD = open(f"{directory}/password").read()


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(service, scopes):
    der = subprocess.run(
        ["openssl", "x509", "-in", CERTIFICATE, "-outform", "DER"], check=True, capture_output=True
    ).stdout
    head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    access = []
    for scope in scopes:
        kind, rest = scope.split(":", 1)
        name, actions = rest.rsplit(":", 1)
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    now = int(time.time())
    claims = {
        "iss": "tests", "sub": "deploy", "aud": service, "exp": now + 600, "nbf": now - 60,
        "iat": now, "jti": str(now), "access": access,
    }
    signed = b".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", KEY], input=signed, check=True, capture_output=True
    ).stdout
    return (signed + b"." + encoded(signature)).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        given = self.headers.get("Authorization", "")
        wanted = base64.b64encode(f"deploy:{PASSWORD}".encode()).decode()
        if given == f"Basic {wanted}":
            scopes = [part for scope in query.get("scope", []) for part in scope.split(" ")]
            self.answer(200, {"token": token(query.get("service", [""])[0], scopes)})
        else:
            self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    # dockerd asks by POST first where it has a password.
    def do_POST(self):
        self.answer(404, {})


server = http.server.ThreadingHTTPServer((address, 0), Handler)
with open(f"{directory}/port", "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
