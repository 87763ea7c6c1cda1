/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exits that EL2 answers itself: for every class of syndrome, whether the VM
 * goes on and with what; exceptions inside the VM; what the ID registers and
 * the debug registers show; and that no exit stops the machine.
 */
#include "opstate.h"

#include <string.h>

#include "arch/sysreg.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/fpsimd.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/shadow_ctxt.h"
#include "core/trap_frame.h"
#include "core/vcpu_ops.h"
#include "core/vm_exit.h"
#include "core/vm_idregs.h"
#include "hypsec/abi.h"

#define VM_PC	UINT64_C(0xffff800008012340)
#define VBAR	UINT64_C(0xffff800008010800)
#define MMIO	UINT64_C(0x09000000)
#define MEMORY	UINT64_C(0x41234000)
#define FAR	UINT64_C(0xffff000012345678)
#define SECRET(n) (UINT64_C(0x5ec2e70000000000) | (n))

#define CLASS(ec)	((uint64_t)(ec) << 26)
#define IL		BIT(25)
#define ISV		BIT(24)
#define S1PTW		BIT(7)
#define WNR		BIT(6)
#define HVC		(CLASS(0x16) | IL)
#define SMC		(CLASS(0x17) | IL)
#define UNDEF		IL
#define EL1H		UINT64_C(0x60000005)
#define EL0		UINT64_C(0x60000000)

/* ISS of an MSR or MRS, by the Arm ARM. */
#define MRS(op0, op1, n, m, op2, rt)					\
	(CLASS(0x18) | IL | (op0) << 20 | (op2) << 17 | (op1) << 14 |	\
	 (n) << 10 | (uint64_t)(rt) << 5 | (m) << 1 | 1)
#define MSR(op0, op1, n, m, op2, rt)	(MRS(op0, op1, n, m, op2, rt) & ~BIT(0))

static vmid_t vm;
static struct shadow_ctxt *ctxt;

/* A VM whose vCPU 0 is current, with a secret in every register. */
static void start(void)
{
	ops_start();
	g_assert_cmpint(register_kvm(&vm), ==, HV_OK);
	g_assert_cmpint(register_vcpu(vm, 0), ==, HV_OK);
	acquire_lock_vm(vm);
	boot_vcpu_set_entry(vm, 0, VM_PC, 0);
	release_lock_vm(vm);
	ops_set_vm_state(vm, VERIFIED);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_OK);
	set_per_cpu(vm, 0);
	ctxt = this_cpu()->ctxt;
	g_assert_cmpint(restore_shadow_kvm_regs(), ==, HV_OK);
	for (uint32_t i = X0; i <= X30; i++) {
		ctxt->regs[i] = SECRET(i);
	}
	ctxt->regs[PC] = VM_PC;
	ctxt->regs[PSTATE] = EL1H;
	/* EL1's own registers are in the CPU while it runs. */
	ctxt->regs[VBAR_EL1] = 0;
	native_cpu.vbar_el1 = VBAR;
	native_cpu.sctlr_el1 = BIT(23);
	native_cpu.esr_el1 = 0x1111;
	native_cpu.elr_el1 = 0x2222;
	native_cpu.spsr_el1 = 0x3333;
	native_cpu.far_el1 = 0x4444;
}

static void end(void)
{
	set_per_cpu(HOSTVISOR, 0);
}

/* Whether the VM goes on. */
static bool leave(uint64_t esr, uint64_t ipa)
{
	ctxt->regs[EC] = HYPSEC_EXIT_TRAP;
	ctxt->regs[ESR_EL2] = esr;
	ctxt->regs[FAR_EL2] = FAR;
	ctxt->regs[HPFAR_EL2] = ipa >> 12 << 4;
	return vm_exit_dispatcher();
}

/* x0 to x30 but @n are as they were. */
static void assert_registers_but(uint32_t n)
{
	for (uint32_t i = X0; i <= X30; i++) {
		if (i != n) {
			g_assert_cmphex(ctxt->regs[i], ==, SECRET(i));
		}
	}
}

#define NO_REGISTER 99u

/* The VM is at its vector, with this syndrome. */
static void assert_injected(uint64_t esr, uint64_t vector, uint64_t pstate)
{
	g_assert_cmphex(ctxt->regs[PC], ==, VBAR + vector);
	g_assert_cmphex(ctxt->regs[PSTATE], ==, 0x600003c5);
	g_assert_cmphex(native_cpu.esr_el1, ==, esr);
	g_assert_cmphex(native_cpu.elr_el1, ==, VM_PC);
	g_assert_cmphex(native_cpu.spsr_el1, ==, pstate);
	assert_registers_but(NO_REGISTER);
}

/* The exit is the host's, and the VM is as it was. */
static void assert_for_host(void)
{
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC);
	g_assert_cmphex(ctxt->regs[PSTATE], ==, EL1H);
	g_assert_cmphex(native_cpu.esr_el1, ==, 0x1111);
	assert_registers_but(NO_REGISTER);
}

/* --- Classes ----------------------------------------------------------- */

static void other_exits_are_the_hosts(void)
{
	static const uint64_t codes[] = {
		HYPSEC_EXIT_IRQ, HYPSEC_EXIT_SERROR, 3, 31, BIT(31) | 2,
	};

	start();
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		ctxt->regs[EC] = codes[i];
		ctxt->regs[ESR_EL2] = UNDEF;
		g_assert_false(vm_exit_dispatcher());
		assert_for_host();
	}
	end();
}

static void wfx_is_the_hosts(void)
{
	start();
	for (uint64_t ti = 0; ti < 4; ti++) {
		g_assert_false(leave(CLASS(1) | IL | ti, 0));
		assert_for_host();
	}
	end();
}

/* G55: all 64 classes, and from each level that a VM has. */
static void g55_no_class_stops_the_machine(void)
{
	static const uint64_t pstates[] = { EL1H, 0x60000004, EL0, 0x60000010 };
	static const uint64_t vectors[] = { 0x200, 0, 0x400, 0x600 };
	/* What has an answer of its own. */
	static const uint64_t known[] = {
		0x01, 0x07, 0x12, 0x16, 0x17, 0x18, 0x20, 0x24, 0x30, 0x32,
		0x34, 0x38, 0x3c,
	};

	for (uint64_t class = 0; class < 64; class++) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
			is_known = is_known || known[i] == class;
		}
		for (size_t i = 0; i < ARRAY_SIZE(pstates); i++) {
			bool goes_on;

			start();
			ctxt->regs[PSTATE] = pstates[i];
			goes_on = leave(CLASS(class) | IL | 0x1ffffff, MMIO);
			if (!is_known) {
				g_assert_true(goes_on);
				assert_injected(UNDEF, vectors[i], pstates[i]);
				g_assert_cmphex(native_cpu.far_el1, ==,
						0x4444);
			} else if (!goes_on) {
				save_shadow_kvm_regs();
			}
			g_assert_false(panic_is_halted());
			end();
		}
	}
}

/* By what EL1 has in the CPU, not by what it had at its last entry. */
static void exceptions_enter_by_the_vms_own_sctlr(void)
{
	static const uint64_t sctlrs[] = { 0, BIT(23) };

	for (size_t i = 0; i < ARRAY_SIZE(sctlrs); i++) {
		start();
		this_cpu()->features.pan = true;
		native_cpu.sctlr_el1 = sctlrs[i];
		ctxt->regs[SCTLR_EL1] = sctlrs[1 - i];
		g_assert_true(leave(CLASS(0x3f), 0));
		g_assert_cmphex(ctxt->regs[PSTATE], ==,
				i == 0 ? 0x604003c5 : 0x600003c5);
		end();
	}
}

/* --- Calls ------------------------------------------------------------- */

static void calls_are_the_hosts(void)
{
	static const uint64_t classes[] = {
		HVC, SMC, CLASS(0x12) | IL,
	};
	static const uint64_t functions[] = {
		0x84000000, 0x84000008, 0x80000000, 0x83000, 0x84001,
		BIT(32) | 0x81000, 0, INVALID64,
	};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		for (size_t f = 0; f < ARRAY_SIZE(functions); f++) {
			start();
			ctxt->regs[X0] = functions[f];
			g_assert_false(leave(classes[i], 0));
			g_assert_cmphex(ctxt->regs[X0], ==, functions[f]);
			g_assert_cmphex(ctxt->regs[PC], ==, VM_PC);
			assert_registers_but(0);
			end();
		}
	}
}

/* G57: EL2's own calls, in x0, x2, x3; the PC of an SMC is not behind it. */
static void g57_pvops_are_answered(void)
{
	static const uint64_t classes[] = { HVC, SMC };

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		start();
		ops_give_page(vm, MEMORY >> 12, OPS_PFN(2, 37));
		ctxt->regs[X0] = 0x81000;
		ctxt->regs[2] = MEMORY;
		ctxt->regs[3] = 4096;
		g_assert_true(leave(classes[i], 0));
		g_assert_cmphex(ctxt->regs[X0], ==, 0);
		g_assert_cmphex(ctxt->regs[PC], ==,
				i == 0 ? VM_PC : VM_PC + 4);
		ops_host_touches(OPS_PFN(2, 37));
		ctxt->regs[X0] = 0x82000;
		g_assert_true(leave(classes[i], 0));
		g_assert_cmphex(ctxt->regs[X0], ==, 0);
		ctxt->regs[X0] = 0x82000;
		g_assert_true(leave(classes[i], 0));
		g_assert_cmpint((int64_t)ctxt->regs[X0], ==, HYPSEC_DENIED);
		/* RAM is no device to accept. */
		ctxt->regs[X0] = 0x84000;
		g_assert_true(leave(classes[i], 0));
		g_assert_cmpint((int64_t)ctxt->regs[X0], ==, HYPSEC_DENIED);
		end();
	}
}

static void other_immediates_are_not_supported(void)
{
	for (uint64_t imm = 1; imm <= 0x8000; imm <<= 1) {
		start();
		ctxt->regs[X0] = 0x81000;
		g_assert_true(leave(HVC | imm, 0));
		g_assert_cmpint((int64_t)ctxt->regs[X0], ==, -1);
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC);
		g_assert_true(leave(SMC | imm, 0));
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
		assert_registers_but(0);
		end();
	}
}

/* --- Aborts ------------------------------------------------------------ */

static void aborts_with_a_remedy_are_the_hosts(void)
{
	static const uint64_t esrs[][2] = {
		{ CLASS(0x24) | IL | ISV | 7, MMIO },
		{ CLASS(0x24) | IL | ISV | WNR | 5, MMIO },
		{ CLASS(0x24) | IL | 7, MEMORY },
		{ CLASS(0x20) | IL | 7, MEMORY },
		{ CLASS(0x24) | IL | S1PTW | 6, MEMORY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(esrs); i++) {
		start();
		g_assert_false(leave(esrs[i][0], esrs[i][1]));
		assert_for_host();
		end();
	}
}

struct refused {
	uint64_t esr;
	uint64_t ipa;
	uint64_t pstate;
	uint64_t vector;
	uint64_t esr_el1;
};

static const struct refused refused[] = {
	{ CLASS(0x24) | IL | 7, MMIO, EL1H, 0x200, CLASS(0x25) | IL | 0x10 },
	{ CLASS(0x24) | 7, MMIO, EL0, 0x400, CLASS(0x24) | IL | 0x10 },
	{ CLASS(0x24) | IL | WNR | 7, MMIO, EL1H, 0x200,
	  CLASS(0x25) | IL | WNR | 0x10 },
	{ CLASS(0x24) | IL | ISV | S1PTW | 7, MMIO, EL1H, 0x200,
	  CLASS(0x25) | IL | 0x17 },
	{ CLASS(0x24) | IL | S1PTW | 5, KVM_PHYS_SIZE, EL0, 0x400,
	  CLASS(0x24) | IL | 0x15 },
	{ CLASS(0x20) | IL | S1PTW | 6, MMIO, EL1H, 0x200,
	  CLASS(0x21) | IL | 0x16 },
	{ CLASS(0x20) | IL | 7, MMIO, EL1H, 0x200, CLASS(0x21) | IL | 0x10 },
	{ CLASS(0x20) | IL | 7, MMIO, EL0, 0x400, CLASS(0x20) | IL | 0x10 },
	{ CLASS(0x24) | IL | ISV | 0xf, MEMORY, EL1H, 0x200,
	  CLASS(0x25) | IL | 0x10 },
	{ CLASS(0x24) | IL | ISV | 7, KVM_PHYS_SIZE, EL1H, 0x200,
	  CLASS(0x25) | IL | 0x10 },
};

static void g46_aborts_without_one_are_the_vms(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		start();
		ctxt->regs[PSTATE] = refused[i].pstate;
		g_assert_true(leave(refused[i].esr, refused[i].ipa));
		assert_injected(refused[i].esr_el1, refused[i].vector,
				refused[i].pstate);
		g_assert_cmphex(native_cpu.far_el1, ==, FAR);
		g_assert_cmphex(ctxt->regs[FLAGS], ==, 0);
		g_assert_cmphex(ctxt->regs[DIRTY], ==, 0);
		end();
	}
}

/* --- Debug exceptions -------------------------------------------------- */

struct debug {
	uint64_t esr;
	uint64_t pstate;
	uint64_t esr_el1;
	bool far;
};

static const struct debug debugs[] = {
	{ CLASS(0x3c) | IL | 0x1234, EL1H, CLASS(0x3c) | IL | 0x1234, false },
	{ CLASS(0x3c) | IL | 0x1234, EL0, CLASS(0x3c) | IL | 0x1234, false },
	{ CLASS(0x38) | 1, EL0, CLASS(0x38) | 1, false },
	{ CLASS(0x30) | IL | 0x22, EL0, CLASS(0x30) | IL | 0x22, false },
	{ CLASS(0x30) | IL | 0x22, EL1H, CLASS(0x31) | IL | 0x22, false },
	{ CLASS(0x32) | IL | 0x22, EL0, CLASS(0x32) | IL | 0x22, false },
	{ CLASS(0x32) | IL | 0x22, EL1H, CLASS(0x33) | IL | 0x22, false },
	{ CLASS(0x34) | IL | 0x22, EL0, CLASS(0x34) | IL | 0x22, true },
	{ CLASS(0x34) | IL | 0x22, EL1H, CLASS(0x35) | IL | 0x22, true },
};

static void debug_exceptions_are_the_vms(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(debugs); i++) {
		start();
		ctxt->regs[PSTATE] = debugs[i].pstate;
		g_assert_true(leave(debugs[i].esr, 0));
		assert_injected(debugs[i].esr_el1,
				debugs[i].pstate == EL0 ? 0x400 : 0x200,
				debugs[i].pstate);
		g_assert_cmphex(native_cpu.far_el1, ==,
				debugs[i].far ? FAR : 0x4444);
		end();
	}
}

/* --- FP ---------------------------------------------------------------- */

static void fp_is_the_vms_at_its_first_use(void)
{
	start();
	g_assert_true(leave(CLASS(7) | IL | 0x1e00000, 0));
	assert_for_host();
	/* A trap with the registers there is of something else. */
	g_assert_true(leave(CLASS(7) | IL | 0x1e00000, 0));
	assert_injected(UNDEF, 0x200, EL1H);
	end();
}

/* --- System registers -------------------------------------------------- */

static void assert_reads(uint64_t esr, uint64_t value)
{
	uint32_t rt = EXTRACT(ESR_ELX_SYS_RT, esr);

	ctxt->regs[PC] = VM_PC;
	g_assert_true(leave(esr, 0));
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
	g_assert_cmphex(native_cpu.esr_el1, ==, 0x1111);
	assert_registers_but(rt);
	if (rt <= X30) {
		g_assert_cmphex(ctxt->regs[rt], ==, value);
		ctxt->regs[rt] = SECRET(rt);
	}
}

static void assert_ignored(uint64_t esr)
{
	ctxt->regs[PC] = VM_PC;
	g_assert_true(leave(esr, 0));
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
	g_assert_cmphex(native_cpu.esr_el1, ==, 0x1111);
	assert_registers_but(NO_REGISTER);
}

static void assert_undefined(uint64_t esr)
{
	start();
	g_assert_true(leave(esr, 0));
	assert_injected(UNDEF, 0x200, EL1H);
	end();
}

static void g59_debug_registers_are_zero_and_ignored(void)
{
	start();
	for (uint64_t n = 0; n < 16; n++) {
		for (uint64_t op2 = 4; op2 < 8; op2++) {
			assert_reads(MRS(2, 0, 0, n, op2, 7), 0);
			assert_ignored(MSR(2, 0, 0, n, op2, 7));
		}
	}
	assert_reads(MRS(2, 0, 0, 2, 2, 0), 0);		/* MDSCR_EL1 */
	assert_ignored(MSR(2, 0, 0, 2, 2, 0));
	assert_ignored(MSR(2, 0, 1, 0, 4, 31));		/* OSLAR_EL1 */
	assert_reads(MRS(2, 0, 1, 1, 4, 30), 8);	/* OSLSR_EL1 */
	assert_ignored(MSR(2, 0, 1, 3, 4, 31));		/* OSDLR_EL1 */
	assert_reads(MRS(2, 3, 0, 1, 0, 31), 0);	/* MDCCSR_EL0 */
	end();
	assert_undefined(MRS(2, 1, 0, 0, 0, 1));	/* trace */
	assert_undefined(MRS(2, 4, 0, 7, 0, 1));
	assert_undefined(MSR(2, 6, 0, 0, 0, 1));
}

static void actlr_is_read_only(void)
{
	start();
	ctxt->regs[ACTLR_EL1] = 0xac71;
	assert_reads(MRS(3, 0, 1, 0, 1, 3), 0xac71);
	assert_ignored(MSR(3, 0, 1, 0, 1, 3));
	g_assert_cmphex(ctxt->regs[ACTLR_EL1], ==, 0xac71);
	end();
}

static void g56_what_a_vm_has_not_is_undefined(void)
{
	assert_undefined(MRS(3, 3, 9, 12, 0, 1));	/* PMCR_EL0 */
	assert_undefined(MSR(3, 3, 9, 14, 0, 1));	/* PMUSERENR_EL0 */
	assert_undefined(MSR(3, 3, 14, 8, 0, 1));	/* PMEVCNTR0_EL0 */
	assert_undefined(MSR(3, 0, 9, 14, 1, 1));	/* PMINTENSET_EL1 */
	assert_undefined(MSR(3, 0, 9, 9, 0, 1));	/* PMSCR_EL1 */
	assert_undefined(MSR(3, 0, 2, 1, 0, 1));	/* APIAKEYLO_EL1 */
	assert_undefined(MRS(3, 0, 1, 2, 0, 1));	/* ZCR_EL1 */
	assert_undefined(MSR(3, 0, 1, 0, 5, 1));	/* RGSR_EL1 */
	assert_undefined(MSR(3, 0, 10, 4, 3, 1));	/* LORC_EL1 */
	assert_undefined(MSR(3, 0, 15, 0, 0, 1));	/* the maker's own */
	assert_undefined(MSR(3, 3, 13, 0, 7, 1));	/* SCXTNUM_EL0 */
	assert_undefined(MSR(3, 0, 13, 0, 7, 1));
	assert_undefined(MRS(3, 0, 5, 3, 0, 1));	/* ERRIDR_EL1 */
	assert_undefined(MSR(1, 0, 7, 6, 2, 1));	/* DC ISW */
	assert_undefined(MSR(3, 0, 0, 4, 0, 1));	/* an ID register */
	assert_undefined(MRS(3, 0, 0, 8, 0, 1));
	assert_undefined(MRS(3, 1, 0, 4, 0, 1));
	assert_undefined(MRS(3, 4, 1, 1, 0, 1));	/* HCR_EL2 */
}

static void timer_is_the_hosts(void)
{
	for (uint64_t op2 = 0; op2 < 3; op2++) {
		start();
		g_assert_false(leave(MRS(3, 3, 14, 2, op2, 4), 0));
		assert_for_host();
		g_assert_false(leave(MSR(3, 3, 14, 2, op2, 4), 0));
		assert_for_host();
		end();
	}
	assert_undefined(MRS(3, 3, 14, 2, 3, 4));
	/* EL1's view of it at EL2, the virtual timer. */
	assert_undefined(MRS(3, 5, 14, 2, 1, 4));
}

static void g56b_interrupts_are_the_hosts_with_a_gicv3(void)
{
	for (uint64_t op2 = 5; op2 < 8; op2++) {
		start();
		native_cpu.ID_AA64PFR0_EL1 = BIT(24);
		g_assert_false(leave(MSR(3, 0, 12, 11, op2, 4), 0));
		assert_for_host();
		/* There is nothing to read. */
		g_assert_true(leave(MRS(3, 0, 12, 11, op2, 4), 0));
		assert_injected(UNDEF, 0x200, EL1H);
		end();
		assert_undefined(MSR(3, 0, 12, 11, op2, 4));
	}
	start();
	native_cpu.ID_AA64PFR0_EL1 = BIT(24);
	assert_reads(MRS(3, 0, 12, 12, 5, 4), 7);
	assert_ignored(MSR(3, 0, 12, 12, 5, 4));
	end();
	assert_undefined(MRS(3, 0, 12, 12, 5, 4));
}

static void id_registers_reach_the_vm(void)
{
	start();
	native_cpu.ID_AA64ISAR0_EL1 = 0x11120;
	native_cpu.mvfr0_el1 = 0x10110222;
	assert_reads(MRS(3, 0, 0, 6, 0, 9), 0x11120);
	assert_reads(MRS(3, 0, 0, 3, 0, 30), 0x10110222);
	assert_reads(MRS(3, 0, 0, 6, 0, 31), 0);
	/* Not known, hence nothing: ID_AA64MMFR3_EL1, ID_AA64PFR2_EL1. */
	native_cpu.ID_AA64MMFR3_EL1 = INVALID64;
	assert_reads(MRS(3, 0, 0, 7, 3, 9), 0);
	assert_reads(MRS(3, 0, 0, 4, 2, 9), 0);
	end();
}

/* --- What the ID registers say ------------------------------------------ */

struct id_case {
	uint32_t crm;
	uint32_t op2;
	uint64_t *hardware;
	uint64_t most;		/* what is left of a CPU that has everything */
};

static uint64_t id(uint32_t crm, uint32_t op2)
{
	return vm_id_register(SYS_REG(3, 0, 0, crm, op2));
}

/* Each field of 0xf; where a feature of EL2's is hidden, 0. */
static void g59_features_are_hidden(void)
{
	const struct id_case cases[] = {
		{ 4, 0, &native_cpu.ID_AA64PFR0_EL1, 0xf10f000001ff0012 },
		{ 4, 1, &native_cpu.ID_AA64PFR1_EL1, 0x2f },
		{ 5, 0, &native_cpu.ID_AA64DFR0_EL1, 0x101006 },
		{ 5, 1, &native_cpu.ID_AA64DFR1_EL1, 0 },
		{ 5, 4, &native_cpu.ID_AA64AFR0_EL1, 0 },
		{ 5, 5, &native_cpu.ID_AA64AFR1_EL1, 0 },
		{ 6, 0, &native_cpu.ID_AA64ISAR0_EL1, 0xfffffffff0fffff0 },
		{ 6, 1, &native_cpu.ID_AA64ISAR1_EL1, 0x00fff0ff00fff00f },
		{ 6, 2, &native_cpu.ID_AA64ISAR2_EL1, 0x00ff0000f0f00000 },
		{ 7, 0, &native_cpu.ID_AA64MMFR0_EL1, 0x0f1f0ff2 },
		{ 7, 1, &native_cpu.ID_AA64MMFR1_EL1, 0xf00f00f000302002 },
		{ 7, 2, &native_cpu.ID_AA64MMFR2_EL1, 0xf0ff00ff00f000ff },
		{ 7, 3, &native_cpu.ID_AA64MMFR3_EL1, 0 },
		{ 4, 4, &native_cpu.ID_AA64ZFR0_EL1, 0 },
		{ 4, 5, &native_cpu.ID_AA64SMFR0_EL1, 0 },
		{ 1, 0, &native_cpu.id_pfr0_el1, 0x0f0fffff },
		{ 1, 1, &native_cpu.id_pfr1_el1, 0x000f0fff },
		{ 1, 2, &native_cpu.id_dfr0_el1, 6 },
		{ 1, 3, &native_cpu.id_afr0_el1, 0 },
		{ 2, 6, &native_cpu.id_mmfr4_el1, 0x0ffff0f0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct id_case *c = &cases[i];

		*c->hardware = INVALID64;
		g_assert_cmphex(id(c->crm, c->op2), ==, c->most);
		*c->hardware = 0;
		g_assert_cmphex(id(c->crm, c->op2), ==, 0);
	}
}

/* AArch32's, of which nothing needs EL2: each register its own. */
static void id_registers_of_aarch32_are_the_hardwares(void)
{
	const struct {
		uint32_t crm;
		uint32_t op2;
		uint64_t *hardware;
	} registers[] = {
		{ 1, 4, &native_cpu.id_mmfr0_el1 },
		{ 1, 5, &native_cpu.id_mmfr1_el1 },
		{ 1, 6, &native_cpu.id_mmfr2_el1 },
		{ 1, 7, &native_cpu.id_mmfr3_el1 },
		{ 2, 0, &native_cpu.id_isar0_el1 },
		{ 2, 1, &native_cpu.id_isar1_el1 },
		{ 2, 2, &native_cpu.id_isar2_el1 },
		{ 2, 3, &native_cpu.id_isar3_el1 },
		{ 2, 4, &native_cpu.id_isar4_el1 },
		{ 2, 5, &native_cpu.id_isar5_el1 },
		{ 2, 7, &native_cpu.id_isar6_el1 },
		{ 3, 0, &native_cpu.mvfr0_el1 },
		{ 3, 1, &native_cpu.mvfr1_el1 },
		{ 3, 2, &native_cpu.mvfr2_el1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		*registers[i].hardware = 0x12345670 | i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		g_assert_cmphex(id(registers[i].crm, registers[i].op2), ==,
				0x12345670 | i);
		*registers[i].hardware = 0xffffffff;
		g_assert_cmphex(id(registers[i].crm, registers[i].op2), ==,
				0xffffffff);
	}
}

/* A Cortex-A57 shows what it has; what needs EL2 is gone. */
static void id_registers_of_a_cortex_a57(void)
{
	native_cpu.ID_AA64PFR0_EL1 = 0x00002222;
	native_cpu.ID_AA64DFR0_EL1 = 0x10305106;
	native_cpu.ID_AA64ISAR0_EL1 = 0x00011120;
	native_cpu.ID_AA64MMFR0_EL1 = 0x00001124;
	g_assert_cmphex(id(4, 0), ==, 0x12);
	g_assert_cmphex(id(5, 0), ==, 0x101006);
	g_assert_cmphex(id(6, 0), ==, 0x00011120);
	g_assert_cmphex(id(7, 0), ==, 0x00000122);
}

/* One by one: nothing is above the hardware's. */
static void id_fields_never_exceed_the_hardwares(void)
{
	for (uint64_t n = 0; n < 16; n++) {
		native_cpu.ID_AA64MMFR1_EL1 = n * 0x1111111111111111;
		for (unsigned int shift = 0; shift < 64; shift += 4) {
			g_assert_cmpuint(id(7, 1) >> shift & 0xf, <=, n);
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST("/vm-exit/class/not-a-trap", other_exits_are_the_hosts),
	UNIT_TEST("/vm-exit/class/wfx", wfx_is_the_hosts),
	UNIT_TEST("/vm-exit/class/g55-all", g55_no_class_stops_the_machine),
	UNIT_TEST("/vm-exit/class/sctlr",
		  exceptions_enter_by_the_vms_own_sctlr),
	UNIT_TEST("/vm-exit/call/hosts", calls_are_the_hosts),
	UNIT_TEST("/vm-exit/call/g57-pvops", g57_pvops_are_answered),
	UNIT_TEST("/vm-exit/call/immediates",
		  other_immediates_are_not_supported),
	UNIT_TEST("/vm-exit/abort/remedy", aborts_with_a_remedy_are_the_hosts),
	UNIT_TEST("/vm-exit/abort/g46-refused",
		  g46_aborts_without_one_are_the_vms),
	UNIT_TEST("/vm-exit/debug/reflected", debug_exceptions_are_the_vms),
	UNIT_TEST("/vm-exit/fp/first-use", fp_is_the_vms_at_its_first_use),
	UNIT_TEST("/vm-exit/sys/g59-debug",
		  g59_debug_registers_are_zero_and_ignored),
	UNIT_TEST("/vm-exit/sys/actlr", actlr_is_read_only),
	UNIT_TEST("/vm-exit/sys/g56-undefined",
		  g56_what_a_vm_has_not_is_undefined),
	UNIT_TEST("/vm-exit/sys/timer", timer_is_the_hosts),
	UNIT_TEST("/vm-exit/sys/g56b-gicv3",
		  g56b_interrupts_are_the_hosts_with_a_gicv3),
	UNIT_TEST("/vm-exit/sys/id", id_registers_reach_the_vm),
	UNIT_TEST("/vm-exit/id/g59-hidden", g59_features_are_hidden),
	UNIT_TEST("/vm-exit/id/aarch32",
		  id_registers_of_aarch32_are_the_hardwares),
	UNIT_TEST("/vm-exit/id/cortex-a57", id_registers_of_a_cortex_a57),
	UNIT_TEST("/vm-exit/id/never-more",
		  id_fields_never_exceed_the_hardwares),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
