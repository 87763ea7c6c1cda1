/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lock order, exclusion and fairness with real threads; the table of CPUs. */
#include "harness.h"

#include <string.h>

#include "core/locks.h"

static void take_s2page(void *data)
{
	(void)data;
	acquire_lock_s2page();
}

static void take_pt(void *data)
{
	acquire_lock_pt(*(vmid_t *)data);
}

static void take_console(void *data)
{
	(void)data;
	lock_console();
}

static void drop_s2page(void *data)
{
	(void)data;
	release_lock_s2page();
}

static void drop_pt(void *data)
{
	release_lock_pt(*(vmid_t *)data);
}

static void drop_console(void *data)
{
	(void)data;
	unlock_console();
}

/* --- Order ------------------------------------------------------------ */

static void whole_order_is_allowed(void)
{
	acquire_lock_s2page();
	acquire_lock_pt(COREVISOR);
	lock_console();
	unlock_console();
	release_lock_pt(COREVISOR);
	release_lock_s2page();
	g_assert_true(lock_none_is_held());
}

static void order_with_gaps_is_allowed(void)
{
	acquire_lock_s2page();
	lock_console();
	unlock_console();
	release_lock_s2page();
	acquire_lock_pt(1);
	lock_console();
	unlock_console();
	release_lock_pt(1);
}

static void release_in_any_order_is_allowed(void)
{
	acquire_lock_s2page();
	acquire_lock_pt(1);
	release_lock_s2page();
	release_lock_pt(1);
	g_assert_true(lock_none_is_held());
}

static void held_locks_are_known(void)
{
	g_assert_false(lock_s2page_is_held());
	g_assert_false(lock_pt_is_held(1));
	acquire_lock_s2page();
	g_assert_true(lock_s2page_is_held());
	g_assert_false(lock_pt_is_held(1));
	acquire_lock_pt(1);
	g_assert_true(lock_pt_is_held(1));
	release_lock_s2page();
	g_assert_false(lock_s2page_is_held());
	g_assert_true(lock_pt_is_held(1));
	g_assert_false(lock_none_is_held());
	release_lock_pt(1);
	g_assert_false(lock_pt_is_held(1));
}

static void s2page_twice_panics(void)
{
	acquire_lock_s2page();
	assert_panics(take_s2page, NULL, "ticket_acquire");
}

static void s2page_inside_pt_panics(void)
{
	acquire_lock_pt(1);
	assert_panics(take_s2page, NULL, "ticket_acquire");
}

static void s2page_inside_console_panics(void)
{
	lock_console();
	assert_panics(take_s2page, NULL, "ticket_acquire");
}

static void two_tables_panic(void)
{
	vmid_t other = 2;

	acquire_lock_pt(1);
	assert_panics(take_pt, &other, "ticket_acquire");
}

static void pt_inside_console_panics(void)
{
	vmid_t vmid = 1;

	lock_console();
	assert_panics(take_pt, &vmid, "ticket_acquire");
}

static void console_twice_panics(void)
{
	lock_console();
	assert_panics(take_console, NULL, "ticket_acquire");
}

static void s2page_not_held_panics(void)
{
	acquire_lock_pt(1);
	assert_panics(drop_s2page, NULL, "is_held(rank, id)");
}

static void pt_not_held_panics(void)
{
	vmid_t vmid = 1;

	acquire_lock_s2page();
	assert_panics(drop_pt, &vmid, "is_held(rank, id)");
}

static void console_not_held_panics(void)
{
	assert_panics(drop_console, NULL, "is_held(rank, id)");
}

static void pt_out_of_range_panics(void)
{
	vmid_t vmid = COREVISOR + 1;

	assert_panics(take_pt, &vmid, "vmid <= COREVISOR");
}

static void pt_release_out_of_range_panics(void)
{
	vmid_t vmid = COREVISOR + 1;

	acquire_lock_pt(COREVISOR);
	assert_panics(drop_pt, &vmid, "vmid <= COREVISOR");
}

/* --- Threads ---------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 3000

static struct hypsec_inspect_cpu more_counters[TOTAL_CPU];

static void add_cpus(void)
{
	for (uint32_t i = pcpu_count(); i < TOTAL_CPU; i++) {
		g_assert_cmpint(pcpu_add(i, &more_counters[i]), ==, HV_OK);
	}
}

/* A CPU of its own for the calling thread. */
static void become_cpu(void *data)
{
	native_cpu.pcpu = pcpu_get(GPOINTER_TO_UINT(data));
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

static void *count_under_s2page(void *data)
{
	become_cpu(data);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		acquire_lock_s2page();
		add_slowly(i);
		release_lock_s2page();
	}
	return NULL;
}

static void *count_under_pt(void *data)
{
	become_cpu(data);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		acquire_lock_pt(5);
		add_slowly(i);
		release_lock_pt(5);
	}
	return NULL;
}

static void run_threads(GThreadFunc fn)
{
	GThread *threads[THREADS];

	add_cpus();
	shared = 0;
	for (unsigned int i = 0; i < THREADS; i++) {
		threads[i] = g_thread_new(NULL, fn, GUINT_TO_POINTER(i + 1));
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		g_thread_join(threads[i]);
	}
	g_assert_cmpuint(shared, ==, THREADS * ROUNDS);
}

static void s2page_excludes(void)
{
	run_threads(count_under_s2page);
}

static void pt_excludes(void)
{
	run_threads(count_under_pt);
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
	acquire_lock_pt(1);
	order[arrived++] = number;
	release_lock_pt(1);
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

static void waiting_cpus_go_in_order(void)
{
	static const unsigned int line[] = { 3, 1, 4, 2, 6, 5 };
	GThread *threads[ARRAY_SIZE(line)];

	add_cpus();
	memset(waiting, 0, sizeof(waiting));
	arrived = 0;
	acquire_lock_pt(1);
	for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
		threads[i] = g_thread_new(NULL, wait_in_line,
					  GUINT_TO_POINTER(line[i]));
		until_it_waits(line[i]);
	}
	release_lock_pt(1);
	for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
		g_thread_join(threads[i]);
		g_assert_cmpuint(order[i], ==, line[i]);
	}
}

static void *hold_another_table(void *data)
{
	become_cpu(data);
	g_assert_true(lock_none_is_held());
	acquire_lock_pt(2);
	release_lock_pt(2);
	return NULL;
}

/* A lock held here neither shows nor blocks there. */
static void tables_of_two_vms_are_independent(void)
{
	acquire_lock_pt(1);
	g_thread_join(g_thread_new(NULL, hold_another_table,
				   GUINT_TO_POINTER(1)));
	g_assert_true(lock_pt_is_held(1));
	release_lock_pt(1);
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
	add_cpus();
	g_assert_cmpuint(pcpu_count(), ==, TOTAL_CPU);
	g_assert_cmpint(pcpu_add(0x100, &more_counters[0]), ==, HV_ENOMEM);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/locks/order/whole-is-allowed", whole_order_is_allowed),
	UNIT_TEST("/locks/order/gaps-are-allowed", order_with_gaps_is_allowed),
	UNIT_TEST("/locks/order/release-in-any-order",
		  release_in_any_order_is_allowed),
	UNIT_TEST("/locks/held/is-known", held_locks_are_known),
	UNIT_TEST_DIES("/locks/order/s2page-twice-panics", s2page_twice_panics),
	UNIT_TEST_DIES("/locks/order/s2page-inside-pt-panics",
		       s2page_inside_pt_panics),
	UNIT_TEST_DIES("/locks/order/s2page-inside-console-panics",
		       s2page_inside_console_panics),
	UNIT_TEST_DIES("/locks/order/two-tables-panic", two_tables_panic),
	UNIT_TEST_DIES("/locks/order/pt-inside-console-panics",
		       pt_inside_console_panics),
	UNIT_TEST_DIES("/locks/order/console-twice-panics",
		       console_twice_panics),
	UNIT_TEST_DIES("/locks/release/s2page-not-held-panics",
		       s2page_not_held_panics),
	UNIT_TEST_DIES("/locks/release/pt-not-held-panics", pt_not_held_panics),
	UNIT_TEST_DIES("/locks/release/console-not-held-panics",
		       console_not_held_panics),
	UNIT_TEST_DIES("/locks/pt/out-of-range-panics", pt_out_of_range_panics),
	UNIT_TEST_DIES("/locks/pt/release-out-of-range-panics",
		       pt_release_out_of_range_panics),
	UNIT_TEST("/locks/threads/s2page-excludes", s2page_excludes),
	UNIT_TEST("/locks/threads/pt-excludes", pt_excludes),
	UNIT_TEST("/locks/threads/first-come-first-served",
		  waiting_cpus_go_in_order),
	UNIT_TEST("/locks/threads/two-tables-are-independent",
		  tables_of_two_vms_are_independent),
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
