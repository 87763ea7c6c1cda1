/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM on its way out of this machine or into it: what EL2 keeps of it.
 * Layer: BootOps, on BootCore. Locks: the caller holds vm[vmid].
 */
#include "core/saved_vm.h"

#include <sodium/utils.h>
#include <string.h>

#include "arch/sysreg.h"
#include "core/instances.h"
#include "core/locks.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/vm_idregs.h"
#include "core/vm_info.h"

#define hash_init	crypto_generichash_blake2b_init
#define hash_update	crypto_generichash_blake2b_update
#define hash_final	crypto_generichash_blake2b_final
typedef crypto_generichash_blake2b_state hash_state;

static struct saved_vm saved_vms[COREVISOR];

struct saved_vm *saved_vm(vmid_t vmid)
{
	ASSERT(is_vm(vmid) && lock_vm_is_held(vmid));
	return &saved_vms[vmid];
}

void saved_vm_born(vmid_t vmid, const uint8_t manifest[HYPSEC_SEAL_HASH_BYTES])
{
	struct hypsec_seal *seal = &saved_vm(vmid)->seal;

	memcpy(seal->manifest, manifest, sizeof(seal->manifest));
	fresh_name(seal->instance, sizeof(seal->instance));
	seal->generation = 0;
}

static void hash_word(hash_state *state, uint64_t word)
{
	hash_update(state, (const uint8_t *)&word, sizeof(word));
}

/* What registers mean: on another CPU, or to another firmware, something else. */
static void hash_machine(uint8_t hash[HYPSEC_SEAL_HASH_BYTES])
{
	hash_state state;

	hash_init(&state, NULL, 0, HYPSEC_SEAL_HASH_BYTES);
	hash_word(&state, SEALED_LAYOUT);
	hash_word(&state, sizeof(struct sealed_vcpu));
	hash_word(&state, sysreg_read(midr_el1));
	hash_word(&state, vm_has_gicv3());
	for (uint32_t crm = 1; crm < 8; crm++) {
		for (uint32_t op2 = 0; op2 < 8; op2++) {
			hash_word(&state, vm_id_register(
						  SYS_REG(3, 0, 0, crm, op2)));
		}
	}
	hash_final(&state, hash, HYPSEC_SEAL_HASH_BYTES);
}

void saved_vm_start(struct saved_vm *saved, uint32_t phase)
{
	static const uint8_t purpose = 't';
	uint8_t machine[HYPSEC_SEAL_HASH_BYTES];

	saved->phase = phase;
	saved->next = 0;
	saved->vcpus = 0;
	hash_machine(machine);
	seal_derive(&saved->keys, saved->seal.manifest, saved->seal.save_id,
		    machine);
	hash_init(&saved->page_tags, saved->keys.mac, sizeof(saved->keys.mac),
		  sizeof(saved->seal.tags));
	hash_update(&saved->page_tags, &purpose, sizeof(purpose));
}

void saved_vm_add_page(struct saved_vm *saved,
		       const struct hypsec_seal_tag *tag)
{
	hash_update(&saved->page_tags, (const uint8_t *)tag, sizeof(*tag));
	saved->next++;
}

void saved_vm_add_vcpu(struct saved_vm *saved, uint32_t vcpuid,
		       const struct sealed_vcpu *vcpu)
{
	saved->vcpu_tags[vcpuid][0] = vcpu->gp_tag;
	saved->vcpu_tags[vcpuid][1] = vcpu->sys_tag;
	saved->vcpus |= UINT32_C(1) << vcpuid;
}

void saved_vm_hash_tags(const struct saved_vm *saved,
			uint8_t hash[HYPSEC_SEAL_HASH_BYTES])
{
	hash_state state = saved->page_tags;

	hash_update(&state, (const uint8_t *)saved->vcpu_tags,
		    saved->seal.nr_vcpus * sizeof(saved->vcpu_tags[0]));
	hash_final(&state, hash, HYPSEC_SEAL_HASH_BYTES);
}

void saved_vm_seal_mac(const struct saved_vm *saved,
		       const struct hypsec_seal *seal,
		       uint8_t mac[HYPSEC_SEAL_HASH_BYTES])
{
	static const uint8_t purpose = 's';
	hash_state state;

	hash_init(&state, saved->keys.mac, sizeof(saved->keys.mac),
		  HYPSEC_SEAL_HASH_BYTES);
	hash_update(&state, &purpose, sizeof(purpose));
	hash_update(&state, (const uint8_t *)seal,
		    offsetof(struct hypsec_seal, mac));
	hash_final(&state, mac, HYPSEC_SEAL_HASH_BYTES);
}

void saved_vm_forget(vmid_t vmid)
{
	struct saved_vm *saved = saved_vm(vmid);

	/* A save that was given up: nobody has a seal of this VM. */
	if (saved->phase == SAVED_SAVING) {
		instance_release(saved->seal.instance);
	}
	sodium_memzero(saved, sizeof(*saved));
}

bool saved_vm_host_range(paddr_t pa, uint64_t bytes)
{
	return (pa & (PAGE_SIZE - 1)) + bytes <= PAGE_SIZE &&
	       get_pfn_owner(pa >> PAGE_SHIFT) == HOSTVISOR;
}

void saved_vm_reset(void)
{
	memset(saved_vms, 0, sizeof(saved_vms));
}
