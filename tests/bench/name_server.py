#!/usr/bin/env python3
"""name_server.py ADDRESS NAME=ADDRESS...: a name server for tests, over UDP. Knows these names, and
says of all others that they do not exist."""
import socket
import sys

records = dict(record.split("=") for record in sys.argv[2:])
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
print("ready", flush=True)
while True:
    query, client = server.recvfrom(512)
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    question, kind = query[12 : at + 5], query[at + 2]
    address = records.get(".".join(labels))
    answer = b""
    if address and kind == 1:
        # A pointer to the name, A, IN, 60 seconds, 4 bytes.
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton(address)
    flags = b"\x81\x80" if address else b"\x81\x83"
    counts = b"\0\x01\0" + bytes([1 if answer else 0]) + b"\0\0\0\0"
    server.sendto(query[:2] + flags + counts + question + answer, client)
