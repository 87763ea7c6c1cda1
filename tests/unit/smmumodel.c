/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "smmumodel.h"

#include <glib.h>
#include <string.h>

#include "arch/cpu.h"
#include "arch/mem.h"
#include "core/locks.h"
#include "core/mem_region.h"
#include "core/platform.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_regs.h"
#include "core/smmu_streams.h"
#include "core/spec_constants.h"

#define ENTRIES		512
#define ADDRESS_MASK	UINT64_C(0x0000fffffffff000)
#define PAGE_OF(pa)	((gpointer)((pa) & ~UINT64_C(0xfff)))
#define SYNC_GLOBAL	UINT32_C(0xffffffff)
#define RECORD_OWNER	UINT64_C(0xff)

/* A table page that a live bank's root leads to. */
struct page {
	uint64_t desc[ENTRIES];
	uint64_t iova;
	paddr_t root;
	unsigned int level;
};

/**
 * struct bank - what a bank translates by, from its start to its stop
 * @root: its table; 0 while it is stopped
 * @tag:  of its TLB entries
 */
struct bank {
	paddr_t root;
	uint32_t tag;
};

struct smmu {
	uint32_t reg[SMMUMODEL_BYTES / 4];
	struct bank bank[SMMUMODEL_BANKS];
	bool taken;
	/* Polls that the sync under way still takes: of banks, and global. */
	uint32_t busy[SMMUMODEL_BANKS + 1];
};

enum stage {
	STORED,		/* the entry is changed */
	VISIBLE,	/* and the walker sees that */
	SENT,		/* TLBI written */
	SYNCING,	/* and a sync that waits for it */
};

/**
 * struct stale - a translation that a TLB may hold and no table does
 * @bank:  through which bank
 * @how:   who must sync: the bank, or SYNC_GLOBAL
 * @leaf:  it maps something; false: a link
 */
struct stale {
	unsigned int index;
	uint32_t bank;
	uint32_t tag;
	uint64_t iova;
	uint64_t bytes;
	paddr_t pa;
	uint32_t cpu;
	uint32_t how;
	enum stage stage;
	bool leaf;
};

/* A leaf that appeared since s2page was last released. */
struct fresh {
	paddr_t root;
	paddr_t pa;
	uint64_t bytes;
};

static struct smmu smmus[SMMUMODEL_MAX];
static unsigned int nr_smmus;
static uint32_t polls;
static char *error;
static GRecMutex mutex;

/* struct page by PA; how often each root maps a page or block. */
static GHashTable *pages;
static GHashTable *leaves;
static GHashTable *unseen;
static GArray *stales;
static GArray *fresh;

static paddr_t records;
static uint64_t nr_records;
static uint64_t *known;
static uint32_t ranks[TOTAL_CPU];

static void G_GNUC_PRINTF(1, 2) fail(const char *format, ...)
{
	va_list ap;

	if (error == NULL) {
		va_start(ap, format);
		error = g_strdup_vprintf(format, ap);
		va_end(ap);
	}
}

static uint32_t this_index(void)
{
	return native_cpu.pcpu == NULL ? 0 : native_cpu.pcpu->index;
}

static bool is_valid(uint64_t desc)
{
	return (desc & 1) != 0;
}

static bool is_link(uint64_t desc, unsigned int level)
{
	return level < 3 && (desc & 2) != 0;
}

static uint64_t entry_bytes(unsigned int level)
{
	return UINT64_C(1) << (39 - 9 * level);
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

static struct stale *stale_at(guint i)
{
	return &g_array_index(stales, struct stale, i);
}

/* --- Who may have what ------------------------------------------------- */

/* The owner of a bank that translates by @root, by its TLB tag. */
static uint32_t owner_of(paddr_t root)
{
	for (unsigned int i = 0; i < nr_smmus; i++) {
		for (unsigned int n = 0; n < SMMUMODEL_BANKS; n++) {
			if (smmus[i].bank[n].root == root) {
				return smmus[i].bank[n].tag & 15;
			}
		}
	}
	return INVALID;
}

/* One root's leaf of one size; roots are few and 8 KiB aligned. */
struct leaf_key {
	paddr_t root;
	paddr_t pa;
	unsigned int level;
};

static guint hash_leaf(gconstpointer p)
{
	const struct leaf_key *key = p;

	return (guint)(key->pa >> 12) * 2654435761u ^ (guint)(key->root >> 12) ^
	       key->level;
}

static gboolean same_leaf(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(struct leaf_key)) == 0;
}

static struct leaf_key make_key(paddr_t root, paddr_t pa, unsigned int level)
{
	struct leaf_key key;

	memset(&key, 0, sizeof(key));
	key.root = root;
	key.pa = pa & ~(entry_bytes(level) - 1);
	key.level = level;
	return key;
}

static void count_leaf(paddr_t root, paddr_t pa, unsigned int level, int change)
{
	struct leaf_key key = make_key(root, pa, level);
	int count = GPOINTER_TO_INT(g_hash_table_lookup(leaves, &key)) + change;

	if (count == 0) {
		g_hash_table_remove(leaves, &key);
	} else {
		g_hash_table_insert(leaves, g_memdup2(&key, sizeof(key)),
				    GINT_TO_POINTER(count));
	}
}

static bool maps(paddr_t root, paddr_t pa)
{
	struct leaf_key page = make_key(root, pa, 3);
	struct leaf_key block = make_key(root, pa, 2);

	return g_hash_table_contains(leaves, &page) ||
	       g_hash_table_contains(leaves, &block);
}

/* Fails if a bank of anybody but @vmid leads to the page at @pa. */
static void expect_only(paddr_t pa, uint32_t vmid, const char *what)
{
	for (unsigned int i = 0; i < nr_smmus; i++) {
		for (unsigned int n = 0; n < SMMUMODEL_BANKS; n++) {
			const struct bank *bank = &smmus[i].bank[n];

			if (bank->root != 0 && (bank->tag & 15) != vmid &&
			    maps(bank->root, pa)) {
				fail("0x%lx is %s while bank %u of SMMU %u maps "
				     "it", pa, what, n, i);
			}
		}
	}
	for (guint i = 0; i < stales->len; i++) {
		const struct stale *s = stale_at(i);

		if (s->leaf && (s->tag & 15) != vmid &&
		    overlap(s->pa, s->bytes, pa, PAGE_SIZE)) {
			fail("0x%lx is %s while a TLB of SMMU %u may have it",
			     pa, what, s->index);
		}
	}
}

void smmumodel_expect_private(paddr_t pa, uint64_t bytes, uint32_t vmid)
{
	g_rec_mutex_lock(&mutex);
	for (uint64_t offset = 0; offset < bytes; offset += PAGE_SIZE) {
		expect_only(pa + offset, vmid, "a VM's");
	}
	g_rec_mutex_unlock(&mutex);
}

/* The page of record @i. */
static paddr_t page_of_record(uint64_t i)
{
	for (uint32_t r = 0; r < mem_region_count(); r++) {
		const struct mem_region *region = mem_region_get(r);

		if (i - region->index < region->size >> PAGE_SHIFT) {
			return region->base + ((i - region->index) << PAGE_SHIFT);
		}
	}
	return 0;
}

static uint32_t owner_of_page(paddr_t pa)
{
	uint32_t r = mem_region_search(pa);
	const uint64_t *record = el2_ptr(pa_to_el2_va(records));
	uint64_t i;

	if (r == INVALID) {
		return INVALID;
	}
	i = mem_region_get(r)->index +
	    ((pa - mem_region_get(r)->base) >> PAGE_SHIFT);
	return i < nr_records ? record[i] & RECORD_OWNER : INVALID;
}

static void check_records(void)
{
	const uint64_t *now = el2_ptr(pa_to_el2_va(records));

	for (uint64_t i = 0; i < nr_records; i += ENTRIES) {
		uint64_t n = MIN(nr_records - i, ENTRIES);

		if (memcmp(&now[i], &known[i], n * sizeof(*now)) == 0) {
			continue;
		}
		for (uint64_t k = i; k < i + n; k++) {
			if ((now[k] ^ known[k]) & RECORD_OWNER) {
				expect_only(page_of_record(k),
					    now[k] & RECORD_OWNER,
					    "another owner's");
			}
			known[k] = now[k];
		}
	}
}

static void check_fresh(void)
{
	for (guint i = 0; i < fresh->len; i++) {
		const struct fresh *f = &g_array_index(fresh, struct fresh, i);
		uint32_t owner = owner_of(f->root);

		for (uint64_t offset = 0; offset < f->bytes && owner != INVALID;
		     offset += PAGE_SIZE) {
			paddr_t pa = f->pa + offset;

			/* It may have gone again. */
			if (maps(f->root, pa) && owner_of_page(pa) != owner &&
			    (owner != HOSTVISOR || pa != platform_msi_page())) {
				fail("0x%lx is in a table of %u, but owned by "
				     "0x%x", pa, owner, owner_of_page(pa));
			}
		}
	}
	g_array_set_size(fresh, 0);
}

/* --- Tables ------------------------------------------------------------ */

static struct page *find_page(paddr_t pa)
{
	return g_hash_table_lookup(pages, PAGE_OF(pa));
}

static void add_stale(const struct page *page, uint64_t iova, paddr_t pa,
		      bool leaf, uint32_t cpu)
{
	for (unsigned int i = 0; i < nr_smmus; i++) {
		for (unsigned int n = 0; n < SMMUMODEL_BANKS; n++) {
			struct stale s = {
				.index = i,
				.bank = n,
				.tag = smmus[i].bank[n].tag,
				.iova = iova,
				.bytes = entry_bytes(page->level),
				.pa = pa,
				.leaf = leaf,
				.cpu = cpu,
			};

			if (smmus[i].bank[n].root == page->root) {
				g_array_append_val(stales, s);
			}
		}
	}
}

static void retire(const struct page *page, unsigned int i, uint64_t desc,
		   uint32_t cpu)
{
	uint64_t iova = page->iova + i * entry_bytes(page->level);
	paddr_t pa = desc & ADDRESS_MASK;
	struct page *next;

	if (!is_link(desc, page->level)) {
		count_leaf(page->root, pa, page->level, -1);
		add_stale(page, iova, pa, true, cpu);
		return;
	}
	add_stale(page, iova, pa, false, cpu);
	next = find_page(pa);
	for (unsigned int k = 0; next != NULL && k < ENTRIES; k++) {
		if (is_valid(next->desc[k])) {
			retire(next, k, next->desc[k], cpu);
		}
	}
	g_hash_table_remove(pages, PAGE_OF(pa));
}

static void adopt(paddr_t pa, unsigned int level, paddr_t root, uint64_t iova);

static void install(const struct page *page, unsigned int i, uint64_t desc)
{
	uint64_t iova = page->iova + i * entry_bytes(page->level);
	struct fresh f = {
		.root = page->root,
		.pa = desc & ADDRESS_MASK,
		.bytes = entry_bytes(page->level),
	};

	if (is_link(desc, page->level)) {
		adopt(f.pa, page->level + 1, page->root, iova);
	} else if (page->level == 1) {
		fail("a block at level 1, IOVA 0x%lx", iova);
	} else {
		count_leaf(page->root, f.pa, page->level, 1);
		g_array_append_val(fresh, f);
	}
}

static void adopt(paddr_t pa, unsigned int level, paddr_t root, uint64_t iova)
{
	struct page *page = g_new(struct page, 1);

	if (find_page(pa) != NULL) {
		fail("table 0x%lx is linked twice", pa);
	}
	if (g_hash_table_contains(unseen, PAGE_OF(pa))) {
		fail("table 0x%lx is linked before its content is visible", pa);
	}
	memcpy(page->desc, el2_ptr(pa_to_el2_va(pa)), PAGE_SIZE);
	page->level = level;
	page->root = root;
	page->iova = iova;
	g_hash_table_insert(pages, PAGE_OF(pa), page);
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if (is_valid(page->desc[i])) {
			install(page, i, page->desc[i]);
		}
	}
}

/* Whether the table that @link names translates as @block does, or not. */
static bool refines(uint64_t block, uint64_t link, unsigned int level)
{
	const uint64_t *desc = el2_ptr(pa_to_el2_va(link & ADDRESS_MASK));
	uint64_t bytes = entry_bytes(level + 1);
	uint64_t expected = level == 2 ? block | 2 : block;

	if (is_link(block, level) || !is_link(link, level)) {
		return false;
	}
	for (unsigned int i = 0; i < ENTRIES; i++, expected += bytes) {
		if (is_valid(desc[i]) && desc[i] != expected) {
			return false;
		}
	}
	return true;
}

static void on_store(paddr_t pa, uint64_t desc, uint32_t cpu)
{
	uint32_t both = 1u << RANK_S2PAGE | 1u << RANK_SPT;
	struct page *page = find_page(pa);
	unsigned int i = (unsigned int)(pa / 8 % ENTRIES);
	uint64_t old;

	g_hash_table_insert(unseen, PAGE_OF(pa),
			    GUINT_TO_POINTER(cpu + 1));
	if (page == NULL) {
		return;
	}
	if ((ranks[cpu] & both) != both) {
		fail("an SMMU's table changed without its locks");
	}
	old = page->desc[i];
	page->desc[i] = desc;
	if (old == desc) {
		return;
	}
	if (is_valid(old) && is_valid(desc) &&
	    !refines(old, desc, page->level)) {
		fail("entry 0x%lx goes from 0x%lx to 0x%lx without a break",
		     pa, old, desc);
	}
	if (is_valid(desc)) {
		for (guint k = 0; k < stales->len; k++) {
			const struct stale *s = stale_at(k);

			if (!is_valid(old) && smmus[s->index].bank[s->bank].root
			    == page->root &&
			    overlap(s->iova, s->bytes, page->iova +
				    i * entry_bytes(page->level),
				    entry_bytes(page->level))) {
				fail("IOVA 0x%lx is mapped while what was there "
				     "may be in a TLB", s->iova);
			}
		}
	}
	if (is_valid(old)) {
		retire(page, i, old, cpu);
	}
	if (is_valid(desc)) {
		install(page, i, desc);
	}
}

static void on_zero(paddr_t pa, uint64_t bytes, uint32_t cpu)
{
	bool for_table = (ranks[cpu] & (1u << RANK_PT | 1u << RANK_SPT)) != 0;

	for (paddr_t page = pa; page < pa + bytes; page += PAGE_SIZE) {
		if (find_page(page) != NULL) {
			fail("an SMMU's table 0x%lx is zeroed", page);
		}
		g_hash_table_insert(unseen, PAGE_OF(page),
				    GUINT_TO_POINTER(cpu + 1));
		if (!for_table && (ranks[cpu] & 1u << RANK_S2PAGE) != 0) {
			expect_only(page, INVALID, "zeroed");
		}
	}
}

static gboolean seen_by(gpointer key, gpointer value, gpointer cpu)
{
	(void)key;
	return value == cpu;
}

static void on_dsb(uint32_t cpu)
{
	g_hash_table_foreach_remove(unseen, seen_by, GUINT_TO_POINTER(cpu + 1));
	for (guint i = 0; i < stales->len; i++) {
		if (stale_at(i)->cpu == cpu && stale_at(i)->stage == STORED) {
			stale_at(i)->stage = VISIBLE;
		}
	}
}

static void on_unlock(unsigned int rank, uint32_t cpu)
{
	if (rank == RANK_SPT && stales->len != 0) {
		fail("spt is released while SMMU %u may translate IOVA 0x%lx "
		     "from its TLB", stale_at(0)->index, stale_at(0)->iova);
	}
	if (rank == RANK_S2PAGE && nr_records != 0) {
		check_records();
		check_fresh();
	}
	ranks[cpu] &= ~(1u << rank);
}

void smmumodel_event(const struct native_event *event)
{
	g_rec_mutex_lock(&mutex);
	switch (event->op) {
	case NATIVE_TABLE_STORE:
		on_store(event->a, event->b, event->cpu);
		break;
	case NATIVE_ZERO:
		on_zero(event->a, event->b, event->cpu);
		break;
	case NATIVE_DSB_ISHST:
	case NATIVE_DSB_ISH:
	case NATIVE_DSB_SY:
	case NATIVE_CLEAN:
		on_dsb(event->cpu);
		break;
	case NATIVE_LOCK:
		ranks[event->cpu] |= 1u << event->a;
		break;
	case NATIVE_UNLOCK:
		on_unlock((unsigned int)event->a, event->cpu);
		break;
	default:
		break;
	}
	g_rec_mutex_unlock(&mutex);
}

/* --- TLB maintenance ---------------------------------------------------- */

/* @iova INVALID64: all of @tag; @bank: through whose register, or global. */
static void on_tlbi(unsigned int index, uint32_t tag, uint64_t iova,
		    uint32_t bank, bool leaves_only)
{
	for (guint i = 0; i < stales->len; i++) {
		struct stale *s = stale_at(i);

		if (s->index == index && (tag == INVALID || s->tag == tag) &&
		    s->stage == VISIBLE && (s->leaf || !leaves_only) &&
		    (iova == INVALID64 || overlap(s->iova, s->bytes, iova, 1))) {
			s->stage = SENT;
			s->how = bank;
		}
	}
}

static void on_sync(unsigned int index, uint32_t bank)
{
	smmus[index].busy[bank == SYNC_GLOBAL ? SMMUMODEL_BANKS : bank] = polls;
	for (guint i = 0; i < stales->len; i++) {
		struct stale *s = stale_at(i);

		if (s->index == index && s->stage == SENT &&
		    (bank == SYNC_GLOBAL || s->how == bank)) {
			s->stage = SYNCING;
			s->how = bank;
		}
	}
}

static uint32_t on_status(unsigned int index, uint32_t bank)
{
	uint32_t *busy = &smmus[index].busy[bank == SYNC_GLOBAL ?
					    SMMUMODEL_BANKS : bank];

	if (*busy > 0) {
		(*busy)--;
		return 1;
	}
	for (guint i = stales->len; i-- > 0;) {
		if (stale_at(i)->index == index && stale_at(i)->how == bank &&
		    stale_at(i)->stage == SYNCING) {
			g_array_remove_index_fast(stales, i);
		}
	}
	return 0;
}

/* --- Registers ---------------------------------------------------------- */

static uint32_t *reg(unsigned int index, uint64_t offset)
{
	return &smmus[index].reg[offset / 4];
}

static uint32_t *bank_reg(unsigned int index, uint32_t bank, uint64_t offset)
{
	return reg(index, SMMU_CB(SMMUMODEL_BYTES, bank) + offset);
}

static bool is_live(unsigned int index, uint32_t bank)
{
	return bank < SMMUMODEL_BANKS && smmus[index].bank[bank].root != 0;
}

static bool root_is_live(paddr_t root)
{
	return owner_of(root) != INVALID;
}

static void start_bank(unsigned int index, uint32_t n)
{
	struct bank *bank = &smmus[index].bank[n];
	uint64_t root = *bank_reg(index, n, SMMU_CB_TTBR0) |
			(uint64_t)*bank_reg(index, n, SMMU_CB_TTBR0 + 4) << 32;
	uint32_t cbar = *reg(index, SMMU_CBAR(n));
	bool known_root;

	if ((cbar & SMMU_CBAR_TYPE) != SMMU_CBAR_S2 ||
	    *reg(index, SMMU_CBA2R(n)) != SMMU_CBA2R_VA64 ||
	    *bank_reg(index, n, SMMU_CB_TCR) != SMMU_TCR_VALUE) {
		fail("bank %u of SMMU %u starts as another kind", n, index);
	}
	if (root == 0 || (root & 8191) != 0) {
		fail("bank %u of SMMU %u starts without a table", n, index);
		return;
	}
	for (uint32_t i = 0; i < SMMUMODEL_BANKS; i++) {
		if (i != n && is_live(index, i) &&
		    smmus[index].bank[i].tag == (cbar & 0xff)) {
			fail("banks %u and %u of SMMU %u have one TLB tag", n,
			     i, index);
		}
	}
	for (guint i = 0; i < stales->len; i++) {
		if (stale_at(i)->index == index &&
		    (stale_at(i)->tag == (cbar & 0xff))) {
			fail("bank %u of SMMU %u starts with stale "
			     "translations", n, index);
		}
	}
	known_root = root_is_live(root);
	*bank = (struct bank){ .root = root, .tag = cbar & 0xff };
	if (!known_root) {
		adopt(root, 1, root, 0);
		adopt(root + PAGE_SIZE, 1, root, UINT64_C(1) << 39);
	}
}

/* What it translated is in its TLB still; the walker needs the table no more. */
static void stop_bank(unsigned int index, uint32_t n)
{
	struct bank bank = smmus[index].bank[n];
	struct stale all = {
		.index = index,
		.bank = n,
		.tag = bank.tag,
		.bytes = KVM_PHYS_SIZE,
		.cpu = this_index(),
		.stage = VISIBLE,
	};

	smmus[index].bank[n].root = 0;
	g_array_append_val(stales, all);
	if (root_is_live(bank.root)) {
		return;
	}
	for (paddr_t pa = bank.root; pa <= bank.root + PAGE_SIZE;
	     pa += PAGE_SIZE) {
		struct page *page = find_page(pa);

		for (unsigned int i = 0; i < ENTRIES; i++) {
			if (is_valid(page->desc[i])) {
				retire(page, i, page->desc[i], this_index());
			}
		}
		g_hash_table_remove(pages, PAGE_OF(pa));
	}
}

static bool matches(uint32_t smr, uint32_t stream)
{
	return (smr & SMMU_SMR_VALID) != 0 &&
	       ((smr ^ stream) & SMMU_SMR_ID &
		~((smr & SMMU_SMR_MASK) >> SMMU_SMR_MASK_SHIFT)) == 0;
}

static void check_streams(unsigned int index)
{
	uint32_t scr0 = *reg(index, SMMU_SCR0);
	uint32_t must = SMMU_SCR0_GFRE | SMMU_SCR0_USFCFG | SMMU_SCR0_VMIDPNE |
			SMMU_SCR0_PTM | SMMU_SCR0_SMCFCFG;

	if (!smmus[index].taken) {
		return;
	}
	if ((scr0 & ~(uint32_t)SMMU_SCR0_GFIE) != must) {
		fail("sCR0 of SMMU %u is 0x%x", index, scr0);
	}
	for (unsigned int i = 0; i < SMMUMODEL_STREAMS; i++) {
		uint32_t s2cr = *reg(index, SMMU_S2CR(i));
		uint32_t type = s2cr & SMMU_S2CR_TYPE;

		if ((*reg(index, SMMU_SMR(i)) & SMMU_SMR_VALID) == 0) {
			continue;
		}
		if (type != SMMU_S2CR_FAULT && (type != SMMU_S2CR_TRANSLATE ||
		    !is_live(index, s2cr & SMMU_S2CR_CBNDX))) {
			fail("stream entry %u of SMMU %u is valid with 0x%x", i,
			     index, s2cr);
		}
	}
}

static void write_bank(unsigned int index, uint32_t n, uint64_t offset,
		       uint32_t value)
{
	uint32_t *r = bank_reg(index, n, offset);

	switch (offset) {
	case SMMU_CB_SCTLR:
		*r = value;
		if ((value & SMMU_SCTLR_M) != 0 && !is_live(index, n)) {
			start_bank(index, n);
		} else if ((value & SMMU_SCTLR_M) == 0 && is_live(index, n)) {
			stop_bank(index, n);
		}
		break;
	case SMMU_CB_TTBR0:
	case SMMU_CB_TTBR0 + 4:
	case SMMU_CB_TCR:
		if (is_live(index, n) && *r != value) {
			fail("bank %u of SMMU %u changes while it translates",
			     n, index);
		}
		*r = value;
		break;
	case SMMU_CB_FSR:
		*r &= ~value;
		break;
	case SMMU_CB_TLBSYNC:
		on_sync(index, n);
		break;
	case SMMU_CB_TLBSTATUS:
		break;
	default:
		*r = value;
		break;
	}
}

static void write_global(unsigned int index, uint64_t offset, uint32_t value)
{
	uint32_t n = (uint32_t)(offset - SMMU_GR1) / 4;

	if (offset >= SMMU_IDR(0) && offset <= SMMU_IDR(7)) {
		return;
	}
	if (offset == SMMU_SGFSR) {
		*reg(index, offset) &= ~value;
		return;
	}
	if (offset >= SMMU_GR1 && is_live(index, n % 256) && n % 256 < 8 &&
	    (n < 8 || n >= 512) && *reg(index, offset) != value) {
		fail("bank %u of SMMU %u changes while it translates", n % 256,
		     index);
	}
	*reg(index, offset) = value;
	switch (offset) {
	case SMMU_SCR0:
		smmus[index].taken |= (value & SMMU_SCR0_CLIENTPD) == 0;
		break;
	case SMMU_TLBIVMID:
		on_tlbi(index, value & 0xff, INVALID64, SYNC_GLOBAL, false);
		break;
	case SMMU_TLBIALLNSNH:
		on_tlbi(index, INVALID, INVALID64, SYNC_GLOBAL, false);
		break;
	case SMMU_STLBGSYNC:
		on_sync(index, SYNC_GLOBAL);
		break;
	default:
		break;
	}
}

static void write32(unsigned int index, uint64_t offset, uint32_t value)
{
	if (offset >= SMMUMODEL_BYTES / 2) {
		offset -= SMMUMODEL_BYTES / 2;
		write_bank(index, (uint32_t)(offset >> 12), offset & 0xfff,
			   value);
	} else {
		write_global(index, offset, value);
	}
	check_streams(index);
}

static void write64(unsigned int index, uint64_t offset, uint64_t value)
{
	uint64_t in_bank = offset - SMMUMODEL_BYTES / 2;
	uint32_t bank = (uint32_t)(in_bank >> 12);

	if (offset >= SMMUMODEL_BYTES / 2 &&
	    ((in_bank & 0xfff) == SMMU_CB_TLBIIPAS2 ||
	     (in_bank & 0xfff) == SMMU_CB_TLBIIPAS2L)) {
		on_tlbi(index, *reg(index, SMMU_CBAR(bank)) & 0xff,
			value << PAGE_SHIFT, bank,
			(in_bank & 0xfff) == SMMU_CB_TLBIIPAS2L);
		return;
	}
	write32(index, offset, (uint32_t)value);
	write32(index, offset + 4, (uint32_t)(value >> 32));
}

/* The SMMU at @pa; fails without one. */
static unsigned int decode(paddr_t pa, unsigned int bytes, uint64_t *offset)
{
	g_assert_cmphex(pa % bytes, ==, 0);
	for (unsigned int i = 0; i < nr_smmus; i++) {
		*offset = pa - SMMUMODEL_BASE(i);
		if (*offset < SMMUMODEL_BYTES) {
			return i;
		}
	}
	g_error("EL2 uses 0x%lx, where no SMMU is", pa);
}

static uint32_t read32(unsigned int index, uint64_t offset)
{
	uint64_t in_bank = offset - SMMUMODEL_BYTES / 2;

	if (offset == SMMU_STLBGSTATUS) {
		return on_status(index, SYNC_GLOBAL);
	}
	if (offset >= SMMUMODEL_BYTES / 2 &&
	    (in_bank & 0xfff) == SMMU_CB_TLBSTATUS) {
		return on_status(index, (uint32_t)(in_bank >> 12));
	}
	return *reg(index, offset);
}

static uint64_t bus_read(paddr_t pa, unsigned int bytes)
{
	uint64_t offset, value;
	unsigned int index = decode(pa, bytes, &offset);

	g_rec_mutex_lock(&mutex);
	value = read32(index, offset);
	if (bytes == 8) {
		value |= (uint64_t)read32(index, offset + 4) << 32;
	}
	g_rec_mutex_unlock(&mutex);
	return value;
}

static void bus_write(paddr_t pa, unsigned int bytes, uint64_t value)
{
	uint64_t offset;
	unsigned int index = decode(pa, bytes, &offset);

	g_rec_mutex_lock(&mutex);
	if (bytes == 8) {
		write64(index, offset, value);
	} else {
		write32(index, offset, (uint32_t)value);
	}
	g_rec_mutex_unlock(&mutex);
}

static const struct native_bus bus = { bus_read, bus_write };

uint64_t smmumodel_peek(unsigned int index, uint64_t offset)
{
	return *reg(index, offset);
}

void smmumodel_poke(unsigned int index, uint64_t offset, uint64_t value)
{
	*reg(index, offset) = (uint32_t)value;
}

void smmumodel_set_polls(uint32_t n)
{
	polls = n;
}

/* --- DMA ---------------------------------------------------------------- */

static bool walk(paddr_t root, uint64_t iova, bool write, paddr_t *pa)
{
	paddr_t table = root + (iova >> 39) * PAGE_SIZE;

	if (iova >= KVM_PHYS_SIZE) {
		return false;
	}
	for (unsigned int level = 1; level <= 3; level++) {
		const uint64_t *desc = el2_ptr(pa_to_el2_va(table));
		uint64_t entry = desc[iova / entry_bytes(level) % ENTRIES];

		if (!is_valid(entry)) {
			return false;
		}
		if (!is_link(entry, level)) {
			*pa = (entry & ADDRESS_MASK) |
			      (iova & (entry_bytes(level) - 1));
			return (entry & (write ? S2_S2AP_W : S2_S2AP_R)) != 0;
		}
		table = entry & ADDRESS_MASK;
	}
	return false;
}

bool smmumodel_translate(unsigned int index, uint32_t cbndx, uint64_t iova,
			 bool write, paddr_t *pa)
{
	if (!is_live(index, cbndx)) {
		return false;
	}
	for (guint i = 0; i < stales->len; i++) {
		const struct stale *s = stale_at(i);

		if (s->leaf && s->index == index && s->bank == cbndx &&
		    overlap(s->iova, s->bytes, iova, 1)) {
			*pa = s->pa + (iova - s->iova);
			return true;
		}
	}
	return walk(smmus[index].bank[cbndx].root, iova, write, pa);
}

bool smmumodel_dma(unsigned int index, uint32_t stream, uint64_t iova,
		   bool write, paddr_t *pa)
{
	uint32_t s2cr = SMMU_S2CR_FAULT;
	unsigned int hits = 0;

	if ((*reg(index, SMMU_SCR0) & SMMU_SCR0_CLIENTPD) != 0) {
		*pa = iova;
		return true;
	}
	for (unsigned int i = 0; i < SMMUMODEL_STREAMS; i++) {
		if (matches(*reg(index, SMMU_SMR(i)), stream)) {
			s2cr = *reg(index, SMMU_S2CR(i));
			hits++;
		}
	}
	return hits == 1 && (s2cr & SMMU_S2CR_TYPE) == SMMU_S2CR_TRANSLATE &&
	       smmumodel_translate(index, s2cr & SMMU_S2CR_CBNDX, iova, write,
				   pa);
}

/* --- Life --------------------------------------------------------------- */

static void reset_smmu(unsigned int index)
{
	memset(&smmus[index], 0, sizeof(smmus[index]));
	*reg(index, SMMU_SCR0) = 0x00200001;
	*reg(index, SMMU_SACR) = 0x0400001c;
	*reg(index, SMMU_IDR(0)) = 0x7e015e20;
	*reg(index, SMMU_IDR(1)) = 0x20008008;
	*reg(index, SMMU_IDR(2)) = 0x00001222;
	*reg(index, SMMU_IDR(7)) = 0x00000021;
	for (unsigned int i = 0; i < SMMUMODEL_STREAMS; i++) {
		*reg(index, SMMU_S2CR(i)) = SMMU_S2CR_FAULT;
	}
	for (unsigned int n = 0; n < SMMUMODEL_BANKS; n++) {
		*reg(index, SMMU_CBAR(n)) = 0x00020000;
		*bank_reg(index, n, SMMU_CB_SCTLR) = 0x100;
		*bank_reg(index, n, SMMU_CB_ACTLR) = 3;
	}
}

void smmumodel_resync(void)
{
	g_rec_mutex_lock(&mutex);
	g_clear_pointer(&pages, g_hash_table_unref);
	g_clear_pointer(&leaves, g_hash_table_unref);
	g_clear_pointer(&unseen, g_hash_table_unref);
	g_clear_pointer(&stales, g_array_unref);
	g_clear_pointer(&fresh, g_array_unref);
	g_clear_pointer(&error, g_free);
	pages = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	leaves = g_hash_table_new_full(hash_leaf, same_leaf, g_free, NULL);
	unseen = g_hash_table_new(NULL, NULL);
	stales = g_array_new(FALSE, FALSE, sizeof(struct stale));
	fresh = g_array_new(FALSE, FALSE, sizeof(struct fresh));
	memset(ranks, 0, sizeof(ranks));
	for (unsigned int i = 0; i < nr_smmus; i++) {
		for (uint32_t n = 0; n < SMMUMODEL_BANKS; n++) {
			paddr_t root = smmus[i].bank[n].root;

			if (root != 0 && find_page(root) == NULL) {
				adopt(root, 1, root, 0);
				adopt(root + PAGE_SIZE, 1, root,
				      UINT64_C(1) << 39);
			}
		}
	}
	g_rec_mutex_unlock(&mutex);
}

void smmumodel_start(unsigned int n)
{
	g_assert_cmpuint(n, <=, SMMUMODEL_MAX);
	nr_smmus = n;
	polls = 0;
	smmumodel_watch_records(0, 0);
	for (unsigned int i = 0; i < n; i++) {
		reset_smmu(i);
	}
	smmumodel_resync();
	native_set_bus(&bus);
}

void smmumodel_start_board(unsigned int n)
{
	smmu_cfg_reset();
	smmumodel_start(n);
	for (uint32_t i = 0; i < n; i++) {
		g_assert_cmpint(smmu_cfg_add(SMMUMODEL_BASE(i), SMMUMODEL_BYTES,
					     SMMUMODEL_BANKS), ==, HV_OK);
		smmu_hw_take_over(i);
	}
}

void smmumodel_start_dma(void)
{
	for (uint32_t i = 0; i < get_smmu_num(); i++) {
		acquire_lock_smmu();
		smmu_hw_bank_start(SMMU_IDENTITY_BANK, i, HOSTVISOR);
		release_lock_smmu();
		smmu_streams_init(i);
	}
}

void smmumodel_watch_records(paddr_t pa, uint64_t count)
{
	g_clear_pointer(&known, g_free);
	records = pa;
	nr_records = count;
	if (count != 0) {
		known = g_memdup2(el2_ptr(pa_to_el2_va(pa)),
				  count * sizeof(*known));
	}
}

const char *smmumodel_error(void)
{
	return error;
}

void smmumodel_forget_error(void)
{
	g_clear_pointer(&error, g_free);
}

unsigned int smmumodel_stale(void)
{
	return stales->len;
}
