/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's machine: how it starts, and the contents of its memory.
 */
#include "fw_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cpu.h"
#include "arch/mem.h"
#include "arch/native.h"
#include "core/boot_core.h"
#include "core/image_verify.h"
#include "core/instances.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/mem_region.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/psci.h"
#include "core/pt_alloc.h"
#include "core/reclaim.h"
#include "core/saved_vm.h"
#include "core/shadow_ctxt.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "tlbmodel.h"

#define MIB		UINT64_C(0x100000)
#define HOST_POOL_PAGES	40


/* A hole, a region that starts and an EL2 that starts inside a block. */
const struct fw_range fw_ram[FW_NR_RAM] = {
	{ 0x40000000, 4 * MIB },
	{ 0x40700000, 8 * MIB },
};
const struct fw_range fw_el2 = {
	0x40d00000, FW_EL2_PAGES * PAGE_SIZE
};

/* Apart from RAM. */
const struct fw_range fw_shared = { 0xf000000000, HYPSEC_SHARED_SIZE };

struct fw_machine fw_machine;

static bool have_memory;
static paddr_t next_free;

/* Pages that a world has written since the machine was made. */
static uint64_t dirty[FW_MAX_TOUCHED];
static uint64_t nr_dirty;

uint64_t fw_pfn(uint64_t index)
{
	uint64_t first = fw_ram[0].bytes / PAGE_SIZE;

	return index < first ? fw_ram[0].base / PAGE_SIZE + index :
			       fw_ram[1].base / PAGE_SIZE + index - first;
}

/* --- Starting ------------------------------------------------------------- */

void NORETURN fw_broken(const char *what)
{
	fprintf(stderr, "property test: %s\n", what);
	abort();
}

static paddr_t take(uint64_t bytes, uint64_t alignment)
{
	paddr_t pa = (next_free + alignment - 1) / alignment * alignment;

	next_free = pa + bytes;
	if (next_free > fw_el2.base + fw_el2.bytes) {
		fw_broken("EL2's memory is too small");
	}
	return pa;
}

uint64_t *fw_page_words(uint64_t pfn)
{
	return el2_ptr(pa_to_el2_va(pfn << PAGE_SHIFT));
}

static void start_memory(void)
{
	if (!have_memory) {
		for (uint32_t i = 0; i < FW_NR_RAM; i++) {
			native_memory_add(fw_ram[i].base, fw_ram[i].bytes);
		}
		native_memory_add(fw_shared.base, fw_shared.bytes);
		native_memory_add(fw_spt.base, fw_spt.bytes);
		int_state_init(fw_shared.base);
		have_memory = true;
	}
	while (nr_dirty > 0) {
		memset(fw_page_words(dirty[--nr_dirty]), 0, PAGE_SIZE);
	}
	memset(el2_ptr(pa_to_el2_va(fw_shared.base)), 0, fw_shared.bytes);
	fw_machine.nr_touched = 0;
	next_free = fw_el2.base;
}

static void start_cpu(void)
{
	memset(fw_machine.counters, 0, sizeof(fw_machine.counters));
	memset(&native_cpu, 0, sizeof(native_cpu));
	memset(&fw_machine.frame, 0, sizeof(fw_machine.frame));
	fw_machine.frame.spsr = PSTATE_FAULT_BITS_64;
	pcpu_reset();
	if (pcpu_add(0, &fw_machine.counters[0]) != HV_OK) {
		fw_broken("no CPU");
	}
	native_cpu.pcpu = pcpu_boot();
	psci_cpu_entered(pcpu_boot());
}

static void start_records(void)
{
	uint64_t bytes;

	mem_region_reset();
	for (uint32_t i = 0; i < FW_NR_RAM; i++) {
		if (mem_region_add(fw_ram[i].base, fw_ram[i].bytes) != HV_OK) {
			fw_broken("no RAM");
		}
	}
	bytes = mem_region_pages() * PAGE_RECORD_BYTES;
	fw_machine.records = take(bytes, PAGE_SIZE);
	memset(el2_ptr(pa_to_el2_va(fw_machine.records)), 0, bytes);
	page_manager_init(fw_machine.records, mem_region_pages());
	acquire_lock_s2page();
	fw_start_identity(fw_machine.records, mem_region_pages());
	page_manager_reserve(fw_el2.base >> PAGE_SHIFT,
			     fw_el2.bytes >> PAGE_SHIFT);
	release_lock_s2page();
}

static void start_tables(uint32_t chunks)
{
	paddr_t root = take(PT_ROOT_BYTES, PT_ROOT_BYTES);
	uint64_t bytes = HOST_POOL_PAGES * PAGE_SIZE;

	pt_pool_init(HOSTVISOR, root, take(bytes, PAGE_SIZE), bytes);
	bytes = chunks * PT_CHUNK_BYTES;
	pt_arena_init(take(bytes, PT_CHUNK_BYTES), bytes);
	native_cpu.vttbr = root;
}

void fw_start(uint32_t chunks)
{
	start_memory();
	start_cpu();
	fw_start_smmus(chunks == FW_OTHER_CHUNKS ? 0 : SMMU_NUM);
	start_records();
	start_tables(chunks);
	fw_start_streams();
	fw_start_worlds(chunks);
	fw_start_keys();
	boot_core_reset();
	vm_info_reset();
	image_verify_reset();
	saved_vm_reset();
	instances_reset();
	reclaim_reset();
	for (vmid_t vmid = HOSTVISOR + 1; vmid < COREVISOR; vmid++) {
		acquire_lock_vm(vmid);
		shadow_ctxt_wipe(vmid);
		release_lock_vm(vmid);
	}
	violation_set_halt(false);
	/* A test may have provoked a panic. */
	panic_halted = 0;
	native_console_reset();
	native_events_reset();
	tlbmodel_start();
}

/* --- Worlds --------------------------------------------------------------- */

static bool is_ram(uint64_t pfn)
{
	return native_memory_has(pfn << PAGE_SHIFT);
}

void fw_touch(uint64_t pfn)
{
	if (fw_machine.nr_touched < FW_MAX_TOUCHED) {
		fw_machine.touched[fw_machine.nr_touched++] = pfn;
	}
}

void fw_store_page(uint64_t pfn, uint64_t value)
{
	uint64_t *words;

	if (!is_ram(pfn)) {
		return;
	}
	words = fw_page_words(pfn);
	for (uint64_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
		words[i] = value;
	}
	fw_touch(pfn);
	if (nr_dirty < FW_MAX_TOUCHED) {
		dirty[nr_dirty++] = pfn;
	}
}

uint64_t fw_load_page(uint64_t pfn)
{
	return is_ram(pfn) ? fw_page_words(pfn)[0] : 0;
}

bool fw_page_holds(uint64_t pfn, uint64_t value)
{
	const uint64_t *words = fw_page_words(pfn);
	uint64_t differ = 0;

	for (uint64_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
		differ |= words[i] ^ value;
	}
	return differ == 0;
}

uint64_t fw_page_word(uint64_t pfn)
{
	return fw_load_page(pfn);
}
