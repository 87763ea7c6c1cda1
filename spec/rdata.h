/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RData.v: the abstract state, and what a step can answer.
 *
 * Source: facts A.14 and A.15. A step is foo_spec(arguments, adt, result); it
 * changes *adt where the Coq returns a new RData. A caller that wants the old
 * state keeps a copy (rdata_copy()).
 */
#ifndef HYPSEC_SPEC_RDATA_H
#define HYPSEC_SPEC_RDATA_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/constants.h"

/**
 * enum option - Coq's option, with the reason where there is no new state
 * @SOME:	a successor state
 * @AGAIN:	a successor state; the operation is not finished (G37)
 * @NONE_INVAL:	a rely on an argument is false: malformed
 * @NONE_PERM:	a rely on the state is false, or a panic of the Coq
 * @NONE_BUSY:	not now, or there already
 * @NONE_NOMEM:	a pool is empty
 * @NONE_NOTSUP: there is no such call
 * @STUCK:	a rely on the caller is false (a lock not held, ...): nobody
 *		outside can cause it, the caller is wrong
 *
 * The Coq has SOME and None. Which reason a None has follows the operations'
 * description (docs/hypercalls.rst); the referee compares it too.
 */
enum option {
	SOME = 0,
	AGAIN,
	NONE_INVAL,
	NONE_PERM,
	NONE_BUSY,
	NONE_NOMEM,
	NONE_NOTSUP,
	STUCK,
};

/* "when x == foo_spec ...;" and "rely p;", with the reason of the None. */
#define WHEN(step) \
	do { \
		enum option when_ = (step); \
		if (when_ != SOME) { \
			return when_; \
		} \
	} while (0)
#define RELY_OR(condition, reason) \
	do { \
		if (!(condition)) { \
			return (reason); \
		} \
	} while (0)
#define RELY(condition)		RELY_OR(condition, NONE_INVAL)
#define RELY_CALLER(condition)	RELY_OR(condition, STUCK)

/* What a caller finds in x0 (design 4.2), as a 64-bit value. */
static inline uint64_t call_result(enum option done)
{
	static const int64_t results[] = {
		[SOME] = 0, [AGAIN] = -5, [NONE_INVAL] = -2, [NONE_PERM] = -3,
		[NONE_BUSY] = -4, [NONE_NOMEM] = -6, [NONE_NOTSUP] = -1,
	};

	return (uint64_t)results[done];
}

/* A page record: owner, count, map (A.15). */
struct s2page {
	uint32_t owner;
	uint32_t count;
	uint64_t gfn;
};

/**
 * struct pt_run - consecutive gfns that map consecutive pfns
 * @gfn, @pfn: the first of each
 * @pages: how many
 * @pte:   descriptor without an address
 * @level: 2 or 3
 *
 * The Coq's table is a map gfn -> (pfn, level, pte); runs hold the same map
 * in a few bytes. npt_get() and npt_put() in npt.c are the map's view of it.
 */
struct pt_run {
	uint64_t gfn;
	uint64_t pfn;
	uint64_t pages;
	uint64_t pte;
	uint32_t level;
};

#define MAX_RUNS	512
#define MAX_PMD_TABLES	256

/**
 * struct npt - one stage-2 table
 * @live:	it has a root
 * @nr_runs, @runs: what it maps, in order of gfn
 * @pud_tables:	bit n: there is a level-2 table for the n-th GiB
 * @nr_pmd_tables, @pmd_tables: 2 MiB units that have a level-3 table
 * @used:	pages taken from the pool, root included
 * @chunks:	chunks that the pool has
 *
 * The Coq keeps no intermediate tables; they are here so that an empty pool
 * is foretold exactly.
 */
struct npt {
	bool live;
	uint32_t nr_runs;
	struct pt_run runs[MAX_RUNS];
	uint64_t pud_tables[1024 / 64];
	uint32_t nr_pmd_tables;
	uint32_t pmd_tables[MAX_PMD_TABLES];
	uint64_t used;
	uint64_t chunks;
};

/* A boot image. */
struct load_info {
	uint64_t load_addr;
	uint64_t load_size;
	uint64_t mapped_pages;
};

/**
 * struct vm - VM table entry
 * @state:	UNUSED ... POWEROFF
 * @next_load_idx, @load: images
 * @vcpu:	states of the vCPUs
 * @clearing:	a clear_vm_stage2_range is not finished
 * @clear_start, @clear_size: its arguments
 * @clear_next:	PA at which it goes on
 */
struct vm {
	uint32_t state;
	uint32_t next_load_idx;
	struct load_info load[MAX_LOAD_INFO_NUM];
	uint32_t vcpu[VCPU_PER_VM];
	bool clearing;
	uint64_t clear_start;
	uint64_t clear_size;
	uint64_t clear_next;
};

/* Locks (A.13), in their order from outer to inner. */
enum lock_class {
	LOCK_SMMU,
	LOCK_VM,
	LOCK_CORE,
	LOCK_S2PAGE,
	LOCK_PT,
};

/**
 * enum lock_op - what a CPU does with a ticket lock (A.14)
 * @WAIT_LOCK: takes a ticket
 * @OPULL:     its turn has come; it sees what others have published
 * @OPUSH:     publishes what it did
 * @REL_LOCK:  gives the lock to the next ticket
 */
enum lock_op {
	WAIT_LOCK,
	OPULL,
	OPUSH,
	REL_LOCK,
};

/* One entry of the locks' log; @id is 0 for a class of one lock. */
struct lock_event {
	enum lock_op op;
	enum lock_class class;
	uint32_t id;
	uint32_t cpu;
};

/**
 * struct oracle - a stream of values that the specification does not know
 * @values: supplied by who runs the specification
 * @count:  how many
 * @next:   the first one not read
 */
struct oracle {
	const uint64_t *values;
	uint64_t count;
	uint64_t next;
};

struct pa_window {
	uint64_t base;
	uint64_t bytes;
};

/**
 * struct board - what never changes
 * @regions, @nr_regions: RAM; page indices count through them (A.15)
 * @windows, @nr_windows: device windows of the host (design 4.2)
 * @emulated, @nr_emulated: devices whose accesses EL2 emulates
 */
struct board {
	struct pa_window regions[MAX_MEMBLOCK_NUM];
	uint32_t nr_regions;
	struct pa_window windows[16];
	uint32_t nr_windows;
	struct pa_window emulated[4];
	uint32_t nr_emulated;
};

/* An access to an emulated device, as the device sees it. */
struct mmio_access {
	uint64_t addr;
	uint64_t value;
	uint32_t bytes;
	bool write;
};

#define MAX_RAM_PAGES	4096
#define MAX_LOCK_EVENTS	64

struct rdata {
	struct board board;
	bool halt;
	/* Of this CPU. */
	uint32_t curid;
	uint32_t cur_vmid;
	uint32_t cur_vcpuid;
	uint64_t hpfar_el2;
	uint64_t far_el2;
	uint64_t esr_el2;
	uint64_t elr_el2;
	uint64_t host_regs[NUM_GPRS];
	/* Machine-wide. */
	uint32_t vmids;		/* bit n: id n is given out */
	struct vm vms[COREVISOR + 1];
	uint64_t arena_free;	/* chunks that no pool has */
	uint32_t nr_lock_events;
	struct lock_event lock_log[MAX_LOCK_EVENTS];
	struct oracle doracle;
	struct oracle core_doracle;
	struct mmio_access mmio;	/* the last one */
	uint64_t nr_mmio;
	uint64_t nr_pages;
	struct npt npts[COREVISOR];
	uint64_t shadow_ctxts[COREVISOR][VCPU_PER_VM][NUM_GPRS];
	/* By page index; MAX_RAM_PAGES of them, nr_pages in use. */
	struct s2page s2page[MAX_RAM_PAGES];
	uint64_t flatmem[MAX_RAM_PAGES];	/* 0: the page is zero */
};

/* The initial state on @board with @chunks in the arena; host owns all RAM. */
void empty_adt(const struct board *board, uint64_t chunks, struct rdata *adt);

/* *to := *from, at the cost of what is in use. */
void rdata_copy(struct rdata *to, const struct rdata *from);

static inline bool is_vm(uint64_t vmid)
{
	return HOSTVISOR < vmid && vmid < COREVISOR;
}

static inline bool is_vmid(uint64_t vmid)
{
	return vmid <= COREVISOR;
}

static inline bool is_vcpu(uint64_t vcpuid)
{
	return vcpuid < VCPU_PER_VM;
}

static inline bool is_paddr(uint64_t addr)
{
	return addr < KVM_PHYS_SIZE;
}

static inline bool is_pfn(uint64_t pfn)
{
	return pfn < KVM_PFN_SPACE;
}

static inline bool is_gfn(uint64_t gfn)
{
	return gfn < KVM_PFN_SPACE;
}

static inline bool is_aligned(uint64_t value, uint64_t unit)
{
	return value % unit == 0;
}

/* Does start + size stay within limit, without a wrap? */
static inline bool is_range(uint64_t start, uint64_t size, uint64_t limit)
{
	return start <= limit && size <= limit - start;
}

#endif /* HYPSEC_SPEC_RDATA_H */
