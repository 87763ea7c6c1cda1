/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page's way to a VM and back: what assign_pfn_to_vm, prot_and_map_vm_s2pt
 * and clear_vm_page allow, each beside what they refuse, with nothing changed.
 */
#include "opstate.h"

#include <pthread.h>
#include <string.h>

#include "arch/mem.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/pt_alloc.h"
#include "core/pt_walk.h"
#include "walker.h"

#define SECRET 0x5a
#define OTHER_VM 9u
#define PFN OPS_PFN(2, 37)
#define BLOCK OPS_PFN(3, 0)
#define GFN (OPS_GFN + 5)
#define BLOCK_GFN (OPS_GFN + 512)

static enum hv_status map(vmid_t vmid, uint64_t gfn, uint64_t pfn,
			  uint32_t level)
{
	return prot_and_map_vm_s2pt(vmid, gfn << PAGE_SHIFT, pfn << PAGE_SHIFT,
				    level);
}

/* --- assign_pfn_to_vm -------------------------------------------------- */

static void good_host_page_becomes_the_vms(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_fill(PFN, SECRET);
	ops_host_touches(PFN);
	assert_done(ops_assign(vm, GFN, PFN));
	ops_assert_record(PFN, vm, 0, GFN);
	g_assert_false(ops_host_maps(PFN));
	g_assert_true(ops_host_maps(PFN + 1));
	ops_assert_filled(PFN, SECRET);
}

static void good_own_page_at_its_place_stays(void)
{
	static const uint32_t counts[] = { 0, 1, MAX_SHARE_COUNT };
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		ops_set_record(PFN, vm, counts[i], GFN);
		if (counts[i] > 0) {
			ops_host_touches(PFN);
		}
		assert_refused(ops_assign(vm, GFN, PFN), HV_OK);
	}
}

static void good_own_page_without_a_place_gets_it(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_set_record(PFN, vm, 3, INVALID64);
	ops_host_touches(PFN);
	assert_done(ops_assign(vm, GFN, PFN));
	ops_assert_record(PFN, vm, 3, GFN);
	g_assert_true(ops_host_maps(PFN));
}

static void bad_own_page_has_another_place(void)
{
	static const uint32_t counts[] = { 0, 1, MAX_SHARE_COUNT, INVALID };
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		ops_set_record(PFN, vm, counts[i], GFN + 1);
		assert_refused(ops_assign(vm, GFN, PFN), HV_EPERM);
	}
}

static void bad_host_page_that_a_device_uses(void)
{
	static const uint32_t counts[] = { 1, 16, MAX_SHARE_COUNT, INVALID };
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		ops_set_record(PFN, HOSTVISOR, counts[i],
			       PFN + SMMU_HOST_OFFSET);
		assert_refused(ops_assign(vm, GFN, PFN), HV_EPERM);
		assert_refused(map(vm, GFN, PFN, 3), HV_EPERM);
	}
}

/* The count of a page reserved for a device is not a number of shares. */
static void g16_reserved_page_becomes_private_and_leaves_the_host(void)
{
	static const uint64_t maps[] = { GFN, INVALID64 };
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		ops_set_record(PFN, HOSTVISOR, 0, PFN + SMMU_HOST_OFFSET);
		ops_host_touches(PFN);
		ops_set_record(PFN, vm, INVALID, maps[i]);
		assert_done(ops_assign(vm, GFN, PFN));
		ops_assert_record(PFN, vm, 0, GFN);
		g_assert_false(ops_host_maps(PFN));
	}
}

static void g16_reserved_page_is_no_share(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_set_record(PFN, vm, INVALID, GFN);
	assert_refused(map_page_host(PFN << PAGE_SHIFT), HV_EPERM);
	assert_refused(ops_grant(vm, PFN), HV_EPERM);
	assert_refused(ops_revoke(vm, PFN), HV_EPERM);
}

/* --- Pages that are somebody else's ------------------------------------ */

struct foreign {
	const char *what;
	uint64_t pfn;
	uint32_t owner;
	uint32_t count;
};

/* The last ones are no RAM: a hole, a device of the host's, one of EL2's. */
static const struct foreign foreign_pages[] = {
	{ "another VM's", PFN, OTHER_VM, 0 },
	{ "another VM's, shared", PFN, OTHER_VM, 7 },
	{ "another VM's, reserved", PFN, OTHER_VM, INVALID },
	{ "EL2's", PFN, COREVISOR, 0 },
	{ "EL2's, with a count", PFN, COREVISOR, 1 },
	{ "EL2's tables", OPS_EL2 >> 12, COREVISOR, 0 },
	{ "hole", OPS_HOLE >> 12, INVALID, 0 },
	{ "page 0", 0, INVALID, 0 },
	{ "UART", 0x09000, INVALID, 0 },
	{ "EL2's UART", 0x09040, INVALID, 0 },
	{ "last page of 40 bits", KVM_PFN_SPACE - 1, INVALID, 0 },
};

static void start_foreign(const struct foreign *page, vmid_t *vm)
{
	ops_start();
	*vm = ops_new_vm();
	if (page->owner != INVALID) {
		machine_set_page(page->pfn, page->owner, page->count);
	}
}

static void g15_foreign_page_is_never_assigned(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign_pages); i++) {
		const struct foreign *page = &foreign_pages[i];
		vmid_t vm;

		g_test_message("%s", page->what);
		start_foreign(page, &vm);
		assert_refused(ops_assign(vm, GFN, page->pfn), HV_EPERM);
	}
}

static void g15_foreign_page_is_never_mapped(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign_pages); i++) {
		const struct foreign *page = &foreign_pages[i];
		vmid_t vm;

		g_test_message("%s", page->what);
		start_foreign(page, &vm);
		assert_refused(map(vm, GFN, page->pfn, 3), HV_EPERM);
		g_assert_cmphex(ops_vm_pfn(vm, GFN), ==, INVALID64);
	}
}

/* One foreign page anywhere in it, and the VM gets nothing of a block. */
static void g15_block_with_one_foreign_page_is_refused(void)
{
	static const uint64_t places[] = { 0, 1, 255, 510, 511 };
	static const uint32_t owners[] = { OTHER_VM, COREVISOR };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(owners); j++) {
			vmid_t vm;

			ops_start();
			vm = ops_new_vm();
			machine_set_page(BLOCK + places[i], owners[j], 0);
			assert_refused(map(vm, BLOCK_GFN, BLOCK, 2), HV_EPERM);
		}
	}
}

static void g15_block_of_no_ram_is_refused(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_refused(map(vm, BLOCK_GFN, OPS_HOLE >> 12, 2), HV_EPERM);
	assert_refused(map(vm, BLOCK_GFN, 0, 2), HV_EPERM);
	assert_refused(map(vm, BLOCK_GFN, OPS_EL2 >> 12, 2), HV_EPERM);
	assert_refused(map(vm, BLOCK_GFN, 0x10000000 >> 12, 2), HV_EPERM);
}

/* --- A page for a VM --------------------------------------------------- */

static void good_page_is_mapped_where_the_vm_faulted(void)
{
	struct leaf leaf;
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	/* Any byte of the page will do. */
	assert_done(prot_and_map_vm_s2pt(vm, (GFN << PAGE_SHIFT) + 0xabc,
					 PFN << PAGE_SHIFT, 3));
	g_assert_true(walker_lookup(pt_pool_root(vm), GFN << PAGE_SHIFT,
				    &leaf));
	g_assert_cmphex(leaf.pa, ==, PFN << PAGE_SHIFT);
	g_assert_cmpuint(leaf.level, ==, 3);
	/* Normal write-back, inner shareable, read, write, execute. */
	g_assert_cmphex(leaf.attributes, ==, 0x7ff);
	ops_assert_record(PFN, vm, 0, GFN);
	g_assert_cmphex(ops_vm_pfn(vm, GFN + 1), ==, INVALID64);
	g_assert_cmphex(ops_vm_pfn(vm, GFN - 1), ==, INVALID64);
}

static void good_any_level_but_2_is_a_page(void)
{
	static const uint32_t levels[] = { 0, 1, 3, 4, INVALID };
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		assert_done(map(vm, GFN + i, PFN + i, levels[i]));
		g_assert_cmphex(ops_vm_pfn(vm, GFN + i), ==, PFN + i);
	}
	ops_assert_record(PFN + ARRAY_SIZE(levels), HOSTVISOR, 0,
			  PFN + ARRAY_SIZE(levels) + SMMU_HOST_OFFSET);
}

static void good_own_page_is_mapped_at_its_place(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_fill(PFN, SECRET);
	assert_done(ops_assign(vm, GFN, PFN));
	assert_done(map(vm, GFN, PFN, 3));
	g_assert_cmphex(ops_vm_pfn(vm, GFN), ==, PFN);
	/* It was the VM's already: not erased. */
	ops_assert_filled(PFN, SECRET);
}

static void good_first_and_last_page_of_the_vms_space(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_done(map(vm, 0, PFN, 3));
	assert_done(map(vm, KVM_PFN_SPACE - 1, PFN + 1, 3));
	g_assert_cmphex(ops_vm_pfn(vm, 0), ==, PFN);
	g_assert_cmphex(ops_vm_pfn(vm, KVM_PFN_SPACE - 1), ==, PFN + 1);
	ops_assert_record(PFN, vm, 0, 0);
}

static void bad_page_twice_at_two_places(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, PFN);
	assert_refused(map(vm, GFN + 1, PFN, 3), HV_EPERM);
}

static void bad_page_for_two_vms(void)
{
	vmid_t vm, other;

	ops_start();
	vm = ops_new_vm();
	other = ops_new_vm();
	ops_give_page(vm, GFN, PFN);
	assert_refused(map(other, GFN, PFN, 3), HV_EPERM);
	/* A share is for the host. */
	assert_done(ops_grant(vm, PFN));
	assert_refused(map(other, GFN, PFN, 3), HV_EPERM);
}

static void bad_vm_that_does_not_exist(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_refused(map(vm + 1, GFN, PFN, 3), HV_EPERM);
	assert_refused(map(vm + 1, BLOCK_GFN, BLOCK, 2), HV_EPERM);
}

/* G38: what the specification only assumes of its arguments. */
static void g38_bad_vm_ids_are_refused(void)
{
	static const vmid_t ids[] = { HOSTVISOR, COREVISOR, COREVISOR + 1, 255,
				      INVALID };

	ops_start();
	ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_refused(map(ids[i], GFN, PFN, 3), HV_EINVAL);
		assert_refused(ops_assign(ids[i], GFN, PFN), HV_EINVAL);
		assert_refused(ops_grant(ids[i], PFN), HV_EPERM);
		assert_refused(ops_revoke(ids[i], PFN), HV_EPERM);
		/* The core's pages too are nobody's to clear (G6). */
		assert_refused((ops_clear(ids[i], OPS_EL2 >> 12), HV_OK),
			       HV_OK);
	}
}

/* G32: no address aliases another by losing bits. */
static void g32_addresses_beyond_40_bits_are_refused(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (unsigned int bit = 40; bit < 64; bit++) {
		uint64_t ipa = GFN << PAGE_SHIFT;
		uint64_t pa = PFN << PAGE_SHIFT;

		assert_refused(prot_and_map_vm_s2pt(vm, ipa | BIT(bit), pa, 3),
			       HV_EINVAL);
		assert_refused(prot_and_map_vm_s2pt(vm, ipa, pa | BIT(bit), 3),
			       HV_EINVAL);
		assert_refused(ops_assign(vm, GFN, PFN | BIT(bit - 12)),
			       HV_EPERM);
		assert_refused(ops_assign(vm, GFN | BIT(bit - 12), PFN),
			       HV_EINVAL);
	}
	assert_refused(map(vm, KVM_PFN_SPACE, PFN, 3), HV_EINVAL);
	assert_refused(map(vm, KVM_PFN_SPACE, BLOCK, 2), HV_EINVAL);
	assert_refused(map(vm, GFN, KVM_PFN_SPACE, 3), HV_EINVAL);
	assert_refused(map(vm, BLOCK_GFN, KVM_PFN_SPACE, 2), HV_EINVAL);
	assert_refused(ops_assign(vm, KVM_PFN_SPACE, PFN), HV_EINVAL);
}

/* An attribute bit in what the host offers is no address. */
static void g32_attributes_in_the_offer_are_refused(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (unsigned int bit = 0; bit < 12; bit++) {
		assert_refused(prot_and_map_vm_s2pt(vm, GFN << PAGE_SHIFT,
						    PFN << PAGE_SHIFT |
						    BIT(bit), 3), HV_EINVAL);
	}
}

/* What map_pfn_vm writes is the address it is given, and its own bits. */
static void g32_leaf_takes_the_address_alone(void)
{
	g_assert_cmphex(mem_vm_leaf(~UINT64_C(0), 3), ==,
			UINT64_C(0x0000ffffffffffff) & ~UINT64_C(0x800));
	g_assert_cmphex(mem_vm_leaf(~UINT64_C(0), 2), ==,
			UINT64_C(0x0000ffffffffffff) & ~UINT64_C(0x802));
	g_assert_cmphex(mem_vm_leaf(0, 3), ==, 0x7ff);
	g_assert_cmphex(mem_vm_leaf(0x1000, 3), ==, 0x17ff);
	g_assert_cmphex(mem_vm_leaf(0, 2), ==, 0x7fd);
}

/* G30: the valid bit says what is mapped, not the address. */
static void g30_page_0_of_ram_is_a_page_like_any_other(void)
{
	static const struct machine low = {
		.ram = { { 0, 4 * MIB }, { OPS_RAM2, OPS_RAM2_BYTES } },
		.nr_ram = 2,
		.el2 = { OPS_EL2, 4 * MIB },
		.pool_pages = 64,
		.arena_chunks = 20,
	};
	vmid_t vm;

	machine_start(&low);
	vm = ops_new_vm();
	ops_fill(0, SECRET);
	ops_host_touches(0);
	ops_give_page(vm, GFN, 0);
	g_assert_cmphex(ops_vm_pfn(vm, GFN), ==, 0);
	g_assert_false(ops_host_maps(0));
	ops_assert_filled(0, 0);
	g_assert_cmpint(map_page_host(0), ==, HV_EPERM);
	g_assert_cmpint(map(vm, GFN, 1, 3), ==, HV_EBUSY);
	assert_done(grant_stage2_sg_gpa(vm, GFN << PAGE_SHIFT, 1));
	ops_assert_record(0, vm, 1, GFN);
	/* A frame without a page is not page 0. */
	g_assert_cmpint(grant_stage2_sg_gpa(vm, (GFN + 1) << PAGE_SHIFT, 1), ==,
			HV_EPERM);
	g_assert_cmpint(revoke_stage2_sg_gpa(vm, (GFN + 1) << PAGE_SHIFT, 1),
			==, HV_EPERM);
	ops_assert_record(0, vm, 1, GFN);
	assert_done(revoke_stage2_sg_gpa(vm, GFN << PAGE_SHIFT, 1));
	ops_clear(vm, 0);
	ops_assert_record(0, HOSTVISOR, 0, SMMU_HOST_OFFSET);
}

/* --- A block for a VM -------------------------------------------------- */

static void assert_block_is(vmid_t vm, uint64_t gfn, uint64_t pfn)
{
	struct leaf leaf;

	g_assert_true(walker_lookup(pt_pool_root(vm), gfn << PAGE_SHIFT,
				    &leaf));
	g_assert_cmphex(leaf.ia, ==, gfn << PAGE_SHIFT);
	g_assert_cmphex(leaf.pa, ==, pfn << PAGE_SHIFT);
	g_assert_cmpuint(leaf.level, ==, 2);
	g_assert_cmphex(leaf.attributes, ==, 0x7fd);
}

static void good_block_is_mapped_where_the_vm_faulted(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_host_touches(BLOCK);
	for (uint64_t i = 0; i < 512; i++) {
		ops_fill(BLOCK + i, SECRET);
	}
	assert_done(prot_and_map_vm_s2pt(
		vm, (BLOCK_GFN << PAGE_SHIFT) + 0x123456, BLOCK << PAGE_SHIFT,
		2));
	assert_block_is(vm, BLOCK_GFN, BLOCK);
	for (uint64_t i = 0; i < 512; i++) {
		ops_assert_record(BLOCK + i, vm, 0, BLOCK_GFN + i);
		ops_assert_filled(BLOCK + i, 0);
		g_assert_false(ops_host_maps(BLOCK + i));
	}
	ops_assert_record(BLOCK - 1, HOSTVISOR, 0,
			  BLOCK - 1 + SMMU_HOST_OFFSET);
	ops_assert_record(BLOCK + 512, HOSTVISOR, 0,
			  BLOCK + 512 + SMMU_HOST_OFFSET);
}

static void good_block_that_the_host_maps_by_pages(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	/* A page that leaves splits the host's block; the page comes back. */
	ops_host_touches(BLOCK);
	ops_give_page(vm, GFN, BLOCK + 9);
	ops_clear(vm, BLOCK + 9);
	ops_host_touches(BLOCK + 9);
	vm = ops_new_vm();
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	assert_block_is(vm, BLOCK_GFN, BLOCK);
	for (uint64_t i = 0; i < 512; i++) {
		g_assert_false(ops_host_maps(BLOCK + i));
	}
}

/* G17: exactly the pages that the hardware maps are checked. */
static void g17_block_must_be_aligned(void)
{
	static const uint64_t offsets[] = { 1, 2, 255, 256, 511 };
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		assert_refused(map(vm, BLOCK_GFN, BLOCK + offsets[i], 2),
			       HV_EINVAL);
	}
	assert_refused(prot_and_map_vm_s2pt(vm, BLOCK_GFN << PAGE_SHIFT,
					    (BLOCK << PAGE_SHIFT) + 1, 2),
		       HV_EINVAL);
}

/* Pages of it that are the VM's already keep what they are. */
static void g18_block_keeps_what_its_pages_share_and_hold(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_host_touches(BLOCK);
	ops_set_record(BLOCK + 7, vm, 3, BLOCK_GFN + 7);
	ops_set_record(BLOCK + 8, vm, 0, BLOCK_GFN + 8);
	ops_set_record(BLOCK + 9, vm, INVALID, BLOCK_GFN + 9);
	for (uint64_t i = 6; i < 10; i++) {
		ops_fill(BLOCK + i, SECRET);
	}
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	ops_assert_record(BLOCK + 7, vm, 3, BLOCK_GFN + 7);
	g_assert_true(ops_host_maps(BLOCK + 7));
	ops_assert_record(BLOCK + 9, vm, 0, BLOCK_GFN + 9);
	g_assert_false(ops_host_maps(BLOCK + 9));
	ops_assert_filled(BLOCK + 6, 0);
	for (uint64_t i = 7; i < 10; i++) {
		ops_assert_filled(BLOCK + i, SECRET);
	}
	ops_assert_record(BLOCK + 6, vm, 0, BLOCK_GFN + 6);
}

/* Also where they are the first and the last of it. */
static void g18_block_keeps_its_shares_at_both_ends(void)
{
	static const uint64_t places[] = { 0, 511 };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint64_t n = places[i];
		vmid_t vm;

		ops_start();
		vm = ops_new_vm();
		ops_host_touches(BLOCK);
		ops_set_record(BLOCK + n, vm, 1, BLOCK_GFN + n);
		ops_give_block(vm, BLOCK_GFN, BLOCK);
		ops_assert_record(BLOCK + n, vm, 1, BLOCK_GFN + n);
		g_assert_true(ops_host_maps(BLOCK + n));
		g_assert_false(ops_host_maps(BLOCK + 511 - n));
	}
}

/* A table that maps nothing is in a block's way all the same. */
static void g18_block_over_an_empty_table_is_refused(void)
{
	uint64_t addr = BLOCK_GFN << PAGE_SHIFT;
	uint64_t pud;
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	acquire_lock_s2page();
	acquire_lock_pt(vm);
	pud = walk_pud(vm, walk_pgd(vm, pt_pool_root(vm), addr), addr, 1);
	g_assert_cmphex(walk_pmd(vm, pud, addr, 1), !=, 0);
	release_lock_pt(vm);
	release_lock_s2page();
	assert_refused(map(vm, BLOCK_GFN, BLOCK, 2), HV_EBUSY);
	ops_give_page(vm, BLOCK_GFN, BLOCK);
}

static void g18_block_over_a_page_is_refused(void)
{
	static const uint64_t places[] = { 0, 300, 511 };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		vmid_t vm;

		ops_start();
		vm = ops_new_vm();
		ops_give_page(vm, BLOCK_GFN + places[i], PFN);
		assert_refused(map(vm, BLOCK_GFN, BLOCK, 2), HV_EBUSY);
	}
}

static void g18_page_under_a_block_is_refused(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	assert_refused(map(vm, BLOCK_GFN + 3, PFN, 3), HV_EBUSY);
	/* Not even the page that the block maps there. */
	assert_refused(map(vm, BLOCK_GFN + 3, BLOCK + 3, 3), HV_EBUSY);
}

/* --- What is mapped stays ---------------------------------------------- */

static void g19_mapped_frame_never_changes_its_page(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, PFN);
	ops_fill(PFN, SECRET);
	assert_refused(map(vm, GFN, PFN + 1, 3), HV_EBUSY);
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	assert_refused(map(vm, BLOCK_GFN, BLOCK + 512, 2), HV_EBUSY);
}

/* Two vCPUs fault on one page and the host answers both. */
static void g19_same_answer_twice_changes_nothing(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, PFN);
	ops_fill(PFN, SECRET);
	assert_refused(map(vm, GFN, PFN, 3), HV_OK);
	assert_done(ops_grant(vm, PFN));
	assert_refused(map(vm, GFN, PFN, 3), HV_OK);
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	ops_fill(BLOCK + 9, SECRET);
	assert_refused(map(vm, BLOCK_GFN + 9, BLOCK, 2), HV_OK);
}

#define RACES 300

/* One CPU's part of a race: frames GFN.. of @vm get pages @pfn.. */
struct racer {
	uint32_t cpu;
	vmid_t vm;
	uint64_t pfn;
	unsigned int won;
	unsigned int lost;
};

static void *race(void *data)
{
	struct racer *racer = data;

	machine_become_cpu(racer->cpu);
	for (uint64_t i = 0; i < RACES; i++) {
		enum hv_status status = map(racer->vm, GFN + i, racer->pfn + i,
					    3);

		racer->won += status == HV_OK ? 1 : 0;
		racer->lost += status != HV_OK ? 1 : 0;
	}
	return NULL;
}

static void run_race(struct racer *a, struct racer *b)
{
	pthread_t thread;

	a->cpu = 0;
	b->cpu = 1;
	g_assert_cmpint(pthread_create(&thread, NULL, race, b), ==, 0);
	race(a);
	g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
	g_assert_cmpuint(a->won + a->lost, ==, RACES);
	g_assert_cmpuint(a->won, ==, b->lost);
	g_assert_cmpuint(b->won, ==, a->lost);
}

/* Two CPUs answer the same faults with different pages: one answer counts. */
static void g19_two_answers_at_once_leave_one_page(void)
{
	struct racer a = { .pfn = OPS_PFN(4, 0) };
	struct racer b = { .pfn = OPS_PFN(5, 0) };

	ops_start();
	a.vm = b.vm = ops_new_vm();
	run_race(&a, &b);
	for (uint64_t i = 0; i < RACES; i++) {
		uint64_t pfn = ops_vm_pfn(a.vm, GFN + i);
		uint64_t loser = a.pfn + b.pfn + 2 * i - pfn;

		ops_assert_record(pfn, a.vm, 0, GFN + i);
		ops_assert_record(loser, HOSTVISOR, 0,
				  loser + SMMU_HOST_OFFSET);
	}
}

/* Two CPUs give the same pages to two VMs: each page goes to one of them. */
static void g11_one_page_for_two_vms_at_once(void)
{
	struct racer a = { .pfn = OPS_PFN(4, 0) };
	struct racer b = { .pfn = OPS_PFN(4, 0) };

	ops_start();
	a.vm = ops_new_vm();
	b.vm = ops_new_vm();
	run_race(&a, &b);
	for (uint64_t i = 0; i < RACES; i++) {
		bool is_a = ops_vm_pfn(a.vm, GFN + i) == a.pfn + i;
		bool is_b = ops_vm_pfn(b.vm, GFN + i) == a.pfn + i;

		g_assert_true(is_a != is_b);
		ops_assert_record(a.pfn + i, is_a ? a.vm : b.vm, 0, GFN + i);
	}
}

/* --- What the next owner finds ----------------------------------------- */

/* The number of the first event of this kind, which must exist. */
static size_t event(enum native_op op, uint64_t a)
{
	size_t n;
	const struct native_event *events = native_events(&n);

	for (size_t i = 0; i < n; i++) {
		if (events[i].op == op && events[i].a == a) {
			return i;
		}
	}
	g_error("no event %d of 0x%lx", (int)op, a);
}

/* The number of the last store of a descriptor. */
static size_t store_of(uint64_t desc)
{
	size_t n;
	const struct native_event *events = native_events(&n);

	while (n > 0) {
		n--;
		if (events[n].op == NATIVE_TABLE_STORE && events[n].b == desc) {
			return n;
		}
	}
	g_error("nothing stored 0x%lx", desc);
}

/* Out of the host's TLBs, then erased, then in memory, then the VM's. */
static void g34_page_is_erased_between_host_and_vm(void)
{
	uint64_t pa = PFN << PAGE_SHIFT;
	size_t flushed, zeroed, cleaned, fetched, mapped;
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_fill(PFN, SECRET);
	ops_host_touches(PFN);
	native_events_reset();
	ops_give_page(vm, GFN, PFN);
	ops_assert_filled(PFN, 0);
	flushed = event(NATIVE_TLBI_IPAS2E1IS, pa);
	zeroed = event(NATIVE_ZERO, pa);
	cleaned = event(NATIVE_CLEAN, pa);
	fetched = event(NATIVE_ICACHE, 0);
	mapped = store_of(pa | 0x7ff);
	g_assert_cmpuint(flushed, <, zeroed);
	g_assert_cmpuint(zeroed, <, cleaned);
	g_assert_cmpuint(cleaned, <, fetched);
	g_assert_cmpuint(fetched, <, mapped);
}

/*
 * G24: the host's translation goes by the host's VMID, also while a VM's is in
 * VTTBR_EL2, as when a vCPU comes back with the answer to its fault. That each
 * step has its barriers is what the model behind every test watches.
 */
static void g24_host_loses_the_page_while_a_vm_is_current(void)
{
	const struct native_event *events;
	size_t flushed;
	uint64_t vttbr;
	vmid_t vm;
	size_t n;

	ops_start();
	vm = ops_new_vm();
	vttbr = get_vm_vttbr(vm);
	ops_host_touches(PFN);
	native_cpu.vttbr = vttbr;
	native_events_reset();
	ops_give_page(vm, GFN, PFN);
	flushed = event(NATIVE_TLBI_IPAS2E1IS, PFN << PAGE_SHIFT);
	events = native_events(&n);
	g_assert_cmphex(events[flushed].b, ==, machine_root());
	g_assert_cmphex(native_cpu.vttbr, ==, vttbr);
	g_assert_false(ops_host_maps(PFN));
}

/* G29: pages at the seam of two ranges are two pages, and none between. */
static void g29_ranges_of_ram_have_their_own_records(void)
{
	uint64_t last = (OPS_RAM + OPS_RAM_BYTES) / PAGE_SIZE - 1;
	uint64_t first = OPS_RAM2 / PAGE_SIZE;
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, last);
	ops_assert_record(last, vm, 0, GFN);
	ops_assert_record(first, HOSTVISOR, 0, first + SMMU_HOST_OFFSET);
	ops_give_page(vm, GFN + 1, first);
	ops_assert_record(last, vm, 0, GFN);
	ops_assert_record(first, vm, 0, GFN + 1);
	assert_refused(map(vm, GFN + 2, last + 1, 3), HV_EPERM);
	assert_refused(map(vm, GFN + 2, first - 1, 3), HV_EPERM);
	ops_clear(vm, last);
	ops_assert_record(first, vm, 0, GFN + 1);
}

/* One invalidation for a block of the host's, not 512. */
static void g37_block_costs_one_invalidation(void)
{
	const struct native_event *events;
	unsigned int flushes = 0, stores = 0;
	vmid_t vm;
	size_t n;

	ops_start();
	vm = ops_new_vm();
	/* Whoever the pages around it belong to. */
	ops_give_page(vm, GFN, BLOCK - 1);
	ops_give_page(vm, GFN + 1, BLOCK + 512);
	ops_host_touches(BLOCK);
	native_events_reset();
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		flushes += events[i].op == NATIVE_TLBI_IPAS2E1IS ||
			   events[i].op == NATIVE_TLBI_VMALLS12E1IS ? 1 : 0;
		stores += events[i].op == NATIVE_TABLE_STORE ? 1 : 0;
	}
	g_assert_cmpuint(flushes, ==, 1);
	/* Of the host's table, of its devices' and of the VM's. */
	g_assert_cmpuint(stores, ==, 3);
}

/* --- The way back ------------------------------------------------------ */

static void good_cleared_page_is_the_hosts_and_zero(void)
{
	static const uint32_t counts[] = { 0, 1, MAX_SHARE_COUNT, INVALID };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		vmid_t vm;

		ops_start();
		vm = ops_new_vm();
		ops_set_record(PFN, vm, counts[i], GFN);
		if (counts[i] == 1) {
			ops_host_touches(PFN);
		}
		ops_fill(PFN, SECRET);
		ops_clear(vm, PFN);
		ops_assert_reclaimed(PFN);
	}
}

/* G35: the record is again what the host's DMA rule expects. */
static void g35_reclaimed_page_has_the_hosts_map(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, PFN);
	ops_clear(vm, PFN);
	ops_assert_record(PFN, HOSTVISOR, 0, PFN + SMMU_HOST_OFFSET);
	/* And it may go to a VM again. */
	assert_done(ops_assign(vm, GFN + 1, PFN));
}

/* G25: the zeros are in memory before the page is the host's. */
static void g25_cleared_page_is_clean_in_memory(void)
{
	uint64_t pa = PFN << PAGE_SHIFT;
	const struct native_event *events;
	vmid_t vm;
	size_t n;

	ops_start();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, PFN);
	native_events_reset();
	ops_clear(vm, PFN);
	events = native_events(&n);
	g_assert_cmpuint(event(NATIVE_ZERO, pa), <, event(NATIVE_CLEAN, pa));
	g_assert_cmphex(events[event(NATIVE_CLEAN, pa)].b, ==, PAGE_SIZE);
}

static void bad_page_of_another_is_not_cleared(void)
{
	vmid_t vm;

	for (size_t i = 0; i < ARRAY_SIZE(foreign_pages); i++) {
		start_foreign(&foreign_pages[i], &vm);
		assert_refused((ops_clear(vm, foreign_pages[i].pfn), HV_OK),
			       HV_OK);
	}
	assert_refused((ops_clear(vm, PFN + 1), HV_OK), HV_OK);
}

/* --- Table memory ------------------------------------------------------ */

/* Pages far apart, until the arena is empty; returns how many there were. */
static uint64_t exhaust(vmid_t vm)
{
	uint64_t n = 0;

	while (map(vm, n << 18, OPS_PFN(0, n), 3) == HV_OK) {
		n++;
	}
	return n;
}

static uint64_t free_tables(vmid_t vm)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = pt_pool_free_pages(vm);
	release_lock_s2page();
	return pages;
}

static void g31_empty_pool_refuses_and_harms_nobody(void)
{
	vmid_t vm, other;
	uint64_t n;

	ops_start();
	other = ops_new_vm();
	ops_give_page(other, GFN, PFN);
	vm = ops_new_vm();
	n = exhaust(vm);
	g_assert_cmpuint(n, >, 100);
	/* To the last page: each took two tables, and none is left over. */
	g_assert_cmpuint(free_tables(vm), ==, 0);
	assert_refused(map(vm, n << 18, OPS_PFN(0, n), 3), HV_ENOMEM);
	assert_refused(map(vm, n << 18, BLOCK, 2), HV_ENOMEM);
	g_assert_cmphex(ops_vm_pfn(other, GFN), ==, PFN);
	/* Where tables are, there is still room. */
	assert_done(map(vm, 1, PFN + 1, 3));
	assert_done(map(other, GFN + 1, PFN + 2, 3));
	/* The host has its own pool. */
	ops_host_touches(OPS_PFN(5, 9));
}

static const struct unit_test tests[] = {
	UNIT_TEST("/ownership/assign/host-page-becomes-the-vms",
		  good_host_page_becomes_the_vms),
	UNIT_TEST("/ownership/assign/own-page-at-its-place-stays",
		  good_own_page_at_its_place_stays),
	UNIT_TEST("/ownership/assign/own-page-without-a-place-gets-it",
		  good_own_page_without_a_place_gets_it),
	UNIT_TEST("/ownership/assign/own-page-has-another-place",
		  bad_own_page_has_another_place),
	UNIT_TEST("/ownership/assign/host-page-that-a-device-uses",
		  bad_host_page_that_a_device_uses),
	UNIT_TEST("/ownership/g16_reserved_page_becomes_private_and_leaves_"
		  "the_host",
		  g16_reserved_page_becomes_private_and_leaves_the_host),
	UNIT_TEST("/ownership/g16_reserved_page_is_no_share",
		  g16_reserved_page_is_no_share),
	UNIT_TEST("/ownership/g15_foreign_page_is_never_assigned",
		  g15_foreign_page_is_never_assigned),
	UNIT_TEST("/ownership/g15_foreign_page_is_never_mapped",
		  g15_foreign_page_is_never_mapped),
	UNIT_TEST("/ownership/g15_block_with_one_foreign_page_is_refused",
		  g15_block_with_one_foreign_page_is_refused),
	UNIT_TEST("/ownership/g15_block_of_no_ram_is_refused",
		  g15_block_of_no_ram_is_refused),
	UNIT_TEST("/ownership/page/mapped-where-the-vm-faulted",
		  good_page_is_mapped_where_the_vm_faulted),
	UNIT_TEST("/ownership/page/any-level-but-2",
		  good_any_level_but_2_is_a_page),
	UNIT_TEST("/ownership/page/own-at-its-place",
		  good_own_page_is_mapped_at_its_place),
	UNIT_TEST("/ownership/page/first-and-last-of-the-vms-space",
		  good_first_and_last_page_of_the_vms_space),
	UNIT_TEST("/ownership/page/twice-at-two-places",
		  bad_page_twice_at_two_places),
	UNIT_TEST("/ownership/page/for-two-vms", bad_page_for_two_vms),
	UNIT_TEST("/ownership/page/vm-that-does-not-exist",
		  bad_vm_that_does_not_exist),
	UNIT_TEST("/ownership/g38_bad_vm_ids_are_refused",
		  g38_bad_vm_ids_are_refused),
	UNIT_TEST("/ownership/g32_addresses_beyond_40_bits_are_refused",
		  g32_addresses_beyond_40_bits_are_refused),
	UNIT_TEST("/ownership/g32_attributes_in_the_offer_are_refused",
		  g32_attributes_in_the_offer_are_refused),
	UNIT_TEST("/ownership/g32_leaf_takes_the_address_alone",
		  g32_leaf_takes_the_address_alone),
	UNIT_TEST("/ownership/g30_page_0_of_ram_is_a_page_like_any_other",
		  g30_page_0_of_ram_is_a_page_like_any_other),
	UNIT_TEST("/ownership/block/mapped-where-the-vm-faulted",
		  good_block_is_mapped_where_the_vm_faulted),
	UNIT_TEST("/ownership/block/that-the-host-maps-by-pages",
		  good_block_that_the_host_maps_by_pages),
	UNIT_TEST("/ownership/g17_block_must_be_aligned",
		  g17_block_must_be_aligned),
	UNIT_TEST("/ownership/g18_block_keeps_what_its_pages_share_and_hold",
		  g18_block_keeps_what_its_pages_share_and_hold),
	UNIT_TEST("/ownership/g18_block_keeps_its_shares_at_both_ends",
		  g18_block_keeps_its_shares_at_both_ends),
	UNIT_TEST("/ownership/g18_block_over_an_empty_table_is_refused",
		  g18_block_over_an_empty_table_is_refused),
	UNIT_TEST("/ownership/g18_block_over_a_page_is_refused",
		  g18_block_over_a_page_is_refused),
	UNIT_TEST("/ownership/g18_page_under_a_block_is_refused",
		  g18_page_under_a_block_is_refused),
	UNIT_TEST("/ownership/g19_mapped_frame_never_changes_its_page",
		  g19_mapped_frame_never_changes_its_page),
	UNIT_TEST("/ownership/g19_same_answer_twice_changes_nothing",
		  g19_same_answer_twice_changes_nothing),
	UNIT_TEST("/ownership/g19_two_answers_at_once_leave_one_page",
		  g19_two_answers_at_once_leave_one_page),
	UNIT_TEST("/ownership/g11_one_page_for_two_vms_at_once",
		  g11_one_page_for_two_vms_at_once),
	UNIT_TEST("/ownership/g34_page_is_erased_between_host_and_vm",
		  g34_page_is_erased_between_host_and_vm),
	UNIT_TEST("/ownership/g24_host_loses_the_page_while_a_vm_is_current",
		  g24_host_loses_the_page_while_a_vm_is_current),
	UNIT_TEST("/ownership/g29_ranges_of_ram_have_their_own_records",
		  g29_ranges_of_ram_have_their_own_records),
	UNIT_TEST("/ownership/g37_block_costs_one_invalidation",
		  g37_block_costs_one_invalidation),
	UNIT_TEST("/ownership/clear/page-is-the-hosts-and-zero",
		  good_cleared_page_is_the_hosts_and_zero),
	UNIT_TEST("/ownership/g35_reclaimed_page_has_the_hosts_map",
		  g35_reclaimed_page_has_the_hosts_map),
	UNIT_TEST("/ownership/g25_cleared_page_is_clean_in_memory",
		  g25_cleared_page_is_clean_in_memory),
	UNIT_TEST("/ownership/clear/page-of-another-is-not",
		  bad_page_of_another_is_not_cleared),
	UNIT_TEST("/ownership/g31_empty_pool_refuses_and_harms_nobody",
		  g31_empty_pool_refuses_and_harms_nobody),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
