/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which calls may be made now: those whose callers in the firmware would make
 * them. What the outside world may do is never restricted.
 */
#include "model.h"
#include "spec/npt.h"
#include "spec/page_manager.h"

static bool is_free_ram(uint64_t pfn, const struct rdata *adt)
{
	return is_pfn(pfn) &&
	       get_s2_page_index_spec(pfn * PAGE_SIZE, adt) != INVALID64 &&
	       pfn - fw_el2.base / PAGE_SIZE >= fw_el2.bytes / PAGE_SIZE;
}

static bool vm_maps(uint32_t vmid, uint64_t pfn, const struct rdata *adt)
{
	const struct npt *npt = &adt->npts[vmid];

	for (uint32_t i = 0; i < npt->nr_runs; i++) {
		if (pfn - npt->runs[i].pfn < npt->runs[i].pages) {
			return true;
		}
	}
	return false;
}

static bool some_vm_maps(uint64_t pfn, const struct rdata *adt)
{
	for (uint32_t vmid = 1; vmid < COREVISOR; vmid++) {
		if (vm_maps(vmid, pfn, adt)) {
			return true;
		}
	}
	return false;
}

/* Also one that a bank which is given up still counts. */
static bool some_bank_maps(uint64_t pfn, const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
			const struct npt *spt = &adt->spts[i][n];

			for (uint32_t k = 0; k < spt->nr_runs; k++) {
				if (pfn - spt->runs[k].pfn <
				    spt->runs[k].pages) {
					return true;
				}
			}
		}
	}
	return false;
}

/* map_pfn_vm: the pages are assigned to just these gfns. */
static bool are_assigned(const uint64_t *arg, const struct rdata *adt)
{
	uint64_t num = arg[3] == 2 ? PMD_PAGE_NUM : 1;
	uint32_t state = adt->vms[arg[0]].state;

	if (!is_paddr(arg[1]) || !is_paddr(arg[2]) ||
	    !is_aligned(arg[1] | arg[2], num * PAGE_SIZE) ||
	    (state != READY && state != VERIFIED)) {
		return false;
	}
	for (uint64_t i = 0; i < num; i++) {
		uint64_t page = get_s2_page_index_spec(arg[2] + i * PAGE_SIZE,
						       adt);

		if (page == INVALID64 || adt->s2page[page].owner != arg[0] ||
		    adt->s2page[page].gfn != arg[1] / PAGE_SIZE + i ||
		    adt->s2page[page].count == INVALID) {
			return false;
		}
	}
	return true;
}

/* A VM that is powered off gets no page any more. */
static bool can_own_more(uint64_t owner, const struct rdata *adt)
{
	return owner <= COREVISOR && adt->vms[owner].state != POWEROFF;
}

static bool can_plant(const uint64_t *arg, const struct rdata *adt)
{
	return is_free_ram(arg[0], adt) && !some_vm_maps(arg[0], adt) &&
	       !some_bank_maps(arg[0], adt) && can_own_more(arg[1], adt) &&
	       (arg[2] <= MAX_SHARE_COUNT || arg[2] == INVALID) &&
	       (arg[3] < KVM_GFN_SPACE || arg[3] == INVALID64);
}

static bool can_set_vm_state(const uint64_t *arg, const struct rdata *adt)
{
	uint32_t state = adt->vms[arg[0]].state;

	return state != UNUSED && arg[1] >= state && arg[1] != MAPPED &&
	       arg[1] <= POWEROFF && (state != MAPPED || arg[1] == POWEROFF);
}

/* Of one that is registered: as if another CPU ran it, and back. */
static bool can_set_vcpu_state(const uint64_t *arg, const struct rdata *adt)
{
	return is_vcpu(arg[1]) && adt->vms[arg[0]].vcpu[arg[1]] != UNUSED &&
	       (arg[2] == READY || arg[2] == ACTIVE);
}

static bool can_start_vcpu(const uint64_t *arg, const struct rdata *adt)
{
	return is_vcpu(arg[1]) && adt->vms[arg[0]].state == VERIFIED &&
	       adt->vms[arg[0]].vcpu[arg[1]] != UNUSED &&
	       adt->vms[arg[0]].boot[arg[1]].power == VCPU_OFF;
}

/* Into a window that EL2 knows. */
static bool can_tell(const uint64_t *arg, const struct rdata *adt)
{
	return (adt->vmids >> arg[0] & 1) != 0 && is_vcpu(arg[1]) &&
	       arg[2] < NR_WINDOW_FIELDS;
}

/* What runs at EL1 has a PSTATE of EL1 or EL0, in AArch64 or AArch32's EL0. */
static bool is_world_pstate(uint64_t pstate)
{
	uint64_t mode = pstate & 31;

	return pstate <= UINT32_MAX &&
	       (mode == 0 || mode == 4 || mode == 5 || mode == 16);
}

static bool can_set_register(const uint64_t *arg)
{
	return is_world_register(arg[0]) &&
	       (arg[0] != PSTATE || is_world_pstate(arg[1]));
}

/* Not a trap of FP registers: when there is one, the firmware decides. */
static bool can_exit(const uint64_t *arg)
{
	return arg[0] <= ARM_EXCEPTION_TRAP &&
	       (arg[1] & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT !=
	       ESR_ELx_EC_FP;
}

/* Is there room in the model's arrays, whatever the call does? */
static bool has_room(const struct rdata *adt)
{
	for (uint32_t vmid = 0; vmid < COREVISOR; vmid++) {
		if (adt->npts[vmid].nr_runs > MAX_RUNS - 8 ||
		    adt->npts[vmid].nr_pmd_tables > MAX_PMD_TABLES - 4) {
			return false;
		}
	}
	for (uint32_t i = 0; i < EL2_SMMU_CFG_SIZE; i++) {
		const struct npt *spt = &adt->spts[i / SMMU_NUM_CTXT_BANKS]
						  [i % SMMU_NUM_CTXT_BANKS];

		if (spt->nr_runs > MAX_RUNS - 8 ||
		    spt->nr_pmd_tables > MAX_PMD_TABLES - 4) {
			return false;
		}
	}
	return true;
}

/* A stream id has 15 bits, and an address a device's 64. */
static bool can_do_dma(const uint64_t *arg, const struct rdata *adt)
{
	return arg[0] < adt->board.nr_smmus && arg[1] < SMMU_STREAM_SPACE;
}

/* Whether a register is of a bank that is nobody's, where nothing goes wrong. */
static bool is_off(uint64_t reg, const struct smmu *smmu)
{
	uint64_t n = reg >= SMMU_GLOBAL_BASE ?
		     (reg - SMMU_GLOBAL_BASE) / PAGE_SIZE :
		     (reg - SMMU_CBFRSYNRA) / 4;

	return n < SMMU_NUM_CTXT_BANKS && smmu->bank[n].vmid == INVALID;
}

/* Registers in which hardware records what went wrong. */
static bool can_record(const uint64_t *arg, const struct rdata *adt)
{
	uint64_t reg = arg[1];

	if (arg[0] >= adt->board.nr_smmus || arg[2] > UINT32_MAX ||
	    reg % 4 != 0 || reg >= FW_SMMU_BYTES ||
	    is_off(reg, &adt->smmus[arg[0]])) {
		return false;
	}
	if (reg == SMMU_SGFSR || (reg >= SMMU_GLOBAL_BASE &&
				  reg % PAGE_SIZE == SMMU_CB_FSR)) {
		/* TF to UUT, SS and MULTI. */
		return (arg[2] & ~UINT64_C(0xc00001fe)) == 0;
	}
	if (reg < SMMU_GLOBAL_BASE) {
		return (reg >= SMMU_SGFAR && reg < SMMU_SGFAR + 8) ||
		       (reg >= SMMU_SGFSYNR0 && reg <= SMMU_SGFSYNR2) ||
		       (reg >= SMMU_CBFRSYNRA &&
			reg < SMMU_CBFRSYNRA + 4 * SMMU_NUM_CTXT_BANKS);
	}
	return reg % PAGE_SIZE >= SMMU_CB_FAR &&
	       reg % PAGE_SIZE < SMMU_CB_IPAFAR + 8;
}

static bool allows_vm_call(const struct call *call, const struct rdata *adt)
{
	const uint64_t *arg = call->arg;

	if (!is_vm(arg[0])) {
		return false;
	}
	switch ((int)call->op) {
	case OP_VM_LOAD:
	case OP_VM_STORE:
		/* Nothing of a VM runs while its images are hashed. */
		return is_vcpu(arg[1]) && is_gfn(arg[2]) && arg[3] < 30 &&
		       adt->vms[arg[0]].state != MAPPED;
	case OP_PVOP:
		return is_vcpu(arg[1]);
	case OP_REMAP_VM_IMAGE:
		return arg[2] <= INVALID;
	case OP_VM_FAULT:
		return arg[3] <= INVALID;
	case OP_SET_VM_STATE:
		return can_set_vm_state(arg, adt);
	case OP_SET_VCPU_STATE:
		return can_set_vcpu_state(arg, adt);
	case OP_REGISTER_VCPU:
		return arg[1] <= INVALID;
	case OP_SET_MANIFEST:
		return arg[1] <= INVALID && arg[4] < NR_FLAWS;
	case OP_START_VCPU:
		return can_start_vcpu(arg, adt);
	case OP_WINDOW:
		return can_tell(arg, adt);
	case OP_ASSIGN:
		return can_own_more(arg[0], adt);
	case OP_MAP_PFN:
		return are_assigned(arg, adt);
	case OP_CLEAR_PAGE:
		return !is_pfn(arg[1]) ||
		       (!vm_maps((uint32_t)arg[0], arg[1], adt) &&
			!some_bank_maps(arg[1], adt));
	case OP_WALK:
		return is_paddr(arg[1]);
	default:
		return true;
	}
}

/*
 * Not the calls of sealed state for a VM; SET_MANIFEST has an operation of its
 * own.
 */
static bool is_specified_call(const uint64_t *arg)
{
	switch (arg[0]) {
	case HVC_BOOT_FROM_SAVED_VM:
	case HVC_ENCRYPT_BUF:
	case HVC_DECRYPT_BUF:
	case HVC_SAVE_CRYPT_VCPU:
	case HVC_LOAD_CRYPT_VCPU:
	case HVC_SET_MANIFEST:
	case HVC_SEAL_VM:
		return !is_vm(arg[1]);
	default:
		return true;
	}
}

bool model_allows(const struct call *call, const struct rdata *adt)
{
	const uint64_t *arg = call->arg;

	if (!has_room(adt)) {
		return false;
	}
	switch ((int)call->op) {
	case OP_HOST_LOAD:
	case OP_HOST_STORE:
		return is_paddr(arg[0]) && arg[1] < 30;
	case OP_HVC:
		return is_specified_call(arg);
	case OP_HOST_FAULT:
	case OP_MAP_PAGE_HOST:
	case OP_REGISTER_KVM:
	case OP_GET_PFN:
	case OP_VCPU_RUN:
		return true;
	case OP_HOST_SET:
		return can_set_register(arg) && arg[0] != PC &&
		       arg[0] != PSTATE && arg[0] != CNTV_CTL_EL0 &&
		       arg[0] != CNTV_CVAL_EL0;
	case OP_VM_SET:
		return can_set_register(arg);
	case OP_VM_EXIT:
		return can_exit(arg);
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
		return can_do_dma(arg, adt);
	case OP_SMMU_READ:
	case OP_SMMU_WRITE:
		return arg[0] < adt->board.nr_smmus &&
		       arg[1] < FW_SMMU_BYTES && (arg[2] == 4 || arg[2] == 8);
	case OP_SMMU_FAULT:
		return can_record(arg, adt);
	case OP_CLEAR_PFN_HOST:
		return is_free_ram(arg[0], adt);
	case OP_CLEAR_BLOCK_HOST:
		return is_free_ram(arg[0], adt) &&
		       is_aligned(arg[0], PMD_PAGE_NUM);
	case OP_PLANT:
		return can_plant(arg, adt);
	default:
		return allows_vm_call(call, adt);
	}
}
