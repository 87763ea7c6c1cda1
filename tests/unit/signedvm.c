/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signedvm.h"

#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/crypto_sign_ed25519.h>
#include <string.h>

#include "arch/mem.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/image_verify.h"
#include "core/keys.h"

const struct owner the_owner = { "the owner of all VMs in the test" };
const struct owner stranger = { "somebody else with another key.." };
/* As guest-images/keys/demo.pem has it. */
const struct owner everybody = { {
	0x84, 0xcd, 0x11, 0xc0, 0xa7, 0xd2, 0x58, 0xa9,
	0x78, 0x22, 0x9c, 0x65, 0xe2, 0x2c, 0xe6, 0x98,
	0xd0, 0xa5, 0xf5, 0xa1, 0x42, 0xc2, 0xcb, 0xe5,
	0x1c, 0x8f, 0x5d, 0xa9, 0xe0, 0x1f, 0xd2, 0x97,
} };
const uint8_t board_secret[32] = "the secret of the board of tests";
const uint8_t board_seed[32] = "what is random at this boot.....";

struct signed_manifest sign_manifest(const struct plain_manifest *plain,
				     const struct owner *owner)
{
	uint8_t pk[crypto_sign_ed25519_PUBLICKEYBYTES];
	uint8_t sk[crypto_sign_ed25519_SECRETKEYBYTES];
	struct signed_manifest m = { .size = 0 };
	size_t body = sizeof(plain->head) +
		      plain->head.nr_images * sizeof(plain->images[0]);

	g_assert_cmpuint(body + HYPSEC_SIGNATURE_BYTES, <=, sizeof(m.bytes));
	crypto_sign_ed25519_seed_keypair(pk, sk, owner->seed);
	memcpy(m.bytes, plain, body);
	crypto_sign_ed25519_detached(m.bytes + body, NULL, m.bytes, body, sk);
	m.size = body + HYPSEC_SIGNATURE_BYTES;
	return m;
}

static uint8_t pattern(uint64_t offset, uint8_t seed)
{
	return (uint8_t)(offset * 7 + (offset >> 8) + seed);
}

void fill_image_page(uint64_t pfn, uint64_t bytes, uint8_t seed)
{
	uint8_t *page = el2_ptr(pa_to_el2_va(pfn << PAGE_SHIFT));

	for (uint64_t i = 0; i < PAGE_SIZE; i++) {
		page[i] = i < bytes ? pattern(i, seed) : 0;
	}
}

void hash_pages(uint64_t pfn, uint64_t bytes, uint8_t *hash)
{
	crypto_generichash_blake2b(hash, HYPSEC_HASH_BYTES,
				   el2_ptr(pa_to_el2_va(pfn << PAGE_SHIFT)),
				   bytes, NULL, 0);
}

struct plain_manifest vm_manifest(void)
{
	struct plain_manifest m = {
		.head = {
			.magic = UINT64_C(0x31464d4345535048),
			.version = 1,
			.nr_images = 2,
			.nr_vcpus = NR_VCPUS,
			.entry = ENTRY,
			.context = CONTEXT,
		},
		.images = {
			{ .load_addr = CODE, .size = CODE_BYTES },
			{ .load_addr = TREE, .size = TREE_BYTES },
		},
	};

	fill_image_page(CODE_PFN, PAGE_SIZE, 1);
	fill_image_page(CODE_PFN + 1, PAGE_SIZE, 2);
	fill_image_page(CODE_PFN + 2, 100, 3);
	fill_image_page(TREE_PFN, PAGE_SIZE, 4);
	hash_pages(CODE_PFN, CODE_BYTES, m.images[0].hash);
	hash_pages(TREE_PFN, TREE_BYTES, m.images[1].hash);
	return m;
}

void signed_start(void)
{
	uint8_t pk[crypto_sign_ed25519_PUBLICKEYBYTES];
	uint8_t sk[crypto_sign_ed25519_SECRETKEYBYTES];

	ops_start();
	crypto_sign_ed25519_seed_keypair(pk, sk, the_owner.seed);
	g_assert_true(keys_set(pk, board_secret, board_seed));
}

void write_manifest(const struct signed_manifest *m)
{
	memcpy(el2_ptr(pa_to_el2_va(MANIFEST_PFN << PAGE_SHIFT)), m->bytes,
	       m->size);
}

enum hv_status pass_manifest(vmid_t vm, const struct signed_manifest *m)
{
	write_manifest(m);
	return set_manifest(vm, MANIFEST_PFN << PAGE_SHIFT, m->size);
}

vmid_t vm_with_images(void)
{
	vmid_t vm = ops_new_vm();
	uint32_t idx;

	assert_done(set_boot_info(vm, CODE, CODE_BYTES, &idx));
	assert_done(set_boot_info(vm, TREE, TREE_BYTES, &idx));
	for (uint64_t i = 0; i < CODE_PAGES; i++) {
		assert_done(remap_vm_image(vm, CODE_PFN + i, 0));
	}
	assert_done(remap_vm_image(vm, TREE_PFN, 1));
	return vm;
}

void register_vcpus(vmid_t vm, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		assert_done(register_vcpu(vm, i));
	}
}

vmid_t vm_to_verify(void)
{
	struct plain_manifest plain = vm_manifest();
	struct signed_manifest m = sign_manifest(&plain, &the_owner);
	vmid_t vm = vm_with_images();

	register_vcpus(vm, NR_VCPUS);
	assert_done(pass_manifest(vm, &m));
	return vm;
}

enum hv_status verify_all(vmid_t vm)
{
	enum hv_status status;

	do {
		status = verify_and_load_images(vm);
	} while (status == HV_EAGAIN);
	return status;
}

vmid_t verified_vm(void)
{
	vmid_t vm = vm_to_verify();

	assert_done(verify_all(vm));
	g_assert_cmpuint(ops_vm_state(vm), ==, VERIFIED);
	return vm;
}
