/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S0 and S1 by themselves: every branch of save_shadow_kvm_regs and
 * restore_shadow_kvm_regs, high form against low form, and where the seeds
 * part from the specification. The firmware is not here; a test whose name
 * begins with a number of facts section G pins what that number is about.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/ctxt.h"
#include "spec/ctxt_switch.h"
#include "spec/locks.h"
#include "spec/memory_ops.h"
#include "spec/npt.h"
#include "spec/trap_dispatcher.h"
#include "spec/trap_handler.h"
#include "spec/uncorrected.h"
#include "spec/uncorrected_vcpu.h"
#include "spec/vcpu_ops.h"
#include "spec/vcpu_ops_aux.h"
#include "spec/vm_idregs.h"
#include "spec/world.h"

#define RAM_PAGES	UINT64_C(1024)
#define RAM_PFN		UINT64_C(0x40000)
#define PA		((RAM_PFN + 16) * PAGE_SIZE)
#define VM		1u
#define VCPU		2u
#define ENTRY		UINT64_C(0x40200000)
#define GUEST_PC	UINT64_C(0xffff800010001000)
#define GUEST_PSTATE	UINT64_C(0x80000005)	/* EL1h, N */
#define DEVICE		UINT64_C(0x09000000)
#define HPFAR(ipa)	((ipa) >> 12 << 4)
#define ROUNDS		2000

static struct rdata adt;
static struct rdata other;
static bool failed;

static uint64_t untrusted[64];

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			printf("# line %d: %s\n", __LINE__, #condition); \
			failed = true; \
		} \
	} while (0)

/* Numbers of one sequence for all runs. */
static uint64_t random_state;

static uint64_t random_word(void)
{
	uint8_t bytes[8];
	uint64_t word;

	random_bytes(++random_state, bytes, sizeof(bytes));
	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* VM 1 runs: its vCPU 2 is ACTIVE here. */
static void start(void)
{
	struct board board = {
		.regions = { { RAM_PFN * PAGE_SIZE, RAM_PAGES * PAGE_SIZE } },
		.nr_regions = 1,
		.actlr_el1 = 0xac71,
	};
	uint32_t vmid;

	empty_adt(&board, 4, &adt);
	disclosed_coq.nr = 0;
	for (size_t i = 0; i < sizeof(untrusted) / sizeof(untrusted[0]); i++) {
		untrusted[i] = UINT64_C(0x4057000000000000) + i;
	}
	adt.doracle = (struct oracle){ untrusted, 64, 0 };
	adt.core_doracle = (struct oracle){ untrusted, 0, 0 };
	CHECK(register_kvm_spec(&adt, &vmid) == SOME && vmid == VM);
	CHECK(register_vcpu_spec(VM, VCPU, &adt) == SOME);
	adt.vms[VM].state = VERIFIED;
	adt.vms[VM].vcpu[VCPU] = ACTIVE;
	adt.vms[VM].boot[VCPU].power = VCPU_ON;
	adt.cur_vmid = VM;
	adt.cur_vcpuid = VCPU;
}

static struct shadow_ctxt *ctxt(void)
{
	return &adt.shadow_ctxts[VM][VCPU];
}

static struct int_vcpu *window(void)
{
	return &adt.int_vcpus[VM][VCPU];
}

/* Every register of the vCPU is different, and it is in its kernel. */
static void fill_ctxt(void)
{
	for (uint32_t i = 0; i < NUM_GPRS; i++) {
		ctxt()->ctxt_regs.x[i] = UINT64_C(0x5ec2e70000000000) | i;
	}
	ctxt()->ctxt_regs.sys[VBAR_EL1 - MPIDR_EL1] =
		UINT64_C(0xffff800010002000);
	ctxt()->ctxt_regs.far_el2 = UINT64_C(0xffff800020000ac8);
	ctxt()->ctxt_states = (struct ctxt_states){
		.pc = GUEST_PC, .pstate = GUEST_PSTATE,
	};
}

/* It has trapped. */
static void trapped(uint64_t esr, uint64_t ipa)
{
	fill_ctxt();
	ctxt()->ctxt_regs.ec = ARM_EXCEPTION_TRAP;
	ctxt()->ctxt_regs.esr_el2 = esr;
	ctxt()->ctxt_regs.hpfar_el2 = HPFAR(ipa);
}

#define CLASS(class)	((uint64_t)(class) << ESR_ELx_EC_SHIFT)
#define ESR(class, iss)	(CLASS(class) | ESR_IL | (iss))
#define LOAD_X5		ESR(ESR_ELx_EC_DABT_LOW, 0x1c58046 & ~UINT64_C(0x40))
#define STORE_X5	ESR(ESR_ELx_EC_DABT_LOW, 0x1c58046)
#define FETCH		ESR(ESR_ELx_EC_IABT_LOW, 6)
#define HVC		ESR(ESR_ELx_EC_HVC64, 0)

/* The same from the same state by another function; then both are there. */
static enum option by(enum option (*step)(struct rdata *adt))
{
	rdata_copy(&other, &adt);
	return step(&other);
}

static struct shadow_ctxt *other_ctxt(void)
{
	return &other.shadow_ctxts[VM][VCPU];
}

/* --- S1: every branch of the high form, as it is -------------------------- */

static void seed_save_nothing_to_do(void)
{
	trapped(HVC, 0);
	ctxt()->ctxt_regs.ec = ARM_EXCEPTION_INTERRUPT;
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 0 && disclosed_coq.nr == 0);
	adt.halt = true;
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	adt.halt = false;
	adt.cur_vmid = COREVISOR;
	CHECK(by(save_shadow_kvm_regs_coq) == STUCK);
	CHECK(by(save_shadow_kvm_regs_coq0) == STUCK);
	CHECK(by(restore_shadow_kvm_regs_coq) == STUCK);
	CHECK(by(restore_shadow_kvm_regs_coq0) == STUCK);
}

static void seed_save_wfx(void)
{
	trapped(ESR(ESR_ELx_EC_WFx, 0), 0);
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == DIRTY_PC_FLAG);
}

static void seed_save_hvc(void)
{
	static const struct {
		uint64_t fn;
		uint32_t shown;
	} calls[] = {
		{ PSCI_0_2_FN64_CPU_ON, 3 },
		{ PSCI_0_2_FN_AFFINITY_INFO, 2 },
		{ PSCI_0_2_FN64_AFFINITY_INFO_COQ, 2 },
		{ PSCI_0_2_FN_SYSTEM_OFF, 0 },
		{ 0x84000000, 0 },
	};
	static const uint64_t classes[] = {
		ESR_ELx_EC_HVC32, ESR_ELx_EC_HVC64,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		disclosed_coq.nr = 0;
		trapped(ESR(classes[i % 2], 0), 0);
		ctxt()->ctxt_regs.x[0] = UINT64_C(0xbad00000000) | calls[i].fn;
		CHECK(by(save_shadow_kvm_regs_coq) == SOME);
		CHECK(other_ctxt()->ctxt_states.dirty == 1);
		CHECK(disclosed_coq.nr == calls[i].shown);
		CHECK(other.vms[VM].state ==
		      (calls[i].fn == PSCI_0_2_FN_SYSTEM_OFF ? POWEROFF :
							       VERIFIED));
		CHECK(lock_all_free(&other));
	}
	/* LockFalse or nothing. */
	ctxt()->ctxt_regs.x[0] = PSCI_0_2_FN_SYSTEM_OFF;
	CHECK(acquire_lock_vm_spec(VM, &adt) == SOME);
	CHECK(by(save_shadow_kvm_regs_coq) == STUCK);
}

static void seed_save_abort(void)
{
	trapped(LOAD_X5, DEVICE);
	untrusted[VM] = LOAD_X5;
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 1 << 5);
	untrusted[VM] = STORE_X5;
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == DIRTY_PC_FLAG);
	CHECK(disclosed_coq.nr == 1 && disclosed_coq.at[0].reg == 5 &&
	      disclosed_coq.at[0].value == ctxt()->ctxt_regs.x[5]);
	/* A table walk counts as a store. */
	untrusted[VM] = LOAD_X5 | ESR_ELx_S1PTW;
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == DIRTY_PC_FLAG);
	trapped(FETCH, MAX_MMIO_ADDR);
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 0);
	ctxt()->ctxt_regs.hpfar_el2 = UINT64_MAX;
	CHECK(by(save_shadow_kvm_regs_coq) == NONE_INVAL);
	CHECK(by(save_shadow_kvm_regs_coq0) == NONE_INVAL);
}

static void seed_save_else_halts(void)
{
	trapped(ESR(0x3c, 0), 0);
	CHECK(by(save_shadow_kvm_regs_coq) == SOME && other.halt);
	CHECK(by(save_shadow_kvm_regs_coq0) == SOME && other.halt);
}

static void seed_first_run(void)
{
	fill_ctxt();
	ctxt()->ctxt_states.dirty = INVALID64;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME && other.halt);
	CHECK(other.data_log[VM] == 1);
	adt.vms[VM].load[0] = (struct load_info){ ENTRY, PAGE_SIZE, 1 };
	adt.vms[VM].next_load_idx = 1;
	untrusted[VM] = ENTRY + 8;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME && !other.halt);
	CHECK(other_ctxt()->ctxt_states.pc == ENTRY + 8);
	CHECK(other_ctxt()->ctxt_states.pstate == untrusted[VM + 1]);
	CHECK(other_ctxt()->ctxt_states.dirty == 0);
	CHECK(other_ctxt()->ctxt_regs.x[0] == 0);
	CHECK(lock_all_free(&other));
	untrusted[VM] = ENTRY + PAGE_SIZE;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME && other.halt);
	adt.vms[VM].next_load_idx = MAX_LOAD_INFO_NUM + 1;
	CHECK(by(restore_shadow_kvm_regs_coq) == STUCK);
	adt.vms[VM].next_load_idx = 1;
	CHECK(acquire_lock_vm_spec(VM, &adt) == SOME);
	CHECK(by(restore_shadow_kvm_regs_coq) == STUCK);
}

static void seed_later_run(void)
{
	trapped(HVC, 0);
	ctxt()->ctxt_states.dirty = 1 << 3;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[3] == untrusted[VM]);
	CHECK(other_ctxt()->ctxt_states.pc == GUEST_PC);
	CHECK(other_ctxt()->ctxt_states.dirty == 0);
	CHECK(other_ctxt()->ctxt_regs.far_el2 == 0);
	/* Nothing is taken after an interrupt. */
	ctxt()->ctxt_regs.ec = ARM_EXCEPTION_INTERRUPT;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[3] == ctxt()->ctxt_regs.x[3]);
	ctxt()->ctxt_states.dirty = DIRTY_PC_FLAG;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc == GUEST_PC + 4);
	ctxt()->ctxt_states.dirty = PENDING_UNDEF_INJECT;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc ==
	      exception_vector_coq(GUEST_PSTATE));
	CHECK(other_ctxt()->ctxt_regs.elr_el1 == GUEST_PC);
	CHECK(other_ctxt()->ctxt_states.spsr_0 == GUEST_PSTATE);
	CHECK(other_ctxt()->ctxt_states.pstate == PSTATE_FAULT_BITS_64);
}

/* Addresses that are no answer, and both levels. */
static void seed_fault(void)
{
	uint64_t answer[4] = { 0, KVM_ADDR_SPACE, 0, 0 };

	trapped(FETCH, MAX_MMIO_ADDR);
	adt.core_doracle = (struct oracle){ answer, 4, 0 };
	adt.core_data_log[VM] = 3;	/* answer[0] */
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other.core_data_log[VM] == 4);
	adt.core_data_log[VM] = 0;	/* answer[1] */
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other.core_data_log[VM] == 1);
	answer[1] = MAX_MMIO_ADDR + 5;
	answer[2] = PA;
	answer[3] = 3;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME && !other.halt);
	CHECK(other.core_data_log[VM] == 3);
	CHECK(npt_get(&other.npts[VM], MAX_MMIO_ADDR >> 12).level == 3);
	answer[2] = RAM_PFN * PAGE_SIZE;
	answer[3] = 2;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME && !other.halt);
	CHECK(npt_get(&other.npts[VM], MAX_MMIO_ADDR >> 12).level == 2);
	answer[2] = 0;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME && other.halt);
}

/* --- S1: high form and low form ------------------------------------------- */

static const uint64_t classes[] = {
	ESR_ELx_EC_WFx, ESR_ELx_EC_HVC32, ESR_ELx_EC_HVC64,
	ESR_ELx_EC_IABT_LOW, ESR_ELx_EC_DABT_LOW, 0x3c,
};

static const uint64_t functions[] = {
	PSCI_0_2_FN64_CPU_ON, PSCI_0_2_FN_AFFINITY_INFO, PSCI_0_2_FN_CPU_ON,
	PSCI_0_2_FN_SYSTEM_OFF, PSCI_0_2_FN64_AFFINITY_INFO_COQ, 0x84000000,
	PSCI_0_2_FN_CPU_OFF, PSCI_0_2_FN_CPU_SUSPEND, PSCI_1_0_FN_FEATURES,
	PSCI_0_2_FN_SYSTEM_RESET, PSCI_1_1_FN64_SYSTEM_RESET2,
	PSCI_0_2_FN64_AFFINITY_INFO,
};

#define PICK(array) \
	((array)[random_word() % (sizeof(array) / sizeof((array)[0]))])

/* A vCPU that has run, at an exit of some class. */
static void random_exit(void)
{
	static const uint64_t dirty[] = {
		0, 0, DIRTY_PC_FLAG, PENDING_UNDEF_INJECT, PENDING_DABT_INJECT,
		PENDING_IABT_INJECT, 1, 1 << 30, 1 << 7,
	};
	uint64_t ipa = random_word() % 3 == 0 ? MAX_MMIO_ADDR : DEVICE;

	trapped(ESR(PICK(classes), random_word() & ESR_ISS), ipa);
	for (uint32_t i = 0; i < NUM_GPRS; i++) {
		ctxt()->ctxt_regs.x[i] = random_word();
	}
	ctxt()->ctxt_regs.x[0] = PICK(functions);
	ctxt()->ctxt_regs.x[1] = random_word() % 10;
	ctxt()->ctxt_states.pc = random_word() & (KVM_ADDR_SPACE - 8);
	ctxt()->ctxt_states.pstate = random_word() & 0x1f;
	ctxt()->ctxt_states.dirty = PICK(dirty);
	if (random_word() % 4 == 0) {
		ctxt()->ctxt_regs.ec = ARM_EXCEPTION_INTERRUPT;
	}
	for (size_t i = 0; i < sizeof(untrusted) / sizeof(untrusted[0]); i++) {
		untrusted[i] = random_word() & ESR_ISS;
	}
}

static struct rdata third;

static bool same_contexts(const struct rdata *a, const struct rdata *b)
{
	return memcmp(a->shadow_ctxts[VM], b->shadow_ctxts[VM],
		      sizeof(a->shadow_ctxts[VM])) == 0 &&
	       memcmp(a->int_vcpus[VM], b->int_vcpus[VM],
		      sizeof(a->int_vcpus[VM])) == 0 &&
	       memcmp(&a->vms[VM], &b->vms[VM], sizeof(a->vms[VM])) == 0 &&
	       a->halt == b->halt &&
	       a->npts[VM].nr_runs == b->npts[VM].nr_runs &&
	       memcmp(a->npts[VM].runs, b->npts[VM].runs,
		      a->npts[VM].nr_runs * sizeof(a->npts[VM].runs[0])) == 0;
}

/* Both forms from one state: in other and third. */
static bool forms_agree(enum option (*high)(struct rdata *adt),
			enum option (*low)(struct rdata *adt))
{
	enum option done = by(high);

	rdata_copy(&third, &adt);
	return low(&third) == done &&
	       (done != SOME || same_contexts(&other, &third));
}

static void seed_forms_of_save(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		random_exit();
		CHECK(forms_agree(save_shadow_kvm_regs_coq,
				  save_shadow_kvm_regs_coq0));
	}
	/* Only the low form notes that it has read the syndrome. */
	trapped(LOAD_X5, DEVICE);
	CHECK(forms_agree(save_shadow_kvm_regs_coq,
			  save_shadow_kvm_regs_coq0));
	CHECK(other.data_log[VM] == 0 && third.data_log[VM] == 1);
}

static void seed_forms_of_restore(void)
{
	uint64_t answer[] = { 1, 0, MAX_MMIO_ADDR, PA, 3, KVM_ADDR_SPACE };

	adt.core_doracle = (struct oracle){ answer, 6, 0 };
	for (int i = 0; i < ROUNDS; i++) {
		random_exit();
		adt.core_data_log[VM] = random_word() % 6;
		CHECK(forms_agree(restore_shadow_kvm_regs_coq,
				  restore_shadow_kvm_regs_coq0));
		CHECK(other.data_log[VM] == third.data_log[VM] &&
		      other.core_data_log[VM] == third.core_data_log[VM]);
	}
	adt.vms[VM].load[0] = (struct load_info){ ENTRY, PAGE_SIZE, 1 };
	adt.vms[VM].next_load_idx = 1;
	for (uint64_t offset = 0; offset <= PAGE_SIZE; offset += PAGE_SIZE) {
		untrusted[VM] = ENTRY + offset;
		ctxt()->ctxt_states.dirty = INVALID64;
		CHECK(forms_agree(restore_shadow_kvm_regs_coq,
				  restore_shadow_kvm_regs_coq0));
		CHECK(other.data_log[VM] == third.data_log[VM]);
	}
}

/* C.6: all from one place of the log, or only the last one. */
static void seed_forms_differ_in_several_registers(void)
{
	trapped(HVC, 0);
	ctxt()->ctxt_states.dirty = 1 << 3 | 1 << 4;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[3] == untrusted[VM] &&
	      other_ctxt()->ctxt_regs.x[4] == untrusted[VM]);
	CHECK(by(restore_shadow_kvm_regs_coq0) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[3] == ctxt()->ctxt_regs.x[3] &&
	      other_ctxt()->ctxt_regs.x[4] == untrusted[VM]);
	window()->regs[3] = 33;
	window()->regs[4] = 44;
	CHECK(by(restore_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[3] == 33 &&
	      other_ctxt()->ctxt_regs.x[4] == 44);
}

/* --- The corrected forms -------------------------------------------------- */

/* What the host may have written into the window. */
static void random_window(void)
{
	static const uint64_t ptes[] = {
		0, PA, PA + PAGE_SIZE, RAM_PFN * PAGE_SIZE, 1, UINT64_MAX,
		UINT64_C(0x8000000000),
	};

	for (uint32_t i = 0; i < NUM_GPRS; i++) {
		window()->regs[i] = random_word();
	}
	window()->new_pte = PICK(ptes);
	window()->new_level = random_word() % 5;
	window()->answer = random_word() % 3;
	window()->released = (uint32_t)random_word() & 0x7fffffff;
}

/* Random exits that may come to the host, by the dispatcher's rules. */
static void random_host_exit(void)
{
	static const uint64_t to_host[] = {
		ESR_ELx_EC_WFx, ESR_ELx_EC_HVC32, ESR_ELx_EC_HVC64,
		ESR_ELx_EC_SMC64, ESR_ELx_EC_IABT_LOW, ESR_ELx_EC_DABT_LOW,
		ESR_ELx_EC_SYS64,
	};

	random_exit();
	random_window();
	ctxt()->ctxt_regs.esr_el2 = ESR(PICK(to_host),
					random_word() & ESR_ISS);
	adt.vms[VM].cntvoff = random_word();
	for (uint32_t i = CNTV_CTL_EL0; i <= CNTV_CVAL_EL0; i++) {
		set_shadow_ctxt_specx(i, random_word(), &ctxt()->ctxt_regs,
				      &ctxt()->ctxt_states);
	}
}

static void forms_of_save_are_one(void)
{
	CHECK(register_kvm_spec(&adt, &(uint32_t){ 0 }) == SOME);
	adt.vms[VM].vcpu[5] = READY;
	adt.vms[VM].vcpu[6] = READY;
	adt.vms[VM].boot[6].power = VCPU_ON;
	for (int i = 0; i < ROUNDS; i++) {
		random_host_exit();
		CHECK(forms_agree(save_shadow_kvm_regs_spec,
				  save_shadow_kvm_regs_spec0));
		CHECK(lock_all_free(&other) && lock_all_free(&third));
	}
}

static void forms_of_restore_are_one(void)
{
	CHECK(prot_and_map_vm_s2pt_spec(VM, MAX_MMIO_ADDR + PAGE_SIZE,
					PA + PAGE_SIZE, 3, &adt) == SOME);
	for (int i = 0; i < ROUNDS; i++) {
		random_host_exit();
		ctxt()->ctxt_states.flags = random_word() & 2;
		ctxt()->ctxt_regs.hpfar_el2 =
			HPFAR(MAX_MMIO_ADDR + random_word() % 3 * PAGE_SIZE);
		if (random_word() % 8 == 0) {
			ctxt()->ctxt_states.dirty = INVALID64;
			adt.vms[VM].boot[VCPU].entry = random_word();
			adt.vms[VM].boot[VCPU].context = random_word();
		}
		CHECK(forms_agree(restore_shadow_kvm_regs_spec,
				  restore_shadow_kvm_regs_spec0));
		CHECK(third.halt || other.halt ||
		      lock_all_free(&other) == lock_all_free(&third));
	}
}

/* What is pinned has to be found where the VM's registers come out. */
static uint64_t shown(uint32_t reg)
{
	return other.int_vcpus[VM][VCPU].regs[reg];
}

/* --- Pins ----------------------------------------------------------------- */

static void g41_host_chooses_where_a_vcpu_starts(void)
{
	fill_ctxt();
	ctxt()->ctxt_states.dirty = INVALID64;
	adt.vms[VM].load[0] = (struct load_info){ ENTRY, PAGE_SIZE, 1 };
	adt.vms[VM].next_load_idx = 1;
	adt.vms[VM].boot[VCPU].entry = ENTRY;
	adt.vms[VM].boot[VCPU].context = 0xc0;
	untrusted[VM] = ENTRY + 0x804;
	untrusted[VM + 1] = 0x3c9;	/* EL2h */
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc == ENTRY + 0x804 &&
	      other_ctxt()->ctxt_states.pstate == 0x3c9);
	CHECK(by(restore_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc == ENTRY &&
	      other_ctxt()->ctxt_states.pstate == 0x3c5 &&
	      other_ctxt()->ctxt_regs.x[0] == 0xc0);
	/* And a vCPU that nobody has turned on does not start. */
	adt.vms[VM].boot[VCPU].power = VCPU_OFF;
	adt.vms[VM].vcpu[VCPU] = READY;
	rdata_copy(&other, &adt);
	CHECK(set_vcpu_active_spec(VM, VCPU, &other) == NONE_BUSY);
	rdata_copy(&other, &adt);
	CHECK(set_vcpu_active_coq(VM, VCPU, &other) == SOME && !other.halt);
}

static void g42_register_vcpu_by_or(void)
{
	adt.vms[VM].vcpu[VCPU] = READY;
	rdata_copy(&other, &adt);
	CHECK(register_vcpu_spec(VM, 3, &other) == SOME && other.halt);
	rdata_copy(&other, &adt);
	CHECK(register_vcpu_c(VM, 3, &other) == SOME && !other.halt);
	CHECK(other.vms[VM].vcpu[3] == READY);
	/* A vCPU that has run starts anew. */
	adt.vms[VM].state = READY;
	rdata_copy(&other, &adt);
	CHECK(register_vcpu_spec(VM, VCPU, &other) == NONE_BUSY);
	rdata_copy(&other, &adt);
	CHECK(register_vcpu_c(VM, VCPU, &other) == SOME && !other.halt);
	CHECK(other_ctxt()->ctxt_states.dirty == INVALID64);
}

static void g44_syndrome_of_the_host(void)
{
	trapped(STORE_X5, DEVICE);
	/* While the VM stores x5 the host claims a load of x30. */
	untrusted[VM] = ESR(ESR_ELx_EC_DABT_LOW, 0x1de8006);
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 1 << 30);
	/* Or a store of x7. */
	untrusted[VM] = ESR(ESR_ELx_EC_DABT_LOW, 0x1c78046);
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(disclosed_coq.at[0].reg == 7 &&
	      disclosed_coq.at[0].value == ctxt()->ctxt_regs.x[7]);
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == DIRTY_PC_FLAG);
	CHECK(shown(5) == ctxt()->ctxt_regs.x[5] && shown(7) == 0);
}

static void g45_register_31(void)
{
	uint64_t esr = ESR(ESR_ELx_EC_DABT_LOW, 0x1df8006);

	ctxt()->ctxt_regs.sp_el0 = 0x5ac;
	trapped(esr, DEVICE);
	CHECK(by(save_shadow_kvm_regs_c) == SOME);
	CHECK((other_ctxt()->ctxt_states.dirty &
	       PENDING_EXCEPT_INJECT_FLAG) == PENDING_EXCEPT_INJECT_FLAG);
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == DIRTY_PC_FLAG);
	trapped(esr | ESR_ELx_WNR, DEVICE);
	ctxt()->ctxt_regs.sp_el0 = 0x5ac;
	disclosed_coq.nr = 0;
	CHECK(by(save_shadow_kvm_regs_c) == SOME);
	CHECK(disclosed_coq.nr == 1 && disclosed_coq.at[0].value == 0x5ac);
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	CHECK(other.int_vcpus[VM][VCPU].released == 0);
}

static void g46_size_of_an_access(void)
{
	/* LDRSB w5: one byte, sign-extended to 32 bits. */
	uint64_t esr = ESR(ESR_ELx_EC_DABT_LOW, 0x1250006);

	trapped(esr, DEVICE);
	untrusted[VM] = window()->regs[5] = UINT64_C(0x1234567890abcd80);
	ctxt()->ctxt_states.dirty = 1 << 5 | DIRTY_PC_FLAG;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[5] == UINT64_C(0x1234567890abcd80));
	CHECK(by(restore_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[5] == UINT64_C(0xffffff80));
	CHECK(mmio_load_value(0x80, esr | ESR_SF) ==
	      UINT64_C(0xffffffffffffff80));
	CHECK(mmio_load_value(0x1ff, esr & ~ESR_SSE) == 0xff);
	CHECK(mmio_store_value(UINT64_MAX, esr) == 0xff);
	CHECK(mmio_store_value(UINT64_MAX, STORE_X5) == UINT64_MAX);
}

static void g47_load_forgets_the_pc(void)
{
	trapped(LOAD_X5, DEVICE);
	untrusted[VM] = LOAD_X5;
	CHECK(by(save_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 1 << 5);
	CHECK(by(save_shadow_kvm_regs_coq0) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 1 << 5);
	CHECK(by(save_shadow_kvm_regs_c) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == (DIRTY_PC_FLAG | 1 << 5));
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == (DIRTY_PC_FLAG | 1 << 5));
	/* x0 comes back after every call, which the C gets wrong. */
	trapped(HVC, 0);
	ctxt()->ctxt_regs.x[0] = 0x84000000;
	CHECK(by(save_shadow_kvm_regs_c) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 0);
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == 1);
}

static void g48_injection_and_the_next_pc(void)
{
	trapped(HVC, 0);
	ctxt()->ctxt_states.dirty = PENDING_UNDEF_INJECT | DIRTY_PC_FLAG;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc ==
	      exception_vector_coq(GUEST_PSTATE) + 4);
	CHECK(other_ctxt()->ctxt_states.pstate == GUEST_PSTATE &&
	      other_ctxt()->ctxt_states.spsr_0 == 0);
	ctxt()->ctxt_states.pc = 0x1000;
	CHECK(by(restore_shadow_kvm_regs_coq0) == SOME);
	CHECK(other_ctxt()->ctxt_states.pstate == PSTATE_FAULT_BITS_64 &&
	      other_ctxt()->ctxt_states.spsr_0 == GUEST_PSTATE);
	CHECK(by(restore_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc == UINT64_C(0xffff800010002200));
	CHECK(other_ctxt()->ctxt_states.pstate ==
	      (PSTATE_FAULT_BITS_64 | UINT64_C(0x80000000)));
	CHECK(other_ctxt()->ctxt_regs.elr_el1 == 0x1004);
	/* The low form is stuck for the kernel's addresses. */
	ctxt()->ctxt_states.dirty = DIRTY_PC_FLAG;
	ctxt()->ctxt_states.pc = GUEST_PC;
	CHECK(by(restore_shadow_kvm_regs_coq0) == NONE_INVAL);
	CHECK(by(restore_shadow_kvm_regs_spec0) == SOME);
}

static void g49_exception_as_the_architecture_has_it(void)
{
	static const struct {
		uint64_t pstate;
		uint64_t offset;
	} from[] = {
		{ 0x4, 0 }, { 0x5, 0x200 }, { 0, 0x400 }, { 0x10, 0x600 },
	};

	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		trapped(HVC, 0);
		ctxt()->ctxt_states.pstate = from[i].pstate;
		ctxt()->ctxt_states.dirty = PENDING_UNDEF_INJECT;
		CHECK(by(restore_shadow_kvm_regs_spec) == SOME);
		CHECK(other_ctxt()->ctxt_states.pc ==
		      UINT64_C(0xffff800010002000) + from[i].offset);
		CHECK(other_ctxt()->ctxt_regs.spsr_el1 == from[i].pstate);
		CHECK(other_ctxt()->ctxt_states.esr_el1 == ESR_IL);
		CHECK(other_ctxt()->ctxt_regs.x[8] == ctxt()->ctxt_regs.x[8]);
		CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
		CHECK(other_ctxt()->ctxt_states.esr_el1 == 0);
		CHECK(other_ctxt()->ctxt_regs.spsr_el1 == 0);
	}
	/* The C writes to x8 and ACTLR_EL1, and leaves no mode. */
	CHECK(by(restore_shadow_kvm_regs_c) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[8] == 0x10);
	CHECK(other_ctxt()->ctxt_states.pstate == 11);
	CHECK(other_ctxt()->ctxt_states.pc == 0);
	/* An answer of "nothing is there", by the rules for PAN and SSBS. */
	trapped(LOAD_X5 & ~ESR_IL, DEVICE);
	adt.board.pan = adt.board.ssbs = true;
	ctxt()->ctxt_regs.sys[SCTLR_EL1 - MPIDR_EL1] = SCTLR_DSSBS;
	window()->answer = ANSWER_ABORT_VM;
	CHECK(by(restore_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.pstate ==
	      (PSTATE_FAULT_BITS_64 | UINT64_C(0x80000000) | PSTATE_PAN |
	       PSTATE_SSBS));
	CHECK(other_ctxt()->ctxt_states.esr_el1 == 0x96000010);
	CHECK(other_ctxt()->ctxt_regs.sys[FAR_EL1 - MPIDR_EL1] ==
	      ctxt()->ctxt_regs.far_el2);
	CHECK(other_ctxt()->ctxt_regs.x[5] == ctxt()->ctxt_regs.x[5]);
}

static void g50_reset_of_the_wrong_registers(void)
{
	fill_ctxt();
	ctxt()->ctxt_states.dirty = INVALID64;
	ctxt()->ctxt_regs.sys[SCTLR_EL1 - MPIDR_EL1] = 0xbad;
	adt.vms[VM].load[0] = (struct load_info){ ENTRY, PAGE_SIZE, 1 };
	adt.vms[VM].next_load_idx = 1;
	untrusted[VM] = ENTRY;
	CHECK(by(restore_shadow_kvm_regs_coq) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[1] == reg_desc_coq(1) &&
	      other_ctxt()->ctxt_regs.x[24] == reg_desc_coq(24) &&
	      other_ctxt()->ctxt_regs.x[25] == 0);
	CHECK(other_ctxt()->ctxt_regs.sys[SCTLR_EL1 - MPIDR_EL1] == 0xbad);
	CHECK(by(restore_shadow_kvm_regs_spec) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[1] == 0);
	CHECK(other_ctxt()->ctxt_regs.sys[SCTLR_EL1 - MPIDR_EL1] ==
	      SCTLR_RESET);
	CHECK(other_ctxt()->ctxt_regs.sys[0] == (UINT64_C(0x80000000) | VCPU));
	CHECK(other_ctxt()->ctxt_regs.sys[ACTLR_EL1 - MPIDR_EL1] == 0xac71);
}

static void g51_clearing_too_much(void)
{
	fill_ctxt();
	ctxt()->ctxt_regs.fp.q[3][1] = 0xf9;
	ctxt()->ctxt_states.flags = PENDING_FSC_FAULT;
	rdata_copy(&other, &adt);
	clear_shadow_gp_regs_c(other_ctxt());
	CHECK(other_ctxt()->ctxt_regs.far_el2 == 0 &&
	      other_ctxt()->ctxt_states.flags == 0);
	rdata_copy(&other, &adt);
	CHECK(clear_shadow_gp_regs_spec(VM, VCPU, &other) == SOME);
	CHECK(other_ctxt()->ctxt_regs.x[30] == 0);
	CHECK(other_ctxt()->ctxt_regs.far_el2 == ctxt()->ctxt_regs.far_el2);
	CHECK(other_ctxt()->ctxt_states.flags == PENDING_FSC_FAULT);
	CHECK(other_ctxt()->ctxt_regs.fp.q[3][1] == 0xf9);
	CHECK(reset_fp_regs_spec(VM, VCPU, &other) == SOME);
	CHECK(other_ctxt()->ctxt_regs.fp.q[3][1] == 0);
}

static void g52_what_a_switch_forgets(void)
{
	/* The VM is at another place when it stops. */
	fill_ctxt();
	ctxt()->ctxt_regs.ec = ARM_EXCEPTION_INTERRUPT;
	adt.cstates.pc = GUEST_PC + 64;
	adt.cregs.sp_el1 = 0x5b1;
	adt.cstates.esr_el1 = 0xe5;
	CHECK(by(save_vm_coq) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc == GUEST_PC);
	CHECK(other_ctxt()->ctxt_states.esr_el1 == 0);
	CHECK(other.el2.timer_traps);
	CHECK(by(save_vm_spec) == SOME);
	CHECK(other_ctxt()->ctxt_states.pc == GUEST_PC + 64);
	CHECK(other_ctxt()->ctxt_states.esr_el1 == 0xe5);
	CHECK(!other.el2.timer_traps && !other.el2.vm_traps);
	CHECK(other.vms[VM].vcpu[VCPU] == READY);
	CHECK(get_shadow_ctxt_specx(SP_EL1, &other_ctxt()->ctxt_regs,
				    &other_ctxt()->ctxt_states) == 0x5b1);
}

static void g53_core_to_vm_that_does_nothing(void)
{
	fill_ctxt();
	CHECK(by(core_to_vm_spec) == SOME);
	CHECK(other.cstates.pc == GUEST_PC &&
	      other.cstates.pstate == GUEST_PSTATE);
	CHECK(by(core_to_vm_coq) == SOME);
	CHECK(other.cstates.pc == 0);
}

static void g58_more_than_the_host_needs(void)
{
	trapped(HVC | 0x1234 << 5, 0);
	ctxt()->ctxt_regs.x[0] = 0x84000000;
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	for (uint32_t reg = 1; reg < NUM_GPRS; reg++) {
		CHECK(shown(reg) == 0);
	}
	/* Of a fault on a page: the page and whether it was a store. */
	trapped(STORE_X5, MAX_MMIO_ADDR);
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	CHECK(other.int_vcpus[VM][VCPU].fault_ipa == MAX_MMIO_ADDR);
	CHECK(other.int_vcpus[VM][VCPU].esr ==
	      (CLASS(ESR_ELx_EC_DABT_LOW) | ESR_ELx_WNR));
	CHECK(other.int_vcpus[VM][VCPU].released == 0);
	CHECK(by(exit_populate_fault_c) == SOME);
	CHECK(other.int_vcpus[VM][VCPU].esr == adt.esr_el2);
	/* What the last exit has shown is gone. */
	trapped(STORE_X5, DEVICE);
	CHECK(save_shadow_kvm_regs_spec(&adt) == SOME);
	CHECK(window()->regs[5] == ctxt()->ctxt_regs.x[5]);
	ctxt()->ctxt_regs.ec = ARM_EXCEPTION_INTERRUPT;
	CHECK(by(save_shadow_kvm_regs_spec) == SOME);
	CHECK(shown(5) == 0 && other.int_vcpus[VM][VCPU].esr == 0 &&
	      other.int_vcpus[VM][VCPU].fault_ipa == 0);
}

static void skipped_instructions(void)
{
	static const struct {
		uint64_t esr, pstate, after, bytes;
	} steps[] = {
		/* BTYPE and SS are over in AArch64, and nothing else. */
		{ ESR_IL, 0x80200c05, 0x80000005, 4 },
		{ ESR_IL, 0x80201c00, 0x80001000, 4 },
		/* T32 of two bytes and of four, outside of an IT block. */
		{ 0, 0x30, 0x30, 2 },
		{ ESR_IL, 0x30, 0x30, 4 },
		/* IT EQ, ITT EQ, ITTT EQ, ITTTT EQ, ITTE EQ: the next one. */
		{ 0, 0x00000830, 0x00000030, 2 },
		{ 0, 0x00000430, 0x00000830, 2 },
		{ 0, 0x04000030, 0x00000430, 2 },
		{ 0, 0x02000030, 0x04000030, 2 },
		{ 0, 0x04000430, 0x00000c30, 2 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct ctxt_states states = {
			.pc = 0x1000, .pstate = steps[i].pstate,
		};

		skip_instruction(steps[i].esr, &states);
		CHECK(states.pc == 0x1000 + steps[i].bytes);
		CHECK(states.pstate == steps[i].after);
	}
}

/* The dispatcher from a trap of this syndrome: 1 if it is the host's. */
static uint32_t dispatch(uint64_t esr, uint64_t ipa)
{
	uint32_t res = 9;

	trapped(esr, ipa);
	adt.cregs = ctxt()->ctxt_regs;
	rdata_copy(&other, &adt);
	CHECK(vm_exit_dispatcher_spec(&other, &res) == SOME && !other.halt);
	return res;
}

static bool is_undefined(void)
{
	return other.cstates.esr_el1 == ESR_IL &&
	       other.cregs.elr_el1 == GUEST_PC &&
	       other_ctxt()->ctxt_states.pc == UINT64_C(0xffff800010002200);
}

static bool is_skipped(void)
{
	return other_ctxt()->ctxt_states.pc == GUEST_PC + 4 &&
	       other.cstates.esr_el1 == 0;
}

static void g55_trap_that_stops_the_machine(void)
{
	uint32_t res;

	for (uint64_t class = 0; class < 64; class++) {
		if (class == ESR_ELx_EC_HVC64 || class == ESR_ELx_EC_SYS64_COQ) {
			continue;
		}
		dispatch(ESR(class, 0), DEVICE);
		CHECK(!other.halt);
		rdata_copy(&other, &adt);
		CHECK(vm_exit_dispatcher_coq(&other, &res) == SOME &&
		      other.halt);
	}
	CHECK(dispatch(ESR(ESR_ELx_EC_WFx, 0), 0) == 1);
	CHECK(dispatch(HVC, 0) == 1);
	CHECK(dispatch(ESR(0x19, 0), 0) == 0 && is_undefined());
	/* A breakpoint of its own it gets back, as one of its kernel's. */
	CHECK(dispatch(ESR(ESR_ELx_EC_BRK64, 7), 0) == 0);
	CHECK(other.cstates.esr_el1 == ESR(ESR_ELx_EC_BRK64, 7));
	CHECK(dispatch(ESR(ESR_ELx_EC_WATCHPT_LOW, 0x22), 0) == 0);
	CHECK(other.cstates.esr_el1 == ESR(ESR_ELx_EC_WATCHPT_LOW + 1, 0x22));
	CHECK(other.cregs.sys[FAR_EL1 - MPIDR_EL1] ==
	      ctxt()->ctxt_regs.far_el2);
	CHECK(dispatch(ESR(ESR_ELx_EC_SOFTSTP_LOW, 0x22), 0) == 0);
	CHECK(other.cstates.esr_el1 == ESR(ESR_ELx_EC_SOFTSTP_LOW + 1, 0x22));
}

static void g46_abort_that_the_host_cannot_emulate(void)
{
	static const struct {
		uint64_t esr;
		uint64_t ipa;
		uint64_t seen;	/* ESR_EL1; 0: it is the host's */
	} aborts[] = {
		{ LOAD_X5, DEVICE, 0 },
		{ STORE_X5, DEVICE, 0 },
		{ LOAD_X5 & ~ESR_ISV, DEVICE, 0x96000010 },
		{ STORE_X5 & ~ESR_ISV, DEVICE, 0x96000050 },
		{ LOAD_X5 | ESR_ELx_S1PTW, DEVICE, 0x96000016 },
		{ FETCH, DEVICE, 0x86000010 },
		/* No translation fault. */
		{ (LOAD_X5 & ~UINT64_C(63)) | 15, DEVICE, 0x96000010 },
		{ LOAD_X5 & ~ESR_ISV, MAX_MMIO_ADDR, 0 },
		{ LOAD_X5 | ESR_ELx_S1PTW, MAX_MMIO_ADDR, 0 },
		{ FETCH, MAX_MMIO_ADDR, 0 },
		{ (FETCH & ~UINT64_C(63)) | 15, MAX_MMIO_ADDR, 0x86000010 },
	};

	for (size_t i = 0; i < sizeof(aborts) / sizeof(aborts[0]); i++) {
		CHECK(dispatch(aborts[i].esr, aborts[i].ipa) ==
		      (aborts[i].seen == 0));
		CHECK(other.cstates.esr_el1 == aborts[i].seen);
		/* The C decodes them all. */
		untrusted[VM] = aborts[i].esr;
		CHECK(by(save_shadow_kvm_regs_coq) == SOME);
		CHECK((other_ctxt()->ctxt_states.dirty != 0) ==
		      (aborts[i].ipa == DEVICE));
	}
}

/* The ISS of an access to a register; x3. */
#define ACCESS(op0, op1, crn, crm, op2, read) \
	ESR(ESR_ELx_EC_SYS64, UINT64_C(1) * (op0) << 20 | (op2) << 17 | \
	    (op1) << 14 | (crn) << 10 | 3 << 5 | (crm) << 1 | (read))

static void g56_register_that_is_none(void)
{
	/* PMCR_EL0, which no VM has, and a debug register, which reads as 0. */
	CHECK(dispatch(ACCESS(3, 3, 9, 12, 0, 1), 0) == 0 && is_undefined());
	CHECK(dispatch(ACCESS(2, 0, 0, 0, 5, 1), 0) == 0 && is_skipped());
	CHECK(other_ctxt()->ctxt_regs.x[3] == 0);
	CHECK(dispatch(ACCESS(2, 0, 1, 1, 4, 1), 0) == 0 && is_skipped());
	CHECK(other_ctxt()->ctxt_regs.x[3] == 8);
	CHECK(dispatch(ACCESS(2, 1, 0, 0, 1, 1), 0) == 0 && is_undefined());
	CHECK(dispatch(ACCESS(3, 0, 1, 0, 1, 1), 0) == 0 && is_skipped());
	/* The C skips, and x3 is what it was. */
	trapped(ACCESS(2, 0, 0, 0, 5, 1), 0);
	rdata_copy(&other, &adt);
	core_handle_sys64_c(other_ctxt());
	CHECK(other_ctxt()->ctxt_regs.x[3] == ctxt()->ctxt_regs.x[3]);
	/* The timer is the host's to emulate. */
	CHECK(dispatch(ACCESS(3, 3, 14, 2, 1, 0), 0) == 1);
	CHECK(save_shadow_kvm_regs_spec(&other) == SOME);
	CHECK(shown(3) == ctxt()->ctxt_regs.x[3]);
	CHECK(dispatch(ACCESS(3, 3, 14, 2, 1, 1), 0) == 1);
	CHECK(save_shadow_kvm_regs_spec(&other) == SOME);
	CHECK(shown(3) == 0 && other_ctxt()->ctxt_states.dirty ==
			       (DIRTY_PC_FLAG | 1 << 3));
	/* So are software interrupts, with a GICv3. */
	CHECK(dispatch(ACCESS(3, 0, 12, 11, 5, 0), 0) == 0 && is_undefined());
	adt.board.id[ID_REG(4, 0)] = UINT64_C(1) << 24;
	CHECK(dispatch(ACCESS(3, 0, 12, 11, 5, 0), 0) == 1);
	CHECK(dispatch(ACCESS(3, 0, 12, 11, 5, 1), 0) == 0 && is_undefined());
	/* And a call by SMC is behind it afterwards. */
	CHECK(dispatch(ESR(ESR_ELx_EC_SMC64, 0), 0) == 1);
	CHECK(save_shadow_kvm_regs_spec(&other) == SOME);
	CHECK(other_ctxt()->ctxt_states.dirty == (DIRTY_PC_FLAG | 1));
	CHECK(dispatch(ESR(ESR_ELx_EC_SMC64, 1), 0) == 0 && is_skipped());
	CHECK(other_ctxt()->ctxt_regs.x[0] == UINT64_MAX);
}

static void g59_what_a_vm_has_not(void)
{
	static const uint8_t hidden[][2] = {
		{ ID_REG(4, 0), 32 },	/* SVE */
		{ ID_REG(4, 0), 28 },	/* RAS */
		{ ID_REG(4, 0), 44 },	/* AMU */
		{ ID_REG(4, 1), 8 },	/* MTE */
		{ ID_REG(4, 1), 24 },	/* SME */
		{ ID_REG(5, 0), 8 },	/* PMU */
		{ ID_REG(5, 0), 32 },	/* SPE */
		{ ID_REG(5, 0), 44 },	/* TRBE */
		{ ID_REG(6, 1), 4 },	/* PAuth: APA, API */
		{ ID_REG(6, 1), 8 },
		{ ID_REG(6, 1), 24 },	/* GPA, GPI */
		{ ID_REG(6, 1), 28 },
		{ ID_REG(6, 2), 8 },	/* GPA3, APA3 */
		{ ID_REG(6, 2), 12 },
	};

	for (size_t i = 0; i < 64; i++) {
		adt.board.id[i] = UINT64_MAX;
	}
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		uint8_t id = hidden[i][0];

		CHECK(dispatch(ACCESS(3, 0, 0, id / 8, id % 8, 1), 0) == 0 &&
		      is_skipped());
		CHECK((other_ctxt()->ctxt_regs.x[3] >> hidden[i][1] & 15) ==
		      0);
	}
	CHECK(by(activate_traps_spec) == SOME && other.el2.vm_traps);
	CHECK(by(activate_traps_c) == SOME && !other.el2.vm_traps);
}

static void g60_counter_of_a_vm_that_runs(void)
{
	adt.el2.cntvoff = 0x1000;
	rdata_copy(&other, &adt);
	CHECK(timer_set_cntvoff_spec(VM, 0x123400005678, &other) == NONE_PERM);
	CHECK(other.el2.cntvoff == 0x1000 && other.vms[VM].cntvoff == 0);
	rdata_copy(&other, &adt);
	CHECK(timer_set_cntvoff_c(0x5678, 0x1234, &other) == SOME);
	CHECK(other.el2.cntvoff == 0x123400005678);
	adt.vms[VM].state = READY;
	CHECK(timer_set_cntvoff_spec(VM, 0x123400005678, &adt) == SOME);
	CHECK(adt.vms[VM].cntvoff == 0x123400005678);
}

static void g61_exit_codes(void)
{
	uint32_t res;

	adt.cur_vcpuid = VCPU;
	fill_ctxt();
	for (uint64_t ec = 0; ec < 2; ec++) {
		rdata_copy(&other, &adt);
		CHECK(vm_exit_handler_spec(ec, &other, &res) == SOME);
		CHECK(res == 1 && other.host_regs[0] == ec && !other.halt);
		CHECK(other.int_vcpus[VM][VCPU].esr == 0);
		rdata_copy(&other, &adt);
		CHECK(vm_exit_handler_coq(ec, &other, &res) == SOME);
		CHECK(other.halt);
	}
}

static void g62_number_of_images(void)
{
	uint32_t inc_exe;

	adt.vms[VM].next_load_idx = 3;
	rdata_copy(&other, &adt);
	CHECK(acquire_lock_vm_spec(VM, &other) == SOME);
	CHECK(set_vm_inc_exe_spec(VM, 1, &other) == SOME);
	CHECK(get_vm_inc_exe_spec(VM, &other, &inc_exe) == SOME);
	CHECK(inc_exe == 1 && other.vms[VM].next_load_idx == 3);
	rdata_copy(&other, &adt);
	set_vm_inc_exe_coq(VM, 1, &other);
	CHECK(other.vms[VM].inc_exe == 0 && other.vms[VM].next_load_idx == 1);
}

/* --- S0 ------------------------------------------------------------------- */

/* The host asks for a vCPU; its registers are all different. */
static void host_runs(uint64_t vmid, uint64_t vcpuid)
{
	adt.cur_vmid = HOSTVISOR;
	adt.cur_vcpuid = 0;
	adt.vms[VM].vcpu[VCPU] = READY;
	adt.host_regs[1] = vmid;
	adt.host_regs[2] = vcpuid;
	for (uint32_t i = 0; i < NR_SYS_REGS; i++) {
		adt.cregs.sys[i] = UINT64_C(0x405700) + i;
	}
	adt.cregs.sp_el0 = 0x4057e0;
	adt.cregs.fp.q[31][0] = 0x4057f0;
	adt.cstates.pc = 0x80000;
	adt.cstates.pstate = 0x3c5;
}

static void switch_to_a_vm_and_back(void)
{
	struct ctxt_regs host;

	fill_ctxt();
	ctxt()->ctxt_regs.ec = ARM_EXCEPTION_INTERRUPT;
	ctxt()->ctxt_regs.fp.q[31][0] = 0x5ec2e7;
	ctxt()->ctxt_regs.sp_el0 = 0x5ac;
	ctxt()->ctxt_regs.sys[MPIDR_EL1 - MPIDR_EL1] = 0x80000002;
	adt.vms[VM].cntvoff = 0x1000;
	window()->hcr = UINT64_MAX;
	host_runs(VM, VCPU);
	host = adt.cregs;
	CHECK(save_host_spec(&adt) == SOME);
	CHECK(restore_vm_spec(&adt) == SOME && !adt.halt);
	CHECK(adt.cur_vmid == VM && adt.cur_vcpuid == VCPU);
	CHECK(adt.vms[VM].vcpu[VCPU] == ACTIVE);
	CHECK(adt.el2.vttbr == VM && adt.el2.tpidr == VM && adt.el2.hcr_vm);
	CHECK(adt.el2.hcr_virq == HCR_VIRTUAL_INTERRUPTS);
	CHECK(adt.el2.vm_traps && adt.el2.timer_traps);
	CHECK(adt.el2.cntvoff == 0x1000 && adt.el2.vmpidr == 0x80000002);
	CHECK(adt.cregs.sp_el0 == 0x5ac &&
	      adt.cregs.fp.q[31][0] == 0x5ec2e7);
	CHECK(adt.cregs.sys[SCTLR_EL1 - MPIDR_EL1] == 0);
	adt.cregs.fp.q[0][0] = 0x5ec2e8;
	CHECK(exit_populate_fault_spec(ARM_EXCEPTION_INTERRUPT, &adt) == SOME);
	CHECK(save_vm_spec(&adt) == SOME && !adt.halt);
	CHECK(restore_host_spec(&adt) == SOME);
	CHECK(adt.cur_vmid == HOSTVISOR && adt.cur_vcpuid == 0);
	CHECK(adt.vms[VM].vcpu[VCPU] == READY);
	CHECK(adt.el2.vttbr == HOSTVISOR && !adt.el2.hcr_vm &&
	      adt.el2.hcr_virq == 0 && !adt.el2.vm_traps &&
	      !adt.el2.timer_traps && adt.el2.cntvoff == 0);
	CHECK(ctxt()->ctxt_regs.fp.q[0][0] == 0x5ec2e8);
	/* All but the virtual timer, which is for VMs. */
	for (uint32_t i = 0; i < MDCCINT_EL1 - MPIDR_EL1; i++) {
		CHECK(adt.cregs.sys[i] == host.sys[i]);
	}
	CHECK(adt.cregs.sp_el0 == host.sp_el0);
	CHECK(memcmp(&adt.cregs.fp, &host.fp, sizeof(host.fp)) == 0);
	CHECK(adt.cstates.pc == 0x80000 && adt.cstates.pstate == 0x3c5);
}

static void timer_that_fires_goes_on(void)
{
	uint64_t *ctl = ctxt_field(CNTV_CTL_EL0, &adt.cregs, &adt.cstates);
	uint64_t *saved = ctxt_field(CNTV_CTL_EL0, &ctxt()->ctxt_regs,
				     &ctxt()->ctxt_states);

	for (uint64_t value = 0; value < 8; value++) {
		*ctl = value;
		CHECK(timer_disable_traps_spec(&adt) == SOME);
		CHECK(*saved == (value & 3));
		CHECK(*ctl == (value == 5 ? 5 : 0));
		*ctl = 0;
		CHECK(timer_enable_traps_spec(&adt) == SOME);
		CHECK(*ctl == (value & 3));
	}
}

/* A refusal has no successor state, so that there is nothing to undo. */
static void run_is_refused(void)
{
	static const uint64_t no_vm[] = { 0, COREVISOR, UINT64_MAX,
					  UINT64_C(0x100000001) };

	for (size_t i = 0; i < sizeof(no_vm) / sizeof(no_vm[0]); i++) {
		host_runs(no_vm[i], VCPU);
		CHECK(by(restore_vm_spec) == NONE_INVAL);
		CHECK(by(restore_vm_coq) == SOME && other.halt);
	}
	host_runs(VM, VCPU_PER_VM);
	CHECK(by(restore_vm_spec) == NONE_INVAL);
	host_runs(VM, UINT64_C(0x100000000) | VCPU);
	CHECK(by(restore_vm_spec) == NONE_INVAL);
	host_runs(VM, VCPU + 1);
	CHECK(by(restore_vm_spec) == NONE_PERM);
	host_runs(VM + 1, VCPU);
	CHECK(by(restore_vm_spec) == NONE_PERM);
	host_runs(VM, VCPU);
	adt.vms[VM].vcpu[VCPU] = ACTIVE;
	CHECK(by(restore_vm_spec) == NONE_BUSY);
	host_runs(VM, VCPU);
	adt.vms[VM].state = POWEROFF;
	CHECK(by(restore_vm_spec) == NONE_BUSY);
}

static void answer_is_refused(void)
{
	trapped(STORE_X5, MAX_MMIO_ADDR);
	ctxt()->ctxt_states.flags = PENDING_FSC_FAULT;
	host_runs(VM, VCPU);
	window()->new_pte = PA + 1;
	CHECK(by(restore_vm_spec) == NONE_INVAL);
	window()->new_pte = (RAM_PFN + RAM_PAGES) * PAGE_SIZE;
	CHECK(by(restore_vm_spec) == SOME && other.halt);
	window()->new_pte = PA;
	CHECK(by(restore_vm_spec) == SOME && !other.halt);
	CHECK(npt_get(&other.npts[VM], MAX_MMIO_ADDR >> 12).pfn == PA >> 12);
	CHECK(other_ctxt()->ctxt_states.flags == 0);
	/* Another vCPU was quicker. */
	CHECK(prot_and_map_vm_s2pt_spec(VM, MAX_MMIO_ADDR, PA + PAGE_SIZE, 3,
					&adt) == SOME);
	CHECK(by(restore_vm_spec) == SOME && !other.halt);
	CHECK(lock_all_free(&other));
	CHECK(npt_get(&other.npts[VM], MAX_MMIO_ADDR >> 12).pfn ==
	      (PA >> 12) + 1);
}

static const struct {
	const char *name;
	void (*run)(void);
	int unused;
} tests[] = {
	{ "seed: save has nothing to do", seed_save_nothing_to_do, 0 },
	{ "seed: save, WFx", seed_save_wfx, 0 },
	{ "seed: save, HVC", seed_save_hvc, 0 },
	{ "seed: save, aborts", seed_save_abort, 0 },
	{ "seed: save, anything else", seed_save_else_halts, 0 },
	{ "seed: restore, first run", seed_first_run, 0 },
	{ "seed: restore, later run", seed_later_run, 0 },
	{ "seed: restore, answer to a fault", seed_fault, 0 },
	{ "seed: forms of save agree", seed_forms_of_save, 0 },
	{ "seed: forms of restore agree", seed_forms_of_restore, 0 },
	{ "seed: forms differ in several registers",
	  seed_forms_differ_in_several_registers, 0 },
	{ "forms of save are one", forms_of_save_are_one, 0 },
	{ "forms of restore are one", forms_of_restore_are_one, 0 },
	{ "skipped instructions", skipped_instructions, 0 },
	{ "to a VM and back", switch_to_a_vm_and_back, 0 },
	{ "a timer that fires goes on", timer_that_fires_goes_on, 0 },
	{ "an answer is refused", answer_is_refused, 0 },
	{ "G13 a run is refused", run_is_refused, 0 },
	{ "G41 host chooses where a vCPU starts",
	  g41_host_chooses_where_a_vcpu_starts, 0 },
	{ "G42 register_vcpu by or", g42_register_vcpu_by_or, 0 },
	{ "G8, G44 what the host claims of an exit",
	  g44_syndrome_of_the_host, 0 },
	{ "G45 register 31", g45_register_31, 0 },
	{ "G46 size of an access", g46_size_of_an_access, 0 },
	{ "G46 an abort that the host cannot emulate",
	  g46_abort_that_the_host_cannot_emulate, 0 },
	{ "G47 a load forgets the PC", g47_load_forgets_the_pc, 0 },
	{ "G48 injection and the next PC", g48_injection_and_the_next_pc, 0 },
	{ "G49 exception as the architecture has it",
	  g49_exception_as_the_architecture_has_it, 0 },
	{ "G50 reset of the wrong registers",
	  g50_reset_of_the_wrong_registers, 0 },
	{ "G51 clearing too much", g51_clearing_too_much, 0 },
	{ "G52 what a switch forgets", g52_what_a_switch_forgets, 0 },
	{ "G53 core_to_vm that does nothing",
	  g53_core_to_vm_that_does_nothing, 0 },
	{ "G55 a trap that stops the machine",
	  g55_trap_that_stops_the_machine, 0 },
	{ "G56 a register that is none", g56_register_that_is_none, 0 },
	{ "G58 more than the host needs", g58_more_than_the_host_needs, 0 },
	{ "G59 what a VM has not", g59_what_a_vm_has_not, 0 },
	{ "G60 counter of a VM that runs", g60_counter_of_a_vm_that_runs, 0 },
	{ "G61 exit codes", g61_exit_codes, 0 },
	{ "G62 number of images", g62_number_of_images, 0 },
};

int main(void)
{
	size_t n = sizeof(tests) / sizeof(tests[0]);
	bool any = false;

	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		failed = false;
		start();
		tests[i].run();
		printf("%sok %zu - %s\n", failed ? "not " : "", i + 1,
		       tests[i].name);
		any = any || failed;
	}
	return any ? 1 : 0;
}
