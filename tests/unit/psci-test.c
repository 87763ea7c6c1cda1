/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSCI: what reaches the firmware below, and what the host is told. Numbers
 * from Arm DEN0022, not from the firmware's header.
 */
#include "harness.h"

#include <string.h>

#include "arch/native.h"
#include "core/psci.h"
#include "core/trap_frame.h"

#define VERSION		0x84000000u
#define SUSPEND32	0x84000001u
#define SUSPEND64	0xc4000001u
#define OFF		0x84000002u
#define ON32		0x84000003u
#define ON64		0xc4000003u
#define AFFINITY32	0x84000004u
#define AFFINITY64	0xc4000004u
#define MIGRATE_TYPE	0x84000006u
#define SYSTEM_OFF	0x84000008u
#define SYSTEM_RESET	0x84000009u
#define FEATURES	0x8400000au

/* Above 4 GiB, as where the carve-out of a large board lies. */
#define EL2_ENTRY	UINT64_C(0x2f0001000)
#define HOST_ENTRY	(TEST_RAM_BASE + 0x123450)
#define HIGH		UINT64_C(0xabcdef0100000000)

static int64_t call(uint32_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	const uint64_t args[] = { a1, a2, a3 };

	psci_init(EL2_ENTRY);
	return psci_call(fn, args);
}

/* One SMC was made, with these registers. */
static void assert_relayed(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	g_assert_cmpuint(native_cpu.smc_count, ==, 1);
	g_assert_cmphex(native_cpu.smc_args[0], ==, fn);
	g_assert_cmphex(native_cpu.smc_args[1], ==, a1);
	g_assert_cmphex(native_cpu.smc_args[2], ==, a2);
	g_assert_cmphex(native_cpu.smc_args[3], ==, a3);
	native_cpu.smc_count = 0;
}

static void assert_not_relayed(void)
{
	g_assert_cmpuint(native_cpu.smc_count, ==, 0);
}

static struct pcpu *second(void)
{
	return pcpu_get(1);
}

/* --- Functions without addresses -------------------------------------- */

static void version_is_relayed_without_arguments(void)
{
	native_cpu.smc_result = 0x10001;
	g_assert_cmpint(call(VERSION, 1, 2, 3), ==, 0x10001);
	assert_relayed(VERSION, 0, 0, 0);
}

static void migrate_type_is_relayed_without_arguments(void)
{
	native_cpu.smc_result = 2;
	g_assert_cmpint(call(MIGRATE_TYPE, 1, 2, 3), ==, 2);
	assert_relayed(MIGRATE_TYPE, 0, 0, 0);
}

static void affinity_32_masks_arguments(void)
{
	call(AFFINITY32, HIGH | 1, HIGH | 2, HIGH | 3);
	assert_relayed(AFFINITY32, 1, 2, 0);
}

static void affinity_64_keeps_arguments(void)
{
	call(AFFINITY64, HIGH | 1, 0, 3);
	assert_relayed(AFFINITY64, HIGH | 1, 0, 0);
}

static void system_off_is_relayed_and_told(void)
{
	call(SYSTEM_OFF, 1, 2, 3);
	assert_relayed(SYSTEM_OFF, 0, 0, 0);
	g_assert_cmpstr(native_console(), ==, "host cpu0: system off\r\n");
}

static void system_reset_is_relayed_and_told(void)
{
	call(SYSTEM_RESET, 1, 2, 3);
	assert_relayed(SYSTEM_RESET, 0, 0, 0);
	g_assert_cmpstr(native_console(), ==, "host cpu0: system reset\r\n");
}

static void failure_of_the_firmware_reaches_the_host(void)
{
	native_cpu.smc_result = (uint64_t)INT64_C(-6);
	g_assert_cmpint(call(SYSTEM_OFF, 0, 0, 0), ==, -6);
}

static void features_of_what_is_relayed_come_from_below(void)
{
	static const uint32_t known[] = {
		VERSION, SUSPEND32, SUSPEND64, OFF, ON32, ON64, AFFINITY32,
		AFFINITY64, MIGRATE_TYPE, SYSTEM_OFF, SYSTEM_RESET, FEATURES,
	};

	native_cpu.smc_result = 2;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		g_assert_cmpint(call(FEATURES, HIGH | known[i], 7, 7), ==, 2);
		assert_relayed(FEATURES, known[i], 0, 0);
	}
}

/* MEM_PROTECT, SYSTEM_RESET2, SYSTEM_SUSPEND, CPU_FREEZE, SMCCC_VERSION. */
static const uint32_t unknown[] = {
	0x84000005, 0x84000007, 0x8400000b, 0x8400000c, 0xc400000e, 0x84000012,
	0xc4000012, 0x84000013, 0x80000000, 0xc4000000, 0xc4000002, 0xc4000008,
	0xc4000009, 0xc400000a, 0x04000003, 0x44000003, 0x00000000, 0xffffffff,
	0xc6000001,
};

static void features_of_the_rest_are_not_supported(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		g_assert_cmpint(call(FEATURES, unknown[i], 0, 0), ==, -1);
	}
	assert_not_relayed();
}

static void unknown_functions_are_not_supported(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		g_assert_cmpint(call(unknown[i], HOST_ENTRY, HOST_ENTRY, 1), ==,
				-1);
	}
	assert_not_relayed();
}

/* --- CPU_ON ----------------------------------------------------------- */

static void on_enters_el2_not_the_host(void)
{
	g_assert_cmpint(call(ON64, 1, HOST_ENTRY, HIGH | 5), ==, 0);
	assert_relayed(ON64, 1, EL2_ENTRY, 1);
	g_assert_cmphex(second()->entry, ==, HOST_ENTRY);
	g_assert_cmphex(second()->context, ==, HIGH | 5);
	g_assert_cmpuint(second()->power, ==, PCPU_ON_PENDING);
}

static void on_32_masks_arguments(void)
{
	g_assert_cmpint(call(ON32, HIGH | 1, HIGH | HOST_ENTRY, HIGH | 5), ==,
			0);
	g_assert_cmphex(second()->entry, ==, HOST_ENTRY);
	g_assert_cmphex(second()->context, ==, 5);
}

/*
 * A 32-bit call has 32-bit arguments: the firmware below would cut EL2's
 * address, and start the CPU at EL2 somewhere in the host's memory.
 */
static void on_32_is_relayed_as_64(void)
{
	g_assert_cmpint(call(ON32, 1, HOST_ENTRY, 5), ==, 0);
	assert_relayed(ON64, 1, EL2_ENTRY, 1);
}

static void on_unknown_cpu_is_invalid(void)
{
	g_assert_cmpint(call(ON64, 2, HOST_ENTRY, 0), ==, -2);
	g_assert_cmpint(call(ON64, HIGH | 1, HOST_ENTRY, 0), ==, -2);
	g_assert_cmpint(call(ON64, BIT(31) | 1, HOST_ENTRY, 0), ==, -2);
	g_assert_cmpint(call(ON64, BIT(24) | 1, HOST_ENTRY, 0), ==, -2);
	assert_not_relayed();
	g_assert_cmpuint(second()->power, ==, PCPU_OFF);
}

static void assert_entry_is_refused(uint64_t entry)
{
	g_assert_cmpint(call(ON64, 1, entry, 0), ==, -9);
	assert_not_relayed();
	g_assert_cmpuint(second()->power, ==, PCPU_OFF);
	g_assert_cmphex(second()->entry, ==, 0);
}

static void on_entry_in_el2_memory_is_refused(void)
{
	assert_entry_is_refused(TEST_EL2_BASE);
	assert_entry_is_refused(TEST_EL2_BASE + TEST_EL2_BYTES - 4);
}

static void on_entry_outside_ram_is_refused(void)
{
	assert_entry_is_refused(0);
	assert_entry_is_refused(0x09000000);
	assert_entry_is_refused(TEST_RAM_BASE - 4);
	assert_entry_is_refused(TEST_RAM_BASE + TEST_RAM_BYTES);
	assert_entry_is_refused(KVM_PHYS_SIZE | HOST_ENTRY);
	assert_entry_is_refused(~UINT64_C(0));
}

static void on_entry_in_a_vm_page_is_refused(void)
{
	machine_set_page(HOST_ENTRY >> PAGE_SHIFT, 1, 0);
	assert_entry_is_refused(HOST_ENTRY);
}

static void on_pending_cpu_answers_pending(void)
{
	call(ON64, 1, HOST_ENTRY, 1);
	native_cpu.smc_count = 0;
	g_assert_cmpint(call(ON64, 1, HOST_ENTRY + 4, 2), ==, -5);
	assert_not_relayed();
	g_assert_cmphex(second()->entry, ==, HOST_ENTRY);
	g_assert_cmphex(second()->context, ==, 1);
}

static void on_running_cpu_answers_already_on(void)
{
	g_assert_cmpint(call(ON64, 0, HOST_ENTRY, 2), ==, -4);
	assert_not_relayed();
	g_assert_cmphex(pcpu_boot()->entry, ==, 0);
}

static void on_failing_below_rolls_back(void)
{
	native_cpu.smc_result = (uint64_t)INT64_C(-6);
	g_assert_cmpint(call(ON64, 1, HOST_ENTRY, 1), ==, -6);
	g_assert_cmpuint(second()->power, ==, PCPU_OFF);
	native_cpu.smc_result = 0;
	g_assert_cmpint(call(ON64, 1, HOST_ENTRY, 1), ==, 0);
}

static void come_back_from_refused_off(void)
{
	second()->power = PCPU_ON;
}

/* Its CPU_OFF, which we raced, was refused below: it runs, and stays on. */
static void on_failing_leaves_a_cpu_that_is_back(void)
{
	native_cpu.smc_hook = come_back_from_refused_off;
	native_cpu.smc_result = (uint64_t)INT64_C(-4);
	g_assert_cmpint(call(ON64, 1, HOST_ENTRY, 1), ==, -4);
	g_assert_cmpuint(second()->power, ==, PCPU_ON);
}

static void check_pending(void)
{
	g_assert_cmpuint(second()->power, ==, PCPU_ON_PENDING);
	g_assert_cmphex(second()->entry, ==, HOST_ENTRY);
	g_assert_cmphex(second()->context, ==, 9);
}

/* The CPU may enter EL2 before the call below returns. */
static void on_state_is_ready_before_the_call(void)
{
	native_cpu.smc_hook = check_pending;
	call(ON64, 1, HOST_ENTRY, 9);
	g_assert_cmpuint(native_cpu.smc_count, ==, 1);
}

static void check_barrier(void)
{
	const struct native_event *events;
	size_t n;

	events = native_events(&n);
	g_assert_cmpuint(n, >, 0);
	g_assert_cmpint(events[n - 1].op, ==, NATIVE_DSB_SY);
}

/* The CPU that comes up must see its entry, whatever the memory order. */
static void on_completes_stores_before_the_call(void)
{
	native_events_reset();
	native_cpu.smc_hook = check_barrier;
	call(ON64, 1, HOST_ENTRY, 9);
	g_assert_cmpuint(native_cpu.smc_count, ==, 1);
}

static void enter_second(void)
{
	psci_cpu_entered(second());
}

static void on_entered_during_the_call_stays_on(void)
{
	native_cpu.smc_hook = enter_second;
	g_assert_cmpint(call(ON64, 1, HOST_ENTRY, 9), ==, 0);
	g_assert_cmpuint(second()->power, ==, PCPU_ON);
}

/* The trap that turned a CPU off is over once the CPU is back. */
static void entered_cpu_handles_no_trap(void)
{
	struct trap_frame frame = { .elr = 0 };

	second()->frame = &frame;
	psci_cpu_entered(second());
	g_assert_null(second()->frame);
}

static void entered_cpu_is_on_in_the_hosts_world(void)
{
	g_assert_cmphex(second()->counters->world, ==, 0xffffffff);
	psci_cpu_entered(second());
	g_assert_cmpuint(second()->power, ==, PCPU_ON);
	g_assert_cmphex(second()->counters->world, ==, 0);
}

/* --- CPU_OFF ---------------------------------------------------------- */

static void check_off(void)
{
	g_assert_cmpuint(this_cpu()->power, ==, PCPU_OFF);
	g_assert_cmphex(this_cpu()->counters->world, ==, 0xffffffff);
}

static void off_is_off_before_the_call(void)
{
	native_cpu.smc_hook = check_off;
	call(OFF, 1, 2, 3);
	assert_relayed(OFF, 0, 0, 0);
}

static void off_refused_below_stays_on(void)
{
	native_cpu.smc_result = (uint64_t)INT64_C(-3);
	g_assert_cmpint(call(OFF, 0, 0, 0), ==, -3);
	g_assert_cmpuint(pcpu_boot()->power, ==, PCPU_ON);
	g_assert_cmphex(pcpu_boot()->counters->world, ==, 0);
}

static void off_cpu_can_be_turned_on_again(void)
{
	native_cpu.pcpu = second();
	psci_cpu_entered(second());
	/* The firmware below does not come back from CPU_OFF. */
	second()->power = PCPU_OFF;
	native_cpu.pcpu = pcpu_boot();
	g_assert_cmpint(call(ON64, 1, HOST_ENTRY, 1), ==, 0);
}

/* --- CPU_SUSPEND ------------------------------------------------------ */

static void suspend_power_down_enters_el2(void)
{
	call(SUSPEND64, BIT(16), HOST_ENTRY, HIGH | 4);
	assert_relayed(SUSPEND64, BIT(16), EL2_ENTRY, 0);
	g_assert_cmphex(pcpu_boot()->entry, ==, HOST_ENTRY);
	g_assert_cmphex(pcpu_boot()->context, ==, HIGH | 4);
	g_assert_cmpuint(pcpu_boot()->power, ==, PCPU_ON);
}

static void suspend_32_masks_arguments(void)
{
	call(SUSPEND32, HIGH | BIT(16), HIGH | HOST_ENTRY, HIGH | 4);
	g_assert_cmphex(native_cpu.smc_args[1], ==, BIT(16));
	g_assert_cmphex(pcpu_boot()->entry, ==, HOST_ENTRY);
	g_assert_cmphex(pcpu_boot()->context, ==, 4);
}

static void suspend_32_is_relayed_as_64(void)
{
	call(SUSPEND32, BIT(16), HOST_ENTRY, 4);
	assert_relayed(SUSPEND64, BIT(16), EL2_ENTRY, 0);
}

static void suspend_power_down_entry_is_checked(void)
{
	g_assert_cmpint(call(SUSPEND64, BIT(16), TEST_EL2_BASE, 0), ==, -9);
	g_assert_cmpint(call(SUSPEND64, BIT(16), 0, 0), ==, -9);
	assert_not_relayed();
	g_assert_cmphex(pcpu_boot()->entry, ==, 0);
}

/* Standby keeps its state: the entry is not used, and never relayed. */
static void suspend_standby_needs_no_entry(void)
{
	native_cpu.smc_result = 0;
	g_assert_cmpint(call(SUSPEND64, 1, TEST_EL2_BASE, 0), ==, 0);
	assert_relayed(SUSPEND64, 1, EL2_ENTRY, 0);
}

/* --- Anything --------------------------------------------------------- */

/* Whatever the host says, no address of its choice reaches an entry point. */
static void random_calls_never_relay_an_entry(void)
{
	static const uint32_t fns[] = {
		SUSPEND32, SUSPEND64, ON32, ON64, OFF, VERSION, FEATURES,
	};

	for (int step = 0; step < 5000; step++) {
		uint32_t fn = fns[random_below(ARRAY_SIZE(fns))];
		uint64_t entry = random_below(2) == 0 ? HOST_ENTRY : random64();
		uint32_t sent;

		native_cpu.smc_count = 0;
		second()->power = (uint32_t)random_below(3);
		call(fn, random_below(4) | random_below(2) << 16, entry,
		     random64());
		sent = (uint32_t)native_cpu.smc_args[0];
		if (native_cpu.smc_count != 0 &&
		    (sent == ON32 || sent == ON64 || sent == SUSPEND32 ||
		     sent == SUSPEND64)) {
			g_assert_cmphex(native_cpu.smc_args[2], ==, EL2_ENTRY);
			g_assert_cmphex(native_cpu.smc_args[3], <, TEST_CPUS);
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST("/psci/version/is-relayed",
		  version_is_relayed_without_arguments),
	UNIT_TEST("/psci/migrate-info-type/is-relayed",
		  migrate_type_is_relayed_without_arguments),
	UNIT_TEST("/psci/affinity-info/32-masks-arguments",
		  affinity_32_masks_arguments),
	UNIT_TEST("/psci/affinity-info/64-keeps-arguments",
		  affinity_64_keeps_arguments),
	UNIT_TEST("/psci/system-off/is-relayed-and-told",
		  system_off_is_relayed_and_told),
	UNIT_TEST("/psci/system-reset/is-relayed-and-told",
		  system_reset_is_relayed_and_told),
	UNIT_TEST("/psci/relay/failure-reaches-the-host",
		  failure_of_the_firmware_reaches_the_host),
	UNIT_TEST("/psci/features/known-come-from-below",
		  features_of_what_is_relayed_come_from_below),
	UNIT_TEST("/psci/features/unknown-not-supported",
		  features_of_the_rest_are_not_supported),
	UNIT_TEST("/psci/unknown/not-supported",
		  unknown_functions_are_not_supported),
	UNIT_TEST("/psci/cpu-on/enters-el2-not-the-host",
		  on_enters_el2_not_the_host),
	UNIT_TEST("/psci/cpu-on/32-masks-arguments", on_32_masks_arguments),
	UNIT_TEST("/psci/cpu-on/32-is-relayed-as-64", on_32_is_relayed_as_64),
	UNIT_TEST("/psci/cpu-on/completes-stores-before-the-call",
		  on_completes_stores_before_the_call),
	UNIT_TEST("/psci/cpu-on/failing-leaves-a-cpu-that-is-back",
		  on_failing_leaves_a_cpu_that_is_back),
	UNIT_TEST("/psci/entered/handles-no-trap", entered_cpu_handles_no_trap),
	UNIT_TEST("/psci/cpu-on/unknown-cpu-is-invalid",
		  on_unknown_cpu_is_invalid),
	UNIT_TEST("/psci/cpu-on/entry-in-el2-memory-is-refused",
		  on_entry_in_el2_memory_is_refused),
	UNIT_TEST("/psci/cpu-on/entry-outside-ram-is-refused",
		  on_entry_outside_ram_is_refused),
	UNIT_TEST("/psci/cpu-on/entry-in-a-vm-page-is-refused",
		  on_entry_in_a_vm_page_is_refused),
	UNIT_TEST("/psci/cpu-on/pending-answers-pending",
		  on_pending_cpu_answers_pending),
	UNIT_TEST("/psci/cpu-on/running-answers-already-on",
		  on_running_cpu_answers_already_on),
	UNIT_TEST("/psci/cpu-on/failing-below-rolls-back",
		  on_failing_below_rolls_back),
	UNIT_TEST("/psci/cpu-on/ready-before-the-call",
		  on_state_is_ready_before_the_call),
	UNIT_TEST("/psci/cpu-on/entered-during-the-call-stays-on",
		  on_entered_during_the_call_stays_on),
	UNIT_TEST("/psci/entered/is-on-in-the-hosts-world",
		  entered_cpu_is_on_in_the_hosts_world),
	UNIT_TEST("/psci/cpu-off/off-before-the-call",
		  off_is_off_before_the_call),
	UNIT_TEST("/psci/cpu-off/refused-below-stays-on",
		  off_refused_below_stays_on),
	UNIT_TEST("/psci/cpu-off/can-be-turned-on-again",
		  off_cpu_can_be_turned_on_again),
	UNIT_TEST("/psci/cpu-suspend/power-down-enters-el2",
		  suspend_power_down_enters_el2),
	UNIT_TEST("/psci/cpu-suspend/32-masks-arguments",
		  suspend_32_masks_arguments),
	UNIT_TEST("/psci/cpu-suspend/32-is-relayed-as-64",
		  suspend_32_is_relayed_as_64),
	UNIT_TEST("/psci/cpu-suspend/power-down-entry-is-checked",
		  suspend_power_down_entry_is_checked),
	UNIT_TEST("/psci/cpu-suspend/standby-needs-no-entry",
		  suspend_standby_needs_no_entry),
	UNIT_TEST("/psci/property/no-entry-is-ever-relayed",
		  random_calls_never_relay_an_entry),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
