/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's state: tables by a walk of raw memory, the rest by getters.
 */
#include "fw_machine.h"

#include <string.h>

#include "arch/mem.h"
#include "arch/native.h"
#include "core/locks.h"
#include "core/page_manager.h"
#include "core/pt_alloc.h"
#include "core/shadow_ctxt.h"
#include "core/vm_info.h"
#include "tlbmodel.h"

/* --- Reading tables ------------------------------------------------------- */

/* Bits that a table link, or a leaf, must have as zero here. */
#define TABLE_ZERO	(~UINT64_C(0x0000fffffffff003))
#define LEAF_ZERO	UINT64_C(0xf80f000000000800)
#define ADDRESS		UINT64_C(0x0000fffffffff000)

/* Where the pages of tables may lie: their number there, or too many. */
#define MAX_TABLE_PAGES	1024

static uint64_t table_page(uint64_t pa)
{
	if (pa % PAGE_SIZE != 0) {
		return MAX_TABLE_PAGES;
	}
	if (pa - fw_el2.base < fw_el2.bytes) {
		return (pa - fw_el2.base) / PAGE_SIZE;
	}
	return pa - fw_spt.base < fw_spt.bytes ?
	       FW_EL2_PAGES + (pa - fw_spt.base) / PAGE_SIZE : MAX_TABLE_PAGES;
}

static void add_run(struct fw_table *table, uint64_t gfn, uint64_t desc,
		    uint32_t level)
{
	uint64_t pages = level == 2 ? 512 : 1;
	uint64_t pfn = (desc & ADDRESS) / PAGE_SIZE;
	uint64_t pte = desc & ~ADDRESS;
	struct fw_run *last = table->nr_runs == 0 ?
			      NULL : &table->runs[table->nr_runs - 1];

	if ((desc & LEAF_ZERO) != 0 || pfn % pages != 0 ||
	    (level == 3 && (desc & 2) == 0)) {
		table->error = "a leaf with reserved bits set";
	}
	if (last != NULL && last->gfn + last->pages == gfn &&
	    last->pfn + last->pages == pfn && last->pte == pte &&
	    last->level == level) {
		last->pages += pages;
	} else if (table->nr_runs == FW_MAX_RUNS) {
		table->error = "more mappings than the test can hold";
	} else {
		table->runs[table->nr_runs++] =
			(struct fw_run){ gfn, pfn, pages, pte, level };
	}
}

static bool is_linked[MAX_TABLE_PAGES];

void fw_forget_tables(void)
{
	memset(is_linked, 0, sizeof(is_linked));
}

static const uint64_t *linked_table(uint64_t desc, struct fw_table *table)
{
	uint64_t page = table_page(desc & ADDRESS);
	bool *linked;

	if ((desc & TABLE_ZERO) != 0 || (desc & 3) != 3 ||
	    page == MAX_TABLE_PAGES) {
		table->error = "a link with reserved bits set or to nowhere";
		return NULL;
	}
	linked = &is_linked[page];
	if (*linked) {
		table->error = "a link to a table that is linked already";
		return NULL;
	}
	*linked = true;
	table->pages++;
	return fw_page_words((desc & ADDRESS) >> PAGE_SHIFT);
}

static void read_level3(const uint64_t *entries, uint64_t gfn,
			struct fw_table *table)
{
	for (uint64_t i = 0; i < 512; i++) {
		if ((entries[i] & 1) != 0) {
			add_run(table, gfn + i, entries[i], 3);
		}
	}
}

static void read_level2(const uint64_t *entries, uint64_t gfn,
			struct fw_table *table)
{
	for (uint64_t i = 0; i < 512; i++) {
		const uint64_t *next;

		if ((entries[i] & 3) == 1) {
			add_run(table, gfn + i * 512, entries[i], 2);
		} else if ((entries[i] & 1) != 0) {
			next = linked_table(entries[i], table);
			if (next != NULL) {
				read_level3(next, gfn + i * 512, table);
			}
		}
	}
}

static uint64_t root_of(uint32_t vmid)
{
	uint64_t root;

	acquire_lock_s2page();
	root = pt_pool_root(vmid);
	release_lock_s2page();
	return root;
}

void fw_read_table(uint32_t vmid, struct fw_table *table)
{
	fw_read_root(root_of(vmid), table);
}

void fw_read_root(uint64_t root, struct fw_table *table)
{
	const uint64_t *entries;

	table->live = root != 0;
	table->nr_runs = 0;
	table->pages = 0;
	table->error = NULL;
	if (root == 0) {
		return;
	}
	table->pages = 2;
	entries = fw_page_words(root >> PAGE_SHIFT);
	for (uint64_t i = 0; i < 1024; i++) {
		const uint64_t *next;

		if ((entries[i] & 1) != 0) {
			next = linked_table(entries[i], table);
			if (next != NULL) {
				read_level2(next, i * 512 * 512, table);
			}
		}
	}
}

bool fw_translate(uint32_t vmid, uint64_t gfn, uint64_t *pfn)
{
	uint64_t table = root_of(vmid);
	uint64_t index = gfn / (512 * 512), span = 512 * 512, desc;

	if (table == 0 || gfn >= KVM_PFN_SPACE) {
		return false;
	}
	for (;;) {
		const uint64_t *entries = fw_page_words(table >> PAGE_SHIFT);

		desc = entries[index];
		if ((desc & 1) == 0) {
			return false;
		}
		if (span == 1 || (desc & 2) == 0) {
			break;
		}
		table = desc & ADDRESS;
		span /= 512;
		index = gfn / span % 512;
	}
	*pfn = (desc & ADDRESS) / PAGE_SIZE + gfn % span;
	return true;
}

/* --- The rest of its state ------------------------------------------------ */

uint64_t fw_arena_free(void)
{
	uint64_t chunks;

	acquire_lock_s2page();
	chunks = pt_arena_free_chunks();
	release_lock_s2page();
	return chunks;
}

struct fw_page fw_get_page(uint64_t pfn)
{
	struct fw_page page;

	acquire_lock_s2page();
	page.owner = get_pfn_owner(pfn);
	page.count = get_pfn_count(pfn);
	page.gfn = get_pfn_map(pfn);
	release_lock_s2page();
	return page;
}

const uint64_t *fw_raw_records(void)
{
	return el2_ptr(pa_to_el2_va(fw_machine.records));
}

uint64_t fw_owned(uint32_t vmid)
{
	uint64_t owned;

	acquire_lock_s2page();
	owned = page_manager_owned(vmid);
	release_lock_s2page();
	return owned;
}

uint64_t fw_pool_free(uint32_t vmid)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = pt_pool_free_pages(vmid);
	release_lock_s2page();
	return pages;
}

void fw_get_vm(uint32_t vmid, struct fw_vm *vm)
{
	acquire_lock_vm(vmid);
	vm->state = get_vm_state(vmid);
	vm->cntvoff = get_vm_cntvoff(vmid);
	vm->inc_exe = get_vm_inc_exe(vmid);
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		vm->vcpu[i] = get_vcpu_state(vmid, i);
		vm->power[i] = get_vcpu_power(vmid, i);
		vm->entry[i] = get_vcpu_entry(vmid, i);
		vm->context[i] = get_vcpu_context(vmid, i);
	}
	vm->next_load_idx = get_vm_next_load_idx(vmid);
	for (uint32_t i = 0; i < MAX_LOAD_INFO_NUM; i++) {
		vm->load_addr[i] = get_vm_load_addr(vmid, i);
		vm->load_size[i] = get_vm_load_size(vmid, i);
		vm->mapped_pages[i] = get_vm_mapped_pages(vmid, i);
	}
	release_lock_vm(vmid);
}

uint64_t fw_get_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t reg)
{
	return get_shadow_ctxt(vmid, vcpuid, reg);
}

uint64_t fw_host_gpr(uint32_t reg)
{
	return fw_machine.frame.regs[reg];
}

uint64_t fw_nr_touched(void)
{
	return fw_machine.nr_touched;
}

uint64_t fw_touched(uint64_t i)
{
	return fw_machine.touched[i];
}

bool fw_page_is_clean(uint64_t pfn)
{
	const struct native_event *event;
	bool clean = false;
	size_t n;

	event = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if ((event[i].op == NATIVE_CLEAN ||
		     event[i].op == NATIVE_ZERO) &&
		    (pfn << PAGE_SHIFT) - event[i].a < event[i].b) {
			clean = event[i].op == NATIVE_CLEAN;
		}
	}
	return clean;
}

bool fw_tables_touched(void)
{
	return fw_machine.tables_touched;
}

const char *fw_check_step(void)
{
	return lock_none_is_held() ? tlbmodel_error() : "a lock is still held";
}
