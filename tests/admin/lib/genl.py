# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
"""Generic netlink by hand, so that tests can send what no proper tool would."""
import errno
import os
import re
import socket
import struct

TOP = os.path.dirname(os.path.abspath(__file__)) + "/../../.."

NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 1, 2, 4, 0x10, 0x300
NLA_F_NESTED = 0x8000
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_ERROR, NLMSG_DONE, GENL_ID_CTRL = 2, 3, 16
NETLINK_GENERIC = 16
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 1, 10, 11


def constants():
    """Numbers of attributes and commands, from the header."""
    found, value = {}, 0
    with open(f"{TOP}/uapi/vgpu_netlink.h", encoding="utf-8") as file:
        for line in file:
            if line.startswith("enum"):
                value = 0
            match = re.match(r"\t(VGPU_\w+)(?: = (\d+))?,$", line)
            if match:
                value = int(match[2]) if match[2] else value
                found[match[1]] = value
                value += 1
    return found


def attr(kind, value):
    """An attribute: bytes as they are, text with its NUL, (size, number) as an integer."""
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, tuple):
        value = value[1].to_bytes(value[0], "little")
    return struct.pack("HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)


def nest(kind, *inside):
    return attr(kind | NLA_F_NESTED, b"".join(inside))


def attrs(data):
    """Attributes as a list of (kind, payload)."""
    found = []
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        found.append((kind & 0x3fff, data[4:length]))
        data = data[(length + 3) & ~3:]
    return found


class Refused(Exception):
    """What the kernel answered: code as a name, message, and offset of the attribute that it meant or None."""

    def __init__(self, code, message, offset):
        super().__init__(f"{errno.errorcode.get(code, code)}: {message} (attribute at {offset})")
        self.code, self.message, self.offset = errno.errorcode.get(code, str(code)), message, offset


class Socket:
    def __init__(self, size=65536):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.size = size
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.sock.bind((0, 0))
        self.seq = 0
        self.backlog = []
        self.family = GENL_ID_CTRL
        reply = dict(attrs(self.call(3, attr(2, "vgpu"), version=2)[0]))
        self.family = struct.unpack("H", reply[1])[0]
        self.groups = {}
        for _, group in attrs(reply.get(7, b"")):
            group = dict(attrs(group))
            self.groups[group[1].rstrip(b"\0").decode()] = struct.unpack("I", group[2])[0]

    def join(self, group):
        self.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, self.groups[group])

    def messages(self):
        data = self.sock.recv(self.size)
        while data:
            length, kind, flags, seq, _ = struct.unpack_from("IHHII", data)
            yield kind, flags, seq, data[16:length]
            data = data[(length + 3) & ~3:]

    def send(self, command, payload=b"", flags=NLM_F_ACK, version=1, reserved=0):
        self.seq += 1
        body = struct.pack("BBH", command, version, reserved) + payload
        self.sock.send(struct.pack("IHHII", 16 + len(body), self.family, flags | NLM_F_REQUEST, self.seq, 0) + body)

    def refusal(self, flags, body):
        code, = struct.unpack_from("i", body)
        message, offset = "", None
        if flags & NLM_F_ACK_TLVS:
            rest = body[20:] if flags & NLM_F_CAPPED else body[4 + struct.unpack_from("I", body, 4)[0]:]
            for kind, value in attrs(rest):
                if kind == 1:
                    message = value.rstrip(b"\0").decode()
                elif kind == 2:
                    offset, = struct.unpack("I", value)
        return Refused(-code, message, offset)

    def call(self, command, payload=b"", flags=0, version=1, reserved=0):
        """The attributes of each answer; Refused if the kernel refuses. self.interrupted tells of a dump under change."""
        self.send(command, payload, flags | NLM_F_ACK, version, reserved)
        answers = []
        self.interrupted = False
        while True:
            for kind, flags_in, seq, body in self.messages():
                if seq != self.seq:
                    self.backlog.append(body)
                    continue
                self.interrupted |= bool(flags_in & NLM_F_DUMP_INTR) and kind != NLMSG_ERROR
                if kind == NLMSG_ERROR:
                    if struct.unpack_from("i", body)[0]:
                        raise self.refusal(flags_in, body)
                    return answers
                if kind == NLMSG_DONE:
                    return answers
                answers.append(body[4:])

    def event(self, seconds=30):
        """The next notification: its command and attributes."""
        self.sock.settimeout(seconds)
        try:
            while not self.backlog:
                self.backlog += [body for _, _, _, body in self.messages()]
        finally:
            self.sock.settimeout(None)
        body = self.backlog.pop(0)
        return body[0], dict(attrs(body[4:]))

