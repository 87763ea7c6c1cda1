/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects of pages and tables. See defects-test.c. */
#include "defects.h"

#include "spec/locks.h"
#include "spec/mem_manager.h"
#include "spec/page_manager.h"

/* --- Assignment ---------------------------------------------------------- */

static void g15_foreign_page(void)
{
	start_with_page();
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 2, GPA, PA, 3) == ANSWER_PERM);
	CHECK(CALL(OP_VM_FAULT, 2, GPA, fw_el2.base, 3) == ANSWER_PERM);
	CHECK(CALL(OP_VM_FAULT, 2, GPA, 0x9000000, 3) == ANSWER_PERM);
	/* The Coq panics as well; it is the C that maps the page. */
	CHECK(assign_pfn_to_vm_c(2, GFN, PFN, &coq) == SOME && !coq.halt);
	CHECK(assign_pfn_to_vm_coq(2, GFN, PFN, &coq) == SOME && coq.halt);
}

static void g16_g63_reserved_becomes_private(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_PLANT, PFN, 1, INVALID, GFN) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN)->count == 0);
	CHECK(maps(run_state(), 0, PFN).level == 0);
	/* Q-top's record is as it was; it was never the host's to lose. */
	CHECK(map_page_host_coq(PA, &coq) == SOME);
	CHECK(assign_pfn_to_vm_qtop(1, GFN, PFN, &coq) == SOME && !coq.halt);
	CHECK(page_of(&coq, PFN)->count == INVALID);
	/* Below it the page becomes private, and the host still maps it. */
	CHECK(assign_pfn_to_vm_coq(1, GFN, PFN, &coq) == SOME && !coq.halt);
	CHECK(page_of(&coq, PFN)->count == 0);
	CHECK(maps(&coq, 0, PFN).level == 3);
}

static void g17_misaligned_block(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 2) == ANSWER_INVAL);
	CHECK(prot_and_map_vm_s2pt_coq(1, GPA, PA, 2, &coq) == SOME);
	/* 512 pages from PFN on, while hardware begins at 0x40000. */
	CHECK(maps(&coq, 1, 0x80000).pfn == PFN);
	CHECK(page_of(&coq, 0x40000)->owner == HOSTVISOR);
}

static void g18_block_over_page(void)
{
	start_with_page();
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, GPA, BLOCK * PAGE_SIZE, 2) == ANSWER_BUSY);
	CHECK(page_of(run_state(), BLOCK)->owner == HOSTVISOR);
	CHECK(prot_and_map_vm_s2pt_coq(1, GPA, BLOCK * PAGE_SIZE, 2, &coq) ==
	      SOME);
	CHECK(maps(&coq, 1, GFN).level == 2 && maps(&coq, 1, GFN).pfn != PFN);
}

static void g19_second_page_at_a_gfn(void)
{
	start_with_page();
	CHECK(CALL(OP_VM_STORE, 1, 0, GFN, 0, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA + PAGE_SIZE, 3) == ANSWER_BUSY);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	CHECK(CALL(OP_VM_LOAD, 1, 0, GFN, 1) == ANSWER_OK);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_regs.x[1] == SECRET);
	CHECK(prot_and_map_vm_s2pt_coq(1, GPA, PA + PAGE_SIZE, 3, &coq) ==
	      SOME);
	CHECK(maps(&coq, 1, GFN).pfn == PFN + 1);
}

static void g31_empty_pool(void)
{
	uint64_t far = UINT64_C(1) << 30;
	uint64_t i;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	/* Each takes a level-2 and a level-3 table; 14 pages are there. */
	for (i = 0; i < 7; i++) {
		CHECK(CALL(OP_VM_FAULT, 1, i * far, PA + i * PAGE_SIZE, 3) ==
		      ANSWER_OK);
	}
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, i * far, PA + i * PAGE_SIZE, 3) ==
	      ANSWER_NOMEM);
	CHECK(page_of(run_state(), PFN + i)->owner == HOSTVISOR);
	CHECK(prot_and_map_vm_s2pt_coq(1, i * far, PA + i * PAGE_SIZE, 3,
				       &coq) == SOME);
	CHECK(page_of(&coq, PFN + i)->owner == 1);
}

static void g34_donated_page_is_scrubbed(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_HOST_STORE, PA, 0, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	CHECK(content_of(run_state(), PFN) == 0);
	CHECK(prot_and_map_vm_s2pt_coq(1, GPA, PA, 3, &coq) == SOME);
	CHECK(content_of(&coq, PFN) == SECRET);
}

/*
 * What the C leaves out is a lock, which no function of one CPU's state shows.
 * Pinned is that neither side changes an owner without s2page, and that the
 * specification maps only in a hold of it.
 */
static void g11_only_under_s2page(void)
{
	const struct call assign = { OP_ASSIGN, { 1, GFN, PFN } };

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(set_pfn_owner_spec(PFN, 1, &coq) == STUCK);
	CHECK(assign_pfn_to_vm_spec(1, GFN, PFN, &coq) == STUCK);
	fork_coq();
	CHECK(acquire_lock_s2page_spec(&coq) == SOME);
	CHECK(assign_pfn_to_vm_spec(1, GFN, PFN, &coq) == SOME);
	CHECK(map_pfn_vm_spec(1, GPA, PA, 3, &coq) == SOME);
	CHECK(release_lock_s2page_spec(&coq) == SOME);
	CHECK(map_pfn_vm_spec(1, GPA + PAGE_SIZE, PA, 3, &coq) == STUCK);
	CHECK(fw_dies_without_s2page(&assign));
	CHECK(fw_get_page(PFN).owner == HOSTVISOR);
}

static void g29_index_of_a_hole(void)
{
	/* What lies between the two regions of RAM. */
	const struct pa_window hole = { 0x40400000, 0x300000 };
	uint64_t last = fw_ram[1].base + fw_ram[1].bytes - PAGE_SIZE;
	uint64_t index;

	fork_coq();
	for (uint64_t pa = hole.base; pa < hole.base + hole.bytes;
	     pa += hole.bytes - PAGE_SIZE) {
		CHECK(CALL(OP_GET_PFN, pa / PAGE_SIZE) == ANSWER_OK);
		CHECK(fw_get_page(pa / PAGE_SIZE).owner == INVALID);
		CHECK(CALL(OP_MAP_PAGE_HOST, pa) == ANSWER_PERM);
		CHECK(get_s2_page_index_spec(pa, &coq) == INVALID64);
		index = get_s2_page_index_c(pa, &hole, &coq);
		CHECK(index >= MAX_RAM_PAGES && index != INVALID64);
	}
	CHECK(get_s2_page_index_spec(last, &coq) == coq.nr_pages - 1);
}

static void g32_map_beyond_32_bits(void)
{
	uint64_t far = UINT64_C(1) << 32 | GFN;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_PLANT, PFN, 1, INVALID, far) == ANSWER_OK);
	fork_coq();
	CHECK(fw_get_page(PFN).gfn == far);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_PERM);
	CHECK(page_of(run_state(), PFN)->count == INVALID);
	CHECK(assign_pfn_to_vm_c(1, GFN, PFN, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->count == 0);
}

static void g38_fault_beyond_the_space(void)
{
	uint64_t addr = KVM_PHYS_SIZE + GPA;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, addr, PA, 3) == ANSWER_INVAL);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, KVM_PHYS_SIZE + PA, 3) ==
	      ANSWER_INVAL);
	CHECK(page_of(run_state(), PFN)->owner == HOSTVISOR);
	CHECK(prot_and_map_vm_s2pt_coq(1, addr, PA, 3, &coq) == SOME);
	CHECK(maps(&coq, 1, addr / PAGE_SIZE).pfn == PFN);
	CHECK(page_of(&coq, PFN)->owner == 1);
}

/* A board with RAM at 0, for which there is no firmware here. */
static void g30_page_zero(void)
{
	struct board board = {
		.regions = { { 0, 16 * PAGE_SIZE } }, .nr_regions = 1,
	};
	struct call map = { OP_MAP_PFN, { 1, GPA, 0, 3 } };
	struct call walk = { OP_WALK, { 1, GPA } };
	struct fw_result result;

	empty_adt(&board, 1, &coq);
	CHECK(map_page_host_spec(0, &coq) == SOME);
	CHECK(maps(&coq, HOSTVISOR, 0).level == 3);
	CHECK(maps(&coq, HOSTVISOR, 0).pfn == 0);
	CHECK(get_level_s2pt_coq(HOSTVISOR, 0, &coq) == 0);
	/* The firmware alone: page 0 is not RAM of the test's board. */
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fw_do(&walk, NULL, &result);
	CHECK(result.answer == ANSWER_OK && result.value[1] == 0);
	fw_do(&map, NULL, &result);
	CHECK(result.answer == ANSWER_OK);
	fw_do(&walk, NULL, &result);
	CHECK(result.answer == ANSWER_OK && result.value[1] == 3);
}

/* --- Sharing ------------------------------------------------------------- */

static void g16_revoke_of_reserved(void)
{
	CHECK(CALL(OP_PLANT, PFN, 1, INVALID, GFN) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_REVOKE_PAGE, 1, PFN) == ANSWER_PERM);
	CHECK(page_of(run_state(), PFN)->count == INVALID);
	CHECK(revoke_vm_page_coq(1, PFN, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->count == INVALID - 1);
}

static void g57_range_is_rounded_outwards(void)
{
	start_with_page();
	CHECK(CALL(OP_VM_FAULT, 1, GPA + PAGE_SIZE, PA + PAGE_SIZE, 3) ==
	      ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_GRANT, 1, GPA + 1, PAGE_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN + 1)->count == 1);
	CHECK(grant_stage2_sg_gpa_coq(1, GPA + 1, PAGE_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN + 1)->count == 0);
}

static void g57_page_of_a_block(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, BLOCK * PAGE_SIZE, 2) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_GRANT, 1, GPA, PAGE_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), BLOCK + 5)->count == 1);
	CHECK(grant_stage2_sg_gpa_qtop(1, GPA, PAGE_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, BLOCK)->count == 1);
	CHECK(page_of(&coq, BLOCK + 5)->count == 0);
}

static void g57_unmapped_page_refuses_all(void)
{
	start_with_page();
	fork_coq();
	CHECK(CALL(OP_GRANT, 1, GPA, 2 * PAGE_SIZE) == ANSWER_PERM);
	CHECK(page_of(run_state(), PFN)->count == 0);
	CHECK(grant_stage2_sg_gpa_coq(1, GPA, 2 * PAGE_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->count == 1);
}

static void g57_result_in_x0(void)
{
	uint32_t ret;

	start_with_page();
	CHECK(CALL(OP_PVOP, 1, 0, HVC_KVM_SET_DESC_PFN, GPA, PAGE_SIZE) ==
	      ANSWER_OK);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_regs.x[0] == 0);
	rdata_copy(&coq, run_state_before());
	coq.cur_vmid = 1;
	CHECK(core_handle_pvops_coq(&coq, &ret) == SOME && ret == 0);
	CHECK(coq.shadow_ctxts[1][0].ctxt_regs.x[0] == HVC_KVM_SET_DESC_PFN);
	CHECK(page_of(&coq, PFN)->count == 1);
	CHECK(CALL(OP_PVOP, 1, 0, HVC_KVM_UNSET_DESC_PFN, GPA, PAGE_SIZE) ==
	      ANSWER_OK);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_regs.x[0] == 0);
	rdata_copy(&coq, run_state_before());
	coq.cur_vmid = 1;
	CHECK(core_handle_pvops_coq(&coq, &ret) == SOME && ret == 0);
	CHECK(coq.shadow_ctxts[1][0].ctxt_regs.x[0] == HVC_KVM_UNSET_DESC_PFN);
	CHECK(page_of(&coq, PFN)->count == 0);
}

static void g38_range_beyond_the_space(void)
{
	start_with_page();
	fork_coq();
	CHECK(CALL(OP_GRANT, 1, KVM_PHYS_SIZE, PAGE_SIZE) == ANSWER_INVAL);
	CHECK(CALL(OP_GRANT, 1, UINT64_MAX, 2) == ANSWER_INVAL);
	CHECK(CALL(OP_GRANT, 1, GPA, 513 * PAGE_SIZE) == ANSWER_INVAL);
	CHECK(page_of(run_state(), PFN)->count == 0);
	/* However long the call takes; and beyond 2^48 there is no answer. */
	CHECK(grant_stage2_sg_gpa_coq(1, GPA, 513 * PAGE_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->count == 1);
	CHECK(grant_stage2_sg_gpa_coq(1, UINT64_MAX, 2, &coq) == NONE_INVAL);
}

const struct defect_test defects_memory[] = {
	{ "G11 only under s2page", g11_only_under_s2page, 4 },
	{ "G15 foreign page", g15_foreign_page, 4 },
	{ "G16 revoke of a reservation", g16_revoke_of_reserved, 4 },
	{ "G16, G63 a reservation ends", g16_g63_reserved_becomes_private, 4 },
	{ "G17 misaligned block", g17_misaligned_block, 4 },
	{ "G18 block over a page", g18_block_over_page, 4 },
	{ "G19 second page at a gfn", g19_second_page_at_a_gfn, 4 },
	{ "G29 index of a hole", g29_index_of_a_hole, 4 },
	{ "G30 page zero", g30_page_zero, 4 },
	{ "G31 empty pool", g31_empty_pool, 2 },
	{ "G32 map beyond 32 bits", g32_map_beyond_32_bits, 4 },
	{ "G34 scrub on donation", g34_donated_page_is_scrubbed, 4 },
	{ "G38 range beyond the space", g38_range_beyond_the_space, 4 },
	{ "G38 fault beyond the space", g38_fault_beyond_the_space, 4 },
	{ "G57 rounded outwards", g57_range_is_rounded_outwards, 4 },
	{ "G57 page of a block", g57_page_of_a_block, 4 },
	{ "G57 unmapped page", g57_unmapped_page_refuses_all, 4 },
	{ "G57 result in x0", g57_result_in_x0, 4 },
	{ NULL, NULL, 0 },
};
