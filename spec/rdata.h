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
 * @ENDED:	a successor state, in which something has come to its end; the
 *		caller is told as with NONE_PERM
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
	ENDED,
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

/* What a caller finds in x0 (docs/hypercalls.rst), as a 64-bit value. */
static inline uint64_t call_result(enum option done)
{
	static const int64_t results[] = {
		[SOME] = 0, [AGAIN] = -5, [NONE_INVAL] = -2, [NONE_PERM] = -3,
		[NONE_BUSY] = -4, [NONE_NOMEM] = -6, [NONE_NOTSUP] = -1,
		[ENDED] = -3,
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
 * struct vcpu_boot - not in the Coq (G41)
 * @power:   VCPU_OFF, VCPU_ON_PENDING, VCPU_ON
 * @entry:   where it starts if it is ON_PENDING
 * @context: its x0 then
 */
struct vcpu_boot {
	uint32_t power;
	uint64_t entry;
	uint64_t context;
};

/**
 * struct int_vcpu - the intermediate state of a vCPU: its page of the window
 *
 * The Coq knows nothing of it: a set lets the value leave the model, a get is
 * the next value of doracle. Here it is state, so that what the host is shown
 * is specified too; the host's stores change it.
 *
 * @esr, @fault_ipa, @deadline, @regs: from EL2
 * @new_pte, @new_level, @answer, @hcr: from the host, and @regs
 * @released: which of @regs EL2 has written at the last exit
 */
struct int_vcpu {
	uint64_t esr;
	uint64_t fault_ipa;
	uint64_t deadline;
	uint64_t regs[NUM_GPRS];
	uint64_t new_pte;
	uint64_t new_level;
	uint64_t answer;
	uint64_t hcr;
	uint32_t released;
};

/* What a VM's owner says of an image; the hash is image_hash()'s. */
struct signed_image {
	uint64_t load_addr;
	uint64_t load_size;
	uint64_t hash;
};

/**
 * struct manifest - what a VM's owner says of it; not in the Coq (G39)
 * @well_formed: magic, version and flags are right
 * @by_owner:	 it is signed by the key that the board trusts
 * @present:	 the VM has one; of the rest, when it is verified:
 * @next:	 the image
 * @verified:	 bytes of it
 */
struct manifest {
	bool well_formed;
	bool by_owner;
	bool present;
	uint32_t nr_images;
	uint32_t nr_vcpus;
	uint64_t entry;
	uint64_t context;
	struct signed_image images[MAX_LOAD_INFO_NUM];
	uint32_t next;
	uint64_t verified;
};

/**
 * struct vm - VM table entry
 * @state:	UNUSED ... POWEROFF
 * @next_load_idx, @load: images
 * @vcpu:	states of the vCPUs
 * @boot:	what PSCI knows of them
 * @cntvoff:	how far its virtual counter is behind
 * @inc_exe:	not 0: it continues from saved state
 * @devices_end: IPA at which its highest device ends
 * @manifest:	what it has to be
 * @clearing:	a clear_vm_stage2_range is not finished
 * @clear_start, @clear_size: its arguments
 * @clear_next:	PA at which it goes on
 */
struct vm {
	uint32_t state;
	uint32_t next_load_idx;
	struct load_info load[MAX_LOAD_INFO_NUM];
	uint32_t vcpu[VCPU_PER_VM];
	struct vcpu_boot boot[VCPU_PER_VM];
	uint64_t cntvoff;
	uint32_t inc_exe;
	uint64_t devices_end;
	struct manifest manifest;
	bool clearing;
	uint64_t clear_start;
	uint64_t clear_size;
	uint64_t clear_next;
};

/* Q0 to Q31, low half first, and what belongs to them. */
struct fp_regs {
	uint64_t q[32][2];
	uint64_t fpsr;
	uint64_t fpcr;
};

/* System registers of a context: MPIDR_EL1 to MDCCINT_EL1 and our own. */
#define NR_SYS_REGS	(MDCCINT_EL1 - MPIDR_EL1 + 1 + \
			 NR_CTXT_INDICES - CNTV_CTL_EL0)

/**
 * struct ctxt_regs - the Coq's ctxt_regs: registers of one world (A.4)
 * @x:	 X0 to X30
 * @sp_el0, @sp_el1, @elr_el1, @spsr_el1, @sys, @fp: as the world has them
 * @far_el2, @hpfar_el2, @esr_el2: of its last trap
 * @hcr_el2: the virtual interrupts that the host wants for it
 * @ec:	 why it stopped (A.6)
 *
 * Which of the two records a register is in matters to the seed alone (G48).
 */
struct ctxt_regs {
	uint64_t x[NUM_GPRS];
	uint64_t sp_el0;
	uint64_t sp_el1;
	uint64_t elr_el1;
	uint64_t spsr_el1;
	uint64_t far_el2;
	uint64_t hpfar_el2;
	uint64_t hcr_el2;
	uint64_t ec;
	uint64_t esr_el2;
	uint64_t sys[NR_SYS_REGS];
	struct fp_regs fp;
};

/* The Coq's ctxt_states; @dirty and @flags: A.5. */
struct ctxt_states {
	uint64_t pc;
	uint64_t pstate;
	uint64_t spsr_0;
	uint64_t esr_el1;
	uint64_t dirty;
	uint64_t flags;
};

struct shadow_ctxt {
	struct ctxt_regs ctxt_regs;
	struct ctxt_states ctxt_states;
};

/**
 * struct el2_regs - what EL2 sets up for the world that runs (A.10)
 * @vttbr:	 whose stage-2 table it is
 * @tpidr:	 whose context EL2 finds at the next trap
 * @hcr_vm:	 HCR_EL2 is that of a VM, not the host's
 * @hcr_virq:	 VI and VF in it
 * @vm_traps:	 CPTR_EL2, MDCR_EL2 and the like are those of a VM
 * @timer_traps: the physical timer traps
 * @cntvoff:	 CNTVOFF_EL2
 * @vmpidr:	 VMPIDR_EL2
 */
struct el2_regs {
	uint32_t vttbr;
	uint32_t tpidr;
	bool hcr_vm;
	uint64_t hcr_virq;
	bool vm_traps;
	bool timer_traps;
	uint64_t cntvoff;
	uint64_t vmpidr;
};

/* Locks (A.13), in their order from outer to inner. */
enum lock_class {
	LOCK_SMMU,
	LOCK_VM,
	LOCK_CORE,
	LOCK_S2PAGE,
	LOCK_PT,
	LOCK_SPT,
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
 * struct smmu_bank - a context bank
 * @vmid:	owner; INVALID if it is free
 * @freeing:	its table maps nothing any more; what is in it are the pages
 *		that still count a mapping
 * @cbar, @cba2r, @sctlr, @actlr, @tcr, @ttbr0: what the host reads back
 *
 * The registers are the host's view; what the hardware holds follows from the
 * owner (spec/dma.h). The Coq has no registers, and takes what is read from
 * doracle.
 */
struct smmu_bank {
	uint32_t vmid;
	bool freeing;
	uint32_t cbar;
	uint32_t cba2r;
	uint32_t sctlr;
	uint32_t actlr;
	uint32_t tcr;
	uint32_t ttbr0[2];
};

/* An SMMU: its banks, and the host's view of the registers of all. */
struct smmu {
	struct smmu_bank bank[SMMU_NUM_CTXT_BANKS];
	uint32_t scr0;
	uint32_t sacr;
	uint32_t smr[SMMU_HOST_STREAMS];
	uint32_t s2cr[SMMU_HOST_STREAMS];
};

/**
 * struct dma_owner - whose a DMA device of the platform is; not in the Coq
 * @vmid:  HOSTVISOR or a VM
 * @cbndx: the bank that it is meant for, or SMMU_STREAM_FAULT
 * @accepted: a VM's: it has consented (G33)
 * @chosen: the bank was chosen for it by a call
 */
struct dma_owner {
	uint32_t vmid;
	uint32_t cbndx;
	bool accepted;
	bool chosen;
};

/* Where an SMMU's registers are, and how many banks it has. */
struct smmu_place {
	uint64_t base;
	uint64_t bytes;
	uint32_t banks;
};

/* A DMA device of the platform: its registers, and who it is to its SMMU. */
struct dma_place {
	struct pa_window regs;
	uint32_t index;
	uint32_t stream;
};

/**
 * struct board - what never changes
 * @regions, @nr_regions: RAM; page indices count through them (A.15)
 * @windows, @nr_windows: device windows of the host (D-007)
 * @smmus, @nr_smmus: SMMUs; PCIe is behind the first, where a host that knows
 *	of none may do DMA by any stream
 * @dma, @nr_dma: DMA devices of the platform
 * @doorbell: the page to which devices write their interrupts
 * @spt_chunks: memory for SMMU tables, beyond a chunk that each bank has
 * @shared: the window
 * @pan, @ssbs, @mte, @nmi: whether its CPUs have the FEAT_ of that name
 * @actlr_el1: of its CPUs
 * @id:  its ID registers, see spec/vm_idregs.h
 */
struct board {
	struct pa_window regions[MAX_MEMBLOCK_NUM];
	uint32_t nr_regions;
	struct pa_window windows[16];
	uint32_t nr_windows;
	struct smmu_place smmus[SMMU_NUM];
	uint32_t nr_smmus;
	struct dma_place dma[MAX_DMA_DEVICES];
	uint32_t nr_dma;
	uint64_t doorbell;
	uint64_t spt_chunks;
	struct pa_window shared;
	bool pan;
	bool ssbs;
	bool mte;
	bool nmi;
	uint64_t actlr_el1;
	uint64_t id[64];
};

/* An access to an SMMU that EL2 lets pass, as the SMMU sees it. */
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
	uint64_t spsr_el2;
	uint64_t host_regs[NUM_GPRS];
	/* Registers of the world that runs, whose x0 to x30 are not here. */
	struct ctxt_regs cregs;
	struct ctxt_states cstates;
	struct el2_regs el2;
	/* Machine-wide. */
	uint32_t vmids;		/* bit n: id n is given out */
	struct vm vms[COREVISOR + 1];
	uint64_t arena_free;	/* chunks that no pool has */
	uint32_t nr_lock_events;
	struct lock_event lock_log[MAX_LOCK_EVENTS];
	struct oracle doracle;
	struct oracle core_doracle;
	/* How far the uncorrected definitions have read for each VM. */
	uint64_t data_log[COREVISOR];
	uint64_t core_data_log[COREVISOR];
	struct mmio_access mmio;	/* the last one */
	uint64_t nr_mmio;
	uint64_t nr_pages;
	struct smmu smmus[SMMU_NUM];
	struct dma_owner dma[MAX_DMA_DEVICES];
	uint64_t spt_free;	/* chunks that no SMMU table has */
	struct npt npts[COREVISOR];
	/* A table of a bank; it has pages only, and no blocks. */
	struct npt spts[SMMU_NUM][SMMU_NUM_CTXT_BANKS];
	/* (HOSTVISOR, cpu): the host's, but for X0 to X30, which are host_regs. */
	struct shadow_ctxt shadow_ctxts[COREVISOR][VCPU_PER_VM];
	struct int_vcpu int_vcpus[COREVISOR][VCPU_PER_VM];
	/* By page index; MAX_RAM_PAGES of them, nr_pages in use. */
	struct s2page s2page[MAX_RAM_PAGES];
	uint64_t flatmem[MAX_RAM_PAGES];	/* 0: the page is zero */
};

/* The initial state on @board with @chunks in the arena; host owns all RAM. */
void empty_adt(const struct board *board, uint64_t chunks, struct rdata *adt);

/* What the host reads back of a bank that it has not written. */
void smmu_bank_reset(struct smmu_bank *bank);

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
