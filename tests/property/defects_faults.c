/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects where the host faults. See defects-test.c. */
#include "defects.h"

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
	/* sCR0, as it reads at reset. */
	CHECK(CALL(OP_SMMU_WRITE, 0, SMMU_SCR0, 4, SCR0_RESET) == ANSWER_OK);
	fork_coq();
	CHECK(run_state()->elr_el2 == 0x80004);
	coq.elr_el2 = 0x80000;
	CHECK(host_skip_instr_coq(&coq) == SOME);
	CHECK(coq.elr_el2 == 0x80000 && coq.esr_el2 == 0x80004);
}

/* A syndrome of more than 32 bits: the Coq has no answer. */
static void g38_high_syndrome(void)
{
	uint64_t esr = UINT64_C(1) << 36 | 0x92000007;

	fork_coq();
	CHECK(CALL(OP_HOST_FAULT, 0x300 << 4, esr, 0) == ANSWER_PERM);
	CHECK(CALL(OP_HOST_FAULT, 0x40300 << 4, esr, 0) == ANSWER_OK);
	CHECK(maps(run_state(), 0, 0x40300).level == 3);
	coq.hpfar_el2 = 0x40300 << 4;
	coq.esr_el2 = esr;
	CHECK(handle_host_stage2_fault_coq(&coq) == NONE_INVAL);
}

const struct defect_test defects_faults[] = {
	{ "G14 permission fault", g14_permission_fault, 4 },
	{ "G16 a reservation is no share", g16_reserved_is_not_shared, 4 },
	{ "G38 syndrome of 36 bits", g38_high_syndrome, 4 },
	{ "G53 skip of an instruction", g53_skip_instr, 4 },
	{ "G54 HPFAR mask", g54_hpfar_mask, 4 },
	{ "descriptor bit 11", descriptor_bit_11, 4 },
	{ "device windows", host_maps_only_its_windows, 4 },
	{ NULL, NULL, 0 },
};
