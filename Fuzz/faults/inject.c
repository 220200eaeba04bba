// SPDX-License-Identifier: GPL-3.0-or-later

// Lets system calls that write fail, by a seed: loaded before the C library (LD_PRELOAD), so that the
// program under test is the one that ships.
//
// FAULT_SEED chooses which call fails, FAULT_KIND how: enospc, eio, short (half of a write is taken, the
// rest with the next), eintr, rename (the rename of a temporary file fails).

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long calls;

static const char *kind(void) {
  const char *text = getenv("FAULT_KIND");
  return text ? text : "";
}

// Whether this call is to fail: one in three, in an order that follows from the seed.
static int strikes(void) {
  const char *seed = getenv("FAULT_SEED");
  unsigned long value = (seed ? strtoul(seed, NULL, 10) : 1) * 0x9E3779B97F4A7C15UL + ++calls;
  value ^= value >> 31;
  value *= 0xBF58476D1CE4E5B9UL;
  value ^= value >> 29;
  return value % 3 == 0;
}

static int is_file(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (descriptor == STDERR_FILENO || !is_file(descriptor) || !strikes())
    return real(descriptor, bytes, count);
  if (!strcmp(kind(), "enospc")) return errno = ENOSPC, -1;
  if (!strcmp(kind(), "eio")) return errno = EIO, -1;
  if (!strcmp(kind(), "eintr")) return errno = EINTR, -1;
  if (!strcmp(kind(), "short") && count > 1) return real(descriptor, bytes, count / 2);
  return real(descriptor, bytes, count);
}

// What SQLite writes by.
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  if (!is_file(descriptor) || !strikes()) return real(descriptor, bytes, count, offset);
  if (!strcmp(kind(), "enospc")) return errno = ENOSPC, -1;
  if (!strcmp(kind(), "eio")) return errno = EIO, -1;
  if (!strcmp(kind(), "eintr")) return errno = EINTR, -1;
  if (!strcmp(kind(), "short") && count > 1) return real(descriptor, bytes, count / 2, offset);
  return real(descriptor, bytes, count, offset);
}

int fdatasync(int descriptor) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  if (!strcmp(kind(), "eio") && strikes()) return errno = EIO, -1;
  return real(descriptor);
}

int fsync(int descriptor) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  if (!strcmp(kind(), "eio") && strikes()) return errno = EIO, -1;
  return real(descriptor);
}

int rename(const char *old, const char *new) {
  int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
  if (!strcmp(kind(), "rename") && strikes()) return errno = EIO, -1;
  return real(old, new);
}
