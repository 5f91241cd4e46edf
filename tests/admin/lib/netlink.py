# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
"""Wrong requests, dumps under change and notifications of the family "vgpu"; prints a line for each test.

Run by tests/admin/netlink.sh, which has made the GPU soft0 with the type vgpu-1g, at least 40 of it available.
"""
import errno
import os
import struct
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import vfio
from genl import NLA_F_NESTED, NLM_F_DUMP, Refused, Socket, attr, attrs, constants, nest

TYPE = "/sys/class/mdev_bus/soft0/mdev_supported_types/vgpu-1g"
FIRST = 20  # offset of a request's first attribute


C = constants()
VM_GET, VM_SET, GPU_GET, VERSION_GET = (C[f"VGPU_CMD_{name}"] for name in ("VM_GET", "VM_SET", "GPU_GET", "VERSION_GET"))
UUID, TIER, DEPTH, SESSIONS, DEADLINE = (C[f"VGPU_A_VM_{name}"] for name in
                                         ("UUID", "TIER", "DEPTH", "SESSIONS", "DEADLINE_NS"))
NAME = C["VGPU_A_GPU_NAME"]
VM = {name[10:]: number for name, number in C.items() if name.startswith("VGPU_A_VM_")}
POOL = {name[12:]: number for name, number in C.items() if name.startswith("VGPU_A_POOL_")}
STRIKE = {name[20:]: number for name, number in C.items() if name.startswith("VGPU_A_STRIKE_LIMIT_")}
CMD = {name[9:]: number for name, number in C.items() if name.startswith("VGPU_CMD_")}
GPU_POOL = C["VGPU_A_GPU_POOL"]
REPLACE = attr(VM["REPLACE"], b"")
# Settings of one number: size, least, greatest, and whether 0 is allowed below the least
SETTINGS = {
    "TIER": (4, 0, 2, True), "DEPTH": (4, 1, 4096, False), "SESSIONS": (4, 1, 64, False),
    "DEADLINE_NS": (8, 1, 24 * 3600 * 10**9, False), "GPU_SHARE": (4, 1000, 10**6, True),
    "GPU_BURST_NS": (8, 10**6, 10**10, False), "COPY_RATE": (8, 2**20, 2**40, True),
    "COPY_BURST": (8, 2**16, 2**32, False), "CMD_RATE": (4, 1, 10**8, True), "CMD_BURST": (4, 1, 10**6, False),
    "WEIGHT": (4, 10, 1000, False),
    "QUARANTINE_NS": (8, 10**6, 7 * 86400 * 10**9, True), "QUARANTINE_MAX_NS": (8, 10**6, 7 * 86400 * 10**9, False),
}
# The same of a pool's scheduling
SCHEDULING = {
    "POLICY": (4, 0, 1), "ORDER": (4, 0, 1), "CHARGE": (4, 0, 2), "WINDOW": (4, 1, 2), "WEIGHT_HIGH": (4, 1, 1000),
    "WEIGHT_MEDIUM": (4, 1, 1000), "WEIGHT_LOW": (4, 1, 1000), "AGING_NS": (8, 10**6, 3600 * 10**9),
    "SLICE_NS": (8, 10**4, 10**8), "AGING_CAP": (4, 0, 500),
}


def create(name=None):
    name = name or str(uuid.uuid4())
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


def call(command, payload, **more):
    return Socket().call(CMD[command], payload, **more)


def number(value):
    return int.from_bytes(value, "little")


def vm_get(vm):
    return dict(attrs(call("VM_GET", which_vm(vm))[0]))


def which_vm(vm):
    return attr(UUID, uuid.UUID(vm).bytes)


def declared(vm):
    return {kind: value for kind, value in attrs(vm_get(vm)[VM["DECLARED"]])}


def strike(kind, threshold, window):
    return nest(VM["STRIKE"], attr(STRIKE["KIND"], (4, kind)), attr(STRIKE["THRESHOLD"], (4, threshold)),
                attr(STRIKE["WINDOW_NS"], (8, window)))


def pool_get(pool):
    return dict(attrs(call("POOL_GET", attr(POOL["NAME"], pool))[0]))


def kernel_log():
    """What the kernel logged since it was last asked; nothing the first time. The log is a ring: what is old goes."""
    global log_file
    if log_file is None:
        log_file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(log_file, 0, os.SEEK_END)
    records = []
    while True:
        try:
            records.append(os.read(log_file, 8192).decode())
        except BlockingIOError:
            return "".join(records)
        except BrokenPipeError:
            records.append("(records were overwritten before they were read)\n")


log_file = None


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
    for name, (size, least, greatest, zero) in SETTINGS.items():
        kind = VM[name]
        refused("EINVAL", "invalid attribute length", after, VM_SET, which + attr(kind, (12 - size, least)))
        # Out of range, at the ends and in the hole between 0 and the least
        values = [greatest + 1, 2**(8 * size) - 1] + ([] if zero else [0])
        for value in values + ([least - 1] if not zero and least > 1 else []):
            refused("ERANGE", "integer out of range", after, VM_SET, which + attr(kind, (size, value)))
        if zero and least > 1:
            refused("ERANGE", HOLES[name], after, VM_SET, which + attr(kind, (size, least - 1)))
    refused("EINVAL", "invalid attribute length", after, VM_SET, which + attr(VM["MEMORY"], (4, 1)))
    refused("ERANGE", "integer out of range", after, VM_SET, which + attr(VM["MEMORY"], (8, 0)))
    refused("EINVAL", "memory is not a multiple of the GPU's granule", None, VM_SET, which + attr(VM["MEMORY"], (8, 4097)))
    refused("ENOSPC", "the GPU has not so much memory left", None, VM_SET, which + attr(VM["MEMORY"], (8, 2**40)))
    refused("EINVAL", "longest quarantine is not between the first one and 7 days", None, VM_SET,
            which + attr(VM["QUARANTINE_NS"], (8, 10**9)) + attr(VM["QUARANTINE_MAX_NS"], (8, 10**6)))
    # Strikes are nests
    refused("EINVAL", "NLA_F_NESTED is missing", after, VM_SET, which + attr(VM["STRIKE"], b""))
    refused("EINVAL", "a nest strike takes kind, threshold and window-ns, and one of them is missing", after, VM_SET,
            which + nest(VM["STRIKE"], attr(STRIKE["KIND"], (4, 0)), attr(STRIKE["THRESHOLD"], (4, 1))))
    for bad, at in ((strike(5, 1, 10**9), 0), (strike(0, 10**7 + 1, 10**9), 8), (strike(0, 1, 10**6 - 1), 16),
                    (strike(0, 1, 900 * 10**9 + 1), 16)):
        refused("ERANGE", "integer out of range", after + 4 + at, VM_SET, which + bad)
    refused("ENOENT", "no pool has this name: make it first (pool-new)", after, VM_SET, which + attr(VM["POOL"], "none"))
    refused("EINVAL", policy, after, VM_SET, which + attr(VM["POOL"], "x" * 32))
    # What needs a virtual GPU, or a declaration
    nobody = attr(UUID, bytes(16))
    for command in ("QUARANTINE_SET", "QUARANTINE_RELEASE", "STATS_GET"):
        refused("ENOENT", "no virtual GPU has this uuid", FIRST, CMD[command], nobody)
        refused("EINVAL", "attribute uuid is missing: it says which virtual GPU is meant", None, CMD[command], b"")
    refused("ENOENT", "nothing was declared for this uuid", FIRST, CMD["VM_FORGET"], nobody)
    refused("EINVAL", "attribute uuid is missing: it says which virtual GPU is meant", None, CMD["VM_FORGET"], b"")
    refused("EALREADY", "the virtual GPU is not quarantined", FIRST, CMD["QUARANTINE_RELEASE"], which)
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


HOLES = {"GPU_SHARE": "gpu-share is 0 for no limit, or 1000 to 1000000 millionths",
         "COPY_RATE": "copy-rate is 0 for no limit, or 1 MiB/s to 1 TiB/s",
         "QUARANTINE_NS": "quarantine-ns is 0 for until released, or 1 ms to 7 days"}


def test_wrong_requests_about_pools():
    name = attr(POOL["NAME"], "p")
    after = FIRST + len(name)
    missing = "attribute name is missing: it says which pool is meant"
    sane = "a pool's name is made of letters, digits, \".\", \"_\" and \"-\""
    none = "no pool has this name: make it first (pool-new)"
    for command in ("POOL_GET", "POOL_NEW", "POOL_SET", "POOL_DEL"):
        refused("EINVAL", missing, None, CMD[command], b"")
        refused("EINVAL", "Attribute failed policy validation", FIRST, CMD[command], attr(POOL["NAME"], "x" * 32))
        if command != "POOL_NEW":
            refused("ENOENT", none, FIRST, CMD[command], name)
    for bad in ("", "a b", "a/b", "\n", "\u00e9"):
        refused("EINVAL", sane, None, CMD["POOL_NEW"], attr(POOL["NAME"], bad))
    refused("EEXIST", "there is a pool default already: change it (pool-set)", None, CMD["POOL_NEW"],
            attr(POOL["NAME"], "default"))
    refused("EINVAL", "the default pool stays: GPUs of which nothing is said are in it", FIRST, CMD["POOL_DEL"],
            attr(POOL["NAME"], "default"))
    for key, (size, least, greatest) in SCHEDULING.items():
        for value in [greatest + 1, 2**(8 * size) - 1] + ([least - 1] if least else []):
            refused("ERANGE", "integer out of range", after, CMD["POOL_NEW"], name + attr(POOL[key], (size, value)))
        refused("EINVAL", "invalid attribute length", after, CMD["POOL_NEW"], name + attr(POOL[key], (12 - size, least)))
    # Default limits: as those of a virtual GPU, but neither memory nor pool
    for key, (size, least, greatest, zero) in SETTINGS.items():
        refused("ERANGE", "integer out of range", after + 4, CMD["POOL_NEW"],
                name + nest(POOL["LIMITS"], attr(VM[key], (size, greatest + 1))))
    for key, value in (("MEMORY", (8, 2**30)), ("POOL", "default"), ("UUID", bytes(16))):
        refused("EINVAL", "Unsupported attribute", after + 4, CMD["POOL_NEW"],
                name + nest(POOL["LIMITS"], attr(VM[key], value)))
    refused("EINVAL", "Unsupported attribute", after, CMD["POOL_NEW"], name + attr(POOL["GPUS"], (4, 1)))
    # GPUs
    gpu, default = attr(NAME, "soft0"), attr(GPU_POOL, "default")
    refused("EINVAL", "attribute name is missing: it says which GPU is meant", None, CMD["GPU_SET"], default)
    refused("EINVAL", "attribute pool is missing: it says where the GPU goes", None, CMD["GPU_SET"], gpu)
    refused("ENOENT", none, FIRST + len(gpu), CMD["GPU_SET"], gpu + attr(GPU_POOL, "none"))
    refused("EINVAL", sane.replace("pool", "GPU"), FIRST, CMD["GPU_SET"], attr(NAME, "a b") + default)
    assert len(call("POOL_GET", b"", flags=NLM_F_DUMP)) == 1


def test_declared_settings():
    """Every setting at its bounds, live and for a UUID without virtual GPU; REPLACE and forgetting."""
    vm, sock = create(), Socket()
    before = {VM[key]: vm_get(vm)[VM[key]] for key in SETTINGS}
    absent = str(uuid.uuid4())
    for target in (vm, absent):
        for key, (size, least, greatest, zero) in SETTINGS.items():
            for value in [least, greatest] + ([0] if zero else []):
                sock.call(VM_SET, which_vm(target) + attr(VM[key], (size, value)) + REPLACE)
                assert declared(target) == {VM[key]: value.to_bytes(size, "little")}, f"{key} {value}"
                if target == vm:
                    assert number(vm_get(vm)[VM[key]]) == value, f"{key} is not in force"
        # Merged, and all given up again but one
        sock.call(VM_SET, which_vm(target) + attr(DEPTH, (4, 7)) + REPLACE)
        sock.call(VM_SET, which_vm(target) + attr(SESSIONS, (4, 5)) + strike(1, 9, 10**9))
        assert set(declared(target)) == {DEPTH, SESSIONS, VM["STRIKE"]}
        sock.call(VM_SET, which_vm(target) + attr(TIER, (4, 2)) + REPLACE)
        assert set(declared(target)) == {TIER}
    got = vm_get(vm)
    assert got[DEPTH] == before[DEPTH] and number(got[TIER]) == 2 and number(got[VM["PRESENT"]]) == 1
    told = vm_get(absent)
    assert set(told) == {UUID, VM["STATE"], VM["PRESENT"], VM["DECLARED"]} and number(told[VM["PRESENT"]]) == 0
    assert number(told[VM["STATE"]]) == C["VGPU_VM_STATE_DECLARED"]
    assert sorted(dump(sock)) == sorted((vm, absent))
    # It is in force as soon as there is a virtual GPU, and outlives it
    sock.call(VM_SET, which_vm(absent) + attr(VM["MEMORY"], (8, 2**29)) + attr(VM["GPU_SHARE"], (4, 250000)))
    create(absent)
    got = vm_get(absent)
    assert number(got[TIER]) == 2 and number(got[VM["MEMORY"]]) == 2**29 and number(got[VM["GPU_SHARE"]]) == 250000
    remove(absent)
    assert number(vm_get(absent)[VM["STATE"]]) == C["VGPU_VM_STATE_DECLARED"]
    # Memory, live: more and less
    for memory in (2**31, 2**29):
        sock.call(VM_SET, which_vm(vm) + attr(VM["MEMORY"], (8, memory)))
        assert number(vm_get(vm)[VM["MEMORY"]]) == memory
    for target in (vm, absent):
        sock.call(CMD["VM_FORGET"], which_vm(target))
    assert {VM[key]: vm_get(vm)[VM[key]] for key in SETTINGS} == before and VM["DECLARED"] not in vm_get(vm)
    assert number(vm_get(vm)[VM["MEMORY"]]) == 2**30
    assert dump(sock) == [vm]
    remove(vm)


def test_pools():
    """Scheduling and default limits, live; what is declared for a UUID counts more."""
    sock, vm, plain = Socket(), create(), create()
    depth = number(vm_get(vm)[DEPTH])
    sock.call(CMD["POOL_NEW"], attr(POOL["NAME"], "A") + attr(POOL["WEIGHT_HIGH"], (4, 9)) +
              nest(POOL["LIMITS"], attr(DEPTH, (4, 33)), strike(2, 5, 10**9)))
    got = pool_get("A")
    assert number(got[POOL["WEIGHT_HIGH"]]) == 9 and number(got[POOL["WEIGHT_LOW"]]) == 1
    assert (number(got[POOL["GPUS"]]), number(got[POOL["VMS"]])) == (0, 0)
    assert {kind for kind, _ in attrs(got[POOL["LIMITS"]])} == {DEPTH, VM["STRIKE"]}
    sock.call(VM_SET, which_vm(vm) + attr(DEPTH, (4, 44)))
    # A GPU with closed virtual GPUs moves, and its virtual GPUs get the pool's limits
    sock.call(CMD["GPU_SET"], attr(NAME, "soft0") + attr(GPU_POOL, "A"))
    assert vm_get(vm)[VM["POOL"]] == b"A\0" and number(vm_get(vm)[DEPTH]) == 44 and number(vm_get(plain)[DEPTH]) == 33
    for key, (size, least, greatest) in SCHEDULING.items():
        for value in (least, greatest):
            sock.call(CMD["POOL_SET"], attr(POOL["NAME"], "A") + attr(POOL[key], (size, value)))
            assert number(pool_get("A")[POOL[key]]) == value, f"{key} {value}"
    sock.call(CMD["POOL_SET"], attr(POOL["NAME"], "A") + nest(POOL["LIMITS"], attr(SESSIONS, (4, 3))))
    assert number(vm_get(plain)[DEPTH]) == 33 and number(vm_get(plain)[SESSIONS]) == 3
    sock.call(CMD["POOL_SET"], attr(POOL["NAME"], "A") + attr(POOL["REPLACE"], b""))
    assert number(vm_get(plain)[DEPTH]) == depth and number(pool_get("A")[POOL["WEIGHT_HIGH"]]) == 16
    # What is in use stays
    refused("EBUSY", "pool A has 1 GPUs, as soft0: put them into another first (gpu-set)", FIRST,
            CMD["POOL_DEL"], attr(POOL["NAME"], "A"))
    sock.call(VM_SET, which_vm(vm) + attr(VM["POOL"], "A"))
    assert number(pool_get("A")[POOL["VMS"]]) == 1
    refused("EBUSY", f"{vm} was declared for pool A: vm-set it to no pool first", FIRST, CMD["GPU_SET"], attr(NAME, "soft0") + attr(GPU_POOL, "default"))
    sock.call(CMD["POOL_NEW"], attr(POOL["NAME"], "B"))
    refused("EBUSY", f"{vm} is on GPU soft0 of pool A: remove it, declare B, make it there", None, VM_SET, which_vm(vm) + attr(VM["POOL"], "B"))
    with vfio.opened(vm):
        sock.call(VM_SET, which_vm(vm) + attr(VM["POOL"], ""))
        refused("EBUSY", f"{vm} is open: shut its virtual machine down first", FIRST,
                CMD["GPU_SET"], attr(NAME, "soft0") + attr(GPU_POOL, "default"))
    sock.call(CMD["GPU_SET"], attr(NAME, "soft0") + attr(GPU_POOL, "default"))
    assert number(vm_get(plain)[DEPTH]) == depth and number(vm_get(vm)[DEPTH]) == 44
    # A pool that a UUID was declared for
    absent = str(uuid.uuid4())
    sock.call(VM_SET, which_vm(absent) + attr(VM["POOL"], "A"))
    refused("EBUSY", f"1 UUIDs are declared for it, as {absent}: vm-forget them first", FIRST, CMD["POOL_DEL"], attr(POOL["NAME"], "A"))
    kernel_log()
    try:
        create(absent)
        raise AssertionError("a virtual GPU of pool A was made in the default pool")
    except PermissionError:
        pass
    said = f"{absent}: virtual GPU is refused: it was declared for pool A: make it there, not on GPU soft0 of pool default"
    log = kernel_log()
    assert said in log, log
    for command, which in (("VM_FORGET", which_vm(absent)), ("VM_FORGET", which_vm(vm)),
                           ("POOL_DEL", attr(POOL["NAME"], "A")), ("POOL_DEL", attr(POOL["NAME"], "B"))):
        sock.call(CMD[command], which)
    assert len(sock.call(CMD["POOL_GET"], flags=NLM_F_DUMP)) == 1


def test_pool_of_an_absent_gpu():
    sock = Socket()
    sock.call(CMD["POOL_NEW"], attr(POOL["NAME"], "A"))
    sock.call(CMD["GPU_SET"], attr(NAME, "soft7") + attr(GPU_POOL, "A"))
    gpus = [dict(attrs(gpu)) for gpu in sock.call(GPU_GET, flags=NLM_F_DUMP)]
    state = C["VGPU_A_GPU_STATE"]
    assert [(gpu[NAME], gpu[GPU_POOL]) for gpu in gpus] == [(b"soft0\0", b"default\0"), (b"soft7\0", b"A\0")]
    assert number(gpus[1][state]) == C["VGPU_GPU_STATE_ABSENT"]
    assert sock.call(GPU_GET, attr(NAME, "soft7"))[0] and number(pool_get("A")[POOL["GPUS"]]) == 1
    refused("EBUSY", "pool A has 1 GPUs, as soft7: put them into another first (gpu-set)", FIRST,
            CMD["POOL_DEL"], attr(POOL["NAME"], "A"))
    sock.call(CMD["GPU_SET"], attr(NAME, "soft7") + attr(GPU_POOL, "default"))
    refused("ENOENT", "no GPU has this name", FIRST, GPU_GET, attr(NAME, "soft7"))
    sock.call(CMD["POOL_DEL"], attr(POOL["NAME"], "A"))


def test_quarantine():
    vm, sock = create(), Socket()
    sock.call(CMD["QUARANTINE_SET"], which_vm(vm))
    got = vm_get(vm)
    inside = dict(attrs(got[VM["QUARANTINE"]]))
    assert number(got[VM["QUARANTINED"]]) == 1 and number(inside[C["VGPU_A_QUARANTINE_ACTIVE"]]) == 1
    assert number(inside[C["VGPU_A_QUARANTINE_CAUSE"]]) == C["VGPU_VM_STRIKE_ADMINISTRATOR"]
    assert number(inside[C["VGPU_A_QUARANTINE_UNTIL_NS"]]) == 0 and number(inside[C["VGPU_A_QUARANTINE_COUNT"]]) == 1
    refused("EALREADY", "the virtual GPU is quarantined already", FIRST, CMD["QUARANTINE_SET"], which_vm(vm))
    sock.call(CMD["QUARANTINE_RELEASE"], which_vm(vm))
    assert number(vm_get(vm)[VM["QUARANTINED"]]) == 0
    remove(vm)


def setting(vm, name, value=None):
    """Of sysfs: read, or written."""
    with open(f"/sys/bus/mdev/devices/{vm}/vgpu/{name}", "r" if value is None else "w", encoding="ascii") as file:
        return file.read().strip() if value is None else file.write(value)


def test_settings_in_sysfs():
    vm, sock = create(), Socket()
    assert setting(vm, "tier") == "medium" and setting(vm, "depth") == "1024" and setting(vm, "memory") == str(2**30)
    kernel_log()
    try:
        setting(vm, "memory", "4097")
        raise AssertionError("memory took 4097")
    except OSError as error:
        assert error.errno == errno.EINVAL
    log = kernel_log()
    assert "memory cannot be changed: memory is not a multiple of the GPU's granule" in log, log
    for name, (_, least, greatest, zero) in SETTINGS.items():
        if name == "TIER":
            continue
        # The longest quarantine is raised with the first one
        for value in [least, greatest] + ([0] if zero else []):
            setting(vm, name.lower(), str(value))
            assert setting(vm, name.lower()) == str(value) and number(vm_get(vm)[VM[name]]) == value, name
        for bad in (str(greatest + 1), str(2**64), "-1", "x") + (() if zero else ("0",)):
            try:
                setting(vm, name.lower(), bad)
                raise AssertionError(f"{name} took '{bad}'")
            except OSError as error:
                assert error.errno in (errno.EINVAL, errno.ERANGE), f"{name} {bad}: {error}"
    setting(vm, "tier", "high\n")
    assert number(vm_get(vm)[TIER]) == 0 and TIER in declared(vm)
    # It goes with the virtual GPU, unless vm-set declared something too
    remove(vm)
    assert dump(sock) == []
    create(vm)
    assert setting(vm, "tier") == "medium"
    setting(vm, "tier", "low")
    sock.call(VM_SET, which_vm(vm) + attr(DEPTH, (4, 5)))
    remove(vm)
    assert set(declared(vm)) == {TIER, DEPTH}
    sock.call(CMD["VM_FORGET"], which_vm(vm))


def test_statistics():
    vms = {create() for _ in range(3)}
    answers = [dict(attrs(vm)) for vm in Socket().call(CMD["STATS_GET"], flags=NLM_F_DUMP)]
    assert {str(uuid.UUID(bytes=vm[UUID])) for vm in answers} == vms
    stats = dict(attrs(answers[0][VM["STATS"]]))
    assert all(number(stats[C[f"VGPU_A_STATS_{name}"]]) == 0 for name in ("SUBMITTED", "THROTTLED_NS", "MEMORY_PEAK"))


def test_doubled_attributes():
    """The last one counts, as everywhere in netlink, of each setting too; and each of them is checked."""
    one, two = create(), create()
    sock = Socket()
    answer = sock.call(VM_GET, attr(UUID, uuid.UUID(one).bytes) + attr(UUID, uuid.UUID(two).bytes))
    assert dict(attrs(answer[0]))[UUID] == uuid.UUID(two).bytes
    which = which_vm(one)
    for name, (size, least, greatest, _) in SETTINGS.items():
        sock.call(VM_SET, which + attr(VM[name], (size, greatest)) + attr(VM[name], (size, least)) + REPLACE)
        assert number(declared(one)[VM[name]]) == least, name
        first = attr(VM[name], (size, least))
        refused("ERANGE", "integer out of range", FIRST + len(which), VM_SET, which + attr(VM[name], (size, greatest + 1)) + first)
        refused("ERANGE", "integer out of range", FIRST + len(which + first), VM_SET,
                which + first + attr(VM[name], (size, greatest + 1)))
    pool = attr(POOL["NAME"], "default")
    for name, (size, least, greatest) in SCHEDULING.items():
        refused("ERANGE", "integer out of range", FIRST + len(pool), CMD["POOL_SET"],
                pool + attr(POOL[name], (size, greatest + 1)) + attr(POOL[name], (size, least)))
    sock.call(CMD["VM_FORGET"], which)
    answer = sock.call(GPU_GET, attr(NAME, "none") + attr(NAME, "soft0"))
    assert dict(attrs(answer[0]))[NAME] == b"soft0\0"


def test_random_requests():
    """Nonsense never gets more than an answer, and changes nothing."""
    import random
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"# SEED={seed}")
    rng = random.Random(seed)
    vm = create()
    which = attr(UUID, uuid.UUID(vm).bytes)
    sock = Socket()
    # Statistics have times in them.
    before = [told for told in attrs(sock.call(VM_GET, which)[0]) if told[0] != VM["STATS"]]
    accepted = 0
    for _ in range(2000):
        payload = b"".join(attr(rng.choice((0, NLA_F_NESTED)) | rng.randrange(40), rng.randbytes(rng.choice((0, 1, 4, 8, 16, 31))))
                           for _ in range(rng.randrange(4)))
        if rng.random() < 0.3:
            payload = bytearray(payload)
            for _ in range(rng.randrange(3)):
                if payload:
                    payload[rng.randrange(len(payload))] = rng.randrange(256)
            payload = bytes(payload)
        try:
            sock.call(rng.choice(list(CMD.values())), payload, rng.choice((0, 0, NLM_F_DUMP)))
            accepted += 1
        except Refused:
            pass
    after = [told for told in attrs(sock.call(VM_GET, which)[0]) if told[0] != VM["STATS"]]
    assert after == before, f"SEED={seed}: a request without the UUID changed {before} to {after}"
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
    """A dump during which a virtual GPU came or went says so; one without says nothing. What stays is told once in each."""
    vms = [create() for _ in range(40)]
    for change in ("none", "add", "remove"):
        told, stay = [], vms[1:]
        # The kernel fills as much at once as the largest buffer that it was given.
        sock = Socket(size=8192)
        sock.send(VM_GET, flags=NLM_F_DUMP)
        flags = []
        done = False
        while not done:
            for kind, flag, _, payload in sock.messages():
                flags.append(flag & 0x10)
                done |= kind == 3
                told += [str(uuid.UUID(bytes=dict(attrs(payload[4:]))[UUID]))] if kind != 3 else []
            if len(flags) < 40 and change == "add":
                vms.append(create())
                change = "added"
            elif len(flags) < 40 and change == "remove":
                remove(vms.pop(0))
                change = "removed"
        assert any(flags) == (change in ("added", "removed")), f"{change}: {flags}"
        assert change in ("none", "added", "removed"), "the dump was read in one go"
        assert [told.count(vm) for vm in stay] == [1] * len(stay), f"{change}: told of {len(set(told) & set(stay))} of {len(stay)}"


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


def as_nobody(what):
    """Runs it as a user without privilege; an AssertionError of it is one here."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        said = b""
        try:
            os.setgroups([])
            os.setresuid(65534, 65534, 65534)
            what()
        except BaseException as error:  # pylint: disable=broad-exception-caught
            said = f"{type(error).__name__} {error}".encode()
        os.write(writer, said)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        said = file.read()
    os.waitpid(pid, 0)
    assert not said, said


def test_group_needs_privilege():
    def join():
        try:
            Socket().join("monitor")
        except PermissionError:
            return
        raise AssertionError("anybody may join")
    as_nobody(join)


def test_operations_need_privilege():
    """Each of them, with attributes that would do for root, and each dump; but asking for the version."""
    vm = create()
    gpu, pool = attr(NAME, "soft0"), attr(POOL["NAME"], "default")
    requests = {
        "GPU_GET": gpu, "GPU_SET": gpu + attr(GPU_POOL, "default"), "POOL_GET": pool, "POOL_NEW": attr(POOL["NAME"], "A"),
        "POOL_SET": pool, "POOL_DEL": pool, "VM_GET": which_vm(vm), "VM_SET": which_vm(vm) + attr(DEPTH, (4, 1)),
        "VM_FORGET": which_vm(vm), "QUARANTINE_SET": which_vm(vm), "QUARANTINE_RELEASE": which_vm(vm),
        "STATS_GET": which_vm(vm), "GROUP_GET": attr(C["VGPU_A_GROUP_GPU"], "soft0"),
    }
    assert set(requests) == {name for name in CMD if not name.endswith("_NTF") and name not in ("VERSION_GET", "MAX")}, sorted(CMD)
    before = vm_get(vm)[DEPTH], len(call("POOL_GET", b"", flags=NLM_F_DUMP))

    def ask():
        for name, payload in requests.items():
            refused("EPERM", "", None, CMD[name], payload)
            if name.endswith("_GET"):
                refused("EPERM", "", None, CMD[name], b"", flags=NLM_F_DUMP)
        assert call("VERSION_GET", b"")
    as_nobody(ask)
    assert before == (vm_get(vm)[DEPTH], len(call("POOL_GET", b"", flags=NLM_F_DUMP)))
    remove(vm)


def main():
    failures = 0
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            title = name[5:].replace("_", " ")
            start = time.monotonic()
            try:
                test()
                print(f"ok admin/netlink: {title} ({time.monotonic() - start:.0f} s)", flush=True)
            except (AssertionError, Refused, OSError) as error:
                failures += 1
                print(f"FAIL admin/netlink: {title}: {type(error).__name__} {error}", flush=True)
            for name in os.listdir("/sys/bus/mdev/devices"):
                remove(name)
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
