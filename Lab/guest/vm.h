// SPDX-License-Identifier: GPL-3.0-or-later
// A VM of one vCPU that touches memory: one slot at 1 GiB, and one at 64 KiB for its loop.
#ifndef LAB_VM_H
#define LAB_VM_H

#include <stdint.h>

struct vm {
  int kvm, file, vcpu;
  struct kvm_run *run;
  int run_bytes;
  void *loop;
  uint8_t *memory;
  uint64_t bytes;
};

void fail(const char *what);

// Opens a VM over `memory`; `manual` are the flags of manual protection, `split` the chunk of eager
// split in bytes, or zero. A kernel without the capability runs without it, and says so.
void vm_open(struct vm *vm, uint64_t manual, uint64_t split);
void vm_close(struct vm *vm);
// The memory slot with these flags; a size of zero deletes it.
void vm_slot(struct vm *vm, uint32_t flags, uint64_t bytes);
// Runs the vCPU until it has written to each address of the range, `stride` apart.
void vm_touch(struct vm *vm, uint64_t bytes, uint64_t stride);
void vm_get_log(struct vm *vm, void *bitmap);
void vm_clear_log(struct vm *vm, void *bitmap);

#endif
