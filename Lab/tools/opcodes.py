# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the barriers and maintenance instructions, from the encodings in the Arm ARM."""

# By op1, CRm and op2 of SYS instructions with CRn 8.
_TLBI = {
    (0, 3, 0): "vmalle1is", (0, 7, 0): "vmalle1", (0, 3, 1): "vae1is", (0, 3, 5): "vale1is",
    (0, 2, 1): "rvae1is", (0, 2, 5): "rvale1is", (0, 3, 2): "aside1is", (0, 3, 3): "vaae1is",
    (0, 3, 7): "vaale1is", (0, 7, 1): "vae1", (0, 7, 2): "aside1", (0, 7, 3): "vaae1",
    (0, 7, 5): "vale1", (0, 7, 7): "vaale1", (4, 0, 1): "ipas2e1is", (4, 0, 2): "ripas2e1is",
    (4, 0, 5): "ipas2le1is", (4, 0, 6): "ripas2le1is", (4, 4, 1): "ipas2e1",
    (4, 4, 2): "ripas2e1", (4, 4, 5): "ipas2le1", (4, 4, 6): "ripas2le1", (4, 3, 0): "alle2is",
    (4, 3, 1): "vae2is", (4, 3, 4): "alle1is", (4, 3, 5): "vale2is", (4, 3, 6): "vmalls12e1is",
    (4, 7, 0): "alle2", (4, 7, 1): "vae2", (4, 7, 4): "alle1", (4, 7, 5): "vale2",
    (4, 7, 6): "vmalls12e1",
}
# The same with CRn 7.
_CACHE = {
    (3, 14, 1): "dc_civac", (3, 10, 1): "dc_cvac", (3, 11, 1): "dc_cvau", (3, 4, 1): "dc_zva",
    (3, 5, 1): "ic_ivau", (0, 1, 0): "ic_ialluis", (0, 5, 0): "ic_iallu",
}
_DOMAIN = {
    0xF: "sy", 0xE: "st", 0xD: "ld", 0xB: "ish", 0xA: "ishst", 0x9: "ishld", 0x7: "nsh",
    0x6: "nshst", 0x5: "nshld",
}


def name(opcode):
    """The instruction's name as the captures write it; None for all others."""
    low = opcode >> 8 & 15
    if opcode & 0xFFF80000 == 0xD5080000:
        key = (opcode >> 16 & 7, low, opcode >> 5 & 7)
        if opcode >> 12 & 15 == 8:
            return "tlbi_" + _TLBI.get(key, "_".join(map(str, key)))
        if opcode >> 12 & 15 == 7:
            return _CACHE.get(key)
    if opcode & 0xFFFFF0FF == 0xD503309F:
        return "dsb_" + _DOMAIN.get(low, str(low))
    if opcode & 0xFFFFF0FF == 0xD50330DF:
        return "isb"
    return None
