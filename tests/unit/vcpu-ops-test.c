/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host sees of an exit and what of its answer reaches the vCPU:
 * every branch of save_shadow_kvm_regs() and restore_shadow_kvm_regs(), and
 * each value in the place where it is allowed beside one where it is not.
 */
#include "opstate.h"

#include <string.h>

#include "arch/mem.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/locks.h"
#include "core/shadow_ctxt.h"
#include "core/trap_frame.h"
#include "core/vcpu_ops.h"
#include "core/vcpu_ops_aux.h"
#include "hypsec/abi.h"

#define ENTRY	UINT64_C(0x40080000)
#define CONTEXT	UINT64_C(0x48000000)
#define VM_PC	UINT64_C(0xffff800008012340)
#define VBAR	UINT64_C(0xffff800008010800)
#define MMIO	UINT64_C(0x09000000)
#define MEMORY	UINT64_C(0x41234000)
#define SECRET(n) (UINT64_C(0x5ec2e70000000000) | (n))
#define ANSWER(n) (UINT64_C(0xa05e2f0000000000) | (n))

/* Syndromes, by the Arm ARM. */
#define CLASS(ec)	((uint64_t)(ec) << 26)
#define IL		BIT(25)
#define ISV		BIT(24)
#define SAS(n)		((uint64_t)(n) << 22)
#define SSE		BIT(21)
#define SRT(n)		((uint64_t)(n) << 16)
#define SF		BIT(15)
#define S1PTW		BIT(7)
#define WNR		BIT(6)
#define TRANSLATION	UINT64_C(7)
#define DABT		(CLASS(0x24) | IL)
#define IABT		(CLASS(0x20) | IL)
#define LOAD		(DABT | ISV | TRANSLATION)
#define STORE		(LOAD | WNR)
#define HVC		(CLASS(0x16) | IL)
#define SMC		(CLASS(0x17) | IL)
#define WFI		(CLASS(0x01) | IL)
#define SYS(read, rt)	(CLASS(0x18) | IL | 0x3a3802 | (uint64_t)(rt) << 5 | \
			 (read))

static vmid_t vm;
static struct shadow_ctxt *ctxt;
static struct hypsec_vcpu *page;

static void vm_lock_entry(uint32_t vcpu, uint64_t entry, uint64_t context)
{
	acquire_lock_vm(vm);
	boot_vcpu_set_entry(vm, vcpu, entry, context);
	release_lock_vm(vm);
}

/* A VM with vCPUs 0 to 2, of which 0 is current and ACTIVE, and never ran. */
static void start_fresh(void)
{
	ops_start();
	g_assert_cmpint(register_kvm(&vm), ==, HV_OK);
	for (uint32_t i = 0; i < 3; i++) {
		g_assert_cmpint(register_vcpu(vm, i), ==, HV_OK);
	}
	vm_lock_entry(0, ENTRY, CONTEXT);
	ops_set_vm_state(vm, VERIFIED);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_OK);
	set_per_cpu(vm, 0);
	ctxt = this_cpu()->ctxt;
	page = (struct hypsec_vcpu *)ctxt->shared;
}

/* The same after its first entry, with a secret in every register. */
static void start(void)
{
	start_fresh();
	g_assert_cmpint(restore_shadow_kvm_regs(), ==, HV_OK);
	for (uint32_t i = X0; i <= X30; i++) {
		ctxt->regs[i] = SECRET(i);
	}
	ctxt->regs[PC] = VM_PC;
	ctxt->regs[PSTATE] = 0x60000005;
	ctxt->regs[VBAR_EL1] = VBAR;
	ctxt->regs[SP_EL1] = SECRET(100);
}

static void end(void)
{
	set_per_cpu(HOSTVISOR, 0);
}

/* Whether only the registers in @shown are not zero for the host. */
static void assert_shown(uint32_t shown)
{
	for (uint32_t i = 0; i < 31; i++) {
		if ((shown & 1u << i) == 0) {
			g_assert_cmphex(page->regs[i], ==, 0);
		}
	}
}

/* Leaves the vCPU; @ipa is where, in bytes, and the host sees @shown. */
static void leave(uint64_t esr, uint64_t ipa, uint32_t shown)
{
	ctxt->regs[EC] = HYPSEC_EXIT_TRAP;
	ctxt->regs[ESR_EL2] = esr;
	ctxt->regs[FAR_EL2] = UINT64_C(0xffff000012345000) | (ipa & 0xfff);
	ctxt->regs[HPFAR_EL2] = ipa >> 12 << 4;
	save_shadow_kvm_regs();
	assert_shown(shown);
	g_assert_cmphex(page->version, ==, 1);
}

/* The host's answer in every register, and in nothing else. */
static void answer(void)
{
	for (uint32_t i = 0; i < 31; i++) {
		page->regs[i] = ANSWER(i);
	}
}

/* Runs it again; of x0 to x30 only @taken are the host's now. */
static void enter(uint32_t taken)
{
	g_assert_cmpint(restore_shadow_kvm_regs(), ==, HV_OK);
	/* What the host wrote is its own. */
	memset(page->regs, 0, sizeof(page->regs));
	for (uint32_t i = X0; i <= X30; i++) {
		if ((taken & 1u << i) == 0) {
			g_assert_cmphex(ctxt->regs[i], ==, SECRET(i));
		}
	}
	g_assert_cmphex(ctxt->regs[DIRTY], ==, 0);
	g_assert_cmphex(ctxt->regs[FLAGS], ==, 0);
	g_assert_cmphex(ctxt->regs[FAR_EL2], ==, 0);
	g_assert_cmphex(ctxt->regs[SP_EL1], ==, SECRET(100));
}

static void restore_now(void *data)
{
	(void)data;
	g_assert_cmpint(restore_shadow_kvm_regs(), ==, HV_OK);
}

/* --- First run --------------------------------------------------------- */

static void g41_first_run_is_the_recorded_entry(void)
{
	start_fresh();
	memset(ctxt->regs, 0x77, sizeof(ctxt->regs));
	memset(&ctxt->fp, 0x77, sizeof(ctxt->fp));
	ctxt->regs[DIRTY] = INVALID64;
	ctxt->regs[CNTVOFF_EL2] = 0x1234;
	native_cpu.actlr_el1 = 0xac;
	memset(page->regs, 0x77, sizeof(page->regs));
	page->new_pte = OPS_RAM;
	page->answer = HYPSEC_ANSWER_ABORT;
	page->hcr = INVALID64;
	g_assert_cmpint(restore_shadow_kvm_regs(), ==, HV_OK);
	g_assert_cmphex(ctxt->regs[PC], ==, ENTRY);
	g_assert_cmphex(ctxt->regs[X0], ==, CONTEXT);
	g_assert_cmphex(ctxt->regs[PSTATE], ==, 0x3c5);
	for (uint32_t i = X1; i < NR_SHADOW_REGS; i++) {
		switch (i) {
		case PC:
		case PSTATE:
			break;
		case HCR_EL2:
			g_assert_cmphex(ctxt->regs[i], ==, 0xc0);
			break;
		case MPIDR_EL1:
			g_assert_cmphex(ctxt->regs[i], ==, 0x80000000);
			break;
		case SCTLR_EL1:
			g_assert_cmphex(ctxt->regs[i], ==, 0x30d50878);
			break;
		case ACTLR_EL1:
			g_assert_cmphex(ctxt->regs[i], ==, 0xac);
			break;
		case CNTVOFF_EL2:
			g_assert_cmphex(ctxt->regs[i], ==, 0x1234);
			break;
		default:
			g_assert_cmphex(ctxt->regs[i], ==, 0);
			break;
		}
	}
	for (size_t i = 0; i < 32; i++) {
		g_assert_cmphex(ctxt->fp.q[i][0] | ctxt->fp.q[i][1], ==, 0);
	}
	g_assert_cmphex(ctxt->fp.fpcr | ctxt->fp.fpsr, ==, 0);
	g_assert_cmphex(vm_infos[vm].vcpu[0].power, ==, VCPU_ON);
	end();
}

/* G50: the specification resets x1 to x24 instead of system registers. */
static void g50_reset_values_are_by_register(void)
{
	for (uint32_t i = 0; i < NR_SHADOW_REGS; i++) {
		g_assert_cmphex(get_sys_reg_desc_val(i), ==,
				i == SCTLR_EL1 ? 0x30d50878 : 0);
	}
	/* MMU, caches and alignment checks of data are off. */
	g_assert_cmphex(get_sys_reg_desc_val(SCTLR_EL1) & 0x1007, ==, 0);
	native_cpu.actlr_el1 = 0x55;
	g_assert_cmphex(read_actlr_el1(), ==, 0x55);
}

static void g50_every_vcpu_has_its_own_affinity(void)
{
	start_fresh();
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		reset_sys_regs(vm, i);
		g_assert_cmphex(get_shadow_ctxt(vm, i, MPIDR_EL1), ==,
				0x80000000 | i);
	}
	end();
}

static void g51_clearing_touches_x0_to_x30_alone(void)
{
	start();
	clear_shadow_gp_regs(vm, 0);
	for (uint32_t i = X0; i <= X30; i++) {
		g_assert_cmphex(ctxt->regs[i], ==, 0);
	}
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC);
	g_assert_cmphex(ctxt->regs[SP_EL1], ==, SECRET(100));
	end();
}

/* --- Exits that are not traps ------------------------------------------ */

static void interrupts_show_and_take_nothing(void)
{
	static const uint64_t codes[] = { HYPSEC_EXIT_IRQ, HYPSEC_EXIT_SERROR };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		start();
		/* What the exit before showed is gone. */
		leave(STORE | SRT(5) | SAS(3), MMIO, 1u << 5);
		enter(0);
		ctxt->regs[PC] = VM_PC;
		ctxt->regs[EC] = codes[i];
		ctxt->regs[ESR_EL2] = HVC;
		save_shadow_kvm_regs();
		assert_shown(0);
		g_assert_cmphex(page->esr, ==, 0);
		g_assert_cmphex(page->fault_ipa, ==, 0);
		g_assert_cmphex(page->deadline, ==, 0);
		answer();
		page->answer = HYPSEC_ANSWER_ABORT;
		page->new_pte = OPS_RAM;
		enter(0);
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC);
		g_assert_cmphex(ops_vm_pfn(vm, MMIO >> 12), ==, INVALID64);
		end();
	}
}

/* A context as if a later exit had left DIRTY bits: EC decides. */
static void registers_come_only_after_a_trap(void)
{
	start();
	ctxt->regs[EC] = HYPSEC_EXIT_IRQ;
	ctxt->regs[DIRTY] = 3;
	answer();
	enter(0);
	ctxt->regs[EC] = HYPSEC_EXIT_TRAP;
	ctxt->regs[DIRTY] = 3;
	answer();
	enter(3);
	g_assert_cmphex(ctxt->regs[X0], ==, ANSWER(0));
	g_assert_cmphex(ctxt->regs[X1], ==, ANSWER(1));
	end();
}

static void leave_by_class_0x3f(void *data)
{
	(void)data;
	leave(CLASS(0x3f), 0, 0);
}

/* vm_exit_dispatcher() answers these by itself. */
static void unknown_classes_panic(void)
{
	start();
	assert_panics(leave_by_class_0x3f, NULL, "exit of a VM, class 0x3f");
}

static void save_now(void *data)
{
	(void)data;
	save_shadow_kvm_regs();
}

static void saving_the_host_panics(void)
{
	set_per_cpu(HOSTVISOR, 0);
	assert_panics(save_now, NULL, "is_vm(vmid)");
}

static void restoring_the_host_panics(void)
{
	set_per_cpu(HOSTVISOR, 0);
	assert_panics(restore_now, NULL, "is_vm(vmid)");
}

/* --- WFx --------------------------------------------------------------- */

static void wfx_skips_and_tells_which(void)
{
	for (uint64_t ti = 0; ti < 4; ti++) {
		start();
		leave(WFI | UINT64_C(0x1f00000) | ti, 0, 0);
		g_assert_cmphex(page->esr, ==, CLASS(1) | ti);
		g_assert_cmphex(page->fault_ipa, ==, 0);
		answer();
		enter(0);
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
		end();
	}
}

struct timer {
	uint64_t ctl;
	uint64_t cval;
	uint64_t offset;
	uint64_t deadline;
};

static const struct timer timers[] = {
	{ 1, 1000, 0, 1000 },
	{ 1, 1000, 500, 1500 },
	{ 5, 1000, 500, 1500 },			/* fires already */
	{ 0, 1000, 500, HYPSEC_NO_DEADLINE },	/* off */
	{ 2, 1000, 500, HYPSEC_NO_DEADLINE },
	{ 3, 1000, 500, HYPSEC_NO_DEADLINE },	/* masked */
	{ 7, 1000, 500, HYPSEC_NO_DEADLINE },
	/* Beyond the end of the counter. */
	{ 1, ~UINT64_C(0), 500, HYPSEC_NO_DEADLINE },
	{ 1, ~UINT64_C(0) - 500, 500, ~UINT64_C(0) },
	{ 1, ~UINT64_C(0), BIT(62), HYPSEC_NO_DEADLINE },
	/* The VM's counter is ahead. */
	{ 1, 1000, (uint64_t)-400, 600 },
};

static void wfi_tells_when_the_timer_fires(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
		start();
		ctxt->regs[CNTV_CTL_EL0] = timers[i].ctl;
		ctxt->regs[CNTV_CVAL_EL0] = timers[i].cval;
		ctxt->regs[CNTVOFF_EL2] = timers[i].offset;
		leave(WFI, 0, 0);
		g_assert_cmphex(page->deadline, ==, timers[i].deadline);
		leave(WFI | 1, 0, 0);
		g_assert_cmphex(page->deadline, ==, HYPSEC_NO_DEADLINE);
		leave(HVC, 0, 1);
		g_assert_cmphex(page->deadline, ==, 0);
		end();
	}
}

/* --- HVC and SMC ------------------------------------------------------- */

struct call {
	uint64_t function;
	uint32_t shown;		/* besides x0 */
};

static const struct call calls[] = {
	{ 0x84000000, 0 },		/* VERSION */
	{ 0x84000001, 0xe },		/* CPU_SUSPEND */
	{ 0xc4000001, 0xe },
	{ 0x84000002, 0 },		/* CPU_OFF: x0 is not awaited, below */
	{ 0x84000003, 0xe },		/* CPU_ON */
	{ 0xc4000003, 0xe },
	{ 0x84000004, 0x6 },		/* AFFINITY_INFO */
	{ 0xc4000004, 0x6 },
	{ 0x84000006, 0 },		/* MIGRATE_INFO_TYPE */
	{ 0x8400000a, 0x2 },		/* PSCI_FEATURES */
	{ 0x80000000, 0 },		/* SMCCC_VERSION */
	{ 0xc400000a, 0 },
	{ 0x40000004, 0 },		/* G54: not AFFINITY_INFO */
	{ 0x81000 + 1, 0 },
	{ 0, 0 },
	{ 0xffffffff, 0 },
};

static void check_call(uint64_t esr, const struct call *call, uint64_t top)
{
	uint64_t function = top | call->function;
	bool is_64 = (call->function & 0x40000000) != 0;

	start();
	ctxt->regs[X0] = function;
	leave(esr | UINT64_C(0x1f0000), 0, call->shown | 1);
	g_assert_cmphex(page->esr, ==, esr & ~IL);
	g_assert_cmphex(page->fault_ipa, ==, 0);
	g_assert_cmphex(page->regs[0], ==, function);
	for (uint32_t i = 1; i < 31; i++) {
		if ((call->shown & 1u << i) != 0) {
			g_assert_cmphex(page->regs[i], ==,
					is_64 ? SECRET(i) :
						(uint32_t)SECRET(i));
		}
	}
	if (call->function == 0x84000002) {
		g_assert_cmphex(ctxt->regs[DIRTY], ==, INVALID64);
	} else {
		answer();
		enter(1);
		g_assert_cmphex(ctxt->regs[X0], ==, ANSWER(0));
		g_assert_cmphex(ctxt->regs[PC], ==,
				esr == SMC ? VM_PC + 4 : VM_PC);
	}
	g_assert_cmpuint(ops_vm_state(vm), ==, VERIFIED);
	end();
}

static void g47_calls_show_psci_arguments_and_take_x0(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		check_call(HVC, &calls[i], 0);
		check_call(CLASS(0x12) | IL, &calls[i], 0);
		check_call(SMC, &calls[i], 0);
		/* Functions have 32 bits. */
		check_call(HVC, &calls[i], BIT(32));
	}
}

/* What one call shows does not outlive it; what the host wrote is its own. */
static void g58_calls_leave_no_arguments_behind(void)
{
	start();
	page->regs[9] = ANSWER(9);
	ctxt->regs[X0] = 0xc4000003;
	leave(HVC, 0, 0x20f);
	restore_now(NULL);
	ctxt->regs[X0] = 0x84000000;
	leave(HVC, 0, 0x201);
	restore_now(NULL);
	leave(WFI, 0, 0x200);
	g_assert_cmphex(page->regs[9], ==, ANSWER(9));
	end();
}

static void call(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	ctxt->regs[X0] = function;
	ctxt->regs[X1] = x1;
	ctxt->regs[X2] = x2;
	ctxt->regs[X3] = x3;
	leave(HVC, 0, 0xf);
}

static const struct vcpu_info *vcpu(uint32_t i)
{
	return &vm_infos[vm].vcpu[i];
}

static void g41_cpu_on_records_its_target(void)
{
	start();
	call(0xc4000003, 1, ENTRY + 0x40, SECRET(1));
	g_assert_cmpuint(vcpu(1)->power, ==, VCPU_ON_PENDING);
	g_assert_cmphex(vcpu(1)->entry, ==, ENTRY + 0x40);
	g_assert_cmphex(vcpu(1)->context, ==, SECRET(1));
	g_assert_cmpuint(vcpu(2)->power, ==, VCPU_OFF);
	/* It starts there, whatever the host says. */
	g_assert_cmpint(set_vcpu_active(vm, 1), ==, HV_OK);
	set_per_cpu(vm, 1);
	g_assert_cmpint(restore_shadow_kvm_regs(), ==, HV_OK);
	g_assert_cmphex(this_cpu()->ctxt->regs[PC], ==, ENTRY + 0x40);
	g_assert_cmphex(this_cpu()->ctxt->regs[X0], ==, SECRET(1));
	g_assert_cmphex(this_cpu()->ctxt->regs[PSTATE], ==, 0x3c5);
	g_assert_cmphex(this_cpu()->ctxt->regs[MPIDR_EL1], ==, 0x80000001);
	end();
}

static void cpu_on_of_32_bits_cuts_its_arguments(void)
{
	start();
	call(0x84000003, BIT(40) | 2, BIT(40) | ENTRY, BIT(40) | 7);
	g_assert_cmpuint(vcpu(2)->power, ==, VCPU_ON_PENDING);
	g_assert_cmphex(vcpu(2)->entry, ==, ENTRY);
	g_assert_cmphex(vcpu(2)->context, ==, 7);
	g_assert_cmphex(page->regs[1], ==, 2);
	end();
}

static void cpu_on_needs_a_vcpu_that_is_off(void)
{
	static const uint64_t targets[] = {
		0 /* itself */, 3 /* not registered */, 8, 0x100, BIT(32),
		INVALID64, 0x80000001,
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct vm_info before;

		start();
		before = vm_infos[vm];
		call(0xc4000003, targets[i], ENTRY, 0);
		g_assert_cmpmem(&vm_infos[vm], sizeof(before), &before,
				sizeof(before));
		end();
	}
}

/* A CPU_ON that the host denies leaves nothing behind for the next one. */
static void cpu_on_after_a_denied_one_counts(void)
{
	start();
	call(0xc4000003, 1, ENTRY, 1);
	page->regs[0] = (uint64_t)-4;
	enter(0xf);
	call(0xc4000003, 1, ENTRY + 4, 2);
	page->regs[0] = 0;
	enter(0xf);
	g_assert_cmphex(vcpu(1)->entry, ==, ENTRY + 4);
	g_assert_cmphex(vcpu(1)->context, ==, 2);
	/* Once it has run it is on. */
	g_assert_cmpint(set_vcpu_active(vm, 1), ==, HV_OK);
	set_per_cpu(vm, 1);
	restore_now(NULL);
	g_assert_cmphex(this_cpu()->ctxt->regs[PC], ==, ENTRY + 4);
	g_assert_cmphex(this_cpu()->ctxt->regs[X0], ==, 2);
	set_per_cpu(vm, 0);
	call(0xc4000003, 1, ENTRY + 8, 3);
	g_assert_cmphex(vcpu(1)->entry, ==, ENTRY + 4);
	g_assert_cmpuint(vcpu(1)->power, ==, VCPU_ON);
	end();
}

static void cpu_off_and_on_again(void)
{
	start();
	call(0x84000002, 0, 0, 0);
	g_assert_cmpuint(vcpu(0)->power, ==, VCPU_OFF);
	set_vcpu_inactive(vm, 0);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_EBUSY);
	vm_lock_entry(1, ENTRY, 0);
	g_assert_cmpint(set_vcpu_active(vm, 1), ==, HV_OK);
	set_per_cpu(vm, 1);
	ctxt = this_cpu()->ctxt;
	page = (struct hypsec_vcpu *)ctxt->shared;
	restore_now(NULL);
	call(0xc4000003, 0, ENTRY + 8, 3);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_OK);
	set_per_cpu(vm, 0);
	ctxt = this_cpu()->ctxt;
	restore_now(NULL);
	g_assert_cmphex(ctxt->regs[PC], ==, ENTRY + 8);
	g_assert_cmphex(ctxt->regs[X0], ==, 3);
	g_assert_cmphex(ctxt->regs[X30], ==, 0);
	g_assert_cmphex(ctxt->regs[SP_EL1], ==, 0);
	end();
}

static void g22_system_off_and_reset_end_the_vm(void)
{
	static const uint64_t functions[] = {
		0x84000008, 0x84000009, 0x84000012, 0xc4000012,
		BIT(40) | 0x84000008,
	};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		start();
		ctxt->regs[X0] = functions[i];
		leave(HVC, 0, 1);
		g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
		set_vcpu_inactive(vm, 0);
		g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_EBUSY);
		end();
	}
}

/* --- MMIO -------------------------------------------------------------- */

struct load {
	uint64_t esr;
	uint64_t value;
	uint64_t result;
};

#define VALUE UINT64_C(0x8182838485868788)

static const struct load loads[] = {
	{ SAS(0), VALUE, 0x88 },
	{ SAS(1), VALUE, 0x8788 },
	{ SAS(2), VALUE, 0x85868788 },
	{ SAS(3) | SF, VALUE, VALUE },
	{ SAS(0) | SF, VALUE, 0x88 },
	{ SAS(0) | SSE, VALUE, 0xffffff88 },
	{ SAS(0) | SSE | SF, VALUE, 0xffffffffffffff88 },
	{ SAS(1) | SSE, VALUE, 0xffff8788 },
	{ SAS(1) | SSE | SF, VALUE, 0xffffffffffff8788 },
	{ SAS(2) | SSE | SF, VALUE, 0xffffffff85868788 },
	{ SAS(0) | SSE | SF, 0x17f, 0x7f },
	{ SAS(1) | SSE, 0x17fff, 0x7fff },
	{ SAS(2) | SSE | SF, BIT(32) | 0x7fffffff, 0x7fffffff },
	{ SAS(3), VALUE, 0x85868788 },
};

static void g46_loads_take_what_they_load(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		for (uint32_t rt = 0; rt <= 30; rt++) {
			start();
			leave(LOAD | SRT(rt) | loads[i].esr, MMIO + 0x18, 0);
			g_assert_cmphex(page->esr, ==,
					CLASS(0x24) | ISV | SRT(rt) |
					loads[i].esr);
			g_assert_cmphex(page->fault_ipa, ==, MMIO + 0x18);
			answer();
			page->regs[rt] = loads[i].value;
			enter(1u << rt);
			g_assert_cmphex(ctxt->regs[rt], ==, loads[i].result);
			g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
			end();
		}
	}
}

static void g45_loads_to_xzr_take_nothing(void)
{
	start();
	leave(LOAD | SRT(31) | SAS(2), MMIO, 0);
	g_assert_cmphex(ctxt->regs[DIRTY], ==, DIRTY_PC_FLAG);
	answer();
	enter(0);
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
	end();
}

static void g46_stores_show_what_they_store(void)
{
	static const uint64_t masks[] = {
		0xff, 0xffff, 0xffffffff, 0xffffffffffffffff,
	};

	for (uint32_t rt = 0; rt <= 30; rt++) {
		for (uint64_t sas = 0; sas < 4; sas++) {
			start();
			ctxt->regs[rt] = VALUE;
			leave(STORE | SRT(rt) | SAS(sas), MMIO + 4, 1u << rt);
			g_assert_cmphex(page->regs[rt], ==,
					VALUE & masks[sas]);
			g_assert_cmphex(page->esr, ==, CLASS(0x24) | ISV | WNR |
						       SRT(rt) | SAS(sas));
			ctxt->regs[rt] = SECRET(rt);
			answer();
			enter(0);
			g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
			end();
		}
	}
}

static void g45_stores_of_xzr_show_nothing(void)
{
	start();
	ctxt->regs[SP] = SECRET(31);
	leave(STORE | SRT(31) | SAS(3), MMIO, 0);
	enter(0);
	g_assert_cmphex(ctxt->regs[SP], ==, SECRET(31));
	end();
}

/* The host rewrites its copy while it "emulates"; EL2 has its own. */
static void g44_host_cannot_change_what_is_taken(void)
{
	start();
	leave(LOAD | SRT(2) | SAS(2), MMIO, 0);
	page->esr = LOAD | SRT(7) | SAS(3) | SF;
	page->fault_ipa = MEMORY;
	page->new_pte = OPS_RAM;
	answer();
	enter(1u << 2);
	g_assert_cmphex(ctxt->regs[2], ==, (uint32_t)ANSWER(2));
	g_assert_cmphex(ops_vm_pfn(vm, MEMORY >> 12), ==, INVALID64);
	g_assert_cmphex(ops_vm_pfn(vm, MMIO >> 12), ==, INVALID64);
	g_assert_cmphex(ops_vm_pfn(vm, 0), ==, INVALID64);
	end();
}

/* Every bit of the syndrome that is not listed stays at EL2. */
static void g58_syndromes_are_cut(void)
{
	start();
	leave(STORE | SRT(3) | SAS(2) | UINT64_C(0xff00000000003f00) | SF, MMIO,
	      1u << 3);
	g_assert_cmphex(page->esr, ==, CLASS(0x24) | ISV | WNR | SRT(3) |
				       SAS(2) | SF);
	enter(0);
	leave(DABT | TRANSLATION | WNR | S1PTW | SRT(3), MEMORY | 0x123, 0);
	g_assert_cmphex(page->esr, ==, CLASS(0x24) | WNR);
	g_assert_cmphex(page->fault_ipa, ==, MEMORY);
	end();
}

/* --- Which abort is which ---------------------------------------------- */

struct kind {
	uint64_t esr;
	uint64_t ipa;
	enum abort_kind kind;
};

static const struct kind kinds[] = {
	{ LOAD, 0, ABORT_MMIO },
	{ LOAD, MMIO, ABORT_MMIO },
	{ STORE, MAX_MMIO_ADDR - 4, ABORT_MMIO },
	{ LOAD, MAX_MMIO_ADDR, ABORT_MEMORY },
	{ STORE, KVM_PHYS_SIZE - 8, ABORT_MEMORY },
	/* Where no host can map anything. */
	{ STORE, KVM_PHYS_SIZE, ABORT_REFUSED },
	{ IABT | TRANSLATION, KVM_PHYS_SIZE, ABORT_REFUSED },
	{ LOAD, (UINT64_C(1) << 52) - 8, ABORT_REFUSED },
	{ DABT | TRANSLATION, MEMORY, ABORT_MEMORY },
	{ LOAD | S1PTW, MEMORY, ABORT_MEMORY },
	{ IABT | TRANSLATION, MEMORY, ABORT_MEMORY },
	/* No register is told, or none can be. */
	{ DABT | TRANSLATION, MMIO, ABORT_REFUSED },
	{ LOAD | S1PTW, MMIO, ABORT_REFUSED },
	{ IABT | TRANSLATION, MMIO, ABORT_REFUSED },
	{ IABT | ISV | TRANSLATION, MMIO, ABORT_REFUSED },
	/* Levels, and what is no translation fault. */
	{ DABT | ISV | 4, MMIO, ABORT_MMIO },
	{ DABT | ISV | 5, MMIO, ABORT_MMIO },
	{ DABT | ISV | 3, MMIO, ABORT_REFUSED },	/* address size */
	{ DABT | ISV | 8, MMIO, ABORT_REFUSED },	/* access flag */
	{ DABT | ISV | 0xf, MMIO, ABORT_REFUSED },	/* permission */
	{ DABT | 0xf, MEMORY, ABORT_REFUSED },
	{ DABT | 0x10, MEMORY, ABORT_REFUSED },		/* external */
	{ DABT | 0x17, MEMORY, ABORT_REFUSED },
	{ DABT | 0x21, MEMORY, ABORT_REFUSED },		/* alignment */
	{ DABT | 0x30, MEMORY, ABORT_REFUSED },		/* TLB conflict */
	{ IABT | 0xf, MEMORY, ABORT_REFUSED },
};

static void g46_an_abort_is_mmio_or_memory_or_neither(void)
{
	start();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		ctxt->regs[ESR_EL2] = kinds[i].esr;
		ctxt->regs[HPFAR_EL2] = kinds[i].ipa >> 12 << 4;
		g_assert_cmpint(abort_kind(ctxt), ==, kinds[i].kind);
	}
	end();
}

/* --- Memory ------------------------------------------------------------ */

#define PFN OPS_PFN(2, 37)

static void memory_is_mapped_where_the_vm_waits(void)
{
	static const uint64_t esrs[] = {
		DABT | TRANSLATION, DABT | TRANSLATION | WNR,
		IABT | TRANSLATION, LOAD | SRT(4), LOAD | S1PTW,
	};

	for (size_t i = 0; i < ARRAY_SIZE(esrs); i++) {
		start();
		leave(esrs[i], MEMORY | 0x678, 0);
		g_assert_cmphex(page->esr, ==,
				esrs[i] & (CLASS(0x3f) | WNR));
		g_assert_cmphex(page->fault_ipa, ==, MEMORY);
		g_assert_cmphex(ctxt->regs[FLAGS], ==, PENDING_FSC_FAULT);
		answer();
		ops_fill(PFN, 0x66);
		page->new_pte = PFN << 12;
		enter(0);
		/* The instruction is executed again. */
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC);
		g_assert_cmphex(ops_vm_pfn(vm, MEMORY >> 12), ==, PFN);
		ops_assert_filled(PFN, 0);
		end();
	}
}

static void memory_comes_in_blocks_too(void)
{
	start();
	leave(DABT | TRANSLATION, MEMORY, 0);
	page->new_pte = OPS_PFN(3, 0) << 12;
	page->new_level = 2;
	enter(0);
	g_assert_cmphex(ops_vm_pfn(vm, MEMORY >> 12), ==, OPS_PFN(3, 0x34));
	end();
}

static void no_page_means_try_again(void)
{
	start();
	leave(DABT | TRANSLATION, MEMORY, 0);
	page->new_pte = 0;
	enter(0);
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC);
	g_assert_cmphex(ops_vm_pfn(vm, MEMORY >> 12), ==, INVALID64);
	/* And the wait is over: what comes later is not for that place. */
	page->new_pte = PFN << 12;
	ctxt->regs[EC] = HYPSEC_EXIT_IRQ;
	save_shadow_kvm_regs();
	enter(0);
	g_assert_cmphex(ops_vm_pfn(vm, MEMORY >> 12), ==, INVALID64);
	end();
}

static void g19_what_another_vcpu_got_stays(void)
{
	start();
	leave(DABT | TRANSLATION, MEMORY, 0);
	g_assert_cmpint(prot_and_map_vm_s2pt(vm, MEMORY, PFN << 12, 3), ==,
			HV_OK);
	ops_fill(PFN, 0x44);
	page->new_pte = (PFN + 1) << 12;
	enter(0);
	g_assert_cmphex(ops_vm_pfn(vm, MEMORY >> 12), ==, PFN);
	ops_assert_filled(PFN, 0x44);
	ops_assert_record(PFN + 1, HOSTVISOR, 0, PFN + 1 + SMMU_HOST_OFFSET);
	end();
}

struct bad_page {
	uint64_t pte;
	uint64_t level;
	enum hv_status status;
};

static const struct bad_page bad_pages[] = {
	{ OPS_EL2, 3, HV_EPERM },			/* EL2's */
	{ MMIO, 3, HV_EPERM },				/* a device */
	{ OPS_HOLE, 3, HV_EPERM },
	{ PFN << 12 | 1, 3, HV_EINVAL },
	{ OPS_PFN(3, 1) << 12, 2, HV_EINVAL },		/* G17 */
	{ KVM_PHYS_SIZE, 3, HV_EINVAL },
	{ BIT(63) | PFN << 12, 3, HV_EINVAL },
	{ INVALID64, 3, HV_EINVAL },
};

/* Nothing changes, and the right page is taken afterwards. */
static void g15_bad_pages_are_refused_and_the_vcpu_waits_on(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_pages); i++) {
		start();
		leave(DABT | TRANSLATION, MEMORY, 0);
		answer();
		page->new_pte = bad_pages[i].pte;
		page->new_level = bad_pages[i].level;
		assert_refused(restore_shadow_kvm_regs(), bad_pages[i].status);
		page->new_pte = PFN << 12;
		page->new_level = 3;
		enter(0);
		g_assert_cmphex(ops_vm_pfn(vm, MEMORY >> 12), ==, PFN);
		end();
	}
}

static void g15_page_of_another_vm_is_refused(void)
{
	vmid_t other;

	start();
	g_assert_cmpint(register_kvm(&other), ==, HV_OK);
	g_assert_cmpint(prot_and_map_vm_s2pt(other, MEMORY, PFN << 12, 3), ==,
			HV_OK);
	leave(DABT | TRANSLATION, MEMORY, 0);
	page->new_pte = PFN << 12;
	assert_refused(restore_shadow_kvm_regs(), HV_EPERM);
	end();
}

/* --- Nothing is there -------------------------------------------------- */

struct injection {
	uint64_t esr;		/* of the exit */
	uint64_t ipa;
	uint64_t pstate;
	uint64_t vector;
	uint64_t esr_el1;
};

static const struct injection injections[] = {
	{ LOAD | SRT(3), MMIO, 0x60000005, 0x200, CLASS(0x25) | IL | 0x10 },
	{ LOAD | SRT(3), MMIO, 0x60000004, 0x000, CLASS(0x25) | IL | 0x10 },
	{ LOAD | SRT(3), MMIO, 0x60000000, 0x400, CLASS(0x24) | IL | 0x10 },
	{ LOAD | SRT(3), MMIO, 0x60000010, 0x600, CLASS(0x24) | IL | 0x10 },
	{ STORE, MMIO, 0x60000005, 0x200, CLASS(0x25) | IL | WNR | 0x10 },
	{ DABT | TRANSLATION, MEMORY, 0x60000000, 0x400,
	  CLASS(0x24) | IL | 0x10 },
	{ DABT | TRANSLATION | WNR, MEMORY, 0x60000005, 0x200,
	  CLASS(0x25) | IL | WNR | 0x10 },
	{ IABT | TRANSLATION, MEMORY, 0x60000005, 0x200,
	  CLASS(0x21) | IL | 0x10 },
	{ IABT | TRANSLATION, MEMORY, 0x60000000, 0x400,
	  CLASS(0x20) | IL | 0x10 },
};

static void g49_answer_abort_is_an_exception(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(injections); i++) {
		const struct injection *in = &injections[i];
		uint64_t far;

		start();
		ctxt->regs[PSTATE] = in->pstate;
		ctxt->regs[SCTLR_EL1] = BIT(23);
		leave(in->esr, in->ipa, in->esr & WNR ? 1 : 0);
		far = ctxt->regs[FAR_EL2];
		answer();
		page->new_pte = PFN << 12;
		page->answer = HYPSEC_ANSWER_ABORT;
		enter(0);
		g_assert_cmphex(ctxt->regs[PC], ==, VBAR + in->vector);
		g_assert_cmphex(ctxt->regs[ELR_EL1], ==, VM_PC);
		g_assert_cmphex(ctxt->regs[SPSR_EL1], ==, in->pstate);
		g_assert_cmphex(ctxt->regs[PSTATE], ==, 0x600003c5);
		g_assert_cmphex(ctxt->regs[ESR_EL1], ==, in->esr_el1);
		g_assert_cmphex(ctxt->regs[FAR_EL1], ==, far);
		g_assert_cmphex(ops_vm_pfn(vm, in->ipa >> 12), ==, INVALID64);
		end();
	}
}

/* Only the one answer is an abort, and only after an abort. */
static void other_answers_are_none(void)
{
	static const uint64_t answers[] = { 0, 2, BIT(32) | 1, INVALID64 };

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		start();
		leave(LOAD | SRT(3) | SAS(2), MMIO, 0);
		page->answer = answers[i];
		enter(1u << 3);
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
		end();
	}
	start();
	page->answer = HYPSEC_ANSWER_ABORT;
	leave(WFI, 0, 0);
	enter(0);
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
	end();
}

/* The pending bits as such: UNDEF has its own syndrome, PC moves before. */
static void g48_pc_moves_before_the_exception(void)
{
	start();
	ctxt->regs[EC] = HYPSEC_EXIT_TRAP;
	ctxt->regs[ESR_EL2] = WFI;
	ctxt->regs[DIRTY] = PENDING_UNDEF_INJECT | DIRTY_PC_FLAG | 1;
	enter(1);
	g_assert_cmphex(ctxt->regs[ELR_EL1], ==, VM_PC + 4);
	g_assert_cmphex(ctxt->regs[PC], ==, VBAR + 0x200);
	g_assert_cmphex(ctxt->regs[ESR_EL1], ==, IL);
	g_assert_cmphex(ctxt->regs[SPSR_EL1], ==, 0x60000005);
	g_assert_cmphex(ctxt->regs[8], ==, SECRET(8));
	g_assert_cmphex(ctxt->regs[ACTLR_EL1], ==, 0);
	end();
}

/* --- What lies behind an instruction ------------------------------------ */

struct skip {
	uint64_t il;
	uint64_t pstate;
	uint64_t pc;		/* further on */
	uint64_t pstate_after;
};

/* PSTATE of AArch32 with an ITSTATE of 8 bits: 7:2 at 15:10, 1:0 at 26:25. */
#define A32(it) (0x60000030 | ((it) & UINT64_C(0xfc)) << 8 |		\
		 ((it) & UINT64_C(3)) << 25)

static const struct skip skips[] = {
	{ IL, 0x60000005, 4, 0x60000005 },
	/* BTYPE and a step are over. */
	{ IL, 0x60200c05, 4, 0x60000005 },
	{ IL, 0x60000010, 4, 0x60000010 },
	{ IL, A32(0), 4, A32(0) },
	{ 0, A32(0), 2, A32(0) },
	{ 0, A32(0) | BIT(21), 2, A32(0) },
	/* ITTTE NE, and so on to its end. */
	{ 0, A32(0x13), 2, A32(0x06) },
	{ 0, A32(0x06), 2, A32(0x0c) },
	{ IL, A32(0x0c), 4, A32(0x18) },
	{ 0, A32(0x18), 2, A32(0) },
	{ 0, A32(0xef), 2, A32(0xfe) },
	{ 0, A32(0xa4), 2, A32(0xa8) },
};

static void skipping_is_as_executing(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(skips); i++) {
		start();
		ctxt->regs[PSTATE] = skips[i].pstate;
		leave((WFI & ~IL) | skips[i].il, 0, 0);
		enter(0);
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + skips[i].pc);
		g_assert_cmphex(ctxt->regs[PSTATE], ==, skips[i].pstate_after);
		end();
	}
}

/* --- System registers -------------------------------------------------- */

static void g56b_reads_take_and_writes_show(void)
{
	for (uint32_t rt = 0; rt <= 30; rt++) {
		start();
		leave(SYS(0, rt), 0, 1u << rt);
		g_assert_cmphex(page->esr, ==, SYS(0, rt) & ~IL);
		g_assert_cmphex(page->regs[rt], ==, SECRET(rt));
		answer();
		enter(0);
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 4);
		leave(SYS(1, rt), 0, 0);
		g_assert_cmphex(page->esr, ==, SYS(1, rt) & ~IL);
		answer();
		enter(1u << rt);
		g_assert_cmphex(ctxt->regs[rt], ==, ANSWER(rt));
		g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 8);
		end();
	}
}

static void g45_system_registers_and_xzr(void)
{
	start();
	leave(SYS(0, 31), 0, 0);
	enter(0);
	leave(SYS(1, 31), 0, 0);
	answer();
	enter(0);
	g_assert_cmphex(ctxt->regs[PC], ==, VM_PC + 8);
	end();
}

/* --- Virtual interrupts ------------------------------------------------ */

static void virtual_interrupts_are_taken_at_every_entry(void)
{
	start();
	leave(WFI, 0, 0);
	page->hcr = INVALID64;
	enter(0);
	g_assert_cmphex(ctxt->regs[HCR_EL2], ==, 0xc0);
	leave(WFI, 0, 0);
	page->hcr = 0x80;
	enter(0);
	g_assert_cmphex(ctxt->regs[HCR_EL2], ==, 0x80);
	leave(WFI, 0, 0);
	page->hcr = 0;
	enter(0);
	g_assert_cmphex(ctxt->regs[HCR_EL2], ==, 0);
	end();
}

static const struct unit_test tests[] = {
	UNIT_TEST("/vcpu-ops/first-run/g41-entry",
		  g41_first_run_is_the_recorded_entry),
	UNIT_TEST("/vcpu-ops/first-run/g50-by-register",
		  g50_reset_values_are_by_register),
	UNIT_TEST("/vcpu-ops/first-run/g50-affinity",
		  g50_every_vcpu_has_its_own_affinity),
	UNIT_TEST("/vcpu-ops/first-run/g51-clear",
		  g51_clearing_touches_x0_to_x30_alone),
	UNIT_TEST("/vcpu-ops/interrupt/nothing",
		  interrupts_show_and_take_nothing),
	UNIT_TEST("/vcpu-ops/interrupt/after-a-trap-only",
		  registers_come_only_after_a_trap),
	UNIT_TEST_DIES("/vcpu-ops/unknown/panics", unknown_classes_panic),
	UNIT_TEST_DIES("/vcpu-ops/host/save-panics", saving_the_host_panics),
	UNIT_TEST_DIES("/vcpu-ops/host/restore-panics",
		       restoring_the_host_panics),
	UNIT_TEST("/vcpu-ops/wfx/skips", wfx_skips_and_tells_which),
	UNIT_TEST("/vcpu-ops/wfx/deadline", wfi_tells_when_the_timer_fires),
	UNIT_TEST("/vcpu-ops/call/g47-arguments",
		  g47_calls_show_psci_arguments_and_take_x0),
	UNIT_TEST("/vcpu-ops/call/g58-nothing-behind",
		  g58_calls_leave_no_arguments_behind),
	UNIT_TEST("/vcpu-ops/psci/g41-cpu-on", g41_cpu_on_records_its_target),
	UNIT_TEST("/vcpu-ops/psci/cpu-on-32",
		  cpu_on_of_32_bits_cuts_its_arguments),
	UNIT_TEST("/vcpu-ops/psci/cpu-on-not-off",
		  cpu_on_needs_a_vcpu_that_is_off),
	UNIT_TEST("/vcpu-ops/psci/cpu-on-denied",
		  cpu_on_after_a_denied_one_counts),
	UNIT_TEST("/vcpu-ops/psci/cpu-off", cpu_off_and_on_again),
	UNIT_TEST("/vcpu-ops/psci/g22-system-off",
		  g22_system_off_and_reset_end_the_vm),
	UNIT_TEST("/vcpu-ops/mmio/g46-loads", g46_loads_take_what_they_load),
	UNIT_TEST("/vcpu-ops/mmio/g45-load-xzr", g45_loads_to_xzr_take_nothing),
	UNIT_TEST("/vcpu-ops/mmio/g46-stores", g46_stores_show_what_they_store),
	UNIT_TEST("/vcpu-ops/mmio/g45-store-xzr",
		  g45_stores_of_xzr_show_nothing),
	UNIT_TEST("/vcpu-ops/mmio/g44-host-changes-it",
		  g44_host_cannot_change_what_is_taken),
	UNIT_TEST("/vcpu-ops/mmio/g58-syndrome", g58_syndromes_are_cut),
	UNIT_TEST("/vcpu-ops/abort/g46-kind",
		  g46_an_abort_is_mmio_or_memory_or_neither),
	UNIT_TEST("/vcpu-ops/memory/page", memory_is_mapped_where_the_vm_waits),
	UNIT_TEST("/vcpu-ops/memory/block", memory_comes_in_blocks_too),
	UNIT_TEST("/vcpu-ops/memory/none", no_page_means_try_again),
	UNIT_TEST("/vcpu-ops/memory/g19-another-vcpu",
		  g19_what_another_vcpu_got_stays),
	UNIT_TEST("/vcpu-ops/memory/g15-bad-pages",
		  g15_bad_pages_are_refused_and_the_vcpu_waits_on),
	UNIT_TEST("/vcpu-ops/memory/g15-another-vms",
		  g15_page_of_another_vm_is_refused),
	UNIT_TEST("/vcpu-ops/abort/g49-answer",
		  g49_answer_abort_is_an_exception),
	UNIT_TEST("/vcpu-ops/abort/other-answers", other_answers_are_none),
	UNIT_TEST("/vcpu-ops/exception/g48-pc-before",
		  g48_pc_moves_before_the_exception),
	UNIT_TEST("/vcpu-ops/skip/as-executed", skipping_is_as_executing),
	UNIT_TEST("/vcpu-ops/sys/g56b-read-and-write",
		  g56b_reads_take_and_writes_show),
	UNIT_TEST("/vcpu-ops/sys/g45-xzr", g45_system_registers_and_xzr),
	UNIT_TEST("/vcpu-ops/hcr/every-entry",
		  virtual_interrupts_are_taken_at_every_entry),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
