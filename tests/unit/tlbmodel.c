/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tlbmodel.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "arch/mem.h"
#include "arch/native.h"
#include "core/locks.h"
#include "core/pt_alloc.h"
#include "core/spec_constants.h"
#include "smmumodel.h"

#define ENTRIES		512
#define PAGE_MASK	(~UINT64_C(0xfff))
#define ADDRESS_MASK	UINT64_C(0x0000fffffffff000)
#define ROOT_BYTES	8192
#define PA_NONE		(~UINT64_C(0))

/**
 * struct table - a page that was zeroed or written as a table
 * @desc:   its entries, NULL if all are zero
 * @zeroed: it was zeroed before anything else was seen of it
 * @unseen: CPUs with stores to it that no DSB has completed, as a mask
 * @level:  1 to 3 if a walk from a root leads to it, else 0
 * @vmid, @ipa: whose, and what its first entry translates
 */
struct table {
	uint64_t *desc;
	bool zeroed;
	uint32_t unseen;
	unsigned int level;
	uint32_t vmid;
	uint64_t ipa;
};

/* How far the invalidation of a stale translation is. */
enum stage {
	STORED,		/* the entry is changed */
	VISIBLE,	/* and walkers see that */
	STAGE2_SENT,	/* TLBI by IPA */
	STAGE2_DONE,	/* and DSB */
	LAST_SENT,	/* the TLBI after which nothing is left */
};

/**
 * struct stale - a translation that a TLB may hold and no table does
 * @vmid:  whose
 * @ipa, @bytes: what it translates
 * @pa:    to what; PA_NONE for a table link
 * @cpu:   who brought it to @stage
 * @stage: how far its invalidation is
 */
struct stale {
	uint32_t vmid;
	uint64_t ipa;
	uint64_t bytes;
	uint64_t pa;
	uint32_t cpu;
	enum stage stage;
};

/**
 * struct cpu - what one CPU has not completed
 * @ranks:    locks held, one bit for each rank
 * @pt:	      whose pt lock, if one is held
 * @borrows:  VTTBR_EL2 was changed under the present locks
 * @home:     what it was before
 * @vttbr:    what it is
 * @unsynced: no ISB since it was changed
 * @stopped:  EL1's walks are stopped
 * @icache:   pages were zeroed or cleaned since the last IC
 */
struct cpu {
	uint32_t ranks;
	uint64_t pt;
	bool borrows;
	uint64_t home;
	uint64_t vttbr;
	bool unsynced;
	bool stopped;
	bool icache;
};

static GHashTable *tables;
/* How often each page or block is mapped, by leaf_key(). */
static GHashTable *leaves;
static GArray *stales;
static struct cpu cpus[TOTAL_CPU];
/* Those tables that have an @unseen. */
static GPtrArray *unseen;
static char *error;

static void G_GNUC_PRINTF(1, 2) fail(const char *format, ...)
{
	va_list ap;

	if (error == NULL) {
		va_start(ap, format);
		error = g_strdup_vprintf(format, ap);
		va_end(ap);
	}
}

static bool is_valid(uint64_t desc)
{
	return (desc & 1) != 0;
}

/* Whether a valid @desc at @level links a table. */
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

/* Fails if a stale translation leads to [@pa, @pa + @bytes). */
static void expect_unreachable(uint64_t pa, uint64_t bytes, const char *what)
{
	for (guint i = 0; i < stales->len; i++) {
		const struct stale *s = stale_at(i);

		if (s->pa != PA_NONE && overlap(s->pa, s->bytes, pa, bytes)) {
			fail("0x%lx is %s while VMID %u may still reach it by "
			     "IPA 0x%lx", pa, what, s->vmid, s->ipa);
		}
	}
}

/* --- Leaves ----------------------------------------------------------- */

static gpointer leaf_key(uint64_t pa, unsigned int level, bool host)
{
	return (gpointer)((pa & ~(entry_bytes(level) - 1)) | host << 1 |
			  (level == 2));
}

static void count_leaf(const struct table *table, uint64_t desc, int change)
{
	gpointer key = leaf_key(desc & ADDRESS_MASK, table->level,
				table->vmid == HOSTVISOR);
	int count = GPOINTER_TO_INT(g_hash_table_lookup(leaves, key));

	g_hash_table_insert(leaves, key, GINT_TO_POINTER(count + change));
}

static bool is_mapped(uint64_t pa, bool host)
{
	return g_hash_table_lookup(leaves, leaf_key(pa, 2, host)) != NULL ||
	       g_hash_table_lookup(leaves, leaf_key(pa, 3, host)) != NULL;
}

/* Fails if the host's table maps a page; if @vms, also if a VM's does. */
static void expect_unmapped(uint64_t pa, uint64_t bytes, bool vms,
			    const char *what)
{
	for (uint64_t end = pa + bytes; pa < end; pa += PAGE_SIZE) {
		if (is_mapped(pa, true) || (vms && is_mapped(pa, false))) {
			fail("0x%lx is %s while it is still mapped", pa, what);
		}
	}
}

/* --- Tables ----------------------------------------------------------- */

static void free_table(void *data)
{
	struct table *table = data;

	g_free(table->desc);
	g_free(table);
}

static struct table *find_table(uint64_t pa)
{
	return g_hash_table_lookup(tables, (gpointer)(pa & PAGE_MASK));
}

static struct table *make_table(uint64_t pa)
{
	struct table *table = find_table(pa);

	if (table == NULL) {
		table = g_new0(struct table, 1);
		g_hash_table_insert(tables, (gpointer)(pa & PAGE_MASK), table);
	}
	return table;
}

static uint64_t get_entry(const struct table *table, unsigned int index)
{
	return table->desc == NULL ? 0 : table->desc[index];
}

static void set_entry(struct table *table, unsigned int index, uint64_t desc)
{
	if (table->desc == NULL) {
		table->desc = g_new0(uint64_t, ENTRIES);
	}
	table->desc[index] = desc;
}

static void add_unseen(struct table *table, uint32_t cpu)
{
	if (table->unseen == 0) {
		g_ptr_array_add(unseen, table);
	}
	table->unseen |= UINT32_C(1) << cpu;
}

static void add_stale(const struct table *table, uint64_t ipa, uint64_t pa,
		      uint32_t cpu)
{
	struct stale stale = {
		.vmid = table->vmid,
		.ipa = ipa,
		.bytes = entry_bytes(table->level),
		.pa = pa,
		.cpu = cpu,
		.stage = STORED,
	};

	g_array_append_val(stales, stale);
}

/* @desc was valid in @table, which a root leads to, and is there no more. */
static void retire(const struct table *table, unsigned int index,
		   uint64_t desc, uint32_t cpu)
{
	uint64_t ipa = table->ipa + index * entry_bytes(table->level);
	struct table *next;

	if (!is_link(desc, table->level)) {
		count_leaf(table, desc, -1);
		add_stale(table, ipa, desc & ADDRESS_MASK, cpu);
		return;
	}
	add_stale(table, ipa, PA_NONE, cpu);
	next = find_table(desc & ADDRESS_MASK);
	for (unsigned int i = 0; next != NULL && i < ENTRIES; i++) {
		if (is_valid(get_entry(next, i))) {
			retire(next, i, get_entry(next, i), cpu);
		}
	}
	if (next != NULL) {
		next->level = 0;
	}
}

static void install_link(const struct table *table, uint64_t ipa, uint64_t pa);

/* @desc is valid in @table, which a root leads to, and was not before. */
static void install(const struct table *table, unsigned int index,
		    uint64_t desc)
{
	uint64_t bytes = entry_bytes(table->level);
	uint64_t ipa = table->ipa + index * bytes;
	uint64_t pa = desc & ADDRESS_MASK;

	for (guint i = 0; i < stales->len; i++) {
		const struct stale *s = stale_at(i);

		if (s->vmid == table->vmid &&
		    overlap(s->ipa, s->bytes, ipa, bytes)) {
			fail("IPA 0x%lx of VMID %u is mapped while what was "
			     "there before may be in a TLB", ipa, s->vmid);
		}
	}
	if (is_link(desc, table->level)) {
		install_link(table, ipa, pa);
	} else if (table->level == 1) {
		fail("a block at level 1, IPA 0x%lx", ipa);
	} else {
		expect_unreachable(pa, bytes, "mapped");
		if (table->vmid != HOSTVISOR) {
			smmumodel_expect_private(pa, bytes, table->vmid);
		}
		count_leaf(table, desc, 1);
	}
}

static void install_link(const struct table *table, uint64_t ipa, uint64_t pa)
{
	struct table *next = find_table(pa);

	if (next == NULL || !next->zeroed) {
		fail("table 0x%lx is linked but was never zeroed", pa);
		return;
	}
	if (next->unseen != 0) {
		fail("table 0x%lx is linked before its content is visible",
		     pa);
	}
	if (next->level != 0) {
		fail("table 0x%lx is linked twice", pa);
	}
	next->level = table->level + 1;
	next->vmid = table->vmid;
	next->ipa = ipa;
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if (is_valid(get_entry(next, i))) {
			install(next, i, get_entry(next, i));
		}
	}
}

static void expect_table_locks(const struct table *table, uint32_t cpu)
{
	uint32_t both = 1u << RANK_S2PAGE | 1u << RANK_PT;

	if ((cpus[cpu].ranks & both) != both || cpus[cpu].pt != table->vmid) {
		fail("table of VMID %u changed without its locks",
		     table->vmid);
	}
}

static void on_store(uint64_t pa, uint64_t desc, uint32_t cpu)
{
	struct table *table = make_table(pa);
	unsigned int index = (unsigned int)(pa / 8 % ENTRIES);
	uint64_t old = get_entry(table, index);

	set_entry(table, index, desc);
	add_unseen(table, cpu);
	if (table->level == 0) {
		return;
	}
	expect_table_locks(table, cpu);
	if (old == desc) {
		return;
	}
	if (is_valid(old)) {
		if (is_valid(desc)) {
			fail("entry 0x%lx goes from 0x%lx to 0x%lx without a "
			     "break", pa, old, desc);
		}
		retire(table, index, old, cpu);
	}
	if (is_valid(desc)) {
		install(table, index, desc);
	}
}

static void add_root(uint64_t pa, uint32_t vmid)
{
	for (uint64_t half = 0; half < ROOT_BYTES; half += PAGE_SIZE) {
		struct table *table = make_table(pa + half);

		table->zeroed = true;
		table->level = 1;
		table->vmid = vmid;
		table->ipa = half / PAGE_SIZE << 39;
	}
}

static bool is_empty(const struct table *table)
{
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if (get_entry(table, i) != 0) {
			return false;
		}
	}
	return true;
}

static void zero_page(uint64_t pa, uint32_t cpu)
{
	struct table *table = make_table(pa);

	if (table->level != 0 && !is_empty(table)) {
		fail("table 0x%lx is zeroed while it is linked", pa);
	}
	if (table->level == 1) {
		/* It was the root of a VM that is gone. */
		table->level = 0;
	}
	g_clear_pointer(&table->desc, g_free);
	table->zeroed = true;
	add_unseen(table, cpu);
}

static void on_zero(uint64_t pa, uint64_t bytes, uint32_t cpu)
{
	bool for_spt = (cpus[cpu].ranks & 1u << RANK_SPT) != 0;
	bool for_table = for_spt || (cpus[cpu].ranks & 1u << RANK_PT) != 0;

	expect_unreachable(pa, bytes, "zeroed");
	for (uint64_t offset = 0; offset + PAGE_SIZE <= bytes;
	     offset += PAGE_SIZE) {
		zero_page(pa + offset, cpu);
	}
	if (for_spt) {
		/* No CPU ever walks it. */
	} else if (bytes == ROOT_BYTES) {
		/* Nothing else is that long; the lock says whose it is. */
		add_root(pa, for_table ? (uint32_t)cpus[cpu].pt : HOSTVISOR);
	} else if (!for_table && cpus[cpu].ranks != 0) {
		expect_unmapped(pa, bytes, true, "zeroed");
		cpus[cpu].icache = true;
	}
}

/* --- Barriers and invalidation ---------------------------------------- */

/* @full: also waits for TLB maintenance. */
static void on_dsb(uint32_t cpu, bool full)
{
	for (guint i = unseen->len; i-- > 0;) {
		struct table *table = g_ptr_array_index(unseen, i);

		table->unseen &= ~(UINT32_C(1) << cpu);
		if (table->unseen == 0) {
			g_ptr_array_remove_index_fast(unseen, i);
		}
	}
	for (guint i = stales->len; i-- > 0;) {
		struct stale *s = stale_at(i);

		if (s->cpu != cpu) {
			continue;
		}
		if (s->stage == STORED) {
			s->stage = VISIBLE;
		} else if (full && s->stage == STAGE2_SENT) {
			s->stage = STAGE2_DONE;
		} else if (full && s->stage == LAST_SENT) {
			g_array_remove_index_fast(stales, i);
		}
	}
}

static void on_tlbi(const struct native_event *event)
{
	uint32_t vmid = (uint32_t)(event->b >> 48 & 0xff);

	if (cpus[event->cpu].unsynced) {
		fail("TLBI before the new VMID %u is in effect", vmid);
	}
	for (guint i = 0; i < stales->len; i++) {
		struct stale *s = stale_at(i);

		if (s->vmid != vmid || s->stage == STORED) {
			continue;
		}
		if (event->op == NATIVE_TLBI_VMALLS12E1IS) {
			s->stage = LAST_SENT;
			s->cpu = event->cpu;
		} else if (event->op == NATIVE_TLBI_IPAS2E1IS) {
			if (s->stage == VISIBLE &&
			    overlap(s->ipa, s->bytes, event->a, 1)) {
				s->stage = STAGE2_SENT;
				s->cpu = event->cpu;
			}
		} else if (s->stage == STAGE2_DONE) {
			s->stage = LAST_SENT;
			s->cpu = event->cpu;
		}
	}
}

static void on_vttbr(struct cpu *cpu, uint64_t vttbr, uint64_t before)
{
	if (cpu->ranks != 0) {
		if (!cpu->stopped) {
			fail("VTTBR_EL2 changes under a lock with EL1's walks "
			     "on");
		}
		if (!cpu->borrows) {
			cpu->borrows = true;
			cpu->home = before;
		}
	}
	cpu->vttbr = vttbr;
	cpu->unsynced = true;
}

static void on_walks(struct cpu *cpu, bool on)
{
	/*
	 * A switch of worlds stops them without a lock and takes locks while
	 * they are stopped; only who stops them under a lock owes them to it.
	 */
	if (!on && cpu->ranks == 0) {
		return;
	}
	if (on && (cpu->unsynced || (cpu->borrows && cpu->vttbr != cpu->home))) {
		fail("EL1's walks are on again under another's VMID");
	}
	cpu->stopped = !on;
}

/* --- Locks ------------------------------------------------------------ */

/* The table of @vmid becomes another CPU's to change. */
static void expect_settled(uint64_t vmid)
{
	for (guint i = 0; i < stales->len; i++) {
		if (stale_at(i)->vmid == vmid) {
			fail("lock of VMID %lu released while IPA 0x%lx may "
			     "be in a TLB", vmid, stale_at(i)->ipa);
		}
	}
	for (guint i = 0; i < unseen->len; i++) {
		const struct table *table = g_ptr_array_index(unseen, i);

		if (table->level != 0 && table->vmid == vmid) {
			fail("lock of VMID %lu released while entries for IPA "
			     "0x%lx may not be visible", vmid, table->ipa);
		}
	}
}

static void on_unlock(struct cpu *cpu, unsigned int rank, uint64_t id)
{
	if (rank == RANK_PT) {
		expect_settled(id);
	}
	cpu->ranks &= ~(1u << rank);
	if (cpu->ranks != 0) {
		return;
	}
	if (cpu->stopped || (cpu->borrows && (cpu->unsynced ||
					      cpu->vttbr != cpu->home))) {
		fail("the last lock is released under another's VMID");
	}
	if (cpu->icache) {
		fail("the last lock is released before the instruction caches "
		     "forget pages that changed hands");
	}
	cpu->borrows = false;
	cpu->icache = false;
}

static void on_clean(uint64_t pa, uint64_t bytes, uint32_t cpu)
{
	expect_unreachable(pa, bytes, "cleaned");
	if (cpus[cpu].ranks != 0) {
		expect_unmapped(pa, bytes, false, "cleaned");
		cpus[cpu].icache = true;
	}
	/* It ends with a DSB SY. */
	on_dsb(cpu, true);
}

static void on_event(const struct native_event *event)
{
	struct cpu *cpu = &cpus[event->cpu];

	smmumodel_event(event);
	switch (event->op) {
	case NATIVE_TABLE_STORE:
		on_store(event->a, event->b, event->cpu);
		break;
	case NATIVE_ZERO:
		on_zero(event->a, event->b, event->cpu);
		break;
	case NATIVE_CLEAN:
		on_clean(event->a, event->b, event->cpu);
		break;
	case NATIVE_DSB_ISHST:
		on_dsb(event->cpu, false);
		break;
	case NATIVE_DSB_ISH:
	case NATIVE_DSB_SY:
		on_dsb(event->cpu, true);
		break;
	case NATIVE_DSB_NSH:
	case NATIVE_TLBI_VMALLE1:
		/* Nothing that another CPU could wait for. */
		break;
	case NATIVE_ISB:
		cpu->unsynced = false;
		break;
	case NATIVE_ICACHE:
		cpu->icache = false;
		break;
	case NATIVE_VTTBR:
		on_vttbr(cpu, event->a, event->b);
		break;
	case NATIVE_EL1_WALKS:
		on_walks(cpu, event->a != 0);
		break;
	case NATIVE_TLBI_IPAS2E1IS:
	case NATIVE_TLBI_VMALLE1IS:
	case NATIVE_TLBI_VMALLS12E1IS:
		on_tlbi(event);
		break;
	case NATIVE_DEVICE_RESET:
		break;
	case NATIVE_LOCK:
		cpu->ranks |= 1u << event->a;
		cpu->pt = event->a == RANK_PT ? event->b : cpu->pt;
		break;
	case NATIVE_UNLOCK:
		on_unlock(cpu, (unsigned int)event->a, event->b);
		break;
	}
}

/* --- Interface -------------------------------------------------------- */

/* Takes over a table, and those below it, as memory has them. */
static void load_table(uint64_t pa, unsigned int level, uint32_t vmid,
		       uint64_t ipa)
{
	const uint64_t *desc = el2_ptr(pa_to_el2_va(pa));
	struct table *table = make_table(pa);

	table->desc = g_memdup2(desc, PAGE_SIZE);
	table->zeroed = true;
	table->level = level;
	table->vmid = vmid;
	table->ipa = ipa;
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if (!is_valid(desc[i])) {
			continue;
		}
		if (!is_link(desc[i], level)) {
			count_leaf(table, desc[i], 1);
		} else {
			load_table(desc[i] & ADDRESS_MASK, level + 1, vmid,
				   ipa + i * entry_bytes(level));
		}
	}
}

void tlbmodel_stop(void)
{
	native_watch(NULL);
	g_clear_pointer(&tables, g_hash_table_unref);
	g_clear_pointer(&leaves, g_hash_table_unref);
	g_clear_pointer(&error, g_free);
	g_clear_pointer(&stales, g_array_unref);
	g_clear_pointer(&unseen, g_ptr_array_unref);
}

void tlbmodel_start(void)
{
	tlbmodel_stop();
	tables = g_hash_table_new_full(NULL, NULL, NULL, free_table);
	leaves = g_hash_table_new(NULL, NULL);
	stales = g_array_new(FALSE, FALSE, sizeof(struct stale));
	unseen = g_ptr_array_new();
	memset(cpus, 0, sizeof(cpus));
	for (uint32_t vmid = 0; vmid < COREVISOR; vmid++) {
		paddr_t root = pt_pool_root(vmid);

		if (root != 0) {
			load_table(root, 1, vmid, 0);
			load_table(root + PAGE_SIZE, 1, vmid, BIT(39));
		}
	}
	smmumodel_resync();
	native_watch(on_event);
}

const char *tlbmodel_error(void)
{
	return error != NULL ? error : smmumodel_error();
}

void tlbmodel_check_events(void)
{
	if (tlbmodel_error() != NULL) {
		g_error("TLB model: %s", tlbmodel_error());
	}
}

unsigned int tlbmodel_stale(void)
{
	return stales->len;
}
