/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world switch: what host and VM find in the CPU, and what they do not.
 * A host's VCPU_RUN goes all the way in, a function of the test is the VM.
 */
#include "harness.h"

#include <string.h>

#include "arch/sysreg.h"
#include "arch/world.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/pt_alloc.h"
#include "core/shadow_ctxt.h"
#include "core/trap_handler.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "core/world.h"
#include "hypsec/abi.h"

#define VM 3u
#define OTHER_VM 4u
#define VCPU 2u
#define HVC_ESR (UINT64_C(0x16) << 26 | BIT(25))
#define FP_TRAP_ESR (UINT64_C(0x07) << 26 | BIT(25) | UINT64_C(0x1e00000))
#define HOST_PC UINT64_C(0xffff800080123450)

/* --- Registers -------------------------------------------------------- */

struct reg {
	const char *name;
	size_t offset;
};

#define REG(name) { #name, offsetof(struct native_cpu, name) },
static const struct reg all_regs[] = { NATIVE_SYSREGS(REG) };

/* What a VM reaches without a trap, and where its context has it. */
static const struct {
	struct reg reg;
	uint32_t index;
} vm_regs[] = {
#define VM_REG(name, index) \
	{ { #name, offsetof(struct native_cpu, name) }, index },
	VM_REG(sp_el0, 31)
	VM_REG(sp_el1, 34)
	VM_REG(elr_el1, 35)
	VM_REG(spsr_el1, 36)
	VM_REG(csselr_el1, 48)
	VM_REG(sctlr_el1, 49)
	VM_REG(cpacr_el1, 51)
	VM_REG(ttbr0_el1, 52)
	VM_REG(ttbr1_el1, 53)
	VM_REG(tcr_el1, 54)
	VM_REG(esr_el1, 55)
	VM_REG(afsr0_el1, 56)
	VM_REG(afsr1_el1, 57)
	VM_REG(far_el1, 58)
	VM_REG(mair_el1, 59)
	VM_REG(vbar_el1, 60)
	VM_REG(contextidr_el1, 61)
	VM_REG(tpidr_el0, 62)
	VM_REG(tpidrro_el0, 63)
	VM_REG(tpidr_el1, 64)
	VM_REG(amair_el1, 65)
	VM_REG(cntkctl_el1, 66)
	VM_REG(par_el1, 67)
	VM_REG(cntv_cval_el0, 74)
};

/* What acts on it, but which it cannot write. */
static const struct {
	struct reg reg;
	uint32_t index;
} vm_fixed_regs[] = {
	VM_REG(vmpidr_el2, 47)
	VM_REG(actlr_el1, 50)
	VM_REG(mdscr_el1, 68)
	VM_REG(cntvoff_el2, 75)
};

static uint64_t *reg_of(struct native_cpu *cpu, const struct reg *reg)
{
	return (uint64_t *)((char *)cpu + reg->offset);
}

/* Registers that the host cannot see, and that hold what happened last. */
static bool is_scratch(const struct reg *reg)
{
	static const char *const names[] = {
		"elr_el2", "spsr_el2", "esr_el2", "far_el2", "hpfar_el2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(reg->name, names[i]) == 0) {
			return true;
		}
	}
	return strncmp(reg->name, "ICH_", 4) == 0;
}

/* --- The machine ------------------------------------------------------ */

static struct hypsec_vcpu pages[COREVISOR][VCPU_PER_VM];

/* EL2's registers as at boot, EL1's with something in all of them. */
static void start_host(const struct cpu_features *features)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_regs); i++) {
		*reg_of(&native_cpu, &all_regs[i]) = random64();
	}
	this_cpu()->features = *features;
	native_cpu.vbar_el2 = vectors_host();
	native_cpu.hcr_el2 = 0x80080023;
	native_cpu.cptr_el2 = 0x22ff;
	native_cpu.mdcr_el2 = 6 | BIT(17) | MDCR_E2PB_EL1 | MDCR_E2TB_EL1;
	native_cpu.cnthctl_el2 = 3;
	native_cpu.cntvoff_el2 = 0;
	native_cpu.cntv_ctl_el0 = 0;
	native_cpu.cntv_cval_el0 = 0;
	native_cpu.SVCR = 0;
	native_cpu.ICH_HCR_EL2 = 0;
	for (size_t i = 0; i < ARRAY_SIZE(native_cpu.z); i++) {
		native_cpu.fp.q[i][0] = random64();
		native_cpu.fp.q[i][1] = random64();
		native_cpu.z[i] = random64();
		native_cpu.p[i % 16] = random64();
	}
	native_cpu.fp.fpsr = random64();
	native_cpu.fp.fpcr = random64();
	native_cpu.ffr = random64();
	world_init();
}

/* A vCPU that has run before and may run again. */
static void add_vcpu(vmid_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	if (pt_pool_root(vmid) == 0) {
		machine_add_vm(vmid);
	}
	acquire_lock_vm(vmid);
	set_vm_state(vmid, VERIFIED);
	set_vm_cntvoff(vmid, 0x1000 * vmid);
	set_vcpu_state(vmid, vcpuid, READY);
	set_vcpu_power(vmid, vcpuid, VCPU_ON);
	release_lock_vm(vmid);
	memset(ctxt, 0, sizeof(*ctxt));
	for (uint32_t i = 0; i <= 36; i++) {
		ctxt->regs[i] = random64();
	}
	for (uint32_t i = 47; i <= 68; i++) {
		ctxt->regs[i] = random64();
	}
	ctxt->regs[PSTATE] = 0x3c5;
	ctxt->regs[CNTV_CVAL_EL0] = random64();
	ctxt->regs[EC] = HYPSEC_EXIT_IRQ;
	ctxt->shared = &pages[vmid][vcpuid];
	memset(&pages[vmid][vcpuid], 0, sizeof(pages[vmid][vcpuid]));
	for (size_t i = 0; i < ARRAY_SIZE(ctxt->fp.q); i++) {
		ctxt->fp.q[i][0] = random64();
		ctxt->fp.q[i][1] = random64();
	}
	ctxt->fp.fpsr = random64();
	ctxt->fp.fpcr = random64();
}

static const struct cpu_features old_cpu = { .pmu = true };
static const struct cpu_features new_cpu = {
	.pan = true, .ssbs = true, .mte = true, .nmi = true, .ras = true,
	.amu = true, .sve = true, .sme = true, .fgt = true, .hcx = true,
	.pmu = true, .spe = true, .trf = true,
};

static void start(const struct cpu_features *features)
{
	start_host(features);
	add_vcpu(VM, VCPU);
}

static struct trap_frame run_frame(uint64_t vmid, uint64_t vcpuid)
{
	struct trap_frame frame = {
		.elr = HOST_PC,
		.spsr = 0x60000005,
		.esr = HVC_ESR,
	};

	for (size_t i = 0; i < ARRAY_SIZE(frame.regs); i++) {
		frame.regs[i] = random64();
	}
	frame.regs[0] = HYPSEC_HVC_VCPU_RUN;
	frame.regs[1] = vmid;
	frame.regs[2] = vcpuid;
	return frame;
}

/* The host's VCPU_RUN; returns its x0 and checks that nothing else changed. */
static uint64_t run(uint64_t vmid, uint64_t vcpuid)
{
	struct trap_frame frame = run_frame(vmid, vcpuid);
	struct trap_frame before = frame;
	uint64_t result;

	trap_host_sync(&frame);
	result = frame.regs[0];
	frame.regs[0] = before.regs[0];
	g_assert_cmpmem(&frame, sizeof(frame), &before, sizeof(before));
	g_assert_cmpuint(get_cur_vmid(), ==, HOSTVISOR);
	g_assert_cmpuint(get_cur_vcpuid(), ==, this_cpu()->index);
	return result;
}

/* What the CPU had while the VM ran, for the test to look at. */
static struct native_cpu seen;
static unsigned int runs;

static uint64_t vm_looks(struct shadow_ctxt *ctxt)
{
	(void)ctxt;
	seen = native_cpu;
	runs++;
	return HYPSEC_EXIT_IRQ;
}

static void run_looking(void)
{
	native_set_vm(vm_looks);
	g_assert_cmpuint(run(VM, VCPU), ==, HYPSEC_EXIT_IRQ);
}

/* Writes all that it can reach. */
static uint64_t vm_writes(struct shadow_ctxt *ctxt)
{
	for (size_t i = 0; i < ARRAY_SIZE(vm_regs); i++) {
		*reg_of(&native_cpu, &vm_regs[i].reg) = random64();
	}
	for (size_t i = 0; i <= 30; i++) {
		ctxt->regs[i] = random64();
	}
	native_cpu.cntv_ctl_el0 = CNTV_CTL_IMASK;
	native_cpu.elr_el2 = random64();
	native_cpu.spsr_el2 = 0x80000000;
	if (this_cpu()->features.ras) {
		native_cpu.VDISR_EL2 = random64();
	}
	return vm_looks(ctxt);
}

/* --- Registers of host and VM ----------------------------------------- */

static void host_gets_all_back(const struct cpu_features *features)
{
	struct native_cpu before;

	start(features);
	before = native_cpu;
	native_set_vm(vm_writes);
	g_assert_cmpuint(run(VM, VCPU), ==, HYPSEC_EXIT_IRQ);
	for (size_t i = 0; i < ARRAY_SIZE(all_regs); i++) {
		const struct reg *reg = &all_regs[i];

		if (!is_scratch(reg) &&
		    *reg_of(&native_cpu, reg) != *reg_of(&before, reg)) {
			g_error("%s was 0x%lx, is 0x%lx", reg->name,
				*reg_of(&before, reg),
				*reg_of(&native_cpu, reg));
		}
	}
	g_assert_cmphex(native_cpu.vttbr, ==, before.vttbr);
	g_assert_cmpmem(&native_cpu.fp, sizeof(before.fp), &before.fp,
			sizeof(before.fp));
}

static void host_gets_all_back_on_an_old_cpu(void)
{
	host_gets_all_back(&old_cpu);
}

static void host_gets_all_back_on_a_new_cpu(void)
{
	host_gets_all_back(&new_cpu);
}

static void host_gets_all_back_with_gicv3(void)
{
	struct cpu_features features = new_cpu;

	features.nr_lrs = 16;
	features.nr_aprs = 4;
	host_gets_all_back(&features);
}

static void assert_sees_context(vmid_t vmid, uint32_t vcpuid,
				const struct shadow_ctxt *ctxt)
{
	for (size_t i = 0; i < ARRAY_SIZE(vm_regs); i++) {
		g_assert_cmphex(*reg_of(&seen, &vm_regs[i].reg), ==,
				ctxt->regs[vm_regs[i].index]);
	}
	for (size_t i = 0; i + 1 < ARRAY_SIZE(vm_fixed_regs); i++) {
		g_assert_cmphex(*reg_of(&seen, &vm_fixed_regs[i].reg), ==,
				ctxt->regs[vm_fixed_regs[i].index]);
	}
	g_assert_cmphex(seen.cntvoff_el2, ==, 0x1000 * vmid);
	g_assert_cmphex(seen.vttbr, ==,
			pt_pool_root(vmid) | (uint64_t)vmid << 48);
	g_assert_cmphex(seen.elr_el2, ==, ctxt->regs[PC]);
	g_assert_cmphex(seen.spsr_el2, ==, ctxt->regs[PSTATE]);
	(void)vcpuid;
}

static void vm_has_its_own(void)
{
	struct shadow_ctxt before;

	start(&old_cpu);
	before = *shadow_ctxt_get(VM, VCPU);
	run_looking();
	assert_sees_context(VM, VCPU, &before);
}

static void vm_finds_what_it_left(void)
{
	struct native_cpu left;

	start(&old_cpu);
	native_set_vm(vm_writes);
	run(VM, VCPU);
	left = seen;
	run_looking();
	for (size_t i = 0; i < ARRAY_SIZE(vm_regs); i++) {
		g_assert_cmphex(*reg_of(&seen, &vm_regs[i].reg), ==,
				*reg_of(&left, &vm_regs[i].reg));
	}
	g_assert_cmphex(seen.elr_el2, ==, left.elr_el2);
	g_assert_cmphex(seen.spsr_el2, ==, left.spsr_el2);
	g_assert_cmphex(seen.cntv_ctl_el0, ==, left.cntv_ctl_el0);
}

static void vm_has_nothing_of_another(void)
{
	struct shadow_ctxt other;

	start(&new_cpu);
	add_vcpu(OTHER_VM, VCPU);
	other = *shadow_ctxt_get(OTHER_VM, VCPU);
	native_set_vm(vm_writes);
	run(VM, VCPU);
	native_set_vm(vm_looks);
	run(OTHER_VM, VCPU);
	assert_sees_context(OTHER_VM, VCPU, &other);
	g_assert_cmphex(seen.VDISR_EL2, ==, 0);
}

static void vm_general_registers_go_both_ways(void)
{
	struct shadow_ctxt *ctxt;
	uint64_t x[31];

	start(&old_cpu);
	ctxt = shadow_ctxt_get(VM, VCPU);
	native_set_vm(vm_writes);
	run(VM, VCPU);
	memcpy(x, ctxt->regs, sizeof(x));
	run_looking();
	g_assert_cmpmem(ctxt->regs, sizeof(x), x, sizeof(x));
}

/* The host of another CPU has nothing of this one's. */
static void vm_moves_to_another_cpu(void)
{
	struct native_cpu left;
	struct shadow_ctxt other;

	start(&old_cpu);
	native_set_vm(vm_writes);
	run(VM, VCPU);
	left = seen;
	machine_become_cpu(1);
	pcpu_enter_host(this_cpu());
	start_host(&old_cpu);
	other = *shadow_ctxt_get(VM, VCPU);
	run_looking();
	assert_sees_context(VM, VCPU, &other);
	g_assert_cmphex(seen.ttbr0_el1, ==, left.ttbr0_el1);
}

/* --- Traps and what is stopped ---------------------------------------- */

static void traps_of_an_old_cpu(void)
{
	start(&old_cpu);
	run_looking();
	/* A.10's, and TID3. */
	g_assert_cmphex(seen.hcr_el2, ==, UINT64_C(0x8807c663b));
	g_assert_cmphex(seen.cptr_el2, ==, 0x1037ff);
	g_assert_cmphex(seen.mdcr_el2, ==, 0x4f60 | 6 | BIT(17));
	g_assert_cmphex(seen.cnthctl_el2, ==, 1);
}

static void traps_of_a_new_cpu(void)
{
	start(&new_cpu);
	run_looking();
	g_assert_cmphex(seen.hcr_el2, ==, UINT64_C(0x18807c663b));
	g_assert_cmphex(seen.cptr_el2, ==, UINT64_C(0x401037ff));
	g_assert_cmphex(seen.mdcr_el2, ==, 0x4f60 | 6 | BIT(17) | BIT(19));
	g_assert_cmphex(seen.HCRX_EL2, ==, BIT(6));
	g_assert_cmphex(seen.HFGRTR_EL2, ==, 0);
	g_assert_cmphex(seen.HFGWTR_EL2, ==, 0);
}

static void traps_leave_alone_what_is_not_there(void)
{
	const struct cpu_features none = { .pan = false };
	struct native_cpu before;

	start(&none);
	before = native_cpu;
	run_looking();
	g_assert_cmphex(seen.pmcr_el0, ==, before.pmcr_el0);
	g_assert_cmphex(seen.PMSCR_EL1, ==, before.PMSCR_EL1);
	g_assert_cmphex(seen.TRFCR_EL1, ==, before.TRFCR_EL1);
	g_assert_cmphex(seen.VDISR_EL2, ==, before.VDISR_EL2);
	g_assert_cmphex(seen.HCRX_EL2, ==, before.HCRX_EL2);
	g_assert_cmphex(seen.HFGRTR_EL2, ==, before.HFGRTR_EL2);
	g_assert_cmphex(seen.ICH_VMCR_EL2, ==, before.ICH_VMCR_EL2);
}

static void virtual_interrupt_by_hcr(uint64_t bits, uint64_t expected)
{
	start(&old_cpu);
	pages[VM][VCPU].hcr = bits;
	run_looking();
	g_assert_cmphex(seen.hcr_el2 ^ UINT64_C(0x8807c663b), ==, expected);
}

static void host_chooses_vi_and_vf_only(void)
{
	virtual_interrupt_by_hcr(BIT(7), BIT(7));
	machine_start(&test_machine);
	virtual_interrupt_by_hcr(BIT(6), BIT(6));
	machine_start(&test_machine);
	virtual_interrupt_by_hcr(~UINT64_C(0), BIT(6) | BIT(7));
}

static void counters_stop(void)
{
	start(&new_cpu);
	native_cpu.pmcr_el0 |= PMCR_E;
	run_looking();
	g_assert_cmphex(seen.pmcr_el0 & PMCR_E, ==, 0);
	g_assert_cmphex(seen.pmuserenr_el0, ==, 0xf);
	g_assert_cmphex(seen.pmselr_el0, ==, 0);
	g_assert_cmphex(seen.PMSCR_EL1, ==, 0);
	g_assert_cmphex(seen.TRFCR_EL1, ==, 0);
	g_assert_cmphex(native_cpu.pmcr_el0 & PMCR_E, ==, PMCR_E);
}

/* A virtual SError that the host has not taken yet is neither lost nor the
 * VM's. */
static void pending_serror_waits(void)
{
	start(&old_cpu);
	native_cpu.hcr_el2 |= HCR_VSE;
	run_looking();
	g_assert_cmphex(seen.hcr_el2 & HCR_VSE, ==, 0);
	g_assert_cmphex(native_cpu.hcr_el2 & HCR_VSE, ==, HCR_VSE);
}

static uint64_t vm_serror(struct shadow_ctxt *ctxt)
{
	(void)ctxt;
	native_cpu.esr_el2 = UINT64_C(0x2f) << 26 | BIT(25) | 0x123456;
	return HYPSEC_EXIT_SERROR;
}

static void serror_is_an_exit(void)
{
	struct native_cpu before;

	start(&old_cpu);
	before = native_cpu;
	native_set_vm(vm_serror);
	g_assert_cmpuint(run(VM, VCPU), ==, HYPSEC_EXIT_SERROR);
	g_assert_cmphex(native_cpu.sctlr_el1, ==, before.sctlr_el1);
}

/* And the host's error, as it would be if the host had run. */
static void serror_is_pended_for_the_host(void)
{
	start(&new_cpu);
	run_looking();
	g_assert_false(native_cpu.vserror);
	native_set_vm(vm_serror);
	run(VM, VCPU);
	g_assert_true(native_cpu.vserror);
	g_assert_cmphex(native_cpu.vserror_iss, ==, 0x123456);
	g_assert_cmphex(native_cpu.vttbr, ==, pt_pool_root(HOSTVISOR));
}

/* --- FP and SIMD ------------------------------------------------------ */

/* What the VM found, and what it left. */
static struct fp_state vm_fp;
static struct fp_state vm_fp_left;

/* Uses FP, and whatever it finds there is written over. */
static uint64_t vm_uses_fp(struct shadow_ctxt *ctxt)
{
	runs++;
	if (runs == 1) {
		native_cpu.esr_el2 = FP_TRAP_ESR;
		return HYPSEC_EXIT_TRAP;
	}
	g_assert_cmphex(native_cpu.cptr_el2 & BIT(10), ==, 0);
	vm_fp = native_cpu.fp;
	vm_looks(ctxt);
	for (size_t i = 0; i < ARRAY_SIZE(native_cpu.fp.q); i++) {
		native_cpu.fp.q[i][0] = random64();
		native_cpu.fp.q[i][1] = random64();
		native_cpu.z[i] = 0;
	}
	native_cpu.fp.fpsr = random64();
	native_cpu.fp.fpcr = random64();
	vm_fp_left = native_cpu.fp;
	return HYPSEC_EXIT_IRQ;
}

static void run_using_fp(void)
{
	runs = 0;
	native_set_vm(vm_uses_fp);
	g_assert_cmpuint(run(VM, VCPU), ==, HYPSEC_EXIT_IRQ);
	g_assert_cmpuint(runs, ==, 3);
}

static void fp_stays_with_the_host_unless_used(void)
{
	struct fp_state before;
	struct fp_state vms;

	start(&new_cpu);
	before = native_cpu.fp;
	vms = shadow_ctxt_get(VM, VCPU)->fp;
	run_looking();
	g_assert_cmphex(seen.cptr_el2 & BIT(10), ==, BIT(10));
	g_assert_cmpmem(&native_cpu.fp, sizeof(before), &before,
			sizeof(before));
	g_assert_cmpmem(&shadow_ctxt_get(VM, VCPU)->fp, sizeof(vms), &vms,
			sizeof(vms));
}

static void fp_of_the_vm_is_there_at_first_use(void)
{
	struct fp_state vms;

	start(&old_cpu);
	vms = shadow_ctxt_get(VM, VCPU)->fp;
	run_using_fp();
	g_assert_cmpmem(&vm_fp, sizeof(vms), &vms, sizeof(vms));
}

static void fp_of_the_host_comes_back(void)
{
	struct native_cpu before;

	start(&old_cpu);
	before = native_cpu;
	run_using_fp();
	g_assert_cmpmem(&native_cpu.fp, sizeof(before.fp), &before.fp,
			sizeof(before.fp));
	g_assert_cmphex(native_cpu.cptr_el2, ==, before.cptr_el2);
}

static void fp_of_the_vm_is_kept(void)
{
	struct fp_state left;

	start(&old_cpu);
	run_using_fp();
	left = vm_fp_left;
	run_using_fp();
	g_assert_cmpmem(&vm_fp, sizeof(left), &left, sizeof(left));
}

static void fp_traps_anew_after_each_entry(void)
{
	start(&old_cpu);
	run_using_fp();
	run_looking();
	g_assert_cmphex(seen.cptr_el2 & BIT(10), ==, BIT(10));
}

static void vectors_come_back(struct native_cpu *before)
{
	*before = native_cpu;
	run_using_fp();
	g_assert_cmpmem(native_cpu.z, sizeof(before->z), before->z,
			sizeof(before->z));
	g_assert_cmpmem(native_cpu.p, sizeof(before->p), before->p,
			sizeof(before->p));
	g_assert_cmphex(native_cpu.ffr, ==, before->ffr);
	g_assert_cmphex(native_cpu.SVCR, ==, before->SVCR);
	/* While the VM ran there was nothing of them. */
	for (size_t i = 0; i < ARRAY_SIZE(seen.z); i++) {
		g_assert_cmphex(seen.z[i], ==, 0);
	}
	g_assert_cmphex(seen.cptr_el2 & (BIT(8) | BIT(12)), ==,
			BIT(8) | BIT(12));
}

static void fp_sve_of_the_host_comes_back(void)
{
	struct native_cpu before;

	start(&new_cpu);
	vectors_come_back(&before);
}

/* SM ends streaming mode for the VM, ZA stays. */
static void fp_streaming_mode_of_the_host_comes_back(void)
{
	struct native_cpu before;

	start(&new_cpu);
	native_cpu.SVCR = 3;
	vectors_come_back(&before);
	g_assert_cmphex(seen.SVCR, ==, 2);
}

static void fp_streaming_mode_without_sve(void)
{
	struct cpu_features features = new_cpu;
	struct native_cpu before;

	features.sve = false;
	features.sme_fa64 = true;
	start(&features);
	native_cpu.SVCR = 1;
	vectors_come_back(&before);
	g_assert_cmphex(seen.SVCR, ==, 0);
}

/* --- Timers ----------------------------------------------------------- */

static uint64_t vm_ctl;
static uint64_t vm_cval;

static uint64_t vm_sets_timer(struct shadow_ctxt *ctxt)
{
	native_cpu.cntv_ctl_el0 = vm_ctl;
	native_cpu.cntv_cval_el0 = vm_cval;
	return vm_looks(ctxt);
}

static void run_with_timer(uint64_t ctl)
{
	start(&old_cpu);
	vm_ctl = ctl;
	vm_cval = random64();
	native_set_vm(vm_sets_timer);
	run(VM, VCPU);
	g_assert_cmphex(native_cpu.cntv_cval_el0, ==, 0);
	g_assert_cmphex(native_cpu.cntvoff_el2, ==, 0);
	g_assert_cmphex(native_cpu.cnthctl_el2, ==, 3);
}

static void timer_is_off_for_the_host(void)
{
	static const uint64_t silent[] = { 0, 1, 2, 3, 4, 6, 7 };

	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		machine_start(&test_machine);
		run_with_timer(silent[i]);
		g_assert_cmphex(native_cpu.cntv_ctl_el0, ==, 0);
	}
}

/* It fires on with a compare value that tells nothing. */
static void timer_that_fires_goes_on(void)
{
	run_with_timer(5);
	g_assert_cmphex(native_cpu.cntv_ctl_el0 & 3, ==, 1);
}

static void timer_is_the_vms_again(void)
{
	for (uint64_t ctl = 0; ctl < 8; ctl++) {
		machine_start(&test_machine);
		run_with_timer(ctl);
		run_looking();
		g_assert_cmphex(seen.cntv_ctl_el0, ==, ctl & 3);
		g_assert_cmphex(seen.cntv_cval_el0, ==, vm_cval);
	}
}

/* What the host writes meanwhile changes nothing of the VM's. */
static void timer_is_not_the_hosts_to_change(void)
{
	run_with_timer(1);
	native_cpu.cntv_ctl_el0 = 3;
	native_cpu.cntv_cval_el0 = 0x1234;
	run_looking();
	g_assert_cmphex(seen.cntv_ctl_el0, ==, 1);
	g_assert_cmphex(seen.cntv_cval_el0, ==, vm_cval);
}

/* Neither the VM's offset with the host's compare value, nor the reverse. */
static uint64_t ctl_before;

static void watch_timer(const char *name, uint64_t value)
{
	if (strcmp(name, "cntv_ctl_el0") == 0) {
		if ((value & 1) != 0) {
			g_assert_cmphex(native_cpu.cntv_cval_el0, ==, vm_cval);
			g_assert_cmphex(native_cpu.cntvoff_el2, ==,
					0x1000 * VM);
		}
		ctl_before = value;
	}
}

static void timer_is_enabled_last(void)
{
	run_with_timer(1);
	native_cpu.sysreg_hook = watch_timer;
	run_looking();
	g_assert_cmphex(seen.cntv_ctl_el0, ==, 1);
}

/* --- GICv3 ------------------------------------------------------------ */

static const struct cpu_features gicv3 = {
	.pmu = true, .nr_lrs = 4, .nr_aprs = 2,
};

static void gic_lists_are_loaded(void)
{
	struct hypsec_vgic *vgic = &pages[VM][VCPU].vgic;

	start(&gicv3);
	vgic->lr[0] = UINT64_C(0x50a000000000001b) | BIT(61);
	vgic->lr[3] = UINT64_C(0x1080000000000021);
	vgic->hcr = ~UINT64_C(0);
	run_looking();
	g_assert_cmphex(seen.ICH_LR0_EL2, ==,
			UINT64_C(0x70a000000000001b));
	g_assert_cmphex(seen.ICH_LR1_EL2, ==, 0);
	g_assert_cmphex(seen.ICH_LR3_EL2, ==, UINT64_C(0x1080000000000021));
	g_assert_cmphex(seen.ICH_HCR_EL2, ==, 0xf);
	g_assert_cmphex(seen.ICC_SRE_EL1, ==, 7);
	g_assert_cmphex(native_cpu.ICH_HCR_EL2, ==, 0);
}

static void gic_lists_have_no_reserved_bits(void)
{
	start(&gicv3);
	pages[VM][VCPU].vgic.lr[1] = ~BIT(61);
	pages[VM][VCPU].vgic.lr[2] = ~UINT64_C(0);
	run_looking();
	g_assert_cmphex(seen.ICH_LR1_EL2, ==, UINT64_C(0xd0ff0200ffffffff));
	g_assert_cmphex(seen.ICH_LR2_EL2, ==, UINT64_C(0xf0ff1fffffffffff));
}

static uint64_t vm_acknowledges(struct shadow_ctxt *ctxt)
{
	native_cpu.ICH_LR0_EL2 = UINT64_C(0x90a000000000001b);
	native_cpu.ICH_LR3_EL2 = 0x1234;
	native_cpu.ICH_HCR_EL2 |= UINT64_C(3) << 27;
	native_cpu.ICH_MISR_EL2 = 2;
	native_cpu.ICH_ELRSR_EL2 = 0xe;
	native_cpu.ICH_VMCR_EL2 = UINT64_C(0xf0000012);
	native_cpu.ICH_AP0R0_EL2 = 0x100;
	native_cpu.ICH_AP0R1_EL2 = 0x101;
	native_cpu.ICH_AP1R0_EL2 = 0x102;
	native_cpu.ICH_AP1R1_EL2 = 0x103;
	return vm_looks(ctxt);
}

static void gic_lists_are_told(void)
{
	const struct hypsec_vgic *vgic = &pages[VM][VCPU].vgic;

	start(&gicv3);
	native_set_vm(vm_acknowledges);
	run(VM, VCPU);
	g_assert_cmphex(vgic->lr[0], ==, UINT64_C(0x90a000000000001b));
	g_assert_cmphex(vgic->lr[3], ==, 0x1234);
	g_assert_cmphex(vgic->lr[4], ==, 0);
	g_assert_cmphex(vgic->hcr, ==, UINT64_C(3) << 27);
	g_assert_cmphex(vgic->misr, ==, 2);
	g_assert_cmphex(vgic->elrsr, ==, 0xe);
	g_assert_cmpuint(vgic->nr_lrs, ==, 4);
}

/* Priorities that are being handled are not the host's to see or change. */
static void gic_priorities_are_the_vms(void)
{
	uint64_t beyond;

	start(&gicv3);
	beyond = native_cpu.ICH_AP1R2_EL2;
	native_set_vm(vm_acknowledges);
	run(VM, VCPU);
	native_cpu.ICH_VMCR_EL2 = 1;
	native_cpu.ICH_AP1R0_EL2 = 2;
	run_looking();
	g_assert_cmphex(seen.ICH_VMCR_EL2, ==, UINT64_C(0xf0000012));
	g_assert_cmphex(seen.ICH_AP0R0_EL2, ==, 0x100);
	g_assert_cmphex(seen.ICH_AP0R1_EL2, ==, 0x101);
	g_assert_cmphex(seen.ICH_AP1R0_EL2, ==, 0x102);
	g_assert_cmphex(seen.ICH_AP1R1_EL2, ==, 0x103);
	g_assert_cmphex(seen.ICH_AP1R2_EL2, ==, beyond);
}

/* --- Translation ------------------------------------------------------ */

static bool walks_stopped;
static unsigned int translation_writes;

static void watch_walks(const char *name, uint64_t value)
{
	static const char *const translation[] = {
		"ttbr0_el1", "ttbr1_el1", "mair_el1", "amair_el1",
		"contextidr_el1", "hcr_el2",
	};

	if (strcmp(name, "tcr_el1") == 0) {
		walks_stopped = (value & (BIT(7) | BIT(23))) ==
				(BIT(7) | BIT(23));
		/* SCTLR_EL1.M comes before the walks go on. */
		translation_writes++;
	}
	if (strcmp(name, "sctlr_el1") == 0) {
		g_assert_true(walks_stopped);
	}
	for (size_t i = 0; i < ARRAY_SIZE(translation); i++) {
		if (strcmp(name, translation[i]) == 0) {
			g_assert_true(walks_stopped);
			g_assert_cmphex(native_cpu.sctlr_el1 & 1, ==, 1);
			translation_writes++;
		}
	}
}

/* Neither world's tables are walked with the other's stage 2. */
static void walks_are_stopped_for_the_switch(void)
{
	const struct native_event *events;
	size_t n;
	bool stopped = false;
	unsigned int changes = 0;

	start(&old_cpu);
	native_cpu.tcr_el1 = 0;
	shadow_ctxt_get(VM, VCPU)->regs[TCR_EL1] = 0;
	native_cpu.sysreg_hook = watch_walks;
	native_events_reset();
	run_looking();
	/* Two ways, six registers and TCR_EL1 twice. */
	g_assert_cmpuint(translation_writes, ==, 2 * 8);
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if (events[i].op == NATIVE_EL1_WALKS) {
			stopped = events[i].a == 0;
		}
		if (events[i].op == NATIVE_VTTBR) {
			g_assert_true(stopped);
			changes++;
		}
	}
	g_assert_cmpuint(changes, ==, 2);
	g_assert_false(stopped);
}

/* The state changes between the events that are seen. */
static uint64_t vm_checks_and_marks(struct shadow_ctxt *ctxt)
{
	(void)ctxt;
	g_assert_cmpuint(vcpu_state_now(&vm_infos[VM].vcpu[VCPU]), ==, ACTIVE);
	native_events_reset();
	return HYPSEC_EXIT_IRQ;
}

static unsigned int inactive_seen;

/*
 * When a vCPU is READY again, this CPU neither walks its VM's tables nor has
 * maintenance under way that the VM could wait for elsewhere.
 */
static void watch_leaving(const struct native_event *event)
{
	if (event->op == NATIVE_DSB_SY) {
		g_assert_cmpuint(vcpu_state_now(&vm_infos[VM].vcpu[VCPU]), ==,
				 ACTIVE);
	}
	if (event->op != NATIVE_VTTBR || event->a != pt_pool_root(HOSTVISOR)) {
		return;
	}
	g_assert_cmpuint(vcpu_state_now(&vm_infos[VM].vcpu[VCPU]), ==, READY);
	inactive_seen++;
}

static void leaving_waits_and_stops_walks(void)
{
	const struct native_event *events;
	size_t stop = SIZE_MAX;
	size_t dsb = SIZE_MAX;
	size_t leave = SIZE_MAX;
	size_t n;

	start(&old_cpu);
	native_watch(watch_leaving);
	native_set_vm(vm_checks_and_marks);
	run(VM, VCPU);
	g_assert_cmpuint(inactive_seen, ==, 1);
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if (events[i].op == NATIVE_EL1_WALKS && events[i].a == 0) {
			stop = i;
		} else if (events[i].op == NATIVE_DSB_SY) {
			dsb = i;
		} else if (events[i].op == NATIVE_VTTBR) {
			leave = i;
		}
	}
	g_assert_cmpuint(stop, <, dsb);
	g_assert_cmpuint(dsb, <, leave);
}

static uint64_t vm_powers_off(struct shadow_ctxt *ctxt)
{
	ctxt->regs[X0] = 0x84000008;
	native_cpu.esr_el2 = HVC_ESR;
	return HYPSEC_EXIT_TRAP;
}

/* The lock that this takes on the way out finds the walks stopped. */
static void leaving_for_good(void)
{
	start(&old_cpu);
	native_set_vm(vm_powers_off);
	g_assert_cmpuint(run(VM, VCPU), ==, HYPSEC_EXIT_TRAP);
	acquire_lock_vm(VM);
	g_assert_cmpuint(get_vm_state(VM), ==, POWEROFF);
	g_assert_cmpuint(get_vcpu_state(VM, VCPU), ==, READY);
	release_lock_vm(VM);
}

static unsigned int local_flushes(void)
{
	const struct native_event *events;
	unsigned int count = 0;
	size_t n;

	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if (events[i].op == NATIVE_TLBI_VMALLE1) {
			g_assert_cmphex(events[i].b >> 48, ==, VM);
			g_assert_cmpint(events[i - 1].op, ==, NATIVE_ISB);
			g_assert_cmpint(events[i + 1].op, ==, NATIVE_DSB_NSH);
			count++;
		}
	}
	native_events_reset();
	return count;
}

static void tlb_forgets_the_other_vcpu(void)
{
	start(&old_cpu);
	add_vcpu(VM, 5);
	native_set_vm(vm_looks);
	run(VM, VCPU);
	native_events_reset();
	run(VM, VCPU);
	g_assert_cmpuint(local_flushes(), ==, 0);
	run(VM, 5);
	g_assert_cmpuint(local_flushes(), ==, 1);
	run(VM, 5);
	g_assert_cmpuint(local_flushes(), ==, 0);
	run(VM, VCPU);
	g_assert_cmpuint(local_flushes(), ==, 1);
}

/* Each CPU has a TLB of its own. */
static void tlb_forgets_by_cpu(void)
{
	start(&old_cpu);
	add_vcpu(VM, 5);
	native_set_vm(vm_looks);
	run(VM, VCPU);
	machine_become_cpu(1);
	pcpu_enter_host(this_cpu());
	start_host(&old_cpu);
	native_set_vm(vm_looks);
	run(VM, 5);
	native_events_reset();
	run(VM, 5);
	g_assert_cmpuint(local_flushes(), ==, 0);
	machine_become_cpu(0);
	run(VM, VCPU);
	g_assert_cmpuint(local_flushes(), ==, 0);
}

static void tlb_keeps_other_vms(void)
{
	start(&old_cpu);
	add_vcpu(OTHER_VM, 5);
	native_set_vm(vm_looks);
	run(VM, VCPU);
	run(OTHER_VM, 5);
	native_events_reset();
	run(VM, VCPU);
	g_assert_cmpuint(local_flushes(), ==, 0);
}

/* --- Refusals --------------------------------------------------------- */

/* Nothing has changed, in the CPU or in EL2's memory. */
static void refused_run(uint64_t vmid, uint64_t vcpuid, int64_t result)
{
	void *contexts = g_memdup2(shadow_ctxts, sizeof(shadow_ctxts));
	void *infos = g_memdup2(vm_infos, sizeof(vm_infos));
	void *shared = g_memdup2(pages, sizeof(pages));
	struct native_cpu before = native_cpu;
	struct native_cpu now;
	void *memory = machine_copy();
	struct shadow_ctxt *after;

	native_set_vm(NULL);
	before.vm = NULL;
	g_assert_cmpint((int64_t)run(vmid, vcpuid), ==, result);
	now = native_cpu;
	g_assert_cmpmem(&now, sizeof(now), &before, sizeof(before));
	/* The host's own context holds what it had, kept for the switch. */
	after = (struct shadow_ctxt *)contexts;
	g_assert_cmpmem(shadow_ctxts[1], sizeof(shadow_ctxts[1]) * 15,
			after + VCPU_PER_VM, sizeof(shadow_ctxts[1]) * 15);
	g_assert_cmpmem(vm_infos, sizeof(vm_infos), infos, sizeof(vm_infos));
	g_assert_cmpmem(pages, sizeof(pages), shared, sizeof(pages));
	machine_assert_unchanged(memory);
	g_free(contexts);
	g_free(infos);
	g_free(shared);
}

static void refuses_numbers_out_of_range(void)
{
	static const uint64_t numbers[] = {
		16, 17, 0xffffffff, BIT(32) | VM, ~UINT64_C(0),
	};

	start(&new_cpu);
	refused_run(0, 0, HYPSEC_INVALID);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		refused_run(numbers[i], VCPU, HYPSEC_INVALID);
	}
	refused_run(VM, 8, HYPSEC_INVALID);
	for (size_t i = 2; i < ARRAY_SIZE(numbers); i++) {
		refused_run(VM, numbers[i] | 8, HYPSEC_INVALID);
	}
	refused_run(VM, BIT(32) | VCPU, HYPSEC_INVALID);
}

static void refuses_a_vm_that_is_not_verified(void)
{
	static const uint32_t states[] = { UNUSED, MAPPED, READY, POWEROFF };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		machine_start(&test_machine);
		start(&new_cpu);
		acquire_lock_vm(VM);
		set_vm_state(VM, states[i]);
		release_lock_vm(VM);
		/* The host cannot know yet that a VM has ended. */
		refused_run(VM, VCPU, states[i] == POWEROFF ? HYPSEC_BUSY :
							      HYPSEC_DENIED);
	}
}

static void refuses_a_vcpu_that_is_not_there(void)
{
	start(&new_cpu);
	refused_run(VM, VCPU + 1, HYPSEC_DENIED);
}

static void refuses_a_vcpu_that_runs(void)
{
	start(&new_cpu);
	acquire_lock_vm(VM);
	set_vcpu_state(VM, VCPU, ACTIVE);
	release_lock_vm(VM);
	refused_run(VM, VCPU, HYPSEC_BUSY);
}

static void refuses_a_vcpu_that_is_off(void)
{
	start(&new_cpu);
	acquire_lock_vm(VM);
	set_vcpu_power(VM, VCPU, VCPU_OFF);
	release_lock_vm(VM);
	refused_run(VM, VCPU, HYPSEC_BUSY);
}

/* A page that the VM cannot have: it goes on waiting for one. */
static void refused_answer_leaves_the_vcpu_waiting(void)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(VM, VCPU);

	start(&new_cpu);
	ctxt->regs[EC] = HYPSEC_EXIT_TRAP;
	ctxt->regs[ESR_EL2] = UINT64_C(0x24) << 26 | BIT(25) | 0x07;
	ctxt->regs[HPFAR_EL2] = UINT64_C(0x40000000) >> 8;
	ctxt->regs[FLAGS] = PENDING_FSC_FAULT;
	/* Of the VM, not of the vCPU: loaded with each try. */
	ctxt->regs[CNTVOFF_EL2] = 0x1000 * VM;
	pages[VM][VCPU].new_pte = TEST_EL2_BASE;
	pages[VM][VCPU].new_level = 3;
	refused_run(VM, VCPU, HYPSEC_DENIED);
	refused_run(VM, VCPU, HYPSEC_DENIED);
	pages[VM][VCPU].new_pte = TEST_RAM_BASE + 16 * MIB;
	run_looking();
	g_assert_cmpuint(get_level_s2pt(VM, UINT64_C(0x40000000)), ==, 3);
}

static void refusal_is_told(void)
{
	start(&old_cpu);
	run(16, 2);
	g_assert_nonnull(strstr(native_console(),
				"VCPU_RUN(0x10, 0x2): no such VM"));
	g_assert_cmpuint(this_cpu()->counters->refusals, ==, 1);
	g_assert_cmpuint(this_cpu()->counters->hypercalls, ==, 1);
}

/* Its VM decides that, on another CPU, and not the host. */
static void end_of_a_vm_is_no_violation(void)
{
	start(&new_cpu);
	violation_set_halt(true);
	acquire_lock_vm(VM);
	set_vm_state(VM, POWEROFF);
	release_lock_vm(VM);
	native_set_vm(NULL);
	g_assert_cmpint((int64_t)run(VM, VCPU), <, 0);
	g_assert_cmpuint(this_cpu()->counters->refusals, ==, 0);
}

/* WFI in EL0's T32 code, in 16 bits: IL is 0. */
static uint64_t vm_waits_in_t32(struct shadow_ctxt *ctxt)
{
	(void)ctxt;
	native_cpu.esr_el2 = UINT64_C(0x01) << 26;
	native_cpu.elr_el2 = 0x1000;
	native_cpu.spsr_el2 = 0x1f0;
	return HYPSEC_EXIT_TRAP;
}

static void short_instruction_is_skipped(void)
{
	start(&new_cpu);
	native_set_vm(vm_waits_in_t32);
	g_assert_cmpuint(run(VM, VCPU), ==, HYPSEC_EXIT_TRAP);
	run_looking();
	g_assert_cmphex(shadow_ctxt_get(VM, VCPU)->regs[PC], ==, 0x1002);
}

/* Only HVC #0 is a hypercall. */
static void run_by_another_immediate_is_none(void)
{
	struct trap_frame frame;

	start(&old_cpu);
	frame = run_frame(VM, VCPU);
	frame.esr |= 1;
	native_set_vm(NULL);
	trap_host_sync(&frame);
	g_assert_cmpint((int64_t)frame.regs[0], ==, HYPSEC_NOT_SUPPORTED);
}

/* --- While it runs ---------------------------------------------------- */

static uint64_t vm_checks_state(struct shadow_ctxt *ctxt)
{
	g_assert_true(ctxt == shadow_ctxt_get(VM, VCPU));
	g_assert_true(this_cpu()->ctxt == ctxt);
	g_assert_cmpuint(get_cur_vmid(), ==, VM);
	g_assert_cmpuint(get_cur_vcpuid(), ==, VCPU);
	g_assert_cmpuint(this_cpu()->counters->world, ==, VM);
	acquire_lock_vm(VM);
	g_assert_cmpuint(get_vcpu_state(VM, VCPU), ==, ACTIVE);
	release_lock_vm(VM);
	return HYPSEC_EXIT_IRQ;
}

static void vcpu_is_active_while_it_runs(void)
{
	start(&old_cpu);
	native_set_vm(vm_checks_state);
	run(VM, VCPU);
	acquire_lock_vm(VM);
	g_assert_cmpuint(get_vcpu_state(VM, VCPU), ==, READY);
	release_lock_vm(VM);
}

static uint64_t vm_faults(struct shadow_ctxt *ctxt)
{
	(void)ctxt;
	native_cpu.elr_el2 = 0x1110;
	native_cpu.spsr_el2 = 0x80000004;
	/* WFI. */
	native_cpu.esr_el2 = UINT64_C(0x01) << 26 | BIT(25);
	native_cpu.far_el2 = 0x2220;
	native_cpu.hpfar_el2 = 0x3330;
	return HYPSEC_EXIT_TRAP;
}

static void exit_is_noted_in_the_context(void)
{
	const uint64_t *regs = shadow_ctxt_get(VM, VCPU)->regs;

	start(&old_cpu);
	native_set_vm(vm_faults);
	g_assert_cmpuint(run(VM, VCPU), ==, HYPSEC_EXIT_TRAP);
	g_assert_cmphex(regs[EC], ==, HYPSEC_EXIT_TRAP);
	g_assert_cmphex(regs[PC], ==, 0x1110);
	g_assert_cmphex(regs[PSTATE], ==, 0x80000004);
	g_assert_cmphex(regs[ESR_EL2], ==, 0x06000000);
	g_assert_cmphex(regs[FAR_EL2], ==, 0x2220);
	g_assert_cmphex(regs[HPFAR_EL2], ==, 0x3330);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/host/old-cpu-gets-all-back",
		  host_gets_all_back_on_an_old_cpu),
	UNIT_TEST("/host/new-cpu-gets-all-back",
		  host_gets_all_back_on_a_new_cpu),
	UNIT_TEST("/host/gicv3-gets-all-back", host_gets_all_back_with_gicv3),
	UNIT_TEST("/vm/has-its-own", vm_has_its_own),
	UNIT_TEST("/vm/finds-what-it-left", vm_finds_what_it_left),
	UNIT_TEST("/vm/has-nothing-of-another", vm_has_nothing_of_another),
	UNIT_TEST("/vm/general-registers-go-both-ways",
		  vm_general_registers_go_both_ways),
	UNIT_TEST("/vm/moves-to-another-cpu", vm_moves_to_another_cpu),
	UNIT_TEST("/traps/old-cpu", traps_of_an_old_cpu),
	UNIT_TEST("/traps/new-cpu", traps_of_a_new_cpu),
	UNIT_TEST("/traps/not-there", traps_leave_alone_what_is_not_there),
	UNIT_TEST("/traps/vi-and-vf-only", host_chooses_vi_and_vf_only),
	UNIT_TEST("/stopped/counters", counters_stop),
	UNIT_TEST("/serror/pending-one-waits", pending_serror_waits),
	UNIT_TEST("/serror/is-an-exit", serror_is_an_exit),
	UNIT_TEST("/serror/is-pended-for-the-host",
		  serror_is_pended_for_the_host),
	UNIT_TEST("/fp/unused", fp_stays_with_the_host_unless_used),
	UNIT_TEST("/fp/first-use", fp_of_the_vm_is_there_at_first_use),
	UNIT_TEST("/fp/host-comes-back", fp_of_the_host_comes_back),
	UNIT_TEST("/fp/vm-is-kept", fp_of_the_vm_is_kept),
	UNIT_TEST("/fp/traps-anew", fp_traps_anew_after_each_entry),
	UNIT_TEST("/fp/sve", fp_sve_of_the_host_comes_back),
	UNIT_TEST("/fp/streaming", fp_streaming_mode_of_the_host_comes_back),
	UNIT_TEST("/fp/streaming-without-sve", fp_streaming_mode_without_sve),
	UNIT_TEST("/timer/off-for-the-host", timer_is_off_for_the_host),
	UNIT_TEST("/timer/fires-on", timer_that_fires_goes_on),
	UNIT_TEST("/timer/the-vms-again", timer_is_the_vms_again),
	UNIT_TEST("/timer/not-the-hosts", timer_is_not_the_hosts_to_change),
	UNIT_TEST("/timer/enabled-last", timer_is_enabled_last),
	UNIT_TEST("/gic/loaded", gic_lists_are_loaded),
	UNIT_TEST("/gic/reserved-bits", gic_lists_have_no_reserved_bits),
	UNIT_TEST("/gic/told", gic_lists_are_told),
	UNIT_TEST("/gic/priorities", gic_priorities_are_the_vms),
	UNIT_TEST("/translation/walks-stopped",
		  walks_are_stopped_for_the_switch),
	UNIT_TEST("/translation/leaving", leaving_waits_and_stops_walks),
	UNIT_TEST("/translation/leaving-for-good", leaving_for_good),
	UNIT_TEST("/tlb/other-vcpu", tlb_forgets_the_other_vcpu),
	UNIT_TEST("/tlb/by-cpu", tlb_forgets_by_cpu),
	UNIT_TEST("/tlb/other-vm", tlb_keeps_other_vms),
	UNIT_TEST("/refuses/numbers", refuses_numbers_out_of_range),
	UNIT_TEST("/refuses/not-verified", refuses_a_vm_that_is_not_verified),
	UNIT_TEST("/refuses/no-vcpu", refuses_a_vcpu_that_is_not_there),
	UNIT_TEST("/refuses/active", refuses_a_vcpu_that_runs),
	UNIT_TEST("/refuses/off", refuses_a_vcpu_that_is_off),
	UNIT_TEST("/refuses/answer", refused_answer_leaves_the_vcpu_waiting),
	UNIT_TEST("/refuses/told", refusal_is_told),
	UNIT_TEST("/refuses/end-is-no-violation",
		  end_of_a_vm_is_no_violation),
	UNIT_TEST("/run/short-instruction", short_instruction_is_skipped),
	UNIT_TEST("/refuses/other-immediate",
		  run_by_another_immediate_is_none),
	UNIT_TEST("/run/active", vcpu_is_active_while_it_runs),
	UNIT_TEST("/run/exit-is-noted", exit_is_noted_in_the_context),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
