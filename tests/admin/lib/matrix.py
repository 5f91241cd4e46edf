# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Each attribute of each request of the family "vgpu", wrong in every way: missing, doubled, out of range, of the wrong type.

What a request takes is read from the policies that the kernel is built with (kmod/nl_gen.c), so that nothing is left out; what an
attribute may be is written down here once more. Every refusal names the attribute and says exactly why. Run by
tests/admin/netlink.sh, which has made the GPU soft0.
"""
import os
import re
import struct
import sys

import netlink
from genl import NLA_F_NESTED, TOP, Refused, Socket, attr, nest

C, CMD = netlink.C, netlink.CMD
POLICY, UNEXPECTED = "Attribute failed policy validation", "NLA_F_NESTED not expected"
# Size, least and greatest of numbers. Where 0 stands for "none", below the least is for the operation to say (netlink.py).
RANGES = {
    **{"VM_" + name: (size, 0 if zero else least, greatest) for name, (size, least, greatest, zero) in netlink.SETTINGS.items()},
    **{"POOL_" + name: values for name, values in netlink.SCHEDULING.items()},
    "VM_MEMORY": (8, 1, 2**50), "STRIKE_LIMIT_KIND": (4, 0, 4), "STRIKE_LIMIT_THRESHOLD": (4, 0, 10**7),
    "STRIKE_LIMIT_WINDOW_NS": (8, 10**6, 900 * 10**9), "GROUP_TIER": (4, 0, 2),
}
WHOSE = "attribute uuid is missing: it says which virtual GPU is meant"
GPU, POOL = "attribute name is missing: it says which GPU is meant", "attribute name is missing: it says which pool is meant"
# What each request cannot do without, and what it says then
REQUIRED = {
    "VERSION_GET": {}, "GPU_GET": {"GPU_NAME": GPU},
    "GPU_SET": {"GPU_NAME": GPU, "GPU_POOL": "attribute pool is missing: it says where the GPU goes"},
    **{name: {"VM_UUID": WHOSE} for name in ("VM_GET", "VM_SET", "VM_FORGET", "QUARANTINE_SET", "QUARANTINE_RELEASE", "STATS_GET")},
    **{name: {"POOL_NAME": POOL} for name in ("POOL_GET", "POOL_NEW", "POOL_SET", "POOL_DEL")},
    "GROUP_GET": {},
}


def policies():
    """Attributes of each table of kmod/nl_gen.c, and the text of their policies."""
    with open(f"{TOP}/kmod/nl_gen.c", encoding="utf-8") as file:
        tables = re.findall(r"^const struct nla_policy (\w+)\[[^]]*\] = \{\n((?:\t.*\n)*)\};", file.read(), re.M)
    return {name: dict(re.findall(r"\[VGPU_A_(\w+)\] = (.*),\n", body)) for name, body in tables}


TABLES = policies()


def sound(name, policy):
    """An attribute as it should be."""
    kind = C["VGPU_A_" + name]
    if name in RANGES:
        return attr(kind, RANGES[name][:2])
    if "EXACT_LEN" in policy:
        return attr(kind, VM)
    if "FLAG" in policy:
        return attr(kind, b"")
    if "NESTED" in policy:
        inner = TABLES[re.search(r"NESTED\((\w+)\)", policy)[1]]
        return nest(kind, *(sound(*one) for one in inner.items()))
    return attr(kind, "soft0" if name in ("GPU_NAME", "GROUP_GPU") else "default")


def wrong(name, policy):
    """The attribute in all wrong ways: bytes, error, message, and at which of the bytes the message points."""
    kind = C["VGPU_A_" + name]
    if name in RANGES:
        size, least, greatest = RANGES[name]
        yield attr(kind, (12 - size, least)), "EINVAL", "invalid attribute length", 0
        yield attr(kind, b""), "EINVAL", "invalid attribute length", 0
        for value in {greatest + 1, 2**(8 * size) - 1} | ({least - 1} if least else set()):
            yield attr(kind, (size, value)), "ERANGE", "integer out of range", 0
    elif "EXACT_LEN" in policy:
        for length in (0, 15, 17):
            yield attr(kind, bytes(length)), "ERANGE", "binary attribute size out of range", 0
    elif "FLAG" in policy:
        yield attr(kind, (4, 1)), "ERANGE", POLICY, 0
    elif "NESTED" in policy:
        yield attr(kind, (4, 1)), "EINVAL", "NLA_F_NESTED is missing", 0
        yield nest(kind, attr(100, b"")), "EINVAL", "Unknown attribute type", 4
        inner = TABLES[re.search(r"NESTED\((\w+)\)", policy)[1]]
        for one in inner.items():
            for data, code, message, at in wrong(*one):
                yield nest(kind, data), code, message, 4 + at
        return
    else:
        assert "NUL_STRING" in policy, f"{name}: no test knows what {policy} is"
        for data in ("x" * 32, b"soft0", b""):
            yield attr(kind, data), "EINVAL", POLICY, 0
    data = sound(name, policy)
    yield struct.pack("HH", struct.unpack_from("H", data)[0], kind | NLA_F_NESTED) + data[4:], "EINVAL", UNEXPECTED, 0


def refused(sock, command, payload, expected):
    try:
        sock.call(CMD[command], payload)
    except Refused as refusal:
        got = refusal.code, refusal.message, refusal.offset
        assert got == expected, f"{command} {payload.hex()}: got {got}, expected {expected}"
        return
    raise AssertionError(f"{command} {payload.hex()}: accepted, expected {expected}")


def main():
    sock, count, attributes = Socket(), 0, 0
    requests = {name[5:-10].upper(): table for name, table in TABLES.items() if name[5:-10].upper() in CMD}
    assert set(requests) == {name for name in CMD if not name.endswith("_NTF") and name != "MAX"}, sorted(requests)
    assert set(requests) == set(REQUIRED)
    for command, table in requests.items():
        required = {name: sound(name, table[name]) for name in REQUIRED[command]}
        for name, message in REQUIRED[command].items():
            refused(sock, command, b"".join(data for one, data in required.items() if one != name), ("EINVAL", message, None))
            count += 1
        for name, policy in table.items():
            attributes += 1
            others = b"".join(data for one, data in required.items() if one != name)
            good = sound(name, policy)
            for bad, code, message, at in wrong(name, policy):
                # Alone, before a sound one, and behind it
                for before, after in ((b"", b""), (b"", good), (good, b"")):
                    refused(sock, command, others + before + bad + after,
                            (code, message, netlink.FIRST + len(others) + len(before) + at))
                    count += 1
    print(f"# {count} wrong requests, {attributes} attributes in {len(requests)} operations")


if __name__ == "__main__":
    VM = os.urandom(16)
    sys.exit(main())
