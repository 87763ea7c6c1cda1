/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generating calls out of the values of values.h.
 */
#include "generate.h"

#include <string.h>

#include "fw.h"
#include "values.h"

static void host_call(struct bytes *bytes, const struct rdata *adt,
		      struct call *call)
{
	static const uint64_t syndromes[] = {
		0x93c08004, 0x93c08007, 0x82000006, 0x93c0804f, 0x93c08044,
		0x93808044, 0x93df8004, 0x93df8044, 0x93e18004, 0x93a18004,
		0x93800004, 0x92000004, 0x93c08084, 0x93408004, 0x93a10004,
		0x93818104,
	};
	uint64_t *arg = call->arg;

	switch ((int)call->op) {
	case OP_HOST_FAULT:
		if (pick(bytes, 2) == 0) {
			arg[0] = some_pfn(bytes, adt) << 4;
			arg[2] = byte(bytes);
		} else {
			arg[0] = (FW_SMMU_BASE / PAGE_SIZE +
				  pick(bytes, 33)) << 4;
			arg[2] = (uint64_t)byte(bytes) * 16;
		}
		arg[0] |= pick(bytes, 8) == 0 ? 15 : 0;
		arg[1] = pick(bytes, 16) == 0 ? word(bytes) :
						PICK(bytes, syndromes);
		break;
	case OP_MAP_PAGE_HOST:
		arg[0] = addr_in(some_pfn(bytes, adt), bytes);
		break;
	default:
		arg[0] = addr_in(some_pfn(bytes, adt), bytes);
		arg[1] = pick(bytes, 30);
		arg[2] = byte(bytes);
		break;
	}
}

static void hvc_call(struct bytes *bytes, const struct rdata *adt,
		     uint64_t *arg)
{
	static const uint64_t numbers[] = {
		HVC_CLEAR_VM_S2_RANGE, HVC_SET_BOOT_INFO, HVC_REMAP_VM_IMAGE,
		HVC_PHYS_ADDR_IOREMAP, HVC_SET_BOOT_INFO, HVC_REMAP_VM_IMAGE,
		HVC_PHYS_ADDR_IOREMAP, HVC_CLEAR_VM_S2_RANGE,
		HVC_REGISTER_KVM, HVC_DESTROY_VM, HVC_TIMER_SET_CNTVOFF,
		HVC_REGISTER_VCPU, HVC_GET_INFO, HVC_VERIFY_VM_IMAGES,
	};

	arg[0] = pick(bytes, 16) == 0 ? hostile(bytes) : PICK(bytes, numbers);
	arg[1] = pick(bytes, 6) == 0 ? hostile(bytes) : live_vm(bytes, adt);
	switch (arg[0]) {
	case HVC_CLEAR_VM_S2_RANGE:
		arg[2] = pick(bytes, 2) == 0 ? 0 :
			 addr_in(some_pfn(bytes, adt), bytes);
		arg[3] = pick(bytes, 2) == 0 ? KVM_PHYS_SIZE :
					       some_size(bytes);
		break;
	case HVC_TIMER_SET_CNTVOFF:
		arg[2] = word(bytes);
		break;
	case HVC_GET_INFO:
		arg[1] = pick(bytes, 4);
		break;
	case HVC_REGISTER_VCPU:
		arg[2] = pick(bytes, 8) == 0 ? hostile(bytes) : pick(bytes, 8);
		break;
	case HVC_REMAP_VM_IMAGE:
		arg[2] = some_pfn(bytes, adt);
		arg[3] = pick(bytes, 8) == 0 ? hostile(bytes) : pick(bytes, 3);
		break;
	default:
		arg[2] = addr_in(new_gfn(bytes), bytes);
		arg[3] = arg[0] == HVC_PHYS_ADDR_IOREMAP ? device_pa(bytes) :
							   some_size(bytes);
		arg[4] = some_size(bytes);
		break;
	}
}

static void vm_world_call(struct bytes *bytes, const struct rdata *adt,
			  struct call *call)
{
	static const uint64_t numbers[] = {
		HVC_KVM_SET_DESC_PFN, HVC_KVM_UNSET_DESC_PFN,
		HVC_KVM_SET_DESC_PFN, HVC_KVM_UNSET_DESC_PFN, 0x83000,
		HVC_KVM_ACCEPT_DEVICE, 0x100081000, 0,
	};
	uint64_t *arg = call->arg;
	uint32_t vmid = live_vm(bytes, adt);

	arg[0] = vmid;
	arg[1] = pick(bytes, 2) * 7;
	if (call->op == OP_PVOP) {
		arg[2] = PICK(bytes, numbers);
		arg[3] = addr_in(some_gfn(bytes, vmid, adt), bytes);
		arg[4] = some_size(bytes);
	} else {
		arg[2] = some_gfn(bytes, vmid, adt);
		arg[3] = pick(bytes, 30);
		arg[4] = byte(bytes);
	}
}

static void vm_fault(struct bytes *bytes, const struct rdata *adt,
		     uint64_t *arg)
{
	static const uint64_t levels[] = { 3, 3, 2, 2, 0, 1, 4, 0xffffffff };
	const struct s2page *page;
	uint64_t gfn, pfn;

	arg[0] = some_vm(bytes, adt);
	arg[3] = PICK(bytes, levels);
	pfn = arg[3] == 2 ? block_pfn(bytes, adt) : some_pfn(bytes, adt);
	gfn = pick(bytes, 3) == 0 ? some_gfn(bytes, (uint32_t)arg[0], adt) :
				    new_gfn(bytes);
	if (pick(bytes, 6) == 0) {
		page = some_owned(bytes, (uint32_t)arg[0], adt);
		if (page != NULL) {
			pfn = pfn_of(page, adt);
			gfn = page->gfn == INVALID64 ? gfn : page->gfn;
		}
	}
	arg[1] = addr_in(gfn, bytes);
	arg[2] = pfn * PAGE_SIZE;
	if (pick(bytes, 16) == 0) {
		arg[2] |= hostile(bytes);
	}
}

/* A VM that is being loaded, so that its images get complete. */
static uint32_t loading_vm(struct bytes *bytes, const struct rdata *adt)
{
	for (uint32_t vmid = 1; vmid < COREVISOR; vmid++) {
		if (adt->vms[vmid].state == READY &&
		    adt->vms[vmid].next_load_idx > 0) {
			return vmid;
		}
	}
	return some_vm(bytes, adt);
}

static void remap_image(struct bytes *bytes, const struct rdata *adt,
			uint64_t *arg)
{
	const struct s2page *page = pick(bytes, 8) == 0 ?
				    some_counted(bytes, adt) : NULL;

	arg[0] = loading_vm(bytes, adt);
	arg[1] = page == NULL ? some_pfn(bytes, adt) : pfn_of(page, adt);
	arg[2] = pick(bytes, adt->vms[arg[0]].next_load_idx + 1);
}

static void host_operation(struct bytes *bytes, const struct rdata *adt,
			   struct call *call)
{
	uint64_t *arg = call->arg;

	arg[0] = some_vm(bytes, adt);
	switch ((int)call->op) {
	case OP_VM_FAULT:
		vm_fault(bytes, adt, arg);
		break;
	case OP_SET_BOOT_INFO:
		arg[1] = new_gfn(bytes) * PAGE_SIZE;
		arg[2] = pick(bytes, 2) == 0 ? 1 + pick(bytes, 3) * 4096 :
					       some_size(bytes);
		break;
	case OP_REMAP_VM_IMAGE:
		remap_image(bytes, adt, arg);
		break;
	case OP_IOREMAP:
		arg[1] = new_gfn(bytes) * PAGE_SIZE;
		arg[2] = device_pa(bytes);
		arg[3] = some_size(bytes);
		if (pick(bytes, 4) == 0) {
			/* Across a GiB, with all its tables missing. */
			arg[1] = (uint64_t)(byte(bytes) + 1) << 30;
			arg[1] -= PAGE_SIZE;
			arg[2] = 0x10000000;
			arg[3] = 2 * PAGE_SIZE;
		}
		break;
	case OP_CLEAR_RANGE:
		arg[1] = pick(bytes, 2) == 0 ? 0 :
			 some_pfn(bytes, adt) * PAGE_SIZE;
		arg[2] = pick(bytes, 2) == 0 ? KVM_PHYS_SIZE :
					       some_size(bytes);
		break;
	case OP_SET_VM_STATE:
		arg[1] = pick(bytes, 3) == 0 ? POWEROFF : VERIFIED;
		break;
	case OP_SET_VCPU_STATE:
		arg[1] = pick(bytes, 8);
		arg[2] = pick(bytes, 4) == 0 ? ACTIVE : READY;
		break;
	default:
		break;
	}
}

static void page_call(struct bytes *bytes, const struct rdata *adt,
		      struct call *call)
{
	uint64_t *arg = call->arg;
	uint32_t vmid = some_vm(bytes, adt);
	const struct s2page *page;

	arg[0] = vmid;
	switch ((int)call->op) {
	case OP_GRANT:
	case OP_REVOKE:
		arg[1] = addr_in(some_gfn(bytes, vmid, adt), bytes);
		arg[2] = some_size(bytes);
		break;
	case OP_ASSIGN:
		arg[1] = some_gfn(bytes, vmid, adt);
		arg[2] = some_pfn(bytes, adt);
		break;
	case OP_MAP_PFN:
		arg[3] = pick(bytes, 8) == 0 ? 2 : 3;
		page = some_owned(bytes, vmid, adt);
		if (page != NULL) {
			arg[1] = page->gfn * PAGE_SIZE;
			arg[2] = pfn_of(page, adt) * PAGE_SIZE;
		}
		break;
	default:
		page = pick(bytes, 2) == 0 ? NULL :
		       some_owned(bytes, vmid, adt);
		arg[1] = page == NULL ? some_pfn(bytes, adt) :
					pfn_of(page, adt);
		break;
	}
}

static void other_call(struct bytes *bytes, const struct rdata *adt,
		       struct call *call)
{
	uint64_t *arg = call->arg;

	switch ((int)call->op) {
	case OP_CLEAR_BLOCK_HOST:
		arg[0] = block_pfn(bytes, adt);
		break;
	case OP_PLANT:
		/* Often what keeps a block from being all of one kind. */
		arg[0] = pick(bytes, 4) != 0 ? some_pfn(bytes, adt) :
			 block_pfn(bytes, adt) + pick(bytes, 2) * 511;
		arg[1] = pick(bytes, 8) == 0 ? COREVISOR : pick(bytes, 4);
		arg[2] = some_count(bytes);
		arg[3] = pick(bytes, 3) == 0 ? INVALID64 : new_gfn(bytes);
		break;
	case OP_WALK:
		arg[0] = some_vm(bytes, adt);
		arg[1] = addr_in(some_gfn(bytes, (uint32_t)arg[0], adt),
				 bytes);
		break;
	default:
		arg[0] = some_pfn(bytes, adt);
		break;
	}
}

/* How often each operation is tried where memory is the subject. */
static const uint8_t memory_weights[NR_OPS] = {
	[OP_HOST_FAULT] = 6, [OP_MAP_PAGE_HOST] = 8, [OP_HOST_LOAD] = 6,
	[OP_HOST_STORE] = 12, [OP_HVC] = 14, [OP_VM_LOAD] = 6,
	[OP_VM_STORE] = 8, [OP_PVOP] = 20, [OP_VM_FAULT] = 40,
	[OP_REGISTER_KVM] = 8, [OP_SET_BOOT_INFO] = 8,
	[OP_REMAP_VM_IMAGE] = 14, [OP_IOREMAP] = 12, [OP_CLEAR_RANGE] = 6,
	[OP_DESTROY_VM] = 2, [OP_SET_VM_STATE] = 4, [OP_SET_VCPU_STATE] = 3,
	[OP_GRANT] = 16, [OP_REVOKE] = 12, [OP_GRANT_PAGE] = 5,
	[OP_REVOKE_PAGE] = 5, [OP_ASSIGN] = 8, [OP_MAP_PFN] = 5,
	[OP_CLEAR_PAGE] = 3, [OP_CLEAR_PFN_HOST] = 4,
	[OP_CLEAR_BLOCK_HOST] = 2, [OP_PLANT] = 8, [OP_WALK] = 3,
	[OP_GET_PFN] = 2,
};

/* And where vCPUs are. */
static const uint8_t vcpu_weights[NR_OPS] = {
	[OP_VCPU_RUN] = 62, [OP_VM_EXIT] = 50, [OP_VM_SET] = 46,
	[OP_WINDOW] = 40, [OP_HOST_SET] = 8, [OP_REGISTER_VCPU] = 5,
	[OP_START_VCPU] = 5, [OP_REGISTER_KVM] = 2, [OP_HVC] = 10,
	[OP_SET_VCPU_STATE] = 3, [OP_SET_VM_STATE] = 2, [OP_VM_FAULT] = 3,
	[OP_HOST_STORE] = 3, [OP_VM_STORE] = 3, [OP_VM_LOAD] = 1,
	[OP_IOREMAP] = 1, [OP_CLEAR_RANGE] = 1, [OP_DESTROY_VM] = 1,
	[OP_GRANT] = 2, [OP_REVOKE] = 1, [OP_PVOP] = 1, [OP_PLANT] = 1,
	[OP_SET_MANIFEST] = 2,
};

/* And where devices are, which is a third of what is done about memory. */
static const uint8_t dma_weights[NR_OPS] = {
	[OP_HVC] = 100, [OP_DMA_LOAD] = 24, [OP_DMA_STORE] = 24,
	[OP_SMMU_WRITE] = 54, [OP_SMMU_READ] = 24, [OP_SMMU_FAULT] = 6,
	[OP_VM_FAULT] = 8, [OP_SET_VM_STATE] = 2, [OP_REGISTER_KVM] = 2,
	[OP_DESTROY_VM] = 2, [OP_CLEAR_RANGE] = 3, [OP_IOREMAP] = 2,
	[OP_HOST_FAULT] = 2, [OP_HOST_STORE] = 2,
};

static const uint8_t *weights = memory_weights;
static bool about_vcpus;

void generate_about_vcpus(bool vcpus)
{
	about_vcpus = vcpus;
}

static void fill_arguments(struct bytes *bytes, const struct rdata *adt,
			   struct call *call)
{
	switch ((int)call->op) {
	case OP_HOST_FAULT:
	case OP_MAP_PAGE_HOST:
	case OP_HOST_LOAD:
	case OP_HOST_STORE:
		host_call(bytes, adt, call);
		break;
	case OP_HVC:
		if (weights == dma_weights) {
			smmu_call(bytes, adt, call->arg);
		} else {
			hvc_call(bytes, adt, call->arg);
		}
		break;
	case OP_VM_LOAD:
	case OP_VM_STORE:
	case OP_PVOP:
		vm_world_call(bytes, adt, call);
		break;
	case OP_VM_FAULT:
	case OP_REGISTER_KVM:
	case OP_SET_BOOT_INFO:
	case OP_REMAP_VM_IMAGE:
	case OP_IOREMAP:
	case OP_CLEAR_RANGE:
	case OP_DESTROY_VM:
	case OP_SET_VM_STATE:
	case OP_SET_VCPU_STATE:
		host_operation(bytes, adt, call);
		break;
	case OP_GRANT:
	case OP_REVOKE:
	case OP_GRANT_PAGE:
	case OP_REVOKE_PAGE:
	case OP_ASSIGN:
	case OP_MAP_PFN:
	case OP_CLEAR_PAGE:
		page_call(bytes, adt, call);
		break;
	case OP_REGISTER_VCPU:
	case OP_START_VCPU:
	case OP_HOST_SET:
	case OP_WINDOW:
	case OP_VM_SET:
	case OP_VM_EXIT:
	case OP_VCPU_RUN:
	case OP_SET_MANIFEST:
		vcpu_arguments(bytes, adt, call);
		break;
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
	case OP_SMMU_READ:
	case OP_SMMU_WRITE:
	case OP_SMMU_FAULT:
		dma_arguments(bytes, adt, call);
		break;
	default:
		other_call(bytes, adt, call);
		break;
	}
}

uint32_t generate_chunks(struct bytes *bytes)
{
	static const uint32_t chunks[] = { 2, 3, 4, 6, FW_MAX_CHUNKS };

	return PICK(bytes, chunks);
}

bool generate_call(struct bytes *bytes, const struct rdata *adt,
		   struct call *call)
{
	uint32_t n = byte(bytes);
	uint32_t op = 0;

	memset(call, 0, sizeof(*call));
	if (bytes->next == bytes->end) {
		return false;
	}
	if (adt->vmids == 0 && byte(bytes) % 2 == 0) {
		call->op = OP_REGISTER_KVM;
		return true;
	}
	if (about_vcpus && byte(bytes) % 2 == 0 &&
	    vcpu_next_step(bytes, adt, call)) {
		return true;
	}
	weights = about_vcpus ? vcpu_weights : memory_weights;
	if (adt->board.nr_smmus > 0 &&
	    byte(bytes) % 8 < (about_vcpus ? 1 : 3)) {
		if (byte(bytes) % 8 < 3 && dma_next_step(bytes, adt, call)) {
			return true;
		}
		weights = dma_weights;
	}
	/* The weights add up to 256 at most; what is left goes to the VMs. */
	while (op < NR_OPS && n >= weights[op]) {
		n -= weights[op++];
	}
	call->op = op == NR_OPS ? OP_VM_FAULT : (enum op)op;
	fill_arguments(bytes, adt, call);
	for (unsigned int i = call_args(call->op); i < MAX_ARGS; i++) {
		call->arg[i] = 0;
	}
	return true;
}
