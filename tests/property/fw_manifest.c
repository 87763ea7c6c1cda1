/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware's side of manifests: real hashes and signatures. */
#include "fw_machine.h"

#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/crypto_sign_ed25519.h>
#include <stdlib.h>
#include <string.h>

#include "arch/native.h"
#include "core/image_verify.h"
#include "core/keys.h"
#include "core/vm_info.h"
#include "hypsec/manifest.h"

static const uint8_t owner_seed[32] = "the owner of all VMs of property";

static uint8_t owner_key[crypto_sign_ed25519_SECRETKEYBYTES];

struct whole_manifest {
	struct hypsec_manifest head;
	struct hypsec_manifest_image images[HYPSEC_MAX_IMAGES];
	uint8_t signature[HYPSEC_SIGNATURE_BYTES];
};

void fw_start_keys(void)
{
	static const uint8_t secret[KEY_BYTES] = "secret", seed[KEY_BYTES];
	static uint8_t public[crypto_sign_ed25519_PUBLICKEYBYTES];
	static bool have;

	if (!have) {
		crypto_sign_ed25519_seed_keypair(public, owner_key,
						 owner_seed);
		have = true;
	}
	keys_set(public, secret, seed);
}

/* The last page of the second region before EL2 that is the host's. */
uint64_t fw_manifest_pfn(void)
{
	uint64_t pfn = fw_el2.base / PAGE_SIZE - 1;

	while (fw_get_page(pfn).owner != HOSTVISOR) {
		pfn--;
	}
	return pfn;
}

/* The content of a page of a VM; zeros for one that it does not have as RAM. */
static const uint8_t *page_of(uint32_t vmid, uint64_t gfn)
{
	static const uint8_t zero[PAGE_SIZE];
	uint64_t pfn;

	return fw_translate(vmid, gfn, &pfn) &&
			       native_memory_has(pfn << PAGE_SHIFT) ?
		       (const uint8_t *)fw_page_words(pfn) : zero;
}

/* As it lies in the VM. */
static void hash_image(const struct fw_vm *vm, uint32_t vmid, uint32_t i,
		       uint8_t *hash)
{
	crypto_generichash_blake2b_state state;
	uint64_t left = vm->load_size[i];

	crypto_generichash_blake2b_init(&state, NULL, 0, HYPSEC_HASH_BYTES);
	for (uint64_t at = vm->load_addr[i]; left > 0; at += PAGE_SIZE) {
		uint64_t n = left < PAGE_SIZE ? left : PAGE_SIZE;

		crypto_generichash_blake2b_update(
			&state, page_of(vmid, at >> PAGE_SHIFT), n);
		left -= n;
	}
	crypto_generichash_blake2b_final(&state, hash, HYPSEC_HASH_BYTES);
}

/* Its bytes with the signature. */
static size_t make_manifest(const uint64_t *arg, struct whole_manifest *m)
{
	uint32_t vmid = (uint32_t)arg[0];
	struct fw_vm vm;
	size_t body;

	fw_get_vm(vmid, &vm);
	memset(m, 0, sizeof(*m));
	m->head.magic = HYPSEC_MANIFEST_MAGIC + (arg[4] == FLAW_MAGIC ? 1 : 0);
	m->head.version = HYPSEC_MANIFEST_VERSION;
	m->head.nr_images = vm.next_load_idx;
	m->head.nr_vcpus = (uint32_t)arg[1];
	m->head.entry = arg[2];
	m->head.context = arg[3];
	if (arg[4] == FLAW_IMAGES && m->head.nr_images > 0) {
		m->head.nr_images--;
	}
	for (uint32_t i = 0; i < m->head.nr_images; i++) {
		bool last = i + 1 == m->head.nr_images;

		m->images[i].load_addr = vm.load_addr[i] +
			(arg[4] == FLAW_LOAD_ADDR && i == 0 ? PAGE_SIZE : 0);
		m->images[i].size = vm.load_size[i] +
				    (arg[4] == FLAW_SIZE && last ? 1 : 0);
		hash_image(&vm, vmid, i, m->images[i].hash);
		m->images[i].hash[31] ^= arg[4] == FLAW_HASH && last ? 1 : 0;
	}
	body = sizeof(m->head) + m->head.nr_images * sizeof(m->images[0]);
	crypto_sign_ed25519_detached((uint8_t *)m + body, NULL, (uint8_t *)m,
				     body, owner_key);
	((uint8_t *)m)[body] ^= arg[4] == FLAW_SIGNATURE ? 1 : 0;
	return body + HYPSEC_SIGNATURE_BYTES;
}

enum answer fw_set_manifest(const struct call *call)
{
	const uint64_t *arg = call->arg;
	uint64_t pfn = fw_manifest_pfn();
	uint8_t kept[sizeof(struct whole_manifest)];
	struct whole_manifest m;
	size_t size = make_manifest(arg, &m);
	enum hv_status status;

	memcpy(kept, fw_page_words(pfn), sizeof(kept));
	memcpy(fw_page_words(pfn), &m, size);
	status = set_manifest((uint32_t)arg[0], arg[4] == FLAW_PLACE ?
			      fw_el2.base : pfn << PAGE_SHIFT, size);
	memcpy(fw_page_words(pfn), kept, sizeof(kept));
	return fw_answer_of(status);
}
