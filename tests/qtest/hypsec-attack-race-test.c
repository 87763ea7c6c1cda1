/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that uses all its CPUs at once: for one page, one id, one image, one
 * address. Somebody wins each race, nobody twice, and records and tables fit
 * each other afterwards.
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-race"
#define L3 (FSC_TRANSLATION | FSC_LEVEL_3)

#define CPUS    8
#define ROUNDS  16
#define PAGES   (HYPSEC_FREE + 8 * HYPSEC_BLOCK)

static const HypsecConfig eight_cpus = { .cpus = CPUS };

/* One event per CPU, all at once. */
typedef struct Race {
    HypsecEvent events[CPUS];
    HypsecReturn returns[CPUS];
} Race;

static void start_call(Race *race, unsigned int cpu, uint64_t nr, uint64_t x1,
                       uint64_t x2, uint64_t x3, uint64_t x4)
{
    race->events[cpu] = hypsec_event_call(cpu, nr, x1, x2, x3, x4);
}

static void run(HypsecBoard *board, Race *race)
{
    hypsec_ring(board, race->events, CPUS, race->returns);
}

static int64_t result(const Race *race, unsigned int cpu)
{
    const HypsecReturn *r = &race->returns[cpu];

    hypsec_assert_returned(r, r->c.x[0]);
    return r->c.x[0];
}

/* How many calls gave @value; all others gave @other. */
static unsigned int count_results(const Race *race, int64_t value,
                                  int64_t other)
{
    unsigned int count = 0;

    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        int64_t x0 = result(race, cpu);

        if (x0 != value && x0 != other) {
            HYPSEC_FAIL(race->returns[cpu].board, "CPU %u: %" PRId64, cpu, x0);
        }
        count += x0 == value;
    }
    return count;
}

/* Eight CPUs give the same page, each to a VM of its own. */
static void test_page(void)
{
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t next[CPUS] = { 0 };
    Race race;

    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        hypsec_vm_image(board, hypsec_vm(board), HYPSEC_GPA, HYPSEC_BLOCK);
    }
    for (unsigned int round = 0; round < ROUNDS; round++) {
        uint64_t page = PAGES + round * HYPSEC_PAGE;
        unsigned int winner = 0;

        hypsec_fill(board, page);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            start_call(&race, cpu, HYPSEC_HVC_REMAP_VM_IMAGE, 1 + cpu,
                       page / HYPSEC_PAGE, 0, 0);
        }
        run(board, &race);
        g_assert_cmpuint(count_results(&race, HYPSEC_OK, HYPSEC_DENIED), ==,
                         1);
        while (result(&race, winner) != HYPSEC_OK) {
            winner++;
        }
        /* It got it at the next place of its image; nobody else got on. */
        hypsec_assert_vm_page(board, page, 1 + winner,
                              HYPSEC_GPA + next[winner]++ * HYPSEC_PAGE);
        hypsec_assert_filled(board, page);
    }
    hypsec_check_tables(board);
}

/* Eight CPUs fill one image of five pages. */
static void test_image(void)
{
    enum { IMAGE_PAGES = 5 };
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t vmid = hypsec_vm(board), seen = 0;
    Race race;

    hypsec_vm_image(board, vmid, HYPSEC_GPA, IMAGE_PAGES * HYPSEC_PAGE);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        start_call(&race, cpu, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                   PAGES / HYPSEC_PAGE + cpu, 0, 0);
    }
    run(board, &race);
    g_assert_cmpuint(count_results(&race, HYPSEC_OK, HYPSEC_INVALID), ==,
                     IMAGE_PAGES);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        uint64_t page = PAGES + cpu * HYPSEC_PAGE;

        if (result(&race, cpu) == HYPSEC_OK) {
            uint64_t gfn = hypsec_page(board, page).map;

            hypsec_assert_vm_page(board, page, vmid, gfn * HYPSEC_PAGE);
            seen |= 1ULL << (gfn - HYPSEC_GPA / HYPSEC_PAGE);
        } else {
            hypsec_assert_host_page(board, page);
        }
    }
    g_assert_cmphex(seen, ==, (1 << IMAGE_PAGES) - 1);
    hypsec_check_tables(board);
}

/* Sixteen registrations: fifteen ids, each once. */
static void test_register(void)
{
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint32_t seen = 0;
    unsigned int refused = 0;
    Race race;

    for (int round = 0; round < 2; round++) {
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            start_call(&race, cpu, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0, 0);
        }
        run(board, &race);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            int64_t vmid = result(&race, cpu);

            if (vmid == HYPSEC_NO_MEMORY) {
                refused++;
                continue;
            }
            g_assert_cmpint(vmid, >=, 1);
            g_assert_cmpint(vmid, <=, HYPSEC_MAX_VMS);
            g_assert_cmphex(seen & 1u << vmid, ==, 0);
            seen |= 1u << vmid;
        }
    }
    g_assert_cmpuint(refused, ==, 1);
    g_assert_cmphex(seen, ==, 0xfffe);
    hypsec_check_tables(board);
}

/* Eight images where five fit; then eight at one place. */
static void test_set_boot_info(void)
{
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint32_t seen = 0;
    Race race;

    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        start_call(&race, cpu, HYPSEC_HVC_SET_BOOT_INFO, vmid,
                   HYPSEC_GPA + cpu * HYPSEC_BLOCK, HYPSEC_BLOCK, 0);
    }
    run(board, &race);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        int64_t idx = result(&race, cpu);

        if (idx != HYPSEC_NO_MEMORY) {
            g_assert_cmpint(idx, <, HYPSEC_MAX_IMAGES);
            g_assert_cmphex(seen & 1u << idx, ==, 0);
            seen |= 1u << idx;
        }
    }
    g_assert_cmphex(seen, ==, (1 << HYPSEC_MAX_IMAGES) - 1);
    vmid = hypsec_vm(board);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        start_call(&race, cpu, HYPSEC_HVC_SET_BOOT_INFO, vmid,
                   HYPSEC_GPA + cpu * HYPSEC_PAGE, HYPSEC_BLOCK, 0);
    }
    run(board, &race);
    g_assert_cmpuint(count_results(&race, 0, HYPSEC_INVALID), ==, 1);
}

/* G19: eight devices for one address of a VM. */
static void test_ioremap(void)
{
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t vmid = hypsec_vm(board);
    Race race;

    for (unsigned int round = 0; round < ROUNDS; round++) {
        uint64_t gpa = HYPSEC_GPA + round * HYPSEC_PAGE;

        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            start_call(&race, cpu, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid, gpa,
                       HYPSEC_PCIE + cpu * HYPSEC_PAGE, HYPSEC_PAGE);
        }
        run(board, &race);
        g_assert_cmpuint(count_results(&race, HYPSEC_OK, HYPSEC_BUSY), ==, 1);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            if (result(&race, cpu) == HYPSEC_OK) {
                g_assert_cmphex(hypsec_vm_entry(board, vmid, gpa) &
                                0xfffffffff000, ==,
                                HYPSEC_PCIE + cpu * HYPSEC_PAGE);
            }
        }
    }
    hypsec_check_tables(board);
}

/* All CPUs destroy one VM, call by call, until it is gone. */
static void test_destroy(void)
{
    enum { DYING_PAGES = 1300 };
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t other = hypsec_vm_with(board, HYPSEC_GPA,
                                    PAGES - HYPSEC_BLOCK, 3);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, DYING_PAGES);
    unsigned int done = 0, rounds = 0;
    uint32_t seen = 0;
    Race race;

    while (!done) {
        g_assert_cmpuint(++rounds, <, 100);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            start_call(&race, cpu, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0, 0);
        }
        run(board, &race);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            int64_t x0 = result(&race, cpu);

            done += x0 == HYPSEC_OK;
            g_assert_true(x0 == HYPSEC_OK || x0 == HYPSEC_AGAIN ||
                          x0 == HYPSEC_DENIED);
        }
    }
    g_assert_cmpuint(done, ==, 1);
    for (uint64_t i = 0; i < DYING_PAGES; i++) {
        hypsec_assert_host_page(board, PAGES + i * HYPSEC_PAGE);
        hypsec_assert_zero(board, PAGES + i * HYPSEC_PAGE);
    }
    hypsec_assert_vm_page(board, PAGES - HYPSEC_BLOCK, other, HYPSEC_GPA);
    hypsec_assert_filled(board, PAGES - HYPSEC_BLOCK);
    hypsec_check_tables(board);
    /* The id was given back once. */
    for (int i = 1; i < HYPSEC_MAX_VMS; i++) {
        seen |= 1u << hypsec_vm(board);
    }
    g_assert_cmphex(seen | 1u << other, ==, 0xfffe);
}

/* Pages go into a VM while it is being destroyed: none stays behind. */
static void test_destroy_and_give(void)
{
    HypsecBoard *board = hypsec_board(&eight_cpus);

    for (unsigned int round = 0; round < ROUNDS; round++) {
        uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, 4);
        uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA + HYPSEC_BLOCK,
                                       HYPSEC_BLOCK);
        uint64_t page = PAGES + HYPSEC_BLOCK;
        Race race;

        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            hypsec_fill(board, page + cpu * HYPSEC_PAGE);
            start_call(&race, cpu, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                       page / HYPSEC_PAGE + cpu, idx, 0);
        }
        start_call(&race, round % CPUS, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0, 0);
        run(board, &race);
        count_results(&race, HYPSEC_OK, HYPSEC_DENIED);
        g_assert_cmpint(result(&race, round % CPUS), ==, HYPSEC_OK);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            uint64_t pa = page + cpu * HYPSEC_PAGE;

            hypsec_assert_host_page(board, pa);
            if (cpu == round % CPUS || result(&race, cpu) == HYPSEC_DENIED) {
                hypsec_assert_filled(board, pa);
            } else {
                hypsec_assert_zero(board, pa);
            }
        }
        hypsec_check_tables(board);
    }
}

/*
 * G11: faults that would map a page, or the block with it, while another CPU
 * gives it away. Whoever was first, the host has not got it afterwards.
 */
static void test_fault_and_give(const void *data)
{
    bool split = *(const bool *)data;
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    for (unsigned int round = 0; round < ROUNDS; round++) {
        uint64_t block = PAGES + round * HYPSEC_BLOCK;
        uint64_t page = block + 5 * HYPSEC_PAGE;
        Race race;

        if (split) {
            hypsec_vm_give_pages(board, vmid, idx, block, 1);
        }
        hypsec_fill(board, page);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            race.events[cpu] =
                hypsec_event_dabt(cpu, page + (cpu & 1) * HYPSEC_PAGE, L3);
        }
        start_call(&race, round % CPUS, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                   page / HYPSEC_PAGE, idx, 0);
        run(board, &race);
        g_assert_cmpint(result(&race, round % CPUS), ==, HYPSEC_OK);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            const HypsecReturn *r = &race.returns[cpu];

            if (cpu == round % CPUS) {
                continue;
            }
            if (cpu & 1 || !(r->c.flags & HYPSEC_INJECT_CF_INJECTED)) {
                hypsec_assert_retried(r);
            } else {
                hypsec_assert_aborted(r);
            }
        }
        hypsec_assert_vm_page(board, page, vmid, hypsec_page(board, page).map *
                              HYPSEC_PAGE);
        hypsec_assert_filled(board, page);
    }
    hypsec_check_tables(board);
}

/* Faults of eight CPUs at one address, again and again. */
static void same_address(HypsecBoard *board, uint64_t pa, bool allowed)
{
    enum { REPEAT = 10 };
    uint64_t before[CPUS];
    Race race;

    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        race.events[cpu] = cpu & 1 ? hypsec_event_dabt(cpu, pa, L3)
                                   : hypsec_event_iabt(cpu, pa, L3);
        race.events[cpu].repeat = REPEAT;
        before[cpu] = hypsec_counters(board, cpu).refusals;
    }
    run(board, &race);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        g_assert_cmpuint(race.returns[cpu].c.count, ==, REPEAT);
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals - before[cpu],
                         ==, allowed ? 0 : REPEAT);
        if (allowed) {
            hypsec_assert_retried(&race.returns[cpu]);
        } else {
            hypsec_assert_aborted(&race.returns[cpu]);
        }
    }
    g_assert_cmpint(hypsec_s2_entry(board, pa) != 0, ==, allowed);
}

static void test_same_address(void)
{
    HypsecBoard *board = hypsec_board(&eight_cpus);

    hypsec_vm_with(board, HYPSEC_GPA, PAGES, 2);
    same_address(board, PAGES, false);
    same_address(board, PAGES + HYPSEC_PAGE, false);
    same_address(board, HYPSEC_CARVEOUT, false);
    /* A page of a block that is not whole, a block, a device. */
    same_address(board, PAGES + 2 * HYPSEC_PAGE, true);
    same_address(board, PAGES + HYPSEC_BLOCK, true);
    same_address(board, HYPSEC_UART0, true);
    hypsec_assert_filled(board, PAGES);
    hypsec_check_tables(board);
}

/* The same by loads that are executed at once. */
static void test_same_address_executed(void)
{
    static const uint32_t load = INSN_LDR(3, 2, 1);
    HypsecBoard *board = hypsec_board(&eight_cpus);
    const struct {
        uint64_t pa;
        bool allowed;
    } tries[] = {
        { PAGES, false }, { PAGES + HYPSEC_PAGE, true },
        { PAGES + HYPSEC_BLOCK, true }, { HYPSEC_CARVEOUT, false },
    };
    HypsecRun runs[CPUS];

    hypsec_vm_with(board, HYPSEC_GPA, PAGES, 1);
    for (int i = 0; i < ARRAY_SIZE(tries); i++) {
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            runs[cpu] = (HypsecRun){
                .x = { [1] = tries[i].pa, [2] = 0xbad }, .code = &load,
                .count = 1,
            };
            hypsec_run_start(board, cpu, &runs[cpu]);
        }
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            g_assert_cmpint(hypsec_run_wait(board, cpu, &runs[cpu]), ==,
                            tries[i].allowed);
            g_assert_cmpint(runs[cpu].x[2] == 0xbad, ==, !tries[i].allowed);
        }
    }
    hypsec_check_tables(board);
}

/* Reads a page over and over while it is reclaimed: an abort, then zeros. */
static void test_read_while_reclaimed(void)
{
    enum { DYING_PAGES = 1100 };
    static const uint32_t load = INSN_LDR(3, 2, 1);
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, DYING_PAGES);
    HypsecEvent destroy = hypsec_event_call(0, HYPSEC_HVC_DESTROY_VM, vmid, 0,
                                            0, 0);
    unsigned int reading = 0, calls = 0;
    bool done = false;

    while (!done || reading) {
        HypsecRun runs[CPUS];
        HypsecReturn r;

        g_assert_cmpuint(++calls, <, 100);
        if (!done) {
            hypsec_ring_put(board, &destroy, 1);
        }
        reading = 0;
        for (unsigned int cpu = 1; cpu < CPUS; cpu++) {
            runs[cpu] = (HypsecRun){
                .x = { [1] = PAGES + cpu * 150 * HYPSEC_PAGE, [2] = 1 },
                .code = &load, .count = 1,
            };
            hypsec_run_start(board, cpu, &runs[cpu]);
        }
        for (unsigned int cpu = 1; cpu < CPUS; cpu++) {
            if (hypsec_run_wait(board, cpu, &runs[cpu])) {
                g_assert_cmphex(runs[cpu].x[2], ==, 0);
            } else {
                g_assert_cmphex(runs[cpu].esr, ==,
                                ESR(EC_DABT_CUR, FSC_EXTERNAL));
                reading++;
            }
        }
        if (!done) {
            hypsec_ring_take(board, &destroy, 1, &r);
            done = r.c.x[0] == HYPSEC_OK;
            g_assert_true(done || r.c.x[0] == (uint64_t)HYPSEC_AGAIN);
        }
    }
    hypsec_check_tables(board);
}

/* A page goes from VM to VM, by way of the host, with all CPUs on it. */
static void test_all_at_once(void)
{
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t vms[CPUS], taken = 0;

    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        vms[cpu] = hypsec_vm(board);
        hypsec_vm_image(board, vms[cpu], HYPSEC_GPA, HYPSEC_BLOCK);
    }
    for (unsigned int round = 0; round < 2 * ROUNDS; round++) {
        Race race;

        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            uint64_t page = PAGES + (round + cpu * cpu) % 8 * HYPSEC_PAGE;

            switch ((round + cpu) % 4) {
            case 0:
                start_call(&race, cpu, HYPSEC_HVC_DESTROY_VM, vms[cpu], 0, 0,
                           0);
                break;
            case 1:
                start_call(&race, cpu, HYPSEC_HVC_REMAP_VM_IMAGE, vms[cpu],
                           page / HYPSEC_PAGE, 0, 0);
                break;
            case 2:
                start_call(&race, cpu, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vms[cpu],
                           HYPSEC_GPA + (1ULL << 32) + round * HYPSEC_PAGE,
                           HYPSEC_PCIE, HYPSEC_PAGE);
                break;
            default:
                race.events[cpu] = hypsec_event_dabt(cpu, page, L3);
                break;
            }
        }
        run(board, &race);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            const HypsecReturn *r = &race.returns[cpu];

            if ((round + cpu) % 4 == 3) {
                continue;
            }
            taken += (round + cpu) % 4 == 1 && result(&race, cpu) == HYPSEC_OK;
            if ((round + cpu) % 4 == 0) {
                hypsec_assert_returned(r, HYPSEC_OK);
                vms[cpu] = hypsec_vm(board);
                hypsec_vm_image(board, vms[cpu], HYPSEC_GPA, HYPSEC_BLOCK);
            }
        }
        hypsec_check_tables(board);
    }
    g_assert_cmpuint(taken, >, 0);
}

int main(int argc, char **argv)
{
    static const bool whole = false, split = true;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/G11/one-page-for-eight-vms", test_page);
    qtest_add_func(PROGRAM "/G11/eight-pages-for-an-image-of-five",
                   test_image);
    qtest_add_func(PROGRAM "/sixteen-registrations", test_register);
    qtest_add_func(PROGRAM "/images", test_set_boot_info);
    qtest_add_func(PROGRAM "/G19/eight-devices-for-one-address",
                   test_ioremap);
    qtest_add_func(PROGRAM "/G11/eight-cpus-destroy", test_destroy);
    qtest_add_func(PROGRAM "/G11/gives-pages-to-a-vm-that-is-destroyed",
                   test_destroy_and_give);
    qtest_add_data_func(PROGRAM "/G11/faults-on-a-page-that-is-given/block",
                        &whole, test_fault_and_give);
    qtest_add_data_func(PROGRAM "/G11/faults-on-a-page-that-is-given/table",
                        &split, test_fault_and_give);
    qtest_add_func(PROGRAM "/faults-at-one-address/injected",
                   test_same_address);
    qtest_add_func(PROGRAM "/faults-at-one-address/executed",
                   test_same_address_executed);
    qtest_add_func(PROGRAM "/reads-pages-while-they-are-reclaimed",
                   test_read_while_reclaimed);
    qtest_add_func(PROGRAM "/all-at-once", test_all_at_once);
    return hypsec_lib_run();
}
