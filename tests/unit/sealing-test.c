/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM that leaves as ciphertext and comes back: it is the same, there is one
 * of it, and nothing but the whole of one save ever runs.
 */
#define _GNU_SOURCE
#include "signedvm.h"

#include <sodium/crypto_aead_xchacha20poly1305.h>
#include <sodium/crypto_generichash_blake2b.h>
#include <string.h>

#include "arch/mem.h"
#include "arch/sysreg.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/image_verify.h"
#include "core/instances.h"
#include "core/keys.h"
#include "core/load_vm.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/page_manager.h"
#include "core/save_vm.h"
#include "core/saved_vm.h"
#include "core/seal.h"
#include "core/shadow_ctxt.h"
#include "core/smmu_ops.h"
#include "core/vm_idregs.h"
#include "hypsec/sealed.h"

#define PA(pfn) ((pfn) << PAGE_SHIFT)
#define UART UINT64_C(0x09000000)

/* Pages of the VM beside its four of images; the second one is shared. */
#define HEAP_GFN	((CODE >> PAGE_SHIFT) + 100)
#define HEAP_PFN	OPS_PFN(3, 7)
#define HEAP_PAGES	2
#define SHARED_GFN	(HEAP_GFN + 1)
#define SHARED_PFN	(HEAP_PFN + 1)
#define SHARES		3
#define VM_PAGES	(CODE_PAGES + 1 + HEAP_PAGES)
#define SECRET		0x5a
/* Where the host has ciphertext, tags and the seal while it calls. */
#define OUT_PFN		OPS_PFN(1, 1)
#define TAG_PFN		OPS_PFN(1, 2)
#define TAG		(PA(TAG_PFN) + 64)
/* Where the pages of a restored VM go. */
#define NEW_PFN		OPS_PFN(4, 3)

/* What the host keeps of a VM. */
struct saved_file {
	uint8_t page[VM_PAGES][4096];
	struct hypsec_sealed_page tag[VM_PAGES];
	struct hypsec_vcpu vcpu[NR_VCPUS];
	struct hypsec_seal seal;
};

static void *memory(paddr_t pa)
{
	return el2_ptr(pa_to_el2_va(pa));
}

static struct hypsec_vcpu *shared(vmid_t vm, uint32_t vcpuid)
{
	return (struct hypsec_vcpu *)(uintptr_t)
		shadow_ctxt_get(vm, vcpuid)->shared;
}

/* --- A VM with something to lose --------------------------------------- */

static uint64_t reg_value(uint32_t vcpuid, uint32_t i)
{
	return UINT64_C(0x1122334400000000) + vcpuid * 1000 + i;
}

static void set_registers(vmid_t vm, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vm, vcpuid);

	for (uint32_t i = 0; i < NR_SHADOW_REGS; i++) {
		ctxt->regs[i] = reg_value(vcpuid, i);
	}
	for (uint32_t i = 0; i < 32; i++) {
		ctxt->fp.q[i][0] = reg_value(vcpuid, 200 + i);
		ctxt->fp.q[i][1] = reg_value(vcpuid, 300 + i);
	}
	ctxt->fp.fpsr = reg_value(vcpuid, 400);
	ctxt->fp.fpcr = reg_value(vcpuid, 401);
}

static void assert_registers(vmid_t vm, uint32_t vcpuid)
{
	const struct shadow_ctxt *ctxt = shadow_ctxt_get(vm, vcpuid);

	for (uint32_t i = 0; i < NR_SHADOW_REGS; i++) {
		g_assert_cmphex(ctxt->regs[i], ==, reg_value(vcpuid, i));
	}
	for (uint32_t i = 0; i < 32; i++) {
		g_assert_cmphex(ctxt->fp.q[i][0], ==,
				reg_value(vcpuid, 200 + i));
		g_assert_cmphex(ctxt->fp.q[i][1], ==,
				reg_value(vcpuid, 300 + i));
	}
	g_assert_cmphex(ctxt->fp.fpsr, ==, reg_value(vcpuid, 400));
	g_assert_cmphex(ctxt->fp.fpcr, ==, reg_value(vcpuid, 401));
}

static void set_power(vmid_t vm, uint32_t vcpuid, uint32_t power)
{
	acquire_lock_vm(vm);
	set_vcpu_power(vm, vcpuid, power);
	release_lock_vm(vm);
}

static vmid_t make_vm(void)
{
	vmid_t vm = verified_vm();

	for (uint64_t i = 0; i < HEAP_PAGES; i++) {
		ops_give_page(vm, HEAP_GFN + i, HEAP_PFN + i);
		ops_fill(HEAP_PFN + i, (uint8_t)(SECRET + i));
	}
	for (uint32_t i = 0; i < SHARES; i++) {
		assert_done(ops_grant(vm, SHARED_PFN));
	}
	ops_host_touches(SHARED_PFN);
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		set_registers(vm, i);
	}
	set_power(vm, 0, VCPU_ON);
	acquire_lock_vm(vm);
	set_vcpu_entry(vm, 1, 0x1234, 0x5678);
	release_lock_vm(vm);
	set_power(vm, 1, VCPU_ON_PENDING);
	return vm;
}

static vmid_t start_vm(void)
{
	signed_start();
	return make_vm();
}

/* A page of the VM's at this place, as it was made. */
static void assert_page(vmid_t vm, uint64_t gfn)
{
	const uint8_t *page = memory(PA(ops_vm_pfn(vm, gfn)));
	uint8_t expected = (uint8_t)(SECRET + (gfn - HEAP_GFN));

	for (uint64_t i = 0; i < PAGE_SIZE; i++) {
		g_assert_cmphex(page[i], ==, expected);
	}
}

/* All of it is as make_vm() left it. */
static void assert_whole(vmid_t vm)
{
	uint64_t pfn = ops_vm_pfn(vm, SHARED_GFN);

	g_assert_cmpuint(ops_vm_state(vm), ==, VERIFIED);
	for (uint64_t i = 0; i < HEAP_PAGES; i++) {
		assert_page(vm, HEAP_GFN + i);
	}
	/* The pattern of signedvm.c's first page. */
	g_assert_cmphex(((uint8_t *)memory(PA(ops_vm_pfn(vm, CODE >> 12))))[3],
			==, 3 * 7 + 1);
	ops_assert_record(ops_vm_pfn(vm, HEAP_GFN), vm, 0, HEAP_GFN);
	ops_assert_record(pfn, vm, SHARES, SHARED_GFN);
	ops_host_touches(pfn);
	g_assert_cmpint(map_page_host(PA(ops_vm_pfn(vm, HEAP_GFN))), ==,
			HV_EPERM);
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		assert_registers(vm, i);
	}
	acquire_lock_vm(vm);
	g_assert_cmpuint(get_vcpu_power(vm, 0), ==, VCPU_ON);
	g_assert_cmpuint(get_vcpu_power(vm, 1), ==, VCPU_ON_PENDING);
	g_assert_cmphex(get_vcpu_entry(vm, 1), ==, 0x1234);
	g_assert_cmphex(get_vcpu_context(vm, 1), ==, 0x5678);
	release_lock_vm(vm);
}

/* --- What a host does -------------------------------------------------- */

static enum hv_status save_page(vmid_t vm, uint64_t pfn)
{
	return save_encrypt_buf(vm, PA(pfn), PA(OUT_PFN), TAG);
}

/* The pages that a VM has; returns how many. */
static size_t pages_of(vmid_t vm, uint64_t *pfns, size_t max)
{
	size_t n = 0;

	acquire_lock_s2page();
	for (uint64_t pfn = OPS_PFN(0, 0); pfn < OPS_PFN(6, 0); pfn++) {
		if (get_pfn_owner(pfn) == vm) {
			g_assert_cmpuint(n, <, max);
			pfns[n++] = pfn;
		}
	}
	release_lock_s2page();
	return n;
}

static void save_pages(vmid_t vm, struct saved_file *file)
{
	uint64_t pfns[VM_PAGES];

	g_assert_cmpuint(pages_of(vm, pfns, VM_PAGES), ==, VM_PAGES);
	for (size_t i = 0; i < VM_PAGES; i++) {
		assert_done(save_page(vm, pfns[i]));
		memcpy(file->page[i], memory(PA(OUT_PFN)), PAGE_SIZE);
		memcpy(&file->tag[i], memory(TAG), sizeof(file->tag[i]));
		g_assert_cmpuint(file->tag[i].index, ==, i);
	}
}

static void save_vcpus(vmid_t vm, struct saved_file *file)
{
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		assert_done(save_encrypted_vcpu(vm, i));
		file->vcpu[i] = *shared(vm, i);
	}
}

static void save_seal(vmid_t vm, struct saved_file *file)
{
	assert_done(seal_vm(vm, TAG));
	memcpy(&file->seal, memory(TAG), sizeof(file->seal));
}

static void destroy(vmid_t vm)
{
	enum hv_status status;

	do {
		status = destroy_vm(vm);
	} while (status == HV_EAGAIN);
	assert_done(status);
}

static struct saved_file *save(vmid_t vm)
{
	struct saved_file *file = g_new0(struct saved_file, 1);

	save_pages(vm, file);
	save_vcpus(vm, file);
	save_seal(vm, file);
	destroy(vm);
	return file;
}

static enum hv_status begin(vmid_t vm, const struct hypsec_seal *seal)
{
	memcpy(memory(TAG), seal, sizeof(*seal));
	return boot_from_inc_exe(vm, TAG);
}

/* Page @n of the file, to host page @at. */
static void put_page(const struct saved_file *file, size_t n, uint64_t at)
{
	memcpy(memory(PA(at)), file->page[n], PAGE_SIZE);
	memcpy(memory(TAG), &file->tag[n], sizeof(file->tag[n]));
}

static enum hv_status load_page(vmid_t vm, const struct saved_file *file,
				size_t n)
{
	put_page(file, n, NEW_PFN + n + vm * 16);
	return load_decrypt_buf(vm, PA(NEW_PFN + n + vm * 16), TAG);
}

static void put_vcpu(vmid_t vm, uint32_t to, const struct saved_file *file,
		     uint32_t from)
{
	shared(vm, to)->sealed_size = file->vcpu[from].sealed_size;
	memcpy(shared(vm, to)->sealed, file->vcpu[from].sealed,
	       HYPSEC_SEALED_BYTES);
}

static enum hv_status load_vcpu(vmid_t vm, const struct saved_file *file,
				uint32_t vcpuid)
{
	put_vcpu(vm, vcpuid, file, vcpuid);
	return load_encrypted_vcpu(vm, vcpuid);
}

/* A new VM with the seal, nothing else. */
static vmid_t begun(const struct saved_file *file)
{
	vmid_t vm = ops_new_vm();

	register_vcpus(vm, NR_VCPUS);
	assert_done(begin(vm, &file->seal));
	return vm;
}

static void load_pages(vmid_t vm, const struct saved_file *file)
{
	for (size_t i = 0; i < VM_PAGES; i++) {
		assert_done(load_page(vm, file, i));
	}
}

static void load_vcpus(vmid_t vm, const struct saved_file *file)
{
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		assert_done(load_vcpu(vm, file, i));
	}
}

static vmid_t loaded(const struct saved_file *file)
{
	vmid_t vm = begun(file);

	load_pages(vm, file);
	load_vcpus(vm, file);
	return vm;
}

static vmid_t restore(const struct saved_file *file)
{
	vmid_t vm = loaded(file);

	assert_done(verify_and_load_images(vm));
	return vm;
}

/* The board is reset: no memory of what was. */
static void reset_board(const char *seed)
{
	signed_start();
	keys_set(keys_trusted(), board_secret, (const uint8_t *)seed);
}

#define OTHER_SEED "random again, and not the same.."

/* --- There and back ---------------------------------------------------- */

static void good_vm_goes_on_as_it_was(void)
{
	g_autofree struct saved_file *file = save(start_vm());

	assert_whole(restore(file));
}

static void good_on_another_board_of_the_same_keys(void)
{
	g_autofree struct saved_file *file = save(start_vm());

	reset_board(OTHER_SEED);
	assert_whole(restore(file));
}

/* With devices, and vCPUs registered after the seal. */
static void good_any_order_of_vcpus_and_devices(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = ops_new_vm();

	assert_done(begin(vm, &file->seal));
	assert_done(register_vcpu(vm, 1));
	assert_done(load_vcpu(vm, file, 1));
	load_pages(vm, file);
	assert_done(kvm_phys_addr_ioremap(vm, UART, UART, PAGE_SIZE));
	assert_done(register_vcpu(vm, 0));
	assert_done(load_vcpu(vm, file, 0));
	assert_done(verify_and_load_images(vm));
	assert_whole(vm);
}

static void good_saved_again_and_again(void)
{
	g_autofree struct saved_file *file = save(start_vm());

	for (uint64_t generation = 1; generation < 5; generation++) {
		vmid_t vm = restore(file);

		assert_whole(vm);
		g_assert_cmpuint(file->seal.generation, ==, generation);
		g_free(file);
		file = save(vm);
	}
}

static void time_of_the_vm_stands_still(void)
{
	struct saved_file *file;
	vmid_t vm = start_vm();

	acquire_lock_vm(vm);
	set_vm_cntvoff(vm, 1000);
	release_lock_vm(vm);
	native_cpu.cntpct_el0 = 51000;
	file = save(vm);
	g_assert_cmpuint(file->seal.virtual_count, ==, 50000);
	native_cpu.cntpct_el0 = 77;
	vm = restore(file);
	acquire_lock_vm(vm);
	g_assert_cmphex(get_vm_cntvoff(vm), ==, UINT64_C(77) - 50000);
	release_lock_vm(vm);
	g_free(file);
}

/* --- Saving ------------------------------------------------------------ */

/* Nothing of the content, and never twice the same. */
static void ciphertext_says_nothing(void)
{
	g_autofree struct saved_file *one = save(start_vm());
	g_autofree struct saved_file *other = NULL;
	static const uint8_t secrets[4] = { SECRET, SECRET, SECRET, SECRET };

	other = save(restore(one));
	for (size_t i = 0; i < VM_PAGES; i++) {
		g_assert_null(memmem(one->page[i], PAGE_SIZE, secrets, 4));
		g_assert_cmpint(memcmp(one->page[i], other->page[i],
				       PAGE_SIZE), !=, 0);
	}
	g_assert_cmpuint(one->vcpu[0].sealed_size, <=, HYPSEC_SEALED_BYTES);
	for (uint32_t i = 0; i < NR_SHADOW_REGS; i++) {
		uint64_t value = reg_value(0, i);

		g_assert_null(memmem(one->vcpu[0].sealed, HYPSEC_SEALED_BYTES,
				     &value, sizeof(value)));
	}
}

static void first_save_freezes_for_ever(void)
{
	vmid_t vm = start_vm();

	assert_done(save_page(vm, HEAP_PFN));
	g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
	assert_refused(set_vcpu_active(vm, 0), HV_EBUSY);
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_refused(prot_and_map_vm_s2pt(vm, 0x80000000, PA(OPS_PFN(5, 0)),
					    3), HV_EPERM);
	g_assert_cmphex(ops_vm_pfn(vm, CODE >> 12), ==, INVALID64);
	destroy(vm);
	vm = make_vm();
	assert_done(save_encrypted_vcpu(vm, 1));
	assert_refused(set_vcpu_active(vm, 0), HV_EBUSY);
}

static void saved_page_comes_back_empty(void)
{
	vmid_t vm = start_vm();

	assert_done(save_page(vm, HEAP_PFN));
	ops_assert_reclaimed(HEAP_PFN);
	assert_refused(save_page(vm, HEAP_PFN), HV_EPERM);
	assert_done(save_page(vm, SHARED_PFN));
	ops_assert_reclaimed(SHARED_PFN);
}

static void bad_save_while_a_vcpu_runs(void)
{
	vmid_t vm = start_vm();

	assert_done(set_vcpu_active(vm, 0));
	assert_refused(save_page(vm, HEAP_PFN), HV_EBUSY);
	assert_refused(save_encrypted_vcpu(vm, 1), HV_EBUSY);
	set_vcpu_inactive(vm, 0);
	assert_done(save_page(vm, HEAP_PFN));
}

/* Only a VM that is VERIFIED: not one without identity, nor a dead one. */
static void bad_save_in_other_states(void)
{
	vmid_t vm;

	signed_start();
	vm = vm_to_verify();
	assert_refused(save_page(vm, CODE_PFN), HV_EPERM);
	assert_refused(save_encrypted_vcpu(vm, 0), HV_EPERM);
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
	assert_done(verify_all(vm));
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
	ops_set_vm_state(vm, POWEROFF);
	assert_refused(save_page(vm, CODE_PFN), HV_EPERM);
	assert_refused(save_encrypted_vcpu(vm, 0), HV_EPERM);
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
}

static void bad_ids_and_addresses(void)
{
	static const vmid_t ids[] = { HOSTVISOR, COREVISOR, INVALID };
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_refused(save_page(ids[i], HEAP_PFN), HV_EINVAL);
		assert_refused(save_encrypted_vcpu(ids[i], 0), HV_EINVAL);
		assert_refused(seal_vm(ids[i], TAG), HV_EINVAL);
		assert_refused(boot_from_inc_exe(ids[i], TAG), HV_EINVAL);
		assert_refused(load_decrypt_buf(ids[i], PA(OUT_PFN), TAG),
			       HV_EINVAL);
		assert_refused(load_encrypted_vcpu(ids[i], 0), HV_EINVAL);
	}
	assert_refused(save_encrypted_vcpu(vm, VCPU_PER_VM), HV_EINVAL);
	assert_refused(save_encrypted_vcpu(vm, NR_VCPUS), HV_EPERM);
	assert_refused(save_encrypted_vcpu(vm, INVALID), HV_EINVAL);
	assert_refused(load_encrypted_vcpu(vm, VCPU_PER_VM), HV_EINVAL);
	assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN) + 8, PA(OUT_PFN), TAG),
		       HV_EINVAL);
	assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), PA(OUT_PFN) + 8, TAG),
		       HV_EINVAL);
	assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), PA(OUT_PFN), TAG + 4),
		       HV_EINVAL);
	assert_refused(save_encrypt_buf(vm, KVM_PHYS_SIZE, PA(OUT_PFN), TAG),
		       HV_EINVAL);
	assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), KVM_PHYS_SIZE, TAG),
		       HV_EINVAL);
	assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), PA(OUT_PFN),
					KVM_PHYS_SIZE), HV_EINVAL);
	assert_refused(seal_vm(vm, KVM_PHYS_SIZE), HV_EINVAL);
	assert_refused(boot_from_inc_exe(vm, KVM_PHYS_SIZE), HV_EINVAL);
	assert_refused(load_decrypt_buf(vm, KVM_PHYS_SIZE, TAG), HV_EINVAL);
	assert_refused(load_decrypt_buf(vm, PA(OUT_PFN), KVM_PHYS_SIZE),
		       HV_EINVAL);
	for (unsigned int bit = 40; bit < 64; bit++) {
		assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN) | BIT(bit),
						PA(OUT_PFN), TAG), HV_EINVAL);
		assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN),
						PA(OUT_PFN) | BIT(bit), TAG),
			       HV_EINVAL);
		assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), PA(OUT_PFN),
						TAG | BIT(bit)), HV_EINVAL);
		assert_refused(seal_vm(vm, TAG | BIT(bit)), HV_EINVAL);
		assert_refused(boot_from_inc_exe(vm, TAG | BIT(bit)),
			       HV_EINVAL);
		assert_refused(load_decrypt_buf(vm, PA(OUT_PFN) | BIT(bit),
						TAG), HV_EINVAL);
		assert_refused(load_decrypt_buf(vm, PA(OUT_PFN),
						TAG | BIT(bit)), HV_EINVAL);
	}
	assert_refused(seal_vm(vm, TAG + 1), HV_EINVAL);
	assert_refused(boot_from_inc_exe(vm, TAG + 1), HV_EINVAL);
	assert_refused(load_decrypt_buf(vm, PA(OUT_PFN) + 8, TAG), HV_EINVAL);
	assert_refused(load_decrypt_buf(vm, PA(OUT_PFN), TAG + 1), HV_EINVAL);
	g_assert_cmpuint(ops_vm_state(vm), ==, VERIFIED);
}

/* EL2 writes for the host only where the host could. */
static void bad_places_for_ciphertext(void)
{
	vmid_t vm = start_vm();
	vmid_t other = ops_new_vm();
	const paddr_t places[] = {
		OPS_EL2, OPS_HOLE, UART, 0, KVM_PHYS_SIZE - PAGE_SIZE,
		PA(CODE_PFN), PA(SHARED_PFN), PA(HEAP_PFN), PA(OPS_PFN(5, 5)),
	};

	ops_give_page(other, OPS_GFN, OPS_PFN(5, 5));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), places[i],
						TAG), HV_EPERM);
		assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), PA(OUT_PFN),
						places[i]), HV_EPERM);
	}
	assert_refused(save_encrypt_buf(vm, PA(HEAP_PFN), PA(OUT_PFN),
					PA(TAG_PFN + 1) - 56), HV_EPERM);
	assert_refused(save_encrypt_buf(vm, PA(OPS_PFN(5, 5)), PA(OUT_PFN),
					TAG), HV_EPERM);
	assert_refused(save_encrypt_buf(vm, PA(TAG_PFN), PA(OUT_PFN), TAG),
		       HV_EPERM);
	assert_refused(save_encrypt_buf(vm, OPS_EL2, PA(OUT_PFN), TAG),
		       HV_EPERM);
	/* All that was refused before it began: the VM still runs. */
	g_assert_cmpuint(ops_vm_state(vm), ==, VERIFIED);
	assert_done(set_vcpu_active(vm, 0));
	set_vcpu_inactive(vm, 0);
	assert_done(save_encrypt_buf(vm, PA(HEAP_PFN), PA(OUT_PFN),
				     PA(TAG_PFN + 1) - 64));
}

static void bad_places_for_the_seal(void)
{
	g_autofree struct saved_file *file = g_new0(struct saved_file, 1);
	vmid_t vm = start_vm();

	save_pages(vm, file);
	save_vcpus(vm, file);
	assert_refused(seal_vm(vm, OPS_EL2), HV_EPERM);
	assert_refused(seal_vm(vm, OPS_HOLE), HV_EPERM);
	assert_refused(seal_vm(vm, UART), HV_EPERM);
	assert_refused(seal_vm(vm, PA(TAG_PFN + 1) - 176), HV_EPERM);
	save_seal(vm, file);
	g_assert_cmpuint(file->seal.generation, ==, 1);
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
	assert_refused(save_encrypted_vcpu(vm, 0), HV_EPERM);
}

/* A host cannot leave anything out. */
static void bad_seal_with_a_part_missing(void)
{
	uint64_t pfns[VM_PAGES];
	vmid_t vm = start_vm();

	pages_of(vm, pfns, VM_PAGES);
	for (size_t i = 0; i < VM_PAGES; i++) {
		assert_done(save_page(vm, pfns[i]));
		assert_refused(seal_vm(vm, TAG), HV_EPERM);
	}
	assert_done(save_encrypted_vcpu(vm, 1));
	assert_done(save_encrypted_vcpu(vm, 1));
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
	assert_done(save_encrypted_vcpu(vm, 0));
	assert_done(seal_vm(vm, TAG));
}

/* A page that the host takes away is one that is missing. */
static void bad_seal_after_a_page_was_cleared(void)
{
	uint64_t pfns[VM_PAGES];
	size_t n;
	vmid_t vm = start_vm();

	assert_done(save_encrypted_vcpu(vm, 0));
	assert_done(save_encrypted_vcpu(vm, 1));
	assert_done(clear_vm_stage2_range(vm, PA(HEAP_PFN), PAGE_SIZE));
	n = pages_of(vm, pfns, VM_PAGES);
	g_assert_cmpuint(n, ==, VM_PAGES - 1);
	for (size_t i = 0; i < n; i++) {
		assert_done(save_page(vm, pfns[i]));
	}
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
	destroy(vm);
}

/* --- Changed parts ----------------------------------------------------- */

static void bad_seal_with_a_bit_changed(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = ops_new_vm();

	for (size_t i = 0; i < sizeof(file->seal); i++) {
		enum hv_status status;

		((uint8_t *)&file->seal)[i] ^= (uint8_t)(1 << (i % 8));
		status = begin(vm, &file->seal);
		/* What is no seal at all, and what nobody sealed. */
		if (i < offsetof(struct hypsec_seal, nr_vcpus)) {
			g_assert_cmpint(status, ==, HV_EINVAL);
		} else if (i >= offsetof(struct hypsec_seal, nr_pages)) {
			g_assert_cmpint(status, ==, HV_EPERM);
		}
		g_assert_cmpint(status, !=, HV_OK);
		assert_refused(boot_from_inc_exe(vm, TAG), status);
		((uint8_t *)&file->seal)[i] ^= (uint8_t)(1 << (i % 8));
	}
	assert_done(begin(vm, &file->seal));
}

static void bad_page_with_a_bit_changed(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	for (size_t i = 0; i < PAGE_SIZE + sizeof(file->tag[0]); i++) {
		uint8_t *byte = i < PAGE_SIZE ?
					(uint8_t *)memory(PA(NEW_PFN)) + i :
					(uint8_t *)memory(TAG) + i - PAGE_SIZE;
		enum hv_status status;

		/* Every byte of the description, some of the page. */
		if (i < PAGE_SIZE && i % 509 != 0 && i != PAGE_SIZE - 1) {
			continue;
		}
		put_page(file, 0, NEW_PFN);
		*byte ^= (uint8_t)(1 << (i % 8));
		status = load_decrypt_buf(vm, PA(NEW_PFN), TAG);
		g_assert_true(status == HV_EPERM || status == HV_EINVAL);
		/* The host has its page back, as it was. */
		ops_assert_record(NEW_PFN, HOSTVISOR, 0,
				  NEW_PFN + SMMU_HOST_OFFSET);
		ops_host_touches(NEW_PFN);
		*byte ^= (uint8_t)(1 << (i % 8));
		g_assert_cmpmem(memory(PA(NEW_PFN)), PAGE_SIZE, file->page[0],
				PAGE_SIZE);
	}
	load_pages(vm, file);
	load_vcpus(vm, file);
	assert_done(verify_and_load_images(vm));
	assert_whole(vm);
}

/* How far the description of a page is looked at before the page is. */
static void bad_descriptions_of_pages(void)
{
	static const struct {
		uint64_t gfn;
		uint32_t shares;
		uint32_t reserved;
		enum hv_status status;
	} descriptions[] = {
		{ KVM_PFN_SPACE, 0, 0, HV_EINVAL },
		{ KVM_PFN_SPACE - 1, 0, 0, HV_EPERM },
		{ ~UINT64_C(0), 0, 0, HV_EINVAL },
		{ CODE >> PAGE_SHIFT, MAX_SHARE_COUNT + 1, 0, HV_EINVAL },
		{ CODE >> PAGE_SHIFT, MAX_SHARE_COUNT, 0, HV_EPERM },
		{ CODE >> PAGE_SHIFT, 0, 1, HV_EINVAL },
	};
	g_autofree struct saved_file *file = save(start_vm());
	struct hypsec_sealed_page *tag = memory(TAG);
	vmid_t vm = begun(file);

	for (size_t i = 0; i < ARRAY_SIZE(descriptions); i++) {
		put_page(file, 0, NEW_PFN);
		tag->gfn = descriptions[i].gfn;
		tag->shares = descriptions[i].shares;
		tag->reserved = descriptions[i].reserved;
		g_assert_cmpint(load_decrypt_buf(vm, PA(NEW_PFN), TAG), ==,
				descriptions[i].status);
	}
	load_pages(vm, file);
	put_page(file, 0, NEW_PFN + 100);
	tag->index = VM_PAGES;
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN + 100), TAG), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "another page is next");
}

/* A device lies where the page was. */
static void bad_page_over_a_mapping(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	assert_done(kvm_phys_addr_ioremap(vm, CODE, UART, PAGE_SIZE));
	put_page(file, 0, NEW_PFN);
	g_assert_cmphex(file->tag[0].gfn, ==, CODE >> PAGE_SHIFT);
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN), TAG), HV_EBUSY);
}

/* G33: a bank of the VM's has another page where the page was. */
static void g33_page_beside_another_of_a_bank(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	assert_done(el2_alloc_smmu_pgd(1, vm, 0));
	assert_done(el2_arm_lpae_map(CODE, PA(NEW_PFN + 100), 0xc0, 1, 0));
	put_page(file, 0, NEW_PFN);
	g_assert_cmphex(file->tag[0].gfn, ==, CODE >> PAGE_SHIFT);
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN), TAG), HV_EPERM);
	assert_done(el2_arm_lpae_clear(CODE, 1, 0));
	assert_done(load_decrypt_buf(vm, PA(NEW_PFN), TAG));
}

static void bad_vcpu_with_a_bit_changed(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	for (size_t i = 0; i < file->vcpu[0].sealed_size; i++) {
		struct shadow_ctxt before = *shadow_ctxt_get(vm, 0);
		enum hv_status status;

		put_vcpu(vm, 0, file, 0);
		shared(vm, 0)->sealed[i] ^= (uint8_t)(1 << (i % 8));
		status = load_encrypted_vcpu(vm, 0);
		/* The last bytes are padding. */
		if (i >= 1400) {
			assert_done(status);
			break;
		}
		g_assert_cmpint(status, ==, HV_EPERM);
		g_assert_cmpmem(shadow_ctxt_get(vm, 0), sizeof(before),
				&before, sizeof(before));
	}
	assert_registers(vm, 0);
}

static void bad_size_of_a_vcpu(void)
{
	static const uint64_t sizes[] = { 0, 1, HYPSEC_SEALED_BYTES,
					  HYPSEC_SEALED_BYTES + 1,
					  ~UINT64_C(0), BIT(32) };
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	put_vcpu(vm, 0, file, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		shared(vm, 0)->sealed_size = sizes[i];
		assert_refused(load_encrypted_vcpu(vm, 0), HV_EINVAL);
	}
	shared(vm, 0)->sealed_size = file->vcpu[0].sealed_size |  BIT(32);
	assert_refused(load_encrypted_vcpu(vm, 0), HV_EINVAL);
	assert_done(load_vcpu(vm, file, 0));
}

static size_t count_events(enum native_op op)
{
	size_t n, found = 0;
	const struct native_event *events = native_events(&n);

	for (size_t i = 0; i < n; i++) {
		found += events[i].op == op;
	}
	return found;
}

/* What the VM executes is what was decrypted, caches or not. */
static void restored_page_is_in_memory(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	put_page(file, 0, NEW_PFN);
	native_events_reset();
	assert_done(load_decrypt_buf(vm, PA(NEW_PFN), TAG));
	g_assert_cmpuint(count_events(NATIVE_CLEAN), ==, 1);
	g_assert_cmpuint(count_events(NATIVE_ICACHE), ==, 1);
}

/* --- Left out, reordered, mixed ---------------------------------------- */

static void bad_order_of_pages(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	for (size_t i = 0; i < VM_PAGES; i++) {
		for (size_t other = 0; other < VM_PAGES; other++) {
			if (other != i) {
				put_page(file, other, NEW_PFN + 100);
				assert_refused(load_decrypt_buf(
					vm, PA(NEW_PFN + 100), TAG), HV_EPERM);
			}
		}
		assert_refused(verify_and_load_images(vm), HV_EPERM);
		assert_done(load_page(vm, file, i));
	}
	put_page(file, 0, NEW_PFN + 100);
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN + 100), TAG), HV_EPERM);
}

static void bad_page_missing(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	load_vcpus(vm, file);
	for (size_t i = 0; i < VM_PAGES; i++) {
		assert_refused(verify_and_load_images(vm), HV_EPERM);
		g_assert_cmpstr(this_cpu()->reason, ==, "a page is missing");
		assert_done(load_page(vm, file, i));
	}
	assert_done(verify_and_load_images(vm));
}

/* A restored VM that powers itself off is no VM that is being saved. */
static void bad_save_of_a_restored_vm_that_is_off(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = restore(file);
	uint64_t pfn = ops_vm_pfn(vm, HEAP_GFN);

	ops_set_vm_state(vm, POWEROFF);
	assert_refused(save_page(vm, pfn), HV_EPERM);
	assert_refused(save_encrypted_vcpu(vm, 0), HV_EPERM);
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "the VM is not being saved");
}

/* One page's content with another's description. */
static void bad_page_in_anothers_place(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	put_page(file, 0, NEW_PFN);
	memcpy(memory(PA(NEW_PFN)), file->page[1], PAGE_SIZE);
	g_assert_cmpint(load_decrypt_buf(vm, PA(NEW_PFN), TAG), ==, HV_EPERM);
	put_page(file, 1, NEW_PFN);
	((struct hypsec_sealed_page *)memory(TAG))->index = 0;
	g_assert_cmpint(load_decrypt_buf(vm, PA(NEW_PFN), TAG), ==, HV_EPERM);
	assert_done(load_page(vm, file, 0));
}

static void bad_vcpus_swapped_or_twice(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	put_vcpu(vm, 0, file, 1);
	assert_refused(load_encrypted_vcpu(vm, 0), HV_EPERM);
	put_vcpu(vm, 1, file, 0);
	assert_refused(load_encrypted_vcpu(vm, 1), HV_EPERM);
	assert_done(load_vcpu(vm, file, 0));
	assert_refused(load_encrypted_vcpu(vm, 0), HV_EBUSY);
}

static void bad_vcpu_missing_or_added(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	load_pages(vm, file);
	assert_done(load_vcpu(vm, file, 0));
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_done(load_vcpu(vm, file, 1));
	assert_done(register_vcpu(vm, 2));
	assert_refused(load_encrypted_vcpu(vm, 2), HV_EPERM);
	assert_refused(load_encrypted_vcpu(vm, 3), HV_EPERM);
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	g_assert_cmpuint(ops_vm_state(vm), ==, READY);
}

/* Parts of an older save of the same VM, and of another VM. */
static void bad_mix_of_two_saves(void)
{
	g_autofree struct saved_file *old = save(start_vm());
	g_autofree struct saved_file *new = save(restore(old));
	g_autofree struct saved_file *other = save(make_vm());
	vmid_t vm = begun(new);

	put_page(old, 0, NEW_PFN);
	g_assert_cmpint(load_decrypt_buf(vm, PA(NEW_PFN), TAG), ==, HV_EPERM);
	put_page(other, 0, NEW_PFN);
	g_assert_cmpint(load_decrypt_buf(vm, PA(NEW_PFN), TAG), ==, HV_EPERM);
	put_vcpu(vm, 0, old, 0);
	assert_refused(load_encrypted_vcpu(vm, 0), HV_EPERM);
	put_vcpu(vm, 0, other, 0);
	assert_refused(load_encrypted_vcpu(vm, 0), HV_EPERM);
	load_pages(vm, new);
	load_vcpus(vm, new);
	assert_done(verify_and_load_images(vm));
	assert_whole(vm);
}

/* What the second of two saves of one name has of its own. */
enum part { PART_PAGE, PART_GP, PART_SYS };

static void change_part(vmid_t vm, enum part part)
{
	switch (part) {
	case PART_PAGE:
		ops_fill(HEAP_PFN, 0x77);
		break;
	case PART_GP:
		shadow_ctxt_get(vm, 1)->regs[X3] = 0x77;
		break;
	case PART_SYS:
		shadow_ctxt_get(vm, 1)->regs[SCTLR_EL1] = 0x77;
		break;
	}
}

/* Takes it over into the first. */
static void mix_part(struct saved_file *one, const struct saved_file *other,
		     enum part part)
{
	struct sealed_vcpu *to = (void *)one->vcpu[1].sealed;
	const struct sealed_vcpu *from = (const void *)other->vcpu[1].sealed;

	for (size_t i = 0; i < VM_PAGES && part == PART_PAGE; i++) {
		if (one->tag[i].gfn == HEAP_GFN) {
			memcpy(one->page[i], other->page[i], PAGE_SIZE);
			one->tag[i] = other->tag[i];
		}
	}
	if (part == PART_GP) {
		memcpy(&to->gp, &from->gp, sizeof(to->gp));
		to->gp_tag = from->gp_tag;
	} else if (part == PART_SYS) {
		memcpy(&to->sys, &from->sys, sizeof(to->sys));
		to->sys_tag = from->sys_tag;
	}
}

/*
 * Two saves that bear the same names, since a board of a debugger's has been
 * set back in between: the seal still knows its own parts.
 */
static void bad_mix_of_two_saves_of_one_name(void)
{
	for (enum part part = PART_PAGE; part <= PART_SYS; part++) {
		g_autofree struct saved_file *one = save(start_vm());
		g_autofree struct saved_file *other = NULL;
		vmid_t vm = start_vm();

		change_part(vm, part);
		other = save(vm);
		g_assert_cmpmem(one->seal.save_id, 32, other->seal.save_id,
				32);
		mix_part(one, other, part);
		reset_board(OTHER_SEED);
		vm = loaded(one);
		assert_refused(verify_and_load_images(vm), HV_EPERM);
		g_assert_cmpstr(this_cpu()->reason, ==, "parts of two saves");
	}
}

/* Each VM has its own keys and counts, whatever the order of calls. */
static void good_two_vms_in_turns(void)
{
	g_autofree struct saved_file *one = save(start_vm());
	g_autofree struct saved_file *two = save(make_vm());
	vmid_t a = begun(one);
	vmid_t b = begun(two);

	for (size_t i = 0; i < VM_PAGES; i++) {
		assert_done(load_page(a, one, i));
		assert_done(load_page(b, two, i));
	}
	load_vcpus(a, one);
	assert_refused(verify_and_load_images(b), HV_EPERM);
	assert_done(verify_and_load_images(a));
	load_vcpus(b, two);
	assert_done(verify_and_load_images(b));
	assert_whole(a);
	assert_whole(b);
	assert_done(save_encrypted_vcpu(a, 0));
	assert_refused(seal_vm(b, TAG), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "the VM is not being saved");
	g_assert_cmpuint(ops_vm_state(b), ==, VERIFIED);
}

/* The parts that a VM came of are not those that it is saved in. */
static void bad_seal_with_vcpus_of_the_restore(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = restore(file);

	save_pages(vm, file);
	assert_refused(seal_vm(vm, TAG), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "a vCPU is not saved");
	save_vcpus(vm, file);
	save_seal(vm, file);
}

/* Who gets the id of a VM that was being saved has nothing of it. */
static void bad_save_by_the_next_of_an_id(void)
{
	vmid_t vm = start_vm();
	vmid_t next;

	assert_done(save_page(vm, HEAP_PFN));
	destroy(vm);
	next = make_vm();
	g_assert_cmpuint(next, ==, vm);
	ops_set_vm_state(next, POWEROFF);
	assert_refused(save_page(next, HEAP_PFN), HV_EPERM);
	assert_refused(seal_vm(next, TAG), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "the VM is not being saved");
}

/* A VM on its way out runs no more, nor does any save of it (same seed). */
static void bad_restore_beside_a_vm_that_is_saved(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = start_vm();
	vmid_t other = ops_new_vm();

	assert_done(save_page(vm, HEAP_PFN));
	g_assert_cmpint(begin(other, &file->seal), ==, HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==, "the VM has gone on since");
}

/* --- Once -------------------------------------------------------------- */

static void bad_replay_beside_the_restored_vm(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = restore(file);
	vmid_t again = ops_new_vm();

	g_assert_cmpint(begin(again, &file->seal), ==, HV_EPERM);
	assert_refused(boot_from_inc_exe(again, TAG), HV_EPERM);
	destroy(vm);
	assert_refused(boot_from_inc_exe(again, TAG), HV_EPERM);
}

static void bad_two_restores_at_a_time(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t one = loaded(file);
	vmid_t other = loaded(file);

	assert_done(verify_and_load_images(other));
	assert_refused(verify_and_load_images(one), HV_EPERM);
	g_assert_cmpuint(ops_vm_state(one), ==, READY);
	assert_whole(other);
}

/* An older save is no more worth anything, whenever it is tried. */
static void bad_rollback(void)
{
	g_autofree struct saved_file *old = save(start_vm());
	g_autofree struct saved_file *new = NULL;
	vmid_t vm = restore(old);

	new = save(vm);
	vm = ops_new_vm();
	g_assert_cmpint(begin(vm, &old->seal), ==, HV_EPERM);
	assert_refused(boot_from_inc_exe(vm, TAG), HV_EPERM);
	destroy(vm);
	assert_whole(restore(new));
}

static void bad_rollback_of_a_begun_restore(void)
{
	g_autofree struct saved_file *old = save(start_vm());
	g_autofree struct saved_file *new = save(restore(old));
	vmid_t vm;

	/* Another boot, which has seen neither. */
	reset_board(OTHER_SEED);
	vm = loaded(old);
	assert_whole(restore(new));
	assert_refused(verify_and_load_images(vm), HV_EPERM);
}

/* What was given up half-way can be tried again. */
static void good_restore_after_one_given_up(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);

	assert_done(load_page(vm, file, 0));
	destroy(vm);
	assert_whole(restore(file));
}

/* A VM whose save was given up has gone on: its last save is old. */
static void bad_rollback_by_a_save_given_up(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = restore(file);

	assert_done(save_encrypted_vcpu(vm, 0));
	destroy(vm);
	vm = ops_new_vm();
	g_assert_cmpint(begin(vm, &file->seal), ==, HV_EPERM);
}

static void bad_more_instances_than_remembered(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = make_vm();

	for (uint32_t i = 1; i < MAX_INSTANCES; i++) {
		uint8_t id[16] = { (uint8_t)i, (uint8_t)(i >> 8), 1 };

		assert_done(instance_keep(id));
	}
	assert_refused(save_page(vm, HEAP_PFN), HV_ENOMEM);
	assert_refused(save_encrypted_vcpu(vm, 0), HV_ENOMEM);
	g_assert_cmpuint(ops_vm_state(vm), ==, VERIFIED);
	/* One that it remembers. */
	assert_whole(restore(file));
	destroy(vm);
}

static void bad_restore_with_too_many_instances(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm;

	reset_board(OTHER_SEED);
	for (uint32_t i = 0; i < MAX_INSTANCES; i++) {
		uint8_t id[16] = { (uint8_t)i, (uint8_t)(i >> 8), 1 };

		assert_done(instance_keep(id));
	}
	vm = loaded(file);
	assert_refused(verify_and_load_images(vm), HV_ENOMEM);
	g_assert_cmpuint(ops_vm_state(vm), ==, READY);
	instance_release((const uint8_t[16]){ 0, 0, 1 });
	assert_done(verify_and_load_images(vm));
	assert_whole(vm);
}

/* Saves that are refused, or given up, use no room. */
static void refused_saves_are_not_remembered(void)
{
	g_autofree struct saved_file *file = NULL;
	vmid_t vm = start_vm();

	for (uint32_t i = 0; i < MAX_INSTANCES - 1; i++) {
		uint8_t id[16] = { (uint8_t)i, (uint8_t)(i >> 8), 1 };

		assert_done(instance_keep(id));
	}
	for (uint32_t i = 0; i < 3; i++) {
		assert_refused(save_page(vm, OUT_PFN), HV_EPERM);
		assert_refused(save_encrypted_vcpu(vm, 5), HV_EPERM);
		assert_done(save_page(vm, HEAP_PFN));
		destroy(vm);
		vm = make_vm();
	}
	file = save(vm);
	/* This one is. */
	vm = make_vm();
	assert_refused(save_page(vm, HEAP_PFN), HV_ENOMEM);
	destroy(vm);
	assert_whole(restore(file));
}

/*
 * A host with many saves of an earlier boot: once the VM was saved in this
 * one, only that save counts, whatever generation the others bear.
 */
static void bad_rollback_by_saves_of_an_earlier_boot(void)
{
	g_autofree struct saved_file *first = save(start_vm());
	g_autofree struct saved_file *second = save(restore(first));
	g_autofree struct saved_file *third = save(restore(second));
	g_autofree struct saved_file *new = NULL;
	vmid_t vm;

	reset_board(OTHER_SEED);
	new = save(restore(first));
	g_assert_cmpuint(new->seal.generation, ==, second->seal.generation);
	vm = ops_new_vm();
	g_assert_cmpint(begin(vm, &second->seal), ==, HV_EPERM);
	g_assert_cmpint(begin(vm, &third->seal), ==, HV_EPERM);
	g_assert_cmpint(begin(vm, &first->seal), ==, HV_EPERM);
	assert_whole(restore(new));
}

/* --- Keys -------------------------------------------------------------- */

static void bad_board_with_another_secret(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm;

	signed_start();
	keys_set(keys_trusted(), board_seed, board_seed);
	vm = ops_new_vm();
	g_assert_cmpint(begin(vm, &file->seal), ==, HV_EPERM);
	keys_set(keys_trusted(), board_secret, board_seed);
	assert_done(begin(vm, &file->seal));
}

/* Saved state is no way around the owner that this board trusts. */
static void bad_board_that_trusts_another_owner(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	static const uint8_t none[32];
	vmid_t vm;

	signed_start();
	keys_set(none, board_secret, board_seed);
	vm = ops_new_vm();
	g_assert_cmpint(begin(vm, &file->seal), ==, HV_EPERM);
}

/* Registers mean something else on another CPU. */
static void bad_board_with_another_cpu(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm;

	reset_board(OTHER_SEED);
	vm = ops_new_vm();
	native_cpu.midr_el1 ^= 0x10;
	g_assert_cmpint(begin(vm, &file->seal), ==, HV_EPERM);
	native_cpu.midr_el1 ^= 0x10;
	native_cpu.ID_AA64ISAR0_EL1 ^= 0x10;
	g_assert_cmpint(begin(vm, &file->seal), ==, HV_EPERM);
	native_cpu.ID_AA64ISAR0_EL1 ^= 0x10;
	assert_whole(restore(file));
}

/* --- Between ordinary and saved ---------------------------------------- */

static void bad_restore_into_a_vm_with_something(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	uint32_t idx;
	vmid_t vm = ops_new_vm();

	assert_done(set_boot_info(vm, CODE, 1, &idx));
	g_assert_cmpint(begin(vm, &file->seal), ==, HV_EPERM);
	destroy(vm);
	vm = verified_vm();
	g_assert_cmpint(begin(vm, &file->seal), ==, HV_EPERM);
	destroy(vm);
	vm = begun(file);
	assert_refused(boot_from_inc_exe(vm, TAG), HV_EPERM);
}

static void bad_device_in_a_restored_vms_ram(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = loaded(file);

	assert_done(kvm_phys_addr_ioremap(vm, MAX_MMIO_ADDR, UART, PAGE_SIZE));
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	destroy(vm);
	assert_whole(restore(file));
}

static void bad_images_into_a_restored_vm(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	struct plain_manifest plain = vm_manifest();
	struct signed_manifest m = sign_manifest(&plain, &the_owner);
	uint32_t idx;
	vmid_t vm = begun(file);

	assert_manifest_refused(vm, &m, HV_EPERM);
	assert_refused(set_boot_info(vm, CODE, 1, &idx), HV_EPERM);
	assert_refused(remap_vm_image(vm, OPS_PFN(5, 0), 0), HV_EINVAL);
	assert_refused(verify_and_load_images(vm), HV_EPERM);
	assert_refused(set_vcpu_active(vm, 0), HV_EPERM);
	assert_refused(save_encrypted_vcpu(vm, 0), HV_EPERM);
}

static void bad_parts_into_an_ordinary_vm(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = vm_to_verify();

	put_page(file, 0, NEW_PFN);
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN), TAG), HV_EPERM);
	g_assert_cmpstr(this_cpu()->reason, ==,
			"the VM is not being restored");
	put_vcpu(vm, 0, file, 0);
	assert_refused(load_encrypted_vcpu(vm, 0), HV_EPERM);
	assert_done(verify_all(vm));
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN), TAG), HV_EPERM);
	assert_refused(load_encrypted_vcpu(vm, 0), HV_EPERM);
}

static void bad_pages_for_a_restored_vm(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	vmid_t vm = begun(file);
	vmid_t other = ops_new_vm();
	const paddr_t places[] = { OPS_EL2, OPS_HOLE, UART, PA(OPS_PFN(5, 5)) };

	ops_give_page(other, OPS_GFN, OPS_PFN(5, 5));
	put_page(file, 0, NEW_PFN);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_refused(load_decrypt_buf(vm, places[i], TAG), HV_EPERM);
		assert_refused(load_decrypt_buf(vm, PA(NEW_PFN), places[i]),
			       HV_EPERM);
	}
	/* G64: a page that the host's DMA uses. */
	machine_set_page(NEW_PFN, HOSTVISOR, 1);
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN), TAG), HV_EPERM);
	machine_set_page(NEW_PFN, HOSTVISOR, 0);
	assert_refused(load_decrypt_buf(vm, PA(NEW_PFN), PA(TAG_PFN + 1) - 56),
		       HV_EPERM);
	assert_done(load_decrypt_buf(vm, PA(NEW_PFN), TAG));
	g_assert_false(ops_host_maps(NEW_PFN));
	g_assert_cmpint(map_page_host(PA(NEW_PFN)), ==,
			file->tag[0].shares > 0 ? HV_OK : HV_EPERM);
}

/* G64: what is decrypted goes to the VM's registers, not to the host's. */
static void g64_vcpu_goes_to_the_vm(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	struct shadow_ctxt host = *shadow_ctxt_get(HOSTVISOR, 0);
	vmid_t vm = begun(file);

	load_vcpus(vm, file);
	g_assert_cmpmem(shadow_ctxt_get(HOSTVISOR, 0), sizeof(host), &host,
			sizeof(host));
	assert_registers(vm, 0);
	g_assert_true(shadow_ctxt_get(vm, 0)->shared == shared(vm, 0));
}

/* Boots, and saves of one, have names of their own. */
static void names_do_not_come_again(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	g_autofree struct saved_file *again = save(restore(file));
	g_autofree struct saved_file *twin = save(make_vm());
	g_autofree struct saved_file *other = NULL;
	uint8_t seed[32];

	g_assert_cmpint(memcmp(file->seal.save_id, again->seal.save_id, 32),
			!=, 0);
	g_assert_cmpmem(file->seal.instance, 16, again->seal.instance, 16);
	g_assert_cmpint(memcmp(file->seal.instance, twin->seal.instance, 16),
			!=, 0);
	/* The last byte of the seed counts. */
	memcpy(seed, board_seed, sizeof(seed));
	seed[31] ^= 1;
	reset_board((const char *)seed);
	other = save(make_vm());
	g_assert_cmpint(memcmp(file->seal.save_id, other->seal.save_id, 32),
			!=, 0);
	g_assert_cmpint(memcmp(file->seal.instance, other->seal.instance, 16),
			!=, 0);
	g_assert_cmpmem(file->seal.manifest, 32, other->seal.manifest, 32);
}

/* --- What is on the host's disk ---------------------------------------- */

/* docs/sealing.rst once more, in one piece: a save must open for years. */
struct reader {
	uint8_t box[32];
	uint8_t nonce[32];
	uint8_t mac[32];
};

static void hash_of(void *out, size_t bytes, const void *key,
		    const GByteArray *data)
{
	g_assert_cmpint(crypto_generichash_blake2b(out, bytes, data->data,
						   data->len, key, 32), ==, 0);
}

static void subkey(uint8_t *key, const uint8_t *master, uint8_t purpose)
{
	g_autoptr(GByteArray) data = g_byte_array_new();

	g_byte_array_append(data, &purpose, 1);
	hash_of(key, 32, master, data);
}

/* Of the firmware's layout and of what a VM sees of the CPU. */
static void machine_of(uint8_t *hash)
{
	uint64_t words[4 + 56] = { 1, 1408, native_cpu.midr_el1,
				   vm_has_gicv3() };

	for (uint32_t i = 0; i < 56; i++) {
		words[4 + i] = vm_id_register(
			SYS_REG(3, 0, 0, 1 + i / 8, i % 8));
	}
	crypto_generichash_blake2b(hash, 32, (const uint8_t *)words,
				   sizeof(words), NULL, 0);
}

static struct reader reader_of(const struct hypsec_seal *seal)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	struct reader reader;
	uint8_t master[32], machine[32];

	machine_of(machine);
	g_byte_array_append(data, (const guint8 *)"hypsec-virt saved VM 1", 23);
	g_byte_array_append(data, keys_trusted(), 32);
	g_byte_array_append(data, seal->manifest, 32);
	g_byte_array_append(data, seal->save_id, 32);
	g_byte_array_append(data, machine, 32);
	hash_of(master, 32, board_secret, data);
	subkey(reader.box, master, 1);
	subkey(reader.nonce, master, 2);
	subkey(reader.mac, master, 3);
	return reader;
}

/* Decrypts a part, which is bound to four words, and looks at its nonce. */
static void read_part(const struct reader *reader, const uint64_t bound[4],
		      uint8_t *part, size_t bytes,
		      const struct hypsec_seal_tag *tag)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	uint64_t bound_bytes = 32;
	uint8_t nonce[24];

	g_assert_cmpint(crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
				part, NULL, part, bytes, tag->mac,
				(const uint8_t *)bound, 32, tag->nonce,
				reader->box), ==, 0);
	g_byte_array_append(data, (const guint8 *)&bound_bytes, 8);
	g_byte_array_append(data, (const guint8 *)bound, 32);
	g_byte_array_append(data, part, (guint)bytes);
	hash_of(nonce, sizeof(nonce), reader->nonce, data);
	g_assert_cmpmem(nonce, sizeof(nonce), tag->nonce, sizeof(tag->nonce));
}

static void read_seal(const struct reader *reader,
		      const struct saved_file *file)
{
	g_autoptr(GByteArray) tags = g_byte_array_new();
	g_autoptr(GByteArray) seal = g_byte_array_new();
	uint8_t hash[32];

	g_byte_array_append(tags, (const guint8 *)"t", 1);
	for (size_t i = 0; i < VM_PAGES; i++) {
		g_byte_array_append(tags, (const guint8 *)&file->tag[i].tag,
				    40);
	}
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		/* Behind both parts, that of the general registers first. */
		g_byte_array_append(tags, file->vcpu[i].sealed + 1320, 80);
	}
	hash_of(hash, 32, reader->mac, tags);
	g_assert_cmpmem(hash, 32, file->seal.tags, 32);
	g_byte_array_append(seal, (const guint8 *)"s", 1);
	g_byte_array_append(seal, (const guint8 *)&file->seal, 152);
	hash_of(hash, 32, reader->mac, seal);
	g_assert_cmpmem(hash, 32, file->seal.mac, 32);
}

static void format_is_the_documented_one(void)
{
	g_autofree struct saved_file *file = save(start_vm());
	struct reader reader = reader_of(&file->seal);
	struct plain_manifest plain;
	uint8_t hash[32];

	plain = vm_manifest();
	crypto_generichash_blake2b(hash, 32, (const uint8_t *)&plain,
				   sizeof(plain.head) +
				   2 * sizeof(plain.images[0]), NULL, 0);
	g_assert_cmpmem(file->seal.manifest, 32, hash, 32);
	read_seal(&reader, file);
	for (size_t i = 0; i < VM_PAGES; i++) {
		const uint64_t bound[4] = { 1, i, file->tag[i].gfn,
					    file->tag[i].shares };

		read_part(&reader, bound, file->page[i], PAGE_SIZE,
			  &file->tag[i].tag);
		if (file->tag[i].gfn == HEAP_GFN) {
			g_assert_cmphex(file->page[i][99], ==, SECRET);
		}
	}
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		uint8_t *sealed = file->vcpu[i].sealed;
		const uint64_t gp[4] = { 2, i }, sys[4] = { 3, i };
		const struct hypsec_seal_tag *tag = (void *)(sealed + 1320);

		read_part(&reader, gp, sealed, 800, tag);
		read_part(&reader, sys, sealed + 800, 520, tag + 1);
		g_assert_cmphex(((uint64_t *)(void *)sealed)[7], ==,
				reg_value(i, 7));
	}
}

/*
 * There are no random numbers: what keeps two saves of one name apart is that
 * a nonce comes of all that it encrypts. No key serves two purposes.
 */
static void nonces_come_of_the_content(void)
{
	g_autofree struct saved_file *one = save(start_vm());
	g_autofree struct saved_file *other = NULL;
	vmid_t vm = start_vm();
	struct reader reader = reader_of(&one->seal);

	((uint8_t *)memory(PA(HEAP_PFN)))[4095] ^= 1;
	other = save(vm);
	g_assert_cmpmem(one->seal.save_id, 32, other->seal.save_id, 32);
	for (size_t i = 0; i < VM_PAGES; i++) {
		bool same = memcmp(one->tag[i].tag.nonce,
				   other->tag[i].tag.nonce, 24) == 0;

		g_assert_true(same == (one->tag[i].gfn != HEAP_GFN));
		for (size_t j = 0; j < i; j++) {
			g_assert_cmpint(memcmp(one->tag[i].tag.nonce,
					       one->tag[j].tag.nonce, 24), !=,
					0);
		}
	}
	g_assert_cmpint(memcmp(reader.box, reader.nonce, 32), !=, 0);
	g_assert_cmpint(memcmp(reader.box, reader.mac, 32), !=, 0);
	g_assert_cmpint(memcmp(reader.mac, reader.nonce, 32), !=, 0);
}

/* Whatever changes data after it was found authentic: nothing is decrypted. */
static void changed_data_is_not_decrypted(void)
{
	static const uint8_t manifest[32] = "m", save_id[32] = "s",
			     machine[32] = "c";
	uint8_t text[100] = "something to say";
	const struct seal_data data = { .data = text, .bytes = sizeof(text),
					.bound = save_id, .bound_bytes = 8 };
	struct seal_keys keys;
	struct hypsec_seal_tag tag;

	signed_start();
	seal_derive(&keys, manifest, save_id, machine);
	seal_encrypt(&keys, &data, &tag);
	g_assert_true(seal_is_authentic(&keys, &data, &tag));
	text[50] ^= 1;
	g_assert_false(seal_decrypt(&keys, &data, &tag));
	for (size_t i = 0; i < sizeof(text); i++) {
		g_assert_cmpuint(text[i], ==, 0);
	}
}


static const struct unit_test tests[] = {
	UNIT_TEST("/sealing/good/vm-goes-on-as-it-was",
		  good_vm_goes_on_as_it_was),
	UNIT_TEST("/sealing/good/another-board-of-the-same-keys",
		good_on_another_board_of_the_same_keys),
	UNIT_TEST("/sealing/good/any-order-of-vcpus-and-devices",
		good_any_order_of_vcpus_and_devices),
	UNIT_TEST("/sealing/good/saved-again-and-again",
		  good_saved_again_and_again),
	UNIT_TEST("/sealing/good/time-stands-still",
		  time_of_the_vm_stands_still),
	UNIT_TEST("/sealing/save/ciphertext-says-nothing",
		  ciphertext_says_nothing),
	UNIT_TEST("/sealing/save/freezes-for-ever",
		  first_save_freezes_for_ever),
	UNIT_TEST("/sealing/save/page-comes-back-empty",
		  saved_page_comes_back_empty),
	UNIT_TEST("/sealing/bad/save-while-a-vcpu-runs",
		  bad_save_while_a_vcpu_runs),
	UNIT_TEST("/sealing/bad/save-in-other-states",
		  bad_save_in_other_states),
	UNIT_TEST("/sealing/bad/ids-and-addresses", bad_ids_and_addresses),
	UNIT_TEST("/sealing/bad/places-for-ciphertext",
		  bad_places_for_ciphertext),
	UNIT_TEST("/sealing/bad/places-for-the-seal", bad_places_for_the_seal),
	UNIT_TEST("/sealing/bad/seal-with-a-part-missing",
		  bad_seal_with_a_part_missing),
	UNIT_TEST("/sealing/bad/seal-after-a-page-was-cleared",
		bad_seal_after_a_page_was_cleared),
	UNIT_TEST("/sealing/bad/seal-with-a-bit-changed",
		  bad_seal_with_a_bit_changed),
	UNIT_TEST("/sealing/bad/page-with-a-bit-changed",
		  bad_page_with_a_bit_changed),
	UNIT_TEST("/sealing/bad/vcpu-with-a-bit-changed",
		  bad_vcpu_with_a_bit_changed),
	UNIT_TEST("/sealing/good/two-vms-in-turns", good_two_vms_in_turns),
	UNIT_TEST("/sealing/bad/seal-with-vcpus-of-the-restore",
		  bad_seal_with_vcpus_of_the_restore),
	UNIT_TEST("/sealing/bad/save-by-the-next-of-an-id",
		  bad_save_by_the_next_of_an_id),
	UNIT_TEST("/sealing/good/restored-page-is-in-memory",
		  restored_page_is_in_memory),
	UNIT_TEST("/sealing/bad/descriptions-of-pages",
		  bad_descriptions_of_pages),
	UNIT_TEST("/sealing/bad/page-over-a-mapping", bad_page_over_a_mapping),
	UNIT_TEST("/sealing/g33_page-beside-a-bank",
		  g33_page_beside_another_of_a_bank),
	UNIT_TEST("/sealing/bad/page-missing", bad_page_missing),
	UNIT_TEST("/sealing/bad/save-of-a-restored-vm-that-is-off",
		  bad_save_of_a_restored_vm_that_is_off),
	UNIT_TEST("/sealing/bad/size-of-a-vcpu", bad_size_of_a_vcpu),
	UNIT_TEST("/sealing/bad/order-of-pages", bad_order_of_pages),
	UNIT_TEST("/sealing/bad/page-in-anothers-place",
		  bad_page_in_anothers_place),
	UNIT_TEST("/sealing/bad/vcpus-swapped-or-twice",
		  bad_vcpus_swapped_or_twice),
	UNIT_TEST("/sealing/bad/vcpu-missing-or-added",
		  bad_vcpu_missing_or_added),
	UNIT_TEST("/sealing/bad/mix-of-two-saves", bad_mix_of_two_saves),
	UNIT_TEST("/sealing/bad/mix-of-two-saves-of-one-name",
		bad_mix_of_two_saves_of_one_name),
	UNIT_TEST("/sealing/bad/replay-beside-the-restored-vm",
		bad_replay_beside_the_restored_vm),
	UNIT_TEST("/sealing/bad/two-restores-at-a-time",
		  bad_two_restores_at_a_time),
	UNIT_TEST("/sealing/bad/restore-beside-a-vm-that-is-saved",
		  bad_restore_beside_a_vm_that_is_saved),
	UNIT_TEST("/sealing/bad/rollback", bad_rollback),
	UNIT_TEST("/sealing/bad/rollback-of-a-begun-restore",
		bad_rollback_of_a_begun_restore),
	UNIT_TEST("/sealing/good/restore-after-one-given-up",
		good_restore_after_one_given_up),
	UNIT_TEST("/sealing/bad/rollback-by-a-save-given-up",
		bad_rollback_by_a_save_given_up),
	UNIT_TEST("/sealing/bad/more-instances-than-remembered",
		bad_more_instances_than_remembered),
	UNIT_TEST("/sealing/save/refused-are-not-remembered",
		  refused_saves_are_not_remembered),
	UNIT_TEST("/sealing/bad/rollback-by-saves-of-an-earlier-boot",
		  bad_rollback_by_saves_of_an_earlier_boot),
	UNIT_TEST("/sealing/bad/restore-with-too-many-instances",
		bad_restore_with_too_many_instances),
	UNIT_TEST("/sealing/bad/board-with-another-secret",
		bad_board_with_another_secret),
	UNIT_TEST("/sealing/bad/board-that-trusts-another-owner",
		bad_board_that_trusts_another_owner),
	UNIT_TEST("/sealing/bad/board-with-another-cpu",
		  bad_board_with_another_cpu),
	UNIT_TEST("/sealing/bad/restore-into-a-vm-with-something",
		bad_restore_into_a_vm_with_something),
	UNIT_TEST("/sealing/bad/device-in-a-restored-vms-ram",
		bad_device_in_a_restored_vms_ram),
	UNIT_TEST("/sealing/bad/images-into-a-restored-vm",
		bad_images_into_a_restored_vm),
	UNIT_TEST("/sealing/bad/parts-into-an-ordinary-vm",
		bad_parts_into_an_ordinary_vm),
	UNIT_TEST("/sealing/names/do-not-come-again", names_do_not_come_again),
	UNIT_TEST("/sealing/format/nonces-come-of-the-content",
		  nonces_come_of_the_content),
	UNIT_TEST("/sealing/format/documented", format_is_the_documented_one),
	UNIT_TEST("/sealing/bad/changed-data-is-not-decrypted",
		changed_data_is_not_decrypted),
	UNIT_TEST("/sealing/bad/pages-for-a-restored-vm",
		  bad_pages_for_a_restored_vm),
	UNIT_TEST("/sealing/g64_vcpu_goes_to_the_vm", g64_vcpu_goes_to_the_vm),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
