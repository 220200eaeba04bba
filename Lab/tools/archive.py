# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel images from Debian's arm64 archive, through an apt state that is ours alone."""

import lzma
import os
import pathlib
import re

from lab import HOME, Refusal, run, toml


def mirror():
    """Debian's mirror as this machine has it, or LAB_MIRROR."""
    if os.environ.get("LAB_MIRROR"):
        return os.environ["LAB_MIRROR"]
    folder = pathlib.Path("/etc/apt")
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if path.suffix not in (".list", ".sources") or not path.exists():
            continue
        found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?) *(\S+/debian)/?(?:\s|$)",
                          path.read_text(), re.M)
        if found:
            return found[1]
    raise Refusal("no mirror of Debian is configured for apt; name one in LAB_MIRROR")


# What a virtio network card on PCI needs, each after what it uses.
CARD = ["virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "failover", "net_failover",
        "virtio_net"]
# What is kept of a kernel's modules.
MODULES = CARD


class Archive:
    """Downloads packages for arm64 and leaves the system's package lists alone."""

    def __init__(self, work):
        self.work = work
        self.kernels = toml(HOME / "kernels.toml")["kernel"]
        self.apt = work / "apt"
        self.options = []
        for name, value in {
            "Dir::Etc::SourceList": self.apt / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State": self.apt / "state",
            "Dir::State::status": self.apt / "state/status",
            "Dir::Cache": self.apt / "cache",
            "APT::Architecture": "arm64",
            "APT::Architectures::": "arm64",
            "APT::Sandbox::User": "root",
        }.items():
            self.options += ["-o", f"{name}={value}"]

    def update(self):
        if (self.apt / "sources.list").exists():
            return
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (self.apt / folder).mkdir(parents=True, exist_ok=True)
        (self.apt / "state/status").touch()
        key = "/usr/share/keyrings/debian-archive-keyring.gpg"
        suites = sorted({kernel["suite"] for kernel in self.kernels.values()})
        text = "".join(f"deb [arch=arm64 signed-by={key}] {mirror()} {suite} main\n"
                       for suite in suites)
        (self.apt / "sources.new").write_text(text)
        (self.apt / "sources.new").rename(self.apt / "sources.list")
        try:
            run("apt-get", *self.options, "update", "-qq")
        except Refusal:
            (self.apt / "sources.list").unlink()
            raise

    def image(self, name):
        """The kernel's image, a plain arm64 one that QEMU boots; downloaded once."""
        folder = self.work / "kernels" / name
        if not (folder / "image").exists():
            if name not in self.kernels:
                raise Refusal(f"kernel {name} is not in Lab/kernels.toml, and Lab/patch built none")
            folder.mkdir(parents=True, exist_ok=True)
            self.update()
            package = self.kernels[name]["package"]
            run("apt-get", *self.options, "download", "-qq", package, cwd=folder)
            self.unpack(folder, package)
        return folder / "image"

    def named(self, name):
        """A kernel of the lab by its name, one that Lab/patch built, or the newest of a series such as 6.12."""
        if name in self.kernels or (self.work / "kernels" / name / "image").exists():
            return name
        found = [known for known in self.kernels
                 if known.startswith(f"{name}.") and "-" not in known]
        if not found:
            raise Refusal(f"kernel {name} is not in Lab/kernels.toml: "
                          f"{', '.join(sorted(self.kernels))}")
        return max(found, key=lambda known: [int(part) for part in known.split(".")])

    def modules(self, name, wanted):
        """Modules of a kernel by their names, in this order; what it has built in is left out."""
        folder = self.work / "kernels" / name / "modules"
        if not folder.exists():
            self.update()
            new = folder.with_name("modules.new")
            run("rm", "-rf", new)
            new.mkdir(parents=True)
            kernel = self.kernels[name]
            package = kernel.get("modules", kernel["package"])
            run("apt-get", *self.options, "download", "-qq", package, cwd=new)
            [deb] = new.glob("*.deb")
            run("dpkg-deb", "-x", deb, new / "tree")
            for path in new.glob("tree/**/*.ko*"):
                plain = lzma.decompress if path.suffix == ".xz" else bytes
                if path.name.split(".")[0] in MODULES:
                    kept = new / f"{path.name.split('.')[0]}.ko"
                    kept.write_bytes(plain(path.read_bytes()))
            run("rm", "-r", new / "tree", deb)
            new.rename(folder)
        return [folder / f"{module}.ko" for module in wanted if (folder / f"{module}.ko").exists()]

    def unpack(self, folder, package):
        [deb] = folder.glob("*.deb")
        run("dpkg-deb", "-x", deb, folder / "tree")
        images = [path for path in [*folder.glob("tree/boot/vmlinuz-*"),
                                    *folder.glob("tree/usr/lib/modules/*/vmlinuz")]
                  if path.is_file()]
        if not images:
            raise Refusal(f"package {package} holds no kernel image")
        images[0].rename(folder / "image")
        for path in folder.glob("tree/boot/config-*"):
            path.rename(folder / path.name)
        run("rm", "-r", folder / "tree", deb)
