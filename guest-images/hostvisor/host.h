/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every file of the hostvisor uses: the CPUs, locks, messages.
 *
 * IRQs stay masked at EL1 for ever: a CPU looks for interrupts when a vCPU
 * has exited and when it is idle (cpu_poll_irqs()), so that no code of the
 * host is ever interrupted.
 *
 * Locks, in the order in which they may be taken: vm->lock, vgic lock,
 * scheduler, pages, console.
 */
#ifndef HOSTVISOR_HOST_H
#define HOSTVISOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arm64.h"

#define MAX_CPUS		8
#define PAGE_SIZE		UINT64_C(4096)
#define BLOCK_SIZE		UINT64_C(0x200000)
#define PAGES_PER_BLOCK		512u
#define KIB			UINT64_C(1024)
#define MIB			(KIB * KIB)
#define NEVER			UINT64_MAX

#define BIT(n)			(UINT64_C(1) << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(f, a)	__attribute__((format(printf, f, a)))
#define NORETURN		__attribute__((noreturn))

struct vcpu;

/**
 * struct cpu - one physical CPU
 * @index:   its place in the array of all
 * @mpidr:   its affinity
 * @gic_bit: its bit in the GICv2's masks of CPUs
 * @online:  it has come up
 * @idle:    it waits for an interrupt; scheduler lock
 * @resched: what runs here should make room
 * @slice_end: counter value at which the slice of what runs here is over
 * @loaded:  the vCPU whose virtual interrupts are in this CPU's GIC
 */
struct cpu {
	unsigned int index;
	uint64_t mpidr;
	uint32_t gic_bit;
	volatile bool online;
	bool idle;
	volatile bool resched;
	uint64_t slice_end;
	struct vcpu *loaded;
};

extern struct cpu cpus[MAX_CPUS];
extern unsigned int nr_cpus;

static inline struct cpu *this_cpu(void)
{
	return (struct cpu *)(uintptr_t)sysreg_read(tpidr_el1);
}

/*
 * Whoever comes first has it. No queue: on an emulator with fewer threads than
 * CPUs the next in line is mostly one that does not run.
 */
struct lock {
	bool taken;
};

static inline bool lock_try(struct lock *lock)
{
	return !__atomic_load_n(&lock->taken, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(&lock->taken, true, __ATOMIC_ACQUIRE);
}

static inline void lock_acquire(struct lock *lock)
{
	while (!lock_try(lock)) {
		__asm__ volatile("yield");
	}
}

static inline void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->taken, false, __ATOMIC_RELEASE);
}

/**
 * struct options - what the command line says
 *
 * README.rst lists them.
 */
struct options {
	bool attack;
	bool verbose;
	bool raw;
	bool rings;
	uint64_t slice_us;
	uint64_t cpus;
	uint64_t seconds;
	uint64_t grace;
	char only[16];
};

extern struct options options;

/* Counter ticks. */
uint64_t us_to_ticks(uint64_t us);
uint64_t ticks_to_us(uint64_t ticks);

/* print.c */
void print(const char *format, ...) PRINTF_LIKE(1, 2);
void print_verbose(const char *format, ...) PRINTF_LIKE(1, 2);
void print_raw(const char *text, size_t length);
void print_line(const char *prefix, const char *text, size_t length);
size_t format_text(char *to, size_t size, const char *format, ...)
	PRINTF_LIKE(3, 4);
void fatal(const char *format, ...) PRINTF_LIKE(1, 2) NORETURN;

/* main.c */
void host_exit(unsigned int status) NORETURN;

/* boot.S: accesses that may be refused; false if they were. */
bool try_read(uint64_t addr, uint64_t *value);
bool try_read8(uint64_t addr, uint8_t *value);
bool try_write(uint64_t addr, uint64_t value);
bool try_write32(uint64_t addr, uint32_t value);
bool try_write8(uint64_t addr, uint8_t value);

/* text.c */
bool text_number(const char *text, size_t length, uint64_t *value);
const char *text_option(const char *line, const char *name, size_t *length);

#endif /* HOSTVISOR_HOST_H */
