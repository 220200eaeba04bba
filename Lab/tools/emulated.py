# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated arm64 host at EL2 that boots a kernel, runs one script as its first process and ends."""
import gzip
import subprocess

from lab import HOME, Refusal, run
from machine import CORES

# A virtual nanosecond is an executed instruction, and an idle CPU waits for nothing.
COUNTED = "shift=0,sleep=off"


def busybox(work, archive):
    """A shell for the emulated host; downloaded once."""
    box = work / "busybox"
    if not (box / "busybox").exists():
        box.mkdir(parents=True, exist_ok=True)
        archive.update()
        run("apt-get", *archive.options, "download", "-qq", "busybox-static", cwd=box)
        [deb] = box.glob("*.deb")
        run("dpkg-deb", "-x", deb, box / "tree")
        [found] = [path for path in box.glob("tree/**/bin/busybox") if path.is_file()]
        found.rename(box / "busybox")
        run("rm", "-r", box / "tree", deb)
    return box / "busybox"


def empty_root(work, name, shell):
    """A folder with a shell in bin, for more files."""
    root = work / f"{name}-root"
    run("rm", "-rf", root)
    (root / "bin").mkdir(parents=True)
    run("cp", shell, root / "bin" / "busybox")
    run("ln", "-s", "busybox", root / "bin" / "sh")
    return root


# The first lines of the host's first process; what is to be run comes after them.
START = """#!/bin/sh
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ifconfig lo 127.0.0.1 up
echo 0 > /proc/sys/kernel/watchdog
echo madvise > /sys/kernel/mm/transparent_hugepage/enabled
echo 100000000 > /sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
# The kernel tests its ciphers for a while after boot, on the same CPU.
sleep 3
"""


def with_probe(work, archive, name, commands):
    """A root with a shell, the probe and a script `commands`."""
    root = empty_root(work, name, busybox(work, archive))
    run("aarch64-linux-gnu-gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-static",
        "-pthread", "-o", root / "stage2probe", HOME.parent / "Probe" / "stage2probe.c")
    (root / "commands").write_text(commands)
    return root


def packed(root, init):
    """The folder as an initial file system whose first process is the script."""
    (root / "init").write_text(init)
    (root / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    archive = run("cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet", input=names.encode(), cwd=root)
    file = root.with_name(root.name.replace("-root", "-initrd.gz"))
    file.write_bytes(gzip.compress(archive, 6, mtime=0))
    return file


def boot(image, initrd, console, *, cpu, cpus, memory, patience, options="", icount=None,
         devices=()):
    """What the host wrote to its console in one boot that ends by itself.

    `icount` says how virtual time goes on with the instructions that are executed (COUNTED); without it time is
    the emulator's own.
    """
    console.unlink(missing_ok=True)
    command = ["qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=3",
               "-cpu", CORES.get(cpu, cpu), "-smp", cpus, "-m", memory,
               "-nographic", "-nodefaults", "-no-reboot", "-serial", f"file:{console}",
               "-kernel", image, "-initrd", initrd,
               "-append", f"console=ttyAMA0 rdinit=/init panic=-1 quiet {options}".strip()]
    if icount:
        command += ["-icount", icount]
    command += devices
    try:
        run(*command, timeout=patience)
    except subprocess.TimeoutExpired:
        raise Refusal(f"the boot did not end in {patience} s; {console} shows why") from None
    return console.read_text(errors="replace").replace("\r", "") if console.exists() else ""
