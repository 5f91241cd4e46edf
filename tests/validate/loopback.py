# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""A soft GPU over loopback, its virtual machines being processes: daemon (kmod/core), supervisor, programs with libcuda."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

BIN = os.path.abspath("build/bin")
LIBRARY = os.path.abspath("build/lib/guest")


class Trouble(Exception):
    """What keeps a part from measuring."""


def pinned(cpu):
    return [] if cpu is None else ["taskset", "-c", str(cpu)]


def wait_until(state, what, seconds=60):
    """Polls state() until it is true."""
    end = time.monotonic() + seconds
    while not state():
        if time.monotonic() > end:
            raise Trouble(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


class Program:
    """A process of a virtual machine; its output is read when it has ended."""

    def __init__(self, process, vm, command, out, begun):
        self.process, self.vm, self.command, self.out, self.begun = process, vm, command, out, begun
        self.ended = None

    def running(self):
        if self.process.poll() is None:
            return True
        if self.ended is None:
            self.ended = time.monotonic()
        return False

    def wait(self, seconds=None):
        """Returns its status, as of subprocess: negative for a signal."""
        self.process.wait(seconds)
        self.running()
        return self.process.returncode

    def end(self, number=signal.SIGKILL):
        if self.running():
            self.process.send_signal(number)
        return self.wait(60)

    def output(self):
        self.out.seek(0)
        return self.out.read()

    def json(self):
        """The object that it printed."""
        text = self.output()
        try:
            return json.loads(text)
        except ValueError:
            raise Trouble(f"{self.vm}: {' '.join(self.command)} ended with status {self.process.returncode} and said "
                          f"{text[-300:]!r}") from None


class Gpu:
    """Daemon and supervisor; use as a context. Ends in Trouble where either did not end in order."""

    def __init__(self, tiers=None, policy="", threads=None, cpu=None, options=(), memory="1G", vms=32):
        self.directory = tempfile.mkdtemp(prefix="vgpu-validate.")
        self.socket = os.path.join(self.directory, "socket")
        self.log = open(os.path.join(self.directory, "executor.log"), "w+", encoding="utf-8")
        self.threads, self.cpu, self.vms, self.memory = threads, cpu, vms, memory
        self.programs = []
        arguments = [f"--tier={vm}={tier}" for vm, tier in (tiers or {}).items()]
        if policy:
            arguments += ["--policy", policy]
        self.daemon = subprocess.Popen([*pinned(cpu), f"{BIN}/vgpu-loopback", "--socket", self.socket, "--memory", memory,
                                        "--vms", str(vms), *arguments, *options], stdout=subprocess.PIPE, text=True)
        self.executor = None
        if not self.daemon.stdout.readline().startswith("ready"):
            raise Trouble("vgpu-loopback did not start")
        try:
            self.start_executor()
        except Trouble:
            self.daemon.kill()
            raise
        # Numbered in this order, which is that of virtual GPUs in the decision log.
        for vm in tiers or {}:
            self.administer("stats", vm)

    def start_executor(self):
        """Returns seconds until it serves the GPU."""
        begun = time.monotonic()
        total = int(re.match(r"\d+", self.memory)[0]) * self.vms
        command = [*pinned(self.cpu), f"{BIN}/vgpu-executor", "--backend", "soft", "--memory", f"{total}{self.memory[-1]}", "--loopback", self.socket]
        if self.threads:
            command += ["--threads", str(self.threads)]
        self.executor = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        if self.executor.stdout.readline() != "ready\n":
            raise Trouble(f"vgpu-executor did not start: {self.log_tail()}")
        return time.monotonic() - begun

    def restart_executor(self, number=signal.SIGTERM):
        """Ends the supervisor, and starts another; sessions go on. Returns seconds from the end to the new one's readiness."""
        begun = time.monotonic()
        self.executor.send_signal(number)
        self.executor.wait(60)
        self.executor.stdout.close()
        self.start_executor()
        return time.monotonic() - begun

    def log_tail(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-500:]

    def environment(self, vm):
        return {**os.environ, "VGPU_LOOPBACK": self.socket, "VGPU_LOOPBACK_VM": vm, "LD_LIBRARY_PATH": LIBRARY}

    def start(self, vm, *command, cpu=None):
        """A program in the virtual machine vm."""
        out = tempfile.TemporaryFile("w+", dir=self.directory, encoding="utf-8")
        path = command[0] if "/" in command[0] else f"{BIN}/{command[0]}"
        process = subprocess.Popen([*pinned(cpu if cpu is not None else self.cpu), path, *map(str, command[1:])], stdout=out,
                                   stderr=self.log, env=self.environment(vm), stdin=subprocess.DEVNULL)
        program = Program(process, vm, [str(word) for word in command], out, time.monotonic())
        self.programs.append(program)
        return program

    def forget(self, program):
        """Lets go of a program that has ended."""
        self.programs.remove(program)
        program.out.close()

    def administer(self, *words):
        """Runs validate-administer; returns what it printed, parsed."""
        done = subprocess.run([f"{BIN}/validate-administer", *map(str, words)], env=self.environment(""), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise Trouble(f"validate-administer {' '.join(map(str, words))}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def workers(self):
        """Processes of sessions that the present supervisor started."""
        with open(f"/proc/{self.executor.pid}/task/{self.executor.pid}/children", encoding="ascii") as children:
            return [int(pid) for pid in children.read().split()]

    def settled(self):
        """Whether all that was submitted has ended."""
        s = self.administer("stats")
        return s["submitted"] == s["completed"] + s["failed"] and not s["waiting"]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for program in self.programs:
            program.end()
            program.out.close()
        why = []
        if kind is None:
            try:
                wait_until(self.settled, "every command's completion")
            except Trouble as trouble:
                why.append(f"{trouble}: {self.administer('stats')}")
        for name, process in (("vgpu-executor", self.executor), ("vgpu-loopback", self.daemon)):
            process.terminate()
            try:
                if process.wait(60):
                    why.append(f"{name} ended with status {process.returncode}")
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                why.append(f"{name} did not end in 60 s")
            process.stdout.close()
        if why:
            why.append(self.log_tail())
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        if why and kind is None:
            raise Trouble("; ".join(why))


_iterations = []


def kernel_iterations(ms):
    """Of mix's kernel, for one that takes so many milliseconds alone."""
    if not _iterations:
        with Gpu(threads=1) as gpu:
            program = gpu.start("calibration", "mix", "calibrate")
            if program.wait(120):
                raise Trouble("mix calibrate failed")
            _iterations.append(int(program.output()))
    return max(1, int(_iterations[0] * ms))
