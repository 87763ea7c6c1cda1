/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapping rules. Layer: MemManager, on PageManager and NPTOps.
 * Locks: takes s2page, then pt[HOSTVISOR].
 */
#include "core/mem_manager.h"

#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/platform.h"
#include "core/spec_constants.h"

/**
 * struct host_rule - what the host may have at an address
 * @attributes: page descriptor without an address, 0 if it may have nothing
 * @block:	whether the same holds for the whole 2 MiB block around it
 */
struct host_rule {
	uint64_t attributes;
	bool block;
};

static struct host_rule host_rule(uint64_t addr)
{
	uint64_t block = addr & ~(PMD_SIZE - 1);
	uint64_t pfn = addr >> PAGE_SHIFT;
	uint32_t owner = get_pfn_owner(pfn);
	uint32_t count = get_pfn_count(pfn);

	if (owner == INVALID_MEM) {
		if (!platform_host_device(addr & ~(PAGE_SIZE - 1), PAGE_SIZE)) {
			return (struct host_rule){ 0 };
		}
		return (struct host_rule){
			.attributes = PAGE_S2_DEVICE | S2_RDWR,
			.block = platform_host_device(block, PMD_SIZE),
		};
	}
	if (owner == HOSTVISOR) {
		return (struct host_rule){
			.attributes = PAGE_S2_KERNEL,
			.block = page_block_is_host(block >> PAGE_SHIFT),
		};
	}
	/* A count of INVALID is a reservation for DMA, not a share (G16). */
	if (owner != COREVISOR && count > 0 && count <= MAX_SHARE_COUNT) {
		return (struct host_rule){ .attributes = PAGE_S2_KERNEL };
	}
	return (struct host_rule){ 0 };
}

/* Maps @addr identically, by a block if @rule and the table allow it. */
static enum hv_status map_host_identity(uint64_t addr, struct host_rule rule)
{
	uint64_t block = addr & ~(PMD_SIZE - 1);
	uint64_t page = addr & ~(PAGE_SIZE - 1);

	if (rule.block &&
	    map_s2pt(HOSTVISOR, block, 2,
		     block | (rule.attributes & ~PMD_TABLE_BIT)) == HV_OK) {
		return HV_OK;
	}
	return map_s2pt(HOSTVISOR, page, 3, page | rule.attributes);
}

/**
 * map_page_host() - give the host a stage-2 mapping for where it faulted
 * @addr: host IPA in bytes, any alignment, any value
 *
 * Spec:    MemManager.map_page_host_spec (steps: map_page_host_spec0)
 * Delta:   D-001: a status instead of a panic. D-006: a 2 MiB block where the
 *	    whole block follows the same rule; every page of it is one that
 *	    the specification would map now. D-007: devices only inside the
 *	    board's windows. D-009: never a page of EL2's, even with a count,
 *	    which no transition gives it.
 * Locks:   takes s2page, then pt[HOSTVISOR]; caller holds neither
 * Returns: HV_OK if the address is mapped now, also if it was before;
 *	    HV_EINVAL beyond 40 bits; HV_EPERM if the host may not have the
 *	    page; nothing has changed on an error
 * Refuses: EL2's and VMs' pages, devices that are not the host's, empty
 *	    space - host can reach this
 */
enum hv_status map_page_host(uint64_t addr)
{
	enum hv_status status;
	struct host_rule rule;

	if (addr >= KVM_PHYS_SIZE) {
		return HV_EINVAL;
	}
	acquire_lock_s2page();
	rule = host_rule(addr);
	status = rule.attributes == 0 ? HV_EPERM :
					map_host_identity(addr, rule);
	release_lock_s2page();
	return status;
}
