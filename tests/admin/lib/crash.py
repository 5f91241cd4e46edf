# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
"""Random operations of vgpu-admin, killed at random instants and at each of its steps. After the next command, which repairs what one left that died,
kernel and database agree, and a model agrees with both: an operation happened as a whole or not at all.

    crash.py OPERATIONS         SEED in the environment repeats a run

Run by tests/admin/crash.sh, which has made the GPUs soft0 and soft1 and an empty database.
"""
import collections
import contextlib
import copy
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from genl import NLM_F_DUMP, Socket, attrs
from netlink import C

DATABASE = "/var/lib/vgpu/vgpu.db"
TIERS = ["high", "medium", "low"]
WEIGHTS = ["16:4:1", "8:4:1", "1:1:1"]
GPUS = ["soft0", "soft1"]
POOLS = ["A", "B", "C"]
UUIDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(6)]


class Model:
    """What should be declared; each operation gives its command line, and changes the model if it is possible."""

    def __init__(self):
        self.pools = {"default": {}}
        self.gpus = {}
        self.vms = {}

    def pool_of_gpu(self, gpu):
        return self.gpus.get(gpu, "default")

    def used(self, pool):
        return any(self.pool_of_gpu(gpu) == pool for gpu in GPUS) or any(vm.get("pool") == pool for vm in self.vms.values())

    def pool_add(self, rng):
        name, weights = rng.choice(POOLS), rng.choice(WEIGHTS)
        if name not in self.pools:
            self.pools[name] = {"weights": weights}
        return ["pool", "add", name, "--weights", weights]

    def pool_del(self, rng):
        name = rng.choice(POOLS)
        if name in self.pools and not self.used(name):
            del self.pools[name]
        return ["pool", "del", name]

    def sched_set(self, rng):
        name, weights = rng.choice(list(self.pools)), rng.choice(WEIGHTS)
        self.pools[name]["weights"] = weights
        return ["sched", "set", "--pool", name, "--weights", weights]

    def gpu_set(self, rng):
        gpu, pool = rng.choice(GPUS), rng.choice(list(self.pools))
        bound = any(vm.get("gpu") == gpu for vm in self.vms.values())
        if not bound or self.pool_of_gpu(gpu) == pool:
            self.gpus[gpu] = pool
        return ["gpu", "set", gpu, "--pool", pool]

    def vm_register(self, rng):
        which, pool, depth = rng.choice(UUIDS), rng.choice(list(self.pools)), rng.randrange(1, 4097)
        if which not in self.vms:
            self.vms[which] = {"name": "vm" + which[-1], "pool": pool, "depth": depth}
        return ["vm", "register", "vm" + which[-1], "--uuid", which, "--pool", pool, "--depth", str(depth)]

    def vm_create(self, rng):
        which, gpu = rng.choice(UUIDS), rng.choice(GPUS)
        if which not in self.vms:
            self.vms[which] = {"name": "vm" + which[-1], "pool": self.pool_of_gpu(gpu), "type": "vgpu-1g", "gpu": gpu}
        elif self.vms[which]["pool"] == self.pool_of_gpu(gpu) and "type" not in self.vms[which]:
            self.vms[which] |= {"type": "vgpu-1g", "gpu": gpu}
        return ["vm", "create", "vm" + which[-1], "--uuid", which, "--type", "vgpu-1g", "--gpu", gpu]

    def vm_set(self, rng):
        which, tier, rate = rng.choice(UUIDS), rng.choice(TIERS), rng.randrange(1, 10**6)
        if which in self.vms:
            self.vms[which] |= {"tier": tier, "cmd_rate": rate}
        return ["vm", "set", which, "--tier", tier, "--rate", f"{rate}/s"]

    def vm_move(self, rng):
        which, pool = rng.choice(UUIDS), rng.choice(list(self.pools))
        vm = self.vms.get(which)
        homes = [gpu for gpu in GPUS if self.pool_of_gpu(gpu) == pool]
        if vm and ("type" not in vm or homes):
            vm["pool"] = pool
            if "type" in vm and vm["gpu"] not in homes:
                vm["gpu"] = homes[0]
        return ["vm", "move", which, "--pool", pool]

    def vm_delete(self, rng):
        which = rng.choice(UUIDS)
        self.vms.pop(which, None)
        return ["vm", "delete", which]

    def limit_reset(self, rng):
        which = rng.choice(UUIDS)
        for key in ("tier", "depth", "cmd_rate"):
            self.vms.get(which, {}).pop(key, None)
        return ["limit", "reset", which]

    def config_restore(self, _rng):
        return ["config", "restore"]

    def state(self):
        return {"pools": self.pools, "gpus": {gpu: {"pool": pool} for gpu, pool in self.gpus.items()}, "vms": self.vms}


OPERATIONS = [Model.pool_add, Model.pool_del, Model.sched_set, Model.gpu_set, Model.vm_register, Model.vm_create,
              Model.vm_create, Model.vm_set, Model.vm_set, Model.vm_move, Model.vm_delete, Model.limit_reset,
              Model.config_restore]


def admin(*words):
    done = subprocess.run(["vgpu-admin", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def u32(value):
    return struct.unpack("I", value)[0]


def text(value):
    return value.rstrip(b"\0").decode()


def kernel_state():
    """What the kernel has, read past vgpu-admin."""
    sock = Socket()
    pools, gpus, vms = {}, {}, {}
    for answer in sock.call(C["VGPU_CMD_POOL_GET"], flags=NLM_F_DUMP):
        pool = dict(attrs(answer))
        pools[text(pool[C["VGPU_A_POOL_NAME"]])] = ":".join(
            str(u32(pool[C[f"VGPU_A_POOL_WEIGHT_{tier}"]])) for tier in ("HIGH", "MEDIUM", "LOW"))
    for answer in sock.call(C["VGPU_CMD_GPU_GET"], flags=NLM_F_DUMP):
        gpu = dict(attrs(answer))
        gpus[text(gpu[C["VGPU_A_GPU_NAME"]])] = text(gpu[C["VGPU_A_GPU_POOL"]])
    for answer in sock.call(C["VGPU_CMD_VM_GET"], flags=NLM_F_DUMP):
        vm = dict(attrs(answer))
        declared = dict(attrs(vm[C["VGPU_A_VM_DECLARED"]])) if C["VGPU_A_VM_DECLARED"] in vm else None
        found = {"present": vm[C["VGPU_A_VM_PRESENT"]] == b"\1"}
        if found["present"]:
            found["gpu"] = text(vm[C["VGPU_A_VM_GPU"]])
        if declared is not None:
            for key, number in (("tier", "TIER"), ("depth", "DEPTH"), ("cmd_rate", "CMD_RATE")):
                if C[f"VGPU_A_VM_{number}"] in declared:
                    value = u32(declared[C[f"VGPU_A_VM_{number}"]])
                    found[key] = TIERS[value] if key == "tier" else value
            pool = text(declared.get(C["VGPU_A_VM_POOL"], b""))
            if pool:
                found["pool"] = pool
        vms[str(uuid.UUID(bytes=vm[C["VGPU_A_VM_UUID"]]))] = found
    return pools, gpus, vms


COLUMNS = {"pool": ("name", "weights"), "gpu": ("name", "pool"),
           "vm": ("uuid", "name", "pool", "type", "gpu", "tier", "depth", "cmd_rate")}


def declared_state():
    """What the database has, read past vgpu-admin."""
    state = {}
    with contextlib.closing(sqlite3.connect(DATABASE)) as database:
        for table, (key, *columns) in COLUMNS.items():
            rows = database.execute(f"SELECT {key}, {', '.join(columns)} FROM {table}")
            state[table + "s"] = {row[0]: {name: value for name, value in zip(columns, row[1:]) if value is not None} for row in rows}
        assert not database.execute("SELECT * FROM intent").fetchall(), "an intent is left"
    return state


def expect_kernel(model, where):
    pools, gpus, vms = kernel_state()
    assert pools == {name: pool.get("weights", "16:4:1") for name, pool in model.pools.items()}, f"{where}: pools {pools}"
    assert gpus == {gpu: model.pool_of_gpu(gpu) for gpu in GPUS}, f"{where}: GPUs {gpus}"
    wanted = {}
    for which, vm in model.vms.items():
        wanted[which] = {key: value for key, value in vm.items() if key not in ("name", "type")}
        wanted[which]["present"] = "type" in vm
    assert vms == wanted, f"{where}: kernel has {vms}, model {wanted}"


class Killer:
    """Runs vgpu-admin, and kills it at one of its steps (killat), or at an instant of the time that its verb takes."""

    def __init__(self, rng):
        self.rng = rng
        self.steps, self.spans = {}, {}     # of each verb, the most that were seen
        self.at_steps = self.at_instants = 0

    def run(self, command, chance):
        """Whether it was killed, the status of one that was not, and what it said."""
        verb, draw = " ".join(command[:2]), self.rng.random()
        if draw < chance * 0.8:
            which = self.rng.choice(([], ["-k"]))
            # Its first words to the kernel are questions
            least, most = (11, 16) if which else (1, 60)
            most = self.steps.get((verb, *which), most)
            return self.at_step((verb, *which), which, command, self.rng.randint(min(least, most), most))
        if draw < chance:
            return self.at_instant(verb, command, self.rng.random())
        return self.at_step((verb,), [], command, 0)

    def at_step(self, verb, which, command, step):
        start = time.monotonic()
        done = subprocess.run(["killat", *which, str(step), "vgpu-admin", *command], capture_output=True, text=True, check=False)
        took = int(done.stdout)
        assert done.returncode != 125, done.stderr
        killed = done.returncode == 128 + signal.SIGKILL
        self.at_steps += killed
        if not killed:
            self.steps[verb] = max(took, self.steps.get(verb, 0))
            self.spans[verb[0]] = max(time.monotonic() - start, self.spans.get(verb[0], 0))
        return killed, done.returncode, done.stderr

    def at_instant(self, verb, command, part):
        with subprocess.Popen(["vgpu-admin", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
            try:
                child.wait(timeout=part * self.spans.get(verb, 0.2))
            except subprocess.TimeoutExpired:
                child.kill()
            said = child.stderr.read()
            status = child.wait()
        self.at_instants += status == -signal.SIGKILL
        return status == -signal.SIGKILL, status, said


def main():
    count = int(sys.argv[1])
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"# SEED={seed}", flush=True)
    rng = random.Random(seed)
    model, killer = Model(), Killer(random.Random(seed + 1))
    start = time.monotonic()
    seen = collections.Counter()
    for number in range(count):
        after = copy.deepcopy(model)
        command = rng.choice(OPERATIONS)(after, rng)
        where = f"SEED={seed}, operation {number}: {' '.join(command)}"
        died, status, said = killer.run(command, 0.85)
        # The next command, which repairs, may die too: it is the one after it that counts
        complaint = ""
        while died and killer.rng.random() < 0.3:
            again, _, complaint = killer.run(["config", "diff"], 1)
            seen["repairs"] += again
            if not again:
                break
        seen["undone"] += "undone:" in complaint
        drift, told, complaint = admin("config", "diff")
        assert drift == 0, f"{where}: {'killed' if died else said}: status {drift}, {told} {complaint}"
        seen["undone"] += "undone:" in complaint
        declared = declared_state()
        if died and declared == model.state() != after.state():
            after = model
        elif not died and status:
            seen["refused"] += 1
            assert after.state() == model.state(), f"{where}: refused: {said}"
        else:
            seen["whole"] += died
        assert declared == after.state(), f"{where}: {'killed' if died else ''} declared {declared}, expected {after.state()}"
        model = after
        expect_kernel(model, where)
        if (number + 1) % 100 == 0 or number + 1 == count:
            print(f"# {number + 1} operations in {time.monotonic() - start:.0f} s, {seen['refused']} of them refused; "
                  f"{killer.at_steps} kills at a step and {killer.at_instants} at an instant, {seen['repairs']} of them of the next command; "
                  f"{seen['undone']} operations undone, {seen['whole']} killed that stand", flush=True)


if __name__ == "__main__":
    main()
