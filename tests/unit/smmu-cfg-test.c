/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which SMMUs there are, whose their banks are, and how EL2 reaches them. */
#include "harness.h"

#include "core/locks.h"
#include "core/mmio_raw.h"
#include "core/smmu_cfg.h"

#define BASE	UINT64_C(0x09050000)
#define BYTES	UINT64_C(0x10000)

static void getters_say_what_was_added(void)
{
	smmu_cfg_reset();
	g_assert_cmpuint(get_smmu_num(), ==, 0);
	g_assert_cmpint(smmu_cfg_add(BASE, BYTES, 8), ==, HV_OK);
	g_assert_cmpint(smmu_cfg_add(BASE + BYTES, BYTES / 2, 3), ==, HV_OK);
	g_assert_cmpuint(get_smmu_num(), ==, 2);
	g_assert_cmphex(get_smmu_base(0), ==, BASE);
	g_assert_cmphex(get_smmu_size(0), ==, BYTES);
	g_assert_cmpuint(get_smmu_num_context_banks(0), ==, 8);
	g_assert_cmphex(get_smmu_base(1), ==, BASE + BYTES);
	g_assert_cmphex(get_smmu_size(1), ==, BYTES / 2);
	g_assert_cmpuint(get_smmu_num_context_banks(1), ==, 3);
}

static void there_are_two_at_most(void)
{
	smmu_cfg_reset();
	g_assert_cmpint(smmu_cfg_add(BASE, BYTES, 8), ==, HV_OK);
	g_assert_cmpint(smmu_cfg_add(BASE + BYTES, BYTES, 8), ==, HV_OK);
	g_assert_cmpint(smmu_cfg_add(BASE + 2 * BYTES, BYTES, 8), ==,
			HV_ENOMEM);
	g_assert_cmpuint(get_smmu_num(), ==, SMMU_NUM);
}

static void what_does_not_fit_is_invalid(void)
{
	const struct {
		paddr_t base;
		uint64_t bytes;
		uint32_t banks;
	} bad[] = {
		{ BASE + 1, BYTES, 8 },
		{ BASE, BYTES + 1, 8 },
		{ BASE, 0, 8 },
		{ BASE, BYTES, 0 },
		{ BASE, BYTES, SMMU_NUM_CTXT_BANKS + 1 },
		{ BASE, 2 * 7 * PAGE_SIZE, 8 },
		{ MAX_MMIO_ADDR, BYTES, 8 },
		{ MAX_MMIO_ADDR - PAGE_SIZE, BYTES, 8 },
		{ BASE, ~UINT64_C(0xfff), 8 },
	};

	smmu_cfg_reset();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		g_assert_cmpint(smmu_cfg_add(bad[i].base, bad[i].bytes,
					     bad[i].banks), ==, HV_EINVAL);
		g_assert_cmpuint(get_smmu_num(), ==, 0);
	}
	/* And each of them, just not so bad, fits. */
	g_assert_cmpint(smmu_cfg_add(MAX_MMIO_ADDR - BYTES, BYTES, 8), ==,
			HV_OK);
	g_assert_cmpint(smmu_cfg_add(BASE, 2 * 8 * PAGE_SIZE, 8), ==, HV_OK);
}

static void banks_are_free_but_the_first(void)
{
	acquire_lock_smmu();
	for (uint32_t i = 0; i < 2; i++) {
		g_assert_cmpuint(get_smmu_cfg_vmid(SMMU_IDENTITY_BANK, i), ==,
				 COREVISOR);
		for (uint32_t n = 1; n < 8; n++) {
			g_assert_cmphex(get_smmu_cfg_vmid(n, i), ==, INVALID);
		}
	}
	release_lock_smmu();
}

static void each_bank_has_its_owner(void)
{
	acquire_lock_smmu();
	for (uint32_t n = 1; n < 8; n++) {
		set_smmu_cfg_vmid(n, 0, n);
		set_smmu_cfg_vmid(n, 1, n + 8);
	}
	set_smmu_cfg_vmid(3, 1, HOSTVISOR);
	set_smmu_cfg_vmid(4, 1, INVALID);
	for (uint32_t n = 1; n < 8; n++) {
		g_assert_cmpuint(get_smmu_cfg_vmid(n, 0), ==, n);
		g_assert_cmphex(get_smmu_cfg_vmid(n, 1), ==,
				n == 3 ? HOSTVISOR : n == 4 ? INVALID : n + 8);
	}
	release_lock_smmu();
}

/* What debuggers and the inspection page read, at the offsets it tells. */
static void array_shows_both(void)
{
	const uint8_t *array, *owners;
	uint64_t stride, owner_offset;

	smmu_cfg_reset();
	g_assert_cmpint(smmu_cfg_add(BASE, BYTES, 8), ==, HV_OK);
	g_assert_cmpint(smmu_cfg_add(BASE + BYTES, BYTES / 2, 3), ==, HV_OK);
	acquire_lock_smmu();
	set_smmu_cfg_vmid(1, 1, 7);
	release_lock_smmu();
	array = smmu_cfg_array(&stride, &owner_offset);
	owners = array + owner_offset;
	g_assert_cmphex(*(const uint64_t *)array, ==, BASE);
	g_assert_cmphex(*(const uint64_t *)(array + 8), ==, BYTES);
	g_assert_cmpuint(*(const uint32_t *)(array + 16), ==, 8);
	g_assert_cmphex(*(const uint64_t *)(array + stride), ==, BASE + BYTES);
	g_assert_cmpuint(*(const uint32_t *)(array + stride + 16), ==, 3);
	g_assert_cmpuint(*(const uint32_t *)owners, ==, COREVISOR);
	g_assert_cmpuint(*(const uint32_t *)(owners + stride + 4), ==, 7);
	g_assert_cmphex(*(const uint32_t *)(owners + stride + 8), ==, INVALID);
}

/* A call with numbers, which panics. */
struct call {
	void (*make)(uint32_t cbndx, uint32_t index, uint32_t vmid);
	uint32_t cbndx;
	uint32_t index;
	uint32_t vmid;
	bool locked;
};

static void make(void *data)
{
	const struct call *call = data;

	if (call->locked) {
		acquire_lock_smmu();
	}
	call->make(call->cbndx, call->index, call->vmid);
}

static void get_owner(uint32_t cbndx, uint32_t index, uint32_t vmid)
{
	(void)vmid;
	get_smmu_cfg_vmid(cbndx, index);
}

static void set_owner(uint32_t cbndx, uint32_t index, uint32_t vmid)
{
	set_smmu_cfg_vmid(cbndx, index, vmid);
}

static void get_root(uint32_t cbndx, uint32_t index, uint32_t vmid)
{
	(void)vmid;
	get_smmu_cfg_hw_ttbr(cbndx, index);
}

static void get_base(uint32_t cbndx, uint32_t index, uint32_t vmid)
{
	(void)cbndx;
	(void)vmid;
	get_smmu_base(index);
}

#define DIES(name, reason, ...)						\
	static void name(void)						\
	{								\
		struct call call = { __VA_ARGS__ };			\
									\
		assert_panics(make, &call, reason);			\
	}

DIES(owner_without_the_lock_panics, "lock_smmu_is_held", get_owner, 1, 0, 0, false)
DIES(set_without_the_lock_panics, "lock_smmu_is_held", set_owner, 1, 0, 0, false)
DIES(owner_of_bank_8_panics, "cbndx", get_owner, 8, 0, 0, true)
DIES(owner_of_smmu_2_panics, "index", get_owner, 1, 2, 0, true)
DIES(root_of_bank_8_panics, "cbndx", get_root, 8, 1, 0, false)
DIES(base_of_smmu_2_panics, "index", get_base, 0, 2, 0, false)
DIES(identity_bank_cannot_be_given, "SMMU_IDENTITY_BANK", set_owner, 0, 1,
     HOSTVISOR, true)
DIES(corevisor_gets_no_other_bank, "vmid < COREVISOR", set_owner, 1, 1,
     COREVISOR, true)

/* --- Loads and stores ---------------------------------------------------- */

static uint64_t last_value;
static paddr_t last_pa;
static unsigned int last_bytes;

static uint64_t bus_read(paddr_t pa, unsigned int bytes)
{
	last_pa = pa;
	last_bytes = bytes;
	return UINT64_C(0x1122334455667788);
}

static void bus_write(paddr_t pa, unsigned int bytes, uint64_t value)
{
	last_pa = pa;
	last_bytes = bytes;
	last_value = value;
}

static void accesses_have_their_size(void)
{
	static const struct native_bus bus = { bus_read, bus_write };

	native_set_bus(&bus);
	g_assert_cmphex(readl_relaxed(0x100), ==, 0x55667788);
	g_assert_true(last_pa == 0x100 && last_bytes == 4);
	g_assert_cmphex(readq_relaxed(0x108), ==, 0x1122334455667788);
	g_assert_true(last_pa == 0x108 && last_bytes == 8);
	writel_relaxed(0xaabbccdd00112233, 0x104);
	g_assert_true(last_pa == 0x104 && last_bytes == 4);
	g_assert_cmphex(last_value, ==, 0x00112233);
	writeq_relaxed(0xaabbccdd00112233, 0x110);
	g_assert_true(last_pa == 0x110 && last_bytes == 8);
	g_assert_cmphex(last_value, ==, 0xaabbccdd00112233);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/smmu-cfg/add/getters-say-what-was-added",
		  getters_say_what_was_added),
	UNIT_TEST("/smmu-cfg/add/two-at-most", there_are_two_at_most),
	UNIT_TEST("/smmu-cfg/add/what-does-not-fit-is-invalid",
		  what_does_not_fit_is_invalid),
	UNIT_TEST("/smmu-cfg/array/shows-both", array_shows_both),
	UNIT_TEST("/smmu-cfg/owner/free-but-the-first",
		  banks_are_free_but_the_first),
	UNIT_TEST("/smmu-cfg/owner/of-each-bank", each_bank_has_its_owner),
	UNIT_TEST_DIES("/smmu-cfg/owner/get-without-lock-panics",
		       owner_without_the_lock_panics),
	UNIT_TEST_DIES("/smmu-cfg/owner/set-without-lock-panics",
		       set_without_the_lock_panics),
	UNIT_TEST_DIES("/smmu-cfg/owner/of-bank-8-panics",
		       owner_of_bank_8_panics),
	UNIT_TEST_DIES("/smmu-cfg/owner/of-smmu-2-panics",
		       owner_of_smmu_2_panics),
	UNIT_TEST_DIES("/smmu-cfg/root/of-bank-8-panics",
		       root_of_bank_8_panics),
	UNIT_TEST_DIES("/smmu-cfg/base/of-smmu-2-panics",
		       base_of_smmu_2_panics),
	UNIT_TEST_DIES("/smmu-cfg/owner/identity-bank-cannot-be-given",
		       identity_bank_cannot_be_given),
	UNIT_TEST_DIES("/smmu-cfg/owner/corevisor-gets-no-other-bank",
		       corevisor_gets_no_other_bank),
	UNIT_TEST("/smmu-cfg/mmio/accesses-have-their-size",
		  accesses_have_their_size),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
