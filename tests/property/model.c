/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls by the specification. A panic or a None leaves the state as it was
 * before the call: that is what the firmware must do too.
 */
#include "model.h"

#include <string.h>

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/dma.h"
#include "spec/fault_handler.h"
#include "spec/locks.h"
#include "spec/mem_handler.h"
#include "spec/mem_manager.h"
#include "spec/memory_ops.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/trap_dispatcher.h"

_Static_assert((int)SOME == ANSWER_OK && (int)AGAIN == ANSWER_AGAIN &&
	       (int)NONE_INVAL == ANSWER_INVAL &&
	       (int)NONE_PERM == ANSWER_PERM &&
	       (int)NONE_BUSY == ANSWER_BUSY &&
	       (int)NONE_NOMEM == ANSWER_NOMEM &&
	       (int)NONE_NOTSUP == ANSWER_NOTSUP, "same order");

#define HOST_PC	UINT64_C(0x80000)

/* The host's device windows of the board (docs/board.rst). */
static const struct pa_window windows[] = {
	{ 0x08000000, 0x00050000 },	/* GIC */
	{ 0x080a0000, 0x00100000 },	/* redistributors */
	{ 0x09000000, 0x00001000 },	/* UART0 */
	{ 0x09010000, 0x00001000 },	/* RTC */
	{ 0x09020000, 0x00001000 },	/* fw_cfg */
	{ 0x09030000, 0x00001000 },	/* GPIO */
	{ 0x0a000000, 0x00004000 },	/* virtio-mmio */
	{ 0x0b010000, 0x00008000 },	/* hypsec-dma */
	{ 0x10000000, 0x2eff0000 },	/* PCIe memory */
	{ 0x3eff0000, 0x00010000 },	/* PCIe I/O */
	{ 0x3f000000, 0x01000000 },	/* PCIe configuration */
};

static void describe_smmus(struct board *board)
{
	board->nr_smmus = fw_nr_smmus();
	board->doorbell = FW_DOORBELL;
	if (board->nr_smmus == 0) {
		return;
	}
	for (uint32_t i = 0; i < board->nr_smmus; i++) {
		board->smmus[i] = (struct smmu_place){
			fw_smmu(i).base, fw_smmu(i).bytes, fw_smmu_banks(i) };
	}
	for (uint32_t i = 0; i < FW_DMA_DEVICES; i++) {
		board->dma[i] = (struct dma_place){
			{ FW_DMA_BASE + i * PAGE_SIZE, PAGE_SIZE },
			FW_DMA_SMMU, FW_DMA_STREAM + i };
	}
	board->nr_dma = FW_DMA_DEVICES;
	board->spt_chunks = fw_spt_free();
}

void model_start(uint32_t chunks, struct rdata *adt)
{
	struct board board = { .nr_regions = FW_NR_RAM };

	for (uint32_t i = 0; i < FW_NR_RAM; i++) {
		board.regions[i] = (struct pa_window){ fw_ram[i].base,
						       fw_ram[i].bytes };
	}
	describe_smmus(&board);
	board.pan = fw_has_pan();
	board.ssbs = fw_has_ssbs();
	board.mte = fw_has_mte();
	board.nmi = fw_has_nmi();
	board.actlr_el1 = FW_ACTLR;
	for (uint32_t id = 0; id < 64; id++) {
		board.id[id] = fw_id_register(id);
	}
	board.shared = (struct pa_window){ fw_shared.base, fw_shared.bytes };
	board.nr_windows = sizeof(windows) / sizeof(windows[0]);
	memcpy(board.windows, windows, sizeof(windows));
	empty_adt(&board, chunks, adt);
	model_start_worlds(adt);
	for (uint64_t i = 0; i < fw_el2.bytes / PAGE_SIZE; i++) {
		uint64_t pa = fw_el2.base + i * PAGE_SIZE;

		adt->s2page[get_s2_page_index_spec(pa, adt)].owner = COREVISOR;
	}
}

/* What the SMMU's register holds at the faulting address. */
static uint64_t register_oracle(uint64_t hpfar, uint64_t far)
{
	uint64_t ipa = (hpfar & HPFAR_MASK) * 256 | (far & (PAGE_SIZE - 1));
	uint64_t at = ipa - FW_SMMU_BASE;

	if (at >= fw_nr_smmus() * FW_SMMU_BYTES) {
		return 0;
	}
	return fw_smmu_reg((uint32_t)(at / FW_SMMU_BYTES),
			   at % FW_SMMU_BYTES / 4 * 4, at % 8 < 4 ? 8 : 4);
}

static enum option host_fault(uint64_t hpfar, uint64_t esr, uint64_t far,
			      struct rdata *adt)
{
	uint64_t word = register_oracle(hpfar, far);
	enum option done;

	adt->hpfar_el2 = hpfar;
	adt->esr_el2 = esr;
	adt->far_el2 = far;
	adt->elr_el2 = HOST_PC;
	adt->spsr_el2 = PSTATE_FAULT_BITS_64;
	adt->doracle = (struct oracle){ &word, 1, 0 };
	done = handle_host_stage2_fault_spec(adt);
	/* Whatever the reason, the host gets an abort. */
	return done == SOME ? SOME : done == STUCK ? STUCK : NONE_PERM;
}

static enum option host_access(const struct call *call, uint64_t loaded,
			       struct rdata *adt)
{
	uint64_t gfn = call->arg[0] / PAGE_SIZE;
	uint32_t reg = (uint32_t)call->arg[1];
	bool write = call->op == OP_HOST_STORE;

	if (npt_get(&adt->npts[HOSTVISOR], gfn).level == 0) {
		WHEN(host_fault(gfn << 4, UINT64_C(0x93c08004) |
				(write ? ESR_ELx_WNR : 0) | reg << 16,
				call->arg[0], adt));
		if (adt->halt || adt->elr_el2 != HOST_PC) {
			return SOME;
		}
	}
	adt->doracle = (struct oracle){ &loaded, 1, 0 };
	return write ? mem_store_ref_spec(gfn, reg, adt) :
		       mem_load_ref_spec(gfn, reg, adt);
}

static enum option smmu_access(const uint64_t *arg, bool write,
			       struct rdata *adt)
{
	uint64_t ipa = adt->board.smmus[arg[0]].base + arg[1];

	return host_fault(ipa / PAGE_SIZE << 4,
			  UINT64_C(0x93000007) |
			  (arg[2] == 8 ? UINT64_C(0x00c08000) : 0x00800000) |
			  (write ? ESR_ELx_WNR | 5 << 16 : 6 << 16), ipa, adt);
}

static enum option dma_access(const uint64_t *arg, bool write,
			      struct rdata *adt, uint64_t *value)
{
	uint32_t index = (uint32_t)arg[0], stream = (uint32_t)arg[1];

	return write ? dma_store(index, stream, arg[2], arg[3], adt) :
		       dma_load(index, stream, arg[2], adt, value);
}

static enum option vm_access(const struct call *call, uint64_t loaded,
			     struct rdata *adt)
{
	uint32_t reg = (uint32_t)call->arg[3];
	enum option done;

	WHEN(set_per_cpu_spec((uint32_t)call->arg[0], (uint32_t)call->arg[1],
			      adt));
	adt->doracle = (struct oracle){ &loaded, 1, 0 };
	done = call->op == OP_VM_STORE ?
	       mem_store_ref_spec(call->arg[2], reg, adt) :
	       mem_load_ref_spec(call->arg[2], reg, adt);
	WHEN(set_per_cpu_spec(HOSTVISOR, 0, adt));
	return done;
}

static enum option pvop(const struct call *call, struct rdata *adt,
			uint64_t *value)
{
	uint32_t ret;

	WHEN(set_per_cpu_spec((uint32_t)call->arg[0], (uint32_t)call->arg[1],
			      adt));
	WHEN(core_handle_pvops_spec(adt, &ret));
	*value = ret;
	return set_per_cpu_spec(HOSTVISOR, 0, adt);
}

static enum option set_state(const struct call *call, struct rdata *adt)
{
	uint32_t vmid = (uint32_t)call->arg[0];
	uint32_t first = (uint32_t)call->arg[1];

	WHEN(acquire_lock_vm_spec(vmid, adt));
	if (call->op == OP_SET_VM_STATE) {
		WHEN(set_vm_state_spec(vmid, first, adt));
	} else {
		WHEN(set_vcpu_state_spec(vmid, first, (uint32_t)call->arg[2],
					 adt));
	}
	return release_lock_vm_spec(vmid, adt);
}

static enum option plant(const uint64_t *arg, struct rdata *adt)
{
	WHEN(clear_pfn_host_spec(arg[0], adt));
	WHEN(set_pfn_owner_spec(arg[0], (uint32_t)arg[1], adt));
	WHEN(set_pfn_count_spec(arg[0], (uint32_t)arg[2], adt));
	return set_pfn_map_spec(arg[0], arg[3], adt);
}

static enum option clear_block_host(uint64_t pfn, struct rdata *adt)
{
	for (uint64_t i = 0; i < PMD_PAGE_NUM; i++) {
		WHEN(clear_pfn_host_spec(pfn + i, adt));
	}
	return SOME;
}

static enum option locked_call(const struct call *call, struct rdata *adt)
{
	const uint64_t *arg = call->arg;
	uint32_t vmid = (uint32_t)arg[0];

	WHEN(acquire_lock_s2page_spec(adt));
	switch ((int)call->op) {
	case OP_GRANT_PAGE:
		WHEN(grant_vm_page_spec(vmid, arg[1], adt));
		break;
	case OP_REVOKE_PAGE:
		WHEN(revoke_vm_page_spec(vmid, arg[1], adt));
		break;
	case OP_ASSIGN:
		WHEN(assign_pfn_to_vm_spec(vmid, arg[1], arg[2], adt));
		break;
	case OP_MAP_PFN:
		WHEN(map_pfn_vm_spec(vmid, arg[1], arg[2], (uint32_t)arg[3],
				     adt));
		break;
	case OP_CLEAR_PAGE:
		WHEN(clear_vm_page_spec(vmid, arg[1], adt));
		break;
	case OP_CLEAR_PFN_HOST:
		WHEN(clear_pfn_host_spec(arg[0], adt));
		break;
	case OP_CLEAR_BLOCK_HOST:
		WHEN(clear_block_host(arg[0], adt));
		break;
	default:
		WHEN(plant(arg, adt));
		break;
	}
	return release_lock_s2page_spec(adt);
}

static enum option read_only_call(const struct call *call, struct rdata *adt,
				  uint64_t *value)
{
	uint32_t owner, count, level;

	if (call->op == OP_WALK) {
		uint32_t vmid = (uint32_t)call->arg[0];

		WHEN(walk_s2pt_spec(vmid, call->arg[1], adt, &value[0]));
		WHEN(get_level_s2pt_spec(vmid, call->arg[1], adt, &level));
		value[1] = level;
		return SOME;
	}
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(get_pfn_owner_spec(call->arg[0], adt, &owner));
	WHEN(get_pfn_count_spec(call->arg[0], adt, &count));
	WHEN(get_pfn_map_spec(call->arg[0], adt, &value[2]));
	value[0] = owner;
	value[1] = count;
	return release_lock_s2page_spec(adt);
}

static enum option operation(const struct call *call, struct rdata *adt,
			     uint64_t *value)
{
	const uint64_t *arg = call->arg;
	uint32_t vmid = (uint32_t)arg[0], number = 0;

	switch ((int)call->op) {
	case OP_MAP_PAGE_HOST:
		return map_page_host_spec(arg[0], adt);
	case OP_VM_FAULT:
		return prot_and_map_vm_s2pt_spec(vmid, arg[1], arg[2],
						 (uint32_t)arg[3], adt);
	case OP_REGISTER_KVM:
		WHEN(register_kvm_spec(adt, &number));
		break;
	case OP_SET_BOOT_INFO:
		WHEN(set_boot_info_spec(vmid, arg[1], arg[2], adt, &number));
		break;
	case OP_REMAP_VM_IMAGE:
		return remap_vm_image_spec(vmid, arg[1], (uint32_t)arg[2],
					   adt);
	case OP_IOREMAP:
		return kvm_phys_addr_ioremap_spec(vmid, arg[1], arg[2],
						  arg[3], adt);
	case OP_CLEAR_RANGE:
		return clear_vm_stage2_range_spec(vmid, arg[1], arg[2], adt);
	case OP_DESTROY_VM:
		return destroy_vm_spec(vmid, adt);
	case OP_GRANT:
		return grant_stage2_sg_gpa_spec(vmid, arg[1], arg[2], adt);
	case OP_REVOKE:
		return revoke_stage2_sg_gpa_spec(vmid, arg[1], arg[2], adt);
	case OP_SET_VM_STATE:
	case OP_SET_VCPU_STATE:
		return set_state(call, adt);
	case OP_WALK:
	case OP_GET_PFN:
		return read_only_call(call, adt, value);
	default:
		return locked_call(call, adt);
	}
	value[0] = number;
	return SOME;
}

/* What the world does before the call: it loads its registers. */
static void load_registers(const struct call *call, struct rdata *adt)
{
	const uint64_t *arg = call->arg;
	uint64_t *gprs;

	if (call->op == OP_HVC) {
		memcpy(adt->host_regs, arg, MAX_ARGS * sizeof(arg[0]));
	} else if (call->op == OP_VCPU_RUN) {
		adt->host_regs[0] = HVC_VCPU_RUN;
		adt->host_regs[1] = arg[0];
		adt->host_regs[2] = arg[1];
	} else if (call->op == OP_HOST_STORE) {
		adt->host_regs[arg[1]] = arg[2];
	} else if (call->op == OP_SMMU_WRITE) {
		adt->host_regs[5] = arg[3];
	} else if (call->op == OP_VM_STORE) {
		adt->shadow_ctxts[arg[0]][arg[1]].ctxt_regs.x[arg[3]] =
			arg[4];
	} else if (call->op == OP_PVOP) {
		gprs = adt->shadow_ctxts[arg[0]][arg[1]].ctxt_regs.x;
		gprs[X0] = arg[2];
		gprs[X2] = arg[3];
		gprs[X3] = arg[4];
	}
}

static enum option run(const struct call *call, const struct script *script,
		       struct rdata *adt, uint64_t *value)
{
	switch ((int)call->op) {
	case OP_VCPU_RUN:
		WHEN(model_vcpu_run(script, adt, model_entered,
				    &model_nr_entered));
		value[0] = adt->host_regs[0];
		return SOME;
	case OP_REGISTER_VCPU:
	case OP_START_VCPU:
	case OP_HOST_SET:
	case OP_WINDOW:
	case OP_SET_MANIFEST:
		return vcpu_call(call, adt);
	case OP_HOST_FAULT:
		WHEN(host_fault(call->arg[0], call->arg[1], call->arg[2],
				adt));
		value[0] = adt->elr_el2;
		return SOME;
	case OP_HOST_LOAD:
	case OP_HOST_STORE:
		return host_access(call, fw_host_gpr((uint32_t)call->arg[1]),
				   adt);
	case OP_VM_LOAD:
	case OP_VM_STORE:
		return vm_access(call, fw_get_gpr((uint32_t)call->arg[0],
						  (uint32_t)call->arg[1],
						  (uint32_t)call->arg[3]), adt);
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
		return dma_access(call->arg, call->op == OP_DMA_STORE, adt,
				  &value[0]);
	case OP_SMMU_READ:
	case OP_SMMU_WRITE:
		return smmu_access(call->arg, call->op == OP_SMMU_WRITE, adt);
	case OP_SMMU_FAULT:
		return SOME;
	case OP_PVOP:
		return pvop(call, adt, &value[0]);
	case OP_HVC:
		return host_hvc_dispatcher_spec(adt, &value[0]);
	default:
		return operation(call, adt, value);
	}
}

/* destroy_vm takes back what the firmware took back. */
static uint64_t reclaimed[MAX_RAM_PAGES + 1];

static void ask_reclaimed(const struct call *call, const struct fw_result *fw,
			  struct rdata *adt)
{
	uint64_t vmid = call->arg[0], n = 1, pfn, index = 0;
	bool last = fw->answer == ANSWER_OK;

	adt->core_doracle = (struct oracle){ reclaimed, 0, 0 };
	if (call->op == OP_HVC && call->arg[0] == HVC_DESTROY_VM) {
		vmid = call->arg[1];
		last = fw->value[0] == 0;
	} else if (call->op != OP_DESTROY_VM) {
		return;
	}
	for (uint32_t r = 0; r < FW_NR_RAM; r++) {
		pfn = fw_ram[r].base / PAGE_SIZE;
		for (uint64_t i = 0; i < fw_ram[r].bytes / PAGE_SIZE;
		     i++, index++) {
			if (adt->s2page[index].owner == vmid &&
			    fw_get_page(pfn + i).owner != vmid) {
				reclaimed[n++] = pfn + i;
			}
		}
	}
	reclaimed[0] = last ? 1 : 0;
	adt->core_doracle.count = n;
}

/* So does the end of a host's bank: pages that count a mapping less. */
static void ask_uncounted(const struct call *call, const struct fw_result *fw,
			  struct rdata *adt)
{
	uint64_t cbndx = call->arg[1], index = call->arg[2], n = 1;
	const struct npt *spt;

	if (call->op != OP_HVC || call->arg[0] != HVC_SMMU_FREE_PGD ||
	    index >= adt->board.nr_smmus || cbndx >= SMMU_NUM_CTXT_BANKS ||
	    adt->smmus[index].bank[cbndx].vmid != HOSTVISOR) {
		return;
	}
	spt = &adt->spts[index][cbndx];
	for (uint32_t i = 0; i < spt->nr_runs; i++) {
		for (uint64_t k = 0; k < spt->runs[i].pages; k++) {
			uint64_t pfn = spt->runs[i].pfn + k;
			uint64_t page = get_s2_page_index_spec(pfn * PAGE_SIZE,
							       adt);

			if (fw_get_page(pfn).count < adt->s2page[page].count) {
				reclaimed[n++] = pfn;
			}
		}
	}
	reclaimed[0] = fw->value[0] == 0 ? 1 : 0;
	adt->core_doracle = (struct oracle){ reclaimed, n, 0 };
}

static bool is_refusal(enum option done)
{
	return done != SOME && done != AGAIN;
}

/*
 * What an injection leaves in the host's registers is not the specification's:
 * it has no words for one.
 */
static void take_injected(const struct call *call, struct rdata *adt)
{
	if (call->op == OP_HOST_FAULT || call->op == OP_HOST_LOAD ||
	    call->op == OP_HOST_STORE || call->op == OP_SMMU_READ ||
	    call->op == OP_SMMU_WRITE) {
		adt->cregs.elr_el1 = fw_host_reg(ELR_EL1);
		adt->cregs.spsr_el1 = fw_host_reg(SPSR_EL1);
		adt->cstates.esr_el1 = fw_host_reg(ESR_EL1);
		adt->cregs.sys[FAR_EL1 - MPIDR_EL1] = fw_host_reg(FAR_EL1);
	}
}

bool model_do(const struct call *call, const struct script *script,
	      const struct fw_result *fw, struct rdata *adt,
	      struct rdata *before, struct model_result *result)
{
	enum option done;
	bool ended;

	*result = (struct model_result){ .answer = ANSWER_OK };
	model_nr_entered = 0;
	load_registers(call, adt);
	rdata_copy(before, adt);
	ask_reclaimed(call, fw, adt);
	ask_uncounted(call, fw, adt);
	done = run(call, script, adt, result->value);
	ended = done == ENDED;
	done = ended ? NONE_PERM : done;
	if (done == STUCK) {
		return false;
	}
	if (adt->halt) {
		done = NONE_PERM;
	}
	if (is_refusal(done) && !ended) {
		rdata_copy(adt, before);
	} else if (!lock_all_free(adt)) {
		return false;
	}
	take_injected(call, adt);
	if (call->op == OP_HVC || call->op == OP_VCPU_RUN) {
		result->value[0] = done == SOME ? result->value[0] :
						  call_result(done);
		/* How many tables a VM needs is not its host's doing. */
		result->value[1] = done == NONE_INVAL || done == NONE_PERM ||
				   (done == NONE_NOMEM && call->op == OP_HVC);
		adt->host_regs[0] = result->value[0];
	} else {
		result->answer = (enum answer)done;
	}
	return true;
}
