"""A DNS server for compose/containers/try-images, in place of an engine's: names.py ADDRESS NAME=ADDRESS...

A name that is given twice has two addresses; one that is not given does not exist (RFC 1035).
"""

import ipaddress
import socket
import struct
import sys

names = {}
for pair in sys.argv[2:]:
    name, address = pair.split("=")
    names.setdefault(name.encode(), []).append(ipaddress.IPv4Address(address).packed)

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
while True:
    query, client = server.recvfrom(512)
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    question = query[12:at + 5]
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]
    name = b".".join(labels).lower()
    # Type 1 is an IPv4 address; there are no addresses of other types.
    found = names.get(name, []) if kind == 1 else []
    # An authoritative answer; code 3: no such name.
    flags = 0x8580 | (0 if name in names else 3)
    answers = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + address for address in found)
    server.sendto(query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question + answers, client)
