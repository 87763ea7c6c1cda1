/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's loads and stores on an SMMU, which EL2 emulates: what the syndrome
 * says is done, and anything less is refused. What a register does with it is
 * smmu-filter-test.c's.
 */
#include "opstate.h"

#include <string.h>

#include "core/locks.h"
#include "core/mmio_ops.h"
#include "core/smmu_cfg.h"
#include "core/trap_handler.h"
#include "core/violation.h"
#include "smmumodel.h"

/* A bank of the host's of the first SMMU: FSR, FAR, TLBIIPAS2. */
#define BANK		1u
#define SMMU		SMMUMODEL_BASE(0)
#define SMMUS_END	SMMUMODEL_BASE(2)
#define FSR		(SMMU + 0x9058)
#define FAR		(SMMU + 0x9060)
#define TLBIIPAS2	(SMMU + 0x9630)
#define PC UINT64_C(0xffff800080123450)
#define VBAR UINT64_C(0xffff800080010800)
/* Negative as a word, positive as a doubleword. */
#define VALUE UINT64_C(0x7172737485868788)

/* ISS of a data abort with ISV (Arm ARM D19.2.37). */
#define ISV		BIT(24)
#define SAS(n)		((uint64_t)(n) << 22)
#define SSE		BIT(21)
#define SRT(n)		((uint64_t)(n) << 16)
#define SF		BIT(15)
#define S1PTW		BIT(7)
#define CM		BIT(8)
#define WNR		BIT(6)
/* PSTATE in which the host faults. */
#define EL0T		UINT64_C(0x60000000)
#define EL1H		UINT64_C(0x60000005)
#define EL0_THUMB	UINT64_C(0x60000030)

#define TRANSLATION_L3	UINT64_C(7)
#define DABT		((uint64_t)0x24 << 26 | BIT(25))
#define IABT		((uint64_t)0x20 << 26 | BIT(25))

/* Hardware that remembers its last access and gives VALUE. */
static struct {
	unsigned int reads;
	unsigned int writes;
	uint64_t addr;
	uint32_t bytes;
	uint64_t value;
} device;

static uint64_t device_read(paddr_t pa, unsigned int bytes)
{
	g_assert_true(lock_smmu_is_held());
	device.reads++;
	device.addr = pa;
	device.bytes = bytes;
	return bytes == 8 ? VALUE : (uint32_t)VALUE;
}

static void device_write(paddr_t pa, unsigned int bytes, uint64_t value)
{
	g_assert_true(lock_smmu_is_held());
	device.writes++;
	device.addr = pa;
	device.bytes = bytes;
	device.value = value;
}

static const struct native_bus device_bus = { device_read, device_write };

static void start(void)
{
	ops_start();
	acquire_lock_smmu();
	for (uint32_t i = 0; i < get_smmu_num(); i++) {
		set_smmu_cfg_vmid(BANK, i, HOSTVISOR);
	}
	release_lock_smmu();
	memset(&device, 0, sizeof(device));
	native_set_bus(&device_bus);
	native_cpu.vbar_el1 = VBAR;
}

/* The host faults at @addr; all of its registers have something in them. */
static struct trap_frame fault(uint64_t addr, uint64_t esr)
{
	struct trap_frame frame = {
		.elr = PC,
		.spsr = EL1H,
		.esr = esr | TRANSLATION_L3,
		.far = 0xffff000000000000 | (addr & 0xfff),
		.hpfar = addr >> 12 << 4,
	};

	for (size_t i = 0; i < ARRAY_SIZE(frame.regs); i++) {
		frame.regs[i] = UINT64_C(0xf0f1f2f3f4f5f600) | i;
	}
	return frame;
}

static unsigned int accesses(void)
{
	return device.reads + device.writes;
}

/* The instruction is done: nothing changed but what @frame says. */
static void assert_emulated(struct trap_frame *frame,
			    const struct trap_frame *expected)
{
	trap_host_sync(frame);
	g_assert_cmpmem(frame, sizeof(*frame), expected, sizeof(*expected));
	g_assert_cmphex(native_cpu.esr_el1, ==, 0);
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, 0);
	g_assert_false(ops_host_maps(frame->hpfar >> 4));
}

/* The host gets an external abort instead, and the device hears nothing. */
static void assert_aborted_in(uint64_t spsr, uint64_t addr, uint64_t esr)
{
	struct trap_frame frame = fault(addr, esr);
	struct trap_frame before = frame;
	unsigned int n = accesses();
	uint64_t refusals = pcpu_boot()->counters->refusals;

	frame.spsr = spsr;
	trap_host_sync(&frame);
	g_assert_cmpmem(frame.regs, sizeof(frame.regs), before.regs,
			sizeof(before.regs));
	g_assert_cmphex(frame.elr & ~UINT64_C(0x7ff), ==, VBAR);
	g_assert_cmphex(native_cpu.esr_el1 & 0x3f, ==, 0x10);
	g_assert_cmphex(native_cpu.elr_el1, ==, PC);
	g_assert_cmpuint(accesses(), ==, n);
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, refusals + 1);
	g_assert_false(ops_host_maps(addr >> 12));
}

static void assert_aborted(uint64_t addr, uint64_t esr)
{
	assert_aborted_in(EL1H, addr, esr);
}

struct load {
	uint64_t iss;
	uint64_t result;
};

/* Size, sign extension and register width of a load. */
static const struct load loads[] = {
	{ SAS(2), 0x85868788 },
	{ SAS(2) | SF, 0x85868788 },
	{ SAS(2) | SSE, 0x85868788 },
	{ SAS(2) | SSE | SF, 0xffffffff85868788 },
	{ SAS(3) | SF, VALUE },
};

static void load_fills_its_register(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct trap_frame frame, expected;

		start();
		frame = fault(FAR, DABT | ISV | SRT(17) | loads[i].iss);
		expected = frame;
		expected.regs[17] = loads[i].result;
		expected.elr = PC + 4;
		assert_emulated(&frame, &expected);
		g_assert_cmpuint(device.reads, ==, 1);
		g_assert_cmphex(device.addr, ==, FAR);
		g_assert_cmpuint(device.bytes, ==,
				 1 << (loads[i].iss >> 22 & 3));
	}
}

/* One store of @sas by x30 to @addr, and what arrives there. */
static void assert_stored(uint64_t addr, unsigned int sas, uint64_t value)
{
	struct trap_frame frame, expected;

	start();
	frame = fault(addr, DABT | ISV | WNR | SAS(sas) | SRT(30));
	expected = frame;
	expected.elr = PC + 4;
	assert_emulated(&frame, &expected);
	g_assert_cmpuint(device.writes, ==, 1);
	g_assert_cmphex(device.value, ==, value);
	g_assert_cmphex(device.addr, ==, addr);
	g_assert_cmpuint(device.bytes, ==, 1 << sas);
}

static void store_gives_its_registers_low_bytes(void)
{
	assert_stored(FSR, 2, 0xf4f5f61e);
	assert_stored(TLBIIPAS2, 3, UINT64_C(0xf0f1f2f3f4f5f61e));
	/* Of the other SMMU. */
	assert_stored(FSR + SMMUMODEL_BYTES, 2, 0xf4f5f61e);
}

/* G71: register 31 is zero, and nothing. */
static void g71_store_of_xzr_is_zero(void)
{
	struct trap_frame frame, expected;

	start();
	frame = fault(TLBIIPAS2, DABT | ISV | WNR | SAS(3) | SRT(31));
	expected = frame;
	expected.elr = PC + 4;
	device.value = VALUE;
	assert_emulated(&frame, &expected);
	g_assert_cmphex(device.value, ==, 0);
}

static void g71_load_to_xzr_goes_nowhere(void)
{
	struct trap_frame frame, expected;

	start();
	frame = fault(FAR, DABT | ISV | SAS(3) | SF | SRT(31));
	expected = frame;
	expected.elr = PC + 4;
	assert_emulated(&frame, &expected);
	g_assert_cmpuint(device.reads, ==, 1);
}

static void access_ends_a_step_and_a_branch(void)
{
	struct trap_frame frame;

	start();
	frame = fault(FSR, DABT | ISV | SAS(2) | SRT(1));
	frame.spsr |= BIT(21) | UINT64_C(3) << 10;
	trap_host_sync(&frame);
	g_assert_cmphex(frame.spsr, ==, 0x60000005);
}

/* G14, G71: pairs, write-back, vectors, cache maintenance: no syndrome. */
static void g14_access_without_syndrome_is_refused(void)
{
	start();
	assert_aborted(FSR, DABT | SAS(2) | SRT(1));
	assert_aborted(FSR, DABT | WNR | SAS(2) | SRT(1));
	g_assert_nonnull(strstr(native_console(), "access to IPA 0x9059000"));
}

static void g14_fetch_is_refused(void)
{
	start();
	assert_aborted(FSR, IABT);
	/* Whatever else is in its syndrome. */
	assert_aborted(FSR, IABT | ISV | SAS(2) | SRT(1));
}

static void g14_table_walk_is_refused(void)
{
	start();
	assert_aborted(FAR, DABT | ISV | S1PTW | SAS(3) | SRT(1));
}

/* Which has no valid syndrome; should one say so all the same. */
static void g14_cache_maintenance_is_refused(void)
{
	start();
	assert_aborted(FSR, DABT | ISV | CM | SAS(2) | SRT(1));
	assert_aborted(FSR, DABT | ISV | CM | WNR | SAS(2) | SRT(1));
}

/* Two bytes to skip, and a block of conditional instructions to go on in. */
static void aarch32_access_is_refused(void)
{
	start();
	assert_aborted_in(EL0_THUMB, FSR, DABT | ISV | SAS(2) | SRT(1));
}

/* Its bytes are in the other order. */
static void big_endian_access_is_refused(void)
{
	start();
	native_cpu.sctlr_el1 = BIT(25);
	assert_aborted(FSR, DABT | ISV | SAS(2) | SRT(1));
	native_cpu.sctlr_el1 = BIT(24);
	assert_aborted_in(EL0T, FSR, DABT | ISV | SAS(2) | SRT(1));
}

/* EL0's order is not EL1's. */
static void little_endian_access_beside_a_big_endian_level(void)
{
	struct trap_frame frame;

	start();
	native_cpu.sctlr_el1 = ~BIT(25);
	frame = fault(FSR, DABT | ISV | SAS(2) | SRT(1));
	trap_host_sync(&frame);
	native_cpu.sctlr_el1 = ~BIT(24);
	frame = fault(FSR, DABT | ISV | SAS(2) | SRT(1));
	frame.spsr = EL0T;
	trap_host_sync(&frame);
	g_assert_cmpuint(device.reads, ==, 2);
}

static void g14_other_faults_are_refused(void)
{
	struct trap_frame frame;

	start();
	frame = fault(FSR, DABT | ISV | SAS(2) | SRT(1));
	/* A permission fault at level 3. */
	frame.esr = (frame.esr & ~UINT64_C(0x3f)) | 0xf;
	trap_host_sync(&frame);
	g_assert_cmphex(native_cpu.esr_el1 & 0x3f, ==, 0x10);
	g_assert_cmpuint(accesses(), ==, 0);
}

static void bytes_and_halves_are_refused(void)
{
	start();
	for (unsigned int sas = 0; sas < 2; sas++) {
		for (uint64_t addr = SMMU; addr < SMMUS_END;
		     addr += 0x1000 + 4) {
			uint64_t esr = DABT | ISV | SAS(sas) | SRT(1);

			assert_aborted(addr, esr);
			assert_aborted(addr, esr | WNR);
		}
	}
}

static void misaligned_access_is_refused(void)
{
	start();
	for (unsigned int n = 1; n < 8; n++) {
		uint64_t word = DABT | ISV | SAS(2) | SRT(1);
		uint64_t doubleword = DABT | ISV | SAS(3) | SRT(1);

		if (n != 4) {
			assert_aborted(FAR + n, word);
			assert_aborted(FSR + n, word | WNR);
		}
		assert_aborted(FAR + n, doubleword);
		assert_aborted(TLBIIPAS2 + n, doubleword | WNR);
	}
	assert_aborted(SMMU + 0xfff, DABT | ISV | SAS(2));
	assert_aborted(SMMU + 0xffc, DABT | ISV | SAS(3));
}

static void last_bytes_of_the_smmus_are_theirs(void)
{
	struct trap_frame frame;

	start();
	/* A register that is not there reads 0. */
	frame = fault(SMMUS_END - 4, DABT | ISV | SAS(2) | SRT(1));
	trap_host_sync(&frame);
	g_assert_cmphex(frame.regs[1], ==, 0);
	g_assert_cmphex(frame.elr, ==, PC + 4);
	/* Behind them there is nothing, and before them neither. */
	assert_aborted(SMMUS_END, DABT | ISV | SAS(2));
	assert_aborted(SMMU - 4, DABT | ISV | SAS(2));
	g_assert_cmpuint(is_smmu_range(SMMU - 1), ==, INVALID);
	g_assert_cmpuint(is_smmu_range(SMMU), ==, 0);
	g_assert_cmpuint(is_smmu_range(SMMUMODEL_BASE(1) - 1), ==, 0);
	g_assert_cmpuint(is_smmu_range(SMMUMODEL_BASE(1)), ==, 1);
	g_assert_cmpuint(is_smmu_range(SMMUS_END), ==, INVALID);
	g_assert_cmpuint(accesses(), ==, 0);
}

static void access_that_the_filter_refuses_is_refused(void)
{
	start();
	assert_aborted(SMMU + 0x2000, DABT | ISV | SAS(2) | SRT(1) | WNR);
	assert_aborted(FSR, DABT | ISV | SAS(3) | SRT(1));
}

static void board_without_smmus(void)
{
	start();
	smmu_cfg_reset();
	g_assert_cmpint(emulate_mmio(SMMU, (uint32_t)(DABT | ISV | SAS(2))), ==,
			HV_ENOTSUP);
	assert_aborted(SMMU, DABT | ISV | SAS(2));
}

/* Where no SMMU is, the fault is one of memory. */
static void other_faults_are_mapped_as_before(void)
{
	struct trap_frame frame;

	start();
	g_assert_cmpint(emulate_mmio(OPS_RAM, (uint32_t)(DABT | ISV)), ==,
			HV_ENOTSUP);
	frame = fault(OPS_RAM, DABT | ISV | SAS(3));
	trap_host_sync(&frame);
	g_assert_true(ops_host_maps(OPS_RAM >> 12));
	g_assert_cmphex(frame.elr, ==, PC);
	g_assert_cmpuint(accesses(), ==, 0);
}

static void run_frame(void *data)
{
	trap_host_sync(data);
}

static void halt_panics_on_a_refused_access(void)
{
	struct trap_frame frame;

	start();
	violation_set_halt(true);
	frame = fault(FSR, DABT);
	assert_panics(run_frame, &frame,
		      "violation by the host: access to IPA 0x9059000");
}

static void syndrome_fields_are_the_architectures(void)
{
	uint32_t esr = (uint32_t)(DABT | ISV | SAS(3) | SRT(21) | WNR);

	g_assert_cmpuint(host_dabt_get_as(esr), ==, 8);
	g_assert_cmpuint(host_dabt_get_as(esr & ~(uint32_t)SAS(3)), ==, 1);
	g_assert_cmpuint(host_dabt_get_as(esr & ~(uint32_t)SAS(1)), ==, 4);
	g_assert_cmpuint(host_dabt_get_rd(esr), ==, 21);
	g_assert_cmpuint(host_dabt_is_write(esr), !=, 0);
	g_assert_cmpuint(host_dabt_is_write(esr & ~(uint32_t)WNR), ==, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/mmio/load/fills-its-register", load_fills_its_register),
	UNIT_TEST("/mmio/store/gives-its-registers-low-bytes",
		  store_gives_its_registers_low_bytes),
	UNIT_TEST("/mmio/g71_store_of_xzr_is_zero", g71_store_of_xzr_is_zero),
	UNIT_TEST("/mmio/g71_load_to_xzr_goes_nowhere",
		  g71_load_to_xzr_goes_nowhere),
	UNIT_TEST("/mmio/skip/ends-a-step-and-a-branch",
		  access_ends_a_step_and_a_branch),
	UNIT_TEST("/mmio/g14_access_without_syndrome_is_refused",
		  g14_access_without_syndrome_is_refused),
	UNIT_TEST("/mmio/g14_fetch_is_refused", g14_fetch_is_refused),
	UNIT_TEST("/mmio/g14_table_walk_is_refused", g14_table_walk_is_refused),
	UNIT_TEST("/mmio/g14_cache_maintenance_is_refused",
		  g14_cache_maintenance_is_refused),
	UNIT_TEST("/mmio/refusal/aarch32", aarch32_access_is_refused),
	UNIT_TEST("/mmio/refusal/big-endian", big_endian_access_is_refused),
	UNIT_TEST("/mmio/load/beside-a-big-endian-level",
		  little_endian_access_beside_a_big_endian_level),
	UNIT_TEST("/mmio/g14_other_faults_are_refused",
		  g14_other_faults_are_refused),
	UNIT_TEST("/mmio/refusal/bytes-and-halves",
		  bytes_and_halves_are_refused),
	UNIT_TEST("/mmio/refusal/misaligned", misaligned_access_is_refused),
	UNIT_TEST("/mmio/range/last-bytes-are-its-own",
		  last_bytes_of_the_smmus_are_theirs),
	UNIT_TEST("/mmio/refusal/by-the-filter",
		  access_that_the_filter_refuses_is_refused),
	UNIT_TEST("/mmio/range/no-smmus", board_without_smmus),
	UNIT_TEST("/mmio/fault/others-are-mapped-as-before",
		  other_faults_are_mapped_as_before),
	UNIT_TEST_DIES("/mmio/halt/panics-on-a-refused-access",
		       halt_panics_on_a_refused_access),
	UNIT_TEST("/mmio/syndrome/fields-are-the-architectures",
		  syndrome_fields_are_the_architectures),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
