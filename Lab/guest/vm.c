// SPDX-License-Identifier: GPL-3.0-or-later
#include "vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE
#define KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE 228
#endif

#define LOOP_ADDRESS 0x10000ull
#define LOOP_BYTES 0x10000ull
#define MEMORY_ADDRESS 0x40000000ull
// No slot: a store to it ends KVM_RUN.
#define EXIT_ADDRESS 0x09000000ull

// x0 address, x1 end, x2 stride, x3 where to say that the end is reached.
static const uint32_t loop_code[] = {
    0xf9000000,  // str x0, [x0]
    0x8b020000,  // add x0, x0, x2
    0xeb01001f,  // cmp x0, x1
    0x54ffffa3,  // b.lo the first
    0xf9000060,  // str x0, [x3]
    0x17fffffb,  // b the first
};

#define CORE(field) \
  (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | (offsetof(struct kvm_regs, field) / 4))

static void set_register(struct vm *vm, uint64_t id, uint64_t value) {
  struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};
  if (ioctl(vm->vcpu, KVM_SET_ONE_REG, &reg)) fail("KVM_SET_ONE_REG");
}

static void set_slot(struct vm *vm, int slot, uint32_t flags, uint64_t at, uint64_t bytes,
                     void *memory) {
  struct kvm_userspace_memory_region region = {
      slot, flags, at, bytes, bytes ? (uintptr_t)memory : 0};
  if (ioctl(vm->file, KVM_SET_USER_MEMORY_REGION, &region)) fail("KVM_SET_USER_MEMORY_REGION");
}

static int enable(struct vm *vm, uint32_t capability, uint64_t argument) {
  struct kvm_enable_cap cap = {.cap = capability, .args = {argument}};
  return ioctl(vm->file, KVM_ENABLE_CAP, &cap);
}

void vm_open(struct vm *vm, uint64_t manual, uint64_t split) {
  if (!vm->loop) {
    vm->loop = mmap(0, LOOP_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    memcpy(vm->loop, loop_code, sizeof loop_code);
    __builtin___clear_cache((char *)vm->loop, (char *)vm->loop + LOOP_BYTES);
  }
  vm->file = ioctl(vm->kvm, KVM_CREATE_VM, 0);
  if (vm->file < 0) fail("KVM_CREATE_VM");
  if (manual && enable(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, manual)) fail("manual protection");
  if (split && enable(vm, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, split))
    printf("NOTE eager split of %llu bytes was refused, errno %d\n", (unsigned long long)split,
           errno);
  vm->vcpu = ioctl(vm->file, KVM_CREATE_VCPU, 0);
  if (vm->vcpu < 0) fail("KVM_CREATE_VCPU");
  struct kvm_vcpu_init init;
  memset(&init, 0, sizeof init);
  if (ioctl(vm->file, KVM_ARM_PREFERRED_TARGET, &init)) fail("KVM_ARM_PREFERRED_TARGET");
  if (ioctl(vm->vcpu, KVM_ARM_VCPU_INIT, &init)) fail("KVM_ARM_VCPU_INIT");
  vm->run_bytes = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  vm->run = mmap(0, vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
  if (vm->run == MAP_FAILED) fail("mmap of the vCPU");
  set_slot(vm, 0, 0, LOOP_ADDRESS, LOOP_BYTES, vm->loop);
  vm_slot(vm, 0, vm->bytes);
  set_register(vm, CORE(regs.pc), LOOP_ADDRESS);
  set_register(vm, CORE(regs.regs[3]), EXIT_ADDRESS);
}

void vm_close(struct vm *vm) {
  munmap(vm->run, vm->run_bytes);
  close(vm->vcpu);
  close(vm->file);
}

void vm_slot(struct vm *vm, uint32_t flags, uint64_t bytes) {
  set_slot(vm, 1, flags, bytes ? MEMORY_ADDRESS : 0, bytes, vm->memory);
}

void vm_touch(struct vm *vm, uint64_t bytes, uint64_t stride) {
  set_register(vm, CORE(regs.regs[0]), MEMORY_ADDRESS);
  set_register(vm, CORE(regs.regs[1]), MEMORY_ADDRESS + bytes);
  set_register(vm, CORE(regs.regs[2]), stride);
  while (ioctl(vm->vcpu, KVM_RUN, 0))
    if (errno != EINTR) fail("KVM_RUN");
  if (vm->run->exit_reason != KVM_EXIT_MMIO || vm->run->mmio.phys_addr != EXIT_ADDRESS) {
    printf("NOTE exit %u at %llx\n", vm->run->exit_reason,
           (unsigned long long)vm->run->mmio.phys_addr);
    fail("an exit that is not the loop's");
  }
}

void vm_get_log(struct vm *vm, void *bitmap) {
  struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = bitmap};
  if (ioctl(vm->file, KVM_GET_DIRTY_LOG, &log)) fail("KVM_GET_DIRTY_LOG");
}

void vm_clear_log(struct vm *vm, void *bitmap) {
  struct kvm_clear_dirty_log log = {
      .slot = 1, .num_pages = vm->bytes / getpagesize(), .dirty_bitmap = bitmap};
  if (ioctl(vm->file, KVM_CLEAR_DIRTY_LOG, &log)) fail("KVM_CLEAR_DIRTY_LOG");
}
