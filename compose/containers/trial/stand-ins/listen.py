#!/usr/bin/python3
"""In place of Jaeger, Grafana and a mail catcher: accepts connections on their ports, and closes them."""

import selectors
import signal
import socket
import sys

PORTS = (16686, 4317, 3000, 1025, 8025)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
waiting = selectors.DefaultSelector()
for port in PORTS:
    waiting.register(socket.create_server(("0.0.0.0", port)), selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
