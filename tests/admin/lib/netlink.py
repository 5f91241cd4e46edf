# SPDX-License-Identifier: GPL-2.0
# Copyright (C) vgpu authors
"""Wrong requests, dumps under change and notifications of the family "vgpu"; prints a line for each test.

Run by tests/admin/netlink.sh, which has made the GPU soft0 with the type vgpu-1g, at least 40 of it available.
"""
import os
import re
import struct
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from genl import NLM_F_DUMP, Refused, Socket, attr, attrs

TOP = os.path.dirname(os.path.abspath(__file__)) + "/../../.."
TYPE = "/sys/class/mdev_bus/soft0/mdev_supported_types/vgpu-1g"
FIRST = 20  # offset of a request's first attribute


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


C = constants()
VM_GET, VM_SET, GPU_GET, VERSION_GET = (C[f"VGPU_CMD_{name}"] for name in ("VM_GET", "VM_SET", "GPU_GET", "VERSION_GET"))
UUID, TIER, DEPTH, SESSIONS, DEADLINE = (C[f"VGPU_A_VM_{name}"] for name in
                                         ("UUID", "TIER", "DEPTH", "SESSIONS", "DEADLINE_NS"))
NAME = C["VGPU_A_GPU_NAME"]


def create():
    name = str(uuid.uuid4())
    with open(f"{TYPE}/create", "w", encoding="ascii") as file:
        file.write(name)
    return name


def remove(name):
    with open(f"/sys/bus/mdev/devices/{name}/remove", "w", encoding="ascii") as file:
        file.write("1")


def dump(sock):
    return [str(uuid.UUID(bytes=dict(attrs(vm))[UUID])) for vm in sock.call(VM_GET, flags=NLM_F_DUMP)]


def refused(code, message, offset, command, payload, **more):
    try:
        Socket().call(command, payload, **more)
    except Refused as refusal:
        got = (refusal.code, refusal.message, refusal.offset)
        assert got == (code, message, offset), f"{command} {payload.hex()}: got {got}, expected {(code, message, offset)}"
        return
    raise AssertionError(f"{command} {payload.hex()}: accepted, expected {code} {message}")


def test_wrong_requests():
    vm = create()
    which = attr(UUID, uuid.UUID(vm).bytes)
    after = FIRST + len(which)
    policy, unknown = "Attribute failed policy validation", "Unknown attribute type"
    # Missing
    refused("EINVAL", "attribute uuid is missing: it says which virtual GPU is meant", None, VM_GET, b"")
    refused("EINVAL", "attribute uuid is missing: it says which virtual GPU is meant", None, VM_SET, attr(DEPTH, (4, 1)))
    refused("EINVAL", "attribute name is missing: it says which GPU is meant", None, GPU_GET, b"")
    # Unknown to it
    refused("ENOENT", "no virtual GPU has this uuid", FIRST, VM_GET, attr(UUID, bytes(16)))
    refused("ENOENT", "no GPU has this name", FIRST, GPU_GET, attr(NAME, "soft9"))
    # Wrong length
    for length in (0, 15, 17):
        refused("ERANGE", "binary attribute size out of range", FIRST, VM_GET, attr(UUID, bytes(length)))
    refused("EINVAL", policy, FIRST, GPU_GET, attr(NAME, "x" * 32))
    refused("EINVAL", policy, FIRST, GPU_GET, attr(NAME, b"soft0"))
    for kind in (TIER, DEPTH, SESSIONS):
        refused("EINVAL", "invalid attribute length", after, VM_SET,
                which + attr(kind, (8, 1)))
    refused("EINVAL", "invalid attribute length", after, VM_SET, which + attr(DEADLINE, (4, 1)))
    # Out of range
    for kind, size, values in ((TIER, 4, (3, 2**32 - 1)), (DEPTH, 4, (0, 4097)), (SESSIONS, 4, (0, 65)),
                               (DEADLINE, 8, (0, 24 * 3600 * 10**9 + 1, 2**64 - 1))):
        for value in values:
            refused("ERANGE", "integer out of range", after, VM_SET, which + attr(kind, (size, value)))
    # Not for this operation, not for any
    refused("EINVAL", "Unsupported attribute", after, VM_SET, which + attr(C["VGPU_A_VM_APERTURE"], (8, 1)))
    refused("EINVAL", unknown, after, VM_SET, which + attr(100, (4, 1)))
    refused("EINVAL", unknown, after, VM_GET, which + attr(DEPTH, (4, 1)))
    refused("EINVAL", "Unsupported attribute", FIRST, VERSION_GET, attr(1, (4, 0)))
    # Trailing bytes, unknown commands, what the header must not hold
    refused("EINVAL", "bytes leftover after parsing attributes", None, VM_GET, which + b"\1\2\3")
    refused("ENOTSUP", "", None, 0, b"")
    refused("ENOTSUP", "", None, C["VGPU_CMD_VM_ADD_NTF"], b"")
    refused("ENOTSUP", "", None, 255, b"")
    refused("EINVAL", "genlmsghdr.reserved field is not 0", None, VERSION_GET, b"", reserved=1)


def test_doubled_attributes():
    """The last one counts, as everywhere in netlink."""
    one, two = create(), create()
    sock = Socket()
    answer = sock.call(VM_GET, attr(UUID, uuid.UUID(one).bytes) + attr(UUID, uuid.UUID(two).bytes))
    assert dict(attrs(answer[0]))[UUID] == uuid.UUID(two).bytes


def test_random_requests():
    """Nonsense never gets more than an answer, and changes nothing."""
    import random
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"# SEED={seed}")
    rng = random.Random(seed)
    vm = create()
    which = attr(UUID, uuid.UUID(vm).bytes)
    sock = Socket()
    before = sock.call(VM_GET, which)
    accepted = 0
    for _ in range(2000):
        payload = b"".join(attr(rng.randrange(40), rng.randbytes(rng.choice((0, 1, 4, 8, 16, 31))))
                           for _ in range(rng.randrange(4)))
        if rng.random() < 0.3:
            payload = bytearray(payload)
            for _ in range(rng.randrange(3)):
                if payload:
                    payload[rng.randrange(len(payload))] = rng.randrange(256)
            payload = bytes(payload)
        try:
            sock.call(rng.choice((VM_GET, VM_SET, GPU_GET, VERSION_GET)), payload, rng.choice((0, 0, NLM_F_DUMP)))
            accepted += 1
        except Refused:
            pass
    assert sock.call(VM_GET, which) == before, f"SEED={seed}: a request without the UUID changed the virtual GPU"
    assert 0 < accepted < 2000, f"SEED={seed}: {accepted} of 2000 accepted"


def test_dump_is_whole():
    """More than one message buffer holds: each is told once."""
    vms = {create() for _ in range(40)}
    told = dump(Socket())
    assert len(told) == 40 and set(told) == vms, f"told of {len(told)}"
    for vm in vms:
        remove(vm)
    assert dump(Socket()) == []


def test_dump_under_change():
    """A dump during which a virtual GPU came or went says so; one without says nothing."""
    vms = [create() for _ in range(40)]
    for change in ("none", "add", "remove"):
        # The kernel fills as much at once as the largest buffer that it was given.
        sock = Socket(size=8192)
        sock.send(VM_GET, flags=NLM_F_DUMP)
        flags = []
        done = False
        while not done:
            for kind, flag, _, _ in sock.messages():
                flags.append(flag & 0x10)
                done |= kind == 3
            if len(flags) < 40 and change == "add":
                vms.append(create())
                change = "added"
            elif len(flags) < 40 and change == "remove":
                remove(vms.pop(0))
                change = "removed"
        assert any(flags) == (change in ("added", "removed")), f"{change}: {flags}"
        assert change in ("none", "added", "removed"), "the dump was read in one go"


def test_notifications():
    sock = Socket()
    sock.join("monitor")
    vm = create()
    command, what = sock.event()
    assert command == C["VGPU_CMD_VM_ADD_NTF"] and what[UUID] == uuid.UUID(vm).bytes
    Socket().call(VM_SET, attr(UUID, uuid.UUID(vm).bytes) + attr(DEPTH, (4, 99)))
    command, what = sock.event()
    assert command == C["VGPU_CMD_VM_CHANGE_NTF"] and struct.unpack("I", what[DEPTH])[0] == 99
    remove(vm)
    command, what = sock.event()
    assert command == C["VGPU_CMD_VM_DEL_NTF"] and what[UUID] == uuid.UUID(vm).bytes


def test_group_needs_privilege():
    sock = Socket()
    pid = os.fork()
    if not pid:
        os.setgroups([])
        os.setresuid(65534, 65534, 65534)
        try:
            sock = Socket()
            sock.join("monitor")
        except PermissionError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "anybody may join"


def main():
    failures = 0
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            title = name[5:].replace("_", " ")
            try:
                test()
                print(f"ok admin/netlink: {title}", flush=True)
            except (AssertionError, Refused, OSError) as error:
                failures += 1
                print(f"FAIL admin/netlink: {title}: {type(error).__name__} {error}", flush=True)
            for name in os.listdir("/sys/bus/mdev/devices"):
                remove(name)
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
