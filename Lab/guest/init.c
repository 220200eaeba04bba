// SPDX-License-Identifier: GPL-3.0-or-later
// The first process of the emulated host. It lives the lives of VMs, phase by phase, as its kernel
// command line says: lab=MIB:BACKING:REWRITE_MIB:SERIES[,...], lab.symbols, lab.huge2m=N.
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "marks.h"
#include "vm.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MIB (1ull << 20)

static struct vm vm;
// `block` is what one entry maps above the pages: 2 MiB of 4K pages, 32 MiB of 16K pages.
static uint64_t page, block, stride, rewrite_bytes;
static int hugetlb_shift;
static void *bitmap;

void fail(const char *what) {
  printf("FAILED %s: %s\n", what, strerror(errno));
  fflush(stdout);
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

// One phase: everything between its marks is counted under its name.
#define PHASE(name, ...)                                                    \
  do {                                                                      \
    MARK(MARK_BEGIN);                                                       \
    uint64_t start = now();                                                 \
    __VA_ARGS__;                                                            \
    uint64_t end = now();                                                   \
    MARK(MARK_END);                                                         \
    printf("PHASE %s %llu\n", name, (unsigned long long)(end - start));     \
  } while (0)

static void put(const char *path, const char *text) {
  int file = open(path, O_WRONLY);
  if (file < 0) return;
  if (write(file, text, strlen(text)) < 0) printf("NOTE %s refused %s\n", path, text);
  close(file);
}

// So that a guest's fault allocates nothing in the host.
static void populate(void) {
  if (madvise(vm.memory, vm.bytes, MADV_POPULATE_WRITE)) memset(vm.memory, 1, vm.bytes);
}

static void discard(uint64_t slice) {
  for (uint64_t at = 0; at < vm.bytes; at += slice)
    if (madvise(vm.memory + at, slice, MADV_DONTNEED)) fail("MADV_DONTNEED");
}

static void open_touched(uint64_t manual, uint64_t split, uint64_t every) {
  populate();
  vm_open(&vm, manual, split);
  vm_touch(&vm, vm.bytes, every);
}

static void touch_again(uint64_t every) {
  populate();
  vm_touch(&vm, vm.bytes, every);
}

static void life_a(void) {
  populate();
  vm_open(&vm, 0, 0);
  PHASE("A.fault", vm_touch(&vm, vm.bytes, stride));
  PHASE("A.dontneed_all", discard(vm.bytes));
  PHASE("A.dontneed_all_empty", discard(vm.bytes));
  touch_again(stride);
  uint64_t slice = hugetlb_shift ? stride : 2 * MIB;
  PHASE("A.dontneed_slices", discard(slice));
  touch_again(stride);
  PHASE("A.memslot_delete", vm_slot(&vm, 0, 0));
  PHASE("A.memslot_add", vm_slot(&vm, 0, vm.bytes));
  PHASE("A.memslot_delete_empty", vm_slot(&vm, 0, 0));
  vm_slot(&vm, 0, vm.bytes);
  vm_touch(&vm, vm.bytes, stride);
  PHASE("A.destroy", vm_close(&vm));
}

static void life_b(void) {
  open_touched(0, 0, stride);
  PHASE("B.log_enable_wp", vm_slot(&vm, KVM_MEM_LOG_DIRTY_PAGES, vm.bytes));
  PHASE("B.getlog_clean", vm_get_log(&vm, bitmap));
  if (rewrite_bytes) {
    PHASE("B.rewrite", vm_touch(&vm, rewrite_bytes, page));
    PHASE("B.getlog_dirty", vm_get_log(&vm, bitmap));
    PHASE("B.rewrite2", vm_touch(&vm, rewrite_bytes, page));
    PHASE("B.getlog_dirty2", vm_get_log(&vm, bitmap));
  }
  PHASE("B.log_disable", vm_slot(&vm, 0, vm.bytes));
  PHASE("B.destroy", vm_close(&vm));
}

static void life_c(void) {
  open_touched(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET, 0, stride);
  PHASE("C.log_enable_initset", vm_slot(&vm, KVM_MEM_LOG_DIRTY_PAGES, vm.bytes));
  PHASE("C.getlog", vm_get_log(&vm, bitmap));
  PHASE("C.clearlog_all", vm_clear_log(&vm, bitmap));
  PHASE("C.destroy", vm_close(&vm));
}

static void life_e(void) {
  open_touched(0, 2 * MIB, stride);
  PHASE("E2m.log_enable_wp_split", vm_slot(&vm, KVM_MEM_LOG_DIRTY_PAGES, vm.bytes));
  PHASE("E2m.rewrite", vm_touch(&vm, rewrite_bytes, page));
  PHASE("E2m.getlog_dirty", vm_get_log(&vm, bitmap));
  PHASE("E2m.log_disable", vm_slot(&vm, 0, vm.bytes));
  PHASE("E2m.dontneed_all", discard(vm.bytes));
  PHASE("E2m.destroy_empty", vm_close(&vm));
}

static void life_f(void) {
  open_touched(0, 0, stride);
  PHASE("F.dontneed_64k", discard(64 << 10));
  touch_again(stride);
  PHASE("F.dontneed_1m", discard(MIB));
  touch_again(stride);
  PHASE("F.destroy", vm_close(&vm));
}

static void life_s(const char *series, uint64_t every) {
  char name[40];
  open_touched(0, 0, every);
  snprintf(name, sizeof name, "%s.log_enable_wp", series);
  PHASE(name, vm_slot(&vm, KVM_MEM_LOG_DIRTY_PAGES, vm.bytes));
  vm_slot(&vm, 0, vm.bytes);
  snprintf(name, sizeof name, "%s.memslot_delete", series);
  PHASE(name, vm_slot(&vm, 0, 0));
  vm_slot(&vm, 0, vm.bytes);
  vm_touch(&vm, vm.bytes, every);
  snprintf(name, sizeof name, "%s.destroy", series);
  PHASE(name, vm_close(&vm));
}

// Memory at a multiple of 1 GiB, of pages, transparent huge pages or hugetlb.
static void *reserve(const char *backing, void **start, uint64_t *length) {
  *length = vm.bytes + (1ull << 30);
  *start = mmap(0, *length, hugetlb_shift ? PROT_NONE : PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  uint8_t *memory = (uint8_t *)(((uintptr_t)*start + (1ull << 30) - 1) & ~((1ull << 30) - 1));
  if (hugetlb_shift) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED | (hugetlb_shift << 26);
    if (mmap(memory, vm.bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
      fail("mmap of hugetlb memory");
  } else if (!strcmp(backing, "thp")) {
    madvise(memory, vm.bytes, MADV_HUGEPAGE);
  } else {
    madvise(*start, *length, MADV_NOHUGEPAGE);
  }
  return memory;
}

static void live_series(char series) {
  switch (series) {
    case 'A': life_a(); break;
    case 'B': life_b(); break;
    case 'C': life_c(); break;
    case 'E': life_e(); break;
    case 'F': life_f(); break;
    case 'S':
      life_s("S2m", 2 * MIB);
      life_s("S64k", 64 << 10);
      break;
    default: fail("a series that is not known");
  }
}

static void live(unsigned long mib, const char *backing, unsigned long rewrite,
                 const char *series) {
  vm.bytes = mib * MIB;
  rewrite_bytes = rewrite * MIB < vm.bytes ? rewrite * MIB : vm.bytes;
  hugetlb_shift = !strcmp(backing, "h1g") ? 30 : !strcmp(backing, "h2m") ? 21 : 0;
  stride = hugetlb_shift ? 1ull << hugetlb_shift : !strcmp(backing, "thp") ? block : page;
  uint64_t bits = (vm.bytes / page / 8 + page - 1) & ~(page - 1);
  bitmap = mmap(0, bits, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  madvise(bitmap, bits, MADV_NOHUGEPAGE);
  memset(bitmap, 0, bits);
  printf("GUEST %lu %s %lu\n", mib, backing, rewrite);
  for (; *series; series++) {
    // Each life has memory of its own: slices below a block leave the host's tables of pages.
    void *start;
    uint64_t length;
    vm.memory = reserve(backing, &start, &length);
    live_series(*series);
    munmap(start, length);
  }
  munmap(bitmap, bits);
}

static void print_symbols(void) {
  char line[512];
  FILE *file = fopen("/proc/kallsyms", "r");
  if (!file) fail("/proc/kallsyms");
  while (fgets(line, sizeof line, file) && !strchr(line, '['))
    if (strchr("tTwW", line[17])) printf("SYMBOL %s", line);
  fclose(file);
}

// What the kernel says of KVM: whether it runs at EL2 with VHE or without.
static void print_mode(void) {
  static char log[1 << 20];
  int length = klogctl(3, log, sizeof log - 1);
  for (char *line = strtok(length > 0 ? log : NULL, "\n"); line; line = strtok(NULL, "\n"))
    if (strstr(line, "mode initialized")) printf("KVM %s\n", strstr(line, "]: ") + 3);
}

static void mount_all(void) {
  mkdir("/proc", 0755);
  mkdir("/sys", 0755);
  mkdir("/dev", 0755);
  mount("proc", "/proc", "proc", 0, 0);
  mount("sysfs", "/sys", "sysfs", 0, 0);
  mount("dev", "/dev", "devtmpfs", 0, 0);
  int console = open("/dev/console", O_RDWR);
  for (int file = 0; console >= 0 && file < 3; file++) dup2(console, file);
  setvbuf(stdout, NULL, _IOLBF, 0);
}

static void settle(const char *options) {
  const char *thp = "/sys/kernel/mm/transparent_hugepage/";
  char path[128];
  snprintf(path, sizeof path, "%senabled", thp);
  put(path, "madvise");
  snprintf(path, sizeof path, "%sdefrag", thp);
  put(path, "madvise");
  snprintf(path, sizeof path, "%skhugepaged/scan_sleep_millisecs", thp);
  put(path, "100000000");
  put("/proc/sys/kernel/watchdog", "0");
  put("/proc/sys/kernel/printk", "3");
  const char *pages = strstr(options, "lab.huge2m=");
  if (!pages) return;
  char number[16];
  snprintf(number, sizeof number, "%d", atoi(pages + strlen("lab.huge2m=")));
  put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", number);
}

static void live_all(const char *jobs) {
  char text[2048], *rest;
  snprintf(text, sizeof text, "%s", jobs);
  text[strcspn(text, " \n")] = 0;
  vm.kvm = open("/dev/kvm", O_RDWR);
  if (vm.kvm < 0) fail("/dev/kvm");
  for (char *job = strtok_r(text, ",", &rest); job; job = strtok_r(NULL, ",", &rest)) {
    unsigned long mib, rewrite;
    char backing[8], series[16];
    if (sscanf(job, "%lu:%7[^:]:%lu:%15s", &mib, backing, &rewrite, series) != 4)
      fail("a guest that is not MIB:BACKING:REWRITE_MIB:SERIES");
    live(mib, backing, rewrite, series);
  }
}

int main(void) {
  static char options[4096];
  struct utsname host;
  mount_all();
  int file = open("/proc/cmdline", O_RDONLY);
  if (file < 0 || read(file, options, sizeof options - 1) < 0) fail("/proc/cmdline");
  close(file);
  uname(&host);
  page = getpagesize();
  block = page / 8 * page;
  printf("\nLAB %s page %llu\n", host.release, (unsigned long long)page);
  settle(options);
  print_mode();
  if (strstr(options, "lab.symbols")) print_symbols();
  const char *jobs = strstr(options, " lab=");
  if (jobs) live_all(jobs + strlen(" lab="));
  printf("DONE\n");
  fflush(stdout);
  reboot(RB_POWER_OFF);
  for (;;) pause();
}
