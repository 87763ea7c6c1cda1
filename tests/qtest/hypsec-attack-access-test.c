/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that reads, writes, executes and maps what is not its own: pages of
 * a VM and pages of EL2. Every way to each of them, executed for real where an
 * instruction can do it and injected where a CPU would have to be broken.
 */
#include "qemu/osdep.h"
#include "hypsec/boot_block.h"
#include "hypsec/inspect.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-access"
#define PSCI_INVALID_ADDRESS ((uint64_t)-9)
#define L3 (FSC_TRANSLATION | FSC_LEVEL_3)

/* A block of which nothing is mapped before the attack. */
#define FRESH (HYPSEC_FREE + 32 * HYPSEC_BLOCK)

typedef struct Victim {
    const char *name;
    uint64_t (*make)(HypsecBoard *board);
} Victim;

/* Pages of VMs: a block in the middle of which the VM got a page. */
static uint64_t vm_page(HypsecBoard *board)
{
    hypsec_vm_with(board, HYPSEC_GPA, FRESH + 7 * HYPSEC_PAGE, 1);
    return FRESH + 7 * HYPSEC_PAGE;
}

static uint64_t vm_page_at_the_first_place(HypsecBoard *board)
{
    hypsec_vm_with(board, HYPSEC_GPA, FRESH, 1);
    return FRESH;
}

static uint64_t vm_page_at_the_last_place(HypsecBoard *board)
{
    hypsec_vm_with(board, HYPSEC_GPA, FRESH + HYPSEC_BLOCK - HYPSEC_PAGE, 1);
    return FRESH + HYPSEC_BLOCK - HYPSEC_PAGE;
}

/* All CPUs had the block in their table and in their TLBs. */
static uint64_t vm_page_of_a_used_block(HypsecBoard *board)
{
    uint64_t value;

    for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
        g_assert_true(hypsec_host_load(board, cpu, FRESH + 0x7000, &value));
    }
    return vm_page(board);
}

/* The neighbours are mapped again afterwards. */
static uint64_t vm_page_among_used_neighbours(HypsecBoard *board)
{
    uint64_t value, page = vm_page(board);

    for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
        g_assert_true(hypsec_host_load(board, cpu, page - 8, &value));
        g_assert_true(hypsec_host_load(board, cpu, page + HYPSEC_PAGE,
                                       &value));
    }
    return page;
}

/* A page that has been through another VM. */
static uint64_t vm_page_of_a_second_owner(HypsecBoard *board)
{
    uint64_t value, first = hypsec_vm_with(board, HYPSEC_GPA, FRESH, 1);

    hypsec_vm_destroy(board, first);
    g_assert_true(hypsec_host_load(board, 0, FRESH, &value));
    hypsec_vm_with(board, HYPSEC_GPA, FRESH, 1);
    return FRESH;
}

/* Pages of EL2. */
static uint64_t el2_first(HypsecBoard *board)
{
    return HYPSEC_CARVEOUT;
}

static uint64_t el2_last(HypsecBoard *board)
{
    return HYPSEC_RAM_END - HYPSEC_PAGE;
}

static uint64_t el2_image(HypsecBoard *board)
{
    return hypsec_inspect(board, offsetof(struct hypsec_inspect, image_pa));
}

static uint64_t el2_records(HypsecBoard *board)
{
    return hypsec_inspect(board, offsetof(struct hypsec_inspect, page_base));
}

static uint64_t el2_host_table(HypsecBoard *board)
{
    return hypsec_inspect(board, offsetof(struct hypsec_inspect, host_root));
}

static uint64_t el2_vm_table(HypsecBoard *board)
{
    return hypsec_vm_root(board, hypsec_vm_with(board, HYPSEC_GPA, FRESH, 1));
}

static const Victim victims[] = {
    { "vm-page", vm_page },
    { "vm-page-first-of-block", vm_page_at_the_first_place },
    { "vm-page-last-of-block", vm_page_at_the_last_place },
    { "vm-page-of-a-used-block", vm_page_of_a_used_block },
    { "vm-page-among-used-neighbours", vm_page_among_used_neighbours },
    { "vm-page-of-a-second-owner", vm_page_of_a_second_owner },
    { "el2-first", el2_first },
    { "el2-last", el2_last },
    { "el2-image", el2_image },
    { "el2-page-records", el2_records },
    { "el2-host-table", el2_host_table },
    { "el2-vm-table", el2_vm_table },
};

/* How it is tried. */
typedef struct Way {
    const char *name;
    uint32_t insn;
    bool write;
    bool el0;
    uint32_t iss;
    enum { EXECUTE, FETCH, INJECT_DATA, INJECT_FETCH } how;
    uint64_t offset;
} Way;

#define INSN_LDXR(rt, rn)       (0xc85f7c00u | ((rn) << 5) | (rt))
#define INSN_LDAR(rt, rn)       (0xc8dffc00u | ((rn) << 5) | (rt))
#define INSN_STP(rt, rt2, rn) \
    (0xa9000000u | ((rt2) << 10) | ((rn) << 5) | (rt))
#define INSN_LDR_POST(rt, rn)   (0xf8408400u | ((rn) << 5) | (rt))

static const Way ways[] = {
    { "reads", INSN_LDR(3, 2, 1) },
    { "reads-a-byte", INSN_LDR(0, 2, 1), .offset = 0xfff },
    { "reads-a-pair", INSN_LDP(2, 3, 1), .offset = 0xff0 },
    { "reads-exclusively", INSN_LDXR(2, 1) },
    { "reads-with-acquire", INSN_LDAR(2, 1) },
    { "reads-and-writes-back", INSN_LDR_POST(2, 1) },
    { "reads-at-el0", INSN_LDR(3, 2, 1), .el0 = true },
    { "writes", INSN_STR(3, 2, 1), true },
    { "writes-a-byte", INSN_STR(0, 2, 1), true, .offset = 0x123 },
    { "writes-a-pair", INSN_STP(2, 3, 1), true, .offset = 0xff0 },
    { "writes-at-el0", INSN_STR(3, 2, 1), true, true },
    { "executes", .how = FETCH },
    { "executes-the-end-of", .how = FETCH, .offset = 0xffc },
    { "executes-at-el0", .how = FETCH, .el0 = true },
    { "maps", .how = INJECT_DATA, .iss = L3 },
    { "maps-as-by-a-block", .how = INJECT_DATA, .iss = FSC_TRANSLATION | 2 },
    { "maps-as-by-a-store", .how = INJECT_DATA, .iss = L3 | ISS_WNR },
    { "maps-as-by-a-table-walk", .how = INJECT_DATA, .iss = L3 | ISS_S1PTW },
    { "maps-as-by-cache-maintenance", .how = INJECT_DATA,
      .iss = L3 | ISS_CM | ISS_WNR },
    { "maps-as-by-a-fetch", .how = INJECT_FETCH, .iss = L3 },
    { "asks-for-permission", .how = INJECT_DATA, .iss = FSC_PERMISSION | 3 },
};

typedef struct Try {
    const Victim *victim;
    const Way *way;
} Try;

static void prepare(HypsecBoard *board, HypsecAttempt *attempt,
                    const void *data)
{
    const Try *t = data;
    uint64_t at = t->victim->make(board) + t->way->offset;

    attempt->cpu = 1;
    attempt->pstate = t->way->el0 ? PSTATE_EL0 : PSTATE_EL1H;
    switch (t->way->how) {
    case EXECUTE:
        attempt->code = &t->way->insn;
        attempt->count = 1;
        attempt->x[1] = at;
        attempt->x[2] = 0x600df00d;
        attempt->write = t->way->write;
        break;
    case FETCH:
        attempt->fetch = true;
        break;
    case INJECT_DATA:
        attempt->event = hypsec_event_dabt(1, at, t->way->iss);
        attempt->event.flags |= HYPSEC_INJECT_F_FORCE_EL2;
        break;
    case INJECT_FETCH:
        attempt->event = hypsec_event_iabt(1, at, t->way->iss);
        break;
    }
    attempt->at = at;
}

/* What the attacker wanted is what it was. */
static void finish(HypsecBoard *board, const void *data)
{
    const Try *t = data;

    if (g_str_has_prefix(t->victim->name, "vm-page")) {
        uint64_t pa = FRESH;

        while (hypsec_page(board, pa).owner == 0) {
            pa += HYPSEC_PAGE;
            g_assert_cmphex(pa, <, FRESH + HYPSEC_BLOCK);
        }
        hypsec_assert_filled(board, pa);
    }
}

static void add_accesses(void)
{
    for (int i = 0; i < ARRAY_SIZE(victims); i++) {
        for (int j = 0; j < ARRAY_SIZE(ways); j++) {
            Try *t = g_new0(Try, 1);
            HypsecAttack *attack = g_new0(HypsecAttack, 1);

            *t = (Try){ &victims[i], &ways[j] };
            *attack = (HypsecAttack){
                .path = g_strdup_printf("%s/%s", victims[i].name,
                                        ways[j].name),
                .prepare = prepare,
                .finish = finish,
                .data = t,
                .result = HYPSEC_ABORT,
                .told = ways[j].iss == (FSC_PERMISSION | 3)
                        ? "stage-2 fault without a remedy"
                        : "access to IPA 0x",
            };
            hypsec_add_attack(PROGRAM, attack);
        }
    }
}

/*
 * A stage-1 table in memory that is not the host's: EL1's MMU would read the
 * victim as descriptors, which tells what is in it.
 */
#define WALKED_VA 0xffffff8000000000ULL
#define BLOCK_1G_RWX 0x701
/* Both halves 39 bits, 4 KiB granule, cached walks, 40 bits out. */
#define WALKED_TCR 0x2b5193519ULL
#define SCTLR_OFF 0x30d00800
#define SCTLR_ON (SCTLR_OFF | 1)

static const uint32_t walk_code[] = {
    0xd5182001,                 /* msr ttbr0_el1, x1 */
    0xd5182022,                 /* msr ttbr1_el1, x2 */
    0xd5182043,                 /* msr tcr_el1, x3 */
    0xd518a204,                 /* msr mair_el1, x4 */
    0xd5033fdf,                 /* isb */
    0xd508871f,                 /* tlbi vmalle1 */
    0xd5033f9f,                 /* dsb sy */
    0xd5033fdf,                 /* isb */
    0xd5181005,                 /* msr sctlr_el1, x5 */
    0xd5033fdf,                 /* isb */
    INSN_LDR(3, 7, 6),
};

static void prepare_walk(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    const Victim *victim = data;
    uint64_t table = HYPSEC_FREE, value;

    g_assert_true(hypsec_host_load(board, 1, table, &value));
    /* The host's own half: RAM, where it is. */
    qtest_memset(board->qts, table, 0, HYPSEC_PAGE);
    qtest_writeq(board->qts, table + (HYPSEC_RAM >> 30) * 8,
                 HYPSEC_RAM | BLOCK_1G_RWX);
    *attempt = (HypsecAttempt){
        .cpu = 1, .code = walk_code, .count = ARRAY_SIZE(walk_code),
        .x = { [1] = table, [2] = victim->make(board), [3] = WALKED_TCR,
               [4] = 0xff, [5] = SCTLR_ON, [6] = WALKED_VA },
        .at = WALKED_VA,
    };
}

static void add_walks(void)
{
    for (int i = 0; i < ARRAY_SIZE(victims); i++) {
        HypsecAttack *attack = g_new0(HypsecAttack, 1);

        *attack = (HypsecAttack){
            .path = g_strdup_printf("%s/walks-as-its-own-table",
                                    victims[i].name),
            .prepare = prepare_walk, .data = &victims[i],
            .result = HYPSEC_ABORT, .told = "access to IPA 0x",
        };
        hypsec_add_attack(PROGRAM, attack);
    }
}

/* PSCI's entry point has to be the host's: no CPU starts in a VM's page. */
static void test_entry_point(const void *data)
{
    const Victim *victim = data;
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 2 });
    uint64_t entry = victim->make(board);
    HypsecReturn r = hypsec_smc(board, 1, PSCI_CPU_OFF, 0, 0, 0);

    g_assert_cmpuint(r.c.status, ==, HYPSEC_INJECT_S_DONE_OFF);
    hypsec_unpark(board, 1);
    r = hypsec_smc(board, 0, PSCI_CPU_ON | PSCI_64, 1, entry, 0);
    hypsec_assert_returned(&r, PSCI_INVALID_ADDRESS);
    r = hypsec_smc(board, 0, PSCI_CPU_SUSPEND | PSCI_64, 1 << 16, entry, 0);
    hypsec_assert_returned(&r, PSCI_INVALID_ADDRESS);
    r = hypsec_smc(board, 0, PSCI_AFFINITY_INFO, 1, 0, 0);
    hypsec_assert_returned(&r, 1 /* OFF */);
}

/* A CPU that comes up later is as restricted as the others. */
static void test_late_cpu(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 2 });
    uint64_t value, page = vm_page_of_a_used_block(board);
    HypsecReturn r = hypsec_smc(board, 1, PSCI_CPU_OFF, 0, 0, 0);

    g_assert_cmpuint(r.c.status, ==, HYPSEC_INJECT_S_DONE_OFF);
    hypsec_unpark(board, 1);
    hypsec_park(board);
    g_assert_false(hypsec_host_load(board, 1, page, &value));
    g_assert_true(hypsec_host_load(board, 1, page + HYPSEC_PAGE, &value));
    g_assert_cmpuint(hypsec_counters(board, 1).refusals, ==, 1);
}

/* G1: a refusal maps nothing, so the next access is refused as well. */
static void test_g1(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 8 });
    uint64_t value, page = vm_page(board);

    for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
        for (int i = 0; i < 2; i++) {
            g_assert_false(hypsec_host_load(board, cpu, page, &value));
            g_assert_false(hypsec_host_store(board, cpu, page, 0));
            g_assert_false(hypsec_host_fetch(board, cpu, page));
            g_assert_cmphex(hypsec_s2_entry(board, page), ==, 0);
        }
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals, ==, 6);
    }
    hypsec_assert_filled(board, page);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    add_accesses();
    add_walks();
    for (int i = 0; i < ARRAY_SIZE(victims); i++) {
        g_autofree char *path =
            g_strdup_printf(PROGRAM "/starts-a-cpu-at/%s", victims[i].name);

        qtest_add_data_func(path, &victims[i], test_entry_point);
    }
    qtest_add_func(PROGRAM "/turns-a-cpu-off-and-on-to-get-rid-of-stage-2",
                   test_late_cpu);
    qtest_add_func(PROGRAM "/G1/a-refusal-maps-nothing", test_g1);
    return hypsec_lib_run();
}
