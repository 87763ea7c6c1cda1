/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM on its way out of this machine or into it: what EL2 keeps of it.
 * Layer: BootOps. Locks: the caller of everything here holds vm[vmid].
 *
 * docs/sealing.rst has the protocol. save_vm.h is one direction, load_vm.h the
 * other.
 */
#ifndef COREVISOR_CORE_SAVED_VM_H
#define COREVISOR_CORE_SAVED_VM_H

#include <sodium/crypto_generichash_blake2b.h>

#include "core/seal.h"
#include "core/shadow_ctxt.h"
#include "core/spec_constants.h"
#include "core/types.h"
#include "hypsec/sealed.h"

enum saved_phase {
	SAVED_NOT = 0,	/* an ordinary VM */
	SAVED_SAVING,	/* frozen; pages and vCPUs leave */
	SAVED_LOADING,	/* pages and vCPUs arrive */
	SAVED_DONE,	/* the seal is written */
};

/* Raised when enum shadow_reg, or what EL2 keeps of a vCPU, has changed. */
#define SEALED_LAYOUT		1u

/* The two parts of a vCPU: registers below and above this index. */
#define SEALED_SYS_FIRST	((uint32_t)PSTATE + 1)

/* General-purpose registers, as they are encrypted. */
struct sealed_gp {
	uint64_t regs[SEALED_SYS_FIRST];
	struct fp_state fp;
};

/* System registers and what EL2 knows beside them. */
struct sealed_sys {
	uint64_t regs[NR_SHADOW_REGS - SEALED_SYS_FIRST];
	uint64_t power;
	uint64_t entry;
	uint64_t context;
};

/* What lies in struct hypsec_vcpu.sealed. */
struct sealed_vcpu {
	struct sealed_gp gp;
	struct sealed_sys sys;
	struct hypsec_seal_tag gp_tag;
	struct hypsec_seal_tag sys_tag;
};

_Static_assert(sizeof(struct sealed_vcpu) <= HYPSEC_SEALED_BYTES,
	       "a vCPU fits the shared structure");

/* What a part of a VM is bound to; everything in it counts. */
enum sealed_kind {
	SEALED_PAGE = 1,
	SEALED_GP,
	SEALED_SYS,
};

struct sealed_bound {
	uint64_t kind;
	uint64_t number;	/* index of the page, or vCPU */
	uint64_t gfn;
	uint64_t shares;
};

/**
 * struct saved_vm - one VM; protected by vm[vmid]
 * @phase:	enum saved_phase
 * @keys:	of the save
 * @seal:	what the seal says, or will say
 * @next:	index of the next page
 * @page_tags:	hash of the tags of the pages before
 * @vcpus:	bit mask of the vCPUs that are done
 * @vcpu_tags:	theirs
 *
 * Of an ordinary VM only the manifest, the instance and the generation in
 * @seal count.
 */
struct saved_vm {
	uint32_t phase;
	struct seal_keys keys;
	struct hypsec_seal seal;
	uint64_t next;
	crypto_generichash_blake2b_state page_tags;
	uint32_t vcpus;
	struct hypsec_seal_tag vcpu_tags[VCPU_PER_VM][2];
};

/* Panics: @vmid is no VM - nobody */
struct saved_vm *saved_vm(vmid_t vmid);

/* A VM was verified: names it. Locks: takes core. */
void saved_vm_born(vmid_t vmid, const uint8_t manifest[HYPSEC_SEAL_HASH_BYTES]);

/* Starts to count parts; @saved->seal has names of manifest and save. */
void saved_vm_start(struct saved_vm *saved, uint32_t phase);

/* Counts a page or a vCPU with its tags. */
void saved_vm_add_page(struct saved_vm *saved,
		       const struct hypsec_seal_tag *tag);
void saved_vm_add_vcpu(struct saved_vm *saved, uint32_t vcpuid,
		       const struct sealed_vcpu *vcpu);

/* The hash of all tags that were counted, and that of a seal. */
void saved_vm_hash_tags(const struct saved_vm *saved,
			uint8_t hash[HYPSEC_SEAL_HASH_BYTES]);
void saved_vm_seal_mac(const struct saved_vm *saved,
		       const struct hypsec_seal *seal,
		       uint8_t mac[HYPSEC_SEAL_HASH_BYTES]);

/* Forgets all of a VM. Locks: takes core. */
void saved_vm_forget(vmid_t vmid);

/**
 * saved_vm_host_range() - is it a place where host and EL2 may exchange data?
 * @pa:	   PA in bytes, aligned to 8
 * @bytes: how many, at most PAGE_SIZE
 *
 * Locks:   caller holds s2page
 * Returns: whether it lies in one page, RAM of the host's
 */
bool saved_vm_host_range(paddr_t pa, uint64_t bytes);

/* Forgets all (tests). Locks: none; no other CPU runs. */
void saved_vm_reset(void);

#endif /* COREVISOR_CORE_SAVED_VM_H */
