/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's side of vCPUs: registers of worlds, the window, and VMs that
 * do what a script says. What a world may find in EL2's registers is looked at
 * here (facts I20 to I22, I26, I28), since the specification has no values for
 * them.
 */
#include "fw_machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/cpu.h"
#include "arch/mem.h"
#include "arch/native.h"
#include "arch/sysreg.h"
#include "arch/world.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/pt_alloc.h"
#include "core/shadow_ctxt.h"
#include "core/trap_handler.h"
#include "core/vm_info.h"
#include "core/world.h"

#define HOST_PC		UINT64_C(0x80000)

/* ESR_EL2 of a VM's first use of an FP register. */
#define FP_TRAP		(UINT64_C(7) << 26 | UINT64_C(0x3e00000))

/* --- Registers of worlds -------------------------------------------------- */

/* Where the CPU has a register of EL1's or EL0's; NULL for another place. */
static uint64_t *cpu_register(uint32_t reg)
{
	struct native_cpu *cpu = &native_cpu;

	switch (reg) {
	case SP: return &cpu->sp_el0;
	case SP_EL1: return &cpu->sp_el1;
	case ELR_EL1: return &cpu->elr_el1;
	case SPSR_EL1: return &cpu->spsr_el1;
	case MPIDR_EL1: return &cpu->vmpidr_el2;
	case CSSELR_EL1: return &cpu->csselr_el1;
	case SCTLR_EL1: return &cpu->sctlr_el1;
	case ACTLR_EL1: return &cpu->actlr_el1;
	case CPACR_EL1: return &cpu->cpacr_el1;
	case TTBR0_EL1: return &cpu->ttbr0_el1;
	case TTBR1_EL1: return &cpu->ttbr1_el1;
	case TCR_EL1: return &cpu->tcr_el1;
	case ESR_EL1: return &cpu->esr_el1;
	case AFSR0_EL1: return &cpu->afsr0_el1;
	case AFSR1_EL1: return &cpu->afsr1_el1;
	case FAR_EL1: return &cpu->far_el1;
	case MAIR_EL1: return &cpu->mair_el1;
	case VBAR_EL1: return &cpu->vbar_el1;
	case CONTEXTIDR_EL1: return &cpu->contextidr_el1;
	case TPIDR_EL0: return &cpu->tpidr_el0;
	case TPIDRRO_EL0: return &cpu->tpidrro_el0;
	case TPIDR_EL1: return &cpu->tpidr_el1;
	case AMAIR_EL1: return &cpu->amair_el1;
	case CNTKCTL_EL1: return &cpu->cntkctl_el1;
	case PAR_EL1: return &cpu->par_el1;
	case MDSCR_EL1: return &cpu->mdscr_el1;
	case CNTV_CTL_EL0: return &cpu->cntv_ctl_el0;
	case CNTV_CVAL_EL0: return &cpu->cntv_cval_el0;
	default: return NULL;
	}
}

static uint64_t *fp_register(struct fp_state *fp, uint32_t reg)
{
	return reg == VIEW_FPSR ? &fp->fpsr :
	       reg == VIEW_FPCR ? &fp->fpcr :
	       &fp->q[(reg - VIEW_FP) / 2][reg % 2];
}

uint64_t fw_get_reg(uint32_t vmid, uint32_t vcpuid, uint32_t reg)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	return reg >= VIEW_FP ? *fp_register(&ctxt->fp, reg) : ctxt->regs[reg];
}

uint64_t fw_host_reg(uint32_t reg)
{
	const uint64_t *field = reg >= VIEW_FP ?
				fp_register(&native_cpu.fp, reg) :
				cpu_register(reg);

	return reg <= X30 ? fw_machine.frame.regs[reg] :
	       field == NULL ? 0 : *field;
}

void fw_set_host_reg(uint32_t reg, uint64_t value)
{
	uint64_t *field = reg >= VIEW_FP ? fp_register(&native_cpu.fp, reg) :
					   cpu_register(reg);

	if (reg <= X30) {
		fw_machine.frame.regs[reg] = value;
	} else if (field != NULL) {
		*field = value;
	}
}

bool fw_has_pan(void)
{
	return this_cpu()->features.pan;
}

bool fw_has_ssbs(void)
{
	return this_cpu()->features.ssbs;
}

bool fw_has_mte(void)
{
	return this_cpu()->features.mte;
}

bool fw_has_nmi(void)
{
	return this_cpu()->features.nmi;
}

/* The model's numbers are CRm * 8 + op2. */
uint64_t fw_id_register(uint32_t id)
{
	struct native_cpu *cpu = &native_cpu;

	switch (id) {
	case 8: return cpu->id_pfr0_el1;
	case 9: return cpu->id_pfr1_el1;
	case 10: return cpu->id_dfr0_el1;
	case 12: return cpu->id_mmfr0_el1;
	case 13: return cpu->id_mmfr1_el1;
	case 14: return cpu->id_mmfr2_el1;
	case 15: return cpu->id_mmfr3_el1;
	case 16: return cpu->id_isar0_el1;
	case 17: return cpu->id_isar1_el1;
	case 18: return cpu->id_isar2_el1;
	case 19: return cpu->id_isar3_el1;
	case 20: return cpu->id_isar4_el1;
	case 21: return cpu->id_isar5_el1;
	case 22: return cpu->id_mmfr4_el1;
	case 23: return cpu->id_isar6_el1;
	case 24: return cpu->mvfr0_el1;
	case 25: return cpu->mvfr1_el1;
	case 26: return cpu->mvfr2_el1;
	case 32: return cpu->ID_AA64PFR0_EL1;
	case 33: return cpu->ID_AA64PFR1_EL1;
	case 40: return cpu->ID_AA64DFR0_EL1;
	case 48: return cpu->ID_AA64ISAR0_EL1;
	case 49: return cpu->ID_AA64ISAR1_EL1;
	case 50: return cpu->ID_AA64ISAR2_EL1;
	case 56: return cpu->ID_AA64MMFR0_EL1;
	case 57: return cpu->ID_AA64MMFR1_EL1;
	case 58: return cpu->ID_AA64MMFR2_EL1;
	default: return 0;
	}
}

/* --- The window ----------------------------------------------------------- */

static uint64_t *window_field(uint32_t vmid, uint32_t vcpuid, uint32_t field)
{
	struct hypsec_vcpu *shared =
		el2_ptr(pa_to_el2_va(get_shared_vcpu(vmid, vcpuid)));

	switch (field) {
	case WINDOW_NEW_PTE: return &shared->new_pte;
	case WINDOW_NEW_LEVEL: return &shared->new_level;
	case WINDOW_ANSWER: return &shared->answer;
	case WINDOW_HCR: return &shared->hcr;
	case WINDOW_ESR: return &shared->esr;
	case WINDOW_FAULT_IPA: return &shared->fault_ipa;
	case WINDOW_DEADLINE: return &shared->deadline;
	default: return &shared->regs[field];
	}
}

uint64_t fw_window(uint32_t vmid, uint32_t vcpuid, uint32_t field)
{
	return *window_field(vmid, vcpuid, field);
}

void fw_set_window(uint32_t vmid, uint32_t vcpuid, uint32_t field,
		   uint64_t value)
{
	*window_field(vmid, vcpuid, field) = value;
}

/* --- The CPU -------------------------------------------------------------- */

struct reg {
	const char *name;
	size_t offset;
};

#define REG(name) { #name, offsetof(struct native_cpu, name) },
static const struct reg sysregs[] = { NATIVE_SYSREGS(REG) };

static uint64_t value_of(const struct native_cpu *cpu, const struct reg *reg)
{
	return *(const uint64_t *)((const char *)cpu + reg->offset);
}

void fw_start_worlds(uint32_t chunks)
{
	bool one = chunks != FW_PLAIN_CHUNKS && chunks != FW_OTHER_CHUNKS;
	bool other = chunks != FW_PLAIN_CHUNKS && chunks != FW_HALF_CHUNKS;

	this_cpu()->features = (struct cpu_features){
		.pan = one, .mte = one, .ras = one, .sve = one, .pmu = one,
		.trf = one,
		.ssbs = other, .nmi = other, .amu = other, .sme = other,
		.fgt = other, .hcx = other, .spe = other,
	};
	/* Something in all that the host has. */
	for (size_t i = 0; i < ARRAY_SIZE(sysregs); i++) {
		*(uint64_t *)((char *)&native_cpu + sysregs[i].offset) =
			UINT64_C(0x4057) << 40 | i * UINT64_C(0x1111);
	}
	for (size_t i = 0; i < ARRAY_SIZE(native_cpu.z); i++) {
		native_cpu.fp.q[i][0] = UINT64_C(0x4057f) << 40 | i;
		native_cpu.fp.q[i][1] = UINT64_C(0x4057e) << 40 | i;
		native_cpu.z[i] = one ? UINT64_C(0x4057d) << 40 | i : 0;
		native_cpu.p[i % 16] = UINT64_C(0x4057c) << 40 | i;
	}
	native_cpu.ffr = UINT64_C(0x4057b) << 40;
	native_cpu.actlr_el1 = FW_ACTLR;
	/* Each field of an ID register has another value. */
	native_cpu.ID_AA64PFR0_EL1 = UINT64_C(0x1201123311111112);
	native_cpu.ID_AA64PFR1_EL1 = UINT64_C(0x0000001101111121);
	native_cpu.ID_AA64DFR0_EL1 = UINT64_C(0x0000111110305009);
	native_cpu.ID_AA64ISAR1_EL1 = UINT64_C(0x1123456789abcdef);
	native_cpu.ID_AA64MMFR0_EL1 = UINT64_C(0x2123456789abcde6);
	native_cpu.ID_AA64MMFR1_EL1 = UINT64_C(0x3123456789abcde7);
	native_cpu.ID_AA64MMFR2_EL1 = UINT64_C(0x4123456789abcde8);
	/* EL2's own, as boot leaves them. */
	native_cpu.vbar_el2 = vectors_host();
	native_cpu.hcr_el2 = 0x80080021;
	native_cpu.cptr_el2 = 0x22ff;
	native_cpu.mdcr_el2 = 6 | BIT(17) | MDCR_E2PB_EL1 | MDCR_E2TB_EL1;
	native_cpu.cnthctl_el2 = 3;
	native_cpu.cntvoff_el2 = 0;
	native_cpu.cntv_ctl_el0 = 0;
	native_cpu.cntv_cval_el0 = 0;
	native_cpu.SVCR = 0;
	world_init();
}

/* --- A VM that does what a script says ------------------------------------ */

static struct script *script;
static uint32_t next_call;
static char wrong[300];
/* The next entry only brings the FP registers; what it must leave alone. */
static bool fp_has_trapped;
static struct view at_fp_trap;

static void PRINTF_LIKE(1, 2) say_wrong(const char *fmt, ...)
{
	va_list ap;

	if (wrong[0] == '\0') {
		va_start(ap, fmt);
		vsnprintf(wrong, sizeof(wrong), fmt, ap);
		va_end(ap);
	}
}

#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			say_wrong("%s: not so: %s", world, #condition); \
		} \
	} while (0)

/* I21, and I26 and I28. The bits are those of A.10. */
static void check_vm_entry(const struct shadow_ctxt *ctxt)
{
	const char *world = "I21: entry to a VM";
	const struct native_cpu *cpu = &native_cpu;
	vmid_t vmid = this_cpu()->cur_vmid;
	uint32_t vcpuid = this_cpu()->cur_vcpuid;
	uint64_t mode = cpu->spsr_el2 & 0x1f;
	const struct cpu_features *features = &this_cpu()->features;

	EXPECT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	EXPECT(ctxt == shadow_ctxt_get(vmid, vcpuid));
	EXPECT(ctxt == this_cpu()->ctxt);
	EXPECT(lock_none_is_held());
	EXPECT(vm_infos[vmid].state == VERIFIED);
	EXPECT(vm_infos[vmid].vcpu[vcpuid].state == ACTIVE);
	EXPECT(vm_infos[vmid].vcpu[vcpuid].power == VCPU_ON);
	EXPECT(cpu->vttbr == (pt_pool_root(vmid) | (uint64_t)vmid << 48));
	/* TID3 and, with RAS, TERR besides the specification's. */
	EXPECT((cpu->hcr_el2 & ~UINT64_C(0xc0)) ==
	       (UINT64_C(0x88078663b) | BIT(18) | (features->ras ? BIT(36) : 0)));
	EXPECT((cpu->mdcr_el2 & 0x4f60) == 0x4f60);
	EXPECT((cpu->mdcr_el2 & (MDCR_E2PB_EL1 | MDCR_E2TB_EL1)) == 0);
	/* TZ, TSM, TTA always, TAM with AMU, TFP until it has used FP. */
	EXPECT((cpu->cptr_el2 & (BIT(8) | BIT(12) | BIT(20))) ==
	       (BIT(8) | BIT(12) | BIT(20)));
	EXPECT(((cpu->cptr_el2 & BIT(30)) != 0) == features->amu);
	EXPECT(((cpu->cptr_el2 & BIT(10)) == 0) == this_cpu()->fp_is_vms);
	EXPECT((cpu->cnthctl_el2 & 3) == 1);
	EXPECT(cpu->cntvoff_el2 == vm_infos[vmid].cntvoff);
	EXPECT(cpu->vmpidr_el2 == (UINT64_C(0x80000000) | vcpuid));
	EXPECT(cpu->mdscr_el1 == 0);
	EXPECT(!features->pmu || (cpu->pmcr_el0 & 1) == 0);
	EXPECT(!features->spe || cpu->PMSCR_EL1 == 0);
	EXPECT(!features->trf || cpu->TRFCR_EL1 == 0);
	EXPECT(!features->ras || cpu->VDISR_EL2 == 0);
	EXPECT(mode == 0 || mode == 4 || mode == 5 ||
	       (mode & 0x1f) == 0x10);
}

static bool fp_is_loaded(void)
{
	return (native_cpu.cptr_el2 & BIT(10)) == 0;
}

static void note(const struct shadow_ctxt *ctxt, struct view *view)
{
	memset(view, 0, sizeof(*view));
	for (uint32_t i = 0; i < NR_INDICES; i++) {
		const uint64_t *reg = cpu_register(i);

		view->reg[i] = i <= X30 ? ctxt->regs[i] :
			       i == PC ? native_cpu.elr_el2 :
			       i == PSTATE ? native_cpu.spsr_el2 :
			       reg != NULL ? *reg : 0;
	}
	view->has_fp = fp_is_loaded();
	for (uint32_t i = VIEW_FP; view->has_fp && i < NR_VIEW; i++) {
		view->reg[i] = *fp_register(&native_cpu.fp, i);
	}
}

/* To bring the FP registers changes nothing else; the entry had them. */
static void check_fp_entry(const struct shadow_ctxt *ctxt)
{
	struct view *entry = &script->entered[script->nr_entered - 1];
	struct view now;

	note(ctxt, &now);
	for (uint32_t i = 0; i < NR_INDICES; i++) {
		if (at_fp_trap.reg[i] != now.reg[i]) {
			say_wrong("register %u has changed by a trap of FP", i);
		}
	}
	if (!now.has_fp) {
		say_wrong("FP traps again");
	}
	entry->has_fp = true;
	memcpy(entry->reg + VIEW_FP, now.reg + VIEW_FP,
	       (NR_VIEW - VIEW_FP) * sizeof(now.reg[0]));
}

static void vm_sets(struct shadow_ctxt *ctxt, uint32_t reg, uint64_t value)
{
	if (reg <= X30) {
		ctxt->regs[reg] = value;
	} else if (reg == PC) {
		native_cpu.elr_el2 = value;
	} else if (reg == PSTATE) {
		native_cpu.spsr_el2 = value;
	} else if (reg >= VIEW_FP) {
		*fp_register(&native_cpu.fp, reg) = value;
	} else {
		*cpu_register(reg) = value;
	}
}

/* As hardware: a trap tells, an interrupt leaves the registers as they are. */
static uint64_t vm_exits(const uint64_t *arg)
{
	if (arg[0] == HYPSEC_EXIT_TRAP) {
		native_cpu.esr_el2 = arg[1];
		native_cpu.far_el2 = arg[2];
		native_cpu.hpfar_el2 = arg[3];
	}
	return arg[0];
}

static uint64_t vm_runs(struct shadow_ctxt *ctxt)
{
	check_vm_entry(ctxt);
	if (fp_has_trapped) {
		check_fp_entry(ctxt);
		fp_has_trapped = false;
	} else {
		note(ctxt, &script->entered[script->nr_entered++]);
	}
	while (next_call < script->nr) {
		const struct call *call = &script->calls[next_call];

		if (call->op == OP_VM_EXIT) {
			next_call++;
			return vm_exits(call->arg);
		}
		if (call->arg[0] >= VIEW_FP && !fp_is_loaded()) {
			fp_has_trapped = true;
			note(ctxt, &at_fp_trap);
			native_cpu.esr_el2 = FP_TRAP;
			return HYPSEC_EXIT_TRAP;
		}
		vm_sets(ctxt, (uint32_t)call->arg[0], call->arg[1]);
		next_call++;
	}
	return HYPSEC_EXIT_IRQ;
}

/* Registers of EL2's that no world sees, and the VMs' timer. */
static bool is_scratch(const char *name)
{
	static const char *const names[] = {
		"elr_el2", "spsr_el2", "esr_el2", "far_el2", "hpfar_el2",
		"cntv_ctl_el0", "cntv_cval_el0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* I20 and I22: the host finds everything as it was. */
static void check_host_entry(const struct native_cpu *before,
			     const struct trap_frame *frame)
{
	const char *world = "I20: back to the host";

	for (size_t i = 0; i < ARRAY_SIZE(sysregs); i++) {
		if (!is_scratch(sysregs[i].name) &&
		    value_of(before, &sysregs[i]) !=
		    value_of(&native_cpu, &sysregs[i])) {
			say_wrong("I22: %s was 0x%" PRIx64 ", is 0x%" PRIx64,
				  sysregs[i].name,
				  value_of(before, &sysregs[i]),
				  value_of(&native_cpu, &sysregs[i]));
		}
	}
	EXPECT(memcmp(&before->fp, &native_cpu.fp, sizeof(before->fp)) == 0);
	EXPECT(memcmp(before->z, native_cpu.z, sizeof(before->z)) == 0);
	EXPECT(memcmp(before->p, native_cpu.p, sizeof(before->p)) == 0);
	EXPECT(before->ffr == native_cpu.ffr);
	EXPECT(native_cpu.vttbr == pt_pool_root(HOSTVISOR));
	EXPECT(native_cpu.vbar_el2 == vectors_host());
	EXPECT(native_cpu.cntv_cval_el0 == 0 || native_cpu.vttbr == 0 ||
	       native_cpu.cntv_cval_el0 == before->cntv_cval_el0);
	EXPECT(this_cpu()->cur_vmid == HOSTVISOR);
	EXPECT(this_cpu()->cur_vcpuid == this_cpu()->index);
	EXPECT(this_cpu()->ctxt == shadow_ctxt_get(HOSTVISOR, 0));
	EXPECT(!this_cpu()->fp_is_vms);
	/* A machine error is the host's to know. */
	EXPECT(native_cpu.vserror == (frame->regs[0] == HYPSEC_EXIT_SERROR));
	EXPECT(frame->elr == HOST_PC);
	EXPECT(frame->spsr == PSTATE_FAULT_BITS_64);
}

const char *fw_vcpu_run(const struct call *call, struct script *vm_script)
{
	struct trap_frame *frame = &fw_machine.frame;
	struct native_cpu before;

	script = vm_script;
	script->nr_entered = 0;
	next_call = 0;
	fp_has_trapped = false;
	wrong[0] = '\0';
	frame->regs[0] = HYPSEC_HVC_VCPU_RUN;
	frame->regs[1] = call->arg[0];
	frame->regs[2] = call->arg[1];
	frame->esr = UINT64_C(0x5a000000);
	frame->elr = HOST_PC;
	frame->spsr = PSTATE_FAULT_BITS_64;
	native_cpu.vserror = false;
	before = native_cpu;
	native_set_vm(vm_runs);
	trap_host_sync(frame);
	native_set_vm(NULL);
	check_host_entry(&before, frame);
	/* As for every other call, until fw_do() is through. */
	this_cpu()->frame = frame;
	return wrong[0] == '\0' ? NULL : wrong;
}
