/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMMUs' registers as the host sees them: what it writes it reads back, and
 * what hardware holds is EL2's choice, whatever the host writes and in
 * whatever order. Every store that reaches hardware is looked at: at no moment
 * does a stream reach a bank that is not its owner's.
 */
#include "opstate.h"

#include <string.h>

#include "core/locks.h"
#include "core/mmio_core_aux.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_regs.h"
#include "core/smmu_shadow.h"
#include "core/smmu_streams.h"
#include "core/spt_ops.h"
#include "core/trap_handler.h"
#include "smmumodel.h"

#define BASE(i)		(UINT64_C(0x09050000) + (i) * BYTES)
#define BYTES		UINT64_C(0x10000)
#define WORDS		(BYTES / 4)
#define BANKS		8u
#define STREAMS		32u
#define HOST_STREAMS	24u
#define CB(n, reg)	(0x8000 + (n) * 0x1000 + (reg))

/* What IHI 0062 and smmu_regs.h call these, once more by number. */
#define CLIENTPD	0x00000001u
#define GFIE		0x00000004u
#define USFCFG		0x00000400u
#define SMCFCFG		0x00200000u
#define SCR0_HW		(UINT32_C(0x00200000) | 0x1000 | 0x800 | 0x400 | 0x2)
#define SCTLR_HW	0x121u
#define CFIE		0x40u
#define VALID		0x80000000u
#define TRANSLATE(n)	(n)
#define BYPASS		0x10000u
#define FAULT		0x20000u

/* A VM's, HOSTVISOR's, nobody's; of SMMU 1, where the platform's devices are. */
#define HOST_BANK	1u
#define HOST_BANK2	5u
#define VM_BANK		2u
#define FREE_BANK	3u
#define STREAM(k)	(TEST_DMA_STREAM + (k))
/* No device's. */
#define OTHER_STREAM	0x700u

static vmid_t vm;
/* Whose each platform stream is; HOSTVISOR or @vm. */
static vmid_t stream_owner[TEST_DMA_CHANNELS];

/* --- Hardware ----------------------------------------------------------- */

static const struct native_bus *model;
static unsigned int stores;
static unsigned int invalidations;
static uint32_t last_tlbi_offset;
static uint64_t last_tlbi_value;
static bool watched;

static void check_hardware(void);

static uint32_t hw(uint32_t i, uint64_t offset)
{
	return (uint32_t)smmumodel_peek(i, offset);
}

static uint64_t hw64(uint32_t i, uint64_t offset)
{
	return hw(i, offset) | (uint64_t)hw(i, offset + 4) << 32;
}

static void hw_set(uint32_t i, uint64_t offset, uint32_t value)
{
	smmumodel_poke(i, offset, value);
}

static uint64_t bus_read(paddr_t pa, unsigned int bytes)
{
	return model->read(pa, bytes);
}

static bool is_command(uint64_t offset)
{
	return (offset >= 0x60 && offset <= 0x78) ||
	       (offset >= 0x8000 && (offset & 0xfff) >= 0x600);
}

static void bus_write(paddr_t pa, unsigned int bytes, uint64_t value)
{
	uint64_t offset = pa - BASE(pa >= BASE(1));

	stores++;
	model->write(pa, bytes, value);
	if (is_command(offset)) {
		/* Not while EL2 waits for a sync: it would wait longer. */
		g_assert_true(lock_spt_is_held() || offset == 0x64);
		invalidations++;
		last_tlbi_offset = (uint32_t)offset;
		last_tlbi_value = value;
		return;
	}
	if (watched) {
		check_hardware();
	}
}

static const struct native_bus bus = { bus_read, bus_write };

/* --- What must be true of it at each moment (I19) ------------------------ */

static uint32_t owner_of(uint32_t cbndx, uint32_t i)
{
	return get_smmu_cfg_vmid(cbndx, i);
}

static bool matches(uint32_t smr, uint32_t stream)
{
	return (smr & VALID) != 0 &&
	       ((smr ^ stream) & 0x7fff & ~(smr >> 16)) == 0;
}

/* Where hardware sends a stream: a bank, or SMMU_STREAM_FAULT. */
static uint32_t bank_of_stream(uint32_t i, uint32_t stream)
{
	uint32_t found = SMMU_STREAM_FAULT;
	uint32_t n = 0, el2 = 0;

	for (uint32_t e = 0; e < STREAMS; e++) {
		if (matches(hw(i, 0x800 + 4 * e), stream)) {
			uint32_t s2cr = hw(i, 0xc00 + 4 * e);

			n++;
			el2 += e >= HOST_STREAMS ? 1 : 0;
			found = s2cr >> 16 == 0 ? s2cr & 0xff :
						  SMMU_STREAM_FAULT;
		}
	}
	/* Two of the host's are a fault of its own; EL2 takes part in none. */
	g_assert_true(n < 2 || el2 == 0);
	return n < 2 ? found : SMMU_STREAM_FAULT;
}

static void check_stream(uint32_t i, uint32_t stream, vmid_t owner)
{
	uint32_t bank = bank_of_stream(i, stream);

	if (bank == SMMU_STREAM_FAULT) {
		return;
	}
	g_assert_cmpuint(bank, <, BANKS);
	/* M = 0 would let it pass. */
	g_assert_cmphex(hw(i, CB(bank, 0)) & 1, ==, 1);
	if (owner == HOSTVISOR && bank == 0) {
		return;
	}
	g_assert_cmphex(owner_of(bank, i), ==, owner);
}

static void check_bank(uint32_t i, uint32_t n)
{
	uint32_t sctlr = hw(i, CB(n, 0));
	uint32_t vmid = n == 0 ? 0 : owner_of(n, i);

	if ((sctlr & 1) == 0) {
		g_assert_cmphex(sctlr, ==, 0);
		return;
	}
	g_assert_cmphex(sctlr & ~CFIE, ==, SCTLR_HW);
	g_assert_cmphex(hw(i, 0x1000 + 4 * n), ==, vmid | n << 4);
	g_assert_cmphex(hw(i, 0x1800 + 4 * n), ==, 1);
	g_assert_cmphex(hw(i, CB(n, 0x30)), ==, 0x80023558);
	g_assert_cmphex(hw64(i, CB(n, 0x20)), ==,
			get_smmu_cfg_hw_ttbr(n, i));
	g_assert_cmphex(hw(i, CB(n, 4)), ==, 3);
}

static void check_hardware(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		g_assert_cmphex(hw(i, 0) & ~GFIE, ==, SCR0_HW);
		g_assert_cmphex(hw(i, 8), ==, 0);
		g_assert_cmphex(hw(i, 0x10), ==, 0x0400001c);
		for (uint32_t n = 0; n < BANKS; n++) {
			check_bank(i, n);
		}
		for (uint32_t e = 0; e < STREAMS; e++) {
			uint32_t s2cr = hw(i, 0xc00 + 4 * e);

			g_assert_true(s2cr == FAULT || s2cr < BANKS);
		}
		check_stream(i, OTHER_STREAM, HOSTVISOR);
		check_stream(i, 0, HOSTVISOR);
		check_stream(i, 0x7fff, HOSTVISOR);
		for (uint32_t k = 0; k < TEST_DMA_CHANNELS; k++) {
			check_stream(i, STREAM(k),
				     i == 1 ? stream_owner[k] : HOSTVISOR);
		}
	}
}

/* Once a change is done: what is not in force leads nowhere. */
static void check_entries(uint32_t i)
{
	for (uint32_t e = 0; e < STREAMS; e++) {
		g_assert_true(hw(i, 0xc00 + 4 * e) == FAULT ||
			      (hw(i, 0x800 + 4 * e) & VALID) != 0);
	}
}

/* --- The machine --------------------------------------------------------- */

/* What ALLOC does. */
static void give_bank(uint32_t cbndx, uint32_t i, vmid_t vmid)
{
	acquire_lock_smmu();
	acquire_lock_s2page();
	init_spt(cbndx, i);
	release_lock_s2page();
	set_smmu_cfg_vmid(cbndx, i, vmid);
	smmu_hw_bank_start(cbndx, i, vmid);
	release_lock_smmu();
}

/* What FREE does. */
static void free_bank(uint32_t cbndx, uint32_t i)
{
	acquire_lock_smmu();
	smmu_streams_leave_bank(i, cbndx);
	smmu_hw_bank_stop(cbndx, i);
	acquire_lock_s2page();
	clear_spt(cbndx, i);
	release_spt(cbndx, i);
	release_lock_s2page();
	set_smmu_cfg_vmid(cbndx, i, INVALID);
	release_lock_smmu();
}

static void set_stream(uint32_t k, vmid_t owner, uint32_t cbndx)
{
	acquire_lock_smmu();
	g_assert_cmpint(smmu_streams_can_set(1, STREAM(k)), ==, HV_OK);
	/* Before it, for a device that leaves; after it, for one that comes. */
	stream_owner[k] = owner;
	smmu_streams_set(1, STREAM(k), owner, cbndx);
	release_lock_smmu();
}

static enum hv_status can_set(uint32_t i, uint32_t stream)
{
	enum hv_status status;

	acquire_lock_smmu();
	status = smmu_streams_can_set(i, stream);
	release_lock_smmu();
	return status;
}

/* A stock host's machine. */
static void start(void)
{
	watched = false;
	ops_start();
	memset(stream_owner, 0, sizeof(stream_owner));
	model = native_set_bus(&bus);
	vm = ops_new_vm();
	stores = 0;
	invalidations = 0;
	acquire_lock_smmu();
	check_hardware();
	release_lock_smmu();
	watched = true;
}

/* One whose SMMUs have so many banks. */
static void start_with_banks(uint32_t banks)
{
	start();
	watched = false;
	smmu_cfg_reset();
	for (uint32_t i = 0; i < 2; i++) {
		g_assert_cmpint(smmu_cfg_add(BASE(i), BYTES, banks), ==, HV_OK);
	}
}

/* One whose host and VM have banks; channel 7 is the VM's. */
static void start_managed(void)
{
	start();
	for (uint32_t i = 0; i < 2; i++) {
		give_bank(HOST_BANK, i, HOSTVISOR);
		give_bank(HOST_BANK2, i, HOSTVISOR);
		give_bank(VM_BANK, i, vm);
	}
	set_stream(7, vm, SMMU_STREAM_FAULT);
	set_stream(7, vm, VM_BANK);
}

/* --- The host's accesses -------------------------------------------------- */

#define ESR_LOAD	((uint64_t)0x24 << 26 | BIT(25) | BIT(24) | 7)
#define ESR_STORE	(ESR_LOAD | BIT(6))
#define ESR_SAS(n)	((uint64_t)(n) << 22)
#define ESR_SF		BIT(15)
#define PC		UINT64_C(0xffff800080123450)

static bool access_registers(uint32_t i, uint64_t offset, uint64_t esr,
			     uint64_t *x0)
{
	uint64_t pa = BASE(i) + offset;
	struct trap_frame frame = {
		.elr = PC,
		.spsr = 0x60000005,
		.esr = esr,
		/* The host maps it where it likes: only 12 bits are the IPA's. */
		.far = UINT64_C(0xffff80001234f000) | (pa & 0xfff),
		.hpfar = pa >> 12 << 4,
	};
	uint64_t refusals = pcpu_boot()->counters->refusals;

	frame.regs[0] = *x0;
	native_console_reset();
	trap_host_sync(&frame);
	*x0 = frame.regs[0];
	check_entries(i);
	if (frame.elr == PC + 4) {
		g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, refusals);
		return true;
	}
	g_assert_cmphex(native_cpu.esr_el1 & 0x3f, ==, 0x10);
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, refusals + 1);
	return false;
}

static bool try_store(uint32_t i, uint64_t offset, unsigned int bytes,
		      uint64_t value)
{
	return access_registers(i, offset, ESR_STORE |
				ESR_SAS(bytes == 8 ? 3 : 2), &value);
}

static bool try_load(uint32_t i, uint64_t offset, unsigned int bytes,
		     uint64_t *value)
{
	*value = UINT64_C(0xdddddddddddddddd);
	return access_registers(i, offset, ESR_LOAD |
				(bytes == 8 ? ESR_SAS(3) | ESR_SF : ESR_SAS(2)),
				value);
}

static void store(uint32_t i, uint64_t offset, uint32_t value)
{
	g_assert_true(try_store(i, offset, 4, value));
}

static uint32_t load(uint32_t i, uint64_t offset)
{
	uint64_t value;

	g_assert_true(try_load(i, offset, 4, &value));
	g_assert_cmphex(value >> 32, ==, 0);
	return (uint32_t)value;
}

static uint64_t load64(uint32_t i, uint64_t offset)
{
	uint64_t value;

	g_assert_true(try_load(i, offset, 8, &value));
	return value;
}

/* The store is refused and nothing has changed. */
static void assert_store_refused(uint32_t i, uint64_t offset,
				 unsigned int bytes, uint64_t value)
{
	struct smmu_shadow shadow = *smmu_shadow(i);
	unsigned int n = stores;

	g_assert_false(try_store(i, offset, bytes, value));
	g_assert_cmpuint(stores, ==, n);
	g_assert_cmpmem(smmu_shadow(i), sizeof(shadow), &shadow,
			sizeof(shadow));
}

static void assert_load_refused(uint32_t i, uint64_t offset)
{
	uint64_t value;

	g_assert_false(try_load(i, offset, 8, &value));
	g_assert_cmphex(value, ==, UINT64_C(0xdddddddddddddddd));
}

/* A store that is done, without hardware's knowing. */
static void assert_store_is_shadowed(uint32_t i, uint64_t offset,
				     uint32_t value, uint32_t mask)
{
	uint32_t old = load(i, offset);
	uint32_t before = hw(i, offset);

	store(i, offset, value);
	g_assert_cmphex(load(i, offset), ==, (old & ~mask) | (value & mask));
	g_assert_cmphex(hw(i, offset), ==, before);
}

/* --- sCR0 ------------------------------------------------------------------ */

static void host_finds_an_mmu500_after_reset(void)
{
	start();
	g_assert_cmphex(load(0, 0), ==, 0x00200001);
	g_assert_cmphex(load(0, 8), ==, 0);
	g_assert_cmphex(load(0, 0x10), ==, 0x0400001c);
	for (uint32_t n = 0; n < HOST_STREAMS; n++) {
		g_assert_cmphex(load(1, 0x800 + 4 * n), ==, 0);
		g_assert_cmphex(load(1, 0xc00 + 4 * n), ==, FAULT);
	}
	give_bank(HOST_BANK, 1, HOSTVISOR);
	g_assert_cmphex(load(1, 0x1000 + 4 * HOST_BANK), ==, 0x20000);
	g_assert_cmphex(load(1, 0x1800 + 4 * HOST_BANK), ==, 0);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0)), ==, 0x100);
	g_assert_cmphex(load(1, CB(HOST_BANK, 4)), ==, 3);
	g_assert_cmphex(load64(1, CB(HOST_BANK, 0x20)), ==, 0);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x30)), ==, 0);
}

static void id_registers_say_what_the_host_has(void)
{
	start();
	hw_set(0, 0x28, 0xffff9222);
	hw_set(0, 0x2c, 0x12345678);
	hw_set(0, 0xfe0, 0x81);
	hw_set(0, 0xffc, 0xb1);
	/* No stage 1, no nesting, 24 entries; as many stage-2 banks as banks. */
	g_assert_cmphex(load(0, 0x20), ==, 0x2e015e18);
	g_assert_cmphex(load(0, 0x24), ==, 0x20088008);
	g_assert_cmphex(load(0, 0x28), ==, 0x1222);
	for (uint64_t reg = 0x2c; reg < 0x3c; reg += 4) {
		g_assert_cmphex(load(0, reg), ==, 0);
	}
	g_assert_cmphex(load(0, 0x3c), ==, 0x21);
	g_assert_cmphex(load(0, 0xfe0), ==, 0x81);
	g_assert_cmphex(load(0, 0xffc), ==, 0xb1);
	for (uint64_t reg = 0x20; reg < 0x40; reg += 4) {
		uint32_t before = hw(0, reg);

		store(0, reg, 0);
		g_assert_cmphex(hw(0, reg), ==, before);
	}
	store(0, 0xfe0, 0);
	g_assert_cmphex(hw(0, 0xfe0), ==, 0x81);
}

/* Hides what hardware has beyond the host's, even if hardware has it. */
static void id_registers_of_an_smmu_with_everything(void)
{
	start();
	hw_set(0, 0x20, 0xffffff20);
	hw_set(0, 0x24, 0xffffffff);
	g_assert_cmphex(load(0, 0x20), ==, 0x2fff5e18);
	g_assert_cmphex(load(0, 0x24), ==, 0xff08ff08);
}

#define SCR0_WRITABLE 0x0fdffcc7u

/* Gaps 1, 2 and 9: CLIENTPD, USFCFG, VMID16EN and the rest. */
static void g66_scr0_is_shadowed(void)
{
	static const uint32_t values[] = {
		CLIENTPD, CLIENTPD | SMCFCFG, 0, ~0u, ~USFCFG, SMCFCFG,
		0x80000000, 0x00000008, 0x00000200, 0x55555555, 0xaaaaaaaa,
	};

	start();
	for (uint32_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < G_N_ELEMENTS(values); k++) {
			store(i, 0, values[k]);
			g_assert_cmphex(load(i, 0), ==,
					(values[k] & SCR0_WRITABLE) | SMCFCFG);
			/* The host's only say: whether faults interrupt. */
			g_assert_cmphex(hw(i, 0), ==,
					SCR0_HW | (values[k] & GFIE));
		}
	}
}

static void scr2_is_zero(void)
{
	start();
	store(0, 8, 0xff);
	store(0, 8, ~0u);
	g_assert_cmphex(hw(0, 8), ==, 0);
	g_assert_cmphex(load(0, 8), ==, 0);
}

static void gap13_auxiliary_control_is_shadowed(void)
{
	start_managed();
	assert_store_is_shadowed(0, 0x10, 0x00000700, ~0u);
	assert_store_is_shadowed(0, 0x10, ~0u, ~0u);
	assert_store_is_shadowed(1, CB(HOST_BANK, 4), 0, ~0u);
	assert_store_is_shadowed(1, CB(HOST_BANK, 4), ~0u, ~0u);
}

/* --- Streams ---------------------------------------------------------------- */

static void stock_host_reaches_its_memory(void)
{
	start();
	g_assert_cmphex(bank_of_stream(0, 0), ==, 0);
	g_assert_cmphex(bank_of_stream(0, OTHER_STREAM), ==, 0);
	g_assert_cmphex(bank_of_stream(0, 0x7fff), ==, 0);
	for (uint32_t k = 0; k < TEST_DMA_CHANNELS; k++) {
		g_assert_cmphex(bank_of_stream(1, STREAM(k)), ==, 0);
	}
	g_assert_cmphex(bank_of_stream(1, OTHER_STREAM), ==, SMMU_STREAM_FAULT);
	g_assert_cmphex(bank_of_stream(1, 0), ==, SMMU_STREAM_FAULT);
}

static bool dma(uint32_t i, uint32_t stream, uint64_t iova)
{
	paddr_t pa = 0;
	bool done = smmumodel_dma(i, stream, iova, true, &pa);

	g_assert_true(!done || pa == iova);
	return done;
}

/* Where the streams above lead to, by tables. */
static void devices_of_the_host_reach_its_memory_only(void)
{
	start_managed();
	for (uint32_t clientpd = 0; clientpd < 2; clientpd++) {
		for (uint32_t i = 0; i < 2; i++) {
			store(i, 0, clientpd);
			store(i, 0xc00, BYPASS);
			store(i, 0x800, VALID | STREAM(0));
			g_assert_true(dma(i, STREAM(0), OPS_RAM));
			g_assert_false(dma(i, STREAM(0), OPS_EL2));
			g_assert_false(dma(i, STREAM(0), BASE(0)));
			g_assert_false(dma(i, STREAM(0), BASE(1)));
		}
		g_assert_false(dma(1, STREAM(7), OPS_RAM));
		g_assert_false(dma(1, OTHER_STREAM, OPS_RAM));
	}
}

/* On, before it has a table of the host's: it never has one of the host's. */
static void gap14_bank_is_on_before_it_has_a_table(void)
{
	start();
	give_bank(HOST_BANK, 1, HOSTVISOR);
	store(1, 0x800, VALID | STREAM(0));
	store(1, 0xc00, HOST_BANK);
	store(1, 0, 0);
	store(1, CB(HOST_BANK, 0), 1);
	g_assert_false(dma(1, STREAM(0), OPS_RAM));
	g_assert_true(try_store(1, CB(HOST_BANK, 0x20), 8, OPS_RAM));
	store(1, CB(HOST_BANK, 0), 0);
	g_assert_false(dma(1, STREAM(0), OPS_RAM));
	g_assert_null(smmumodel_error());
}

/* Entries count once CLIENTPD is 0, and no longer when it is 1 again. */
static void clientpd_decides_whose_entries_are_in_force(void)
{
	start_managed();
	for (uint32_t i = 0; i < 2; i++) {
		store(i, 0xc00, TRANSLATE(HOST_BANK));
		store(i, 0x800, VALID | STREAM(0));
		store(i, 0xc04, BYPASS);
		store(i, 0x804, VALID | STREAM(1));
		store(i, 0xc08, FAULT);
		store(i, 0x808, VALID | STREAM(2));
		g_assert_cmphex(bank_of_stream(i, STREAM(0)), ==, 0);
		store(i, 0, 0);
		g_assert_cmphex(bank_of_stream(i, STREAM(0)), ==, HOST_BANK);
		g_assert_cmphex(bank_of_stream(i, STREAM(1)), ==, 0);
		g_assert_cmphex(bank_of_stream(i, STREAM(2)), ==,
				SMMU_STREAM_FAULT);
		g_assert_cmphex(bank_of_stream(i, STREAM(3)), ==,
				SMMU_STREAM_FAULT);
		g_assert_cmphex(bank_of_stream(i, OTHER_STREAM), ==,
				SMMU_STREAM_FAULT);
		store(i, 0, CLIENTPD);
		g_assert_cmphex(bank_of_stream(i, STREAM(0)), ==, 0);
		g_assert_cmphex(bank_of_stream(i, STREAM(2)), ==, 0);
		g_assert_cmphex(load(i, 0x800), ==, VALID | STREAM(0));
	}
	g_assert_cmphex(bank_of_stream(1, STREAM(7)), ==, VM_BANK);
}

/* Gap 3. */
static void g66_bypass_is_the_identity_table(void)
{
	start_managed();
	store(0, 0, 0);
	store(0, 0x800, VALID | OTHER_STREAM);
	store(0, 0xc00, BYPASS | 0xff);
	g_assert_cmphex(hw(0, 0xc00), ==, 0);
	g_assert_cmphex(load(0, 0xc00), ==, BYPASS | 0xff);
	store(0, 0xc00, 0x30000);
	g_assert_cmphex(hw(0, 0xc00), ==, FAULT);
	store(0, 0xc00, ~0x10000u);
	g_assert_cmphex(load(0, 0xc00), ==, 0x3ff2fbff);
}

/* Gap 4: streams to others' banks. */
static void g66_s2cr_names_banks_of_the_host_only(void)
{
	static const uint32_t foreign[] = {
		0, VM_BANK, FREE_BANK, BANKS, BANKS + HOST_BANK, 0xff,
	};

	start_managed();
	for (uint32_t clientpd = 0; clientpd < 2; clientpd++) {
		for (uint32_t i = 0; i < 2; i++) {
			store(i, 0, clientpd);
			for (size_t k = 0; k < G_N_ELEMENTS(foreign); k++) {
				assert_store_refused(i, 0xc10, 4, foreign[k]);
			}
			store(i, 0xc10, HOST_BANK);
			store(i, 0xc10, FAULT);
		}
	}
}

/* Of a bank whose FREE goes in steps: stopped, it would let pass. */
static void s2cr_cannot_name_a_stopped_bank(void)
{
	start_managed();
	acquire_lock_smmu();
	smmu_streams_leave_bank(1, HOST_BANK);
	smmu_hw_bank_stop(HOST_BANK, 1);
	release_lock_smmu();
	store(1, 0, 0);
	store(1, 0x800, VALID | STREAM(0));
	assert_store_refused(1, 0xc00, 4, HOST_BANK);
	/* What is written meanwhile does not come true later. */
	store(1, CB(HOST_BANK, 0), 1 | CFIE);
	g_assert_cmphex(hw(1, CB(HOST_BANK, 0)), ==, 0);
	acquire_lock_smmu();
	smmu_hw_bank_start(HOST_BANK, 1, HOSTVISOR);
	release_lock_smmu();
	store(1, CB(HOST_BANK, 0), 1 | CFIE);
	g_assert_cmphex(hw(1, CB(HOST_BANK, 0)), ==, SCTLR_HW | CFIE);
}

/* Gap 4: SMRs that reach a VM's device. */
static void g66_smr_cannot_match_a_vms_stream(void)
{
	static const uint32_t smrs[] = {
		VALID | STREAM(7), VALID | 0x7fff0000, VALID | 0x00010000 | 0x16,
		VALID | 0x00070000 | STREAM(0), VALID | 0x7fff7fff,
	};

	start_managed();
	for (uint32_t clientpd = 0; clientpd < 2; clientpd++) {
		store(1, 0, clientpd);
		for (size_t k = 0; k < G_N_ELEMENTS(smrs); k++) {
			assert_store_refused(1, 0x800, 4, smrs[k]);
			assert_store_refused(1, 0x85c, 4, smrs[k]);
			/* Without VALID it matches nothing. */
			store(1, 0x800, smrs[k] & ~VALID);
			/* It is the other SMMU's device. */
			store(0, 0x800, smrs[k]);
			store(0, 0x800, 0);
		}
		store(1, 0x800, VALID | 0x00030000 | STREAM(0));
		store(1, 0x800, 0);
		g_assert_cmphex(bank_of_stream(1, STREAM(7)), ==, VM_BANK);
	}
}

static void entries_of_el2_are_not_the_hosts(void)
{
	start_managed();
	for (uint32_t n = HOST_STREAMS; n < 128; n++) {
		g_assert_cmphex(load(1, 0x800 + 4 * n), ==, 0);
		g_assert_cmphex(load(1, 0xc00 + 4 * n), ==, 0);
		assert_store_refused(1, 0x800 + 4 * n, 4, 0);
		assert_store_refused(1, 0xc00 + 4 * n, 4, FAULT);
	}
	store(1, 0x800 + 4 * 23, VALID | OTHER_STREAM);
	store(1, 0xc00 + 4 * 23, BYPASS);
}

/* The width that Linux learns, and bits that are not there. */
static void smr_has_the_bits_of_a_stream_id(void)
{
	start();
	store(0, 0x800, 0x7fff);
	g_assert_cmphex(load(0, 0x800), ==, 0x7fff);
	store(0, 0x800, 0x7fff0000);
	g_assert_cmphex(load(0, 0x800), ==, 0x7fff0000);
	store(0, 0x800, ~0u & ~VALID);
	g_assert_cmphex(load(0, 0x800), ==, 0x7fff7fff);
}

static void smr_is_as_narrow_as_the_smmu(void)
{
	start();
	watched = false;
	hw_set(0, 0x20, 0x7e015020);
	smmu_streams_init(0);
	store(0, 0x800, 0x7fffffff);
	g_assert_cmphex(load(0, 0x800), ==, 0x00ff00ff);
}

/* Two entries for one stream: nothing passes, which is the host's affair. */
static void entries_that_overlap_fault(void)
{
	start_managed();
	store(0, 0, 0);
	store(0, 0xc00, BYPASS);
	store(0, 0x800, VALID | OTHER_STREAM);
	store(0, 0xc04, BYPASS);
	store(0, 0x804, VALID | 0x00ff0000 | OTHER_STREAM);
	g_assert_cmphex(bank_of_stream(0, OTHER_STREAM), ==, SMMU_STREAM_FAULT);
	g_assert_cmphex(bank_of_stream(0, OTHER_STREAM + 1), ==, 0);
	store(0, 0x800, 0);
	g_assert_cmphex(bank_of_stream(0, OTHER_STREAM), ==, 0);
}

static void only_platform_streams_can_be_set(void)
{
	start();
	g_assert_cmpint(can_set(1, STREAM(0)), ==, HV_OK);
	g_assert_cmpint(can_set(1, STREAM(7)), ==, HV_OK);
	g_assert_cmpint(can_set(1, STREAM(8)), ==, HV_EINVAL);
	g_assert_cmpint(can_set(1, STREAM(0) - 1), ==, HV_EINVAL);
	g_assert_cmpint(can_set(1, STREAM(0) | VALID), ==, HV_EINVAL);
	g_assert_cmpint(can_set(1, STREAM(0) | 0x10000), ==, HV_EINVAL);
	g_assert_cmpint(can_set(1, 0), ==, HV_EINVAL);
	/* PCIe's are requester ids, which the host hands out. */
	g_assert_cmpint(can_set(0, STREAM(0)), ==, HV_EINVAL);
	g_assert_cmpint(can_set(0, 0x7fff0000), ==, HV_EINVAL);
	g_assert_cmpint(can_set(0, 0), ==, HV_EINVAL);
}

static void stream_with_an_entry_of_the_hosts_is_busy(void)
{
	start();
	for (uint32_t clientpd = 0; clientpd < 2; clientpd++) {
		store(1, 0, clientpd);
		store(1, 0x85c, VALID | 0x00030000 | STREAM(0));
		g_assert_cmpint(can_set(1, STREAM(3)), ==, HV_EBUSY);
		g_assert_cmpint(can_set(1, STREAM(4)), ==, HV_OK);
		store(1, 0x85c, 0x00030000 | STREAM(0));
		g_assert_cmpint(can_set(1, STREAM(3)), ==, HV_OK);
	}
}

/* In both modes and through all changes of mode. */
static void stream_of_a_vm_stays_its_own(void)
{
	start_managed();
	for (unsigned int n = 0; n < 3; n++) {
		store(1, 0, 0);
		g_assert_cmphex(bank_of_stream(1, STREAM(7)), ==, VM_BANK);
		store(1, 0, CLIENTPD);
		g_assert_cmphex(bank_of_stream(1, STREAM(7)), ==, VM_BANK);
	}
	set_stream(6, vm, SMMU_STREAM_FAULT);
	store(1, 0, 0);
	g_assert_cmphex(bank_of_stream(1, STREAM(6)), ==, SMMU_STREAM_FAULT);
	set_stream(5, vm, VM_BANK);
	g_assert_cmphex(bank_of_stream(1, STREAM(5)), ==, VM_BANK);
	set_stream(5, HOSTVISOR, SMMU_IDENTITY_BANK);
	g_assert_cmphex(bank_of_stream(1, STREAM(5)), ==, 0);
}

/* What SET_STREAM chose holds until the host's own entry takes its place. */
static void stream_that_the_host_set_gives_way_to_its_entry(void)
{
	start_managed();
	store(1, 0, 0);
	set_stream(0, HOSTVISOR, HOST_BANK);
	set_stream(1, HOSTVISOR, HOST_BANK2);
	g_assert_cmphex(bank_of_stream(1, STREAM(0)), ==, HOST_BANK);
	store(1, 0xc00, BYPASS);
	store(1, 0x800, VALID | STREAM(0));
	g_assert_cmphex(bank_of_stream(1, STREAM(0)), ==, 0);
	/* Away from one and to another in one store. */
	store(1, 0x800, VALID | STREAM(1));
	g_assert_cmphex(bank_of_stream(1, STREAM(0)), ==, HOST_BANK);
	g_assert_cmphex(bank_of_stream(1, STREAM(1)), ==, 0);
	store(1, 0x800, 0);
	g_assert_cmphex(bank_of_stream(1, STREAM(1)), ==, HOST_BANK2);
	store(1, 0x800, VALID | STREAM(1));
	store(1, 0, CLIENTPD);
	g_assert_cmphex(bank_of_stream(1, STREAM(0)), ==, HOST_BANK);
	g_assert_cmphex(bank_of_stream(1, STREAM(1)), ==, HOST_BANK2);
	store(1, 0, 0);
	g_assert_cmphex(bank_of_stream(1, STREAM(0)), ==, HOST_BANK);
	g_assert_cmphex(bank_of_stream(1, STREAM(1)), ==, 0);
}

static void freed_bank_has_no_streams_and_no_past(void)
{
	start_managed();
	store(1, 0, 0);
	store(1, 0xc00, HOST_BANK | 0xfb00);
	store(1, 0x800, VALID | STREAM(0));
	store(1, 0xc04, HOST_BANK2);
	store(1, 0x804, VALID | STREAM(1));
	set_stream(2, HOSTVISOR, HOST_BANK);
	store(1, CB(HOST_BANK, 0), 0x67);
	store(1, CB(HOST_BANK, 0x24), 0x1234);
	store(1, 0x1000 + 4 * HOST_BANK, 0x55);
	free_bank(HOST_BANK, 1);
	g_assert_cmphex(bank_of_stream(1, STREAM(0)), ==, SMMU_STREAM_FAULT);
	g_assert_cmphex(bank_of_stream(1, STREAM(1)), ==, HOST_BANK2);
	g_assert_cmphex(bank_of_stream(1, STREAM(2)), ==, SMMU_STREAM_FAULT);
	g_assert_cmphex(load(1, 0xc00), ==, FAULT);
	/* The next owner's streams are not the last one's, nor its registers. */
	give_bank(HOST_BANK, 1, HOSTVISOR);
	g_assert_cmphex(bank_of_stream(1, STREAM(0)), ==, SMMU_STREAM_FAULT);
	g_assert_cmphex(bank_of_stream(1, STREAM(2)), ==, SMMU_STREAM_FAULT);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0)), ==, 0x100);
	g_assert_cmphex(load64(1, CB(HOST_BANK, 0x20)), ==, 0);
	g_assert_cmphex(load(1, 0x1000 + 4 * HOST_BANK), ==, 0x20000);
	free_bank(HOST_BANK, 1);
	give_bank(HOST_BANK, 1, vm);
	store(1, 0, CLIENTPD);
	store(1, 0, 0);
}

/* --- Banks ------------------------------------------------------------------ */

/* Gap 5, and the order of gap 14. */
static void g66_sctlr_is_shadowed(void)
{
	static const uint32_t values[] = {
		0, 1, 0x67, ~0u, 0x10, 0x80, 0x20, ~1u,
	};

	start_managed();
	for (size_t k = 0; k < G_N_ELEMENTS(values); k++) {
		store(1, CB(HOST_BANK, 0), values[k]);
		g_assert_cmphex(load(1, CB(HOST_BANK, 0)), ==,
				values[k] & 0x3ffff77f);
		g_assert_cmphex(hw(1, CB(HOST_BANK, 0)), ==,
				SCTLR_HW | (values[k] & CFIE));
	}
}

/* Gaps 6 and 14: before anything else is programmed, too. */
static void g66_tcr_is_shadowed(void)
{
	start_managed();
	assert_store_is_shadowed(1, CB(HOST_BANK, 0x30), 0, ~0u);
	assert_store_is_shadowed(1, CB(HOST_BANK, 0x30), ~0u, ~0u);
	assert_store_is_shadowed(1, CB(HOST_BANK, 0x30), 0x80043558, ~0u);
}

/* Gap 7: whole, by halves, and one half alone. */
static void g66_ttbr0_is_shadowed(void)
{
	uint64_t own = CB(HOST_BANK, 0x20);

	start_managed();
	g_assert_true(try_store(1, own, 8, UINT64_C(0x123456789abcdef0)));
	g_assert_cmphex(load64(1, own), ==, UINT64_C(0x123456789abcdef0));
	g_assert_cmphex(load(1, own), ==, 0x9abcdef0);
	g_assert_cmphex(load(1, own + 4), ==, 0x12345678);
	store(1, own + 4, 0x48);
	g_assert_cmphex(load64(1, own), ==, UINT64_C(0x489abcdef0));
	store(1, own, 0x80000000);
	g_assert_cmphex(load64(1, own), ==, UINT64_C(0x4880000000));
	g_assert_cmphex(hw64(1, own), ==, get_smmu_cfg_hw_ttbr(HOST_BANK, 1));
}

/* Gaps 8 and 9: stage 1, nesting, another format, others' VMIDs. */
static void g66_cbar_and_cba2r_are_shadowed(void)
{
	static const uint32_t values[] = {
		0x10000, 0x20000, 0x30200, 0x00000 | 7, 0x10 | 1, ~0u, 0,
	};

	start_managed();
	for (size_t k = 0; k < G_N_ELEMENTS(values); k++) {
		assert_store_is_shadowed(1, 0x1000 + 4 * HOST_BANK, values[k],
					 0x00ffffff);
		assert_store_is_shadowed(1, 0x1800 + 4 * HOST_BANK, values[k],
					 3);
	}
}

/* Stage 1's: read 0, and a driver may write them. */
static void gap8_stage_1_registers_are_not_there(void)
{
	static const struct {
		uint16_t reg;
		uint8_t bytes;
	} stage_1[] = {
		{ 0x08, 4 }, { 0x10, 4 }, { 0x28, 8 }, { 0x28, 4 }, { 0x2c, 4 },
		{ 0x34, 4 }, { 0x38, 4 }, { 0x3c, 4 }, { 0x50, 8 }, { 0x5c, 4 },
		{ 0x600, 8 }, { 0x608, 8 }, { 0x610, 4 }, { 0x618, 4 },
		{ 0x620, 8 }, { 0x628, 8 }, { 0x800, 4 }, { 0x818, 4 },
		{ 0x8f0, 4 },
	};

	start_managed();
	for (size_t k = 0; k < G_N_ELEMENTS(stage_1); k++) {
		uint64_t reg = CB(HOST_BANK, stage_1[k].reg);
		unsigned int n = stores;
		uint64_t value;

		hw_set(1, reg, ~0u);
		g_assert_true(try_store(1, reg, stage_1[k].bytes, ~0ull));
		g_assert_true(try_load(1, reg, stage_1[k].bytes, &value));
		g_assert_cmphex(value, ==, 0);
		g_assert_cmpuint(stores, ==, n);
	}
}

/* What the hardware recorded of a bank's fault. */
static void record_fault(uint32_t i, uint32_t n)
{
	hw_set(i, CB(n, 0x58), 0x80000002);
	hw_set(i, CB(n, 0x60), 0x40001000);
	hw_set(i, CB(n, 0x64), 0x12);
	hw_set(i, CB(n, 0x68), 0x10);
	hw_set(i, CB(n, 0x6c), 0x3);
	hw_set(i, CB(n, 0x70), 0x40002000);
	hw_set(i, 0x1400 + 4 * n, 0x17);
}

static void faults_of_the_hosts_banks_are_its_own(void)
{
	start_managed();
	record_fault(1, HOST_BANK);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x58)), ==, 0x80000002);
	g_assert_cmphex(load64(1, CB(HOST_BANK, 0x60)), ==,
			UINT64_C(0x1240001000));
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x64)), ==, 0x12);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x68)), ==, 0x10);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x6c)), ==, 0x3);
	g_assert_cmphex(load64(1, CB(HOST_BANK, 0x70)), ==, 0x40002000);
	g_assert_cmphex(load(1, 0x1400 + 4 * HOST_BANK), ==, 0x17);
	/* Recorded by hardware only. */
	store(1, CB(HOST_BANK, 0x60), 0);
	store(1, CB(HOST_BANK, 0x68), 0);
	store(1, 0x1400 + 4 * HOST_BANK, 0);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x60)), ==, 0x40001000);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x68)), ==, 0x10);
	g_assert_cmphex(load(1, 0x1400 + 4 * HOST_BANK), ==, 0x17);
	/* Write 1 to clear. */
	store(1, CB(HOST_BANK, 0x58), 2);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x58)), ==, 0x80000000);
	store(1, CB(HOST_BANK, 0x58), ~0u);
	g_assert_cmphex(hw(1, CB(HOST_BANK, 0x58)), ==, 0);
}

/* What a VM's device did is not told to the bank's next owner. */
static void faults_end_with_the_banks_owner(void)
{
	static const uint64_t recorded[] = { 0x58, 0x60, 0x64, 0x68, 0x6c, 0x70 };

	start_managed();
	record_fault(1, VM_BANK);
	free_bank(VM_BANK, 1);
	give_bank(VM_BANK, 1, HOSTVISOR);
	for (size_t k = 0; k < G_N_ELEMENTS(recorded); k++) {
		g_assert_cmphex(load(1, CB(VM_BANK, recorded[k])), ==, 0);
	}
	g_assert_cmphex(load(1, 0x1400 + 4 * VM_BANK), ==, 0);
}

static void global_faults_are_the_hosts(void)
{
	start();
	hw_set(0, 0x40, 0x40001000);
	hw_set(0, 0x44, 0x12);
	hw_set(0, 0x48, 0x80000002);
	hw_set(0, 0x50, 2);
	hw_set(0, 0x54, OTHER_STREAM);
	g_assert_cmphex(load64(0, 0x40), ==, UINT64_C(0x1240001000));
	g_assert_cmphex(load(0, 0x44), ==, 0x12);
	g_assert_cmphex(load(0, 0x50), ==, 2);
	g_assert_cmphex(load(0, 0x54), ==, OTHER_STREAM);
	store(0, 0x4c, ~0u);
	store(0, 0x40, 0);
	store(0, 0x54, 0);
	g_assert_cmphex(load(0, 0x48), ==, 0x80000002);
	g_assert_cmphex(load(0, 0x54), ==, OTHER_STREAM);
	store(0, 0x48, load(0, 0x48));
	g_assert_cmphex(load(0, 0x48), ==, 0);
}

/*
 * Every offset of a bank that is not the host's, and of the registers that
 * each bank has in GR1: reads 0, and a store is refused but for three that a
 * driver does to all banks when it starts.
 */
static void assert_bank_is_foreign(uint32_t i, uint32_t n)
{
	record_fault(i, n);
	for (uint64_t reg = 0; reg < 0x1000; reg += 4) {
		g_assert_cmphex(load(i, CB(n, reg)), ==, 0);
		if (reg == 0 || reg == 4 || reg == 0x58) {
			continue;
		}
		assert_store_refused(i, CB(n, reg), 4, 0);
		assert_store_refused(i, CB(n, reg), 4, ~0u);
	}
	for (uint64_t reg = 0; reg < 0x1000; reg += 8) {
		assert_store_refused(i, CB(n, reg), 8, 0);
		assert_load_refused(i, CB(n, reg));
	}
	for (uint64_t reg = 0x1000; reg < 0x1c00; reg += 0x400) {
		g_assert_cmphex(load(i, reg + 4 * n), ==, 0);
		assert_store_refused(i, reg + 4 * n, 4, 0);
		assert_store_refused(i, reg + 4 * n, 4, ~0u);
	}
}

static void driver_stops_a_foreign_bank_without_effect(uint32_t i, uint32_t n)
{
	unsigned int before = stores;

	store(i, CB(n, 0), 0);
	store(i, CB(n, 0), 0x66);
	store(i, CB(n, 4), 0);
	store(i, CB(n, 0x58), 0xc00001fe);
	g_assert_cmpuint(stores, ==, before);
	assert_store_refused(i, CB(n, 0), 4, 1);
	assert_store_refused(i, CB(n, 0), 4, 0x67);
}

static void banks_of_others_are_closed(void)
{
	static const uint32_t foreign[] = { 0, VM_BANK, FREE_BANK, 4, 6, 7 };

	start_managed();
	for (uint32_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < G_N_ELEMENTS(foreign); k++) {
			assert_bank_is_foreign(i, foreign[k]);
			driver_stops_a_foreign_bank_without_effect(i,
								   foreign[k]);
		}
	}
}

/* G66: the C looks at no bound; there CBAR's index goes up to 511. */
static void g66_banks_that_are_not_there_are_closed(void)
{
	start_managed();
	for (uint64_t reg = 0x1000; reg < 0x2000; reg += 4) {
		if ((reg & 0x3ff) / 4 >= BANKS || reg >= 0x1c00) {
			g_assert_cmphex(load(0, reg), ==, 0);
			assert_store_refused(0, reg, 4, 0);
		}
	}
	start_with_banks(4);
	for (uint64_t offset = CB(4, 0); offset < BYTES; offset += 4) {
		g_assert_cmphex(load(0, offset), ==, 0);
		assert_store_refused(0, offset, 4, 0);
	}
	assert_store_refused(0, 0x1010, 4, 0);
	g_assert_cmphex(load(0, 0x24) & 0xff00ff, ==, 0x040004);
}

/* --- TLB maintenance --------------------------------------------------------- */

/* Banks are named by EL2's tags, so any VMID of the host's means its banks. */
static void tlbi_by_vmid_reaches_the_hosts_banks(void)
{
	static const uint64_t all[] = { 0x64, 0x68 };

	start_managed();
	for (size_t k = 0; k < G_N_ELEMENTS(all); k++) {
		for (uint32_t vmid = 0; vmid < 256; vmid += 17) {
			invalidations = 0;
			store(1, all[k], vmid);
			g_assert_cmpuint(invalidations, ==, 2);
			g_assert_cmphex(last_tlbi_offset, ==, 0x64);
			g_assert_cmphex(last_tlbi_value, ==, HOST_BANK2 << 4);
		}
		g_assert_cmphex(load(1, all[k]), ==, 0);
	}
	free_bank(HOST_BANK2, 1);
	invalidations = 0;
	store(1, 0x68, ~0u);
	g_assert_cmpuint(invalidations, ==, 1);
	g_assert_cmphex(last_tlbi_value, ==, HOST_BANK << 4);
	/* There are no entries of EL2's to lose. */
	store(1, 0x6c, ~0u);
	g_assert_cmpuint(invalidations, ==, 1);
}

static void tlbi_by_page_reaches_the_bank(void)
{
	start_managed();
	invalidations = 0;
	for (uint64_t reg = 0x630; reg <= 0x638; reg += 8) {
		uint64_t at = CB(HOST_BANK, reg);

		g_assert_true(try_store(1, at, 8, UINT64_C(0x12340001)));
		g_assert_cmphex(last_tlbi_offset, ==, at);
		g_assert_cmphex(last_tlbi_value, ==, 0x12340001);
		/* The lower half starts it, the upper half is nothing. */
		store(1, at, 0x42);
		g_assert_cmphex(last_tlbi_value, ==, 0x42);
		store(1, at + 4, 0x43);
		g_assert_cmphex(last_tlbi_value, ==, 0x42);
		g_assert_cmphex(load64(1, at), ==, 0);
	}
	g_assert_cmpuint(invalidations, ==, 4);
}

static void syncs_reach_hardware(void)
{
	start_managed();
	invalidations = 0;
	smmumodel_set_polls(1);
	store(1, 0x70, ~0u);
	g_assert_cmphex(last_tlbi_offset, ==, 0x70);
	/* EL2 does not wait: the host sees it under way. */
	g_assert_cmphex(load(1, 0x74), ==, 1);
	g_assert_cmphex(load(1, 0x74), ==, 0);
	store(1, 0x74, 0);
	store(1, CB(HOST_BANK, 0x7f0), 0);
	g_assert_cmphex(last_tlbi_offset, ==, CB(HOST_BANK, 0x7f0));
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x7f4)), ==, 1);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x7f4)), ==, 0);
	g_assert_cmphex(load(1, CB(HOST_BANK, 0x7f0)), ==, 0);
	g_assert_cmpuint(invalidations, ==, 2);
}

/* --- Everything --------------------------------------------------------------- */

/* Gap 13: translation requests, secure and unknown registers, PMU, pages 2-7. */
static bool is_closed(uint64_t offset)
{
	static const struct {
		uint16_t first;
		uint16_t last;
	} open[] = {
		{ 0x000, 0x003 }, { 0x008, 0x00b }, { 0x010, 0x013 },
		{ 0x020, 0x05b }, { 0x064, 0x077 }, { 0x800, 0x85f },
		{ 0xc00, 0xc5f }, { 0xfd0, 0xfff },
	};

	for (size_t k = 0; k < G_N_ELEMENTS(open); k++) {
		if (offset >= open[k].first && offset <= open[k].last) {
			return false;
		}
	}
	return offset < 0x1000 || (offset >= 0x2000 && offset < 0x8000);
}

static void gap13_what_nobody_needs_is_closed(void)
{
	unsigned int closed = 0;

	start_managed();
	for (uint64_t offset = 0; offset < 0x8000; offset += 4) {
		if (is_closed(offset)) {
			hw_set(0, offset, ~0u);
			g_assert_cmphex(load(0, offset), ==, 0);
			assert_store_refused(0, offset, 4, 0);
			assert_store_refused(0, offset, 4, ~0u);
			closed++;
		}
	}
	g_assert_cmpuint(closed, >, 6000);
}

/* Registers that an access of 8 bytes fits. */
static bool is_wide(uint64_t offset)
{
	uint64_t reg = offset & 0xfff;
	uint64_t bank = (offset - 0x8000) >> 12;

	if (offset < 0x8000) {
		return offset == 0x40;
	}
	return (bank == HOST_BANK || bank == HOST_BANK2) &&
	       (reg == 0x20 || reg == 0x28 || reg == 0x50 || reg == 0x60 ||
		reg == 0x70 || reg == 0x600 || reg == 0x608 || reg == 0x620 ||
		reg == 0x628 || reg == 0x630 || reg == 0x638);
}

/* 8 bytes are one 64-bit register or nothing; two neighbours are nothing. */
static void pairs_of_registers_are_refused(void)
{
	uint64_t value;

	start_managed();
	for (uint64_t offset = 0; offset < BYTES; offset += 8) {
		if (is_wide(offset)) {
			g_assert_true(try_load(1, offset, 8, &value));
			g_assert_true(try_store(1, offset, 8, 0));
			continue;
		}
		assert_load_refused(1, offset);
		assert_store_refused(1, offset, 8, 0);
		assert_store_refused(1, offset, 8, ~0ull);
	}
}

static void snapshot(uint32_t (*copy)[WORDS])
{
	for (uint32_t i = 0; i < 2; i++) {
		for (uint64_t offset = 0; offset < BYTES; offset += 4) {
			copy[i][offset / 4] = hw(i, offset);
		}
	}
}

/*
 * Every offset, several values, both modes: whatever happens, check_hardware()
 * holds, which each access asserts, and each store that reaches it as well. No
 * register changes but those that the host may change.
 */
static void no_offset_is_forgotten(void)
{
	static const uint32_t values[] = {
		0, ~0u, 1, VALID, VALID | STREAM(7), VALID | 0x7fff0000, BYPASS,
		VM_BANK, HOST_BANK, FAULT, CLIENTPD | SMCFCFG,
	};
	static uint32_t before[2][WORDS];

	start_managed();
	for (size_t k = 0; k < G_N_ELEMENTS(values); k++) {
		store(1, 0, k % 2);
		snapshot(before);
		for (uint64_t offset = 4; offset < BYTES; offset += 4) {
			uint64_t ignored;

			(void)try_store(1, offset, 4, values[k]);
			g_assert_true(try_load(1, offset, 4, &ignored));
		}
		for (uint64_t offset = 4; offset < BYTES; offset += 4) {
			bool entry = (offset >= 0x800 && offset < 0x860) ||
				     (offset >= 0xc00 && offset < 0xc60);
			bool own = offset == CB(HOST_BANK, 0) ||
				   offset == CB(HOST_BANK2, 0);

			g_assert_cmphex(hw(0, offset), ==,
					before[0][offset / 4]);
			if (!entry && !own && !is_command(offset)) {
				g_assert_cmphex(hw(1, offset), ==,
						before[1][offset / 4]);
			}
		}
		g_assert_cmphex(hw(1, 0), ==, SCR0_HW);
		for (uint32_t n = 0; n < HOST_STREAMS; n++) {
			store(1, 0x800 + 4 * n, 0);
		}
		g_assert_cmphex(bank_of_stream(1, STREAM(7)), ==, VM_BANK);
	}
}

/* A value that means something somewhere. */
static uint32_t random_value(void)
{
	switch (random_below(6)) {
	case 0:
		return (uint32_t)random64();
	case 1:
		return VALID | STREAM((uint32_t)random_below(8));
	case 2:
		return VALID | (uint32_t)random_below(16) << 16 |
		       STREAM((uint32_t)random_below(8));
	case 3:
		return (uint32_t)(random_below(3) << 16 | random_below(9));
	case 4:
		return (uint32_t)random_below(4);
	default:
		return 1u << random_below(32);
	}
}

/* An offset, of a register that does something three times out of four. */
static uint64_t random_offset(void)
{
	switch (random_below(8)) {
	case 0:
	case 1:
		return random_below(WORDS) * 4;
	case 2:
		return 0;
	case 3:
	case 4:
		return 0x800 + 4 * random_below(26);
	case 5:
		return 0xc00 + 4 * random_below(26);
	case 6:
		return 0x1000 + 0x400 * random_below(3) + 4 * random_below(9);
	default:
		return CB(random_below(8), random_below(16) * 4);
	}
}

/* What EL2 does for a hypercall, in between. */
static void random_call(void)
{
	uint32_t k = (uint32_t)random_below(7);
	uint32_t bank = 1 + (uint32_t)random_below(7);
	bool free_one = true;

	switch (random_below(4)) {
	case 0:
		if (can_set(1, STREAM(k)) == HV_OK) {
			set_stream(k, vm, SMMU_STREAM_FAULT);
			set_stream(k, vm, VM_BANK);
		}
		break;
	case 1:
		if (can_set(1, STREAM(k)) == HV_OK) {
			set_stream(k, HOSTVISOR, random_below(2) == 0 ?
				   HOST_BANK : SMMU_IDENTITY_BANK);
		}
		break;
	case 2:
		acquire_lock_smmu();
		free_one = owner_of(bank, 1) == HOSTVISOR && bank != HOST_BANK;
		release_lock_smmu();
		if (free_one) {
			free_bank(bank, 1);
		}
		break;
	default:
		acquire_lock_smmu();
		free_one = owner_of(bank, 1) == INVALID;
		release_lock_smmu();
		if (free_one) {
			give_bank(bank, 1, HOSTVISOR);
		}
		break;
	}
}

static void any_sequence_keeps_streams_apart(void)
{
	start_managed();
	for (unsigned int n = 0; n < 20000; n++) {
		uint64_t offset = random_offset();

		if (random_below(32) == 0) {
			random_call();
		}
		if (random_below(8) == 0) {
			(void)try_store(1, offset & ~UINT64_C(7), 8,
					random64());
		} else {
			(void)try_store(1, offset, 4, random_value());
		}
		g_assert_cmphex(bank_of_stream(1, STREAM(7)), ==, VM_BANK);
	}
}

/* Gap 12: the page is HPFAR's, whatever the host's address is. */
static void gap12_offset_is_the_ipas(void)
{
	struct trap_frame frame = {
		.elr = PC,
		.spsr = 0x60000005,
		.esr = ESR_LOAD | ESR_SAS(2),
		/* Would be sCR0 of the first page by its low 16 bits. */
		.far = UINT64_C(0xffff800012340020),
		.hpfar = (BASE(0) + 0x5000) >> 12 << 4,
	};

	start();
	hw_set(0, 0x5020, 0x1111);
	hw_set(0, 0x20, 0x7e015e20);
	frame.regs[0] = 0x2222;
	trap_host_sync(&frame);
	/* Page 5 is closed. */
	g_assert_cmphex(frame.regs[0], ==, 0);
	g_assert_cmphex(frame.elr, ==, PC + 4);
}

/* G67: four bytes are the host's four bytes. */
static void g67_a_word_is_the_hosts_word(void)
{
	start_managed();
	hw_set(1, CB(HOST_BANK, 0x58), 0x80000002);
	g_assert_true(try_store(1, CB(HOST_BANK, 0x58), 4,
				UINT64_C(0xffffffff00000002)));
	g_assert_cmphex(hw(1, CB(HOST_BANK, 0x58)), ==, 0x80000000);
}

static void look_for_no_shadow(void *data)
{
	uint32_t mask;

	(void)data;
	acquire_lock_smmu();
	(void)smmu_shadow_word(0, CB(HOST_BANK, 0x58), &mask);
}

/* A rule that says shadow where there is none would be a bug of EL2's. */
static void shadow_that_is_not_there_panics(void)
{
	start();
	assert_panics(look_for_no_shadow, NULL, "no shadow of bank register");
}

/* Each SMMU's registers are its own. */
static void smmus_are_apart(void)
{
	start_managed();
	store(0, 0, 0);
	store(0, 0xc00, BYPASS);
	store(0, 0x800, VALID | STREAM(7));
	g_assert_cmphex(load(1, 0), ==, 0x00200001);
	g_assert_cmphex(load(1, 0x800), ==, 0);
	g_assert_cmphex(bank_of_stream(0, STREAM(7)), ==, 0);
	g_assert_cmphex(bank_of_stream(1, STREAM(7)), ==, VM_BANK);
}

static void leaf_has_what_el2_chose(void)
{
	g_assert_cmphex(smmu_init_pte(S2_S2AP_R, 0x40001000), ==,
			UINT64_C(0x4000004000177f));
	g_assert_cmphex(smmu_init_pte(~UINT64_C(0), 0x40001fff), ==,
			UINT64_C(0x400000400017ff));
	g_assert_cmphex(smmu_init_pte(0, 0x40001000), ==,
			UINT64_C(0x4000004000173f));
	g_assert_cmphex(smmu_init_pte(S2_S2AP_W, ~UINT64_C(0)) & 0xfff, ==,
			0x7bf);
}

static void bank_of_an_offset(void)
{
	start();
	for (uint32_t n = 0; n < 8; n++) {
		g_assert_cmpuint(smmu_get_cbndx(CB(n, 0), 0), ==, n);
		g_assert_cmpuint(smmu_get_cbndx(CB(n, 0xffc), 1), ==, n);
	}
}

/* --- Linux -------------------------------------------------------------------- */

/* Its arm-smmu driver's probe of an MMU-500, in its order. */
static void linux_probes(uint32_t i)
{
	uint32_t idr0 = load(i, 0x20);
	uint32_t idr1 = load(i, 0x24);
	uint32_t banks = idr1 & 0xff;
	uint32_t entries = idr0 & 0xff;
	uint32_t scr0, sacr;

	/* Stage 2 only, banks enough, stream matching, AArch64 4 KiB tables. */
	g_assert_cmphex(idr0 & 0x68000000, ==, 0x28000000);
	g_assert_cmpuint(entries, ==, 24);
	g_assert_cmpuint(banks, ==, 8);
	g_assert_cmpuint(idr1 >> 16 & 0xff, <=, banks);
	g_assert_cmphex(load(i, 0x28) & 0x1fff, ==, 0x1222);
	/* As of 6.1, before the entries are programmed. */
	store(i, 0, load(i, 0) | CLIENTPD);
	/* arm_smmu_device_reset */
	store(i, 0x48, load(i, 0x48));
	for (uint32_t n = 0; n < entries; n++) {
		store(i, 0xc00 + 4 * n, FAULT);
		store(i, 0x800 + 4 * n, 0);
	}
	for (uint32_t n = 0; n < banks; n++) {
		store(i, CB(n, 0), 0);
		store(i, CB(n, 0x58), 0xc00001fe);
	}
	store(i, 0x6c, ~0u);
	store(i, 0x68, ~0u);
	scr0 = load(i, 0);
	/* arm_mmu500_reset */
	sacr = load(i, 0x10);
	if (load(i, 0x3c) >> 4 >= 2) {
		sacr &= ~(1u << 26);
	}
	store(i, 0x10, sacr | 1u << 10 | 1u << 8);
	for (uint32_t n = 0; n < banks; n++) {
		uint32_t actlr = load(i, CB(n, 4)) & ~2u;

		store(i, CB(n, 4), actlr);
		/* It warns where that bit is still set. */
		g_assert_cmphex(load(i, CB(n, 4)) & 2, ==, 0);
	}
	store(i, 0x70, ~0u);
	g_assert_cmphex(load(i, 0x74) & 1, ==, 0);
	scr0 |= 0x2 | 0x4 | 0x10 | 0x20 | 0x400 | 0x800 | 0x1000;
	scr0 &= ~(CLIENTPD | 0x2000 | 0xc000);
	store(i, 0, scr0);
	/* arm_smmu_test_smr_masks */
	store(i, 0x800, 0x7fff);
	g_assert_cmphex(load(i, 0x800), ==, 0x7fff);
	store(i, 0x800, 0x7fff << 16);
	g_assert_cmphex(load(i, 0x800), ==, 0x7fff << 16);
}

/* A domain of stage 2 that a driver which knows of EL2 has allocated. */
static void linux_attaches(uint32_t i, uint32_t n, uint32_t stream)
{
	store(i, 0x1800 + 4 * n, 1);
	store(i, 0x1000 + 4 * n, n + 1);
	store(i, CB(n, 0x30), 0x80023558);
	g_assert_true(try_store(i, CB(n, 0x20), 8, 0x41234000));
	store(i, CB(n, 0), 0x67);
	store(i, 0x804, VALID | stream);
	store(i, 0xc04, n);
	g_assert_cmphex(bank_of_stream(i, stream), ==, n);
	g_assert_cmphex(hw(i, CB(n, 0)), ==, SCTLR_HW | CFIE);
}

static void linux_shuts_down(uint32_t i)
{
	/* All other bits 0; the specification's check of bit 21 fails here. */
	store(i, 0, CLIENTPD);
	g_assert_cmphex(hw(i, 0), ==, SCR0_HW);
}

static void linux_driver_lives(void)
{
	start();
	for (uint32_t i = 0; i < 2; i++) {
		linux_probes(i);
		g_assert_cmphex(hw(i, 0), ==, SCR0_HW | GFIE);
		/* disable_bypass: nothing is attached yet. */
		g_assert_cmphex(bank_of_stream(i, OTHER_STREAM), ==,
				SMMU_STREAM_FAULT);
		give_bank(HOST_BANK, i, HOSTVISOR);
		linux_attaches(i, HOST_BANK, OTHER_STREAM);
		store(i, 0xc04, FAULT);
		g_assert_cmphex(bank_of_stream(i, OTHER_STREAM), ==,
				SMMU_STREAM_FAULT);
		linux_shuts_down(i);
		/* And kexec: from the start again. */
		linux_probes(i);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST("/smmu-filter/reset", host_finds_an_mmu500_after_reset),
	UNIT_TEST("/smmu-filter/id/filtered",
		  id_registers_say_what_the_host_has),
	UNIT_TEST("/smmu-filter/id/of-everything",
		  id_registers_of_an_smmu_with_everything),
	UNIT_TEST("/smmu-filter/g66_scr0", g66_scr0_is_shadowed),
	UNIT_TEST("/smmu-filter/scr2", scr2_is_zero),
	UNIT_TEST("/smmu-filter/gap13_sacr_and_actlr",
		  gap13_auxiliary_control_is_shadowed),
	UNIT_TEST("/smmu-filter/stream/stock-host",
		  stock_host_reaches_its_memory),
	UNIT_TEST("/smmu-filter/stream/dma",
		  devices_of_the_host_reach_its_memory_only),
	UNIT_TEST("/smmu-filter/bank/gap14_on-before-its-table",
		  gap14_bank_is_on_before_it_has_a_table),
	UNIT_TEST("/smmu-filter/stream/clientpd",
		  clientpd_decides_whose_entries_are_in_force),
	UNIT_TEST("/smmu-filter/stream/g66_bypass",
		  g66_bypass_is_the_identity_table),
	UNIT_TEST("/smmu-filter/stream/g66_bank-of-another",
		  g66_s2cr_names_banks_of_the_host_only),
	UNIT_TEST("/smmu-filter/stream/stopped-bank",
		  s2cr_cannot_name_a_stopped_bank),
	UNIT_TEST("/smmu-filter/stream/g66_vms-stream",
		  g66_smr_cannot_match_a_vms_stream),
	UNIT_TEST("/smmu-filter/stream/el2s-entries",
		  entries_of_el2_are_not_the_hosts),
	UNIT_TEST("/smmu-filter/stream/width", smr_has_the_bits_of_a_stream_id),
	UNIT_TEST("/smmu-filter/stream/narrow", smr_is_as_narrow_as_the_smmu),
	UNIT_TEST("/smmu-filter/stream/overlap", entries_that_overlap_fault),
	UNIT_TEST("/smmu-filter/stream/platforms-only",
		  only_platform_streams_can_be_set),
	UNIT_TEST("/smmu-filter/stream/busy",
		  stream_with_an_entry_of_the_hosts_is_busy),
	UNIT_TEST("/smmu-filter/stream/of-a-vm", stream_of_a_vm_stays_its_own),
	UNIT_TEST("/smmu-filter/stream/set",
		  stream_that_the_host_set_gives_way_to_its_entry),
	UNIT_TEST("/smmu-filter/stream/freed-bank",
		  freed_bank_has_no_streams_and_no_past),
	UNIT_TEST("/smmu-filter/bank/g66_sctlr", g66_sctlr_is_shadowed),
	UNIT_TEST("/smmu-filter/bank/g66_tcr", g66_tcr_is_shadowed),
	UNIT_TEST("/smmu-filter/bank/g66_ttbr0", g66_ttbr0_is_shadowed),
	UNIT_TEST("/smmu-filter/bank/g66_cbar",
		  g66_cbar_and_cba2r_are_shadowed),
	UNIT_TEST("/smmu-filter/bank/gap8_stage-1",
		  gap8_stage_1_registers_are_not_there),
	UNIT_TEST("/smmu-filter/fault/banks",
		  faults_of_the_hosts_banks_are_its_own),
	UNIT_TEST("/smmu-filter/fault/end", faults_end_with_the_banks_owner),
	UNIT_TEST("/smmu-filter/fault/global", global_faults_are_the_hosts),
	UNIT_TEST("/smmu-filter/bank/of-others", banks_of_others_are_closed),
	UNIT_TEST("/smmu-filter/bank/g66_not-there",
		  g66_banks_that_are_not_there_are_closed),
	UNIT_TEST("/smmu-filter/tlbi/vmid",
		  tlbi_by_vmid_reaches_the_hosts_banks),
	UNIT_TEST("/smmu-filter/tlbi/page", tlbi_by_page_reaches_the_bank),
	UNIT_TEST("/smmu-filter/tlbi/sync", syncs_reach_hardware),
	UNIT_TEST("/smmu-filter/gap13_closed",
		  gap13_what_nobody_needs_is_closed),
	UNIT_TEST("/smmu-filter/access/pairs", pairs_of_registers_are_refused),
	UNIT_TEST("/smmu-filter/all/offsets", no_offset_is_forgotten),
	UNIT_TEST("/smmu-filter/all/sequences",
		  any_sequence_keeps_streams_apart),
	UNIT_TEST("/smmu-filter/access/gap12_ipa", gap12_offset_is_the_ipas),
	UNIT_TEST("/smmu-filter/access/g67_word",
		  g67_a_word_is_the_hosts_word),
	UNIT_TEST_DIES("/smmu-filter/no-shadow-panics",
		       shadow_that_is_not_there_panics),
	UNIT_TEST("/smmu-filter/two", smmus_are_apart),
	UNIT_TEST("/smmu-filter/leaf", leaf_has_what_el2_chose),
	UNIT_TEST("/smmu-filter/cbndx", bank_of_an_offset),
	UNIT_TEST("/smmu-filter/linux", linux_driver_lives),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
