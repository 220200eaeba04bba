# SPDX-License-Identifier: GPL-3.0-or-later
"""From a boot's console and counts to rows in the captures' format."""

import collections
import struct

import opcodes
from machine import WITH_FEATURES
from lab import Refusal
from symbols import EL2, KERNEL

HEADER = ("kernel,cpu,fwb,tlbirange,vhe,ipa_bits,memory_mib,backing,rewrite_mib,phase").split(",")
# Columns that count how often a function was entered.
CALLS = {
    "walk_calls": "kvm_pgtable_walk", "table_loops": "__kvm_pgtable_walk",
    "unmap_calls": "kvm_pgtable_stage2_unmap", "wrprotect_calls": "kvm_pgtable_stage2_wrprotect",
    "split_calls": "kvm_pgtable_stage2_split", "destroy_calls": "kvm_pgtable_stage2_destroy",
    "destroy_range_calls": "kvm_pgtable_stage2_destroy_range",
    "map_calls": "kvm_pgtable_stage2_map", "relax_calls": "kvm_pgtable_stage2_relax_perms",
    "unmap_visits": "stage2_unmap_walker", "attr_visits": "stage2_attr_walker",
    "free_visits": "stage2_free_walker", "map_visits": "stage2_map_walker",
    "put_page": "kvm_s2_put_page", "ipa_flushes": "__kvm_tlb_flush_vmid_ipa",
    "ipa_flushes_local": "__kvm_tlb_flush_vmid_ipa_nsh",
    "range_flush_requests": "kvm_tlb_flush_vmid_range",
    "range_flushes": "__kvm_tlb_flush_vmid_range", "vmid_flushes": "__kvm_tlb_flush_vmid",
    "break_points": "__cond_resched_rwlock_write", "guest_aborts": "kvm_handle_guest_abort",
}
# Columns that count an instruction, wherever it is.
EVERYWHERE = ("tlbi_ipas2e1is tlbi_ripas2e1is tlbi_ipas2e1 tlbi_vmalle1is tlbi_vmalle1 "
              "tlbi_vmalls12e1is").split()
# Columns that count a barrier in stage-2 code.
BARRIERS = ("dsb_ish", "dsb_ishst", "isb")
COLUMNS = [*HEADER, *CALLS, *EVERYWHERE, *(f"stage2_{name}" for name in BARRIERS), "dc_civac",
           "stage2_instructions", "icount_ns"]
# Where the names of stage-2 code begin.
STAGE2 = tuple("""
    stage2_ kvm_pgtable_ __kvm_pgtable kvm_tlb_ __kvm_tlb __tlb_switch enter_vmid exit_vmid kvm_s2_
    kvm_host_va kvm_host_pa kvm_host_page_count kvm_stage2_ __unmap_stage2 kvm_unmap_gfn
    kvm_mmu_unmap_gfn kvm_mmu_write_protect kvm_arch_mmu_enable_log dcache_clean_inval_poc
    kvm_flush_remote kvm_arch_flush_remote __cond_resched_rwlock_write kvm_free_stage2 hyp_smccc
    kvm_call_hyp __kvm_call_hyp kvm_uninit_stage2 kvm_arch_flush_shadow visit_pgtable
    clean_dcache_guest_page invalidate_icache_guest_page kvm_get_running_vcpu
    """.split())
# The kernel's own tables at EL2 are not stage 2, though the same room holds them.
NOT_STAGE2 = ("kvm_pgtable_hyp_",)


def records(path):
    """The counts of each phase: triples of address, opcode, count."""
    data, at, phases = path.read_bytes(), 0, []
    while at + 8 <= len(data):
        [many] = struct.unpack_from("<Q", data, at)
        end = at + 8 + 24 * many
        if end > len(data):
            raise Refusal(f"{path} ends in the middle of a phase")
        phases.append(list(struct.iter_unpack("<QQQ", data[at + 8 : end])))
        at = end
    return phases


class Phase:
    """One phase's counts, by function."""

    def __init__(self, counts, symbols, shift):
        self.calls = collections.Counter()
        self.everywhere = collections.Counter()
        self.barriers = collections.Counter()
        self.instructions = 0
        # By level, function, offset and instruction: TLBI and barriers in stage-2 code.
        self.places = collections.Counter()
        first, last = symbols.address["__hyp_idmap_text_start"], symbols.address["__hyp_text_end"]
        for address, opcode, count in counts:
            instruction = opcodes.name(opcode)
            if instruction:
                self.everywhere[instruction] += count
            level = "EL1"
            if address < KERNEL:
                if shift is None or not first <= address - shift < last:
                    continue
                address, level = address - shift, "EL2"
            function, offset = symbols.find(address)
            self.add(level, function.removeprefix(EL2), offset, instruction, count)

    def add(self, level, function, offset, instruction, count):
        if offset == 0:
            self.calls[function] += count
        if not function.startswith(STAGE2) or function.startswith(NOT_STAGE2):
            return
        self.instructions += count
        if not instruction:
            return
        self.barriers[instruction] += count
        if instruction.startswith(("tlbi", "dsb", "isb")):
            self.places[level, function, offset, instruction] += count

    def cells(self):
        return [*(self.calls[name] for name in CALLS.values()),
                *(self.everywhere[name] for name in EVERYWHERE),
                *(self.barriers[name] for name in BARRIERS), self.everywhere["dc_civac"],
                self.instructions]


def rows(job, lines, counted, symbols, image):
    """Yields the first cells, the phase's counts and its row."""
    named = [line.split() for line in lines if line.startswith(("GUEST ", "PHASE "))]
    if sum(words[0] == "PHASE" for words in named) != len(counted):
        raise Refusal(f"{job['name']}: {len(counted)} phases were counted and another number named")
    is_vhe = job["mode"] == "vhe"
    shift = None
    if not is_vhe:
        seen = {(a, o) for phase in counted for a, o, _ in phase if a < KERNEL}
        shift = symbols.el2_shift(image, seen)
    features = "yes" if job["cpu"] in WITH_FEATURES else "no"
    phases = iter(counted)
    for kind, *words in named:
        if kind == "GUEST":
            memory, backing, rewrite = words
            continue
        name, nanoseconds = words
        phase = Phase(next(phases), symbols, shift)
        start = [job["kernel"], job["cpu"], features, features, "yes" if is_vhe else "no", "40",
                 memory, backing, rewrite, name]
        yield start, phase, [*start, *map(str, phase.cells()), nanoseconds]
