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
	uint64_t hpfar = fw_device.base / PAGE_SIZE << 4;

	CHECK(CALL(OP_HOST_FAULT, hpfar, 0x93c08044, 8) == ANSWER_OK);
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

/* The Coq's emulation of an access that reads @word. */
static void emulate_coq(uint64_t esr, uint64_t word)
{
	uint32_t ret;

	coq.far_el2 = 0;
	coq.doracle = (struct oracle){ &word, 1, 0 };
	CHECK(emulate_mmio_coq(fw_device.base, esr, &coq, &ret) == SOME);
	CHECK(ret == 0);
}

#define DEVICE_HPFAR	(fw_device.base / PAGE_SIZE << 4)

static void g67_four_bytes_are_written(void)
{
	uint64_t esr = 0x93810044;	/* x1, 4 bytes */

	CHECK(CALL(OP_HOST_STORE, PA, 1, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_HOST_FAULT, DEVICE_HPFAR, esr, 0) == ANSWER_OK);
	CHECK(run_state()->mmio.write && run_state()->mmio.value == SECRET);
	emulate_coq(esr, 0);
	CHECK(coq.mmio.write && coq.mmio.bytes == 4 && coq.mmio.value == 0);
}

/* No valid syndrome; a table walk; a fetch: each looks like a load of x1. */
static void g71_no_load(void)
{
	static const uint64_t esrs[] = { 0x92c18004, 0x93c18084, 0x83c18004 };

	for (size_t i = 0; i < sizeof(esrs) / sizeof(esrs[0]); i++) {
		CHECK(CALL(OP_HOST_STORE, PA, 1, SECRET) == ANSWER_OK);
		fork_coq();
		CHECK(CALL(OP_HOST_FAULT, DEVICE_HPFAR, esrs[i], 0) ==
		      ANSWER_PERM);
		CHECK(run_state()->host_regs[1] == SECRET);
		CHECK(run_state()->nr_mmio == 0);
		emulate_coq(esrs[i], 0x1234);
		CHECK(coq.host_regs[1] == 0x1234 && coq.nr_mmio == 1);
	}
}

/*
 * Here the Coq is right: its register 31 reads as 0 and takes nothing. In the
 * C it is an element of the array, which a load fills and a store gives away.
 */
static void g71_register_31(void)
{
	/* So that no other register is taken for it. */
	for (uint32_t reg = 0; reg < 30; reg++) {
		CHECK(CALL(OP_HOST_STORE, PA, reg, SECRET) == ANSWER_OK);
	}
	CHECK(CALL(OP_HOST_FAULT, DEVICE_HPFAR, 0x93df8004, 8) == ANSWER_OK);
	CHECK(run_state()->mmio.value != 0);
	for (uint32_t reg = 0; reg < 30; reg++) {
		CHECK(run_state()->host_regs[reg] == SECRET);
	}
	CHECK(CALL(OP_HOST_FAULT, DEVICE_HPFAR, 0x93df8044, 8) == ANSWER_OK);
	CHECK(run_state()->nr_mmio == 2 && run_state()->mmio.write);
	CHECK(run_state()->mmio.value == 0);
}

const struct defect_test defects_faults[] = {
	{ "G14 permission fault", g14_permission_fault, 4 },
	{ "G16 a reservation is no share", g16_reserved_is_not_shared, 4 },
	{ "G38 syndrome of 36 bits", g38_high_syndrome, 4 },
	{ "G53 skip of an instruction", g53_skip_instr, 4 },
	{ "G54 HPFAR mask", g54_hpfar_mask, 4 },
	{ "G67 four bytes are written", g67_four_bytes_are_written, 4 },
	{ "G71 no load", g71_no_load, 4 },
	{ "G71 register 31", g71_register_31, 4 },
	{ "descriptor bit 11", descriptor_bit_11, 4 },
	{ "device windows", host_maps_only_its_windows, 4 },
	{ NULL, NULL, 0 },
};
