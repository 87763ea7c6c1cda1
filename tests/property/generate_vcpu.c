/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generating calls about vCPUs: worlds and what they do, answers of the host.
 */
#include "generate.h"

#include "fw.h"
#include "values.h"

/* Few, so that calls meet. */
static uint64_t some_vcpuid(struct bytes *bytes)
{
	return pick(bytes, 16) == 0 ? hostile(bytes) : pick(bytes, 3);
}

static uint32_t some_class(struct bytes *bytes)
{
	static const uint8_t classes[] = {
		ESR_ELx_EC_WFx, ESR_ELx_EC_HVC64, ESR_ELx_EC_HVC64,
		ESR_ELx_EC_HVC64, ESR_ELx_EC_SMC64, ESR_ELx_EC_DABT_LOW,
		ESR_ELx_EC_DABT_LOW, ESR_ELx_EC_DABT_LOW,
		ESR_ELx_EC_DABT_LOW, ESR_ELx_EC_IABT_LOW, ESR_ELx_EC_SYS64,
		ESR_ELx_EC_SYS64, ESR_ELx_EC_BRK64, ESR_ELx_EC_BREAKPT_LOW,
		ESR_ELx_EC_SOFTSTP_LOW, ESR_ELx_EC_WATCHPT_LOW,
		ESR_ELx_EC_BKPT32, ESR_ELx_EC_HVC32, 0, 0x19, 0x1d,
	};

	return pick(bytes, 32) == 0 ? pick(bytes, 64) : PICK(bytes, classes);
}

/* op0, op1, CRn, CRm, op2 of a trapped register as the syndrome has them. */
static uint64_t some_register(struct bytes *bytes)
{
	static const uint8_t registers[][5] = {
		{ 3, 3, 14, 2, 0 },	/* CNTP_TVAL_EL0 */
		{ 3, 3, 14, 2, 1 },	/* CNTP_CTL_EL0 */
		{ 3, 3, 14, 2, 2 },	/* CNTP_CVAL_EL0 */
		{ 3, 0, 12, 11, 5 },	/* ICC_SGI1R_EL1 */
		{ 3, 0, 12, 11, 6 },	/* ICC_ASGI1R_EL1 */
		{ 3, 0, 12, 11, 7 },	/* ICC_SGI0R_EL1 */
		{ 3, 0, 12, 12, 5 },	/* ICC_SRE_EL1 */
		{ 3, 0, 1, 0, 1 },	/* ACTLR_EL1 */
		{ 2, 0, 1, 1, 4 },	/* OSLSR_EL1 */
		{ 2, 0, 1, 0, 4 },	/* OSLAR_EL1 */
		{ 2, 0, 0, 2, 2 },	/* MDSCR_EL1 */
		{ 2, 3, 0, 4, 0 },	/* DBGDTR_EL0 */
		{ 2, 1, 0, 0, 1 },	/* TRCTRACEIDR */
		{ 3, 3, 9, 12, 0 },	/* PMCR_EL0 */
		{ 1, 0, 7, 6, 2 },	/* DC ISW */
	};
	uint32_t n = pick(bytes, 32);
	const uint8_t *r;

	if (n >= sizeof(registers) / sizeof(registers[0])) {
		/* Any ID register. */
		return UINT64_C(3) << 20 | (uint64_t)pick(bytes, 8) << 17 |
		       (uint64_t)pick(bytes, 9) << 1;
	}
	r = registers[n];
	return (uint64_t)r[0] << 20 | (uint64_t)r[4] << 17 |
	       (uint64_t)r[1] << 14 | (uint64_t)r[2] << 10 |
	       (uint64_t)r[3] << 1;
}

static uint64_t some_iss(uint32_t class, struct bytes *bytes)
{
	static const uint8_t fsc[] = { 4, 5, 6, 7, 7, 6, 15, 11, 0, 16, 33 };
	uint64_t iss;

	switch (class) {
	case ESR_ELx_EC_WFx:
		return pick(bytes, 4);
	case ESR_ELx_EC_HVC32:
	case ESR_ELx_EC_HVC64:
	case ESR_ELx_EC_SMC64:
		return pick(bytes, 8) == 0 ? word(bytes) & ESR_IMM16 : 0;
	case ESR_ELx_EC_IABT_LOW:
		return PICK(bytes, fsc) | (pick(bytes, 8) == 0 ? 0x80 : 0);
	case ESR_ELx_EC_DABT_LOW:
		/* Size, sign, register, width of an access that is told. */
		iss = (uint64_t)byte(bytes) << 16 | (uint64_t)byte(bytes) << 8;
		iss &= UINT64_C(0xff8000);
		iss |= pick(bytes, 8) == 0 ? 0 : ESR_ISV;
		iss |= pick(bytes, 2) == 0 ? ESR_ELx_WNR : 0;
		iss |= pick(bytes, 16) == 0 ? ESR_ELx_S1PTW : 0;
		return iss | PICK(bytes, fsc);
	case ESR_ELx_EC_SYS64:
		return some_register(bytes) | pick(bytes, 2) |
		       (uint64_t)pick(bytes, 32) << 5;
	default:
		return word(bytes) & ESR_ISS;
	}
}

static void vm_exit(struct bytes *bytes, const struct rdata *adt,
		    uint64_t *arg)
{
	static const uint64_t devices[] = {
		0x09000, 0x08000, 0x08010, 0x3ffff, 0x00000, 0x0b010,
	};
	uint32_t class, vmid = live_vm(bytes, adt);

	if (pick(bytes, 8) == 0) {
		arg[0] = pick(bytes, 2);
		return;
	}
	class = some_class(bytes);
	arg[0] = ARM_EXCEPTION_TRAP;
	arg[1] = (uint64_t)class << ESR_ELx_EC_SHIFT |
		 (pick(bytes, 4) == 0 ? 0 : ESR_IL) | some_iss(class, bytes);
	arg[2] = word(bytes);
	switch (pick(bytes, 4)) {
	case 0:
		arg[3] = some_gfn(bytes, vmid, adt);
		break;
	case 1:
		arg[3] = UINT64_C(0x80000) + pick(bytes, 4);
		break;
	case 2:
		arg[3] = new_gfn(bytes);
		break;
	default:
		arg[3] = PICK(bytes, devices);
		break;
	}
	arg[3] = arg[3] << 4 | (pick(bytes, 8) == 0 ? 15 : 0);
}

static uint64_t some_world_register(struct bytes *bytes)
{
	for (;;) {
		uint64_t reg = pick(bytes, NR_VIEW);

		if (is_world_register(reg)) {
			return reg;
		}
	}
}

/* Where a VM is: in a kernel or a process, of 64 or 32 bits. */
static uint64_t some_pstate(struct bytes *bytes)
{
	static const uint8_t modes[] = { 5, 5, 5, 4, 0, 0, 16 };

	return (word(bytes) & UINT64_C(0xfffffee0)) | PICK(bytes, modes);
}

static void vm_sets(struct bytes *bytes, uint64_t *arg)
{
	static const uint64_t functions[] = {
		PSCI_0_2_FN64_CPU_ON, PSCI_0_2_FN_CPU_ON, PSCI_0_2_FN_CPU_OFF,
		PSCI_0_2_FN64_CPU_SUSPEND, PSCI_0_2_FN_CPU_SUSPEND,
		PSCI_0_2_FN_AFFINITY_INFO, PSCI_0_2_FN64_AFFINITY_INFO,
		PSCI_1_0_FN_FEATURES, 0x84000000, 0xc6000001,
		HVC_KVM_SET_DESC_PFN, HVC_KVM_UNSET_DESC_PFN,
		HVC_KVM_ACCEPT_DEVICE,
		PSCI_0_2_FN64_CPU_ON, PSCI_0_2_FN_CPU_OFF,
		PSCI_0_2_FN_SYSTEM_OFF, PSCI_0_2_FN_SYSTEM_RESET,
		PSCI_1_1_FN_SYSTEM_RESET2, PSCI_1_1_FN64_SYSTEM_RESET2,
	};
	uint32_t n = pick(bytes, 16);

	if (n < 5) {
		/* The ends of VMs come last, and seldom. */
		arg[0] = X0;
		arg[1] = functions[pick(bytes, pick(bytes, 8) == 0 ? 19 : 15)];
		arg[1] |= pick(bytes, 8) == 0 ? UINT64_C(0xbad) << 32 : 0;
	} else if (n < 8) {
		arg[0] = X1;
		arg[1] = some_vcpuid(bytes);
	} else if (n < 10) {
		/* Also the address and the size of a share. */
		arg[0] = X2 + pick(bytes, 2);
		arg[1] = pick(bytes, 2) == 0 ? word(bytes) :
			 addr_in(0x80000 + pick(bytes, 4), bytes);
	} else if (n == 10) {
		arg[0] = PSTATE;
		arg[1] = some_pstate(bytes);
	} else if (n == 11) {
		arg[0] = CNTV_CTL_EL0;
		arg[1] = pick(bytes, 8);
	} else {
		arg[0] = some_world_register(bytes);
		arg[1] = arg[0] == PSTATE ? some_pstate(bytes) : word(bytes);
	}
}

static void host_tells(struct bytes *bytes, const struct rdata *adt,
		       uint64_t *arg)
{
	uint64_t dirty;

	arg[0] = live_vm(bytes, adt);
	arg[1] = pick(bytes, 3);
	switch (pick(bytes, 8)) {
	case 0:
	case 1:
	case 2:
		arg[2] = WINDOW_NEW_PTE;
		arg[3] = (pick(bytes, 4) == 0 ? block_pfn(bytes, adt) :
						some_pfn(bytes, adt)) *
			 PAGE_SIZE;
		arg[3] = pick(bytes, 8) == 0 ? hostile(bytes) :
			 pick(bytes, 8) == 0 ? 0 : arg[3];
		break;
	case 3:
		arg[2] = WINDOW_NEW_LEVEL;
		arg[3] = pick(bytes, 8) == 0 ? hostile(bytes) :
					       2 + pick(bytes, 2);
		break;
	case 4:
		arg[2] = WINDOW_ANSWER;
		arg[3] = pick(bytes, 8) == 0 ? hostile(bytes) : pick(bytes, 2);
		break;
	case 5:
		arg[2] = WINDOW_HCR + pick(bytes, 4);
		arg[3] = word(bytes);
		break;
	default:
		/* A register that EL2 has asked for, mostly. */
		dirty = adt->shadow_ctxts[arg[0]][arg[1]].ctxt_states.dirty;
		arg[2] = pick(bytes, NUM_GPRS);
		for (uint32_t i = 0; i < NUM_GPRS && pick(bytes, 8) != 0;
		     i++) {
			if ((dirty >> i & 1) != 0) {
				arg[2] = i;
				break;
			}
		}
		arg[3] = word(bytes);
		break;
	}
}

static void vcpu_run(struct bytes *bytes, const struct rdata *adt,
		     uint64_t *arg)
{
	arg[0] = pick(bytes, 32) == 0 ? hostile(bytes) : live_vm(bytes, adt);
	arg[1] = some_vcpuid(bytes);
	/* One that can run, mostly. */
	for (uint32_t i = 0; i < VCPU_PER_VM && is_vm(arg[0]) &&
	     pick(bytes, 32) != 0; i++) {
		const struct vm *vm = &adt->vms[arg[0]];

		if (is_vcpu(arg[1]) && vm->vcpu[arg[1]] == READY &&
		    vm->boot[arg[1]].power != VCPU_OFF) {
			break;
		}
		arg[1] = i;
	}
}

static void set_manifest(struct bytes *bytes, const struct rdata *adt,
			 uint64_t *arg)
{
	const struct vm *vm;

	arg[0] = live_vm(bytes, adt);
	vm = &adt->vms[arg[0]];
	arg[1] = pick(bytes, 16) == 0 ? hostile(bytes) & INVALID : 0;
	/* As many as there are, mostly. */
	while (arg[1] < VCPU_PER_VM && vm->vcpu[arg[1]] != UNUSED) {
		arg[1]++;
	}
	arg[2] = pick(bytes, 16) == 0 ? word(bytes) :
		 vm->load[0].load_addr + (uint64_t)pick(bytes, 8) * 4;
	arg[3] = word(bytes);
	arg[4] = pick(bytes, 3) == 0 ? pick(bytes, NR_FLAWS) : FLAW_NONE;
}

void vcpu_arguments(struct bytes *bytes, const struct rdata *adt,
		    struct call *call)
{
	uint64_t *arg = call->arg;

	switch ((int)call->op) {
	case OP_REGISTER_VCPU:
		arg[0] = live_vm(bytes, adt);
		arg[1] = some_vcpuid(bytes) & INVALID;
		break;
	case OP_START_VCPU:
		arg[0] = live_vm(bytes, adt);
		arg[1] = pick(bytes, 3);
		arg[2] = UINT64_C(0x40200000) + byte(bytes) * UINT64_C(4);
		arg[3] = word(bytes);
		break;
	case OP_SET_MANIFEST:
		set_manifest(bytes, adt, arg);
		break;
	case OP_HOST_SET:
		arg[0] = some_world_register(bytes);
		arg[1] = word(bytes);
		break;
	case OP_WINDOW:
		host_tells(bytes, adt, arg);
		break;
	case OP_VM_SET:
		vm_sets(bytes, arg);
		break;
	case OP_VM_EXIT:
		vm_exit(bytes, adt, arg);
		break;
	default:
		vcpu_run(bytes, adt, arg);
		break;
	}
}

/* A step of a VM on its way to be verified. */
static void boot_step(struct bytes *bytes, const struct rdata *adt,
		      const struct vm *vm, struct call *call)
{
	static const uint64_t sizes[] = { 0x1000, 0x1fff, 0x1001, 0x11000 };
	uint64_t *arg = call->arg;
	uint32_t i;

	for (i = 0; i < vm->next_load_idx; i++) {
		if (vm->load[i].mapped_pages <
		    (vm->load[i].load_size + PAGE_SIZE - 1) / PAGE_SIZE) {
			call->op = OP_REMAP_VM_IMAGE;
			arg[1] = some_pfn(bytes, adt);
			arg[2] = i;
			return;
		}
	}
	if (i == 0 || (i < 3 && pick(bytes, 8) == 0)) {
		call->op = OP_SET_BOOT_INFO;
		arg[1] = UINT64_C(0x40000000) + i * UINT64_C(0x200000);
		arg[2] = PICK(bytes, sizes);
	} else if (!vm->manifest.present || pick(bytes, 8) == 0) {
		call->op = OP_SET_MANIFEST;
		set_manifest(bytes, adt, arg);
	} else {
		call->op = OP_HVC;
		arg[1] = arg[0];
		arg[0] = HVC_VERIFY_VM_IMAGES;
	}
}

/* What is missing before anything can run. */
bool vcpu_next_step(struct bytes *bytes, const struct rdata *adt,
		    struct call *call)
{
	uint32_t vmid = live_vm(bytes, adt), vcpuid = pick(bytes, 3);
	const struct vm *vm = &adt->vms[vmid];

	call->arg[0] = vmid;
	call->arg[1] = vcpuid;
	if (vm->state == READY && vm->vcpu[0] == UNUSED) {
		call->op = OP_REGISTER_VCPU;
		call->arg[1] = 0;
		return true;
	}
	if (vm->state == MAPPED ||
	    (vm->state == READY && pick(bytes, 16) != 0)) {
		boot_step(bytes, adt, vm, call);
		return true;
	}
	if (vm->state == READY) {
		/* As if it had been. */
		call->op = OP_SET_VM_STATE;
		call->arg[1] = VERIFIED;
		return true;
	}
	if (vm->state == VERIFIED && vm->vcpu[vcpuid] == READY &&
	    vm->boot[vcpuid].power == VCPU_OFF && pick(bytes, 2) == 0) {
		call->op = OP_START_VCPU;
		vcpu_arguments(bytes, adt, call);
		return true;
	}
	return false;
}
