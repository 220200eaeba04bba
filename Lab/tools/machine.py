# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated host: what runs in it, and one boot of it."""

import gzip
import re
import subprocess

from lab import HOME, Refusal, run

# QEMU's names for cores, with what makes emulation fast and changes no count.
CORES = {"max": "max,pauth-impdef=on,sve=off"}
# Cores that have FEAT_S2FWB and FEAT_TLBIRANGE in QEMU.
WITH_FEATURES = {"max"}
# Boots of one kernel on one core take 15 s; a job of a few guests some minutes.
PATIENCE_SECONDS = 1800


class Machine:
    def __init__(self, work):
        self.work = work
        self.initrd = work / "initrd.gz"
        self.plugin = work / "counter.so"

    def build(self):
        """The guest program as the host's initial file system, and the plugin."""
        root = self.work / "root"
        root.mkdir(parents=True, exist_ok=True)
        guest, plugin = HOME / "guest", HOME / "plugin"
        run("aarch64-linux-gnu-gcc", "-O2", "-static", "-o", root / "init", guest / "init.c",
            guest / "vm.c")
        packed = run("cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet", input=b"init\n", cwd=root)
        self.initrd.write_bytes(gzip.compress(packed, 9, mtime=0))
        run("gcc", "-O2", "-shared", "-fPIC", "-o", self.plugin, plugin / "counter.c")

    def boot(self, image, job, name, options, counts=None):
        """Boots once and returns the lines that the guest program printed."""
        console = self.work / "logs" / f"{name}.log"
        console.parent.mkdir(exist_ok=True)
        console.unlink(missing_ok=True)
        counted = [] if counts is None else [
            "-icount", "shift=0,sleep=off", "-plugin", f"file={self.plugin},out={counts}"]
        command = [
            "qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=3",
            "-cpu", CORES.get(job["cpu"], job["cpu"]), "-smp", "1", "-m", job["memory"],
            "-nographic", "-nodefaults", "-no-reboot", "-serial", f"file:{console}",
            "-kernel", image, "-initrd", self.initrd, *counted,
            "-append", self.line(job, options)]
        if counts is None:
            command += ["-accel", "tcg,thread=single"]
        try:
            run(*command, timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Refusal(f"the boot of {name} did not end in {PATIENCE_SECONDS} s; {console} "
                          "shows how far it came") from None
        return self.check(console, name, job)

    @staticmethod
    def line(job, options):
        mode = "kvm-arm.mode=nvhe " if job["mode"] == "nvhe" else ""
        # The kernel's own sampling of accesses walks stage-2 tables, too.
        return ("console=ttyAMA0 earlycon nokaslr rdinit=/init panic=-1 loglevel=4 "
                f"damon_stat.enabled=0 {mode}{job['options']} {options}")

    @staticmethod
    def check(console, name, job):
        lines = console.read_text(errors="replace").splitlines() if console.exists() else []
        failed = [line for line in lines if line.startswith("FAILED ")]
        if failed:
            raise Refusal(f"{name}: {failed[0][7:]}")
        if "DONE" not in lines:
            last = lines[-1] if lines else "nothing"
            raise Refusal(f"{name} did not come to its end; its console ends with: {last}")
        kvm = next((line for line in lines if line.startswith("KVM ")), "KVM is not there")
        if bool(re.search(r"\bVHE mode", kvm)) != (job["mode"] == "vhe"):
            raise Refusal(f"{name} asks for {job['mode']}, but the kernel says: {kvm[4:]}")
        return lines
