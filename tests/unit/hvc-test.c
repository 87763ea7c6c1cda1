/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's hypercalls as registers: numbers, 64-bit arguments, results, and
 * what a refusal is told and counted as. Numbers from the ABI's reference,
 * not from the firmware's header.
 */
#include "opstate.h"

#include <string.h>

#include "core/mem_handler.h"
#include "core/panic.h"
#include "core/psci.h"
#include "core/trap_handler.h"
#include "core/violation.h"
#include "hypsec/abi.h"

#define SECRET 0x5a
#define PFN OPS_PFN(2, 37)
#define PC UINT64_C(0xffff800080123450)
#define IMAGE UINT64_C(0x8000000000)
#define UART UINT64_C(0x09000000)

#define CNTVOFF		7
#define CLEAR		9
#define SET_BOOT_INFO	10
#define REMAP		11
#define REGISTER	13
#define REGISTER_VCPU	14
#define SMMU_FREE	23
#define SMMU_ALLOC	24
#define SMMU_MAP	25
#define SMMU_TO_PHYS	26
#define SMMU_CLEAR	27
#define IOREMAP		28
#define GET_INFO	30
#define DESTROY		32
#define SET_STREAM	33

#define INVALID_ARG	(-2)
#define DENIED		(-3)
#define BUSY		(-4)
#define AGAIN		(-5)
#define NO_MEMORY	(-6)

static struct trap_frame hvc_frame(uint64_t number, const uint64_t args[5])
{
	struct trap_frame frame = {
		.elr = PC,
		.spsr = 0x60000005,
		.esr = (uint64_t)0x16 << 26 | BIT(25),
	};

	for (size_t i = 6; i < ARRAY_SIZE(frame.regs); i++) {
		frame.regs[i] = random64();
	}
	frame.regs[0] = number;
	memcpy(&frame.regs[1], args, 5 * sizeof(args[0]));
	return frame;
}

/* The call's result; nothing but x0 changes. */
static int64_t hvc5(uint64_t number, const uint64_t args[5])
{
	struct trap_frame frame = hvc_frame(number, args);
	struct trap_frame before = frame;

	trap_host_sync(&frame);
	before.regs[0] = frame.regs[0];
	g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
	return (int64_t)frame.regs[0];
}

static int64_t hvc4(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
		    uint64_t a4)
{
	return hvc5(number, (uint64_t[]){ a1, a2, a3, a4, random64() });
}

static int64_t hvc(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3)
{
	return hvc4(number, a1, a2, a3, 0);
}

static uint64_t refusals(void)
{
	return pcpu_boot()->counters->refusals;
}

static void abi_numbers_are_the_references(void)
{
	g_assert_cmpint(HYPSEC_ABI_VERSION, ==, 1);
	g_assert_cmpint(HYPSEC_HVC_CLEAR_VM_S2_RANGE, ==, CLEAR);
	g_assert_cmpint(HYPSEC_HVC_SET_BOOT_INFO, ==, SET_BOOT_INFO);
	g_assert_cmpint(HYPSEC_HVC_REMAP_VM_IMAGE, ==, REMAP);
	g_assert_cmpint(HYPSEC_HVC_TIMER_SET_CNTVOFF, ==, CNTVOFF);
	g_assert_cmpint(HYPSEC_HVC_VCPU_RUN, ==, 8);
	g_assert_cmpint(HYPSEC_HVC_REGISTER_KVM, ==, REGISTER);
	g_assert_cmpint(HYPSEC_HVC_REGISTER_VCPU, ==, REGISTER_VCPU);
	g_assert_cmpint(HYPSEC_HVC_SMMU_FREE_PGD, ==, SMMU_FREE);
	g_assert_cmpint(HYPSEC_HVC_SMMU_ALLOC_PGD, ==, SMMU_ALLOC);
	g_assert_cmpint(HYPSEC_HVC_SMMU_LPAE_MAP, ==, SMMU_MAP);
	g_assert_cmpint(HYPSEC_HVC_SMMU_LPAE_IOVA_TO_PHYS, ==, SMMU_TO_PHYS);
	g_assert_cmpint(HYPSEC_HVC_SMMU_CLEAR, ==, SMMU_CLEAR);
	g_assert_cmpint(HYPSEC_HVC_SMMU_SET_STREAM, ==, SET_STREAM);
	g_assert_cmpint(HYPSEC_SMMU_READ, ==, 0x40);
	g_assert_cmpint(HYPSEC_SMMU_WRITE, ==, 0x80);
	g_assert_cmpint(HYPSEC_HVC_GET_INFO, ==, GET_INFO);
	g_assert_cmpint(HYPSEC_HVC_PHYS_ADDR_IOREMAP, ==, IOREMAP);
	g_assert_cmpint(HYPSEC_HVC_DESTROY_VM, ==, DESTROY);
	g_assert_cmpint(HYPSEC_NOT_SUPPORTED, ==, -1);
	g_assert_cmpint(HYPSEC_INVALID, ==, INVALID_ARG);
	g_assert_cmpint(HYPSEC_DENIED, ==, DENIED);
	g_assert_cmpint(HYPSEC_BUSY, ==, BUSY);
	g_assert_cmpint(HYPSEC_AGAIN, ==, AGAIN);
	g_assert_cmpint(HYPSEC_NO_MEMORY, ==, NO_MEMORY);
	g_assert_cmpint(HYPSEC_PVOP_SET_DESC_PFN, ==, 0x81000);
	g_assert_cmpint(HYPSEC_PVOP_UNSET_DESC_PFN, ==, 0x82000);
	g_assert_cmpint(HYPSEC_PVOP_ACCEPT_DEVICE, ==, 0x84000);
	g_assert_cmpint(HYPSEC_EXIT_IRQ, ==, 0);
	g_assert_cmpint(HYPSEC_EXIT_SERROR, ==, 1);
	g_assert_cmpint(HYPSEC_EXIT_TRAP, ==, 2);
	g_assert_cmpint(HYPSEC_MAX_VMS, ==, COREVISOR - 1);
	g_assert_cmpint(HYPSEC_MAX_VCPUS, ==, VCPU_PER_VM);
	g_assert_cmpint(HYPSEC_MAX_IMAGES, ==, MAX_LOAD_INFO_NUM);
	g_assert_cmpint(HYPSEC_MAX_SHARES, ==, MAX_SHARE_COUNT);
	g_assert_cmpint(HYPSEC_MAX_PAGES_PER_CALL, ==, MAX_PAGES_PER_CALL);
}

/* A whole life by registers alone. */
static void calls_make_load_and_end_a_vm(void)
{
	ops_start();
	g_assert_cmpint(hvc(REGISTER, 0, 0, 0), ==, 1);
	g_assert_cmpint(hvc(REGISTER, 9, 9, 9), ==, 2);
	g_assert_cmpint(hvc(REGISTER_VCPU, 1, 0, 0), ==, 0);
	g_assert_cmpint(hvc(REGISTER_VCPU, 1, 7, 0), ==, 0);
	g_assert_cmpint(hvc(CNTVOFF, 1, INVALID64, 0), ==, 0);
	g_assert_cmpint(hvc(SET_BOOT_INFO, 1, IMAGE, 3 * PAGE_SIZE), ==, 0);
	g_assert_cmpint(hvc(SET_BOOT_INFO, 1, IMAGE + MIB, 1), ==, 1);
	g_assert_cmpint(hvc(REMAP, 1, PFN, 0), ==, 0);
	g_assert_cmpint(hvc(REMAP, 1, PFN + 1, 1), ==, 0);
	g_assert_cmphex(ops_vm_pfn(1, IMAGE >> 12), ==, PFN);
	g_assert_cmphex(ops_vm_pfn(1, (IMAGE + MIB) >> 12), ==, PFN + 1);
	g_assert_cmpint(hvc4(IOREMAP, 1, UART, UART, PAGE_SIZE), ==, 0);
	g_assert_cmphex(ops_vm_pfn(1, UART >> 12), ==, UART >> 12);
	ops_set_vm_state(1, POWEROFF);
	g_assert_cmpint(hvc(CLEAR, 1, 0, KVM_PHYS_SIZE), ==, 0);
	ops_assert_reclaimed(PFN);
	g_assert_cmpint(hvc(DESTROY, 1, 0, 0), ==, 0);
	g_assert_cmpint(hvc(DESTROY, 2, 0, 0), ==, 0);
	g_assert_cmpuint(pcpu_boot()->counters->hypercalls, ==, 13);
	g_assert_cmpuint(refusals(), ==, 0);
	g_assert_cmpstr(native_console(), ==, "");
}

/* The SMMUs' calls by registers alone. */
static void calls_manage_banks(void)
{
	ops_start();
	g_assert_cmpint(hvc(SMMU_ALLOC, 3, 0, 1), ==, 0);
	g_assert_cmpint(hvc5(SMMU_MAP, (uint64_t[]){ PFN << 12, PFN << 12,
						     0x40, 3, 1 }), ==, 0);
	g_assert_cmphex(hvc(SMMU_TO_PHYS, PFN << 12 | 0x123, 3, 1), ==,
			PFN << 12 | 0x123);
	g_assert_cmpint(hvc(SET_STREAM, 1, 0x10, 3), ==, 0);
	g_assert_cmpint(hvc(SMMU_CLEAR, PFN << 12, 3, 1), ==, 0);
	g_assert_cmphex(hvc(SMMU_TO_PHYS, PFN << 12, 3, 1), ==, 0);
	g_assert_cmpint(hvc(SMMU_FREE, 3, 1, 0), ==, 0);
	g_assert_cmpuint(refusals(), ==, 0);
	g_assert_cmpstr(native_console(), ==, "");
}

struct bad_call {
	uint64_t number;
	uint64_t args[5];
	int64_t result;
};

/* Against one READY VM with one complete image of a page. */
static const struct bad_call bad_calls[] = {
	{ CLEAR, { 1, 0, KVM_PHYS_SIZE }, DENIED },
	{ CLEAR, { 1, 1, KVM_PHYS_SIZE }, INVALID_ARG },
	{ CLEAR, { 2, 0, KVM_PHYS_SIZE }, DENIED },
	{ SET_BOOT_INFO, { 1, IMAGE, 1 }, INVALID_ARG },
	{ SET_BOOT_INFO, { 2, IMAGE, 1 }, DENIED },
	{ REMAP, { 1, PFN + 1, 0 }, INVALID_ARG },
	{ REMAP, { 1, PFN + 1, 1 }, INVALID_ARG },
	{ REMAP, { 2, PFN + 1, 0 }, DENIED },
	{ IOREMAP, { 1, UART, OPS_RAM, PAGE_SIZE }, DENIED },
	{ IOREMAP, { 1, UART, UART, 1 }, INVALID_ARG },
	{ REGISTER_VCPU, { 1, 8 }, INVALID_ARG },
	{ REGISTER_VCPU, { 0, 0 }, INVALID_ARG },
	{ REGISTER_VCPU, { 2, 0 }, DENIED },
	{ CNTVOFF, { 16, 1 }, INVALID_ARG },
	{ CNTVOFF, { 2, 1 }, DENIED },
	{ DESTROY, { 2 }, DENIED },
	{ DESTROY, { 0 }, INVALID_ARG },
	{ DESTROY, { 16 }, INVALID_ARG },
	{ SMMU_FREE, { 0, 0 }, DENIED },
	{ SMMU_FREE, { 8, 1 }, INVALID_ARG },
	{ SMMU_ALLOC, { 1, 2, 0 }, DENIED },
	{ SMMU_ALLOC, { 1, 16, 1 }, INVALID_ARG },
	{ SMMU_MAP, { UART, UART, 0xc0, 1, 2 }, INVALID_ARG },
	{ SMMU_MAP, { IMAGE, PFN << 12, 0xc0, 1, 0 }, DENIED },
	{ SMMU_TO_PHYS, { IMAGE, 1, 1 }, DENIED },
	{ SMMU_CLEAR, { IMAGE, 0, 0 }, DENIED },
	{ SET_STREAM, { 0, 0x10, 0 }, INVALID_ARG },
	{ SET_STREAM, { 1, 0x10, 1 }, DENIED },
};

static void start_loaded_vm(void)
{
	ops_start();
	g_assert_cmpint(hvc(REGISTER, 0, 0, 0), ==, 1);
	g_assert_cmpint(hvc(SET_BOOT_INFO, 1, IMAGE, PAGE_SIZE), ==, 0);
	g_assert_cmpint(hvc(REMAP, 1, PFN, 0), ==, 0);
}

static int64_t make(const struct bad_call *call)
{
	return hvc5(call->number, call->args);
}

static void bad_calls_are_refused_and_counted(void)
{
	start_loaded_vm();
	for (size_t i = 0; i < ARRAY_SIZE(bad_calls); i++) {
		assert_refused(make(&bad_calls[i]), bad_calls[i].result);
		g_assert_cmpuint(refusals(), ==, i + 1);
	}
}

/* Banks, SMMUs, owners and streams; @high is no part of any. */
static void g32_smmu_numbers(uint64_t high)
{
	static const uint64_t iova = PFN << 12;

	assert_refused(hvc(SMMU_FREE, 1 | high, 0, 0), INVALID_ARG);
	assert_refused(hvc(SMMU_FREE, 1, high, 0), INVALID_ARG);
	assert_refused(hvc(SMMU_ALLOC, 1 | high, 0, 0), INVALID_ARG);
	assert_refused(hvc(SMMU_ALLOC, 1, high, 0), INVALID_ARG);
	assert_refused(hvc(SMMU_ALLOC, 1, 0, high), INVALID_ARG);
	assert_refused(hvc5(SMMU_MAP, (uint64_t[]){ iova, iova, 0x40, 1 | high,
						    0 }), INVALID_ARG);
	assert_refused(hvc5(SMMU_MAP, (uint64_t[]){ iova, iova, 0x40, 1,
						    high }), INVALID_ARG);
	assert_refused(hvc(SMMU_TO_PHYS, iova, 1 | high, 0), INVALID_ARG);
	assert_refused(hvc(SMMU_TO_PHYS, iova, 1, high), INVALID_ARG);
	assert_refused(hvc(SMMU_CLEAR, iova, 1 | high, 0), INVALID_ARG);
	assert_refused(hvc(SMMU_CLEAR, iova, 1, high), INVALID_ARG);
	assert_refused(hvc(SET_STREAM, 1 | high, 0x10, 0), INVALID_ARG);
	assert_refused(hvc(SET_STREAM, 1, high == 0x10 ? high << 5 :
						      0x10 | high, 0),
		       INVALID_ARG);
	assert_refused(hvc(SET_STREAM, 1, 0x10, high), INVALID_ARG);
}

/* G6, G32: an argument's high half counts. */
static void g32_numbers_are_64_bits_wide(void)
{
	start_loaded_vm();
	for (unsigned int bit = 4; bit < 64; bit++) {
		uint64_t vm = 1 | BIT(bit);

		assert_refused(hvc(CLEAR, vm, 0, PAGE_SIZE), INVALID_ARG);
		assert_refused(hvc(SET_BOOT_INFO, vm, IMAGE + MIB, 1),
			       INVALID_ARG);
		assert_refused(hvc(REMAP, vm, PFN + 1, 0), INVALID_ARG);
		assert_refused(hvc(REMAP, 1, PFN + 1, BIT(bit)), INVALID_ARG);
		assert_refused(hvc4(IOREMAP, vm, UART, UART, PAGE_SIZE),
			       INVALID_ARG);
		assert_refused(hvc(DESTROY, vm, 0, 0), INVALID_ARG);
		assert_refused(hvc(REGISTER_VCPU, vm, 0, 0), INVALID_ARG);
		assert_refused(hvc(REGISTER_VCPU, 1, BIT(bit), 0),
			       INVALID_ARG);
		assert_refused(hvc(CNTVOFF, vm, 1, 0), INVALID_ARG);
	}
	g32_smmu_numbers(BIT(4));
	g32_smmu_numbers(BIT(32));
	g32_smmu_numbers(BIT(63));
	assert_refused(hvc(DESTROY, ~UINT64_C(0), 0, 0), INVALID_ARG);
}

static void call_numbers_are_64_bits_wide(void)
{
	static const uint64_t numbers[] = { CLEAR, SET_BOOT_INFO, REMAP,
					    REGISTER, IOREMAP, DESTROY,
					    REGISTER_VCPU, CNTVOFF, GET_INFO };

	start_loaded_vm();
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		for (unsigned int bit = 6; bit < 64; bit++) {
			g_assert_cmpint(hvc4(numbers[i] | BIT(bit), 1, UART,
					     UART, PAGE_SIZE), ==, -1);
		}
	}
	g_assert_cmpuint(ops_vm_state(1), ==, READY);
	g_assert_cmpuint(ops_vm_state(2), ==, UNUSED);
	g_assert_cmpuint(refusals(), ==, 0);
}

/* What there is to know, and no violation to ask for more. */
static void info_is_told(void)
{
	ops_start();
	g_assert_cmpint(hvc(GET_INFO, 0, 0, 0), ==, 1);
	g_assert_cmphex(hvc(GET_INFO, 1, 0, 0), ==, TEST_SHARED_BASE);
	g_assert_cmpint(hvc(GET_INFO, 2, 0, 0), ==, 512 * 1024);
	g_assert_cmpint(hvc(GET_INFO, 3, 0, 0), ==, 2);
	g_assert_cmpint(hvc(GET_INFO, 4, 0, 0), ==, -1);
	g_assert_cmpint(hvc(GET_INFO, BIT(32), 0, 0), ==, -1);
	g_assert_cmpint(hvc(GET_INFO, INVALID64, 0, 0), ==, -1);
	g_assert_cmpuint(refusals(), ==, 0);
}

/* What an honest host can run into is an answer, not a violation. */
static void busy_and_again_are_no_violations(void)
{
	ops_start();
	violation_set_halt(true);
	g_assert_cmpint(hvc(REGISTER, 0, 0, 0), ==, 1);
	g_assert_cmpint(hvc4(IOREMAP, 1, UART, UART, PAGE_SIZE), ==, 0);
	g_assert_cmpint(hvc4(IOREMAP, 1, UART, UART, PAGE_SIZE), ==, BUSY);
	ops_give_block(1, OPS_GFN, OPS_PFN(3, 0));
	ops_give_page(1, OPS_GFN + 512, PFN);
	ops_set_vcpu_state(1, 0, ACTIVE);
	g_assert_cmpint(hvc(DESTROY, 1, 0, 0), ==, BUSY);
	ops_set_vcpu_state(1, 0, READY);
	g_assert_cmpint(hvc(DESTROY, 1, 0, 0), ==, AGAIN);
	g_assert_cmpint(hvc(DESTROY, 1, 0, 0), ==, 0);
	g_assert_cmpint(hvc(35, 0, 0, 0), ==, -1);
	g_assert_cmpuint(refusals(), ==, 0);
	g_assert_cmpstr(native_console(), ==, "");
}

static void no_memory_is_a_violation(void)
{
	ops_start();
	for (vmid_t id = 1; id < COREVISOR; id++) {
		g_assert_cmpint(hvc(REGISTER, 0, 0, 0), ==, id);
	}
	assert_refused(hvc(REGISTER, 0, 0, 0), NO_MEMORY);
	g_assert_cmpuint(refusals(), ==, 1);
	g_assert_cmpstr(native_console(), ==,
			"refused: host cpu0: REGISTER_KVM(): all VM ids are "
			"in use (pc 0xffff800080123450)\r\n");
}

static void no_memory_for_tables_is_one_too(void)
{
	static const struct machine small = {
		.ram = { { OPS_RAM2, OPS_RAM2_BYTES } },
		.nr_ram = 1,
		.el2 = { OPS_EL2, 4 * MIB },
		.pool_pages = 64,
		.arena_chunks = 1,
	};

	machine_start(&small);
	g_assert_cmpint(hvc(REGISTER, 0, 0, 0), ==, 1);
	g_assert_cmpint(hvc(REGISTER, 0, 0, 0), ==, NO_MEMORY);
	g_assert_cmpuint(refusals(), ==, 1);
	g_assert_cmpstr(native_console(), ==,
			"refused: host cpu0: REGISTER_KVM(): no memory for "
			"tables (pc 0xffff800080123450)\r\n");
}

/* --- What the console says --------------------------------------------- */

/* The line of this refusal, up to the program counter. */
static void assert_told(const struct bad_call *call, const char *line)
{
	g_autofree char *whole =
		g_strdup_printf("refused: host cpu0: %s "
				"(pc 0xffff800080123450)\r\n", line);

	native_console_reset();
	g_assert_cmpint(make(call), ==, call->result);
	g_assert_cmpstr(native_console(), ==, whole);
}

static void refusal_names_call_arguments_and_reason(void)
{
	static const char *const lines[] = {
		"CLEAR_VM_S2_RANGE(0x1, 0x0, 0x10000000000): the VM is not "
		"powered off",
		"CLEAR_VM_S2_RANGE(0x1, 0x1, 0x10000000000): range is "
		"misaligned or too large",
		"CLEAR_VM_S2_RANGE(0x2, 0x0, 0x10000000000): the VM is not "
		"powered off",
		"SET_BOOT_INFO(0x1, 0x8000000000, 0x1): image overlaps "
		"another",
		"SET_BOOT_INFO(0x2, 0x8000000000, 0x1): the VM is not being "
		"set up",
		"REMAP_VM_IMAGE(0x1, 0x40426, 0x0): image is complete",
		"REMAP_VM_IMAGE(0x1, 0x40426, 0x1): no such image",
		"REMAP_VM_IMAGE(0x2, 0x40426, 0x0): the VM is not being set "
		"up",
		"PHYS_ADDR_IOREMAP(0x1, 0x9000000, 0x40000000, 0x1000): not "
		"a device that the VM may have",
		"PHYS_ADDR_IOREMAP(0x1, 0x9000000, 0x9000000, 0x1): range is "
		"misaligned or too large",
		"REGISTER_VCPU(0x1, 0x8): no such VM or vCPU",
		"REGISTER_VCPU(0x0, 0x0): no such VM or vCPU",
		"REGISTER_VCPU(0x2, 0x0): the VM is not being set up",
		"TIMER_SET_CNTVOFF(0x10, 0x1): no such VM id",
		"TIMER_SET_CNTVOFF(0x2, 0x1): the VM is not being set up",
		"DESTROY_VM(0x2): the VM does not exist",
		"DESTROY_VM(0x0): no such VM id",
		"DESTROY_VM(0x10): no such VM id",
		"SMMU_FREE_PGD(0x0, 0x0): the bank is the corevisor's",
		"SMMU_FREE_PGD(0x8, 0x1): no such SMMU or bank",
		"SMMU_ALLOC_PGD(0x1, 0x2, 0x0): the VM is not being set up",
		"SMMU_ALLOC_PGD(0x1, 0x10, 0x1): no such VM id",
		"SMMU_LPAE_MAP(0x9000000, 0x9000000, 0xc0, 0x1, 0x2): no such "
		"SMMU or bank",
		"SMMU_LPAE_MAP(0x8000000000, 0x40425000, 0xc0, 0x1, 0x0): the "
		"bank is free",
		"SMMU_LPAE_IOVA_TO_PHYS(0x8000000000, 0x1, 0x1): the bank is "
		"free",
		"SMMU_CLEAR(0x8000000000, 0x0, 0x0): the bank is the "
		"corevisor's",
		"SMMU_SET_STREAM(0x0, 0x10, 0x0): no DMA device has the "
		"stream",
		"SMMU_SET_STREAM(0x1, 0x10, 0x1): the bank is free",
	};

	G_STATIC_ASSERT(ARRAY_SIZE(lines) == ARRAY_SIZE(bad_calls));
	start_loaded_vm();
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_told(&bad_calls[i], lines[i]);
	}
}

static void refusal_of_the_longest_call_fits(void)
{
	const struct bad_call call = {
		SMMU_MAP, { ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
			    ~UINT64_C(0), ~UINT64_C(0) }, INVALID_ARG,
	};

	ops_start();
	assert_told(&call, "SMMU_LPAE_MAP(0xffffffffffffffff, "
		    "0xffffffffffffffff, 0xffffffffffffffff, "
		    "0xffffffffffffffff, 0xffffffffffffffff): no such SMMU or "
		    "bank");
}

static void other_reasons_are_told(void)
{
	static const struct {
		struct bad_call call;
		const char *line;
	} cases[] = {
		{ { REMAP, { 1, BIT(28), 1 }, INVALID_ARG },
		  "REMAP_VM_IMAGE(0x1, 0x10000000, 0x1): pfn beyond 28 "
		  "bits" },
		{ { REMAP, { 1, OPS_EL2 >> 12, 1 }, DENIED },
		  "REMAP_VM_IMAGE(0x1, 0x48400, 0x1): page is not the host's "
		  "alone" },
		{ { SET_BOOT_INFO, { 1, 1, 1 }, INVALID_ARG },
		  "SET_BOOT_INFO(0x1, 0x1, 0x1): image is misaligned, empty "
		  "or too far" },
		{ { SET_BOOT_INFO, { 1, 0x7000000, 1 }, NO_MEMORY },
		  "SET_BOOT_INFO(0x1, 0x7000000, 0x1): no more images" },
	};

	start_loaded_vm();
	for (uint64_t i = 1; i < 5; i++) {
		hvc(SET_BOOT_INFO, 1, IMAGE + i * MIB, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_told(&cases[i].call, cases[i].line);
	}
}

static void run_frame(void *data)
{
	trap_host_sync(data);
}

static void halt_panics_with_the_same_facts(void)
{
	struct trap_frame frame;
	struct opstate *before;

	start_loaded_vm();
	frame = hvc_frame(REMAP, (uint64_t[5]){ 1, OPS_EL2 >> 12 });
	violation_set_halt(true);
	before = opstate_take();
	assert_panics(run_frame, &frame,
		      "EL2 panic: violation by the host: REMAP_VM_IMAGE(0x1, "
		      "0x48400, 0x0): image is complete");
	g_assert_cmpuint(refusals(), ==, 1);
	opstate_assert_same(before);
}

/* Every refusal of this table is a panic, each in a machine of its own. */
static const struct bad_call *halting_call;

static void halt_on_one_call(void)
{
	struct trap_frame frame;

	start_loaded_vm();
	frame = hvc_frame(halting_call->number, halting_call->args);
	violation_set_halt(true);
	assert_panics(run_frame, &frame, "violation by the host: ");
}

static void halt_panics_on_every_refusal(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_calls); i++) {
		halting_call = &bad_calls[i];
		run_in_child(halt_on_one_call);
	}
}

/* --- Before the machine goes ------------------------------------------- */

static uint64_t secret_at_smc;

static void look_at_the_secret(void)
{
	ops_assert_filled(PFN, 0);
	secret_at_smc++;
}

/* No VM is left in RAM when the firmware below gets the call. */
static void vms_are_erased_before(uint64_t fn)
{
	struct trap_frame frame = { .esr = (uint64_t)0x17 << 26 | BIT(25) };

	start_loaded_vm();
	ops_fill(PFN, SECRET);
	frame.regs[0] = fn;
	secret_at_smc = 0;
	native_cpu.smc_hook = look_at_the_secret;
	trap_host_sync(&frame);
	g_assert_cmpuint(secret_at_smc, ==, 1);
	g_assert_cmphex(native_cpu.smc_args[0], ==, fn);
	ops_assert_record(PFN, 1, 0, IMAGE >> 12);
}

static void system_off_erases_vms_first(void)
{
	vms_are_erased_before(0x84000008);
}

static void system_reset_erases_vms_first(void)
{
	vms_are_erased_before(0x84000009);
}

/* Nothing else that the host says to the firmware does. */
static void other_psci_calls_leave_vms(void)
{
	struct trap_frame frame = { .esr = (uint64_t)0x17 << 26 | BIT(25) };

	start_loaded_vm();
	ops_fill(PFN, SECRET);
	frame.regs[0] = 0x84000000;
	trap_host_sync(&frame);
	frame.regs[0] = 0x84000002;
	trap_host_sync(&frame);
	ops_assert_filled(PFN, SECRET);
	g_assert_cmpuint(ops_vm_state(1), ==, READY);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/hvc/info/told", info_is_told),
	UNIT_TEST("/hvc/abi/numbers-are-the-references",
		  abi_numbers_are_the_references),
	UNIT_TEST("/hvc/life/make-load-and-end-a-vm",
		  calls_make_load_and_end_a_vm),
	UNIT_TEST("/hvc/life/manage-banks", calls_manage_banks),
	UNIT_TEST("/hvc/refusal/counted-and-nothing-changed",
		  bad_calls_are_refused_and_counted),
	UNIT_TEST("/hvc/g32_numbers_are_64_bits_wide",
		  g32_numbers_are_64_bits_wide),
	UNIT_TEST("/hvc/number/64-bits-wide", call_numbers_are_64_bits_wide),
	UNIT_TEST("/hvc/refusal/busy-and-again-are-none",
		  busy_and_again_are_no_violations),
	UNIT_TEST("/hvc/refusal/no-memory-is-one", no_memory_is_a_violation),
	UNIT_TEST("/hvc/refusal/no-memory-for-tables-is-one",
		  no_memory_for_tables_is_one_too),
	UNIT_TEST("/hvc/console/call-arguments-and-reason",
		  refusal_names_call_arguments_and_reason),
	UNIT_TEST("/hvc/console/longest-call-fits",
		  refusal_of_the_longest_call_fits),
	UNIT_TEST("/hvc/console/other-reasons", other_reasons_are_told),
	UNIT_TEST_DIES("/hvc/halt/same-facts",
		       halt_panics_with_the_same_facts),
	UNIT_TEST("/hvc/halt/every-refusal", halt_panics_on_every_refusal),
	UNIT_TEST("/psci/system-off/erases-vms-first",
		  system_off_erases_vms_first),
	UNIT_TEST("/psci/system-reset/erases-vms-first",
		  system_reset_erases_vms_first),
	UNIT_TEST("/psci/others/leave-vms", other_psci_calls_leave_vms),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
