// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * stage2probe - times what KVM/arm64 does to a guest's stage-2 tables.
 *
 * The probe makes a small VM whose vCPUs write to every page of one memory slot, and then takes
 * its memory away, or write-protects it, in each of the ways that a VMM has. Only the system call
 * is timed. Every measurement has a VM and memory of its own, so that it starts from the same
 * state. One JSON object a line goes to standard output; README.md explains them.
 *
 * It leaves nothing on the host: its memory is anonymous, its child processes die with it, and it
 * writes to no file but its own oom_score_adj.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kvm.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Headers older than the kernel lack these. */
#ifndef KVM_CAP_DIRTY_LOG_RING_ACQ_REL
#define KVM_CAP_DIRTY_LOG_RING_ACQ_REL 223
#endif
#ifndef KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE
#define KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE 228
#endif
#ifndef KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES
#define KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES 229
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define VERSION "1"
#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define TIB (1ULL << 40)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The guest's physical addresses: its loop, an address that no slot has, and its memory. */
#define LOOP_ADDRESS 0x10000ULL
#define LOOP_BYTES 0x10000ULL
#define WARM_ADDRESS (LOOP_ADDRESS + 0x8000)
#define EXIT_ADDRESS 0x09000000ULL
#define MEMORY_ADDRESS GIB
#define DEFAULT_IPA_BITS 40

#define HUGETLB_BYTES (2 * MIB)
#define HUGETLB_FLAGS (MAP_HUGETLB | (21 << 26))

#define MAX_ITEMS 16
#define MAX_VCPUS 512
#define MAX_REPEATS 1000
#define MAX_SECONDS 86400
#define MAX_PAUSE_US 60000000
#define SENTENCE 512
/* How soon a signal is heeded that comes just before a wait for a child. */
#define OWNER_POLL_MS 100

/* Of each vCPU's share, this part is written again where dirty pages are wanted. */
#define DIRTY_PART 4

typedef unsigned long long u64;

enum slot { LOOP_SLOT, MEMORY_SLOT };
enum backing { PAGES, THP, HUGETLB };
enum unit { WHOLE, SLICE, CLEAR, SPLIT };
/* How far a VM is brought before the call that is timed; each includes those before it. */
enum state { POPULATED, OPENED, MAPPED, LOGGED, DIRTIED };
enum outcome { DONE, STOPPED, SKIPPED };

struct list {
	u64 item[MAX_ITEMS];
	int count;
};

struct options {
	struct list memory, backing, vcpus, slices, clears, splits;
	bool wanted[32];
	int repeats;
	int seconds;
	int cpu;
	u64 pause_ns;
	bool yields;
	bool io;
	const char *peer;
	int io_type;
	int io_cpu;
	bool list;
};

/* What this host and its kernel offer. */
struct host {
	int kvm;
	struct utsname name;
	u64 page, block;
	int ipa_bits;
	unsigned long vm_type;
	u64 protect;
	u64 dirty_ring;
	u64 block_sizes;
	int max_vcpus;
	u64 available;
	cpu_set_t affinity;
};

struct setting {
	u64 bytes;
	enum backing backing;
	int vcpus;
};

/* What was timed, and how many system calls it covers. */
struct span {
	u64 start, end;
	int calls;
};

struct region {
	void *reserved;
	u64 length;
	char *memory;
	u64 bytes;
};

struct vcpu {
	struct guest *guest;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	u64 from, to;
	u64 start, end;
	bool reached;
	int error;
};

struct guest {
	struct setting setting;
	struct region region;
	int vm;
	struct vcpu *vcpus;
	int opened;
	bool has_threads, closing;
	pthread_barrier_t barrier;
	u64 stride;
};

struct phase {
	const char *name;
	enum state state;
	enum outcome (*run)(struct guest *guest, u64 unit, struct span *span);
	enum unit unit;
	bool initially_set;
	const char *what;
};

static struct options options;
static struct host host;
static void *loop_page;
static int run_page_bytes;
static struct guest *volatile running;
static volatile sig_atomic_t stop_signal;
static bool has_begun, is_child;
static pid_t owner, receiver, sender;
static char reason[SENTENCE];

/* ---- Words: sentences for people, lines for programs ---- */

static void stop_child(pid_t *child)
{
	if (*child <= 0)
		return;
	kill(*child, SIGKILL);
	while (waitpid(*child, NULL, 0) < 0 && errno == EINTR)
		;
	*child = 0;
}

static void stop_children(void)
{
	if (is_child)
		return;
	stop_child(&owner);
	stop_child(&receiver);
	stop_child(&sender);
}

static _Noreturn void output_failed(void)
{
	fprintf(stderr, "stage2probe: the output cannot be written (%s); give it a place that "
		"takes it\n", strerror(errno));
	stop_children();
	_exit(EX_IOERR);
}

static void write_all(const char *text, size_t size)
{
	while (size) {
		ssize_t written = write(STDOUT_FILENO, text, size);

		if (written < 0 && errno != EINTR)
			output_failed();
		if (written > 0) {
			text += written;
			size -= written;
		}
	}
}

/* Standard output goes through here alone: written at once, and checked. */
static __attribute__((format(printf, 1, 2))) void emit(const char *format, ...)
{
	va_list arguments;
	char *text;
	int size;

	va_start(arguments, format);
	size = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (size < 0)
		output_failed();
	write_all(text, size);
	free(text);
}

/* A JSON string of the text, or null; the caller's buffer holds it. */
static const char *quoted(char *buffer, size_t size, const char *text)
{
	size_t at = 0;

	if (!text)
		return "null";
	buffer[at++] = '"';
	for (; *text && at + 8 < size; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			at += sprintf(buffer + at, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			at += sprintf(buffer + at, "\\u%04x", c);
		else
			buffer[at++] = c;
	}
	buffer[at++] = '"';
	buffer[at] = 0;
	return buffer;
}

static void emit_end(const char *status, const char *why)
{
	char text[2 * SENTENCE];

	emit("{\"stage2probe\":1,\"kind\":\"end\",\"status\":\"%s\",\"why\":%s}\n", status,
	     quoted(text, sizeof(text), why));
}

static _Noreturn __attribute__((format(printf, 2, 3))) void fail(int code, const char *format, ...)
{
	char sentence[SENTENCE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	fprintf(stderr, "stage2probe: %s\n", sentence);
	if (is_child)
		_exit(code);
	stop_children();
	if (has_begun)
		emit_end("failed", sentence);
	exit(code);
}

/* Says why this host cannot do what was asked for; the caller returns what it returns. */
static __attribute__((format(printf, 1, 2))) enum outcome skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	return SKIPPED;
}

/* ---- Small tools ---- */

static u64 now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC_RAW, &time))
		fail(EX_OSERR, "CLOCK_MONOTONIC_RAW cannot be read: %s", strerror(errno));
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* An ioctl that is repeated where a signal came in between. */
static int control(int fd, unsigned long request, void *argument)
{
	int result;

	do {
		result = ioctl(fd, request, argument);
	} while (result < 0 && errno == EINTR);
	return result;
}

static int extension(unsigned long capability)
{
	int result = control(host.kvm, KVM_CHECK_EXTENSION, (void *)capability);

	return result < 0 ? 0 : result;
}

/* The first line of a file, without its end; NULL where there is none. */
static const char *first_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "r");
	const char *found;

	if (!file)
		return NULL;
	found = fgets(line, size, file);
	fclose(file);
	if (found)
		line[strcspn(line, "\n")] = 0;
	return found;
}

static u64 round_up(u64 value, u64 to)
{
	return (value + to - 1) / to * to;
}

static u64 smaller(u64 a, u64 b)
{
	return a < b ? a : b;
}

static void on_stop(int signal)
{
	struct guest *guest = running;

	if (!stop_signal)
		stop_signal = signal;
	if (!guest)
		return;
	for (int i = 0; i < guest->opened; i++) {
		guest->vcpus[i].run->immediate_exit = 1;
		pthread_kill(guest->vcpus[i].thread, SIGUSR1);
	}
}

static void on_kick(int signal)
{
	(void)signal;
}

static void handle(int signal, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	if (sigaction(signal, &action, NULL))
		fail(EX_OSERR, "signal %d cannot be handled: %s", signal, strerror(errno));
}

static void handle_stops(void (*handler)(int))
{
	struct sigaction hangup;

	handle(SIGINT, handler);
	handle(SIGTERM, handler);
	handle(SIGALRM, handler);
	/* nohup has it ignored, and means it. */
	if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN)
		handle(SIGHUP, handler);
}

static void pin(const cpu_set_t *cpus, const char *what)
{
	if (sched_setaffinity(0, sizeof(*cpus), cpus))
		fail(EX_USAGE, "%s cannot be pinned: %s; name a CPU that is online and allowed",
		     what, strerror(errno));
}

static void pin_to(int cpu, const char *what)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pin(&cpus, what);
}

/* A child that dies with this process and leaves the terminal's signals to it. */
static pid_t fork_child(const char *what)
{
	pid_t parent = getpid();
	pid_t child = fork();

	if (child < 0)
		fail(EX_OSERR, "%s cannot be started: fork: %s", what, strerror(errno));
	if (child)
		return child;
	is_child = true;
	handle_stops(SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(EX_OSERR);
	return 0;
}

/* ---- Memory of the guest ---- */

static const char *backing_name(enum backing backing)
{
	static char pages[24];

	if (backing == THP)
		return "thp";
	if (backing == HUGETLB)
		return "hugetlb";
	snprintf(pages, sizeof(pages), "%lluk", host.page / KIB);
	return pages;
}

/* The bytes that one leaf of the stage-2 tables maps, as KVM chooses it for this backing. */
static u64 leaf_bytes(enum backing backing)
{
	if (backing == THP || (backing == HUGETLB && host.block == HUGETLB_BYTES))
		return host.block;
	return host.page;
}

static u64 free_hugetlb(void)
{
	char line[32];
	const char *text = first_line("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
				      line, sizeof(line));

	return text ? strtoull(text, NULL, 10) : 0;
}

static u64 transparent_bytes(const struct region *region)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long first = (unsigned long)region->memory, last = first + region->bytes;
	unsigned long from, to;
	bool inside = false;
	u64 kib, sum = 0;
	char line[512];

	if (!file)
		fail(EX_OSERR, "/proc/self/smaps cannot be read (%s); mount /proc",
		     strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from >= first && to <= last;
		else if (inside && sscanf(line, "AnonHugePages: %llu kB", &kib) == 1)
			sum += kib * KIB;
	}
	fclose(file);
	return sum;
}

/* Has the host allocate every page, a piece at a time so that a signal is heeded. */
static void populate(const struct region *region)
{
	for (u64 at = 0; at < region->bytes && !stop_signal; at += GIB) {
		char *piece = region->memory + at;
		u64 bytes = smaller(GIB, region->bytes - at);

		if (!madvise(piece, bytes, MADV_POPULATE_WRITE))
			continue;
		if (errno != EINVAL)
			fail(EX_OSERR, "the host has no %llu bytes (%s); ask for less --memory",
			     region->bytes, strerror(errno));
		for (u64 page = 0; page < bytes; page += host.page)
			((volatile char *)piece)[page] = 1;
	}
}

/* Address space with a hole on both sides, so that the memory is a mapping of its own. */
static void reserve(struct region *region, u64 bytes)
{
	u64 start;

	region->bytes = bytes;
	region->length = bytes + 2 * GIB;
	region->reserved = mmap(NULL, region->length, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region->reserved == MAP_FAILED)
		fail(EX_OSERR, "address space of %llu bytes cannot be had (%s); raise ulimit -v",
		     region->length, strerror(errno));
	start = round_up((u64)(unsigned long)region->reserved + 1, GIB);
	region->memory = (char *)(unsigned long)start;
}

static enum outcome give_memory(struct region *region, enum backing backing)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	if (backing == HUGETLB)
		flags |= HUGETLB_FLAGS;
	if (mmap(region->memory, region->bytes, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED)
		return DONE;
	if (backing == HUGETLB)
		return skip("hugetlb has %llu free pages of 2 MiB and %llu are needed; raise "
			    "vm.nr_hugepages", free_hugetlb(), region->bytes / HUGETLB_BYTES);
	fail(EX_OSERR, "%llu bytes cannot be mapped (%s); ask for less --memory", region->bytes,
	     strerror(errno));
}

static enum outcome open_region(struct region *region, const struct setting *setting)
{
	u64 got;

	reserve(region, setting->bytes);
	if (give_memory(region, setting->backing))
		return SKIPPED;
	if (setting->backing != HUGETLB &&
	    madvise(region->memory, region->bytes,
		    setting->backing == THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) &&
	    setting->backing == THP)
		return skip("this kernel has no transparent huge pages (%s)", strerror(errno));
	populate(region);
	if (stop_signal || setting->backing != THP)
		return stop_signal ? STOPPED : DONE;
	got = transparent_bytes(region);
	if (got != region->bytes)
		return skip("the host gave huge pages for %llu of %llu bytes; set "
			    "transparent_hugepage/enabled to madvise or free memory",
			    got, region->bytes);
	return DONE;
}

static void close_region(struct region *region)
{
	if (region->reserved && munmap(region->reserved, region->length))
		fail(EX_OSERR, "munmap of the guest's memory failed: %s", strerror(errno));
	region->reserved = NULL;
}

/* ---- The guest's vCPUs ---- */

#ifdef __aarch64__
#define HAS_VCPUS true

#define CORE_REGISTER(field) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))

/* x0 address, x1 end, x2 stride, x3 where a store ends KVM_RUN. */
static const unsigned int loop_code[] = {
	0xf9000000, /* 1: str  x0, [x0]     */
	0x8b020000, /*    add  x0, x0, x2   */
	0xeb01001f, /*    cmp  x0, x1       */
	0x54ffffa3, /*    b.lo 1b           */
	0xf9000060, /*    str  x0, [x3]     */
	0x17fffffb, /*    b    1b           */
};

static void set_register(int vcpu, u64 id, u64 value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (unsigned long)&value };

	if (control(vcpu, KVM_SET_ONE_REG, &reg))
		fail(EX_OSERR, "KVM_SET_ONE_REG failed: %s", strerror(errno));
}

static void start_vcpu(int vm, int vcpu)
{
	struct kvm_vcpu_init init = { 0 };

	if (control(vm, KVM_ARM_PREFERRED_TARGET, &init))
		fail(EX_OSERR, "KVM_ARM_PREFERRED_TARGET failed: %s", strerror(errno));
	if (control(vcpu, KVM_ARM_VCPU_INIT, &init))
		fail(EX_OSERR, "KVM_ARM_VCPU_INIT failed: %s", strerror(errno));
	set_register(vcpu, CORE_REGISTER(regs.pc), LOOP_ADDRESS);
	set_register(vcpu, CORE_REGISTER(regs.regs[3]), EXIT_ADDRESS);
}

static void aim_vcpu(int vcpu, u64 from, u64 to, u64 stride)
{
	set_register(vcpu, CORE_REGISTER(regs.regs[0]), from);
	set_register(vcpu, CORE_REGISTER(regs.regs[1]), to);
	set_register(vcpu, CORE_REGISTER(regs.regs[2]), stride);
}
#else
#define HAS_VCPUS false

static const unsigned int loop_code[1];

static void start_vcpu(int vm, int vcpu)
{
	(void)vm;
	(void)vcpu;
}

static void aim_vcpu(int vcpu, u64 from, u64 to, u64 stride)
{
	(void)vcpu;
	(void)from;
	(void)to;
	(void)stride;
}
#endif

static void make_loop(void)
{
	loop_page = mmap(NULL, LOOP_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (loop_page == MAP_FAILED)
		fail(EX_OSERR, "memory for the guest's loop cannot be had: %s", strerror(errno));
	memcpy(loop_page, loop_code, sizeof(loop_code));
	__builtin___clear_cache((char *)loop_page, (char *)loop_page + LOOP_BYTES);
}

static void set_slot(int vm, enum slot slot, unsigned int flags, u64 address, u64 bytes,
		     void *memory)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = address,
		.memory_size = bytes,
		.userspace_addr = (unsigned long)memory,
	};

	if (control(vm, KVM_SET_USER_MEMORY_REGION, &region))
		fail(EX_OSERR, "KVM_SET_USER_MEMORY_REGION failed (slot %d, flags %#x, %llu bytes):"
		     " %s", slot, flags, bytes, strerror(errno));
}

static void set_memory(const struct guest *guest, unsigned int flags, u64 bytes)
{
	set_slot(guest->vm, MEMORY_SLOT, flags, MEMORY_ADDRESS, bytes, guest->region.memory);
}

static void enable(int vm, unsigned int capability, u64 argument, const char *name)
{
	struct kvm_enable_cap cap = { .cap = capability, .args = { argument } };

	if (control(vm, KVM_ENABLE_CAP, &cap))
		fail(EX_OSERR, "KVM offers %s and refuses %#llx of it: %s", name, argument,
		     strerror(errno));
}

static void run_vcpu(struct vcpu *vcpu)
{
	int result = 0;

	vcpu->reached = vcpu->from >= vcpu->to;
	vcpu->error = 0;
	vcpu->start = vcpu->end = now();
	if (vcpu->reached)
		return;
	while (!stop_signal) {
		result = ioctl(vcpu->fd, KVM_RUN, 0);
		vcpu->end = now();
		if (result == 0 || errno != EINTR)
			break;
	}
	if (result < 0 && errno != EINTR)
		vcpu->error = errno;
	vcpu->reached = result == 0 && !vcpu->error && vcpu->run->exit_reason == KVM_EXIT_MMIO &&
			vcpu->run->mmio.phys_addr == EXIT_ADDRESS;
}

/* KVM waits for an RCU grace period where another thread runs a vCPU: each has one for life. */
static void *live_vcpu(void *argument)
{
	struct vcpu *vcpu = argument;
	struct guest *guest = vcpu->guest;

	for (;;) {
		pthread_barrier_wait(&guest->barrier);
		if (guest->closing)
			return NULL;
		run_vcpu(vcpu);
		pthread_barrier_wait(&guest->barrier);
	}
}

static void check_vcpu(const struct vcpu *vcpu)
{
	if (vcpu->reached || stop_signal)
		return;
	if (vcpu->error)
		fail(EX_OSERR, "KVM_RUN failed: %s", strerror(vcpu->error));
	fail(EX_OSERR, "the guest left its loop: KVM_RUN ended with reason %u",
	     vcpu->run->exit_reason);
}

/* Runs all vCPUs, each over its range, and tells from the first start to the last end. */
static enum outcome run_vcpus(struct guest *guest, struct span *span)
{
	bool reached = true;

	running = guest;
	pthread_barrier_wait(&guest->barrier);
	pthread_barrier_wait(&guest->barrier);
	running = NULL;
	*span = (struct span){ .start = ~0ULL };
	for (int i = 0; i < guest->opened; i++) {
		const struct vcpu *vcpu = &guest->vcpus[i];

		check_vcpu(vcpu);
		reached &= vcpu->reached;
		if (vcpu->from >= vcpu->to)
			continue;
		span->start = smaller(span->start, vcpu->start);
		span->end = vcpu->end > span->end ? vcpu->end : span->end;
		span->calls++;
	}
	return reached ? DONE : STOPPED;
}

static enum outcome touch(struct guest *guest, u64 stride, int part, struct span *span)
{
	u64 many = guest->region.bytes / leaf_bytes(guest->setting.backing);

	for (int i = 0; i < guest->opened; i++) {
		struct vcpu *vcpu = &guest->vcpus[i];
		u64 first = many * i / guest->opened, last = many * (i + 1) / guest->opened;
		u64 share = (last - first) * leaf_bytes(guest->setting.backing);

		vcpu->from = MEMORY_ADDRESS + first * leaf_bytes(guest->setting.backing);
		vcpu->to = vcpu->from + round_up(share / part, host.page);
		aim_vcpu(vcpu->fd, vcpu->from, vcpu->to, stride);
	}
	return run_vcpus(guest, span);
}

/* What KVM does once for a vCPU, and the pages of the loop, are no part of a measurement. */
static enum outcome warm(struct guest *guest)
{
	struct span span;

	for (int i = 0; i < guest->opened; i++) {
		struct vcpu *vcpu = &guest->vcpus[i];

		vcpu->from = WARM_ADDRESS;
		vcpu->to = WARM_ADDRESS + 8;
		aim_vcpu(vcpu->fd, vcpu->from, vcpu->to, 8);
	}
	return run_vcpus(guest, &span);
}

static void open_vcpu(struct guest *guest, int number)
{
	struct vcpu *vcpu = &guest->vcpus[number];

	vcpu->guest = guest;
	vcpu->fd = control(guest->vm, KVM_CREATE_VCPU, (void *)(unsigned long)number);
	if (vcpu->fd < 0)
		fail(EX_OSERR, "KVM_CREATE_VCPU failed for number %d (%s); ask for fewer --vcpus",
		     number, strerror(errno));
	start_vcpu(guest->vm, vcpu->fd);
	vcpu->run = mmap(NULL, run_page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		fail(EX_OSERR, "mmap of vCPU %d failed: %s", number, strerror(errno));
	guest->opened++;
}

/* The stop signals are left to the main thread; the walker's CPU is not the vCPUs'. */
static void start_threads(struct guest *guest)
{
	pthread_attr_t attributes;
	sigset_t stops, before;
	int error;

	sigfillset(&stops);
	sigdelset(&stops, SIGUSR1);
	error = pthread_barrier_init(&guest->barrier, NULL, guest->opened + 1);
	error = error ? error : pthread_attr_init(&attributes);
	if (!error)
		error = pthread_attr_setaffinity_np(&attributes, sizeof(host.affinity),
						    &host.affinity);
	pthread_sigmask(SIG_BLOCK, &stops, &before);
	for (int i = 0; i < guest->opened && !error; i++)
		error = pthread_create(&guest->vcpus[i].thread, &attributes, live_vcpu,
				       &guest->vcpus[i]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		fail(EX_OSERR, "a vCPU's thread cannot be started (%s); ask for fewer --vcpus",
		     strerror(error));
	pthread_attr_destroy(&attributes);
	guest->has_threads = true;
}

static void end_threads(struct guest *guest)
{
	if (!guest->has_threads)
		return;
	guest->closing = true;
	pthread_barrier_wait(&guest->barrier);
	for (int i = 0; i < guest->opened; i++)
		pthread_join(guest->vcpus[i].thread, NULL);
	pthread_barrier_destroy(&guest->barrier);
	guest->has_threads = false;
}

static void open_vm(struct guest *guest, bool initially_set, u64 split)
{
	u64 protect = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET;

	guest->vm = control(host.kvm, KVM_CREATE_VM, (void *)host.vm_type);
	if (guest->vm < 0)
		fail(EX_OSERR, "KVM_CREATE_VM failed (%s); the kernel's log may say why",
		     strerror(errno));
	if (initially_set)
		enable(guest->vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, protect, "manual protection");
	if (split)
		enable(guest->vm, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, split, "eager split");
	set_slot(guest->vm, LOOP_SLOT, 0, LOOP_ADDRESS, LOOP_BYTES, loop_page);
	set_memory(guest, 0, guest->region.bytes);
	guest->vcpus = calloc(guest->setting.vcpus, sizeof(*guest->vcpus));
	if (!guest->vcpus)
		fail(EX_OSERR, "memory for %d vCPUs cannot be had", guest->setting.vcpus);
	for (int i = 0; i < guest->setting.vcpus; i++)
		open_vcpu(guest, i);
	start_threads(guest);
}

static void close_file(int fd, const char *what)
{
	if (close(fd))
		fail(EX_OSERR, "close of a %s failed: %s", what, strerror(errno));
}

/* After this the files are the last references to the VM. */
static void leave_vcpus(struct guest *guest)
{
	end_threads(guest);
	for (int i = 0; i < guest->opened; i++)
		if (munmap(guest->vcpus[i].run, run_page_bytes))
			fail(EX_OSERR, "munmap of a vCPU failed: %s", strerror(errno));
}

static void close_files(struct guest *guest)
{
	for (int i = 0; i < guest->opened; i++)
		close_file(guest->vcpus[i].fd, "vCPU");
	close_file(guest->vm, "VM");
	guest->opened = 0;
	guest->vm = -1;
}

static void close_guest(struct guest *guest)
{
	if (guest->vm >= 0) {
		leave_vcpus(guest);
		close_files(guest);
	}
	free(guest->vcpus);
	close_region(&guest->region);
}

/* ---- The calls that are timed ---- */

static enum outcome run_fault(struct guest *guest, u64 unit, struct span *span)
{
	(void)unit;
	return touch(guest, leaf_bytes(guest->setting.backing), 1, span);
}

static enum outcome run_dirty(struct guest *guest, u64 unit, struct span *span)
{
	(void)unit;
	return touch(guest, host.page, DIRTY_PART, span);
}

static enum outcome run_log_enable(struct guest *guest, u64 unit, struct span *span)
{
	(void)unit;
	span->start = now();
	set_memory(guest, KVM_MEM_LOG_DIRTY_PAGES, guest->region.bytes);
	span->end = now();
	span->calls = 1;
	return DONE;
}

static enum outcome run_slot_delete(struct guest *guest, u64 unit, struct span *span)
{
	(void)unit;
	span->start = now();
	set_memory(guest, 0, 0);
	span->end = now();
	span->calls = 1;
	return DONE;
}

static void get_log(const struct guest *guest, void *bitmap)
{
	struct kvm_dirty_log log = { .slot = MEMORY_SLOT, .dirty_bitmap = bitmap };

	if (control(guest->vm, KVM_GET_DIRTY_LOG, &log))
		fail(EX_OSERR, "KVM_GET_DIRTY_LOG failed: %s", strerror(errno));
}

static void clear_log(const struct guest *guest, u64 at, u64 bytes, char *bitmap)
{
	struct kvm_clear_dirty_log log = {
		.slot = MEMORY_SLOT,
		.num_pages = bytes / host.page,
		.first_page = at / host.page,
		.dirty_bitmap = bitmap + at / host.page / 8,
	};

	if (control(guest->vm, KVM_CLEAR_DIRTY_LOG, &log))
		fail(EX_OSERR, "KVM_CLEAR_DIRTY_LOG failed at page %llu: %s", at / host.page,
		     strerror(errno));
}

static void sleep_ns(u64 ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	nanosleep(&time, NULL);
}

/* What a VMM leaves to others between two calls of one operation. */
static void rest(bool is_last)
{
	if (is_last)
		return;
	if (options.yields)
		sched_yield();
	else if (options.pause_ns)
		sleep_ns(options.pause_ns);
}

static char *make_bitmap(const struct guest *guest)
{
	u64 bytes = round_up(guest->region.bytes / host.page, 64) / 8;
	char *bitmap = malloc(bytes);

	if (!bitmap)
		fail(EX_OSERR, "memory for a bitmap of %llu bytes cannot be had", bytes);
	memset(bitmap, 0, bytes);
	return bitmap;
}

static enum outcome run_get(struct guest *guest, u64 unit, struct span *span)
{
	char *bitmap = make_bitmap(guest);

	(void)unit;
	span->start = now();
	get_log(guest, bitmap);
	span->end = now();
	span->calls = 1;
	free(bitmap);
	return DONE;
}

static enum outcome clear_by(struct guest *guest, u64 unit, struct span *span)
{
	u64 all = guest->region.bytes, at;
	char *bitmap = make_bitmap(guest);

	get_log(guest, bitmap);
	span->start = now();
	for (at = 0; at < all && !stop_signal; at += unit) {
		clear_log(guest, at, smaller(unit, all - at), bitmap);
		span->calls++;
		rest(all - at <= unit);
	}
	span->end = now();
	free(bitmap);
	return at < all ? STOPPED : DONE;
}

static enum outcome run_clear(struct guest *guest, u64 unit, struct span *span)
{
	return clear_by(guest, unit, span);
}

/* Its unit is what eager split takes at once; the log is cleared in one call. */
static enum outcome run_split_clear(struct guest *guest, u64 unit, struct span *span)
{
	(void)unit;
	return clear_by(guest, guest->region.bytes, span);
}

static enum outcome run_unmap(struct guest *guest, u64 unit, struct span *span)
{
	u64 all = guest->region.bytes, slice = unit ? unit : all, at;

	span->start = now();
	for (at = 0; at < all && !stop_signal; at += slice) {
		if (madvise(guest->region.memory + at, smaller(slice, all - at), MADV_DONTNEED)) {
			if (guest->setting.backing == HUGETLB && errno == EINVAL)
				return skip("this kernel has no MADV_DONTNEED of hugetlb memory");
			fail(EX_OSERR, "MADV_DONTNEED failed: %s", strerror(errno));
		}
		span->calls++;
		rest(all - at <= slice);
	}
	span->end = now();
	return at < all ? STOPPED : DONE;
}

static enum outcome run_destroy(struct guest *guest, u64 unit, struct span *span)
{
	(void)unit;
	leave_vcpus(guest);
	span->calls = guest->opened + 1;
	span->start = now();
	close_files(guest);
	span->end = now();
	return DONE;
}

/* `run` is NULL where a process of its own lives the VM and is killed. */
static const struct phase phases[] = {
	{ "host-unmap", POPULATED, run_unmap, WHOLE, false,
	  "MADV_DONTNEED of memory that no guest has" },
	{ "host-unmap-slices", POPULATED, run_unmap, SLICE, false,
	  "the same in slices" },
	{ "host-exit", POPULATED, NULL, WHOLE, false,
	  "SIGKILL to the end of a process without a VM" },
	{ "fault", OPENED, run_fault, WHOLE, false,
	  "the vCPUs' first writes, from KVM_RUN to its return" },
	{ "log-enable", MAPPED, run_log_enable, WHOLE, false,
	  "the slot gets a dirty log" },
	{ "log-enable-initially-set", MAPPED, run_log_enable, WHOLE, true,
	  "the same, all bits set at first" },
	{ "dirty", LOGGED, run_dirty, WHOLE, false,
	  "the vCPUs write a quarter again, page by page" },
	{ "get", DIRTIED, run_get, WHOLE, false,
	  "KVM_GET_DIRTY_LOG, which protects that quarter again" },
	{ "clear", LOGGED, run_clear, CLEAR, true,
	  "KVM_CLEAR_DIRTY_LOG of all pages, by ranges" },
	{ "split", MAPPED, run_log_enable, SPLIT, false,
	  "the slot gets a dirty log, with eager split" },
	{ "split-clear", LOGGED, run_split_clear, SPLIT, true,
	  "KVM_CLEAR_DIRTY_LOG of all, with eager split" },
	{ "unmap-whole", MAPPED, run_unmap, WHOLE, false,
	  "MADV_DONTNEED of all the guest's memory" },
	{ "unmap-slices", MAPPED, run_unmap, SLICE, false,
	  "the same in slices" },
	{ "slot-delete", MAPPED, run_slot_delete, WHOLE, false,
	  "the slot is deleted" },
	{ "destroy", MAPPED, run_destroy, WHOLE, false,
	  "close of the vCPUs and the VM" },
	{ "process-exit", MAPPED, NULL, WHOLE, false,
	  "SIGKILL to the end of the process with the VM" },
};

_Static_assert(ARRAY_SIZE(phases) <= ARRAY_SIZE(((struct options *)0)->wanted), "wanted is short");

/* ---- The flow beside it ---- */

#define FLOW_SAMPLES (1U << 21)
#define FLOW_BEFORE_NS 500000000ULL
#define FLOW_PATIENCE_NS 2000000000ULL
#define FLOW_BUFFER (64 * 1024)
#define UDP_PREFIX "udp:"

/* When a receive returned, and how much had come by then. */
struct sample {
	u64 ns, bytes;
};

/* Written by the receiver alone, a ring. */
struct flow {
	atomic_ullong head;
	atomic_bool ended;
	struct sample ring[FLOW_SAMPLES];
};

static struct flow *flow;

static _Noreturn void receive(int from)
{
	static char buffer[FLOW_BUFFER];
	u64 head = 0, bytes = 0;
	ssize_t got;

	pin_to(options.io_cpu, "the receiver (--io-cpu)");
	while ((got = recv(from, buffer, sizeof(buffer), 0)) > 0) {
		bytes += got;
		flow->ring[head % FLOW_SAMPLES] = (struct sample){ now(), bytes };
		atomic_store_explicit(&flow->head, ++head, memory_order_release);
	}
	atomic_store(&flow->ended, true);
	_exit(0);
}

/* The sender keeps away from the receiver's CPU where it can, as a peer on the network would. */
static _Noreturn void transmit(int to)
{
	static char buffer[FLOW_BUFFER];
	cpu_set_t cpus = host.affinity;

	CPU_CLR(options.io_cpu, &cpus);
	pin(CPU_COUNT(&cpus) ? &cpus : &host.affinity, "the sender");
	while (send(to, buffer, sizeof(buffer), MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

static int make_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail(EX_OSERR, "a %s socket cannot be had: %s", type == SOCK_DGRAM ? "UDP" : "TCP",
		     strerror(errno));
	return fd;
}

static void connect_loopback(int *from, int *to)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = make_socket(AF_INET, SOCK_STREAM);

	*to = make_socket(AF_INET, SOCK_STREAM);
	if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &length) ||
	    connect(*to, (struct sockaddr *)&address, length) ||
	    (*from = accept(listener, NULL, NULL)) < 0)
		fail(EX_OSERR, "no TCP connection over loopback (%s); bring the interface lo up",
		     strerror(errno));
	close_file(listener, "socket");
}

static int peer_type(const char *peer)
{
	return strncmp(peer, UDP_PREFIX, strlen(UDP_PREFIX)) ? SOCK_STREAM : SOCK_DGRAM;
}

/* ADDRESS:PORT or [ADDRESS]:PORT, in numbers, after udp: where it sends datagrams. */
static socklen_t parse_peer(const char *peer, struct sockaddr_storage *storage)
{
	struct sockaddr_in *v4 = (void *)storage;
	struct sockaddr_in6 *v6 = (void *)storage;
	const char *colon;
	char text[64];
	int port;

	if (peer_type(peer) == SOCK_DGRAM)
		peer += strlen(UDP_PREFIX);
	colon = strrchr(peer, ':');
	memset(storage, 0, sizeof(*storage));
	if (!colon || colon == peer || colon - peer >= (long)sizeof(text))
		return 0;
	port = atoi(colon + 1);
	if (port < 1 || port > 65535)
		return 0;
	snprintf(text, sizeof(text), "%.*s", (int)(colon - peer), peer);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (text[0] != '[' || text[strlen(text) - 1] != ']')
		return 0;
	text[strlen(text) - 1] = 0;
	if (inet_pton(AF_INET6, text + 1, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

static int connect_peer(void)
{
	struct sockaddr_storage address;
	socklen_t length = parse_peer(options.peer, &address);
	int fd = make_socket(address.ss_family, options.io_type);

	if (connect(fd, (struct sockaddr *)&address, length))
		fail(EX_UNAVAILABLE, "%s does not answer (%s); start a sender there, such as "
		     "socat -u /dev/zero TCP-LISTEN:PORT,fork", options.peer, strerror(errno));
	/* A sender of datagrams learns from the first one that it gets where to send. */
	if (options.io_type == SOCK_DGRAM && send(fd, "GO", 2, 0) != 2)
		fail(EX_UNAVAILABLE, "%s cannot be asked for datagrams: %s", options.peer,
		     strerror(errno));
	return fd;
}

/* Gives the flow time to run undisturbed, and sees that it does. */
static enum outcome settle_flow(void)
{
	u64 head;

	if (!flow || stop_signal)
		return stop_signal ? STOPPED : DONE;
	head = atomic_load(&flow->head);
	sleep_ns(FLOW_BEFORE_NS);
	if (stop_signal)
		return STOPPED;
	if (atomic_load(&flow->ended))
		fail(EX_OSERR, "the flow has ended; see what its peer says");
	if (atomic_load(&flow->head) == head)
		fail(EX_OSERR, "the flow stands still; its peer must send all the time");
	return DONE;
}

static void start_flow(void)
{
	int from, to = -1;

	flow = mmap(NULL, sizeof(*flow), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (flow == MAP_FAILED)
		fail(EX_OSERR, "memory for the flow's record cannot be had: %s", strerror(errno));
	if (options.peer)
		from = connect_peer();
	else
		connect_loopback(&from, &to);
	receiver = fork_child("the receiver");
	if (!receiver) {
		if (to >= 0)
			close_file(to, "socket");
		receive(from);
	}
	close_file(from, "socket");
	if (to >= 0) {
		sender = fork_child("the sender");
		if (!sender)
			transmit(to);
		close_file(to, "socket");
	}
	settle_flow();
}

/* The first receive after the span closes the last gap that touches it. */
static u64 await_sample(u64 after)
{
	u64 head, limit = now() + FLOW_PATIENCE_NS;

	do {
		head = atomic_load_explicit(&flow->head, memory_order_acquire);
		if (head && flow->ring[(head - 1) % FLOW_SAMPLES].ns > after)
			break;
		sleep_ns(1000000);
	} while (now() < limit && !atomic_load(&flow->ended));
	return head;
}

struct flow_report {
	u64 before, during, longest;
	int over_1ms, over_10ms;
};

static void count_gap(struct flow_report *report, u64 ns)
{
	report->longest = ns > report->longest ? ns : report->longest;
	report->over_1ms += ns > 1000000;
	report->over_10ms += ns > 10000000;
}

/* Reads the record backwards; false where it does not reach far enough. */
static bool read_flow(const struct span *span, struct flow_report *report)
{
	u64 head = await_sample(span->end), begin = span->start - FLOW_BEFORE_NS;
	u64 next = now(), at_end = 0, at_start = 0;
	bool has_end = false, has_start = false;

	for (u64 i = head; i-- > 0 && head - i < FLOW_SAMPLES / 2;) {
		struct sample sample = flow->ring[i % FLOW_SAMPLES];

		if (sample.ns < span->end && next > span->start)
			count_gap(report, next - sample.ns);
		if (!has_end && sample.ns <= span->end) {
			at_end = sample.bytes;
			has_end = true;
		}
		if (!has_start && sample.ns <= span->start) {
			at_start = sample.bytes;
			has_start = true;
		}
		if (sample.ns <= begin) {
			report->before = at_start - sample.bytes;
			report->during = at_end - at_start;
			return true;
		}
		next = sample.ns;
	}
	return false;
}

static u64 per_second(u64 bytes, u64 ns)
{
	return ns ? (u64)((double)bytes * 1e9 / (double)ns) : 0;
}

static void emit_skipped(const struct phase *phase, enum backing backing)
{
	char text[2 * SENTENCE];

	emit("{\"stage2probe\":1,\"kind\":\"skipped\",\"phase\":\"%s\",\"backing\":\"%s\","
	     "\"why\":%s}\n", phase->name, backing_name(backing),
	     quoted(text, sizeof(text), reason));
}

static void emit_flow(const struct phase *phase, const struct setting *setting, u64 unit,
		      const struct span *span)
{
	struct flow_report report = { 0 };
	u64 ns = span->end - span->start;
	char text[2 * SENTENCE];

	if (!read_flow(span, &report)) {
		skip("the flow's record does not reach back to the start of this measurement");
		emit_skipped(phase, setting->backing);
		return;
	}
	emit("{\"stage2probe\":1,\"kind\":\"flow\",\"phase\":\"%s\",\"memory_bytes\":%llu,"
	     "\"backing\":\"%s\",\"unit_bytes\":%llu,\"io\":%s,\"cpu\":%d,"
	     "\"before_bytes_per_s\":%llu,\"during_bytes_per_s\":%llu,\"during_ns\":%llu,"
	     "\"longest_gap_ns\":%llu,\"gaps_over_1ms\":%d,\"gaps_over_10ms\":%d}\n",
	     phase->name, setting->bytes, backing_name(setting->backing), unit,
	     quoted(text, sizeof(text), options.peer ? options.peer : "loopback"), options.io_cpu,
	     per_second(report.before, FLOW_BEFORE_NS), per_second(report.during, ns), ns,
	     report.longest, report.over_1ms, report.over_10ms);
}

/* ---- One measurement, its repeats, all of them ---- */

static enum outcome prepare(struct guest *guest, const struct phase *phase, u64 unit)
{
	struct span span;
	enum outcome outcome = open_region(&guest->region, &guest->setting);

	if (outcome || phase->state < OPENED)
		return outcome;
	open_vm(guest, phase->initially_set, phase->unit == SPLIT ? unit : 0);
	outcome = warm(guest);
	if (!outcome && phase->state >= MAPPED)
		outcome = run_fault(guest, 0, &span);
	if (!outcome && phase->state >= LOGGED)
		set_memory(guest, KVM_MEM_LOG_DIRTY_PAGES, guest->region.bytes);
	if (!outcome && phase->state >= DIRTIED)
		outcome = run_dirty(guest, 0, &span);
	return outcome;
}

/* The child that owns the VM says that it is ready, or why not, and waits for its end. */
static _Noreturn void own_vm(struct guest *guest, const struct phase *phase, int to)
{
	const char *text = "ready";

	if (prepare(guest, phase, 0) == SKIPPED)
		text = reason;
	end_threads(guest);
	if (write(to, text, strlen(text)) < 0)
		_exit(EX_OSERR);
	for (;;)
		pause();
}

static enum outcome await_owner(int from)
{
	struct pollfd ready = { .fd = from, .events = POLLIN };
	char text[SENTENCE];
	ssize_t got = 0;

	while (!stop_signal && poll(&ready, 1, OWNER_POLL_MS) <= 0)
		;
	if (ready.revents)
		got = read(from, text, sizeof(text) - 1);
	close_file(from, "pipe");
	if (stop_signal)
		return STOPPED;
	if (got <= 0)
		fail(EX_OSERR, "the process that owns the VM has ended before it was killed");
	text[got] = 0;
	return strcmp(text, "ready") ? skip("%s", text) : DONE;
}

static enum outcome measure_exit(struct guest *guest, const struct phase *phase, struct span *span)
{
	enum outcome outcome;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		fail(EX_OSERR, "a pipe cannot be had: %s", strerror(errno));
	owner = fork_child("the process that owns the VM");
	if (!owner)
		own_vm(guest, phase, ends[1]);
	close_file(ends[1], "pipe");
	outcome = await_owner(ends[0]);
	if (!outcome)
		outcome = settle_flow();
	span->start = now();
	stop_child(&owner);
	span->end = now();
	span->calls = 1;
	return outcome;
}

static enum outcome measure(const struct phase *phase, const struct setting *setting, u64 unit,
			    struct span *span)
{
	struct guest guest = { .setting = *setting, .vm = -1 };
	enum outcome outcome;

	*span = (struct span){ 0 };
	if (!phase->run)
		return measure_exit(&guest, phase, span);
	outcome = prepare(&guest, phase, unit);
	if (!outcome)
		outcome = settle_flow();
	if (!outcome)
		outcome = phase->run(&guest, unit, span);
	close_guest(&guest);
	return outcome;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* The middle of the values, which it sorts. */
static u64 median(u64 *value, int count)
{
	qsort(value, count, sizeof(*value), compare);
	if (count % 2)
		return value[count / 2];
	return value[count / 2 - 1] + (value[count / 2] - value[count / 2 - 1]) / 2;
}

static void emit_head(const char *kind, const struct phase *phase, const struct setting *setting,
		      u64 unit, int calls)
{
	emit("{\"stage2probe\":1,\"kind\":\"%s\",\"phase\":\"%s\",\"memory_bytes\":%llu,"
	     "\"backing\":\"%s\",\"vcpus\":%d,\"unit_bytes\":%llu,\"calls\":%d,",
	     kind, phase->name, setting->bytes, backing_name(setting->backing), setting->vcpus,
	     unit, calls);
}

static void emit_summary(u64 *ns, int count)
{
	u64 middle = median(ns, count), least = ns[0], most = ns[count - 1];

	for (int i = 0; i < count; i++)
		ns[i] = ns[i] > middle ? ns[i] - middle : middle - ns[i];
	emit("\"repeats\":%d,\"median_ns\":%llu,\"min_ns\":%llu,\"max_ns\":%llu,\"mad_ns\":%llu}\n",
	     count, middle, least, most, median(ns, count));
}

static void repeat(const struct phase *phase, const struct setting *setting, u64 unit)
{
	static u64 ns[MAX_REPEATS];
	struct span span;
	int done = 0, calls = 0;

	while (done < options.repeats && !stop_signal) {
		enum outcome outcome = measure(phase, setting, unit, &span);

		if (outcome == SKIPPED)
			emit_skipped(phase, setting->backing);
		if (outcome)
			break;
		calls = span.calls;
		ns[done] = span.end - span.start;
		emit_head("run", phase, setting, unit, calls);
		emit("\"repeat\":%d,\"ns\":%llu}\n", done, ns[done]);
		if (flow)
			emit_flow(phase, setting, unit, &span);
		done++;
	}
	if (!done)
		return;
	emit_head("summary", phase, setting, unit, calls);
	emit_summary(ns, done);
}

/* What the kernel or the host lacks for a phase; tried before anything is mapped. */
static enum outcome check_kernel(const struct phase *phase)
{
	if (phase->initially_set && !(host.protect & KVM_DIRTY_LOG_INITIALLY_SET))
		return skip("KVM here has no dirty log whose bits are all set at first");
	if (phase->unit == SPLIT && !host.block_sizes)
		return skip("this kernel has no eager split; Linux 6.5 and later have");
	return DONE;
}

static enum outcome check(const struct phase *phase, const struct setting *setting, u64 unit)
{
	u64 huge = setting->backing == THP ? host.block : HUGETLB_BYTES;

	if (check_kernel(phase))
		return SKIPPED;
	if (setting->backing != PAGES && setting->bytes % huge)
		return skip("%llu bytes are not a multiple of a huge page of %llu", setting->bytes,
			    huge);
	if (setting->vcpus > host.max_vcpus)
		return skip("KVM here has at most %d vCPUs", host.max_vcpus);
	if (phase->unit == SPLIT && !(host.block_sizes & unit))
		return skip("eager split by %llu bytes is not offered; --list says what is", unit);
	if (phase->unit == SLICE && setting->backing == HUGETLB && unit % HUGETLB_BYTES)
		return skip("a slice of %llu bytes is not a multiple of a hugetlb page", unit);
	return DONE;
}

static const struct list *units_of(const struct phase *phase)
{
	static const struct list none = { .item = { 0 }, .count = 1 };

	if (phase->unit == SLICE)
		return &options.slices;
	if (phase->unit == CLEAR)
		return &options.clears;
	return phase->unit == SPLIT ? &options.splits : &none;
}

/* The phases with a VM, or those without one where there are no vCPUs. */
static void run_phases(const struct setting *setting)
{
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		const struct phase *phase = &phases[i];
		const struct list *units = units_of(phase);

		if (!options.wanted[i] || (phase->state == POPULATED) != (setting->vcpus == 0))
			continue;
		for (int j = 0; j < units->count && !stop_signal; j++) {
			if (check(phase, setting, units->item[j]) == DONE)
				repeat(phase, setting, units->item[j]);
			else
				emit_skipped(phase, setting->backing);
		}
	}
}

static void run_memory(u64 bytes, enum backing backing)
{
	struct setting setting = { .bytes = bytes, .backing = backing };

	run_phases(&setting);
	for (int i = 0; i < options.vcpus.count; i++) {
		setting.vcpus = options.vcpus.item[i];
		run_phases(&setting);
	}
}

static void run_all(void)
{
	for (int i = 0; i < options.memory.count; i++)
		for (int j = 0; j < options.backing.count; j++)
			run_memory(options.memory.item[i], options.backing.item[j]);
}

/* ---- The host ---- */

static u64 available_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	u64 kib = 0;

	while (file && fgets(line, sizeof(line), file) &&
	       sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
		;
	if (file)
		fclose(file);
	if (!kib)
		fail(EX_OSERR, "/proc/meminfo does not say what memory is available; mount /proc");
	return kib * KIB;
}

static void open_kvm(void)
{
	int version;

	if (!HAS_VCPUS)
		fail(EX_UNAVAILABLE, "this machine is %s and stage 2 is measured on arm64 only; "
		     "build and run it on an arm64 host with KVM", host.name.machine);
	host.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (host.kvm < 0)
		fail(EX_UNAVAILABLE, "/dev/kvm cannot be opened (%s); run as root on a host whose "
		     "kernel was booted at EL2 with KVM", strerror(errno));
	version = control(host.kvm, KVM_GET_API_VERSION, NULL);
	if (version != KVM_API_VERSION)
		fail(EX_UNAVAILABLE, "KVM's API is version %d and %d is needed; update the kernel",
		     version, KVM_API_VERSION);
}

/* 40 bits as all KVM/arm64 hosts have by default, or what a smaller host has. */
static void find_ipa_bits(void)
{
	int limit = extension(KVM_CAP_ARM_VM_IPA_SIZE);

	host.ipa_bits = DEFAULT_IPA_BITS;
	if (limit && limit < DEFAULT_IPA_BITS) {
		host.ipa_bits = limit;
		host.vm_type = KVM_VM_TYPE_ARM_IPA_SIZE(limit);
	}
}

static void look_at_host(void)
{
	open_kvm();
	find_ipa_bits();
	host.protect = extension(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
	host.dirty_ring = extension(KVM_CAP_DIRTY_LOG_RING_ACQ_REL);
	host.block_sizes = extension(KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES);
	host.max_vcpus = extension(KVM_CAP_MAX_VCPUS);
	host.max_vcpus = host.max_vcpus < MAX_VCPUS ? host.max_vcpus : MAX_VCPUS;
	host.available = available_memory();
	run_page_bytes = control(host.kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (run_page_bytes < (int)sizeof(struct kvm_run))
		fail(EX_OSERR, "KVM_GET_VCPU_MMAP_SIZE failed: %s", strerror(errno));
}

static const char *midr(char *text, size_t size)
{
	char path[96], line[32];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/regs/identification/midr_el1",
		 options.cpu >= 0 ? options.cpu : 0);
	if (!first_line(path, line, sizeof(line)))
		return NULL;
	snprintf(text, size, "0x%llx", strtoull(line, NULL, 16));
	return text;
}

/* The word in brackets. */
static const char *thp_mode(char *line, int size)
{
	char *word, *end;

	if (!first_line("/sys/kernel/mm/transparent_hugepage/enabled", line, size))
		return NULL;
	word = strchr(line, '[');
	end = word ? strchr(word, ']') : NULL;
	if (!end)
		return NULL;
	*end = 0;
	return word + 1;
}

static const char *block_list(char *text, size_t size)
{
	size_t at = 0;

	text[0] = 0;
	for (int bit = 0; bit < 63 && at + 24 < size; bit++)
		if (host.block_sizes & 1ULL << bit)
			at += sprintf(text + at, "%s%llu", at ? "," : "", 1ULL << bit);
	return text;
}

static void emit_environment(void)
{
	char kernel[2 * SENTENCE], machine[2 * SENTENCE], blocks[256], core[32], cores[48];
	char line[128], mode[48];
	struct timespec resolution;

	if (clock_getres(CLOCK_MONOTONIC_RAW, &resolution))
		fail(EX_OSERR, "the resolution of CLOCK_MONOTONIC_RAW: %s", strerror(errno));
	emit("{\"stage2probe\":1,\"kind\":\"environment\",\"kernel\":%s,\"machine\":%s,"
	     "\"cpus\":%ld,\"midr\":%s,\"page_bytes\":%llu,\"ipa_bits\":%d,\"kvm_api\":%d,"
	     "\"dirty_log_clear\":%s,\"initially_set\":%s,\"dirty_ring\":%llu,"
	     "\"eager_split_bytes\":[%s],\"thp\":%s,\"hugetlb_2m_free\":%llu,"
	     "\"clock\":\"CLOCK_MONOTONIC_RAW\",\"clock_resolution_ns\":%lld}\n",
	     quoted(kernel, sizeof(kernel), host.name.release),
	     quoted(machine, sizeof(machine), host.name.machine), sysconf(_SC_NPROCESSORS_ONLN),
	     quoted(cores, sizeof(cores), midr(core, sizeof(core))), host.page, host.ipa_bits,
	     KVM_API_VERSION, host.protect ? "true" : "false",
	     host.protect & KVM_DIRTY_LOG_INITIALLY_SET ? "true" : "false", host.dirty_ring,
	     block_list(blocks, sizeof(blocks)),
	     quoted(mode, sizeof(mode), thp_mode(line, sizeof(line))), free_hugetlb(),
	     resolution.tv_sec * 1000000000LL + resolution.tv_nsec);
}

static void show_host(void)
{
	char line[256];

	emit("Linux %s, %s, pages of %lluk, stage 2 of %d bits\n", host.name.release,
	     host.name.machine, host.page / KIB, host.ipa_bits);
	emit("--memory   up to %llu bytes, half of what is available\n", host.available / 2);
	emit("--vcpus    up to %d\n", host.max_vcpus);
	emit("--backing  %s\n", backing_name(PAGES));
	emit("           thp: %s\n", thp_mode(line, sizeof(line)) ? "yes, by madvise" : "no");
	emit("           hugetlb: %llu free pages of 2 MiB\n", free_hugetlb());
	emit("--split    %s\n", host.block_sizes ? block_list(line, sizeof(line)) : "not offered");
	emit("--phases\n");
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		bool offered = check_kernel(&phases[i]) == DONE;

		emit("  %-25s %s\n", phases[i].name, offered ? phases[i].what : reason);
	}
}

/* ---- Options ---- */

static const char help[] =
	"usage: stage2probe [OPTION]...\n"
	"\n"
	"Times what KVM/arm64 does to a guest's stage-2 tables, with a small VM of its own, and\n"
	"prints one JSON object a line. Lists have commas; SIZE is 64MiB, 2M, 1GiB.\n"
	"\n"
	"  --memory SIZE,..    memory of the guest (64MiB); at most half of what is available\n"
	"  --backing KIND,..   4k (the host's page, also 16k or 64k), thp, hugetlb (of 2 MiB)\n"
	"  --vcpus N,..        vCPUs, each writes to a share of its own (1)\n"
	"  --slices SIZE,..    MADV_DONTNEED takes so much at once (2MiB)\n"
	"  --clear SIZE,..     KVM_CLEAR_DIRTY_LOG takes so much at once (1GiB)\n"
	"  --split SIZE,..     eager split takes so much at once (the smallest block)\n"
	"  --phases NAME,..    only these; --list names them\n"
	"  --repeats N         of each measurement (5)\n"
	"  --max-time SECONDS  of all of it (60)\n"
	"  --cpu N             where the calls are made\n"
	"  --pause US|yield    between two calls of one operation: so many microseconds of sleep,\n"
	"                      or sched_yield (0)\n"
	"  --io[=PEER]         a flow beside it: TCP over loopback, or what PEER (ADDRESS:PORT, or\n"
	"                      udp:ADDRESS:PORT) sends without end\n"
	"  --io-cpu N          where the receiver runs (the CPU of the calls)\n"
	"  --list              what this host and its kernel offer\n"
	"  --help, --version\n"
	"\n"
	"Exit codes: 0 complete, 1 out of time, 64 usage, 69 no KVM on arm64 here, 71 a system\n"
	"call failed, 74 the output cannot be written, 128 + N ended by signal N.\n";

static _Noreturn __attribute__((format(printf, 1, 2))) void usage(const char *format, ...)
{
	va_list arguments;

	fputs("stage2probe: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("; --help lists the options\n", stderr);
	exit(EX_USAGE);
}

static u64 parse_number(const char *option, const char *text, u64 least, u64 most)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > most)
		usage("--%s %s is not a number from %llu to %llu", option, text, least, most);
	return value;
}

static u64 parse_size(const char *option, const char *text, u64 multiple)
{
	static const struct { const char *name; u64 bytes; } units[] = {
		{ "", 1 }, { "K", KIB }, { "KiB", KIB }, { "M", MIB }, { "MiB", MIB },
		{ "G", GIB }, { "GiB", GIB }, { "T", TIB }, { "TiB", TIB },
	};
	u64 value, bytes = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].name) && value <= (1ULL << 50) / units[i].bytes)
			bytes = value * units[i].bytes;
	if (*text < '0' || *text > '9' || errno || !bytes)
		usage("--%s %s is not a size such as 64MiB", option, text);
	if (bytes % multiple)
		usage("--%s %s is not a multiple of %llu bytes", option, text, multiple);
	return bytes;
}

static u64 parse_backing(const char *text)
{
	if (!strcmp(text, "thp"))
		return THP;
	if (!strcmp(text, "hugetlb"))
		return HUGETLB;
	if (strcmp(text, backing_name(PAGES)))
		usage("--backing %s is not %s, thp or hugetlb, which this host can have", text,
		      backing_name(PAGES));
	return PAGES;
}

static void want(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		if (strcmp(name, phases[i].name))
			continue;
		options.wanted[i] = true;
		return;
	}
	usage("--phases %s is not one of --list", name);
}

static void add(const char *option, struct list *list, u64 value)
{
	if (list->count == MAX_ITEMS)
		usage("--%s has more than %d items", option, MAX_ITEMS);
	list->item[list->count++] = value;
}

/* What follows is one item of a list, told by the option's letter. */
static void take_item(int letter, const char *option, const char *item)
{
	switch (letter) {
	case 'm':
		add(option, &options.memory, parse_size(option, item, 2 * MIB));
		break;
	case 'b':
		add(option, &options.backing, parse_backing(item));
		break;
	case 'v':
		add(option, &options.vcpus, parse_number(option, item, 1, MAX_VCPUS));
		break;
	case 's':
		add(option, &options.slices, parse_size(option, item, host.page));
		break;
	case 'c':
		add(option, &options.clears, parse_size(option, item, 64 * host.page));
		break;
	case 'p':
		add(option, &options.splits, parse_size(option, item, host.page));
		break;
	case 'P':
		want(item);
	}
}

static void take_list(int letter, const char *option, char *text)
{
	char *rest, *item = strtok_r(text, ",", &rest);

	if (!item)
		usage("--%s needs at least one item", option);
	for (; item; item = strtok_r(NULL, ",", &rest))
		take_item(letter, option, item);
}

static void take_io(const char *peer)
{
	struct sockaddr_storage address;

	options.io = true;
	if (!peer || !strcmp(peer, "loopback"))
		return;
	if (!parse_peer(peer, &address))
		usage("--io=%s is not loopback or an address and a port in numbers, such as "
		      "192.0.2.1:5001, [2001:db8::1]:5001 or udp:192.0.2.1:5001", peer);
	options.peer = peer;
	options.io_type = peer_type(peer);
}

static void take(int letter, const char *option)
{
	switch (letter) {
	case 'r':
		options.repeats = parse_number(option, optarg, 1, MAX_REPEATS);
		break;
	case 't':
		options.seconds = parse_number(option, optarg, 1, MAX_SECONDS);
		break;
	case 'C':
		options.cpu = parse_number(option, optarg, 0, CPU_SETSIZE - 1);
		break;
	case 'I':
		options.io_cpu = parse_number(option, optarg, 0, CPU_SETSIZE - 1);
		break;
	case 'u':
		options.yields = !strcmp(optarg, "yield");
		if (!options.yields)
			options.pause_ns = parse_number(option, optarg, 0, MAX_PAUSE_US) * 1000;
		break;
	case 'i':
		take_io(optarg);
		break;
	case 'l':
		options.list = true;
		break;
	case 'h':
		emit("%s", help);
		exit(0);
	case 'V':
		emit("stage2probe %s\n", VERSION);
		exit(0);
	default:
		take_list(letter, option, optarg);
	}
}

static void fill_defaults(void)
{
	bool any = false;

	if (!options.memory.count)
		add("memory", &options.memory, 64 * MIB);
	if (!options.backing.count)
		add("backing", &options.backing, PAGES);
	if (!options.vcpus.count)
		add("vcpus", &options.vcpus, 1);
	if (!options.slices.count)
		add("slices", &options.slices, 2 * MIB);
	if (!options.clears.count)
		add("clear", &options.clears, GIB);
	if (!options.splits.count)
		add("split", &options.splits, host.block);
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
		any |= options.wanted[i];
	for (size_t i = 0; i < ARRAY_SIZE(phases) && !any; i++)
		options.wanted[i] = true;
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "backing", required_argument, NULL, 'b' },
		{ "vcpus", required_argument, NULL, 'v' },
		{ "slices", required_argument, NULL, 's' },
		{ "clear", required_argument, NULL, 'c' },
		{ "split", required_argument, NULL, 'p' },
		{ "phases", required_argument, NULL, 'P' },
		{ "repeats", required_argument, NULL, 'r' },
		{ "max-time", required_argument, NULL, 't' },
		{ "cpu", required_argument, NULL, 'C' },
		{ "pause", required_argument, NULL, 'u' },
		{ "io", optional_argument, NULL, 'i' },
		{ "io-cpu", required_argument, NULL, 'I' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int letter, number;

	options = (struct options){ .repeats = 5, .seconds = 60, .cpu = -1, .io_cpu = -1 };
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "", known, &number)) != -1) {
		if (letter == '?')
			usage("%s is not an option, or lacks its value", argv[optind - 1]);
		take(letter, known[number].name);
	}
	if (optind < argc)
		usage("%s is not an option", argv[optind]);
	if (options.io_cpu >= 0 && !options.io)
		usage("--io-cpu needs --io");
	fill_defaults();
}

static void check_memory(void)
{
	u64 space = (1ULL << host.ipa_bits) - MEMORY_ADDRESS;
	bool own = false;

	for (int i = 0; i < options.backing.count; i++)
		own |= options.backing.item[i] != HUGETLB;
	for (int i = 0; i < options.memory.count; i++) {
		u64 bytes = options.memory.item[i];

		if (own && bytes > host.available / 2)
			usage("--memory of %llu bytes is more than half of the %llu available",
			      bytes, host.available);
		if (bytes > space)
			usage("--memory of %llu bytes is more than stage 2 of %d bits holds", bytes,
			      host.ipa_bits);
	}
}

/* ---- All of it ---- */

/* With a flow and no CPU named, calls and receiver share the one that this runs on. */
static void choose_cpus(void)
{
	if (options.io && options.cpu < 0)
		options.cpu = sched_getcpu();
	if (options.io_cpu < 0)
		options.io_cpu = options.cpu;
	if (options.io)
		pin_to(options.io_cpu, "the receiver (--io-cpu)");
	if (options.cpu >= 0)
		pin_to(options.cpu, "the walker (--cpu)");
}

/* If the host runs short of memory, this is the process to end. */
static void yield_memory(void)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "w");

	if (!file)
		return;
	fputs("1000", file);
	fclose(file);
}

static void prepare_signals(void)
{
	struct itimerval limit = { .it_value.tv_sec = options.seconds };

	handle(SIGPIPE, SIG_IGN);
	handle(SIGUSR1, on_kick);
	handle_stops(on_stop);
	if (setitimer(ITIMER_REAL, &limit, NULL))
		fail(EX_OSERR, "the time limit cannot be set: %s", strerror(errno));
}

static int end(void)
{
	stop_children();
	if (!stop_signal) {
		emit_end("complete", NULL);
		return 0;
	}
	if (stop_signal == SIGALRM) {
		emit_end("out-of-time", "not all was measured in the time given; raise --max-time");
		return 1;
	}
	emit_end("interrupted", "a signal ended it before all was measured");
	return 128 + stop_signal;
}

int main(int argc, char **argv)
{
	host.page = sysconf(_SC_PAGESIZE);
	host.block = host.page / 8 * host.page;
	handle(SIGPIPE, SIG_IGN);
	if (uname(&host.name) || sched_getaffinity(0, sizeof(host.affinity), &host.affinity))
		fail(EX_OSERR, "this host cannot be asked about itself: %s", strerror(errno));
	read_options(argc, argv);
	look_at_host();
	if (options.list) {
		show_host();
		return 0;
	}
	check_memory();
	choose_cpus();
	yield_memory();
	make_loop();
	prepare_signals();
	emit_environment();
	has_begun = true;
	if (options.io)
		start_flow();
	run_all();
	return end();
}
