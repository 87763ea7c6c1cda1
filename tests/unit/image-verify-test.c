/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM's owner signed is what runs: manifests, contents, and what the
 * host may still do at which moment. Real signatures throughout.
 */
#include "signedvm.h"

#include <string.h>

#include "arch/mem.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/image_verify.h"
#include "core/keys.h"
#include "core/mem_handler.h"

#define UART UINT64_C(0x09000000)
#define PA(pfn) ((pfn) << PAGE_SHIFT)

static uint8_t *page_of(uint64_t pfn)
{
	return el2_ptr(pa_to_el2_va(PA(pfn)));
}

static struct signed_manifest good_manifest(void)
{
	struct plain_manifest plain = vm_manifest();

	return sign_manifest(&plain, &the_owner);
}

/* --- SET_MANIFEST ------------------------------------------------------ */

static void good_manifest_of_the_owner(void)
{
	struct signed_manifest m;

	signed_start();
	m = good_manifest();
	assert_done(pass_manifest(ops_new_vm(), &m));
}

/* Anywhere in a page, and the last one counts. */
static void good_manifest_anywhere_in_a_page(void)
{
	static const uint64_t offsets[] = { 0, 1, 8, 4095 };
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint64_t offset = offsets[i] == 4095 ? PAGE_SIZE - m.size :
						       offsets[i];

		memcpy(page_of(MANIFEST_PFN) + offset, m.bytes, m.size);
		assert_done(set_manifest(vm, PA(MANIFEST_PFN) + offset,
					 m.size));
		assert_refused(set_manifest(vm, PA(MANIFEST_PFN) + PAGE_SIZE -
					    m.size + 1, m.size), HV_EINVAL);
	}
}

static void good_largest_and_smallest_manifest(void)
{
	struct plain_manifest plain;
	struct signed_manifest m;

	signed_start();
	plain = vm_manifest();
	plain.head.nr_images = 1;
	plain.head.nr_vcpus = 8;
	m = sign_manifest(&plain, &the_owner);
	assert_done(pass_manifest(ops_new_vm(), &m));
	plain.head.nr_images = 5;
	plain.head.nr_vcpus = 1;
	for (uint64_t i = 2; i < 5; i++) {
		plain.images[i].load_addr = KVM_PHYS_SIZE - i * PAGE_SIZE;
		plain.images[i].size = i == 2 ? 2 * PAGE_SIZE : 1;
	}
	plain.head.entry = KVM_PHYS_SIZE - 4;
	m = sign_manifest(&plain, &the_owner);
	assert_done(pass_manifest(ops_new_vm(), &m));
}

/* One bit of anything. */
static void bad_manifest_with_a_bit_changed(void)
{
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = ops_new_vm();
	for (size_t i = 0; i < m.size; i++) {
		struct signed_manifest changed = m;
		enum hv_status status;

		changed.bytes[i] ^= (uint8_t)(1 << (i % 8));
		status = pass_manifest(vm, &changed);
		g_assert_true(status == HV_EPERM || status == HV_EINVAL);
		assert_manifest_refused(vm, &changed, status);
	}
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "the VM has no manifest");
}

static void bad_manifest_by_somebody_else(void)
{
	struct plain_manifest plain;
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	plain = vm_manifest();
	vm = ops_new_vm();
	m = sign_manifest(&plain, &stranger);
	assert_manifest_refused(vm, &m, HV_EPERM);
	m = sign_manifest(&plain, &everybody);
	assert_manifest_refused(vm, &m, HV_EPERM);
	memset(m.bytes + m.size - HYPSEC_SIGNATURE_BYTES, 0,
	       HYPSEC_SIGNATURE_BYTES);
	assert_manifest_refused(vm, &m, HV_EPERM);
	m = sign_manifest(&plain, &the_owner);
	assert_done(pass_manifest(vm, &m));
}

/* A board without a key trusts the key that everybody has, and no other. */
static void demo_key_is_trusted_without_another(void)
{
	static const uint8_t none[32], one[32] = { [31] = 1 };
	struct plain_manifest plain;
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	g_assert_true(keys_set(one, board_secret, board_seed));
	g_assert_false(keys_set(none, board_secret, board_seed));
	plain = vm_manifest();
	vm = ops_new_vm();
	m = sign_manifest(&plain, &the_owner);
	assert_manifest_refused(vm, &m, HV_EPERM);
	m = sign_manifest(&plain, &everybody);
	assert_done(pass_manifest(vm, &m));
}

static void spoil(struct plain_manifest *m, unsigned int how)
{
	switch (how) {
	case 0: m->head.magic++; break;
	case 1: m->head.version = 0; break;
	case 2: m->head.version = 2; break;
	case 3: m->head.flags = 1; break;
	case 4: m->head.flags = BIT(31); break;
	case 5: m->head.nr_vcpus = 0; break;
	case 6: m->head.nr_vcpus = 9; break;
	case 7: m->head.nr_vcpus = 0xffffffff; break;
	case 8: m->head.entry = CODE - 4; break;
	case 9: m->head.entry = CODE + CODE_BYTES; break;
	case 10: m->head.entry = ENTRY + 2; break;
	case 11: m->head.entry = ~UINT64_C(3); break;
	case 12: m->images[0].load_addr++; break;
	case 13: m->images[0].load_addr = KVM_PHYS_SIZE; break;
	case 14: m->images[0].size = 0; break;
	case 15: m->images[0].size = KVM_PHYS_SIZE - CODE + 1; break;
	case 16: m->images[0].size = ~UINT64_C(0); break;
	case 17: m->images[1].size = 0; break;
	case 18: m->images[1].load_addr |= BIT(63); break;
	case 19: m->head.nr_images = 0; break;
	case 21:
		m->head.entry = TREE;
		m->images[1].size = 3;
		break;
	case 20: m->head.nr_images = 6; break;
	default: g_assert_not_reached();
	}
}

/* The owner's signature does not make sense of nonsense. */
static void bad_forms_are_refused_though_signed(void)
{
	struct plain_manifest good;
	vmid_t vm;

	signed_start();
	good = vm_manifest();
	vm = ops_new_vm();
	for (unsigned int how = 0; how <= 21; how++) {
		struct plain_manifest plain = good;
		struct signed_manifest m;

		spoil(&plain, how);
		m = sign_manifest(&plain, &the_owner);
		assert_manifest_refused(vm, &m, HV_EINVAL);
	}
}

static void bad_sizes_of_manifests(void)
{
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = ops_new_vm();
	assert_done(pass_manifest(vm, &m));
	for (uint64_t size = 0; size < 512; size++) {
		if (size != m.size) {
			assert_refused(set_manifest(vm, PA(MANIFEST_PFN), size),
				       HV_EINVAL);
		}
	}
	assert_refused(set_manifest(vm, PA(MANIFEST_PFN), m.size | BIT(32)),
		       HV_EINVAL);
	assert_refused(set_manifest(vm, PA(MANIFEST_PFN), ~UINT64_C(0)),
		       HV_EINVAL);
}

/* EL2 reads for the host only what the host could read. */
static void bad_places_of_manifests(void)
{
	struct signed_manifest m;
	vmid_t vm, other;

	signed_start();
	m = good_manifest();
	other = ops_new_vm();
	vm = ops_new_vm();
	ops_give_page(other, OPS_GFN, OPS_PFN(3, 0));
	ops_give_page(vm, OPS_GFN, OPS_PFN(3, 1));
	for (uint64_t i = 0; i < 2; i++) {
		memcpy(page_of(OPS_PFN(3, i)), m.bytes, m.size);
		assert_refused(set_manifest(vm, PA(OPS_PFN(3, i)), m.size),
			       HV_EPERM);
	}
	assert_refused(set_manifest(vm, OPS_EL2, m.size), HV_EPERM);
	assert_refused(set_manifest(vm, OPS_HOLE, m.size), HV_EPERM);
	assert_refused(set_manifest(vm, UART, m.size), HV_EPERM);
	assert_refused(set_manifest(vm, 0, m.size), HV_EPERM);
	assert_refused(set_manifest(vm, KVM_PHYS_SIZE - PAGE_SIZE, m.size),
		       HV_EPERM);
	assert_refused(set_manifest(vm, KVM_PHYS_SIZE, m.size), HV_EINVAL);
	assert_refused(set_manifest(vm, BIT(63) | PA(MANIFEST_PFN), m.size),
		       HV_EINVAL);
	assert_refused(set_manifest(vm, ~UINT64_C(0), m.size), HV_EINVAL);
}

/* Good, but the host's word is for one page only. */
static void bad_manifest_across_two_pages(void)
{
	struct signed_manifest m;
	paddr_t pa = PA(MANIFEST_PFN + 1) - 64;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = ops_new_vm();
	memcpy(el2_ptr(pa_to_el2_va(pa)), m.bytes, m.size);
	assert_refused(set_manifest(vm, pa, m.size), HV_EINVAL);
	g_assert_cmpstr(this_cpu()->reason, ==, "manifest is not in one page");
	ops_give_page(ops_new_vm(), OPS_GFN, MANIFEST_PFN + 1);
	assert_refused(set_manifest(vm, pa, m.size), HV_EINVAL);
}

static void bad_manifest_for_no_vm(void)
{
	static const vmid_t ids[] = { HOSTVISOR, COREVISOR, INVALID };
	static const uint32_t states[] = { UNUSED, MAPPED, VERIFIED, POWEROFF };
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = ops_new_vm();
	assert_done(pass_manifest(vm, &m));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_refused(set_manifest(ids[i], PA(MANIFEST_PFN), m.size),
			       HV_EINVAL);
		assert_refused(verify_and_load_images(ids[i]), HV_EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		ops_set_vm_state(vm, states[i]);
		assert_refused(set_manifest(vm, PA(MANIFEST_PFN), m.size),
			       HV_EPERM);
		if (states[i] != MAPPED) {
			assert_refused(verify_and_load_images(vm), HV_EPERM);
		}
	}
}

/* --- VERIFY_VM_IMAGES: the list ---------------------------------------- */

static void good_signed_vm_is_verified(void)
{
	vmid_t vm;

	signed_start();
	vm = verified_vm();
	assert_refused(verify_and_load_images(vm), HV_EPERM);
}

static void good_vm_of_five_images(void)
{
	struct plain_manifest plain;
	struct signed_manifest m;
	uint32_t idx;
	vmid_t vm;

	signed_start();
	plain = vm_manifest();
	vm = ops_new_vm();
	plain.head.nr_images = 5;
	plain.head.nr_vcpus = 1;
	for (uint32_t i = 0; i < 5; i++) {
		uint64_t pfn = OPS_PFN(3, i);

		fill_image_page(pfn, PAGE_SIZE, (uint8_t)i);
		plain.images[i].load_addr = CODE + i * PAGE_SIZE;
		plain.images[i].size = PAGE_SIZE;
		hash_pages(pfn, PAGE_SIZE, plain.images[i].hash);
		assert_done(set_boot_info(vm, CODE + i * PAGE_SIZE, PAGE_SIZE,
					  &idx));
		assert_done(remap_vm_image(vm, pfn, i));
	}
	m = sign_manifest(&plain, &the_owner);
	register_vcpus(vm, 1);
	assert_done(pass_manifest(vm, &m));
	assert_done(verify_all(vm));
}

static void bad_without_manifest(void)
{
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = vm_with_images();
	register_vcpus(vm, NR_VCPUS);
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_done(pass_manifest(vm, &m));
	assert_done(verify_all(vm));
}

/* G39: what the host does to its page afterwards changes nothing. */
static void g39_manifest_is_read_once(void)
{
	vmid_t vm;

	signed_start();
	vm = vm_to_verify();
	memset(page_of(MANIFEST_PFN), 0, PAGE_SIZE);
	assert_done(verify_all(vm));
}

/* Attack h: vCPUs that the owner did not sign, too few, too many. */
static void g42_vcpus_are_the_signed_ones(void)
{
	struct signed_manifest m;

	signed_start();
	m = good_manifest();
	for (uint32_t set = 0; set < 16; set++) {
		vmid_t vm = ops_new_vm();
		uint32_t idx;

		m = good_manifest();
		assert_done(set_boot_info(vm, CODE, CODE_BYTES, &idx));
		assert_done(set_boot_info(vm, TREE, TREE_BYTES, &idx));
		for (uint64_t i = 0; i < CODE_PAGES; i++) {
			assert_done(remap_vm_image(vm, CODE_PFN + i, 0));
		}
		assert_done(remap_vm_image(vm, TREE_PFN, 1));
		for (uint32_t i = 0; i < 4; i++) {
			if ((set & (UINT32_C(1) << i)) != 0) {
				assert_done(register_vcpu(vm, i));
			}
		}
		assert_done(pass_manifest(vm, &m));
		if (set == 3) {
			assert_done(verify_all(vm));
		} else {
			assert_refused(verify_and_load_images(vm), HV_EPERM);
			g_assert_cmpuint(ops_vm_state(vm), ==, READY);
		}
		while (destroy_vm(vm) == HV_EAGAIN) {
		}
	}
}

/* The missing vCPU can still come: the VM stays READY. */
static void good_after_the_missing_vcpu(void)
{
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = vm_with_images();
	assert_done(pass_manifest(vm, &m));
	assert_done(register_vcpu(vm, 1));
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_done(register_vcpu(vm, 0));
	assert_done(verify_all(vm));
}

static void g40_incomplete_image_is_not_verified(void)
{
	struct signed_manifest m;
	uint32_t idx;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = ops_new_vm();
	register_vcpus(vm, NR_VCPUS);
	assert_done(pass_manifest(vm, &m));
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_done(set_boot_info(vm, CODE, CODE_BYTES, &idx));
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_done(set_boot_info(vm, TREE, TREE_BYTES, &idx));
	for (uint64_t i = 0; i < CODE_PAGES; i++) {
		assert_refused(verify_and_load_images(vm), HV_EPERM);
		assert_done(remap_vm_image(vm, CODE_PFN + i, 0));
	}
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_done(remap_vm_image(vm, TREE_PFN, 1));
	assert_done(verify_all(vm));
}

/* The images of set_boot_info against signed ones that differ a little. */
static void g40_images_are_the_signed_ones(void)
{
	signed_start();
	for (unsigned int how = 0; how < 7; how++) {
		struct plain_manifest plain = vm_manifest();
		struct hypsec_manifest_image first = plain.images[0];
		struct signed_manifest m;
		vmid_t vm = vm_with_images();

		switch (how) {
		case 0: plain.images[0].size++; break;
		case 1: plain.images[0].size--; break;
		case 2: plain.images[1].load_addr += PAGE_SIZE; break;
		case 3: plain.head.nr_images = 1; break;
		case 4:
			plain.head.nr_images = 3;
			plain.images[2] = plain.images[1];
			plain.images[2].load_addr += PAGE_SIZE;
			break;
		case 5:
			plain.images[0] = plain.images[1];
			plain.images[1] = first;
			break;
		default: break;
		}
		m = sign_manifest(&plain, &the_owner);
		register_vcpus(vm, NR_VCPUS);
		assert_done(pass_manifest(vm, &m));
		if (how == 6) {
			assert_done(verify_all(vm));
		} else {
			assert_refused(verify_and_load_images(vm), HV_EPERM);
		}
		while (destroy_vm(vm) == HV_EAGAIN) {
		}
	}
}

/* --- VERIFY_VM_IMAGES: the contents ------------------------------------ */

/* G39: contents are looked at. A VM with others never runs. */
static void g39_changed_content_powers_the_vm_off(void)
{
	static const struct {
		uint64_t pfn;
		uint64_t offset;
	} places[] = {
		{ CODE_PFN, 0 },
		{ CODE_PFN, PAGE_SIZE - 1 },
		{ CODE_PFN + 1, 2048 },
		{ CODE_PFN + 2, 99 },
		{ CODE_PFN + 2, 100 },
		{ CODE_PFN + 2, PAGE_SIZE - 1 },
		{ TREE_PFN, 0 },
		{ TREE_PFN, PAGE_SIZE - 1 },
	};

	signed_start();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct signed_manifest m = good_manifest();
		vmid_t vm;

		page_of(places[i].pfn)[places[i].offset] ^= 0x80;
		vm = vm_with_images();
		register_vcpus(vm, NR_VCPUS);
		assert_done(pass_manifest(vm, &m));
		g_assert_cmpint(verify_all(vm), ==, HV_EPERM);
		g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
		assert_refused(verify_and_load_images(vm), HV_EPERM);
		assert_manifest_refused(vm, &m, HV_EPERM);
		while (destroy_vm(vm) == HV_EAGAIN) {
		}
		ops_assert_reclaimed(places[i].pfn);
	}
}

/* All of a hash counts. */
static void g39_last_byte_of_a_hash(void)
{
	struct plain_manifest plain;
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	plain = vm_manifest();
	plain.images[1].hash[HYPSEC_HASH_BYTES - 1] ^= 1;
	m = sign_manifest(&plain, &the_owner);
	vm = vm_with_images();
	register_vcpus(vm, NR_VCPUS);
	assert_done(pass_manifest(vm, &m));
	g_assert_cmpint(verify_all(vm), ==, HV_EPERM);
	g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
}

static void g39_swapped_pages_power_the_vm_off(void)
{
	struct signed_manifest m;
	uint32_t idx;
	vmid_t vm;

	signed_start();
	m = good_manifest();
	vm = ops_new_vm();
	assert_done(set_boot_info(vm, CODE, CODE_BYTES, &idx));
	assert_done(set_boot_info(vm, TREE, TREE_BYTES, &idx));
	assert_done(remap_vm_image(vm, CODE_PFN + 1, 0));
	assert_done(remap_vm_image(vm, CODE_PFN, 0));
	assert_done(remap_vm_image(vm, CODE_PFN + 2, 0));
	assert_done(remap_vm_image(vm, TREE_PFN, 1));
	register_vcpus(vm, NR_VCPUS);
	assert_done(pass_manifest(vm, &m));
	g_assert_cmpint(verify_all(vm), ==, HV_EPERM);
	g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
}

/* --- In steps ---------------------------------------------------------- */

#define BIG_BYTES (2 * VERIFY_BYTES_PER_CALL + 1)
#define BIG_PAGES 33
/* BLAKE2b-256 of so many zeros. */
#define BIG_HASH {						\
	0x7f, 0xb4, 0x93, 0x38, 0x9b, 0xe0, 0x92, 0xb7,		\
	0x1d, 0x9c, 0x38, 0x78, 0xd5, 0x4f, 0x60, 0x6f,		\
	0x45, 0x41, 0xcf, 0x81, 0x46, 0xad, 0x4d, 0x45,		\
	0x9e, 0x2d, 0x84, 0x1d, 0x7a, 0x05, 0xa5, 0x74,		\
}

static vmid_t big_vm(void)
{
	struct plain_manifest plain = {
		.head = {
			.magic = HYPSEC_MANIFEST_MAGIC,
			.version = 1,
			.nr_images = 1,
			.nr_vcpus = 1,
			.entry = CODE,
		},
		.images = { { .load_addr = CODE, .size = BIG_BYTES } },
	};
	static const uint8_t zeros[HYPSEC_HASH_BYTES] = BIG_HASH;
	struct signed_manifest m;
	vmid_t vm = ops_new_vm();
	uint32_t idx;

	memcpy(plain.images[0].hash, zeros, sizeof(zeros));
	m = sign_manifest(&plain, &the_owner);
	assert_done(set_boot_info(vm, CODE, BIG_BYTES, &idx));
	for (uint64_t i = 0; i < BIG_PAGES; i++) {
		assert_done(remap_vm_image(vm, OPS_PFN(3, i), 0));
	}
	register_vcpus(vm, 1);
	assert_done(pass_manifest(vm, &m));
	return vm;
}

static void good_large_image_in_steps(void)
{
	vmid_t vm;

	signed_start();
	vm = big_vm();
	g_assert_cmpint(verify_and_load_images(vm), ==, HV_EAGAIN);
	g_assert_cmpint(verify_and_load_images(vm), ==, HV_EAGAIN);
	g_assert_cmpuint(ops_vm_state(vm), ==, MAPPED);
	assert_done(verify_and_load_images(vm));
	g_assert_cmpuint(ops_vm_state(vm), ==, VERIFIED);
}

static void good_two_vms_verified_in_turns(void)
{
	vmid_t one, other;

	signed_start();
	one = vm_to_verify();
	other = big_vm();
	g_assert_cmpint(verify_and_load_images(one), ==, HV_EAGAIN);
	g_assert_cmpint(verify_and_load_images(other), ==, HV_EAGAIN);
	assert_done(verify_and_load_images(one));
	g_assert_cmpint(verify_and_load_images(other), ==, HV_EAGAIN);
	assert_done(verify_and_load_images(other));
}

/* Between two steps nothing of the VM can be changed. */
static void g39_nothing_changes_between_steps(void)
{
	uint32_t idx;
	uint64_t size;
	vmid_t vm;

	signed_start();
	vm = big_vm();
	size = sizeof(struct hypsec_manifest) +
	       sizeof(struct hypsec_manifest_image) + HYPSEC_SIGNATURE_BYTES;
	g_assert_cmpint(verify_and_load_images(vm), ==, HV_EAGAIN);
	assert_refused(set_manifest(vm, PA(MANIFEST_PFN), size), HV_EPERM);
	assert_refused(set_boot_info(vm, TREE, 1, &idx), HV_EPERM);
	assert_refused(remap_vm_image(vm, OPS_PFN(4, 0), 0), HV_EPERM);
	assert_refused(register_vcpu(vm, 1), HV_EPERM);
	assert_refused(kvm_phys_addr_ioremap(vm, UART, UART, PAGE_SIZE),
		       HV_EPERM);
	assert_refused(clear_vm_stage2_range(vm, 0, KVM_PHYS_SIZE), HV_EPERM);
	for (uint64_t i = 0; i < BIG_PAGES; i++) {
		assert_refused(map_page_host(PA(OPS_PFN(3, i))), HV_EPERM);
	}
	g_assert_cmpint(verify_and_load_images(vm), ==, HV_EAGAIN);
	assert_done(verify_and_load_images(vm));
}

/* A device page would get what the VM takes to its RAM. */
static void bad_device_where_the_vm_has_ram(void)
{
	vmid_t vm;

	signed_start();
	vm = vm_to_verify();
	assert_done(kvm_phys_addr_ioremap(vm, MAX_MMIO_ADDR - PAGE_SIZE, UART,
					  PAGE_SIZE));
	assert_done(verify_all(vm));
	while (destroy_vm(vm) == HV_EAGAIN) {
	}
	vm = vm_to_verify();
	assert_done(kvm_phys_addr_ioremap(vm, MAX_MMIO_ADDR, UART, PAGE_SIZE));
	assert_done(kvm_phys_addr_ioremap(vm, UART, UART, PAGE_SIZE));
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	g_assert_cmpuint(ops_vm_state(vm), ==, READY);
}

/* A VM that is destroyed half-way leaves nothing to its successor. */
static void destroyed_half_way(void)
{
	struct signed_manifest m;
	vmid_t vm;

	signed_start();
	vm = big_vm();
	g_assert_cmpint(verify_and_load_images(vm), ==, HV_EAGAIN);
	while (destroy_vm(vm) == HV_EAGAIN) {
	}
	ops_assert_reclaimed(OPS_PFN(3, 0));
	m = good_manifest();
	g_assert_cmpuint(vm_with_images(), ==, vm);
	register_vcpus(vm, NR_VCPUS);
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "the VM has no manifest");
	assert_done(pass_manifest(vm, &m));
	assert_done(verify_all(vm));
}

/* --- libsodium --------------------------------------------------------- */

static void call_misuse(void *data)
{
	(void)data;
	sodium_misuse();
}

static void misuse_of_the_library_panics(void)
{
	assert_panics(call_misuse, NULL, "libsodium");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/manifest/good/of-the-owner", good_manifest_of_the_owner),
	UNIT_TEST("/manifest/good/anywhere-in-a-page",
		  good_manifest_anywhere_in_a_page),
	UNIT_TEST("/manifest/good/largest-and-smallest",
		  good_largest_and_smallest_manifest),
	UNIT_TEST("/manifest/bad/a-bit-changed",
		  bad_manifest_with_a_bit_changed),
	UNIT_TEST("/manifest/bad/by-somebody-else",
		  bad_manifest_by_somebody_else),
	UNIT_TEST("/manifest/demo-key/trusted-without-another",
		  demo_key_is_trusted_without_another),
	UNIT_TEST("/manifest/bad/form-though-signed",
		  bad_forms_are_refused_though_signed),
	UNIT_TEST("/manifest/bad/size", bad_sizes_of_manifests),
	UNIT_TEST("/manifest/bad/place", bad_places_of_manifests),
	UNIT_TEST("/manifest/bad/across-two-pages",
		  bad_manifest_across_two_pages),
	UNIT_TEST("/manifest/bad/no-vm", bad_manifest_for_no_vm),
	UNIT_TEST("/verify/good/signed-vm", good_signed_vm_is_verified),
	UNIT_TEST("/verify/good/five-images", good_vm_of_five_images),
	UNIT_TEST("/verify/bad/without-manifest", bad_without_manifest),
	UNIT_TEST("/verify/g39_manifest_is_read_once",
		  g39_manifest_is_read_once),
	UNIT_TEST("/verify/g42_vcpus_are_the_signed_ones",
		  g42_vcpus_are_the_signed_ones),
	UNIT_TEST("/verify/good/after-the-missing-vcpu",
		  good_after_the_missing_vcpu),
	UNIT_TEST("/verify/g40_incomplete_image_is_not_verified",
		  g40_incomplete_image_is_not_verified),
	UNIT_TEST("/verify/g40_images_are_the_signed_ones",
		  g40_images_are_the_signed_ones),
	UNIT_TEST("/verify/g39_changed_content_powers_the_vm_off",
		  g39_changed_content_powers_the_vm_off),
	UNIT_TEST("/verify/g39_last_byte_of_a_hash", g39_last_byte_of_a_hash),
	UNIT_TEST("/verify/g39_swapped_pages_power_the_vm_off",
		  g39_swapped_pages_power_the_vm_off),
	UNIT_TEST("/verify/steps/large-image", good_large_image_in_steps),
	UNIT_TEST("/verify/steps/two-vms-in-turns",
		  good_two_vms_verified_in_turns),
	UNIT_TEST("/verify/g39_nothing_changes_between_steps",
		  g39_nothing_changes_between_steps),
	UNIT_TEST("/verify/bad/device-where-the-vm-has-ram",
		  bad_device_where_the_vm_has_ram),
	UNIT_TEST("/verify/steps/destroyed-half-way", destroyed_half_way),
	UNIT_TEST_DIES("/verify/library/misuse-panics",
		       misuse_of_the_library_panics),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
