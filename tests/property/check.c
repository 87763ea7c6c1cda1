/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "spec/mem_manager.h"
#include "spec/npt.h"
#include "spec/page_manager.h"

#define NR_VMS	COREVISOR

static char text[400];
static struct fw_table table;
static uint64_t raw_records[MAX_RAM_PAGES];
static uint32_t next_vmid;

/* INVALID64 for what is not RAM. */
static uint64_t index_of(uint64_t pfn, const struct rdata *adt)
{
	return is_pfn(pfn) ? get_s2_page_index_spec(pfn * PAGE_SIZE, adt) :
			     INVALID64;
}

static bool is_el2(uint64_t pfn)
{
	return pfn - fw_el2.base / PAGE_SIZE < fw_el2.bytes / PAGE_SIZE;
}

static const char *say(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
static const char *say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

/* Goes on unless there is something to say. */
#define TRY(check) \
	do { \
		const char *error_ = (check); \
		if (error_ != NULL) { \
			return error_; \
		} \
	} while (0)

/* --- Answers -------------------------------------------------------------- */

static const char *check_answer(const struct fw_result *fw,
				const struct model_result *model)
{
	if (fw->answer == ANSWER_PANIC) {
		return say("the firmware panics: %s",
			   fw->message == NULL ? "no single clean refusal" :
						 fw->message);
	}
	if (fw->answer != model->answer) {
		return say("the firmware says \"%s\", the specification \"%s\"",
			   answer_name(fw->answer), answer_name(model->answer));
	}
	if (fw->answer != ANSWER_OK) {
		return NULL;
	}
	for (int i = 0; i < 3; i++) {
		if (fw->value[i] != model->value[i]) {
			return say("result %d is 0x%" PRIx64
				   ", specified 0x%" PRIx64, i, fw->value[i],
				   model->value[i]);
		}
	}
	return NULL;
}

/* --- Page records --------------------------------------------------------- */

static const char *check_record(uint64_t index, const struct rdata *adt)
{
	struct fw_page page = fw_get_page(fw_pfn(index));
	const struct s2page *spec = &adt->s2page[index];

	if (page.owner != spec->owner || page.count != spec->count ||
	    page.gfn != spec->gfn) {
		return say("page 0x%" PRIx64 " is (%u, %u, 0x%" PRIx64
			   "), specified (%u, %u, 0x%" PRIx64 ")",
			   fw_pfn(index), page.owner, page.count, page.gfn,
			   spec->owner, spec->count, spec->gfn);
	}
	return NULL;
}

/* I14, I15, I16 and I2, for a record that has changed. */
static const char *check_transition(uint64_t index, const struct call *call,
				    const struct rdata *before,
				    const struct rdata *after)
{
	const struct s2page *old = &before->s2page[index];
	const struct s2page *new = &after->s2page[index];

	if (call->op == OP_PLANT) {
		return NULL;
	}
	if (is_vm(old->owner) && new->owner == HOSTVISOR &&
	    !fw_page_holds(fw_pfn(index), 0)) {
		return say("I14: page 0x%" PRIx64 " is back and not zero",
			   fw_pfn(index));
	}
	/* Whoever assigns or revokes a single page cleans many at once. */
	if (call->op != OP_ASSIGN && call->op != OP_REVOKE_PAGE &&
	    (old->owner != new->owner || (old->count == 1 && new->count == 0)) &&
	    !fw_page_is_clean(fw_pfn(index))) {
		return say("G25: page 0x%" PRIx64 " is only in a cache",
			   fw_pfn(index));
	}
	if (old->owner == HOSTVISOR && is_vm(new->owner) && old->count != 0) {
		return say("I15: page 0x%" PRIx64 " was in use by a device",
			   fw_pfn(index));
	}
	if (is_vm(old->owner) && old->owner == new->owner &&
	    old->count != INVALID && new->count > old->count &&
	    call->op != OP_GRANT && call->op != OP_PVOP &&
	    call->op != OP_GRANT_PAGE) {
		return say("I16: page 0x%" PRIx64 " is shared by another",
			   fw_pfn(index));
	}
	if (old->owner == COREVISOR || is_vm(new->owner) != is_vm(old->owner) ||
	    old->owner == new->owner || new->owner == HOSTVISOR) {
		return NULL;
	}
	return say("page 0x%" PRIx64 " goes from %u to %u", fw_pfn(index),
		   old->owner, new->owner);
}

#define BLOCK	64

/* Compares what has changed on either side; *@changed if anything has. */
static const char *check_records(const struct call *call,
				 const struct rdata *before,
				 const struct rdata *after, bool *changed)
{
	const uint64_t *raw = fw_raw_records();

	for (uint64_t b = 0; b < after->nr_pages; b += BLOCK) {
		if (memcmp(&raw[b], &raw_records[b],
			   BLOCK * sizeof(raw[0])) == 0 &&
		    memcmp(&before->s2page[b], &after->s2page[b],
			   BLOCK * sizeof(after->s2page[0])) == 0) {
			continue;
		}
		*changed = true;
		for (uint64_t i = b; i < b + BLOCK; i++) {
			TRY(check_record(i, after));
			if (memcmp(&before->s2page[i], &after->s2page[i],
				   sizeof(after->s2page[i])) != 0) {
				TRY(check_transition(i, call, before, after));
			}
			raw_records[i] = raw[i];
		}
	}
	return NULL;
}

static const char *check_owned(uint32_t vmid, const struct rdata *adt)
{
	uint64_t owned = 0;

	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		owned += adt->s2page[i].owner == vmid ? 1 : 0;
	}
	return fw_owned(vmid) == owned ? NULL :
	       say("%u is said to own %" PRIu64 " pages and owns %" PRIu64,
		   vmid, fw_owned(vmid), owned);
}

/* --- The host's table ----------------------------------------------------- */

/* What map_page_host would map now; 0 for nothing. */
static uint64_t host_may_map(uint64_t pfn, const struct rdata *adt)
{
	uint64_t i = index_of(pfn, adt);
	const struct s2page *page;

	if (i == INVALID64) {
		return is_host_device(pfn * PAGE_SIZE, PAGE_SIZE, adt) ?
		       PAGE_S2_DEVICE | S2_RDWR : 0;
	}
	page = &adt->s2page[i];
	if (page->owner == HOSTVISOR ||
	    (is_vm(page->owner) && page->count > 0 &&
	     page->count <= MAX_SHARE_COUNT)) {
		return PAGE_S2_KERNEL;
	}
	return 0;
}

/* I3, I4, I5: each page of a run is one that the host may have, so. */
static const char *check_host_run(const struct fw_run *run,
				  const struct rdata *adt)
{
	uint64_t pte = run->pte | (run->level == 2 ? PMD_TABLE_BIT : 0);

	if (run->gfn != run->pfn) {
		return say("I3: the host maps 0x%" PRIx64 " to 0x%" PRIx64,
			   run->gfn, run->pfn);
	}
	/* A whole window at once: they are large. */
	if (index_of(run->gfn, adt) == INVALID64 &&
	    is_host_device(run->gfn * PAGE_SIZE, run->pages * PAGE_SIZE,
			   adt)) {
		return pte == (PAGE_S2_DEVICE | S2_RDWR) ? NULL :
		       say("I5: device 0x%" PRIx64 " has 0x%" PRIx64,
			   run->gfn, pte);
	}
	for (uint64_t i = 0; i < run->pages; i++) {
		uint64_t may = host_may_map(run->gfn + i, adt);

		if (may == 0 || may != pte) {
			return say("I4: the host maps page 0x%" PRIx64
				   " with 0x%" PRIx64 ", allowed 0x%" PRIx64,
				   run->gfn + i, pte, may);
		}
	}
	return NULL;
}

static bool is_in_table(uint64_t gfn)
{
	for (uint32_t i = 0; i < table.nr_runs; i++) {
		if (gfn - table.runs[i].gfn < table.runs[i].pages) {
			return true;
		}
	}
	return false;
}

static const char *check_host_table(const struct rdata *adt)
{
	const struct npt *spec = &adt->npts[HOSTVISOR];

	fw_read_table(HOSTVISOR, &table);
	if (table.error != NULL) {
		return say("the host's table has %s", table.error);
	}
	for (uint32_t i = 0; i < table.nr_runs; i++) {
		TRY(check_host_run(&table.runs[i], adt));
	}
	for (uint32_t i = 0; i < spec->nr_runs; i++) {
		for (uint64_t k = 0; k < spec->runs[i].pages; k++) {
			if (!is_in_table(spec->runs[i].gfn + k)) {
				return say("the host has lost 0x%" PRIx64,
					   spec->runs[i].gfn + k);
			}
		}
	}
	return NULL;
}

/* --- VMs' tables ---------------------------------------------------------- */

/* I6, I7 and I9 of one run: the VM's own RAM at its place, or a device. */
static const char *check_vm_run(uint32_t vmid, const struct pt_run *run,
				const struct rdata *adt)
{
	if (run->level == 2 && (run->gfn | run->pfn | run->pages) % 512 != 0) {
		return say("I9: VM %u has a misaligned block", vmid);
	}
	for (uint64_t k = 0; k < run->pages; k++) {
		uint64_t i = index_of(run->pfn + k, adt);

		if (i == INVALID64) {
			if (!is_host_device((run->pfn + k) * PAGE_SIZE,
					    PAGE_SIZE, adt) ||
			    run->pte != (PAGE_S2_DEVICE | S2_RDWR)) {
				return say("I6: VM %u maps 0x%" PRIx64, vmid,
					   run->pfn + k);
			}
		} else if (adt->s2page[i].owner != vmid ||
			   adt->s2page[i].gfn != run->gfn + k) {
			return say("I6: VM %u maps page 0x%" PRIx64
				   " of %u at 0x%" PRIx64, vmid, run->pfn + k,
				   adt->s2page[i].owner, run->gfn + k);
		}
	}
	return NULL;
}

static uint64_t pages_of_tables(const struct npt *npt)
{
	uint64_t pages = npt->live ? ROOT_PAGES + npt->nr_pmd_tables : 0;

	for (uint32_t i = 0; i < 1024 / 64; i++) {
		pages += (uint64_t)__builtin_popcountll(npt->pud_tables[i]);
	}
	return pages;
}

static bool same_run(const struct fw_run *a, const struct pt_run *b)
{
	return a->gfn == b->gfn && a->pfn == b->pfn && a->pages == b->pages &&
	       a->pte == b->pte && a->level == b->level;
}

static const char *check_vm_table(uint32_t vmid, const struct rdata *adt)
{
	const struct npt *spec = &adt->npts[vmid];

	fw_read_table(vmid, &table);
	if (table.error != NULL || table.live != spec->live) {
		return say("VM %u's table %s", vmid, table.error != NULL ?
			   table.error : table.live ? "is there" : "is gone");
	}
	for (uint32_t i = 0; i < table.nr_runs && i < spec->nr_runs; i++) {
		if (!same_run(&table.runs[i], &spec->runs[i])) {
			return say("VM %u maps 0x%" PRIx64 "+%" PRIu64 " to 0x%"
				   PRIx64 " (level %u), specified 0x%" PRIx64
				   "+%" PRIu64 " to 0x%" PRIx64 " (level %u)",
				   vmid, table.runs[i].gfn,
				   table.runs[i].pages, table.runs[i].pfn,
				   table.runs[i].level, spec->runs[i].gfn,
				   spec->runs[i].pages, spec->runs[i].pfn,
				   spec->runs[i].level);
		}
	}
	if (table.nr_runs != spec->nr_runs) {
		return say("VM %u has %u ranges mapped, specified %u", vmid,
			   table.nr_runs, spec->nr_runs);
	}
	return table.pages == pages_of_tables(spec) ? NULL :
	       say("VM %u has %" PRIu64 " table pages, specified %" PRIu64,
		   vmid, table.pages, pages_of_tables(spec));
}

static const char *check_vm_runs(const struct rdata *adt)
{
	for (uint32_t vmid = 1; vmid < NR_VMS; vmid++) {
		const struct npt *npt = &adt->npts[vmid];

		for (uint32_t i = 0; i < npt->nr_runs; i++) {
			TRY(check_vm_run(vmid, &npt->runs[i], adt));
		}
	}
	return NULL;
}

static const char *check_vm_tables(const struct rdata *adt)
{
	for (uint32_t vmid = 1; vmid < NR_VMS; vmid++) {
		TRY(check_vm_table(vmid, adt));
	}
	return NULL;
}

static const char *check_pools(const struct rdata *adt)
{
	if (fw_arena_free() != adt->arena_free) {
		return say("%" PRIu64 " chunks are free, specified %" PRIu64,
			   fw_arena_free(), adt->arena_free);
	}
	for (uint32_t vmid = 1; vmid < NR_VMS; vmid++) {
		const struct npt *npt = &adt->npts[vmid];
		uint64_t pages = (npt->chunks + adt->arena_free) *
				 CHUNK_PAGES - npt->used;

		if (npt->live && fw_pool_free(vmid) != pages) {
			return say("VM %u's pool has %" PRIu64
				   " pages, specified %" PRIu64, vmid,
				   fw_pool_free(vmid), pages);
		}
	}
	return NULL;
}

/* --- The VM table and registers ------------------------------------------- */

static const char *check_vm(uint32_t vmid, const struct rdata *adt)
{
	const struct vm *spec = &adt->vms[vmid];
	bool same;
	struct fw_vm vm;

	fw_get_vm(vmid, &vm);
	same = vm.state == spec->state &&
	       vm.next_load_idx == spec->next_load_idx &&
	       memcmp(vm.vcpu, spec->vcpu, sizeof(vm.vcpu)) == 0;
	for (uint32_t i = 0; i < MAX_LOAD_INFO_NUM; i++) {
		same = same && vm.load_addr[i] == spec->load[i].load_addr &&
		       vm.load_size[i] == spec->load[i].load_size &&
		       vm.mapped_pages[i] == spec->load[i].mapped_pages;
	}
	return same ? NULL :
	       say("VM %u: state %u, %u images; specified %u, %u", vmid,
		   vm.state, vm.next_load_idx, spec->state,
		   spec->next_load_idx);
}

static const char *check_gprs(uint32_t vmid, uint32_t vcpuid,
			      const struct rdata *adt)
{
	for (uint32_t reg = 0; reg < NUM_GPRS; reg++) {
		uint64_t value = vmid == HOSTVISOR ? fw_host_gpr(reg) :
				 fw_get_gpr(vmid, vcpuid, reg);
		uint64_t spec = vmid == HOSTVISOR ? adt->host_regs[reg] :
				adt->shadow_ctxts[vmid][vcpuid][reg];

		if (value != spec) {
			return say("x%u of %u.%u is 0x%" PRIx64
				   ", specified 0x%" PRIx64, reg, vmid, vcpuid,
				   value, spec);
		}
	}
	return NULL;
}

static const char *check_mmio(const struct rdata *adt)
{
	struct fw_mmio mmio = fw_mmio();

	if (mmio.count != adt->nr_mmio) {
		return say("%" PRIu64 " accesses to the device, specified %"
			   PRIu64, mmio.count, adt->nr_mmio);
	}
	if (mmio.count > 0 &&
	    (mmio.addr != adt->mmio.addr || mmio.bytes != adt->mmio.bytes ||
	     mmio.write != adt->mmio.write ||
	     (mmio.write && mmio.value != adt->mmio.value))) {
		return say("the device saw 0x%" PRIx64 " at 0x%" PRIx64
			   ", specified 0x%" PRIx64 " at 0x%" PRIx64,
			   mmio.value, mmio.addr, adt->mmio.value,
			   adt->mmio.addr);
	}
	return NULL;
}

/* --- Contents ------------------------------------------------------------- */

static const char *check_content(uint64_t pfn, const struct rdata *adt)
{
	uint64_t i = index_of(pfn, adt);

	if (i == INVALID64 || is_el2(pfn) ||
	    fw_page_holds(pfn, adt->flatmem[i])) {
		return NULL;
	}
	return say("page 0x%" PRIx64 " begins with 0x%" PRIx64
		   ", specified 0x%" PRIx64, pfn, fw_page_word(pfn),
		   adt->flatmem[i]);
}

/* What either side has written. */
static const char *check_contents(const struct rdata *before,
				  const struct rdata *after)
{
	for (uint64_t i = 0; i < fw_nr_touched(); i++) {
		TRY(check_content(fw_touched(i), after));
	}
	for (uint64_t b = 0; b < after->nr_pages; b += BLOCK) {
		if (memcmp(&before->flatmem[b], &after->flatmem[b],
			   BLOCK * sizeof(after->flatmem[0])) == 0) {
			continue;
		}
		for (uint64_t i = b; i < b + BLOCK; i++) {
			TRY(check_content(fw_pfn(i), after));
		}
	}
	return NULL;
}

/* --- All of it ------------------------------------------------------------ */

void check_start(const struct rdata *adt)
{
	memcpy(raw_records, fw_raw_records(),
	       adt->nr_pages * sizeof(raw_records[0]));
	next_vmid = 1;
}

/* The VM that a call names, 0 for none. */
static uint32_t vm_of(const struct call *call)
{
	uint64_t vmid = call->op == OP_HVC ? call->arg[1] : call->arg[0];

	return is_vm(vmid) ? (uint32_t)vmid : 0;
}

static const char *check_vm_state(uint32_t vmid, uint32_t vcpuid,
				  const struct rdata *adt)
{
	TRY(check_vm(vmid, adt));
	return check_gprs(vmid, vcpuid, adt);
}

static const char *check_memory(const struct call *call,
				const struct rdata *before,
				const struct rdata *after)
{
	uint32_t vmid = vm_of(call);
	bool changed = false;

	TRY(check_contents(before, after));
	TRY(check_records(call, before, after, &changed));
	if (changed) {
		TRY(check_owned(HOSTVISOR, after));
		TRY(check_owned(vmid, after));
	}
	if (changed || fw_tables_touched()) {
		TRY(check_host_table(after));
		TRY(check_vm_runs(after));
	}
	if (fw_tables_touched()) {
		TRY(check_vm_tables(after));
	} else if (vmid != 0) {
		TRY(check_vm_table(vmid, after));
	}
	return check_pools(after);
}

const char *check_step(const struct call *call, const struct fw_result *fw,
		       const struct model_result *model,
		       const struct rdata *before, const struct rdata *after)
{
	uint32_t vmid = vm_of(call);

	TRY(check_answer(fw, model));
	TRY(fw_check_step());
	TRY(check_memory(call, before, after));
	TRY(check_gprs(HOSTVISOR, 0, after));
	TRY(check_mmio(after));
	if (vmid != 0) {
		TRY(check_vm_state(vmid, (uint32_t)call->arg[1] % VCPU_PER_VM,
				   after));
	}
	/* The others in turn. */
	next_vmid = next_vmid % (NR_VMS - 1) + 1;
	return check_vm(next_vmid, after);
}

const char *check_all(const struct rdata *adt)
{
	TRY(check_host_table(adt));
	TRY(check_vm_tables(adt));
	TRY(check_vm_runs(adt));
	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		TRY(check_record(i, adt));
		TRY(check_content(fw_pfn(i), adt));
	}
	for (uint32_t vmid = 0; vmid <= COREVISOR; vmid++) {
		TRY(check_owned(vmid, adt));
	}
	for (uint32_t vmid = 1; vmid < NR_VMS; vmid++) {
		for (uint32_t vcpuid = 0; vcpuid < VCPU_PER_VM; vcpuid++) {
			TRY(check_vm_state(vmid, vcpuid, adt));
		}
	}
	return NULL;
}
