# SPDX-License-Identifier: GPL-3.0-or-later
"""The function that an address belongs to, at EL1 (or EL2 with VHE) and at EL2 without VHE."""

import array
import bisect
import collections
import re

from lab import Refusal

KERNEL = 0xFFFF_0000_0000_0000
# What the build puts before the names of code that runs at EL2 without VHE.
EL2 = "__kvm_nvhe_"
# Without these, counts by name would be zero and say nothing.
NEEDED = ("kvm_pgtable_stage2_unmap", "stage2_unmap_walker", "__kvm_tlb_flush_vmid_ipa")


def plain(names):
    """The name to go by of those that an address has, without what the compiler added."""
    name = next((name for name in names if name.startswith("__pi_")), names[0])
    return re.sub(r"\.(isra|constprop|part|cold)\.?\d*", "", name).removeprefix("__pi_")


class Symbols:
    def __init__(self, lines, kernel):
        names = collections.defaultdict(list)
        for line in lines:
            if line.startswith("SYMBOL "):
                _, address, _, name = line.split()[:4]
                if not name.startswith("$"):
                    names[int(address, 16)].append(name)
        self.starts = sorted(names)
        self.names = [plain(names[start]) for start in self.starts]
        self.address = {name: start for start in self.starts for name in names[start]}
        lacking = [name for name in NEEDED if name not in self.names]
        if lacking:
            raise Refusal(f"kernel {kernel} has no symbol {', '.join(lacking)}")

    def find(self, address):
        """Name of the function and offset in it."""
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[i], address - self.starts[i]

    def el2_shift(self, image, seen):
        """How far the code of EL2 lies from where the kernel's symbols have it.

        The kernel maps it at a random address, page by page as it is in the image, so that most
        of its instructions, those that are not patched at boot, say which page they are of.
        """
        base = self.address.get("_text", self.address["_stext"] & ~0x1FFFFF)
        words = array.array("I", image[: len(image) & ~3])
        pages = collections.defaultdict(dict)
        for address, opcode in seen:
            if 1 << 32 <= address < KERNEL:
                pages[address & ~0xFFF][address & 0xFFF] = opcode
        first = self.address["__hyp_idmap_text_start"] & ~0xFFF
        votes = collections.Counter()
        for page, opcodes in pages.items():
            for place in range(first, self.address["__hyp_text_end"], 0x1000):
                at = (place - base) // 4
                same = sum(words[at + offset // 4] == opcode for offset, opcode in opcodes.items())
                if same > 0.6 * len(opcodes):
                    votes[page - place] += same
        if not votes:
            raise Refusal("no code of EL2 was seen where the host runs without VHE")
        return votes.most_common(1)[0][0]
