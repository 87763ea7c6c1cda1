/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host traps with and what it finds afterwards: stage-2 faults,
 * injected exceptions, refused calls, the violation policy.
 */
#include "harness.h"

#include <string.h>

#include "arch/mem.h"
#include "core/inject.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/panic.h"
#include "core/psci.h"
#include "core/trap_handler.h"
#include "core/violation.h"

#define VBAR UINT64_C(0xffff800080010800)
#define PC UINT64_C(0xffff800080123450)
#define FAR UINT64_C(0xffff00000a123456)
#define GOOD_IPA (TEST_RAM_BASE + 5 * PMD_SIZE)
#define BAD_IPA (TEST_EL2_BASE + PAGE_SIZE)

/* ESR of an abort from a lower level (Arm ARM D19.2.37), IL set. */
#define ABORT_ESR(ec, fsc) ((uint64_t)(ec) << 26 | BIT(25) | (fsc))
#define EC_IABT 0x20
#define EC_DABT 0x24

static struct hypsec_inspect_cpu *counters(void)
{
	return pcpu_boot()->counters;
}

/* A frame with something in every field, at EL1h, and a host with vectors. */
static struct trap_frame some_frame(uint64_t esr, uint64_t ipa)
{
	struct trap_frame frame = {
		.elr = PC,
		.spsr = 0x60000005,
		.esr = esr,
		.far = FAR,
		.hpfar = ipa >> 12 << 4,
	};

	for (size_t i = 0; i < ARRAY_SIZE(frame.regs); i++) {
		frame.regs[i] = random64();
	}
	native_cpu.vbar_el1 = VBAR;
	return frame;
}

static void assert_registers_kept(const struct trap_frame *frame,
				  const struct trap_frame *before, size_t first)
{
	for (size_t i = first; i < ARRAY_SIZE(frame->regs); i++) {
		g_assert_cmphex(frame->regs[i], ==, before->regs[i]);
	}
}

static bool is_mapped(uint64_t ipa)
{
	return get_level_s2pt(HOSTVISOR, ipa) != 0;
}

/* --- Stage-2 faults --------------------------------------------------- */

static void fault_maps_and_retries(uint64_t ec)
{
	struct trap_frame frame = some_frame(ABORT_ESR(ec, 0x06), GOOD_IPA);
	struct trap_frame before = frame;

	trap_host_sync(&frame);
	g_assert_true(is_mapped(GOOD_IPA));
	g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
	g_assert_cmphex(native_cpu.esr_el1, ==, 0);
	g_assert_cmpuint(counters()->refusals, ==, 0);
	g_assert_cmpuint(counters()->host_s2_faults, ==, 1);
}

static void fault_on_data_maps_and_retries(void)
{
	fault_maps_and_retries(EC_DABT);
}

static void fault_on_instruction_maps_and_retries(void)
{
	fault_maps_and_retries(EC_IABT);
}

static void fault_on_el2_memory_is_refused(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 0x07), BAD_IPA);
	struct trap_frame before = frame;

	trap_host_sync(&frame);
	g_assert_false(is_mapped(BAD_IPA));
	g_assert_cmphex(native_cpu.esr_el1, ==, 0x96000010);
	g_assert_cmphex(native_cpu.far_el1, ==, FAR);
	assert_registers_kept(&frame, &before, 0);
	g_assert_cmpuint(counters()->refusals, ==, 1);
	g_assert_cmpuint(counters()->host_s2_faults, ==, 1);
}

static void fault_refusal_names_address_and_pc(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 0x07), BAD_IPA);

	trap_host_sync(&frame);
	g_assert_cmpstr(native_console(), ==,
			"refused: host cpu0: access to IPA 0x43c01000 "
			"(pc 0xffff800080123450 esr 0x92000007)\r\n");
}

/* G14: only a translation fault asks for a mapping, by either abort. */
static void fault_of_each_status(uint64_t ec)
{
	for (uint64_t fsc = 0; fsc < 64; fsc++) {
		bool translation = fsc >= 4 && fsc <= 7;
		struct trap_frame frame;
		void *before;

		machine_start(&test_machine);
		frame = some_frame(ABORT_ESR(ec, fsc), GOOD_IPA);
		before = machine_copy();
		trap_host_sync(&frame);
		g_assert_true(is_mapped(GOOD_IPA) == translation);
		g_assert_true((frame.elr == PC) == translation);
		g_assert_true((native_cpu.esr_el1 == 0) == translation);
		g_assert_cmpuint(counters()->refusals, ==, !translation);
		g_assert_cmpuint(counters()->host_s2_faults, ==, 1);
		if (translation) {
			g_free(before);
		} else {
			machine_assert_unchanged(before);
		}
	}
}

static void fault_each_status_of_data(void)
{
	fault_of_each_status(EC_DABT);
}

static void fault_each_status_of_instruction(void)
{
	fault_of_each_status(EC_IABT);
}

/* HPFAR_EL2 holds IPA[51:12] in bits 43:4; all others say something else. */
static void fault_address_is_hpfar_fipa(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 0x06), 0);

	frame.hpfar = GOOD_IPA >> 8 | BIT(63) | GENMASK(62, 44) | 0xf;
	trap_host_sync(&frame);
	g_assert_true(is_mapped(GOOD_IPA));
	g_assert_cmpuint(counters()->refusals, ==, 0);
}

static void fault_address_is_not_far(void)
{
	struct trap_frame frame =
		some_frame(ABORT_ESR(EC_DABT, 0x06), GOOD_IPA);

	frame.far = BAD_IPA;
	trap_host_sync(&frame);
	g_assert_true(is_mapped(GOOD_IPA));
	g_assert_cmpuint(counters()->refusals, ==, 0);
}

static void fault_beyond_40_bits_is_refused(void)
{
	for (unsigned int bit = 40; bit < 52; bit++) {
		struct trap_frame frame =
			some_frame(ABORT_ESR(EC_DABT, 0x05),
				   BIT(bit) | GOOD_IPA);

		trap_host_sync(&frame);
		g_assert_cmphex(frame.elr, ==, VBAR + 0x200);
	}
	g_assert_false(is_mapped(GOOD_IPA));
	g_assert_cmpuint(counters()->refusals, ==, 12);
}

/* A walk of the host's own tables that ends in EL2's memory. */
static void fault_of_stage1_walk_is_refused(void)
{
	struct trap_frame frame =
		some_frame(ABORT_ESR(EC_DABT, 0x06 | ESR_ELX_S1PTW), BAD_IPA);

	trap_host_sync(&frame);
	g_assert_cmphex(native_cpu.esr_el1, ==, 0x96000010);
}

/* --- Injected aborts -------------------------------------------------- */

struct origin {
	uint64_t spsr;
	uint64_t vector;
	bool el1;
};

static const struct origin origins[] = {
	{ 0x80000000, 0x400, false },	/* EL0 */
	{ 0x20000004, 0x000, true },	/* EL1t */
	{ 0x40000005, 0x200, true },	/* EL1h */
	{ 0x00000010, 0x600, false },	/* AArch32 EL0, A32 */
	{ 0x00000030, 0x600, false },	/* AArch32 EL0, T32 */
};

static void check_injection(const struct origin *origin, uint64_t ec,
			    uint64_t el1_ec)
{
	struct trap_frame frame = some_frame(ABORT_ESR(ec, 0x07), BAD_IPA);
	struct trap_frame before;

	frame.spsr = origin->spsr;
	before = frame;
	inject_external_abort(&frame);
	g_assert_cmphex(native_cpu.elr_el1, ==, PC);
	g_assert_cmphex(native_cpu.spsr_el1, ==, origin->spsr);
	g_assert_cmphex(native_cpu.far_el1, ==, FAR);
	g_assert_cmphex(native_cpu.esr_el1, ==, el1_ec << 26 | BIT(25) | 0x10);
	g_assert_cmphex(frame.elr, ==, VBAR + origin->vector);
	g_assert_cmphex(frame.spsr, ==, 0x3c5 | (origin->spsr & 0xf0000000));
	assert_registers_kept(&frame, &before, 0);
}

static void inject_data_abort_from_each_mode(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
		check_injection(&origins[i], EC_DABT,
				origins[i].el1 ? 0x25 : 0x24);
	}
}

static void inject_instruction_abort_from_each_mode(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
		check_injection(&origins[i], EC_IABT,
				origins[i].el1 ? 0x21 : 0x20);
	}
}

static uint64_t injected_esr(uint64_t esr)
{
	struct trap_frame frame = some_frame(esr, BAD_IPA);

	inject_external_abort(&frame);
	return native_cpu.esr_el1;
}

static void inject_write_is_told(void)
{
	g_assert_cmphex(injected_esr(ABORT_ESR(EC_DABT, 0x47)), ==, 0x96000050);
}

static void inject_instruction_abort_has_no_write(void)
{
	g_assert_cmphex(injected_esr(ABORT_ESR(EC_IABT, 0x47)), ==, 0x86000010);
}

/* ISV, SAS, SRT, CM, S1PTW and the rest speak of stage 2 only. */
static void inject_nothing_else_of_the_syndrome(void)
{
	g_assert_cmphex(injected_esr(ABORT_ESR(EC_DABT, 0x01ffffff)), ==,
			0x96000050);
}

/* IL is 1 for every data abort without ISV, also of a 16-bit instruction. */
static void inject_il_is_always_set(void)
{
	g_assert_cmphex(injected_esr((uint64_t)EC_DABT << 26 | BIT(24) | 7), ==,
			0x96000010);
}

static void inject_undefined_is_class_0(void)
{
	struct trap_frame frame = some_frame(0, 0);

	native_cpu.far_el1 = 0x1234;
	inject_undefined(&frame);
	g_assert_cmphex(native_cpu.esr_el1, ==, 0x02000000);
	g_assert_cmphex(native_cpu.elr_el1, ==, PC);
	g_assert_cmphex(native_cpu.far_el1, ==, 0x1234);
	g_assert_cmphex(frame.elr, ==, VBAR + 0x200);
}

static void vector_ignores_low_bits_of_vbar(void)
{
	g_assert_cmphex(inject_vector(VBAR | 0x7ff, 0x5), ==, VBAR + 0x200);
}

/* --- PSTATE at the handler -------------------------------------------- */

static const struct cpu_features no_features;

static void pstate_is_el1h_all_masked(void)
{
	g_assert_cmphex(inject_entry_pstate(0, 0, &no_features), ==, 0x3c5);
}

/* UAO, SS, IL, BTYPE and what else was set goes; NZCV and DIT stay. */
static void pstate_keeps_nzcv_and_dit_only(void)
{
	g_assert_cmphex(inject_entry_pstate(~UINT64_C(0), 0, &no_features), ==,
			0xf10003c5);
}

static void pstate_without_features_ignores_sctlr(void)
{
	g_assert_cmphex(inject_entry_pstate(0, ~UINT64_C(0), &no_features), ==,
			0x3c5);
}

static void pstate_pan_is_set_unless_span(void)
{
	const struct cpu_features pan = { .pan = true };

	g_assert_cmphex(inject_entry_pstate(0, 0, &pan), ==, 0x4003c5);
	g_assert_cmphex(inject_entry_pstate(BIT(22), 0, &pan), ==, 0x4003c5);
}

static void pstate_pan_is_kept_with_span(void)
{
	const struct cpu_features pan = { .pan = true };

	g_assert_cmphex(inject_entry_pstate(0, BIT(23), &pan), ==, 0x3c5);
	g_assert_cmphex(inject_entry_pstate(BIT(22), BIT(23), &pan), ==,
			0x4003c5);
}

static void pstate_ssbs_is_dssbs(void)
{
	const struct cpu_features ssbs = { .ssbs = true };

	g_assert_cmphex(inject_entry_pstate(BIT(12), 0, &ssbs), ==, 0x3c5);
	g_assert_cmphex(inject_entry_pstate(0, BIT(44), &ssbs), ==, 0x13c5);
}

static void pstate_tco_is_set_with_mte(void)
{
	const struct cpu_features mte = { .mte = true };

	g_assert_cmphex(inject_entry_pstate(0, 0, &mte), ==, 0x20003c5);
}

static void pstate_allint_is_not_spintmask(void)
{
	const struct cpu_features nmi = { .nmi = true };

	g_assert_cmphex(inject_entry_pstate(0, 0, &nmi), ==, 0x23c5);
	g_assert_cmphex(inject_entry_pstate(BIT(13), BIT(62), &nmi), ==, 0x3c5);
}

/* The entry uses the features of the CPU that runs, and the host's SCTLR. */
static void pstate_of_an_injection_follows_the_cpu(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 7), BAD_IPA);

	pcpu_boot()->features = (struct cpu_features){ .pan = true,
						       .ssbs = true };
	native_cpu.sctlr_el1 = BIT(44);
	frame.spsr = 0x5;
	inject_external_abort(&frame);
	g_assert_cmphex(frame.spsr, ==, 0x4013c5);
}

/* --- Calls ------------------------------------------------------------ */

static void hvc_any_number_is_not_supported(void)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 5, 29, 0x84000000, 0xc6000001, ~UINT64_C(0),
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct trap_frame frame =
			some_frame((uint64_t)0x16 << 26 | BIT(25) | i, 0);
		struct trap_frame before;

		frame.regs[0] = numbers[i];
		before = frame;
		trap_host_sync(&frame);
		before.regs[0] = ~UINT64_C(0);
		g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
	}
	g_assert_cmpuint(counters()->hypercalls, ==, ARRAY_SIZE(numbers));
	g_assert_cmpuint(native_cpu.smc_count, ==, 0);
}

static struct trap_frame smc_frame(uint64_t imm, uint64_t fn)
{
	struct trap_frame frame =
		some_frame((uint64_t)0x17 << 26 | BIT(25) | imm, 0);

	frame.regs[0] = fn;
	return frame;
}

static void smc_steps_over_itself_and_answers_x0(void)
{
	struct trap_frame frame = smc_frame(0, 0x84000000);
	struct trap_frame before = frame;

	native_cpu.smc_result = 0x10001;
	trap_host_sync(&frame);
	before.elr += 4;
	before.regs[0] = 0x10001;
	g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
	g_assert_cmpuint(counters()->smcs, ==, 1);
}

/* As if it had been executed: no guarded branch, the single step is over. */
static void smc_clears_btype_and_ss(void)
{
	struct trap_frame frame = smc_frame(0, 0x84000000);
	uint64_t kept = frame.spsr & ~(UINT64_C(3) << 10 | BIT(21));

	frame.spsr |= UINT64_C(3) << 10 | BIT(21);
	trap_host_sync(&frame);
	g_assert_cmphex(frame.spsr, ==, kept);
}

static void smc_function_is_the_low_half_of_x0(void)
{
	struct trap_frame frame = smc_frame(0, UINT64_C(0xdead000084000000));

	native_cpu.smc_result = 0x10001;
	trap_host_sync(&frame);
	g_assert_cmphex(native_cpu.smc_args[0], ==, 0x84000000);
	g_assert_cmphex(frame.regs[0], ==, 0x10001);
}

static void smc_arguments_are_x1_to_x3(void)
{
	struct trap_frame frame = smc_frame(0, 0xc4000004);

	trap_host_sync(&frame);
	g_assert_cmphex(native_cpu.smc_args[1], ==, frame.regs[1]);
	g_assert_cmphex(native_cpu.smc_args[2], ==, frame.regs[2]);
}

static void smc_with_immediate_is_not_supported(void)
{
	static const uint64_t imms[] = { 1, 0x8000, 0xffff };

	for (size_t i = 0; i < ARRAY_SIZE(imms); i++) {
		struct trap_frame frame = smc_frame(imms[i], 0x84000008);

		trap_host_sync(&frame);
		g_assert_cmphex(frame.regs[0], ==, ~UINT64_C(0));
		g_assert_cmphex(frame.elr, ==, PC + 4);
	}
	g_assert_cmpuint(native_cpu.smc_count, ==, 0);
	g_assert_cmpuint(counters()->smcs, ==, ARRAY_SIZE(imms));
}

static void unknown_class_is_undefined(void)
{
	for (uint64_t ec = 0; ec < 64; ec++) {
		struct trap_frame frame = some_frame(ec << 26 | BIT(25), 0);
		struct trap_frame before = frame;

		if (ec == 0x16 || ec == 0x17 || ec == EC_IABT ||
		    ec == EC_DABT) {
			continue;
		}
		machine_start(&test_machine);
		native_cpu.vbar_el1 = VBAR;
		trap_host_sync(&frame);
		g_assert_cmphex(native_cpu.esr_el1, ==, 0x02000000);
		g_assert_cmphex(native_cpu.elr_el1, ==, PC);
		g_assert_cmphex(frame.elr, ==, VBAR + 0x200);
		assert_registers_kept(&frame, &before, 0);
		g_assert_cmpuint(counters()->refusals, ==, 1);
	}
}

static void unknown_class_is_told(void)
{
	struct trap_frame frame = some_frame((uint64_t)0x18 << 26, 0);

	trap_host_sync(&frame);
	g_assert_nonnull(strstr(native_console(),
				"refused: host cpu0: trapped instruction, "
				"class 0x18"));
}

static void serror_becomes_the_hosts(void)
{
	struct trap_frame frame = some_frame(UINT64_C(0xbf123456), 0);
	struct trap_frame before = frame;

	trap_host_serror(&frame);
	g_assert_true(native_cpu.vserror);
	g_assert_cmphex(native_cpu.vserror_iss, ==, 0x1123456);
	g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
}

static void frame_is_known_during_a_trap_only(void)
{
	struct trap_frame frame = some_frame((uint64_t)0x16 << 26, 0);

	trap_host_sync(&frame);
	g_assert_null(this_cpu()->frame);
	trap_host_serror(&frame);
	g_assert_null(this_cpu()->frame);
}

/* --- A machine that has stopped --------------------------------------- */

static void panic_now(void *data)
{
	panic("reason %u", *(unsigned int *)data);
}

static void run_sync(void *data)
{
	trap_host_sync(data);
}

static void run_serror(void *data)
{
	trap_host_serror(data);
}

static void halted_machine_parks_at_entry(void)
{
	unsigned int number = 7;
	struct trap_frame frame = smc_frame(0, 0x84000000);
	struct trap_frame before = frame;

	assert_panics(panic_now, &number, "EL2 panic: reason 7\r\n");
	g_assert_true(native_parks(run_sync, &frame));
	g_assert_true(native_parks(run_serror, &frame));
	g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
	g_assert_cmpuint(native_cpu.smc_count, ==, 0);
	g_assert_false(native_cpu.vserror);
}

static void panic_twice_reports_once(void)
{
	unsigned int number = 1;

	assert_panics(panic_now, &number, "reason 1");
	number = 2;
	native_cpu.pcpu = pcpu_get(1);
	g_assert_true(native_parks(panic_now, &number));
	g_assert_null(strstr(native_console(), "reason 2"));
	g_assert_cmpuint(native_panics(), ==, 1);
}

/* The CPU that panicked is back: its report broke, the board must know. */
static void panic_inside_its_report_tells_the_board(void)
{
	unsigned int number = 1;

	assert_panics(panic_now, &number, "reason 1");
	number = 2;
	g_assert_true(native_parks(panic_now, &number));
	g_assert_null(strstr(native_console(), "reason 2"));
	g_assert_cmpuint(native_panics(), ==, 2);
}

static void *other_cpu_panics(void *data)
{
	unsigned int number = 3;

	(void)data;
	native_cpu.pcpu = pcpu_get(1);
	g_assert_true(native_parks(panic_now, &number));
	return NULL;
}

static void panic_elsewhere(void)
{
	g_thread_join(g_thread_new("cpu1", other_cpu_panics, NULL));
}

/* The host gets no further instruction once another CPU has panicked. */
static void panic_elsewhere_parks_at_exit(void)
{
	struct trap_frame frame = smc_frame(0, 0x84000000);

	native_cpu.smc_hook = panic_elsewhere;
	g_assert_true(native_parks(run_sync, &frame));
	g_assert_cmpuint(native_panics(), ==, 1);
}

static void lock_held_at_exit_panics(void)
{
	struct trap_frame frame = smc_frame(0, 0x84000000);

	native_cpu.smc_hook = acquire_lock_s2page;
	assert_panics(run_sync, &frame, "lock_none_is_held");
}

/* --- Policy ----------------------------------------------------------- */

static void halt_policy_panics_instead_of_refusing(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 7), BAD_IPA);
	struct trap_frame before = frame;

	violation_set_halt(true);
	assert_panics(run_sync, &frame, "EL2 panic: violation by the host: "
					"access to IPA 0x43c01000\r\n");
	g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
	g_assert_cmpuint(counters()->refusals, ==, 1);
}

static void halt_policy_lets_good_faults_pass(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 7), GOOD_IPA);

	violation_set_halt(true);
	trap_host_sync(&frame);
	g_assert_true(is_mapped(GOOD_IPA));
}

static void refuse_policy_can_be_chosen_again(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 7), BAD_IPA);

	violation_set_halt(true);
	violation_set_halt(false);
	trap_host_sync(&frame);
	g_assert_cmpuint(counters()->refusals, ==, 1);
}

static void violate(void *data)
{
	(void)data;
	violation("test", 0);
}

static void violation_outside_of_a_trap_panics(void)
{
	assert_panics(violate, NULL, "frame != NULL");
}

static void violation_with_a_lock_held_panics(void)
{
	struct trap_frame frame = { 0 };

	this_cpu()->frame = &frame;
	acquire_lock_pt(HOSTVISOR);
	assert_panics(violate, NULL, "lock_none_is_held");
}

static void refusals_count_on_their_own_cpu(void)
{
	struct trap_frame frame = some_frame(ABORT_ESR(EC_DABT, 7), BAD_IPA);

	native_cpu.pcpu = pcpu_get(1);
	trap_host_sync(&frame);
	g_assert_cmpuint(pcpu_get(0)->counters->refusals, ==, 0);
	g_assert_cmpuint(pcpu_get(1)->counters->refusals, ==, 1);
	g_assert_nonnull(strstr(native_console(), "host cpu1"));
}

static const struct unit_test tests[] = {
	UNIT_TEST("/fault/translation/data-maps-and-retries",
		  fault_on_data_maps_and_retries),
	UNIT_TEST("/fault/translation/instruction-maps-and-retries",
		  fault_on_instruction_maps_and_retries),
	UNIT_TEST("/fault/translation/el2-memory-is-refused",
		  fault_on_el2_memory_is_refused),
	UNIT_TEST("/fault/refusal/names-address-and-pc",
		  fault_refusal_names_address_and_pc),
	UNIT_TEST("/fault/status/each-of-data", fault_each_status_of_data),
	UNIT_TEST("/fault/status/each-of-instruction",
		  fault_each_status_of_instruction),
	UNIT_TEST("/fault/address/is-hpfar-fipa", fault_address_is_hpfar_fipa),
	UNIT_TEST("/fault/address/is-not-far", fault_address_is_not_far),
	UNIT_TEST("/fault/address/beyond-40-bits-is-refused",
		  fault_beyond_40_bits_is_refused),
	UNIT_TEST("/fault/address/stage-1-walk-is-refused",
		  fault_of_stage1_walk_is_refused),
	UNIT_TEST("/inject/abort/data-from-each-mode",
		  inject_data_abort_from_each_mode),
	UNIT_TEST("/inject/abort/instruction-from-each-mode",
		  inject_instruction_abort_from_each_mode),
	UNIT_TEST("/inject/abort/write-is-told", inject_write_is_told),
	UNIT_TEST("/inject/abort/instruction-has-no-write",
		  inject_instruction_abort_has_no_write),
	UNIT_TEST("/inject/abort/nothing-else-of-the-syndrome",
		  inject_nothing_else_of_the_syndrome),
	UNIT_TEST("/inject/abort/il-is-always-set", inject_il_is_always_set),
	UNIT_TEST("/inject/undefined/is-class-0", inject_undefined_is_class_0),
	UNIT_TEST("/inject/vector/ignores-low-bits-of-vbar",
		  vector_ignores_low_bits_of_vbar),
	UNIT_TEST("/inject/pstate/el1h-all-masked", pstate_is_el1h_all_masked),
	UNIT_TEST("/inject/pstate/keeps-nzcv-and-dit-only",
		  pstate_keeps_nzcv_and_dit_only),
	UNIT_TEST("/inject/pstate/no-features-ignore-sctlr",
		  pstate_without_features_ignores_sctlr),
	UNIT_TEST("/inject/pstate/pan-set-unless-span",
		  pstate_pan_is_set_unless_span),
	UNIT_TEST("/inject/pstate/pan-kept-with-span",
		  pstate_pan_is_kept_with_span),
	UNIT_TEST("/inject/pstate/ssbs-is-dssbs", pstate_ssbs_is_dssbs),
	UNIT_TEST("/inject/pstate/tco-set-with-mte",
		  pstate_tco_is_set_with_mte),
	UNIT_TEST("/inject/pstate/allint-is-not-spintmask",
		  pstate_allint_is_not_spintmask),
	UNIT_TEST("/inject/pstate/follows-the-cpu",
		  pstate_of_an_injection_follows_the_cpu),
	UNIT_TEST("/trap/hvc/any-number-is-not-supported",
		  hvc_any_number_is_not_supported),
	UNIT_TEST("/trap/smc/steps-over-itself",
		  smc_steps_over_itself_and_answers_x0),
	UNIT_TEST("/trap/smc/clears-btype-and-ss", smc_clears_btype_and_ss),
	UNIT_TEST("/trap/smc/function-is-the-low-half",
		  smc_function_is_the_low_half_of_x0),
	UNIT_TEST("/trap/smc/arguments-are-x1-to-x3",
		  smc_arguments_are_x1_to_x3),
	UNIT_TEST("/trap/smc/immediate-is-not-supported",
		  smc_with_immediate_is_not_supported),
	UNIT_TEST("/trap/unknown/is-undefined", unknown_class_is_undefined),
	UNIT_TEST("/trap/unknown/is-told", unknown_class_is_told),
	UNIT_TEST("/trap/serror/becomes-the-hosts", serror_becomes_the_hosts),
	UNIT_TEST("/trap/frame/known-during-a-trap-only",
		  frame_is_known_during_a_trap_only),
	UNIT_TEST_DIES("/trap/halted/parks-at-entry",
		       halted_machine_parks_at_entry),
	UNIT_TEST_DIES("/trap/halted/parks-at-exit",
		       panic_elsewhere_parks_at_exit),
	UNIT_TEST_DIES("/panic/twice/reports-once", panic_twice_reports_once),
	UNIT_TEST_DIES("/panic/inside-its-report-tells-the-board",
		       panic_inside_its_report_tells_the_board),
	UNIT_TEST_DIES("/trap/lock/held-at-exit-panics",
		       lock_held_at_exit_panics),
	UNIT_TEST_DIES("/violation/halt/panics-instead-of-refusing",
		       halt_policy_panics_instead_of_refusing),
	UNIT_TEST("/violation/halt/lets-good-faults-pass",
		  halt_policy_lets_good_faults_pass),
	UNIT_TEST("/violation/refuse/can-be-chosen-again",
		  refuse_policy_can_be_chosen_again),
	UNIT_TEST_DIES("/violation/frame/none-panics",
		       violation_outside_of_a_trap_panics),
	UNIT_TEST_DIES("/violation/lock/held-panics",
		       violation_with_a_lock_held_panics),
	UNIT_TEST("/violation/count/on-its-own-cpu",
		  refusals_count_on_their_own_cpu),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
