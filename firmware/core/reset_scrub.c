/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No reset reveals a VM. Layer: boot. Locks: none, boot CPU only.
 */
#include "core/reset_scrub.h"

#include <string.h>

#include "arch/mem.h"
#include "core/page_manager.h"
#include "core/spec_constants.h"

/*
 * Whether @old describes records that lie where this boot would put them. An
 * older firmware's too: a snapshot of it may have been loaded.
 */
static bool old_records_match(const struct hypsec_inspect *old, uint64_t pages,
			      const struct el2_layout *layout)
{
	return old->magic == HYPSEC_INSPECT_MAGIC &&
	       old->version >= HYPSEC_INSPECT_VERSION_2 &&
	       old->version <= HYPSEC_INSPECT_VERSION &&
	       old->page_record_bytes == PAGE_RECORD_BYTES &&
	       old->page_base == layout->records.base &&
	       old->page_count == pages;
}

static void zero_range(paddr_t base, paddr_t end)
{
	el2_va_t va = pa_to_el2_va(base);

	memset(el2_ptr(va), 0, end - base);
	/* Also for a party that reads around the caches. */
	mem_clean_poc(va, end - base);
}

/* Zeroes [base, end), not empty, without what overlaps fresh[0..n). */
static void zero_around(paddr_t base, paddr_t end,
			const struct pa_range *fresh, size_t n)
{
	while (n > 0 && !pa_ranges_overlap((struct pa_range){ base, end - base },
					   fresh[n - 1])) {
		n--;
	}
	if (n == 0) {
		zero_range(base, end);
		return;
	}
	n--;
	if (fresh[n].base > base) {
		zero_around(base, fresh[n].base, fresh, n);
	}
	if (fresh[n].base + fresh[n].size < end) {
		zero_around(fresh[n].base + fresh[n].size, end, fresh, n);
	}
}

uint64_t reset_scrub(const struct hypsec_inspect *old,
		     const struct board_info *info,
		     const struct el2_layout *layout)
{
	const struct pa_range fresh[] = {
		info->dtb, info->kernel, info->initrd, info->carveout,
	};
	const uint64_t *record =
		el2_ptr(pa_to_el2_va(layout->records.base));
	uint64_t scrubbed = 0;
	uint64_t pages = 0;

	for (uint32_t i = 0; i < info->nr_memory; i++) {
		pages += info->memory[i].size >> PAGE_SHIFT;
	}
	if (!old_records_match(old, pages, layout)) {
		return 0;
	}
	for (uint32_t i = 0; i < info->nr_memory; i++) {
		paddr_t end = info->memory[i].base + info->memory[i].size;

		for (paddr_t pa = info->memory[i].base; pa < end;
		     pa += PAGE_SIZE, record++) {
			if (page_record_owner(*record) != HOSTVISOR &&
			    !pa_ranges_overlap(
				    (struct pa_range){ pa, PAGE_SIZE },
				    info->carveout)) {
				zero_around(pa, pa + PAGE_SIZE, fresh,
					    ARRAY_SIZE(fresh));
				scrubbed++;
			}
		}
	}
	return scrubbed;
}
