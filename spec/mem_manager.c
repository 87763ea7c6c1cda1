/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MemManager.v: what may happen to a page. Source: facts F.1 to F.8, B.14.
 *
 * The Coq takes s2page inside each of these but map_pfn_vm. Corrected, G11 and
 * G19: the caller holds it, except of map_page_host, so that the check of a
 * gfn, the change of owner and the mapping are one step.
 */
#include "spec/mem_manager.h"

#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/locks.h"
#include "spec/mmio_spt.h"
#include "spec/npt.h"
#include "spec/page_manager.h"

bool is_host_device(uint64_t pa, uint64_t bytes, const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_windows; i++) {
		const struct pa_window *w = &adt->board.windows[i];

		if (pa >= w->base && is_range(pa - w->base, bytes, w->bytes)) {
			return true;
		}
	}
	return false;
}

/*
 * F.1. Level 3 always; the firmware may map a block, see the referee's rule
 * (D-006).
 *
 * Corrected, G16: "count > 0" also holds for INVALID, a reservation for DMA;
 * only 1 to 100 is a share.
 * Corrected, D-007: what is not RAM only inside the host's device
 * windows; the Coq maps any such address.
 * Corrected: never a page of the corevisor's, whatever its count (I4).
 * Corrected, G33: nor the registers of a device that is a VM's.
 */
enum option map_page_host_spec(uint64_t addr, struct rdata *adt)
{
	uint64_t pfn = addr / PAGE_SIZE;
	uint64_t perm;
	uint32_t owner, count;

	if (adt->halt) {
		return SOME;
	}
	RELY(is_paddr(addr));
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	if (owner == INVALID) {
		RELY_OR(is_host_device(pfn * PAGE_SIZE, PAGE_SIZE, adt) &&
			!is_vm(dma_owner_of(pfn * PAGE_SIZE, adt)),
			NONE_PERM);
		perm = PAGE_S2_DEVICE | S2_RDWR;
	} else if (owner == HOSTVISOR) {
		perm = PAGE_S2_KERNEL;
	} else if (is_vm(owner) && count > 0 && count <= MAX_SHARE_COUNT) {
		perm = PAGE_S2_KERNEL;
	} else {
		return panic_spec(adt);
	}
	WHEN(map_s2pt_spec(HOSTVISOR, pfn * PAGE_SIZE, 3,
			   pfn * PAGE_SIZE | perm, adt));
	return release_lock_s2page_spec(adt);
}

static enum option set_page(uint64_t pfn, uint32_t owner, uint32_t count,
			    uint64_t gfn, struct rdata *adt)
{
	WHEN(set_pfn_owner_spec(pfn, owner, adt));
	WHEN(set_pfn_count_spec(pfn, count, adt));
	return set_pfn_map_spec(pfn, gfn, adt);
}

/*
 * F.2.
 * Corrected, G15: another owner than H and V panics; the C lets it pass.
 * Corrected, G16 and G63: a reserved page that becomes private leaves the
 * host's table, and its record really changes.
 */
enum option assign_pfn_to_vm_spec(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				  struct rdata *adt)
{
	uint32_t owner, count;
	uint64_t map;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	RELY(is_gfn(gfn));
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	WHEN(get_pfn_map_spec(pfn, adt, &map));
	if (owner == HOSTVISOR) {
		if (count != 0) {
			return panic_spec(adt);
		}
		WHEN(clear_pfn_host_spec(pfn, adt));
		WHEN(fetch_from_doracle_spec(vmid, pfn, 1, adt));
		return set_page(pfn, vmid, 0, gfn, adt);
	}
	if (owner != vmid || (map != gfn && map != INVALID64)) {
		return panic_spec(adt);
	}
	if (count == INVALID) {
		WHEN(clear_pfn_host_spec(pfn, adt));
		return set_page(pfn, vmid, 0, gfn, adt);
	}
	return set_pfn_map_spec(pfn, gfn, adt);
}

/*
 * F.3: RWX normal memory, whatever else the pte says.
 * The page was assigned before, so that the rely holds.
 */
enum option map_pfn_vm_spec(uint32_t vmid, uint64_t addr, uint64_t pte,
			    uint32_t level, struct rdata *adt)
{
	uint64_t paddr = pte & PHYS_MASK;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid) && is_paddr(addr));
	if (level == 2) {
		return map_s2pt_spec(vmid, addr, 2,
				     paddr | (PAGE_S2_KERNEL & ~PMD_TABLE_BIT),
				     adt);
	}
	return map_s2pt_spec(vmid, addr, 3, paddr | PAGE_S2_KERNEL, adt);
}

/*
 * F.5. What the Coq leaves as it is without a word is refused (G57), so that
 * the VM learns of it. Corrected, G16: a reservation is no count.
 */
enum option grant_vm_page_spec(uint32_t vmid, uint64_t pfn,
			       struct rdata *adt)
{
	uint32_t owner, count;

	if (adt->halt) {
		return SOME;
	}
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	RELY_OR(owner == vmid && count < MAX_SHARE_COUNT, NONE_PERM);
	return set_pfn_count_spec(pfn, count + 1, adt);
}

/* F.5; as above. At 1 -> 0 the host loses it, and what it left stays. */
enum option revoke_vm_page_spec(uint32_t vmid, uint64_t pfn,
				struct rdata *adt)
{
	uint32_t owner, count;

	if (adt->halt) {
		return SOME;
	}
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	RELY_OR(owner == vmid && count > 0 && count <= MAX_SHARE_COUNT,
		NONE_PERM);
	WHEN(set_pfn_count_spec(pfn, count - 1, adt));
	if (count == 1) {
		WHEN(clear_pfn_host_spec(pfn, adt));
		WHEN(fetch_from_doracle_spec(vmid, pfn, 1, adt));
	}
	return SOME;
}

/*
 * F.4. The caller has seen to it that the VM's table maps nothing (G21).
 * G35: the map is that of a host page, as in the Coq; the C writes 0.
 */
enum option clear_vm_page_spec(uint32_t vmid, uint64_t pfn,
			       struct rdata *adt)
{
	uint32_t owner;

	if (adt->halt) {
		return SOME;
	}
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	if (owner != vmid) {
		return SOME;
	}
	WHEN(clear_pfn_host_spec(pfn, adt));
	WHEN(set_page(pfn, HOSTVISOR, 0, pfn + SMMU_HOST_OFFSET, adt));
	return clear_phys_page_spec(pfn, adt);
}

/*
 * F.6. Corrected, G68: what is not RAM panics, as in the Coq; the C lets it
 * pass. Corrected, G34: the device finds nothing of the host's in the page.
 */
enum option assign_pfn_to_smmu_spec(uint32_t vmid, uint64_t gfn, uint64_t pfn,
				    struct rdata *adt)
{
	uint32_t owner, count;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid) && is_gfn(gfn));
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	if (owner == vmid) {
		return SOME;
	}
	if (owner != HOSTVISOR || count != 0) {
		return panic_spec(adt);
	}
	WHEN(clear_pfn_host_spec(pfn, adt));
	WHEN(set_page(pfn, vmid, INVALID, gfn, adt));
	return clear_phys_page_spec(pfn, adt);
}

/* The shared window is RAM of the host's that no device sees (docs/dma.rst). */
static bool is_shared_window(uint64_t pfn, const struct rdata *adt)
{
	return pfn * PAGE_SIZE - adt->board.shared.base <
	       adt->board.shared.bytes;
}

/*
 * F.7. Corrected, G68: a host's bank shows each page at its own address. The
 * Coq asks for (pfn + 10^9) * 4096, which no 40-bit IOVA is, so that the host
 * could map nothing; the C maps pages of N as well, and counts what it does
 * not map. The Coq maps on without counting at 16; here that is refused, so
 * that the count is never less than the mappings (I18).
 */
enum option update_smmu_page_spec(uint32_t vmid, uint32_t cbndx,
				  uint32_t index, uint64_t iova, uint64_t pte,
				  struct rdata *adt)
{
	uint64_t pfn = (pte & PHYS_MASK) / PAGE_SIZE, gfn = iova / PAGE_SIZE;
	uint64_t map;
	uint32_t owner, count;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(vmid < COREVISOR && is_paddr(iova));
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	WHEN(get_pfn_map_spec(pfn, adt, &map));
	if (owner != vmid) {
		return panic_spec(adt);
	}
	if (vmid != HOSTVISOR) {
		return map == gfn ? map_spt_spec(cbndx, index, iova, pte, adt)
				  : panic_spec(adt);
	}
	if (pfn != gfn || count >= SMMU_MAX_COUNT ||
	    is_shared_window(pfn, adt)) {
		return panic_spec(adt);
	}
	WHEN(map_spt_spec(cbndx, index, iova, pte, adt));
	return set_pfn_count_spec(pfn, count + 1, adt);
}

/*
 * F.8. Corrected, G68: only what was mapped is counted down; the C takes "no
 * leaf" for page 0. Pages of a VM stay reserved until they leave it (G69).
 */
enum option unmap_smmu_page_spec(uint32_t cbndx, uint32_t index,
				 uint64_t iova, struct rdata *adt)
{
	uint32_t owner, count;
	uint64_t pte, pfn;

	if (adt->halt) {
		return SOME;
	}
	WHEN(unmap_spt_spec(cbndx, index, iova, adt, &pte));
	if (pte == 0) {
		return SOME;
	}
	pfn = (pte & PHYS_MASK) / PAGE_SIZE;
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	return owner == HOSTVISOR && count > 0 ?
	       set_pfn_count_spec(pfn, count - 1, adt) : SOME;
}
