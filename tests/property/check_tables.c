/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check_tables.h"

#include <inttypes.h>

#include "spec/dma.h"
#include "spec/mem_manager.h"
#include "spec/npt.h"

#define NR_VMS	COREVISOR

static struct fw_table table;

/* --- The host's table ----------------------------------------------------- */

/* What map_page_host would map now; 0 for nothing. */
static uint64_t host_may_map(uint64_t pfn, const struct rdata *adt)
{
	uint64_t i = index_of(pfn, adt);
	const struct s2page *page;

	if (i == INVALID64) {
		return is_host_device(pfn * PAGE_SIZE, PAGE_SIZE, adt) &&
		       !is_vm(dma_owner_of(pfn * PAGE_SIZE, adt)) ?
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
	    dma_owner_of(run->gfn * PAGE_SIZE, adt) == INVALID &&
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

/* A device of the host's that can be any VM's, or one that is this VM's. */
static bool is_vms_device(uint32_t vmid, uint64_t pfn,
			  const struct rdata *adt)
{
	uint32_t owner = dma_owner_of(pfn * PAGE_SIZE, adt);

	return is_host_device(pfn * PAGE_SIZE, PAGE_SIZE, adt) &&
	       (owner == INVALID || owner == vmid);
}

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
			if (!is_vms_device(vmid, run->pfn + k, adt) ||
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

const char *check_tables(const struct rdata *adt)
{
	fw_forget_tables();
	TRY(check_host_table(adt));
	TRY(check_vm_tables(adt));
	return check_vm_runs(adt);
}

const char *check_pools(const struct rdata *adt)
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
