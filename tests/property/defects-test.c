/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the Coq is wrong or weak: each test does on both sides what a defect
 * is about (they must agree), then the same by the uncorrected definition, and
 * says how the two differ. Named after the defects of facts section G.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw.h"
#include "run.h"
#include "spec/abstract_machine.h"
#include "spec/mem_manager.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/uncorrected.h"

#define PFN	UINT64_C(0x40010)
#define PA	(PFN * PAGE_SIZE)
#define BLOCK	UINT64_C(0x40a00)
#define GFN	UINT64_C(0x80005)
#define GPA	(GFN * PAGE_SIZE)
#define SECRET	UINT64_C(0x5ec2e7)

static struct rdata coq;
static bool failed;

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			printf("# line %d: %s\n", __LINE__, #condition); \
			failed = true; \
		} \
	} while (0)

static enum answer call_with(struct call call)
{
	struct run_result result = { .steps = 0 };

	if (!run_call(&call, 0, &result)) {
		printf("# firmware and specification differ: %s\n",
		       result.message);
		failed = true;
	}
	return result.answer;
}

#define CALL(op, ...)	call_with((struct call){ op, { __VA_ARGS__ } })

/* The uncorrected definitions go on from here. */
static void fork_coq(void)
{
	rdata_copy(&coq, run_state());
}

static const struct s2page *page_of(const struct rdata *adt, uint64_t pfn)
{
	return &adt->s2page[get_s2_page_index_spec(pfn * PAGE_SIZE, adt)];
}

static uint64_t content_of(const struct rdata *adt, uint64_t pfn)
{
	return adt->flatmem[get_s2_page_index_spec(pfn * PAGE_SIZE, adt)];
}

static struct npt_entry maps(const struct rdata *adt, uint32_t vmid,
			     uint64_t gfn)
{
	return npt_get(&adt->npts[vmid], gfn);
}

/* VM 1, with PFN at GFN. */
static void start_with_page(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
}

/* --- Faults of the host -------------------------------------------------- */

static void g14_permission_fault(void)
{
	fork_coq();
	CHECK(CALL(OP_HOST_FAULT, PFN << 4, 0x9200000f, 0) == ANSWER_PERM);
	CHECK(maps(run_state(), 0, PFN).level == 0);
	/* An address that the Coq's mask leaves as it is. */
	coq.hpfar_el2 = 0x300 << 4;
	coq.esr_el2 = 0x9200000f;
	CHECK(handle_host_stage2_fault_coq(&coq) == SOME);
	CHECK(maps(&coq, 0, 0x300).level == 3);
}

static void g54_hpfar_mask(void)
{
	fork_coq();
	CHECK(CALL(OP_HOST_FAULT, 0x40300 << 4, 0x92000007, 0) == ANSWER_OK);
	CHECK(maps(run_state(), 0, 0x40300).level == 3);
	coq.hpfar_el2 = 0x40300 << 4;
	coq.esr_el2 = 0x92000007;
	CHECK(handle_host_stage2_fault_coq(&coq) == SOME);
	CHECK(maps(&coq, 0, 0x40300).level == 0);
	CHECK(maps(&coq, 0, 0x300).level == 3);
}

static void g16_reserved_is_not_shared(void)
{
	CHECK(CALL(OP_PLANT, PFN, 1, INVALID, GFN) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_MAP_PAGE_HOST, PA) == ANSWER_PERM);
	CHECK(map_page_host_coq(PA, &coq) == SOME && !coq.halt);
	CHECK(maps(&coq, 0, PFN).level == 3);
}

static void host_maps_only_its_windows(void)
{
	fork_coq();
	CHECK(CALL(OP_MAP_PAGE_HOST, 0x200000000) == ANSWER_PERM);
	CHECK(map_page_host_coq(0x200000000, &coq) == SOME);
	CHECK(maps(&coq, 0, 0x200000).level == 3);
}

static void descriptor_bit_11(void)
{
	fork_coq();
	CHECK(CALL(OP_MAP_PAGE_HOST, PA) == ANSWER_OK);
	CHECK((maps(run_state(), 0, PFN).pte & 0xfff) == PAGE_S2_KERNEL);
	CHECK(map_page_host_coq(PA, &coq) == SOME);
	CHECK((maps(&coq, 0, PFN).pte & 0xfff) == PAGE_S2_KERNEL_COQ);
}

static void g53_skip_instr(void)
{
	uint64_t hpfar = fw_device.base / PAGE_SIZE << 4;

	CHECK(CALL(OP_HOST_FAULT, hpfar, 0x93c08044, 8) == ANSWER_OK);
	fork_coq();
	CHECK(run_state()->elr_el2 == 0x80004);
	coq.elr_el2 = 0x80000;
	CHECK(host_skip_instr_coq(&coq) == SOME);
	CHECK(coq.elr_el2 == 0x80000 && coq.esr_el2 == 0x80004);
}

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
	CHECK(run_state()->shadow_ctxts[1][0][1] == SECRET);
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
	CHECK(run_state()->shadow_ctxts[1][0][0] == 0);
	rdata_copy(&coq, run_state_before());
	coq.cur_vmid = 1;
	CHECK(core_handle_pvops_coq(&coq, &ret) == SOME && ret == 0);
	CHECK(coq.shadow_ctxts[1][0][0] == HVC_KVM_SET_DESC_PFN);
}

static void g38_range_beyond_the_space(void)
{
	start_with_page();
	fork_coq();
	CHECK(CALL(OP_GRANT, 1, KVM_PHYS_SIZE, PAGE_SIZE) == ANSWER_INVAL);
	CHECK(CALL(OP_GRANT, 1, UINT64_MAX, 2) == ANSWER_INVAL);
	CHECK(CALL(OP_GRANT, 1, GPA, 513 * PAGE_SIZE) == ANSWER_INVAL);
	CHECK(grant_stage2_sg_gpa_coq(1, KVM_PHYS_SIZE, PAGE_SIZE, &coq) ==
	      SOME);
}

/* --- Devices and teardown ------------------------------------------------ */

static void g26_descriptor_bits_in_the_pa(void)
{
	uint64_t pa = PA | UINT64_C(1) << 58;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_IOREMAP, 1, GPA, pa, PAGE_SIZE) == ANSWER_INVAL);
	CHECK(CALL(OP_IOREMAP, 1, GPA, PA, PAGE_SIZE) == ANSWER_PERM);
	/* The Coq's dispatcher stops it; the C maps the page. */
	CHECK(kvm_phys_addr_ioremap_coq(1, GPA, pa, PAGE_SIZE, &coq) ==
	      NONE_INVAL);
	CHECK(kvm_phys_addr_ioremap_c(1, GPA, pa, PAGE_SIZE, &coq) == SOME);
	CHECK(maps(&coq, 1, GFN).pfn == PFN);
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
}

static void g26_device_over_a_page(void)
{
	start_with_page();
	fork_coq();
	CHECK(CALL(OP_IOREMAP, 1, GPA, 0x9000000, PAGE_SIZE) == ANSWER_BUSY);
	CHECK(maps(run_state(), 1, GFN).pfn == PFN);
	CHECK(kvm_phys_addr_ioremap_coq(1, GPA, 0x9000000, PAGE_SIZE, &coq) ==
	      SOME);
	CHECK(maps(&coq, 1, GFN).pfn == 0x9000);
}

static void g26_emulated_device(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_IOREMAP, 1, GPA, fw_device.base, PAGE_SIZE) ==
	      ANSWER_PERM);
	CHECK(kvm_phys_addr_ioremap_coq(1, GPA, fw_device.base, PAGE_SIZE,
					&coq) == SOME);
	CHECK(maps(&coq, 1, GFN).level == 3);
}

static void g21_table_survives_the_pages(void)
{
	start_with_page();
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN)->owner == HOSTVISOR);
	CHECK(maps(run_state(), 1, GFN).level == 0);
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
	CHECK(maps(&coq, 1, GFN).pfn == PFN);
}

static void g21_active_vcpu(void)
{
	start_with_page();
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	CHECK(CALL(OP_SET_VCPU_STATE, 1, 3, ACTIVE) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_BUSY);
	CHECK(page_of(run_state(), PFN)->owner == 1);
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
}

static void g35_map_of_a_page_that_is_back(void)
{
	start_with_page();
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN)->gfn == PFN + SMMU_HOST_OFFSET);
	/* The Coq says the same; it is the C that stores 0. */
	CHECK(clear_vm_stage2_range_c(1, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->gfn == 0);
}

static void g7_no_id_is_left(void)
{
	for (uint32_t i = 1; i < COREVISOR; i++) {
		CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	}
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_NOMEM);
	CHECK(run_state()->vms[COREVISOR].state == UNUSED);
	CHECK(run_state()->vms[HOSTVISOR].state == UNUSED);
}

static void g23_id_comes_again(void)
{
	start_with_page();
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_DESTROY_VM, 1) == ANSWER_OK);
	CHECK(run_state()->vms[1].state == UNUSED);
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(run_state()->vms[1].state == READY);
	CHECK(maps(run_state(), 1, GFN).level == 0);
}

/* A board with RAM at 0, for which there is no firmware here. */
static void g30_page_zero(void)
{
	struct board board = {
		.regions = { { 0, 16 * PAGE_SIZE } }, .nr_regions = 1,
	};
	struct npt_entry entry;

	empty_adt(&board, 1, &coq);
	CHECK(map_page_host_spec(0, &coq) == SOME);
	entry = maps(&coq, HOSTVISOR, 0);
	CHECK(entry.level == 3 && (entry.pte & 1) == 1);
	/* "Unmapped" in the Coq. */
	CHECK(entry.pfn == 0);
}

/* ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(void);
	uint32_t chunks;
} tests[] = {
	{ "G7 no id is left", g7_no_id_is_left, FW_MAX_CHUNKS },
	{ "G14 permission fault", g14_permission_fault, 4 },
	{ "G15 foreign page", g15_foreign_page, 4 },
	{ "G16 a reservation is no share", g16_reserved_is_not_shared, 4 },
	{ "G16 revoke of a reservation", g16_revoke_of_reserved, 4 },
	{ "G16, G63 a reservation ends", g16_g63_reserved_becomes_private, 4 },
	{ "G17 misaligned block", g17_misaligned_block, 4 },
	{ "G18 block over a page", g18_block_over_page, 4 },
	{ "G19 second page at a gfn", g19_second_page_at_a_gfn, 4 },
	{ "G21 table survives the pages", g21_table_survives_the_pages, 4 },
	{ "G21 active vCPU", g21_active_vcpu, 4 },
	{ "G23 an id comes again", g23_id_comes_again, 4 },
	{ "G26 descriptor bits in the PA", g26_descriptor_bits_in_the_pa, 4 },
	{ "G26 device over a page", g26_device_over_a_page, 4 },
	{ "G26 a device of EL2's", g26_emulated_device, 4 },
	{ "G30 page zero", g30_page_zero, 4 },
	{ "G31 empty pool", g31_empty_pool, 2 },
	{ "G34 scrub on donation", g34_donated_page_is_scrubbed, 4 },
	{ "G35 map of a page that is back", g35_map_of_a_page_that_is_back, 4 },
	{ "G38 range beyond the space", g38_range_beyond_the_space, 4 },
	{ "G53 skip of an instruction", g53_skip_instr, 4 },
	{ "G54 HPFAR mask", g54_hpfar_mask, 4 },
	{ "G57 rounded outwards", g57_range_is_rounded_outwards, 4 },
	{ "G57 page of a block", g57_page_of_a_block, 4 },
	{ "G57 unmapped page", g57_unmapped_page_refuses_all, 4 },
	{ "G57 result in x0", g57_result_in_x0, 4 },
	{ "descriptor bit 11", descriptor_bit_11, 4 },
	{ "device windows", host_maps_only_its_windows, 4 },
};

int main(void)
{
	size_t n = sizeof(tests) / sizeof(tests[0]);
	bool any = false;

	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		failed = false;
		run_start(tests[i].chunks);
		tests[i].run();
		printf("%sok %zu - %s\n", failed ? "not " : "", i + 1,
		       tests[i].name);
		any = any || failed;
	}
	return any ? 1 : 0;
}
