/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned int args;
} ops[NR_OPS] = {
	[OP_HOST_FAULT] = { "handle_host_stage2_fault", 3 },
	[OP_MAP_PAGE_HOST] = { "map_page_host", 1 },
	[OP_HOST_LOAD] = { "host_load", 2 },
	[OP_HOST_STORE] = { "host_store", 3 },
	[OP_HVC] = { "host_hvc_dispatcher", 6 },
	[OP_VM_LOAD] = { "vm_load", 4 },
	[OP_VM_STORE] = { "vm_store", 5 },
	[OP_PVOP] = { "core_handle_pvops", 5 },
	[OP_VM_FAULT] = { "prot_and_map_vm_s2pt", 4 },
	[OP_REGISTER_KVM] = { "register_kvm", 0 },
	[OP_SET_BOOT_INFO] = { "set_boot_info", 3 },
	[OP_REMAP_VM_IMAGE] = { "remap_vm_image", 3 },
	[OP_IOREMAP] = { "kvm_phys_addr_ioremap", 4 },
	[OP_CLEAR_RANGE] = { "clear_vm_stage2_range", 3 },
	[OP_DESTROY_VM] = { "destroy_vm", 1 },
	[OP_SET_VM_STATE] = { "set_vm_state", 2 },
	[OP_SET_VCPU_STATE] = { "set_vcpu_state", 3 },
	[OP_GRANT] = { "grant_stage2_sg_gpa", 3 },
	[OP_REVOKE] = { "revoke_stage2_sg_gpa", 3 },
	[OP_GRANT_PAGE] = { "grant_vm_page", 2 },
	[OP_REVOKE_PAGE] = { "revoke_vm_page", 2 },
	[OP_ASSIGN] = { "assign_pfn_to_vm", 3 },
	[OP_MAP_PFN] = { "map_pfn_vm", 4 },
	[OP_CLEAR_PAGE] = { "clear_vm_page", 2 },
	[OP_CLEAR_PFN_HOST] = { "clear_pfn_host", 1 },
	[OP_CLEAR_BLOCK_HOST] = { "clear_block_host", 1 },
	[OP_PLANT] = { "plant", 4 },
	[OP_WALK] = { "walk_s2pt", 2 },
	[OP_GET_PFN] = { "get_pfn", 1 },
	[OP_REGISTER_VCPU] = { "register_vcpu", 2 },
	[OP_START_VCPU] = { "start_vcpu", 4 },
	[OP_HOST_SET] = { "host_sets", 2 },
	[OP_WINDOW] = { "host_tells", 4 },
	[OP_VM_SET] = { "vm_sets", 2 },
	[OP_VM_EXIT] = { "vm_exits", 4 },
	[OP_VCPU_RUN] = { "vcpu_run", 2 },
	[OP_SET_MANIFEST] = { "set_manifest", 5 },
	[OP_DMA_LOAD] = { "dma_load", 3 },
	[OP_DMA_STORE] = { "dma_store", 4 },
	[OP_SMMU_READ] = { "smmu_read", 3 },
	[OP_SMMU_WRITE] = { "smmu_write", 4 },
	[OP_SMMU_FAULT] = { "smmu_records", 3 },
};

bool is_world_register(uint64_t reg)
{
	/* Not: MPIDR_EL1, ACTLR_EL1, MDSCR_EL1 and others that trap. */
	static const uint8_t some[] = {
		31, 32, 33, 34, 35, 36, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
		59, 60, 61, 62, 63, 64, 65, 66, 67, 73, 74,
	};

	if (reg < 31 || (reg >= VIEW_FP && reg < NR_VIEW)) {
		return true;
	}
	for (size_t i = 0; i < sizeof(some); i++) {
		if (some[i] == reg) {
			return true;
		}
	}
	return false;
}

const char *answer_name(enum answer answer)
{
	static const char *const names[] = {
		[ANSWER_OK] = "done", [ANSWER_AGAIN] = "again",
		[ANSWER_INVAL] = "invalid", [ANSWER_PERM] = "denied",
		[ANSWER_BUSY] = "busy", [ANSWER_NOMEM] = "no memory",
		[ANSWER_NOTSUP] = "not supported", [ANSWER_PANIC] = "panic",
	};

	return names[answer];
}

unsigned int call_args(enum op op)
{
	return ops[op].args;
}

void call_print(const struct call *call, char *text, size_t bytes)
{
	int n = snprintf(text, bytes, "%s", ops[call->op].name);

	for (unsigned int i = 0; i < ops[call->op].args; i++) {
		n += snprintf(text + n, bytes - (size_t)n, " 0x%" PRIx64,
			      call->arg[i]);
	}
}

bool call_parse(const char *text, struct call *call)
{
	size_t length = strcspn(text, " \n");

	memset(call, 0, sizeof(*call));
	for (unsigned int op = 0; op < NR_OPS; op++) {
		char *p = (char *)text + length;

		if (strlen(ops[op].name) != length ||
		    memcmp(ops[op].name, text, length) != 0) {
			continue;
		}
		call->op = (enum op)op;
		for (unsigned int i = 0; i < ops[op].args; i++) {
			const char *start = p;

			call->arg[i] = strtoull(start, &p, 0);
			if (p == start) {
				return false;
			}
		}
		return true;
	}
	return false;
}
