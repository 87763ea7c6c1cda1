/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware as the property tests see it: calls, and its state by means
 * that do not go through the code under test - page records one by one, tables
 * by a walk of raw memory, contents from memory. fw.c is the only file here
 * that includes firmware headers.
 */
#ifndef HYPSEC_TESTS_PROPERTY_FW_H
#define HYPSEC_TESTS_PROPERTY_FW_H

#include "calls.h"

struct fw_range {
	uint64_t base;
	uint64_t bytes;
};

/* The test's board: RAM with a hole, EL2's part of it, memory of its SMMUs. */
#define FW_NR_RAM	2
extern const struct fw_range fw_ram[FW_NR_RAM];
extern const struct fw_range fw_el2;
extern const struct fw_range fw_shared;
extern const struct fw_range fw_spt;
#define FW_EL2_PAGES	512
#define FW_MAX_CHUNKS	24

/* The page of RAM with an index. */
uint64_t fw_pfn(uint64_t index);

/*
 * A machine that has just booted, with @chunks of arena. Which features its
 * CPUs have goes with it: none, one half or the other; with all other sizes
 * all of them. The board with FW_OTHER_CHUNKS has no SMMU.
 */
#define FW_PLAIN_CHUNKS	3
#define FW_HALF_CHUNKS	4
#define FW_OTHER_CHUNKS	6
void fw_start(uint32_t chunks);

/* Free chunks of the arena. */
uint64_t fw_arena_free(void);

/**
 * struct fw_result - what a call gave back
 * @answer:  status
 * @value:   its results beside the status
 * @message: where it panicked
 * @wrong:   what a world was to find otherwise, NULL for nothing
 */
struct fw_result {
	enum answer answer;
	uint64_t value[3];
	const char *message;
	const char *wrong;
};

/* Does one call; @script: what a VM does that it runs. */
void fw_do(const struct call *call, struct script *script,
	   struct fw_result *result);

bool fw_has_pan(void);
bool fw_has_ssbs(void);
bool fw_has_mte(void);
bool fw_has_nmi(void);

/* The CPU's ID registers as the model has them, by CRm * 8 + op2. */
uint64_t fw_id_register(uint32_t id);
#define FW_ACTLR	UINT64_C(0xac7100)

/* Does one of the calls for which s2page must be held panic without it? */
bool fw_dies_without_s2page(const struct call *call);

/**
 * struct fw_run - consecutive pages that a table maps alike
 * @pte: descriptor without the address
 */
struct fw_run {
	uint64_t gfn;
	uint64_t pfn;
	uint64_t pages;
	uint64_t pte;
	uint32_t level;
};

#define FW_MAX_RUNS	2048

/**
 * struct fw_table - a table as raw memory shows it
 * @live:    it has a root
 * @nr_runs, @runs: what it maps, in order
 * @pages:   table pages reached, the root's included
 * @error:   something that no table may hold, NULL if there is nothing
 */
struct fw_table {
	bool live;
	uint32_t nr_runs;
	struct fw_run runs[FW_MAX_RUNS];
	uint64_t pages;
	const char *error;
};

/* No table page has been reached yet: before all tables are read. */
void fw_forget_tables(void);

void fw_read_table(uint32_t vmid, struct fw_table *table);

/* The table with a root; 0: there is none. */
void fw_read_root(uint64_t root, struct fw_table *table);

/* The page that @gfn of a table translates to. */
bool fw_translate(uint32_t vmid, uint64_t gfn, uint64_t *pfn);

/* A page record, by the getters. */
struct fw_page {
	uint32_t owner;
	uint32_t count;
	uint64_t gfn;
};
struct fw_page fw_get_page(uint64_t pfn);

/* All page records as they lie in memory, to see which have changed. */
const uint64_t *fw_raw_records(void);

/* Pages that page_manager_owned() counts. */
uint64_t fw_owned(uint32_t vmid);

/* Pages that a VM's pool could still give. */
uint64_t fw_pool_free(uint32_t vmid);

/* What EL2 knows of a VM. */
struct fw_vm {
	uint32_t state;
	uint32_t vcpu[8];
	uint32_t power[8];
	uint64_t entry[8];
	uint64_t context[8];
	uint64_t cntvoff;
	uint32_t inc_exe;
	uint32_t next_load_idx;
	uint64_t load_addr[5];
	uint64_t load_size[5];
	uint64_t mapped_pages[5];
};
void fw_get_vm(uint32_t vmid, struct fw_vm *vm);
uint64_t fw_get_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t reg);
uint64_t fw_host_gpr(uint32_t reg);

/* A register of a vCPU that does not run, or of the host that does. */
uint64_t fw_get_reg(uint32_t vmid, uint32_t vcpuid, uint32_t reg);
uint64_t fw_host_reg(uint32_t reg);
void fw_set_host_reg(uint32_t reg, uint64_t value);

/* A field of a vCPU's window. */
uint64_t fw_window(uint32_t vmid, uint32_t vcpuid, uint32_t field);
void fw_set_window(uint32_t vmid, uint32_t vcpuid, uint32_t field,
		   uint64_t value);

/*
 * VCPU_RUN by the host, with @script for what the VM does: its entries are
 * added. What is wrong with a world that was entered, or NULL: EL2's registers
 * for it (facts I20, I21, I28), and whether the host finds its own (I22).
 */
const char *fw_vcpu_run(const struct call *call, struct script *script);

/*
 * SET_MANIFEST by the host, for the images that a VM has and with a flaw. It
 * lies for the time of the call in a page of the host's.
 */
enum answer fw_set_manifest(const struct call *call);
uint64_t fw_manifest_pfn(void);

/* A page of RAM that EL2 or a world has written since the last step. */
uint64_t fw_nr_touched(void);
uint64_t fw_touched(uint64_t i);

/* Is what the page holds now in memory, past all caches, since its last write
 * in this step? */
bool fw_page_is_clean(uint64_t pfn);

/* Whether a table has been written since the last step. */
bool fw_tables_touched(void);

/* Does every word of the page hold @value? */
bool fw_page_holds(uint64_t pfn, uint64_t value);
uint64_t fw_page_word(uint64_t pfn);

/* No lock held and the TLB protocol kept? NULL, or what is wrong. */
const char *fw_check_step(void);

/* --- fw_smmu.c ------------------------------------------------------------ */

/* SMMUs, and DMA devices of the platform behind the second one. */
#define FW_DMA_DEVICES	8u
#define FW_DMA_SMMU	1u
#define FW_DMA_STREAM	0x10u
#define FW_DMA_BASE	UINT64_C(0x0b010000)
#define FW_DOORBELL	UINT64_C(0x08020000)

#define FW_SMMU_BASE	UINT64_C(0x09050000)
#define FW_SMMU_BYTES	UINT64_C(0x10000)
uint32_t fw_nr_smmus(void);
struct fw_range fw_smmu(uint32_t index);
uint32_t fw_smmu_banks(uint32_t index);

/* Chunks that any bank can still take, and pages that one bank's pool has. */
uint64_t fw_spt_free(void);
uint64_t fw_spt_pool_free(uint32_t index, uint32_t cbndx);

/* What the hardware's register holds; and a device or the bus changes it. */
uint64_t fw_smmu_reg(uint32_t index, uint64_t offset, uint32_t bytes);
void fw_smmu_poke(uint32_t index, uint64_t offset, uint64_t value);

/*
 * Whose a bank is to the firmware, and a device; how often a device was reset
 * in this step.
 */
uint32_t fw_bank_owner(uint32_t index, uint32_t cbndx);
uint32_t fw_dma_owner(uint32_t device);
uint64_t fw_dma_resets(uint32_t device);

/* What EL2 has done with the SMMUs' registers in this step, and last. */
struct fw_bus {
	uint64_t accesses;
	uint64_t writes;
	uint64_t addr;
	uint64_t value;
	uint32_t bytes;
	bool write;
};
struct fw_bus fw_bus(void);

/* Where the hardware sends a stream: a bank, or one of these. */
#define FW_STREAM_FAULT		UINT32_C(0xffffffff)
#define FW_STREAM_BYPASS	UINT32_C(0xfffffffe)
uint32_t fw_stream_bank(uint32_t index, uint32_t stream);

/* A transaction: false if it faults, else where it goes. */
bool fw_dma(uint32_t index, uint32_t stream, uint64_t iova, bool write,
	    uint64_t *pa);

/* The table that a bank's registers name; live if the bank translates. */
void fw_read_bank(uint32_t index, uint32_t cbndx, struct fw_table *table);

#endif /* HYPSEC_TESTS_PROPERTY_FW_H */
