/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects of vCPUs: what they start with, show and take. See defects-test.c. */
#include "defects.h"

#include "spec/ctxt.h"
#include "spec/uncorrected_vcpu.h"
#include "spec/vcpu_ops_aux.h"
#include "spec/vm_idregs.h"

#define VCPU	2u
#define ENTRY	UINT64_C(0x40200000)
#define DEVICE	UINT64_C(0x09000000)
#define HPFAR(ipa)	((ipa) >> 12 << 4)
#define ESR(class, iss)	((uint64_t)(class) << ESR_ELx_EC_SHIFT | ESR_IL | (iss))
/* Doublewords in x5. */
#define LOAD_X5		ESR(ESR_ELx_EC_DABT_LOW, 0x1c58006)
#define STORE_X5	ESR(ESR_ELx_EC_DABT_LOW, 0x1c58046)
#define HVC		ESR(ESR_ELx_EC_HVC64, 0)

/* What x0 is after the host's call. */
static uint64_t vcpu_run(uint64_t vmid, uint64_t vcpuid)
{
	CHECK(CALL(OP_VCPU_RUN, vmid, vcpuid) == ANSWER_OK);
	return run_state()->host_regs[0];
}

static void vm_sets(uint64_t reg, uint64_t value)
{
	CHECK(CALL(OP_VM_SET, reg, value) == ANSWER_OK);
}

/* The VM traps, and the host runs it until then. */
static void vm_traps(uint64_t esr, uint64_t ipa)
{
	CHECK(CALL(OP_VM_EXIT, ARM_EXCEPTION_TRAP, esr, GPA | 0xac8,
		   HPFAR(ipa)) == ANSWER_OK);
}

static void tell(uint64_t field, uint64_t value)
{
	CHECK(CALL(OP_WINDOW, 1, VCPU, field, value) == ANSWER_OK);
}

static const struct shadow_ctxt *ctxt(void)
{
	return &run_state()->shadow_ctxts[1][VCPU];
}

static const struct int_vcpu *window(void)
{
	return &run_state()->int_vcpus[1][VCPU];
}

static struct shadow_ctxt *coq_ctxt(void)
{
	return &coq.shadow_ctxts[1][VCPU];
}

/* By the uncorrected definitions, of the vCPU that has run last. */
static void fork_vcpu(void)
{
	fork_coq();
	coq.cur_vmid = 1;
	coq.cur_vcpuid = VCPU;
	disclosed_coq.nr = 0;
}

/* VM 1 is verified; its vCPU 2 is about to start. */
static void start_vm(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_REGISTER_VCPU, 1, VCPU) == ANSWER_OK);
	CHECK(CALL(OP_SET_VM_STATE, 1, VERIFIED) == ANSWER_OK);
	CHECK(CALL(OP_START_VCPU, 1, VCPU, ENTRY, 0xc0) == ANSWER_OK);
}

/* It has run, and its registers are all different. */
static void start_and_run(void)
{
	start_vm();
	for (uint32_t reg = 0; reg < 16; reg++) {
		vm_sets(reg, SECRET << 16 | reg);
	}
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
}

/* --- Making and starting -------------------------------------------------- */

static void g6_number_of_no_vcpu(void)
{
	static const uint64_t vcpuids[] = {
		VCPU_PER_VM, VCPU_PER_VM + 1, INVALID, UINT64_C(1) << 32,
		UINT64_MAX,
	};

	start_vm();
	for (size_t i = 0; i < sizeof(vcpuids) / sizeof(vcpuids[0]); i++) {
		CHECK(vcpu_run(1, vcpuids[i]) == call_result(NONE_INVAL));
		CHECK(CALL(OP_HVC, HVC_REGISTER_VCPU, 1, vcpuids[i]) ==
		      ANSWER_OK);
		CHECK(run_state()->host_regs[0] == call_result(NONE_INVAL));
	}
	CHECK(vcpu_run(COREVISOR, VCPU) == call_result(NONE_INVAL));
	CHECK(vcpu_run(UINT64_C(1) << 32 | 1, VCPU) ==
	      call_result(NONE_INVAL));
	/* The Coq stops the machine. */
	fork_coq();
	coq.host_regs[1] = COREVISOR;
	CHECK(restore_vm_coq(&coq) == SOME && coq.halt);
}

static void g13_refusal_that_looks_like_an_exit(void)
{
	CHECK(vcpu_run(1, 0) == call_result(NONE_PERM));
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(vcpu_run(1, VCPU) == call_result(NONE_PERM));
	CHECK(CALL(OP_REGISTER_VCPU, 1, VCPU) == ANSWER_OK);
	CHECK(vcpu_run(1, VCPU) == call_result(NONE_PERM));
	CHECK(CALL(OP_SET_VM_STATE, 1, VERIFIED) == ANSWER_OK);
	CHECK(vcpu_run(1, VCPU + 1) == call_result(NONE_PERM));
	CHECK(vcpu_run(1, VCPU) == call_result(NONE_BUSY));
	CHECK(CALL(OP_START_VCPU, 1, VCPU, ENTRY, 0) == ANSWER_OK);
	CHECK(CALL(OP_SET_VCPU_STATE, 1, VCPU, ACTIVE) == ANSWER_OK);
	CHECK(vcpu_run(1, VCPU) == call_result(NONE_BUSY));
	CHECK(CALL(OP_SET_VCPU_STATE, 1, VCPU, READY) == ANSWER_OK);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	CHECK(vcpu_run(1, VCPU) == call_result(NONE_BUSY));
	/* In the C a refusal is 0, which is an interrupt. */
	CHECK(run_vcpu_refused_c() == ARM_EXCEPTION_INTERRUPT);
}

static void g41_where_a_vcpu_starts(void)
{
	static uint64_t hosts[] = { 0, ENTRY + 0x804, 0x3c9 };

	start_vm();
	fork_vcpu();
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_states.pc == ENTRY);
	CHECK(ctxt()->ctxt_states.pstate == PSTATE_FAULT_BITS_64);
	CHECK(ctxt()->ctxt_regs.x[0] == 0xc0);
	coq.vms[1].load[0] = (struct load_info){ ENTRY, PAGE_SIZE, 1 };
	coq.vms[1].next_load_idx = 1;
	coq.doracle = (struct oracle){ hosts, 3, 0 };
	CHECK(restore_shadow_kvm_regs_coq(&coq) == SOME && !coq.halt);
	CHECK(coq_ctxt()->ctxt_states.pc == ENTRY + 0x804);
	CHECK(coq_ctxt()->ctxt_states.pstate == 0x3c9);
}

static void g41_vcpus_that_the_vm_turns_on(void)
{
	start_vm();
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(CALL(OP_SET_VM_STATE, 1, VERIFIED) == ANSWER_OK);
	/* An unregistered one, one that is on, and one that there is not. */
	for (uint64_t target = 1; target < 10; target += 1) {
		vm_sets(0, PSCI_0_2_FN64_CPU_ON);
		vm_sets(1, target);
		vm_sets(2, ENTRY + 4 * target);
		vm_sets(3, target);
		vm_traps(HVC, 0);
		CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
		CHECK(window()->regs[1] == target &&
		      window()->regs[2] == ENTRY + 4 * target &&
		      window()->regs[3] == target);
	}
	CHECK(run_state()->vms[1].boot[1].power == VCPU_OFF);
	CHECK(vcpu_run(1, 1) == call_result(NONE_PERM));
	CHECK(run_state()->vms[1].boot[VCPU].power == VCPU_ON);
	/* It turns itself off, and nobody but the VM turns it on again. */
	vm_sets(0, PSCI_0_2_FN_CPU_OFF);
	vm_traps(HVC, 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	CHECK(vcpu_run(1, VCPU) == call_result(NONE_BUSY));
	CHECK(CALL(OP_START_VCPU, 1, VCPU, ENTRY + 0x40, 7) == ANSWER_OK);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_states.pc == ENTRY + 0x40);
	CHECK(ctxt()->ctxt_regs.x[0] == 7 && ctxt()->ctxt_regs.x[1] == 0);
	/* To the Coq a vCPU that is registered can run. */
	fork_coq();
	coq.vms[1].boot[VCPU].power = VCPU_OFF;
	CHECK(set_vcpu_active_coq(1, VCPU, &coq) == SOME && !coq.halt);
}

/* VM 1 with an image of a page and vCPU 0; x0 of the last step. */
static uint64_t verify_with(enum flaw flaw)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_SET_BOOT_INFO, 1, ENTRY, PAGE_SIZE) == ANSWER_OK);
	CHECK(CALL(OP_HOST_STORE, PA, 0, SECRET) == ANSWER_OK);
	CHECK(CALL(OP_REMAP_VM_IMAGE, 1, PFN, 0) == ANSWER_OK);
	CHECK(CALL(OP_REGISTER_VCPU, 1, 0) == ANSWER_OK);
	CHECK(CALL(OP_SET_MANIFEST, 1, 1, ENTRY + 8, 0xc0, flaw) ==
	      (flaw == FLAW_MAGIC ? ANSWER_INVAL :
	       flaw == FLAW_SIGNATURE || flaw == FLAW_PLACE ? ANSWER_PERM :
	       flaw == FLAW_IMAGES || flaw == FLAW_LOAD_ADDR ? ANSWER_INVAL :
	       ANSWER_OK));
	CHECK(CALL(OP_HVC, HVC_VERIFY_VM_IMAGES, 1) == ANSWER_OK);
	return run_state()->host_regs[0];
}

static void g39_nobody_looks_at_the_image(void)
{
	for (enum flaw flaw = FLAW_NONE; flaw < NR_FLAWS; flaw++) {
		run_start(4);
		CHECK(verify_with(flaw) ==
		      (flaw == FLAW_NONE ? 0 : call_result(NONE_PERM)));
		CHECK(run_state()->vms[1].state ==
		      (flaw == FLAW_NONE ? VERIFIED :
		       flaw == FLAW_HASH ? POWEROFF : READY));
		CHECK(vcpu_run(1, 0) ==
		      (flaw == FLAW_NONE ? ARM_EXCEPTION_INTERRUPT :
		       flaw == FLAW_HASH ? call_result(NONE_BUSY) :
					   call_result(NONE_PERM)));
		/* To the C they are all authentic. */
		fork_coq();
		coq.vms[1].state = READY;
		CHECK(verify_and_load_images_c(1, &coq) == SOME);
		CHECK(coq.vms[1].state == VERIFIED);
	}
	run_start(4);
	CHECK(verify_with(FLAW_NONE) == 0);
	CHECK(vcpu_run(1, 0) == ARM_EXCEPTION_INTERRUPT);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_states.pc == ENTRY + 8);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_regs.x[0] == 0xc0);
	CHECK(CALL(OP_SET_MANIFEST, 1, 1, ENTRY, 0, FLAW_NONE) == ANSWER_PERM);
}

/* More than one call hashes, and a second image. */
static void g37_verification_in_steps(void)
{
	uint64_t pages = MAX_VERIFY_BYTES / PAGE_SIZE;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_SET_BOOT_INFO, 1, ENTRY, MAX_VERIFY_BYTES + 1) ==
	      ANSWER_OK);
	CHECK(CALL(OP_SET_BOOT_INFO, 1, GPA, MAX_VERIFY_BYTES) == ANSWER_OK);
	for (uint64_t i = 0; i <= pages; i++) {
		CHECK(CALL(OP_REMAP_VM_IMAGE, 1, PFN + i, 0) == ANSWER_OK);
	}
	for (uint64_t i = 0; i < pages; i++) {
		CHECK(CALL(OP_REMAP_VM_IMAGE, 1, BLOCK + i, 1) == ANSWER_OK);
	}
	CHECK(CALL(OP_REGISTER_VCPU, 1, 0) == ANSWER_OK);
	CHECK(CALL(OP_SET_MANIFEST, 1, 1, GPA, 0, FLAW_NONE) == ANSWER_OK);
	for (int i = 0; i < 2; i++) {
		CHECK(CALL(OP_HVC, HVC_VERIFY_VM_IMAGES, 1) == ANSWER_OK);
		CHECK(run_state()->host_regs[0] == call_result(AGAIN));
		CHECK(run_state()->vms[1].state == MAPPED);
		/* Meanwhile it is neither set up nor run. */
		CHECK(vcpu_run(1, 0) == call_result(NONE_PERM));
		CHECK(CALL(OP_REGISTER_VCPU, 1, 1) == ANSWER_PERM);
		CHECK(CALL(OP_SET_MANIFEST, 1, 1, GPA, 0, FLAW_NONE) ==
		      ANSWER_PERM);
	}
	CHECK(CALL(OP_HVC, HVC_VERIFY_VM_IMAGES, 1) == ANSWER_OK);
	CHECK(run_state()->host_regs[0] == 0);
	CHECK(vcpu_run(1, 0) == ARM_EXCEPTION_INTERRUPT);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_states.pc == GPA);
}

/* The host may have denied the first; it is the last that counts. */
static void g41_turned_on_twice(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_REGISTER_VCPU, 1, VCPU) == ANSWER_OK);
	CHECK(CALL(OP_REGISTER_VCPU, 1, 3) == ANSWER_OK);
	CHECK(CALL(OP_SET_VM_STATE, 1, VERIFIED) == ANSWER_OK);
	CHECK(CALL(OP_START_VCPU, 1, VCPU, ENTRY, 0) == ANSWER_OK);
	for (uint64_t n = 1; n <= 3; n++) {
		vm_sets(0, n == 2 ? PSCI_0_2_FN_CPU_ON :
				    PSCI_0_2_FN64_CPU_ON);
		vm_sets(1, 3 | (n == 2 ? UINT64_C(1) << 32 : 0));
		vm_sets(2, ENTRY + 0x100 * n);
		vm_sets(3, n);
		vm_traps(HVC, 0);
		CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
		CHECK(run_state()->vms[1].boot[3].power == VCPU_ON_PENDING);
		CHECK(run_state()->vms[1].boot[3].entry == ENTRY + 0x100 * n);
	}
	CHECK(vcpu_run(1, 3) == ARM_EXCEPTION_INTERRUPT);
	CHECK(run_state()->shadow_ctxts[1][3].ctxt_states.pc == ENTRY + 0x300);
	CHECK(run_state()->shadow_ctxts[1][3].ctxt_regs.x[0] == 3);
	/* Now that it runs nothing is recorded any more. */
	vm_sets(0, PSCI_0_2_FN64_CPU_ON);
	vm_sets(2, ENTRY + 0x800);
	vm_traps(HVC, 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	CHECK(run_state()->vms[1].boot[3].power == VCPU_ON);
	CHECK(run_state()->vms[1].boot[3].entry == ENTRY + 0x300);
	/* The Coq asks the host where, whatever the VM has said. */
	fork_coq();
	coq.cur_vmid = 1;
	coq.cur_vcpuid = 3;
	coq.shadow_ctxts[1][3].ctxt_states.dirty = INVALID64;
	coq.vms[1].load[0] = (struct load_info){ ENTRY, PAGE_SIZE, 1 };
	coq.vms[1].next_load_idx = 1;
	coq.doracle = (struct oracle){ &(uint64_t){ ENTRY + 4 }, 1, 0 };
	CHECK(restore_shadow_kvm_regs_coq(&coq) == SOME && !coq.halt);
	CHECK(coq.shadow_ctxts[1][3].ctxt_states.pc == ENTRY + 4);
}

static void g42_vcpu_of_a_vm_that_is_verified(void)
{
	start_and_run();
	fork_coq();
	CHECK(CALL(OP_REGISTER_VCPU, 1, 3) == ANSWER_PERM);
	CHECK(register_vcpu_c(1, 3, &coq) == SOME && !coq.halt);
	CHECK(coq.vms[1].vcpu[3] == READY);
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_REGISTER_VCPU, 2, 0) == ANSWER_OK);
	CHECK(CALL(OP_REGISTER_VCPU, 2, 0) == ANSWER_BUSY);
	/* A vCPU that has run begins anew. */
	fork_coq();
	coq.shadow_ctxts[2][0].ctxt_states.dirty = 0;
	CHECK(register_vcpu_c(2, 0, &coq) == SOME && !coq.halt);
	CHECK(coq.shadow_ctxts[2][0].ctxt_states.dirty == INVALID64);
}

static void g50_reset_of_all_registers(void)
{
	static uint64_t hosts[] = { ENTRY, ENTRY, ENTRY };
	const uint64_t *sys = ctxt()->ctxt_regs.sys;

	CHECK(CALL(OP_HOST_SET, SCTLR_EL1, 0x4057) == ANSWER_OK);
	CHECK(CALL(OP_HOST_SET, VBAR_EL1, 0x4057000) == ANSWER_OK);
	start_vm();
	fork_vcpu();
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(sys[SCTLR_EL1 - MPIDR_EL1] == SCTLR_RESET);
	CHECK(sys[VBAR_EL1 - MPIDR_EL1] == 0);
	CHECK(sys[0] == (UINT64_C(0x80000000) | VCPU));
	CHECK(ctxt()->ctxt_regs.x[1] == 0);
	coq.vms[1].load[0] = (struct load_info){ ENTRY, PAGE_SIZE, 1 };
	coq.vms[1].next_load_idx = 1;
	coq.doracle = (struct oracle){ hosts, 3, 0 };
	CHECK(restore_shadow_kvm_regs_coq(&coq) == SOME);
	CHECK(coq_ctxt()->ctxt_regs.x[1] == reg_desc_coq(1));
	CHECK(coq_ctxt()->ctxt_regs.sys[SCTLR_EL1 - MPIDR_EL1] == 0);
}

static void g51_fp_registers_of_the_host(void)
{
	CHECK(CALL(OP_HOST_SET, VIEW_FP + 6, 0x4057) == ANSWER_OK);
	start_vm();
	/* That it uses them shows what it finds in the others. */
	vm_sets(VIEW_FP, SECRET);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_regs.fp.q[0][0] == SECRET);
	CHECK(ctxt()->ctxt_regs.fp.q[3][0] == 0);
	CHECK(run_state()->cregs.fp.q[3][0] == 0x4057);
	fork_vcpu();
	reset_fp_regs_c(coq_ctxt(), &coq.cregs.fp);
	CHECK(coq_ctxt()->ctxt_regs.fp.q[3][0] == 0x4057);
}

/* --- Exits ---------------------------------------------------------------- */

static void g8_nothing_in_the_window_is_followed(void)
{
	start_and_run();
	for (uint32_t field = 0; field < NR_WINDOW_FIELDS; field++) {
		tell(field, UINT64_MAX - field);
	}
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	/* Nothing was asked for, so nothing has come. */
	for (uint32_t reg = 0; reg < NUM_GPRS; reg++) {
		CHECK(ctxt()->ctxt_regs.x[reg] ==
		      (reg < 16 ? SECRET << 16 | reg : 0));
	}
	/* The C takes the place of the host's registers from there. */
	fork_vcpu();
	CHECK(host_context_c(window()) == UINT64_MAX);
}

static void g44_syndrome_in_the_window(void)
{
	start_and_run();
	vm_traps(STORE_X5, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	CHECK(window()->regs[5] == (SECRET << 16 | 5));
	CHECK(window()->regs[7] == 0);
	/* The host claims that it was a load of x7; nobody looks. */
	tell(WINDOW_ESR, ESR(ESR_ELx_EC_DABT_LOW, 0x1c78006));
	tell(7, 0xbad);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_regs.x[7] == (SECRET << 16 | 7));
	/* To the Coq the host's copy is the syndrome. */
	vm_traps(STORE_X5, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	fork_vcpu();
	coq.doracle = (struct oracle){
		&(uint64_t){ ESR(ESR_ELx_EC_DABT_LOW, 0x1c78046) }, 1, 0
	};
	CHECK(save_shadow_kvm_regs_coq(&coq) == SOME);
	CHECK(disclosed_coq.nr == 1 && disclosed_coq.at[0].reg == 7 &&
	      disclosed_coq.at[0].value == (SECRET << 16 | 7));
}

static void g45_register_31(void)
{
	start_and_run();
	vm_sets(SP_EL0, SECRET);
	vm_traps(STORE_X5 | 31 << 16, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	for (uint32_t reg = 0; reg < NUM_GPRS; reg++) {
		CHECK(window()->regs[reg] == 0);
	}
	fork_vcpu();
	CHECK(save_shadow_kvm_regs_c(&coq) == SOME);
	CHECK(disclosed_coq.nr == 1 && disclosed_coq.at[0].value == SECRET);
	vm_traps(LOAD_X5 | 31 << 16, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	CHECK(ctxt()->ctxt_states.dirty == DIRTY_PC_FLAG);
	fork_vcpu();
	CHECK(save_shadow_kvm_regs_c(&coq) == SOME);
	CHECK((coq_ctxt()->ctxt_states.dirty & PENDING_EXCEPT_INJECT_FLAG) ==
	      PENDING_EXCEPT_INJECT_FLAG);
}

static void g46_what_the_host_cannot_emulate(void)
{
	static const uint64_t esrs[] = {
		LOAD_X5 & ~ESR_ISV, LOAD_X5 | ESR_ELx_S1PTW,
		ESR(ESR_ELx_EC_IABT_LOW, 6), (LOAD_X5 & ~UINT64_C(63)) | 15,
	};

	for (size_t i = 0; i < sizeof(esrs) / sizeof(esrs[0]); i++) {
		run_start(4);
		start_and_run();
		vm_sets(VBAR_EL1, ENTRY);
		vm_traps(esrs[i], DEVICE);
		CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
		CHECK(window()->esr == 0);
		CHECK(ctxt()->ctxt_states.pc == ENTRY + 0x200);
		CHECK((ctxt()->ctxt_states.esr_el1 & 63) ==
		      ((esrs[i] & ESR_ELx_S1PTW) != 0 ? 22 : 16));
		CHECK(ctxt()->ctxt_regs.sys[FAR_EL1 - MPIDR_EL1] ==
		      (GPA | 0xac8));
		/* The Coq has it decoded as if it were an access of x5. */
		fork_vcpu();
		coq_ctxt()->ctxt_regs.ec = ARM_EXCEPTION_TRAP;
		coq_ctxt()->ctxt_regs.esr_el2 = esrs[i];
		coq_ctxt()->ctxt_regs.hpfar_el2 = HPFAR(DEVICE);
		coq.doracle = (struct oracle){ &esrs[i], 1, 0 };
		CHECK(save_shadow_kvm_regs_coq(&coq) == SOME && !coq.halt);
		CHECK(coq_ctxt()->ctxt_states.dirty != 0);
	}
}

static void g46_bytes_of_a_load(void)
{
	/* LDRSB w5. */
	uint64_t esr = ESR(ESR_ELx_EC_DABT_LOW, 0x1250006);

	start_and_run();
	vm_traps(esr, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	fork_vcpu();
	tell(5, UINT64_C(0x1234567812345680));
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_regs.x[5] == UINT64_C(0xffffff80));
	coq.doracle = (struct oracle){
		&(uint64_t){ UINT64_C(0x1234567812345680) }, 1, 0
	};
	CHECK(restore_shadow_kvm_regs_coq(&coq) == SOME);
	CHECK(coq_ctxt()->ctxt_regs.x[5] == UINT64_C(0x1234567812345680));
}

static void g47_load_goes_on(void)
{
	start_and_run();
	vm_traps(LOAD_X5, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	fork_vcpu();
	tell(5, 0xabcd);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_regs.x[5] == 0xabcd);
	CHECK(ctxt()->ctxt_states.pc == ENTRY + 4);
	/* Executed again for ever. */
	coq_ctxt()->ctxt_states.dirty = 0;
	coq.doracle = (struct oracle){ &(uint64_t){ LOAD_X5 }, 1, 0 };
	CHECK(save_shadow_kvm_regs_coq(&coq) == SOME);
	CHECK(restore_shadow_kvm_regs_coq(&coq) == SOME);
	CHECK(coq_ctxt()->ctxt_states.pc == ENTRY);
}

static void g47_result_of_every_call(void)
{
	start_and_run();
	vm_sets(0, 0x84000000);
	vm_traps(HVC, 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	fork_vcpu();
	tell(0, 0x10001);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_regs.x[0] == 0x10001);
	coq_ctxt()->ctxt_states.dirty = 0;
	CHECK(save_shadow_kvm_regs_c(&coq) == SOME);
	CHECK(coq_ctxt()->ctxt_states.dirty == 0);
}

static void g49_exception_of_an_access(void)
{
	start_and_run();
	vm_sets(VBAR_EL1, ENTRY);
	vm_sets(PSTATE, UINT64_C(0x60000000));	/* EL0, Z and C */
	vm_traps(LOAD_X5, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	tell(WINDOW_ANSWER, ANSWER_ABORT_VM);
	tell(5, 0xbad);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_states.pc == ENTRY + 0x400);
	CHECK(ctxt()->ctxt_regs.elr_el1 == ENTRY);
	CHECK(ctxt()->ctxt_regs.spsr_el1 == UINT64_C(0x60000000));
	CHECK(ctxt()->ctxt_states.esr_el1 == 0x92000010);
	CHECK(ctxt()->ctxt_regs.x[5] == (SECRET << 16 | 5));
	CHECK(ctxt()->ctxt_regs.x[8] == (SECRET << 16 | 8));
	fork_vcpu();
	coq_ctxt()->ctxt_states.dirty = PENDING_DABT_INJECT;
	CHECK(restore_shadow_kvm_regs_c(&coq) == SOME);
	CHECK(coq_ctxt()->ctxt_regs.x[8] != (SECRET << 16 | 8));
	CHECK(coq_ctxt()->ctxt_states.pc == 0);
}

static void g19_answer_to_another_address(void)
{
	static uint64_t hosts[] = { 0, GPA + PAGE_SIZE, PA, 3 };

	start_and_run();
	vm_traps(ESR(ESR_ELx_EC_DABT_LOW, 6), GPA);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	CHECK(window()->fault_ipa == GPA);
	fork_vcpu();
	tell(WINDOW_FAULT_IPA, GPA + PAGE_SIZE);
	/* Refused, and it still waits. */
	tell(WINDOW_NEW_PTE, fw_el2.base);
	CHECK(vcpu_run(1, VCPU) == call_result(NONE_PERM));
	tell(WINDOW_NEW_PTE, PA);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(maps(run_state(), 1, GFN).pfn == PFN);
	CHECK(maps(run_state(), 1, GFN + 1).level == 0);
	coq.core_doracle = (struct oracle){ hosts, 4, 0 };
	CHECK(restore_shadow_kvm_regs_coq(&coq) == SOME && !coq.halt);
	CHECK(maps(&coq, 1, GFN + 1).pfn == PFN);
}

static void g52_stack_pointer_and_place(void)
{
	start_and_run();
	vm_sets(SP_EL1, SECRET);
	vm_sets(PC, ENTRY + 0x100);
	vm_sets(ESR_EL1, SECRET + 1);
	fork_vcpu();
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_regs.sp_el1 == SECRET);
	CHECK(ctxt()->ctxt_states.pc == ENTRY + 0x100);
	CHECK(ctxt()->ctxt_states.esr_el1 == SECRET + 1);
	CHECK(!run_state()->el2.timer_traps);
	coq.vms[1].vcpu[VCPU] = ACTIVE;
	coq.cstates.pc = ENTRY + 0x100;
	CHECK(save_vm_coq(&coq) == SOME && !coq.halt);
	CHECK(coq_ctxt()->ctxt_states.pc == ENTRY);
	CHECK(coq.el2.timer_traps);
}

static void g55_trap_of_no_known_class(void)
{
	uint32_t res;

	start_and_run();
	vm_sets(VBAR_EL1, ENTRY);
	vm_traps(ESR(0x1b, 0), 0);
	vm_traps(ESR(ESR_ELx_EC_BRK64, 0x77), 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_states.esr_el1 == ESR(ESR_ELx_EC_BRK64, 0x77));
	CHECK(ctxt()->ctxt_regs.elr_el1 == ENTRY + 0x200);
	fork_vcpu();
	coq_ctxt()->ctxt_regs.esr_el2 = ESR(0x1b, 0);
	CHECK(vm_exit_dispatcher_coq(&coq, &res) == SOME && coq.halt);
}

static void g56_system_register(void)
{
	/* MRS x3, ID_AA64PFR0_EL1; MSR CNTP_CTL_EL0, x3; MRS x3, PMCR_EL0. */
	uint64_t id = ESR(ESR_ELx_EC_SYS64, 3 << 20 | 3 << 5 | 4 << 1 | 1);
	uint64_t timer = ESR(ESR_ELx_EC_SYS64,
			     3 << 20 | 1 << 17 | 3 << 14 | 14 << 10 | 3 << 5 |
			     2 << 1);
	uint64_t pmu = ESR(ESR_ELx_EC_SYS64,
			   3 << 20 | 3 << 14 | 9 << 10 | 3 << 5 | 12 << 1 | 1);

	start_and_run();
	vm_traps(id, 0);
	vm_traps(timer, 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	CHECK(window()->regs[3] == ctxt()->ctxt_regs.x[3]);
	CHECK(ctxt()->ctxt_regs.x[3] ==
	      shown_id_register(ID_REG(4, 0), fw_id_register(ID_REG(4, 0))));
	CHECK(ctxt()->ctxt_states.pc == ENTRY + 4);
	vm_traps(pmu, 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_states.esr_el1 == ESR_IL);
	CHECK(ctxt()->ctxt_regs.elr_el1 == ENTRY + 8);
	fork_vcpu();
	coq_ctxt()->ctxt_states.pc = ENTRY;
	core_handle_sys64_c(coq_ctxt());
	CHECK(coq_ctxt()->ctxt_states.pc == ENTRY + 4);
}

/* Each of them, into x3; that both sides agree is the test. */
static void g59_every_id_register(void)
{
	start_and_run();
	for (uint64_t crm = 0; crm <= 8; crm++) {
		for (uint64_t op2 = 0; op2 < 8; op2++) {
			vm_traps(ESR(ESR_ELx_EC_SYS64, 3 << 20 | op2 << 17 |
				     3 << 5 | crm << 1 | 1), 0);
			CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
			/* Writes are undefined. */
			vm_traps(ESR(ESR_ELx_EC_SYS64, 3 << 20 | op2 << 17 |
				     3 << 5 | crm << 1), 0);
			CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
			CHECK(ctxt()->ctxt_states.esr_el1 == ESR_IL);
		}
	}
	/* Without a single feature. */
	run_start(FW_PLAIN_CHUNKS);
	start_and_run();
	vm_sets(VIEW_FP, SECRET);
	vm_traps(ESR(0x1b, 0), 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(ctxt()->ctxt_states.pstate == PSTATE_FAULT_BITS_64);
	/* To the C nothing traps at all. */
	fork_vcpu();
	CHECK(activate_traps_c(&coq) == SOME && !coq.el2.vm_traps);
}

static void g58_what_an_exit_shows(void)
{
	start_and_run();
	vm_traps(STORE_X5, DEVICE);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	vm_traps(ESR(ESR_ELx_EC_DABT_LOW, 0x1c58046), GPA);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	/* Neither the register nor the syndrome, nor where in the page. */
	CHECK(window()->regs[5] == 0);
	CHECK(window()->esr == ((uint64_t)ESR_ELx_EC_DABT_LOW
				<< ESR_ELx_EC_SHIFT | ESR_ELx_WNR));
	CHECK(window()->fault_ipa == GPA);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_INTERRUPT);
	CHECK(window()->esr == 0 && window()->fault_ipa == 0);
	fork_vcpu();
	coq.esr_el2 = ESR(ESR_ELx_EC_DABT_LOW, 0x1c58046);
	CHECK(exit_populate_fault_c(&coq) == SOME);
	CHECK(coq.int_vcpus[1][VCPU].esr == coq.esr_el2);
}

static void g60_virtual_counter(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_HVC, HVC_TIMER_SET_CNTVOFF, 1, 0x1000) == ANSWER_OK);
	CHECK(run_state()->host_regs[0] == 0);
	CHECK(run_state()->vms[1].cntvoff == 0x1000);
	CHECK(CALL(OP_SET_VM_STATE, 1, VERIFIED) == ANSWER_OK);
	CHECK(CALL(OP_HVC, HVC_TIMER_SET_CNTVOFF, 1, 0x2000) == ANSWER_OK);
	CHECK(run_state()->host_regs[0] == call_result(NONE_PERM));
	CHECK(run_state()->vms[1].cntvoff == 0x1000);
	fork_coq();
	coq.el2.cntvoff = 0x1000;
	CHECK(timer_set_cntvoff_c(0x2000, 0, &coq) == SOME);
	CHECK(coq.el2.cntvoff == 0x2000);
}

/* That each has its own in VTTBR_EL2, the entries look at (I21). */
static void g43_vmids_of_all_vms(void)
{
	for (uint64_t vmid = 1; vmid < COREVISOR; vmid++) {
		CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
		CHECK(CALL(OP_REGISTER_VCPU, vmid, 7) == ANSWER_OK);
		CHECK(CALL(OP_SET_VM_STATE, vmid, VERIFIED) == ANSWER_OK);
		CHECK(CALL(OP_START_VCPU, vmid, 7, ENTRY, 0) == ANSWER_OK);
		vm_sets(1, SECRET << 16 | vmid);
		CHECK(vcpu_run(vmid, 7) == ARM_EXCEPTION_INTERRUPT);
	}
	for (uint64_t vmid = 1; vmid < COREVISOR; vmid++) {
		CHECK(run_state()->shadow_ctxts[vmid][7].ctxt_regs.x[1] ==
		      (SECRET << 16 | vmid));
	}
	/* In the C two of them meet as soon as there are 256. */
	CHECK(vmid_field_c(1) == vmid_field_c(257));
}

static void g54_number_of_affinity_info(void)
{
	start_and_run();
	vm_sets(0, PSCI_0_2_FN64_AFFINITY_INFO);
	vm_traps(HVC, 0);
	CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
	CHECK(window()->regs[1] == (SECRET << 16 | 1) &&
	      window()->regs[2] == (SECRET << 16 | 2) &&
	      window()->regs[3] == 0);
	fork_vcpu();
	coq_ctxt()->ctxt_states.dirty = 0;
	CHECK(save_shadow_kvm_regs_coq(&coq) == SOME);
	CHECK(disclosed_coq.nr == 0);
}

static void g20_power_off_by_the_vm(void)
{
	static const uint64_t functions[] = {
		PSCI_0_2_FN_SYSTEM_OFF, PSCI_0_2_FN_SYSTEM_RESET,
		PSCI_1_1_FN_SYSTEM_RESET2, PSCI_1_1_FN64_SYSTEM_RESET2,
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		run_start(4);
		start_and_run();
		vm_sets(0, functions[i]);
		vm_traps(HVC, 0);
		CHECK(vcpu_run(1, VCPU) == ARM_EXCEPTION_TRAP);
		CHECK(run_state()->vms[1].state == POWEROFF);
		CHECK(run_state()->vms[1].vcpu[VCPU] == READY);
		CHECK(vcpu_run(1, VCPU) == call_result(NONE_BUSY));
		CHECK(CALL(OP_DESTROY_VM, 1) == ANSWER_OK);
		CHECK(ctxt()->ctxt_regs.x[5] == 0);
		CHECK(window()->regs[0] == 0);
	}
}

const struct defect_test defects_vcpus[] = {
	{ "G6 number of no vCPU", g6_number_of_no_vcpu, 4 },
	{ "G8 the window is not followed",
	  g8_nothing_in_the_window_is_followed, 4 },
	{ "G13 refusal that looks like an exit",
	  g13_refusal_that_looks_like_an_exit, 4 },
	{ "G19 answer to another address", g19_answer_to_another_address, 4 },
	{ "G20, G22 power off by the VM", g20_power_off_by_the_vm, 4 },
	{ "G37 verification in steps", g37_verification_in_steps, 4 },
	{ "G39 nobody looks at the image", g39_nobody_looks_at_the_image, 4 },
	{ "G41 where a vCPU starts", g41_where_a_vcpu_starts, 4 },
	{ "G41 vCPUs that the VM turns on", g41_vcpus_that_the_vm_turns_on, 4 },
	{ "G41 turned on twice", g41_turned_on_twice, 4 },
	{ "G42 vCPU of a VM that is verified",
	  g42_vcpu_of_a_vm_that_is_verified, 4 },
	{ "G43 VMIDs of all VMs", g43_vmids_of_all_vms, FW_MAX_CHUNKS },
	{ "G44 syndrome in the window", g44_syndrome_in_the_window, 4 },
	{ "G45 register 31", g45_register_31, 4 },
	{ "G46 what the host cannot emulate",
	  g46_what_the_host_cannot_emulate, 4 },
	{ "G46 bytes of a load", g46_bytes_of_a_load, 4 },
	{ "G47 a load goes on", g47_load_goes_on, 4 },
	{ "G47 result of every call", g47_result_of_every_call, 4 },
	{ "G48, G49 exception of an access", g49_exception_of_an_access, 4 },
	{ "G50 reset of all registers", g50_reset_of_all_registers, 4 },
	{ "G51 FP registers of the host", g51_fp_registers_of_the_host, 4 },
	{ "G52 stack pointer and place", g52_stack_pointer_and_place, 4 },
	{ "G53, G55 trap of no known class", g55_trap_of_no_known_class, 4 },
	{ "G54 number of AFFINITY_INFO", g54_number_of_affinity_info, 4 },
	{ "G56, G59 system register", g56_system_register, 4 },
	{ "G58 what an exit shows", g58_what_an_exit_shows, 4 },
	{ "G59 every ID register", g59_every_id_register, 4 },
	{ "G60 virtual counter", g60_virtual_counter, 4 },
	{ NULL, NULL, 0 },
};
