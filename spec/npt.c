/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NPTWalk.v and NPTOps.v: stage-2 tables. Source: facts A.9 (local_mmap) and
 * B.2; S3 names map_s2pt, walk_s2pt, get_level_s2pt and clear_pfn_host.
 *
 * Corrected throughout, G30: "mapped" is a level of 2 or 3, as the valid bit
 * says, not an output address other than 0.
 */
#include "spec/npt.h"

#include "spec/locks.h"
#include "spec/pt_alloc.h"

/* --- The map gfn -> (pfn, level, pte) ------------------------------------- */

/* The first run that ends behind @gfn; nr_runs if there is none. */
static uint32_t find_run(const struct npt *npt, uint64_t gfn)
{
	uint32_t low = 0, high = npt->nr_runs;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		const struct pt_run *run = &npt->runs[mid];

		if (run->gfn + run->pages <= gfn) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

struct npt_entry npt_get(const struct npt *npt, uint64_t gfn)
{
	uint32_t i = find_run(npt, gfn);
	const struct pt_run *run = &npt->runs[i];
	uint64_t pfn, leaf;

	if (i == npt->nr_runs || run->gfn > gfn) {
		return (struct npt_entry){ 0 };
	}
	pfn = run->pfn + (gfn - run->gfn);
	/* All 512 gfns of a block share its descriptor. */
	leaf = run->level == 2 ? pfn / PMD_PAGE_NUM * PMD_PAGE_NUM : pfn;
	return (struct npt_entry){ run->level, pfn,
				   run->pte | leaf * PAGE_SIZE };
}

bool npt_is_unmapped(const struct npt *npt, uint64_t gfn,
			   uint64_t pages)
{
	uint32_t i = find_run(npt, gfn);

	return i == npt->nr_runs || npt->runs[i].gfn >= gfn + pages;
}

static bool continues(const struct pt_run *run, const struct pt_run *next)
{
	return run->gfn + run->pages == next->gfn &&
	       run->pfn + run->pages == next->pfn &&
	       run->pte == next->pte && run->level == next->level;
}

static void delete_run(struct npt *npt, uint32_t i)
{
	npt->nr_runs--;
	for (; i < npt->nr_runs; i++) {
		npt->runs[i] = npt->runs[i + 1];
	}
}

static enum option insert_run(struct npt *npt, uint32_t i, struct pt_run run)
{
	RELY_CALLER(npt->nr_runs < MAX_RUNS);
	for (uint32_t k = npt->nr_runs; k > i; k--) {
		npt->runs[k] = npt->runs[k - 1];
	}
	npt->runs[i] = run;
	npt->nr_runs++;
	return SOME;
}

/* Maps @new, where nothing is mapped. */
static enum option put_run(struct npt *npt, struct pt_run new)
{
	uint32_t i = find_run(npt, new.gfn);

	if (i > 0 && continues(&npt->runs[i - 1], &new)) {
		i--;
		npt->runs[i].pages += new.pages;
	} else {
		WHEN(insert_run(npt, i, new));
	}
	if (i + 1 < npt->nr_runs &&
	    continues(&npt->runs[i], &npt->runs[i + 1])) {
		npt->runs[i].pages += npt->runs[i + 1].pages;
		delete_run(npt, i + 1);
	}
	return SOME;
}

enum option npt_remove_page(struct npt *npt, uint64_t gfn)
{
	uint32_t i = find_run(npt, gfn);
	struct pt_run *run = &npt->runs[i];
	uint64_t before = gfn - run->gfn;
	struct pt_run after = {
		.gfn = gfn + 1, .pfn = run->pfn + before + 1,
		.pages = run->pages - before - 1,
		.pte = run->pte, .level = run->level,
	};

	run->pages = before;
	if (after.pages > 0) {
		WHEN(insert_run(npt, i + 1, after));
	}
	if (before == 0) {
		delete_run(npt, i);
	}
	return SOME;
}

/* --- Intermediate tables -------------------------------------------------- */

static bool has_pud_table(const struct npt *npt, uint64_t gfn)
{
	uint64_t n = gfn / PUD_PAGE_NUM;

	return (npt->pud_tables[n / 64] >> (n % 64) & 1) != 0;
}

static bool has_pmd_table(const struct npt *npt, uint64_t gfn)
{
	for (uint32_t i = 0; i < npt->nr_pmd_tables; i++) {
		if (npt->pmd_tables[i] == gfn / PMD_PAGE_NUM) {
			return true;
		}
	}
	return false;
}

uint64_t npt_tables_needed(const struct npt *npt, uint64_t gfn,
			    uint64_t pages, uint32_t level)
{
	uint64_t missing = 0, last = gfn + pages - 1;

	for (uint64_t n = gfn / PUD_PAGE_NUM; n <= last / PUD_PAGE_NUM; n++) {
		missing += has_pud_table(npt, n * PUD_PAGE_NUM) ? 0 : 1;
	}
	if (level == 2) {
		return missing;
	}
	for (uint64_t n = gfn / PMD_PAGE_NUM; n <= last / PMD_PAGE_NUM; n++) {
		missing += has_pmd_table(npt, n * PMD_PAGE_NUM) ? 0 : 1;
	}
	return missing;
}

static enum option add_pmd_table(struct npt *npt, uint64_t gfn)
{
	RELY_CALLER(npt->nr_pmd_tables < MAX_PMD_TABLES);
	npt->pmd_tables[npt->nr_pmd_tables] = (uint32_t)(gfn / PMD_PAGE_NUM);
	npt->nr_pmd_tables++;
	return SOME;
}

static void add_pud_table(struct npt *npt, uint64_t gfn)
{
	uint64_t n = gfn / PUD_PAGE_NUM;

	npt->pud_tables[n / 64] |= UINT64_C(1) << (n % 64);
}

enum option npt_add_page(struct npt *npt, uint64_t gfn, uint64_t pte)
{
	add_pud_table(npt, gfn);
	if (!has_pmd_table(npt, gfn)) {
		WHEN(add_pmd_table(npt, gfn));
	}
	return put_run(npt, (struct pt_run){
		gfn, (pte & PHYS_MASK) / PAGE_SIZE, 1, pte & ~PHYS_MASK, 3 });
}

/* Makes the tables above a leaf at @level. */
static enum option make_tables(uint32_t vmid, uint64_t gfn, uint32_t level,
			       struct rdata *adt)
{
	struct npt *npt = &adt->npts[vmid];

	if (!has_pud_table(npt, gfn)) {
		WHEN(alloc_pud_page_spec(vmid, adt));
		add_pud_table(npt, gfn);
	}
	if (level == 3 && !has_pmd_table(npt, gfn)) {
		WHEN(alloc_pmd_page_spec(vmid, adt));
		WHEN(add_pmd_table(npt, gfn));
	}
	return SOME;
}

/* --- NPTWalk -------------------------------------------------------------- */

enum option get_npt_level_spec(uint32_t vmid, uint64_t addr,
			       const struct rdata *adt, uint32_t *level)
{
	RELY_CALLER(vmid < COREVISOR && is_paddr(addr));
	RELY_CALLER(lock_own(adt, LOCK_PT, vmid));
	*level = npt_get(&adt->npts[vmid], addr / PAGE_SIZE).level;
	return SOME;
}

enum option walk_npt_spec(uint32_t vmid, uint64_t addr,
			  const struct rdata *adt, uint64_t *pte)
{
	RELY_CALLER(vmid < COREVISOR && is_paddr(addr));
	RELY_CALLER(lock_own(adt, LOCK_PT, vmid));
	*pte = npt_get(&adt->npts[vmid], addr / PAGE_SIZE).pte;
	return SOME;
}

/*
 * local_mmap (A.9). Level 2 sets 512 gfns from the one rounded down, level 3
 * sets one.
 *
 * Corrected, G18 and G19: what is mapped stays. The Coq replaces a page by a
 * page, and a whole level-3 table by a block, without a word; it halts for a
 * page under a block. Here each of them is refused, and only the same leaf
 * once more is accepted.
 * Corrected, G17: a block's address is 2 MiB aligned; the Coq maps consecutive
 * pfns from any start, the hardware does not.
 */
enum option set_npt_spec(uint32_t vmid, uint64_t addr, uint32_t level,
			 uint64_t pte, struct rdata *adt)
{
	uint64_t pages = level == 2 ? PMD_PAGE_NUM : 1;
	uint64_t gfn = addr / PAGE_SIZE / pages * pages;
	uint64_t pfn = (pte & PHYS_MASK) / PAGE_SIZE;
	struct npt_entry old;
	struct npt *npt;

	RELY_CALLER(vmid < COREVISOR && is_paddr(addr));
	npt = &adt->npts[vmid];
	old = npt_get(npt, gfn);
	RELY_CALLER(level == 2 || level == 3);
	RELY_CALLER(pte != 0 && is_aligned(pfn, pages));
	RELY_CALLER(lock_own(adt, LOCK_PT, vmid));
	if (old.level == level && old.pte == pte) {
		return SOME;
	}
	RELY_OR(npt_is_unmapped(npt, gfn, pages), NONE_BUSY);
	/* The host's spec table has no blocks, so no table is in the way. */
	RELY_OR(level == 3 || vmid == HOSTVISOR || !has_pmd_table(npt, gfn),
		NONE_BUSY);
	RELY_OR(vmid == HOSTVISOR ||
		npt_tables_needed(npt, gfn, pages, level) <=
		pool_free_pages(vmid, adt), NONE_NOMEM);
	if (vmid != HOSTVISOR) {
		WHEN(make_tables(vmid, gfn, level, adt));
	}
	return put_run(npt, (struct pt_run){ gfn, pfn, pages,
					     pte & ~PHYS_MASK, level });
}

/* --- NPTOps --------------------------------------------------------------- */

enum option get_level_s2pt_spec(uint32_t vmid, uint64_t addr,
				struct rdata *adt, uint32_t *level)
{
	if (adt->halt) {
		*level = 0;
		return SOME;
	}
	WHEN(acquire_lock_pt_spec(vmid, adt));
	WHEN(get_npt_level_spec(vmid, addr, adt, level));
	return release_lock_pt_spec(vmid, adt);
}

enum option walk_s2pt_spec(uint32_t vmid, uint64_t addr, struct rdata *adt,
			   uint64_t *pte)
{
	if (adt->halt) {
		*pte = 0;
		return SOME;
	}
	WHEN(acquire_lock_pt_spec(vmid, adt));
	WHEN(walk_npt_spec(vmid, addr, adt, pte));
	return release_lock_pt_spec(vmid, adt);
}

/* As set_npt_spec. The caller holds s2page, so that what it found stays so. */
enum option map_s2pt_spec(uint32_t vmid, uint64_t addr, uint32_t level,
			  uint64_t pte, struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0));
	WHEN(acquire_lock_pt_spec(vmid, adt));
	WHEN(set_npt_spec(vmid, addr, level, pte, adt));
	return release_lock_pt_spec(vmid, adt);
}

/*
 * The Coq writes the invalid PAGE_GUEST where the host maps the page: it is
 * not mapped any more. That the TLBs forget it before the lock is released is
 * the protocol checker's part (tests/unit/tlbmodel).
 */
enum option clear_pfn_host_spec(uint64_t pfn, struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_pfn(pfn));
	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0));
	WHEN(acquire_lock_pt_spec(HOSTVISOR, adt));
	if (npt_get(&adt->npts[HOSTVISOR], pfn).level != 0) {
		WHEN(npt_remove_page(&adt->npts[HOSTVISOR], pfn));
	}
	return release_lock_pt_spec(HOSTVISOR, adt);
}

/* The Coq's VTTBR is a constant; a table comes and goes with its VM here. */
enum option init_s2pt_spec(uint32_t vmid, struct rdata *adt)
{
	RELY_CALLER(is_vm(vmid) && !adt->npts[vmid].live);
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(acquire_lock_pt_spec(vmid, adt));
	WHEN(pool_create(vmid, adt));
	WHEN(release_lock_pt_spec(vmid, adt));
	return release_lock_s2page_spec(adt);
}

/*
 * Not in the Coq, G21: before pages leave a VM nothing of its table maps them.
 * The tables below the root stay in its pool, but nothing leads there.
 */
enum option clear_npt_spec(uint32_t vmid, struct rdata *adt)
{
	struct npt *npt;

	RELY_CALLER(is_vm(vmid));
	npt = &adt->npts[vmid];
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(acquire_lock_pt_spec(vmid, adt));
	npt->nr_runs = 0;
	npt->nr_pmd_tables = 0;
	for (uint32_t i = 0; i < 1024 / 64; i++) {
		npt->pud_tables[i] = 0;
	}
	WHEN(release_lock_pt_spec(vmid, adt));
	return release_lock_s2page_spec(adt);
}
