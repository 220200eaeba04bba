// SPDX-License-Identifier: GPL-3.0-or-later
// Counts how often each instruction is executed, by address and opcode: a kernel patches its own
// code, and the same address belongs to several processes. At the mark that begins a phase all
// counts are dropped; at the one that ends it those above zero are written:
//   u64 how many, and for each u64 address, u64 opcode, u64 count.
// The additions are not atomic: single-threaded emulation only, which -icount implies.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../guest/marks.h"
#include "plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = 1;

#define PAGE_ENTRIES 65536
#define PAGES 128
#define HASH_BITS 23
#define HASH_MASK ((1u << HASH_BITS) - 1)

struct entry {
  uint64_t address, opcode, count;
};

// Entries never move: translated code holds the addresses of their counts.
static struct entry *pages[PAGES];
static size_t used;
static uint32_t *hash;  // one more than the number of an entry, or zero
static FILE *output;

static struct entry *at(size_t number) {
  return &pages[number / PAGE_ENTRIES][number % PAGE_ENTRIES];
}

static struct entry *find(uint64_t address, uint32_t opcode) {
  uint64_t mixed = (address >> 2) * 0x9e3779b97f4a7c15ull ^ opcode * 0xd6e8feb86659fd93ull;
  size_t slot = (mixed ^ mixed >> 29) & HASH_MASK;
  for (; hash[slot]; slot = (slot + 1) & HASH_MASK) {
    struct entry *entry = at(hash[slot] - 1);
    if (entry->address == address && entry->opcode == opcode) return entry;
  }
  if (used == (size_t)PAGE_ENTRIES * PAGES - PAGE_ENTRIES || used > HASH_MASK / 4 * 3) {
    fprintf(stderr, "counter: too many instructions\n");
    abort();
  }
  if (used % PAGE_ENTRIES == 0)
    pages[used / PAGE_ENTRIES] = calloc(PAGE_ENTRIES, sizeof(struct entry));
  struct entry *entry = at(used++);
  entry->address = address;
  entry->opcode = opcode;
  hash[slot] = used;
  return entry;
}

static void drop(void) {
  for (size_t i = 0; i < used; i++) at(i)->count = 0;
}

static void write_counts(void) {
  uint64_t many = 0;
  for (size_t i = 0; i < used; i++) many += at(i)->count > 0;
  fwrite(&many, sizeof many, 1, output);
  for (size_t i = 0; i < used; i++)
    if (at(i)->count > 0) fwrite(at(i), sizeof(struct entry), 1, output);
  fflush(output);
}

static void marked(unsigned int cpu, void *mark) {
  (void)cpu;
  if ((uintptr_t)mark == MARK_END) write_counts();
  drop();
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
    if (qemu_plugin_insn_size(instruction) != 4) continue;
    uint32_t opcode;
    memcpy(&opcode, qemu_plugin_insn_data(instruction), 4);
    uintptr_t mark = opcode >> 5 & 0xffff;
    if ((opcode & 0xffe0001f) == 0xd280001f && (mark == MARK_BEGIN || mark == MARK_END))
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, marked, QEMU_PLUGIN_CB_NO_REGS,
                                             (void *)mark);
    struct entry *entry = find(qemu_plugin_insn_vaddr(instruction), opcode);
    qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64,
                                               &entry->count, 1);
  }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int many,
                                           char **arguments) {
  (void)info;
  for (int i = 0; i < many; i++)
    if (!strncmp(arguments[i], "out=", 4)) output = fopen(arguments[i] + 4, "wb");
  hash = calloc(HASH_MASK + 1, sizeof *hash);
  if (!output || !hash) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
