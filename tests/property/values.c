/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments come from few, telling values, so that calls of one sequence meet:
 * boundaries of blocks, regions and spaces, what the state has mapped or
 * owned, and numbers that only an attacker passes.
 */
#include "values.h"

#include "fw.h"

uint8_t byte(struct bytes *bytes)
{
	return bytes->next == bytes->end ? 0 : *bytes->next++;
}

uint32_t pick(struct bytes *bytes, uint32_t limit)
{
	return byte(bytes) % limit;
}

uint64_t word(struct bytes *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++) {
		value = value << 8 | byte(bytes);
	}
	return value;
}

/* --- Arguments ------------------------------------------------------------ */

/* A number that only an attacker passes. */
uint64_t hostile(struct bytes *bytes)
{
	static const uint64_t values[] = {
		0, 1, 15, 16, 17, 0xffffffff, 0x100000000, 0x100000001,
		UINT64_MAX, INT64_MAX, UINT64_C(1) << 63, KVM_PFN_SPACE,
		KVM_PFN_SPACE - 1, KVM_PHYS_SIZE, KVM_PHYS_SIZE - 1,
		KVM_GFN_SPACE, UINT64_C(1) << 52, UINT64_MAX - 4095,
	};
	uint32_t n = pick(bytes, sizeof(values) / sizeof(values[0]) + 2);

	return n < sizeof(values) / sizeof(values[0]) ? values[n] :
							word(bytes);
}

uint32_t live_vm(struct bytes *bytes, const struct rdata *adt)
{
	uint32_t vmid = pick(bytes, 4) + 1;

	for (uint32_t i = 0; i < COREVISOR; i++) {
		if (is_vm(vmid) && adt->vms[vmid].state != UNUSED) {
			return vmid;
		}
		vmid = vmid % (COREVISOR - 1) + 1;
	}
	return 1;
}

uint32_t some_vm(struct bytes *bytes, const struct rdata *adt)
{
	uint32_t n = pick(bytes, 16);

	return n == 0 ? 15 : n == 1 ? 4 : live_vm(bytes, adt);
}

/* A small distance: from one page, or to the last of a block. */
static uint64_t near(struct bytes *bytes)
{
	static const uint64_t values[] = { 0, 0, 0, 1, 2, 3, 511, 512 };

	return PICK(bytes, values);
}

/* A mapping of the VM's, NULL if it has none. */
static const struct pt_run *some_run(struct bytes *bytes, uint32_t vmid,
				     const struct rdata *adt)
{
	const struct npt *npt = &adt->npts[vmid];

	return npt->nr_runs == 0 ? NULL :
	       &npt->runs[pick(bytes, npt->nr_runs)];
}

/* A page that a VM owns, mapped or not; NULL if it has none. */
const struct s2page *some_owned(struct bytes *bytes, uint32_t vmid,
				       const struct rdata *adt)
{
	uint64_t start = (uint64_t)byte(bytes) * 12;

	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		const struct s2page *page =
			&adt->s2page[(start + i) % adt->nr_pages];

		if (page->owner == vmid) {
			return page;
		}
	}
	return NULL;
}

const struct s2page *some_counted(struct bytes *bytes,
				  const struct rdata *adt)
{
	uint64_t start = (uint64_t)byte(bytes) * 12;

	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		const struct s2page *page =
			&adt->s2page[(start + i) % adt->nr_pages];

		if (page->count != 0) {
			return page;
		}
	}
	return NULL;
}

uint64_t pfn_of(const struct s2page *page, const struct rdata *adt)
{
	return fw_pfn((uint64_t)(page - adt->s2page));
}

uint64_t some_pfn(struct bytes *bytes, const struct rdata *adt)
{
	/* Two blocks, 0x40200 and 0x40a00, are hardly ever used up. */
	static const uint64_t bases[] = {
		0x40000, 0x40000, 0x40700, 0x40700, 0x40800, 0x40800, 0x40800,
		0x40c00,
	};
	static const uint64_t odd[] = {
		0x3ffff, 0x40400, 0x406ff, 0x40cff, 0x40d00, 0x40d01, 0x40eff,
		0x40f00, 0x9000, 0x9001, 0x8000, 0x9050, 0x10000, 0x3f000, 0,
		0xb010, 0xb011, 0xb017, 0x8020,
		/* What RAM is if bits above 32, 40 or 48 are lost. */
		0x140000, 0x10040000, 0x1000040000,
	};
	const struct s2page *page;
	const struct pt_run *run;
	uint32_t n = pick(bytes, 32);

	if (n == 0) {
		return hostile(bytes);
	}
	if (n < 3) {
		return PICK(bytes, odd);
	}
	if (n < 9) {
		page = n < 6 ? some_owned(bytes, live_vm(bytes, adt), adt) :
			       some_counted(bytes, adt);
		if (page != NULL) {
			return pfn_of(page, adt);
		}
	}
	if (n < 13) {
		run = some_run(bytes, live_vm(bytes, adt), adt);
		if (run != NULL) {
			return run->pfn + near(bytes) % run->pages;
		}
	}
	/* Few pages, so that calls meet; and enough that some are free. */
	return PICK(bytes, bases) + (n < 22 ? near(bytes) : byte(bytes));
}

/* Block aligned, mostly. */
uint64_t block_pfn(struct bytes *bytes, const struct rdata *adt)
{
	static const uint64_t bases[] = {
		0x40000, 0x40200, 0x40800, 0x40a00, 0x40a00, 0x40c00, 0x40600,
		0x40400,
	};

	return pick(bytes, 16) == 0 ? some_pfn(bytes, adt) :
				      PICK(bytes, bases);
}

uint64_t new_gfn(struct bytes *bytes)
{
	static const uint64_t bases[] = {
		0, 0x200, 0x3fe00, 0x40000, 0x40000, 0x40200, 0x80000,
		0x8000000, KVM_PFN_SPACE - 512,
	};
	uint32_t n = pick(bytes, 32);

	if (n == 0) {
		return hostile(bytes);
	}
	if (n == 1) {
		return word(bytes) % KVM_PFN_SPACE;
	}
	return PICK(bytes, bases) + near(bytes);
}

uint64_t some_gfn(struct bytes *bytes, uint32_t vmid,
			 const struct rdata *adt)
{
	const struct pt_run *run = some_run(bytes, vmid, adt);

	if (run == NULL || pick(bytes, 4) == 0) {
		return new_gfn(bytes);
	}
	return run->gfn + (pick(bytes, 8) == 0 ? run->pages :
						 near(bytes) % run->pages);
}

/* An address in a page: its first byte, mostly. */
uint64_t addr_in(uint64_t gfn, struct bytes *bytes)
{
	static const uint64_t offsets[] = { 0, 0, 0, 0, 1, 8, 0x800, 4095 };

	return gfn * PAGE_SIZE + PICK(bytes, offsets);
}

uint64_t some_size(struct bytes *bytes)
{
	static const uint64_t sizes[] = {
		4096, 4096, 4096, 1, 0, 4095, 4097, 8192, 8191, 0x10000,
		512 * 4096, 512 * 4096 - 1, 512 * 4096 + 1, 513 * 4096,
		KVM_PHYS_SIZE, UINT64_MAX,
	};

	return pick(bytes, 32) == 0 ? hostile(bytes) : PICK(bytes, sizes);
}

uint64_t some_count(struct bytes *bytes)
{
	static const uint64_t counts[] = {
		0, 1, 2, 99, 100, 100, INVALID, INVALID,
	};

	return PICK(bytes, counts);
}

uint64_t device_pa(struct bytes *bytes)
{
	static const uint64_t devices[] = {
		0x09000000, 0x09010000, 0x08000000, 0x08040000, 0x080a0000,
		0x10000000, 0x3eff0000, 0x3ffff000, 0x09001000, 0x0804f000,
		0x09050000, 0x40000000, 0x0, 0x200000000, 0x0b010000,
		0x0b011000, 0x0b017000, 0x0b018000,
	};

	return PICK(bytes, devices);
}
