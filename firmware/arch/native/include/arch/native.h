/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of the host build: physical memory is one heap block, and every
 * table store and maintenance operation is recorded, so that a test can check
 * them as a protocol (QEMU's TLB would hide a missing one).
 */
#ifndef COREVISOR_ARCH_NATIVE_H
#define COREVISOR_ARCH_NATIVE_H

#include "core/types.h"

enum native_op {
	NATIVE_TABLE_STORE,	/* a: PA of the entry, b: value */
	NATIVE_ZERO,		/* a: PA, b: bytes */
	NATIVE_DSB_ISHST,
	NATIVE_DSB_SY,
	NATIVE_ISB,
	NATIVE_CLEAN,		/* a: PA, b: bytes */
};

struct native_event {
	enum native_op op;
	uint64_t a;
	uint64_t b;
};

/**
 * native_memory_init() - make the physical memory of a test
 * @base:  PA of its first byte
 * @bytes: size
 *
 * Replaces and frees what an earlier call made.
 */
void native_memory_init(paddr_t base, uint64_t bytes);

/* Frees the memory and forgets all events. */
void native_memory_free(void);

/* Appends one event to the record. */
void native_record(enum native_op op, uint64_t a, uint64_t b);

/**
 * native_events() - the events recorded since the last reset
 * @count: where their number goes
 *
 * Returns: the first one; valid until the next event
 */
const struct native_event *native_events(size_t *count);

/* Empties the record. */
void native_events_reset(void);

/* What the EL2 console has printed since the last reset. */
const char *native_console(void);
void native_console_reset(void);

/* How often the board was told of a panic. */
unsigned int native_panics(void);

/**
 * native_parks() - run something that may park the CPU
 * @fn:   what to run
 * @data: its argument
 *
 * Outside of this cpu_park() ends the program with the console's text.
 * Returns: whether @fn parked instead of returning
 */
bool native_parks(void (*fn)(void *data), void *data);

#endif /* COREVISOR_ARCH_NATIVE_H */
