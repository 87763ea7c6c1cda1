/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lock order, exclusion and fairness with real threads; the table of CPUs. */
#include "harness.h"

#include <string.h>

#include "core/locks.h"

#define VM 3u
#define OTHER 4u

static void acquire_vm(void)
{
	acquire_lock_vm(VM);
}

static void release_vm(void)
{
	release_lock_vm(VM);
}

static bool holds_vm(void)
{
	return lock_vm_is_held(VM);
}

static void acquire_pt(void)
{
	acquire_lock_pt(VM);
}

static void release_pt(void)
{
	release_lock_pt(VM);
}

static bool holds_pt(void)
{
	return lock_pt_is_held(VM);
}

/* Every class in lock order; the console's is not asked for. */
static const struct class {
	const char *name;
	void (*acquire)(void);
	void (*release)(void);
	bool (*is_held)(void);
} classes[] = {
	{ "smmu", acquire_lock_smmu, release_lock_smmu, lock_smmu_is_held },
	{ "vm", acquire_vm, release_vm, holds_vm },
	{ "core", acquire_lock_core, release_lock_core, lock_core_is_held },
	{ "s2page", acquire_lock_s2page, release_lock_s2page,
	  lock_s2page_is_held },
	{ "pt", acquire_pt, release_pt, holds_pt },
	{ "spt", acquire_lock_spt, release_lock_spt, lock_spt_is_held },
	{ "console", lock_console, unlock_console, NULL },
};

static void call(void *data)
{
	void (*const *fn)(void) = data;

	(*fn)();
}

/* --- Order ------------------------------------------------------------ */

static void whole_order_is_allowed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		classes[i].acquire();
	}
	for (size_t i = ARRAY_SIZE(classes); i-- > 0;) {
		g_assert_false(lock_none_is_held());
		classes[i].release();
	}
	g_assert_true(lock_none_is_held());
}

/* Each class inside each before it, and given back in either order. */
static void pairs_in_order_are_allowed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		for (size_t j = i + 1; j < ARRAY_SIZE(classes); j++) {
			classes[i].acquire();
			classes[j].acquire();
			classes[j].release();
			classes[i].release();
			g_assert_true(lock_none_is_held());
			classes[i].acquire();
			classes[j].acquire();
			classes[i].release();
			g_assert_false(lock_none_is_held());
			classes[j].release();
			g_assert_true(lock_none_is_held());
		}
	}
}

static const struct class *outer, *inner;

static void take_the_pair(void)
{
	void (*acquire)(void) = inner->acquire;

	outer->acquire();
	assert_panics(call, &acquire, "ticket_acquire: assertion failed");
}

/* Each class inside itself and inside each behind it. */
static void pairs_out_of_order_panic(void)
{
	unsigned int pairs = 0;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		for (size_t j = 0; j <= i; j++) {
			outer = &classes[i];
			inner = &classes[j];
			run_in_child(take_the_pair);
			pairs++;
		}
	}
	g_assert_cmpuint(pairs, ==, 28);
}

static void take_other_vm(void)
{
	acquire_lock_vm(OTHER);
}

static void take_other_pt(void)
{
	acquire_lock_pt(OTHER);
}

static void two_vms_panic(void)
{
	void (*fn)(void) = take_other_vm;

	acquire_lock_vm(VM);
	assert_panics(call, &fn, "ticket_acquire");
}

static void two_tables_panic(void)
{
	void (*fn)(void) = take_other_pt;

	acquire_lock_pt(VM);
	assert_panics(call, &fn, "ticket_acquire");
}

/* A release leaves no trace that forbids the next use. */
static void classes_can_be_taken_again(void)
{
	for (unsigned int round = 0; round < 3; round++) {
		for (size_t i = ARRAY_SIZE(classes); i-- > 0;) {
			classes[i].acquire();
			classes[i].release();
		}
	}
	for (vmid_t vmid = 0; vmid <= COREVISOR; vmid++) {
		acquire_lock_vm(vmid);
		acquire_lock_pt(COREVISOR - vmid);
		g_assert_true(lock_vm_is_held(vmid));
		g_assert_true(lock_pt_is_held(COREVISOR - vmid));
		release_lock_pt(COREVISOR - vmid);
		release_lock_vm(vmid);
	}
}

/* --- What is held ----------------------------------------------------- */

static void held_locks_are_known(void)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(classes); i++) {
		classes[i].acquire();
		for (size_t j = 0; j + 1 < ARRAY_SIZE(classes); j++) {
			g_assert_true(classes[j].is_held() == (i == j));
		}
		classes[i].release();
		g_assert_false(classes[i].is_held());
	}
}

static void held_locks_are_known_by_id(void)
{
	acquire_lock_vm(VM);
	acquire_lock_pt(OTHER);
	for (vmid_t vmid = 0; vmid <= COREVISOR; vmid++) {
		g_assert_true(lock_vm_is_held(vmid) == (vmid == VM));
		g_assert_true(lock_pt_is_held(vmid) == (vmid == OTHER));
	}
	release_lock_pt(OTHER);
	release_lock_vm(VM);
}

/* Number 0 is a number too. */
static void nothing_held_is_not_number_0(void)
{
	g_assert_false(lock_vm_is_held(0));
	g_assert_false(lock_pt_is_held(0));
	g_assert_false(lock_table_is_held(0));
}

static void table_needs_both_locks(void)
{
	acquire_lock_s2page();
	g_assert_false(lock_table_is_held(VM));
	acquire_lock_pt(VM);
	g_assert_true(lock_table_is_held(VM));
	g_assert_false(lock_table_is_held(OTHER));
	release_lock_s2page();
	g_assert_false(lock_table_is_held(VM));
	release_lock_pt(VM);
}

static void release_what_is_not_held(void)
{
	void (*release)(void) = inner->release;

	if (outer != NULL) {
		outer->acquire();
	}
	assert_panics(call, &release, "holds(mask, held)");
}

/* With nothing held, and with another class held. */
static void release_of_what_is_not_held_panics(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		outer = NULL;
		inner = &classes[i];
		run_in_child(release_what_is_not_held);
		outer = &classes[(i + 1) % ARRAY_SIZE(classes)];
		run_in_child(release_what_is_not_held);
	}
}

static void drop_other_vm(void)
{
	release_lock_vm(OTHER);
}

static void release_of_another_vm_panics(void)
{
	void (*fn)(void) = drop_other_vm;

	acquire_lock_vm(VM);
	assert_panics(call, &fn, "holds(mask, held)");
}

static void drop_other_pt(void)
{
	release_lock_pt(OTHER);
}

static void release_of_another_table_panics(void)
{
	void (*fn)(void) = drop_other_pt;

	acquire_lock_pt(VM);
	assert_panics(call, &fn, "holds(mask, held)");
}

/* --- Ids -------------------------------------------------------------- */

static void acquire_vm_beyond(void)
{
	acquire_lock_vm(COREVISOR + 1);
}

static void release_vm_beyond(void)
{
	release_lock_vm(COREVISOR + 1);
}

static void acquire_pt_beyond(void)
{
	acquire_lock_pt(COREVISOR + 1);
}

static void release_pt_beyond(void)
{
	release_lock_pt(COREVISOR + 1);
}

static void (*beyond)(void);

static void call_beyond(void)
{
	assert_panics(call, &beyond, "vmid <= COREVISOR");
}

static void id_out_of_range_panics(void)
{
	void (*const all[])(void) = {
		acquire_vm_beyond, release_vm_beyond,
		acquire_pt_beyond, release_pt_beyond,
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		beyond = all[i];
		run_in_child(call_beyond);
	}
}

/* --- The record ------------------------------------------------------- */

static struct native_event recorded[4];
static unsigned int nr_recorded;

static void keep(const struct native_event *event)
{
	if (nr_recorded < ARRAY_SIZE(recorded)) {
		recorded[nr_recorded] = *event;
	}
	nr_recorded++;
}

static void assert_recorded(unsigned int i, enum native_op op,
			    enum lock_rank rank, uint32_t id)
{
	g_assert_cmpint(recorded[i].op, ==, op);
	g_assert_cmpuint(recorded[i].a, ==, rank);
	g_assert_cmpuint(recorded[i].b, ==, id);
}

static void record_names_class_and_id(void)
{
	for (vmid_t vm = 0; vm <= COREVISOR; vm++) {
		nr_recorded = 0;
		native_watch(keep);
		acquire_lock_vm(vm);
		acquire_lock_pt(COREVISOR - vm);
		release_lock_pt(COREVISOR - vm);
		release_lock_vm(vm);
		native_watch(NULL);
		g_assert_cmpuint(nr_recorded, ==, 4);
		assert_recorded(0, NATIVE_LOCK, RANK_VM, vm);
		assert_recorded(1, NATIVE_LOCK, RANK_PT, COREVISOR - vm);
		assert_recorded(2, NATIVE_UNLOCK, RANK_PT, COREVISOR - vm);
		assert_recorded(3, NATIVE_UNLOCK, RANK_VM, vm);
	}
}

/* --- Threads ---------------------------------------------------------- */

#define THREADS (TOTAL_CPU - 1)
#define ROUNDS 1000

static struct hypsec_inspect_cpu more_counters[TOTAL_CPU];

/* A CPU of its own for the calling thread. */
static void become_cpu(void *data)
{
	machine_become_cpu(GPOINTER_TO_UINT(data));
}

static unsigned int shared;

/* Adds to @shared in a way that loses counts without exclusion. */
static void add_slowly(unsigned int round)
{
	unsigned int value = __atomic_load_n(&shared, __ATOMIC_RELAXED);

	if (round % 16 == 0) {
		g_thread_yield();
	}
	__atomic_store_n(&shared, value + 1, __ATOMIC_RELAXED);
}

static const struct class *contended;

static void *count_under_lock(void *data)
{
	become_cpu(data);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		contended->acquire();
		add_slowly(i);
		contended->release();
	}
	return NULL;
}

static void every_class_excludes(void)
{
	GThread *threads[THREADS];

	machine_add_cpus();
	for (size_t c = 0; c < ARRAY_SIZE(classes); c++) {
		contended = &classes[c];
		shared = 0;
		for (unsigned int i = 0; i < THREADS; i++) {
			threads[i] = g_thread_new(NULL, count_under_lock,
						  GUINT_TO_POINTER(i + 1));
		}
		for (unsigned int i = 0; i < THREADS; i++) {
			g_thread_join(threads[i]);
		}
		g_assert_cmpuint(shared, ==, THREADS * ROUNDS);
	}
}

/* Where each waiting thread's CPU is, and the order in which they ran. */
static struct native_cpu *waiting[TOTAL_CPU];
static unsigned int order[TOTAL_CPU];
static unsigned int arrived;

static void *wait_in_line(void *data)
{
	unsigned int number = GPOINTER_TO_UINT(data);

	become_cpu(data);
	__atomic_store_n(&waiting[number], &native_cpu, __ATOMIC_RELEASE);
	contended->acquire();
	order[arrived++] = number;
	contended->release();
	return NULL;
}

/* Returns once thread @number has taken its place in the line. */
static void until_it_waits(unsigned int number)
{
	struct native_cpu *cpu;

	do {
		g_thread_yield();
		cpu = __atomic_load_n(&waiting[number], __ATOMIC_ACQUIRE);
	} while (cpu == NULL ||
		 !__atomic_load_n(&cpu->waits, __ATOMIC_ACQUIRE));
}

/* All the other CPUs wait for a lock that this one holds. */
static void expect_first_come_first_served(void)
{
	static const unsigned int line[] = { 3, 7, 1, 4, 2, 6, 5 };
	GThread *threads[ARRAY_SIZE(line)];

	memset(waiting, 0, sizeof(waiting));
	arrived = 0;
	contended->acquire();
	for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
		threads[i] = g_thread_new(NULL, wait_in_line,
					  GUINT_TO_POINTER(line[i]));
		until_it_waits(line[i]);
	}
	contended->release();
	for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
		g_thread_join(threads[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
		g_assert_cmpuint(order[i], ==, line[i]);
	}
}

static void waiting_cpus_go_in_order(void)
{
	machine_add_cpus();
	for (size_t c = 0; c < ARRAY_SIZE(classes); c++) {
		contended = &classes[c];
		expect_first_come_first_served();
	}
}

/* A table's lock that no other test takes more than once. */
#define RARE 13u

static void acquire_rare(void)
{
	acquire_lock_pt(RARE);
}

static void release_rare(void)
{
	release_lock_pt(RARE);
}

/* Tickets have 16 bits; the line stands across the last one. */
static void line_across_the_last_ticket(void)
{
	static const struct class rare = { "rare", acquire_rare, release_rare,
					   NULL };

	machine_add_cpus();
	for (unsigned int i = 0; i < 0xfffa; i++) {
		acquire_rare();
		release_rare();
	}
	contended = &rare;
	expect_first_come_first_served();
}

static void *hold_all_others(void *data)
{
	become_cpu(data);
	g_assert_true(lock_none_is_held());
	for (vmid_t vmid = 0; vmid <= COREVISOR; vmid++) {
		if (vmid != VM) {
			acquire_lock_vm(vmid);
			acquire_lock_pt(vmid);
			release_lock_pt(vmid);
			release_lock_vm(vmid);
		}
	}
	return NULL;
}

/* A lock held here neither shows nor blocks there. */
static void ids_are_independent(void)
{
	acquire_lock_vm(VM);
	acquire_lock_pt(VM);
	g_thread_join(g_thread_new(NULL, hold_all_others,
				   GUINT_TO_POINTER(1)));
	g_assert_true(lock_pt_is_held(VM));
	release_lock_pt(VM);
	release_lock_vm(VM);
}

static void *own_cpu(void *data)
{
	g_assert_null(this_cpu());
	become_cpu(data);
	return this_cpu();
}

static void threads_have_their_own_cpu(void)
{
	GThread *thread = g_thread_new(NULL, own_cpu, GUINT_TO_POINTER(1));

	g_assert_true(g_thread_join(thread) == pcpu_get(1));
	g_assert_true(this_cpu() == pcpu_boot());
}

/* --- The table of CPUs ------------------------------------------------ */

static void boot_cpu_is_number_0(void)
{
	g_assert_true(pcpu_boot() == pcpu_get(0));
	g_assert_cmpuint(pcpu_boot()->index, ==, 0);
}

static void cpu_beyond_count_is_null(void)
{
	g_assert_nonnull(pcpu_get(TEST_CPUS - 1));
	g_assert_null(pcpu_get(TEST_CPUS));
	g_assert_null(pcpu_get(UINT32_MAX));
}

static void cpu_is_found_by_affinity(void)
{
	uint64_t mpidr = UINT64_C(0xff00ffffff);

	g_assert_cmpint(pcpu_add(mpidr, &more_counters[2]), ==, HV_OK);
	g_assert_true(pcpu_find(mpidr) == pcpu_get(2));
	g_assert_null(pcpu_find(mpidr | BIT(31)));
	g_assert_null(pcpu_find(7));
}

static void cpu_is_added_off(void)
{
	g_assert_cmpint(pcpu_add(7, &more_counters[2]), ==, HV_OK);
	g_assert_cmpuint(pcpu_get(2)->power, ==, PCPU_OFF);
	g_assert_cmpuint(pcpu_get(2)->index, ==, 2);
	g_assert_cmphex(more_counters[2].world, ==, 0xffffffff);
	g_assert_cmpuint(more_counters[2].vcpu, ==, 2);
}

static void cpu_malformed_is_invalid(void)
{
	static const uint64_t bad[] = {
		BIT(24), BIT(30), BIT(31), BIT(40), BIT(63), ~UINT64_C(0),
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		g_assert_cmpint(pcpu_add(bad[i] | 7, &more_counters[2]), ==,
				HV_EINVAL);
	}
	g_assert_cmpuint(pcpu_count(), ==, TEST_CPUS);
}

static void cpu_there_already_is_invalid(void)
{
	g_assert_cmpint(pcpu_add(1, &more_counters[2]), ==, HV_EINVAL);
	g_assert_cmpuint(pcpu_count(), ==, TEST_CPUS);
}

static void cpu_too_many_is_nomem(void)
{
	machine_add_cpus();
	g_assert_cmpuint(pcpu_count(), ==, TOTAL_CPU);
	g_assert_cmpint(pcpu_add(0x100, &more_counters[0]), ==, HV_ENOMEM);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/locks/order/whole-is-allowed", whole_order_is_allowed),
	UNIT_TEST("/locks/order/pairs-in-order", pairs_in_order_are_allowed),
	UNIT_TEST("/locks/order/pairs-out-of-order-panic",
		  pairs_out_of_order_panic),
	UNIT_TEST_DIES("/locks/order/two-vms-panic", two_vms_panic),
	UNIT_TEST_DIES("/locks/order/two-tables-panic", two_tables_panic),
	UNIT_TEST("/locks/order/again", classes_can_be_taken_again),
	UNIT_TEST("/locks/held/is-known", held_locks_are_known),
	UNIT_TEST("/locks/held/is-known-by-id", held_locks_are_known_by_id),
	UNIT_TEST("/locks/held/nothing-is-not-0",
		  nothing_held_is_not_number_0),
	UNIT_TEST("/locks/held/table-needs-both", table_needs_both_locks),
	UNIT_TEST("/locks/release/not-held-panics",
		  release_of_what_is_not_held_panics),
	UNIT_TEST_DIES("/locks/release/another-vm-panics",
		       release_of_another_vm_panics),
	UNIT_TEST_DIES("/locks/release/another-table-panics",
		       release_of_another_table_panics),
	UNIT_TEST("/locks/id/out-of-range-panics", id_out_of_range_panics),
	UNIT_TEST("/locks/threads/every-class-excludes",
		  every_class_excludes),
	UNIT_TEST("/locks/record/names-class-and-id",
		  record_names_class_and_id),
	UNIT_TEST("/locks/threads/first-come-first-served",
		  waiting_cpus_go_in_order),
	UNIT_TEST("/locks/threads/line-across-the-last-ticket",
		  line_across_the_last_ticket),
	UNIT_TEST("/locks/threads/ids-are-independent", ids_are_independent),
	UNIT_TEST("/pcpu/threads/have-their-own", threads_have_their_own_cpu),
	UNIT_TEST("/pcpu/boot/is-number-0", boot_cpu_is_number_0),
	UNIT_TEST("/pcpu/get/beyond-count-is-null", cpu_beyond_count_is_null),
	UNIT_TEST("/pcpu/find/by-affinity", cpu_is_found_by_affinity),
	UNIT_TEST("/pcpu/add/is-off", cpu_is_added_off),
	UNIT_TEST("/pcpu/add/malformed-is-invalid", cpu_malformed_is_invalid),
	UNIT_TEST("/pcpu/add/there-already-is-invalid",
		  cpu_there_already_is_invalid),
	UNIT_TEST("/pcpu/add/too-many-is-nomem", cpu_too_many_is_nomem),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
