/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of the host build: physical memory is mapped memory, and every
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
	NATIVE_DSB_ISH,
	NATIVE_DSB_NSH,
	NATIVE_ICACHE,		/* all of it, complete */
	NATIVE_VTTBR,		/* a: VTTBR_EL2 from now on, b: before */
	NATIVE_EL1_WALKS,	/* a: 0 stopped, 1 on again */
	NATIVE_TLBI_IPAS2E1IS,	/* a: IPA, b: VTTBR_EL2 */
	NATIVE_TLBI_VMALLE1IS,	/* b: VTTBR_EL2 */
	NATIVE_TLBI_VMALLS12E1IS, /* b: VTTBR_EL2 */
	NATIVE_TLBI_VMALLE1,	/* b: VTTBR_EL2; this CPU alone */
	NATIVE_DEVICE_RESET,	/* a: PA of its registers; recorded by tests */
	/* Only for native_watch(). */
	NATIVE_LOCK,		/* a: enum lock_rank, b: id; taken */
	NATIVE_UNLOCK,		/* as NATIVE_LOCK; about to be given back */
};

/**
 * struct native_event - one operation
 * @op:  which
 * @cpu: number of the CPU that did it
 * @a, @b: see enum native_op
 */
struct native_event {
	enum native_op op;
	uint32_t cpu;
	uint64_t a;
	uint64_t b;
};

/**
 * native_memory_init() - make the physical memory of a test
 * @base:  PA of its first byte
 * @bytes: size
 *
 * Replaces and frees what earlier calls made.
 */
void native_memory_init(paddr_t base, uint64_t bytes);

/**
 * native_memory_add() - add to the physical memory of a test
 * @base:  PA of its first byte, page aligned
 * @bytes: size, a multiple of a page
 *
 * It reads as zero, and takes room only where it is written. It may not
 * overlap what is there already.
 */
void native_memory_add(paddr_t base, uint64_t bytes);

/* Whether there is memory at @pa. */
bool native_memory_has(paddr_t pa);

/* Frees the memory and forgets all events. */
void native_memory_free(void);

/* Appends one event of this CPU to the record; from any thread. */
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

/**
 * native_watch() - have each event looked at when it happens
 * @fn: called for each event of any CPU, one at a time; NULL for nobody
 *
 * Lasts until native_memory_free().
 */
void native_watch(void (*fn)(const struct native_event *event));

/* What the EL2 console has printed since the last reset. */
const char *native_console(void);
void native_console_reset(void);

/* The DMA masters that a VM can be given from now on; none at first. */
struct dma_device;
void native_set_dma_devices(const struct dma_device *devices, uint32_t n);

/**
 * struct native_bus - the devices that EL2 itself uses
 * @read, @write: one access of 4 or 8 bytes
 */
struct native_bus {
	uint64_t (*read)(paddr_t pa, unsigned int bytes);
	void (*write)(paddr_t pa, unsigned int bytes, uint64_t value);
};

/*
 * Whose they are from now on; returns whose they were. NULL: no devices, an
 * access ends the program.
 */
const struct native_bus *native_set_bus(const struct native_bus *bus);

uint64_t native_bus_read(paddr_t pa, unsigned int bytes);
void native_bus_write(paddr_t pa, unsigned int bytes, uint64_t value);

/* How often the board was told of a panic. */
unsigned int native_panics(void);

/**
 * native_set_vm() - say what VMs do when they run on this CPU
 * @run: called in place of the VM, with its registers x0 to x30 in the context;
 *	 others are in native_cpu, ELR_EL2 and SPSR_EL2 as well. It says why the
 *	 VM stopped: HYPSEC_EXIT_*, with ESR_EL2 and so on set as hardware would.
 *	 NULL: a VM that runs ends the program.
 */
struct shadow_ctxt;
void native_set_vm(uint64_t (*run)(struct shadow_ctxt *ctxt));

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
