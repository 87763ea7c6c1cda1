/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host against a VM that runs, and a VM against all others: pages that are
 * no answer to a fault, the structure that both can write, two vCPUs for one
 * address, grants, CPU_ON, stale translations, memory for tables.
 */
#include "qemu/osdep.h"
#include "hypsec/inspect.h"
#include "hypsec-vm.h"
#include "hypsec-test.h"

#define PROGRAM "hypsec-vm-attacks"

#define VM          1
#define VM2         2
#define SPARE       HYPSEC_VM_SPARE
#define SPARE2      (HYPSEC_VM_SPARE + HYPSEC_BLOCK)
#define NOWHERE     HYPSEC_VM_UNMAPPED

/* Instructions. */
#define INSN_MOV(rd, rm)    (0xaa0003e0u | ((rm) << 16) | (rd))
#define INSN_STRX(rt, rn, at) (0xf9000000u | (at) / 8 << 10 | (rn) << 5 | (rt))
#define INSN_LDRX(rt, rn, at) (0xf9400000u | (at) / 8 << 10 | (rn) << 5 | (rt))
#define INSN_CBZ(rt, words) \
    (0xb4000000u | ((uint32_t)(words) & 0x7ffff) << 5 | (rt))
#define INSN_ISB            0xd5033fdfu

static const HypsecConfig two_cpus = { .cpus = 2 };

static HypsecVm vm, vm2;

/* vCPU 0 of VM waits; VM2, verified, has its image and no more. */
static void make_two(HypsecBoard *board)
{
    vm = hypsec_vm_parked(board, "park2", 1);
    vm2 = hypsec_vm_parked(board, "park1", 2);
    g_assert_cmpuint(vm.id, ==, VM);
    g_assert_cmpuint(vm2.id, ==, VM2);
}

static HypsecBoard *begin(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    hypsec_scene(board, make_two);
    return board;
}

/* A vCPU of VM that has yielded loads a word, which it has not. */
static void fault(HypsecBoard *board, unsigned int cpu, const HypsecVm *v,
                  unsigned int vcpu, uint64_t gpa)
{
    static const uint32_t load = INSN_LDR(3, 2, 1);
    HypsecRun run = { .x = { 0, gpa }, .code = &load, .count = 1 };
    HypsecExit e;

    hypsec_guest_start(board, v, vcpu, &run);
    e = hypsec_vcpu_run(board, cpu, v, vcpu);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_DABT_LOW),
                       .fault_ipa = gpa & ~(HYPSEC_PAGE - 1));
}

static void answer(HypsecBoard *board, const HypsecVm *v, unsigned int vcpu,
                   uint64_t pa, uint64_t level)
{
    hypsec_shared_set(board, v, vcpu, new_pte, pa);
    hypsec_shared_set(board, v, vcpu, new_level, level);
    hypsec_shared_set(board, v, vcpu, answer, HYPSEC_ANSWER_DONE);
}

/* The load is over. Returns: what it loaded. */
static uint64_t finish_load(HypsecBoard *board, unsigned int cpu,
                            const HypsecVm *v, unsigned int vcpu)
{
    HypsecExit e = hypsec_vcpu_run(board, cpu, v, vcpu);
    HypsecRun run = { .count = 1 };

    hypsec_assert_yield(board, &e);
    hypsec_guest_take(board, v, vcpu, &run);
    g_assert_cmphex(ESR_EC(run.esr), ==, EC_BRK64);
    return run.x[2];
}

static uint64_t guest_load(HypsecBoard *board, unsigned int cpu,
                           const HypsecVm *v, unsigned int vcpu, uint64_t gpa)
{
    static const uint32_t load = INSN_LDR(3, 2, 1);
    HypsecRun run = { .x = { 0, gpa }, .code = &load, .count = 1 };

    g_assert_true(hypsec_guest(board, cpu, v, vcpu, &run));
    return run.x[2];
}

/* Page @pa becomes the VM's at @gpa, which it looked for. */
static void give(HypsecBoard *board, const HypsecVm *v, unsigned int vcpu,
                 uint64_t gpa, uint64_t pa, uint64_t level)
{
    fault(board, 0, v, vcpu, gpa);
    answer(board, v, vcpu, pa, level);
    finish_load(board, 0, v, vcpu);
}

/* G15, G17, G26: pages that are no answer. The vCPU waits on for a good one. */

typedef struct Answer {
    const char *path;
    uint64_t pa;
    uint64_t level;
    int result;
} Answer;

static const Answer answers[] = {
    { "G15/el2", HYPSEC_CARVEOUT, 3, HYPSEC_DENIED },
    { "G15/el2s-last-page", HYPSEC_RAM_END - HYPSEC_PAGE, 3, HYPSEC_DENIED },
    { "G15/el2-block", HYPSEC_CARVEOUT, 2, HYPSEC_DENIED },
    { "G15/other-vms-page", HYPSEC_VM_PA(2), 3, HYPSEC_DENIED },
    { "G15/block-with-other-vms-page", HYPSEC_VM_PA(2), 2, HYPSEC_DENIED },
    { "G15/own-page", HYPSEC_VM_PA(1), 3, HYPSEC_DENIED },
    { "G15/block-with-own-page", HYPSEC_VM_PA(1), 2, HYPSEC_DENIED },
    { "G15/uart", HYPSEC_UART0, 3, HYPSEC_DENIED },
    { "G15/el2s-uart", HYPSEC_UART1, 3, HYPSEC_DENIED },
    { "G15/flash", 0x1000, 3, HYPSEC_DENIED },
    { "G15/device-block", HYPSEC_PCIE, 2, HYPSEC_DENIED },
    { "G15/injector", HYPSEC_INJECT_BASE, 3, HYPSEC_DENIED },
    { "G15/behind-ram", HYPSEC_RAM_END, 3, HYPSEC_DENIED },
    { "G15/block-behind-ram", HYPSEC_RAM_END, 2, HYPSEC_DENIED },
    { "G26/bit-40", HYPSEC_IPA_END | SPARE, 3, HYPSEC_INVALID },
    { "G26/bit-47", 1ULL << 47 | SPARE, 3, HYPSEC_INVALID },
    { "G26/bit-58", 1ULL << 58 | SPARE, 3, HYPSEC_INVALID },
    { "G26/bit-63", 1ULL << 63 | SPARE, 3, HYPSEC_INVALID },
    { "G26/low-bits", SPARE | 0x7ff, 3, HYPSEC_INVALID },
    { "G26/bit-2", SPARE | 4, 2, HYPSEC_INVALID },
    { "G17/unaligned-block", SPARE + HYPSEC_PAGE, 2, HYPSEC_INVALID },
    { "G17/unaligned-block-end", SPARE + HYPSEC_BLOCK - HYPSEC_PAGE, 2,
      HYPSEC_INVALID },
};

static void answer_wrong(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    const Answer *a = data;

    fault(board, 0, &vm, 0, NOWHERE + 0x18);
    answer(board, &vm, 0, a->pa, a->level);
    hypsec_attempt_call(attempt, HYPSEC_HVC_VCPU_RUN, VM, 0, 0, 0);
}

static void answer_table(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    fault(board, 0, &vm, 0, NOWHERE + 0x18);
    answer(board, &vm, 0, hypsec_vm_root(board, VM), 3);
    hypsec_attempt_call(attempt, HYPSEC_HVC_VCPU_RUN, VM, 0, 0, 0);
}

static void answer_shared_window(HypsecBoard *board, HypsecAttempt *attempt,
                                 const void *data)
{
    fault(board, 0, &vm, 0, NOWHERE + 0x18);
    answer(board, &vm, 0, hypsec_shared(board, VM, 0), 3);
    hypsec_attempt_call(attempt, HYPSEC_HVC_VCPU_RUN, VM, 0, 0, 0);
}

/* A page that VM2 shares with the host is not the host's to give away. */
static void answer_granted(HypsecBoard *board, HypsecAttempt *attempt,
                           const void *data)
{
    g_assert_cmpint(hypsec_guest_hvc(board, 0, &vm2, 0,
                                     HYPSEC_PVOP_SET_DESC_PFN, 0,
                                     HYPSEC_GPA, HYPSEC_PAGE), ==, 0);
    fault(board, 0, &vm, 0, NOWHERE + 0x18);
    answer(board, &vm, 0, HYPSEC_VM_PA(2), 3);
    hypsec_attempt_call(attempt, HYPSEC_HVC_VCPU_RUN, VM, 0, 0, 0);
}

/* The other way to give a page. */
static void remap_granted(HypsecBoard *board, HypsecAttempt *attempt,
                          const void *data)
{
    uint64_t id = hypsec_vm(board);

    g_assert_cmpint(hypsec_guest_hvc(board, 0, &vm2, 0,
                                     HYPSEC_PVOP_SET_DESC_PFN, 0,
                                     HYPSEC_GPA, HYPSEC_PAGE), ==, 0);
    hypsec_vm_image(board, id, HYPSEC_GPA, HYPSEC_PAGE);
    hypsec_attempt_call(attempt, HYPSEC_HVC_REMAP_VM_IMAGE, id,
                        HYPSEC_VM_PA(2) / HYPSEC_PAGE, 0, 0);
}

static void answered_at_last(HypsecBoard *board, const void *data)
{
    qtest_writeq(board->qts, SPARE + 0x18, 0x4057);
    answer(board, &vm, 0, SPARE, 3);
    /* G34: whatever the host had there. */
    g_assert_cmphex(finish_load(board, 1, &vm, 0), ==, 0);
    hypsec_assert_vm_page(board, SPARE, VM, NOWHERE);
    hypsec_assert_gone(board, 1, SPARE);
    hypsec_check_tables(board);
}

/* G1: any touch of a page of a VM that runs. */
typedef struct Touch {
    const char *path;
    void (*attempt)(HypsecAttempt *attempt, uint64_t pa);
} Touch;

static const Touch touches[] = {
    { "load", hypsec_attempt_load }, { "store", hypsec_attempt_store },
    { "fetch", hypsec_attempt_fetch },
};

static void touch(HypsecBoard *board, HypsecAttempt *attempt, const void *data)
{
    const Touch *t = data;

    give(board, &vm, 0, NOWHERE, SPARE, 2);
    hypsec_vcpu_spin(board, 1, &vm, 0);
    t->attempt(attempt, SPARE + 0x123458);
}

static const HypsecAttack attacks[] = {
    { "G15/own-table", make_two, answer_table, answered_at_last,
      .result = HYPSEC_DENIED },
    { "G15/shared-window", make_two, answer_shared_window, answered_at_last,
      .result = HYPSEC_DENIED },
    { "G16/granted-page", make_two, answer_granted, answered_at_last,
      .result = HYPSEC_DENIED },
    { "G16/granted-page-for-an-image", make_two, remap_granted,
      .result = HYPSEC_DENIED },
};

/* Answers that change nothing, and are nobody's fault. */

/* A page at an address that has one: the VM keeps what it has. G19. */
static void test_g19(void)
{
    HypsecBoard *board = begin();

    hypsec_vcpu_on(board, 0, &vm, 1);
    fault(board, 0, &vm, 0, NOWHERE);
    fault(board, 1, &vm, 1, NOWHERE);
    answer(board, &vm, 0, SPARE, 3);
    answer(board, &vm, 1, SPARE2, 3);
    g_assert_cmphex(finish_load(board, 0, &vm, 0), ==, 0);
    qtest_writeq(board->qts, SPARE, 0xaaaa);
    g_assert_cmphex(finish_load(board, 1, &vm, 1), ==, 0xaaaa);
    hypsec_assert_vm_page(board, SPARE, VM, NOWHERE);
    hypsec_assert_hosts(board, 0, SPARE2);
    hypsec_check_tables(board);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
    g_assert_cmpuint(hypsec_counters(board, 1).refusals, ==, 0);
}

/* G18: a block over a page, a page in a block: all that was stays. */
static void test_g18(void)
{
    HypsecBoard *board = begin();

    hypsec_vcpu_on(board, 0, &vm, 1);
    give(board, &vm, 0, NOWHERE + 0x5000, SPARE2 + 0x5000, 3);
    qtest_writeq(board->qts, SPARE2 + 0x5000, 0xbbbb);
    /* The block cannot be: a page of it is there. */
    fault(board, 0, &vm, 0, NOWHERE + 0x1000);
    answer(board, &vm, 0, SPARE, 2);
    for (int i = 0; i < 2; i++) {
        HypsecExit e = hypsec_vcpu_run(board, 0, &vm, 0);

        if (e.result < 0) {
            g_assert_cmpint(e.result, ==, HYPSEC_BUSY);
        } else {
            g_assert_cmphex(e.v.fault_ipa, ==, NOWHERE + 0x1000);
        }
        answer(board, &vm, 0, SPARE, 2);
    }
    hypsec_assert_hosts(board, 0, SPARE + 0x1000);
    hypsec_assert_vm_page(board, SPARE2 + 0x5000, VM, NOWHERE + 0x5000);
    answer(board, &vm, 0, SPARE + 0x1000, 3);
    g_assert_cmphex(finish_load(board, 0, &vm, 0), ==, 0);
    g_assert_cmphex(guest_load(board, 0, &vm, 1, NOWHERE + 0x5000), ==,
                    0xbbbb);
    /* And a page where a block is. */
    fault(board, 0, &vm, 0, NOWHERE + HYPSEC_BLOCK);
    fault(board, 1, &vm, 1, NOWHERE + HYPSEC_BLOCK + 0x3000);
    answer(board, &vm, 0, SPARE2 + HYPSEC_BLOCK, 2);
    finish_load(board, 0, &vm, 0);
    qtest_writeq(board->qts, SPARE2 + HYPSEC_BLOCK + 0x3000, 0xcccc);
    answer(board, &vm, 1, SPARE, 3);
    g_assert_cmphex(finish_load(board, 1, &vm, 1), ==, 0xcccc);
    hypsec_assert_hosts(board, 0, SPARE);
    hypsec_check_tables(board);
}

/* G19 for real: both at once, on two CPUs, over and over. */
static void test_g19_race(void)
{
    enum { ROUNDS = 40 };
    HypsecBoard *board = begin();

    hypsec_vcpu_on(board, 0, &vm, 1);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t gpa = NOWHERE + i * HYPSEC_PAGE;
        uint64_t pa[2] = { SPARE + i * HYPSEC_PAGE, SPARE2 + i * HYPSEC_PAGE };
        unsigned int winner;

        for (unsigned int c = 0; c < 2; c++) {
            fault(board, c, &vm, c, gpa);
            answer(board, &vm, c, pa[c], 3);
        }
        for (unsigned int c = 0; c < 2; c++) {
            hypsec_vcpu_start(board, c, &vm, c);
        }
        for (unsigned int c = 0; c < 2; c++) {
            HypsecExit e = hypsec_vcpu_wait(board, c, &vm, c);
            HypsecRun run = { .count = 1 };

            hypsec_assert_yield(board, &e);
            hypsec_guest_take(board, &vm, c, &run);
            g_assert_cmphex(run.x[2], ==, 0);
        }
        winner = hypsec_vm_to_pa(board, &vm, gpa) != pa[0];
        hypsec_assert_vm_page(board, pa[winner], VM, gpa);
        hypsec_assert_host_page(board, pa[!winner]);
    }
    hypsec_check_tables(board);
}

/*
 * The answer is EL2's to place: at the address that EL2 saw, whatever the
 * host writes about it, and once.
 */
static void test_answer_is_placed(void)
{
    HypsecBoard *board = begin();

    fault(board, 0, &vm, 0, NOWHERE + 0x18);
    hypsec_shared_set(board, &vm, 0, fault_ipa, HYPSEC_GPA);
    hypsec_shared_set(board, &vm, 0, esr, HYPSEC_EC(EC_DABT_LOW) | ISS_ISV);
    /* Bits below the page are no part of an address. */
    answer(board, &vm, 0, SPARE, 3);
    finish_load(board, 0, &vm, 0);
    hypsec_assert_vm_page(board, SPARE, VM, NOWHERE);
    hypsec_assert_vm_page(board, vm.pa, VM, HYPSEC_GPA);
    /* The same answer is none the next time. */
    answer(board, &vm, 0, SPARE2, 3);
    guest_load(board, 0, &vm, 0, NOWHERE);
    hypsec_assert_hosts(board, 0, SPARE2);
    /* Attributes are EL2's: writeback memory, all rights. */
    g_assert_cmphex(hypsec_vm_entry(board, VM, NOWHERE) & 0xffffULL << 48 &
                    ~(15ULL << 55), ==, 0);
}

/* The VM asks for the host's memory, EL2's and devices: it gets faults. */
static void test_vm_looks_around(void)
{
    static const uint64_t addresses[] = {
        HYPSEC_RAM, PARK_KERNEL, HYPSEC_VM_PA(2), HYPSEC_CARVEOUT,
        HYPSEC_RAM_END, HYPSEC_IPA_END - HYPSEC_PAGE,
    };
    HypsecBoard *board = begin();

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        HypsecExit e;

        fault(board, 0, &vm, 0, addresses[i]);
        hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_ABORT);
        hypsec_shared_set(board, &vm, 0, new_pte, 0);
        e = hypsec_vcpu_run(board, 0, &vm, 0);
        hypsec_assert_yield(board, &e);
        hypsec_check_tables(board);
    }
}

/* G8, G44: rewritten while it is used */

#define TORN        UINT64_C(0xbad0000000000bad)

/* A CPU of the host's writes all of a structure, until a word is not 0. */
static void rewrite(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                    HypsecRun *run, const uint64_t *values, uint64_t stop)
{
    static uint32_t code[120];
    size_t n = 0;

    /* x2 to x5 in turn; new_pte changes with each round. */
    for (unsigned int round = 0; round < 2; round++) {
        for (unsigned int at = offsetof(struct hypsec_vcpu, esr);
             at < offsetof(struct hypsec_vcpu, vgic); at += 8) {
            unsigned int rt = 2;

            if (at == offsetof(struct hypsec_vcpu, new_pte)) {
                rt = 3 + round;
            } else if (at == offsetof(struct hypsec_vcpu, new_level)) {
                rt = 5;
            } else if (at == offsetof(struct hypsec_vcpu, answer)) {
                rt = 6;
            } else if (at == offsetof(struct hypsec_vcpu, hcr)) {
                rt = 7;
            }
            code[n++] = INSN_STRX(rt, 1u, at);
        }
    }
    code[n++] = INSN_LDRX(8, 9u, 0);
    code[n] = INSN_CBZ(8, -(int)n);
    n++;
    g_assert_cmpuint(n, <=, ARRAY_SIZE(code));
    *run = (HypsecRun){ .code = code, .count = n };
    run->x[1] = pa;
    for (int i = 0; i < 6; i++) {
        run->x[2 + i] = values[i];
    }
    run->x[9] = stop;
    qtest_writeq(board->qts, stop, 0);
    hypsec_run_start(board, cpu, run);
}

static void stop_rewriting(HypsecBoard *board, unsigned int cpu,
                           HypsecRun *run, uint64_t stop)
{
    qtest_writeq(board->qts, stop, 1);
    g_assert_true(hypsec_run_wait(board, cpu, run));
}

/*
 * MMIO, calls, WFI while the other CPU writes rubbish: each register of the
 * VM's that was not asked for is as before, the one that was has the rubbish
 * or EL2's zero, nothing more of the VM is disclosed, and EL2 goes on.
 */
static void test_g44(void)
{
    enum { ROUNDS = 60 };
    static const struct {
        uint32_t insn;
        unsigned int reg;
        bool write;
    } exits[] = {
        { INSN_LDR(3, 2, 1), 2 }, { INSN_STR(3, 2, 1), 31, true },
        { INSN_HVC(0), 0 }, { 0xd503207fu, 31 },
        { 0xd53be222, 2 }, /* mrs x2, cntp_ctl_el0 */
    };
    HypsecBoard *board = begin();
    const uint64_t values[6] = { TORN, TORN, 0, 3, 0, ~(HCR_VI | HCR_VF) };
    uint64_t stop = HYPSEC_FREE;
    HypsecRun writer;

    rewrite(board, 1, hypsec_shared(board, VM, 0), &writer, values, stop);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned int kind = i % ARRAY_SIZE(exits), exit = 0;
        HypsecRun run = { .code = &exits[kind].insn, .count = 1 }, before;
        HypsecMailbox box = hypsec_guest_mailbox(board, &vm, 0);

        for (int x = 0; x < PARK_NR_X; x++) {
            run.x[x] = 0x5ec7000000000000 + i * 0x100 + x;
        }
        run.x[0] = PSCI_VERSION;
        run.x[1] = 0x09000000;
        before = run;
        hypsec_guest_start(board, &vm, 0, &run);
        while (qtest_readq(board->qts, box.pa + PARK_GO)) {
            HypsecExit e = hypsec_vcpu_run(board, 0, &vm, 0);

            g_assert_cmpint(e.result, ==, HYPSEC_EXIT_TRAP);
            g_assert_cmpuint(++exit, <=, 4);
            for (int x = 0; x < 31; x++) {
                if (e.v.regs[x] >> 48 == 0x5ec7 &&
                    !(exits[kind].write && x == 2)) {
                    HYPSEC_FAIL(board, "x%d is disclosed", x);
                }
            }
        }
        g_assert_true(hypsec_guest_take(board, &vm, 0, &run));
        for (unsigned int x = 0; x < PARK_NR_X; x++) {
            if (x == exits[kind].reg) {
                g_assert_true(run.x[x] == TORN || run.x[x] == 0 ||
                              run.x[x] == before.x[x]);
            } else {
                g_assert_cmphex(run.x[x], ==, before.x[x]);
            }
        }
    }
    stop_rewriting(board, 1, &writer, stop);
    hypsec_check_tables(board);
}

/* A page that is one to be had when EL2 looks, and another when it maps. */
static void test_torn_page(void)
{
    enum { ROUNDS = 40 };
    HypsecBoard *board = begin();
    uint64_t stop = HYPSEC_FREE, mapped = 0;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t pa = SPARE + i * HYPSEC_PAGE;
        uint64_t gpa = NOWHERE + i * HYPSEC_PAGE;
        const uint64_t values[6] = {
            0, pa, i % 2 ? HYPSEC_CARVEOUT + i * HYPSEC_PAGE
                         : HYPSEC_VM_PA(2), 3, 0, 0,
        };
        HypsecRun writer;
        HypsecExit e;

        fault(board, 0, &vm, 0, gpa);
        rewrite(board, 1, hypsec_shared(board, VM, 0), &writer, values, stop);
        do {
            e = hypsec_vcpu_run(board, 0, &vm, 0);
            g_assert_true(e.result == HYPSEC_DENIED ||
                          e.result == HYPSEC_EXIT_TRAP);
        } while (hypsec_vm_entry(board, VM, gpa) == 0);
        stop_rewriting(board, 1, &writer, stop);
        hypsec_assert_vm_page(board, pa, VM, gpa);
        /* Whatever is in the structure, it has yielded. */
        g_assert_cmpuint(qtest_readq(board->qts,
                                     hypsec_guest_mailbox(board, &vm, 0).pa +
                                     PARK_GO), ==, 0);
        mapped++;
    }
    g_assert_cmpuint(mapped, ==, ROUNDS);
    hypsec_check_tables(board);
}

/* G8: there is no address in it that EL2 would follow. */
static void test_g8(void)
{
    static const uint64_t wild[] = {
        0, HYPSEC_CARVEOUT, UINT64_MAX, 0x4000000000, 1ULL << 63,
    };
    HypsecBoard *board = begin();

    for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
        g_autoptr(HypsecState) before = hypsec_state(board);
        uint64_t words[HYPSEC_SHARED_STRIDE / 8];
        uint64_t at = hypsec_shared(board, VM, 0);

        for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
            words[w] = wild[i];
        }
        /* A pending interrupt would wake it in its own way; no list registers
         * on this board. */
        /* All but what says which structure it is. */
        qtest_bufwrite(board->qts, at + 8, words, sizeof(words) - 8);
        hypsec_shared_set(board, &vm, 0, hcr, wild[i] & ~(HCR_VI | HCR_VF));
        hypsec_vcpu_idle(board, 0, &vm, 0);
        hypsec_assert_state(board, before);
    }
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
}

/* Of HCR_EL2 the host has VI and VF, and no more. */
static void test_hcr(void)
{
    HypsecBoard *board = begin();
    uint64_t hcr = 0;

    for (int bit = -1; bit < 64; bit++) {
        HypsecReturn r;
        uint64_t now;

        hypsec_shared_set(board, &vm, 0, hcr, bit < 0 ? 0 : 1ULL << bit);
        r = hypsec_vcpu_enter(board, 0, &vm, 0);
        g_assert_true(hypsec_in_vm(&r, &vm));
        now = r.c.hcr_el2;
        if (bit < 0) {
            hcr = now;
        } else if (1ULL << bit == HCR_VI || 1ULL << bit == HCR_VF) {
            g_assert_cmphex(now, ==, hcr | 1ULL << bit);
        } else {
            g_assert_cmphex(now, ==, hcr);
        }
        hypsec_vcpu_left(board, &vm, 0);
    }
}

/* The interrupts themselves: taken when the VM lets them in. */
static void test_virtual(const void *data)
{
    bool fiq = *(const bool *)data;
    /* msr daifclr, #3; nop; nop */
    static const uint32_t code[] = { 0xd50343ff, INSN_NOP, INSN_NOP };
    HypsecBoard *board = begin();
    HypsecRun run = { .code = code, .count = ARRAY_SIZE(code) };

    hypsec_shared_set(board, &vm, 0, hcr, fiq ? HCR_VF : HCR_VI);
    g_assert_false(hypsec_guest(board, 0, &vm, 0, &run));
    g_assert_cmphex(run.vector, ==,
                    fiq ? VECTOR_EL1H_FIQ : VECTOR_EL1H_IRQ);
    /* Gone with the host's word. */
    hypsec_shared_set(board, &vm, 0, hcr, 0);
    g_assert_true(hypsec_guest(board, 0, &vm, 0, &run));
}

/* Grants: what a VM asks for and may not have is its own affair. */

typedef struct Grant {
    const char *path;
    uint64_t nr;
    uint64_t gpa;
    uint64_t size;
    int result;
} Grant;

#define SET     HYPSEC_PVOP_SET_DESC_PFN
#define UNSET   HYPSEC_PVOP_UNSET_DESC_PFN

static const Grant grants[] = {
    { "unmapped", SET, NOWHERE, HYPSEC_PAGE, HYPSEC_DENIED },
    { "half-unmapped", SET, HYPSEC_GPA + 8 * HYPSEC_PAGE, 2 * HYPSEC_PAGE,
      HYPSEC_DENIED },
    { "hosts-memory", SET, PARK_KERNEL, HYPSEC_PAGE, HYPSEC_DENIED },
    { "el2s-memory", SET, HYPSEC_CARVEOUT, HYPSEC_PAGE, HYPSEC_DENIED },
    { "other-vms-memory", SET, HYPSEC_VM_PA(2), HYPSEC_PAGE, HYPSEC_DENIED },
    { "device", SET, HYPSEC_UART0, HYPSEC_PAGE, HYPSEC_DENIED },
    { "beyond", SET, HYPSEC_IPA_END, HYPSEC_PAGE, HYPSEC_INVALID },
    { "huge", SET, HYPSEC_GPA, 513 * HYPSEC_PAGE, HYPSEC_INVALID },
    { "huge-by-rounding", SET, HYPSEC_GPA + 1, 512 * HYPSEC_PAGE,
      HYPSEC_INVALID },
    { "all", SET, 0, UINT64_MAX, HYPSEC_INVALID },
    { "wraps", SET, HYPSEC_GPA, ~0xfffULL, HYPSEC_INVALID },
    { "wraps-from-above", SET, UINT64_MAX, 2, HYPSEC_INVALID },
    { "revoke-without-grant", UNSET, HYPSEC_GPA, HYPSEC_PAGE, HYPSEC_DENIED },
    { "revoke-unmapped", UNSET, NOWHERE, HYPSEC_PAGE, HYPSEC_DENIED },
    { "revoke-huge", UNSET, HYPSEC_GPA, UINT64_MAX, HYPSEC_INVALID },
};

/* G57: refused to the VM; no violation, and no machine halts of it. */
static void check_grant(const Grant *g, bool halt)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){
        .cpus = 2, .halt = halt,
    });
    g_autoptr(HypsecState) before = NULL;

    hypsec_scene(board, make_two);
    before = hypsec_state(board);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(hypsec_guest_hvc(board, 1, &vm, 0, g->nr, 0, g->gpa,
                                         g->size), ==, g->result);
        hypsec_assert_records(board, before);
    }
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_VERIFIED);
}

static void test_grant(const void *data)
{
    check_grant(data, false);
}

static void test_grant_halt(const void *data)
{
    check_grant(data, true);
}

static int64_t share(HypsecBoard *board, uint64_t nr, uint64_t gpa,
                     uint64_t size)
{
    return hypsec_guest_hvc(board, 0, &vm, 0, nr, 0, gpa, size);
}

/* What is shared the host has, on all CPUs, until it is taken back. */
static void test_share(void)
{
    HypsecBoard *board = begin();
    uint64_t pa = vm.pa + 5 * HYPSEC_PAGE, gpa = HYPSEC_GPA + 5 * HYPSEC_PAGE;
    uint64_t value;

    hypsec_assert_gone(board, 0, pa);
    g_assert_cmpint(share(board, SET, gpa + 0x7ff, 2), ==, 0);
    g_assert_cmpuint(hypsec_page(board, pa).count, ==, 1);
    g_assert_cmpuint(hypsec_page(board, pa).owner, ==, VM);
    qtest_writeq(board->qts, pa + 8, 0x5a5e);
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        g_assert_true(hypsec_host_load(board, cpu, pa + 8, &value));
        g_assert_cmphex(value, ==, 0x5a5e);
        g_assert_true(hypsec_host_store(board, cpu, pa + 16, 0x10 + cpu));
        g_assert_cmphex(guest_load(board, cpu, &vm, 0, gpa + 16), ==,
                        0x10 + cpu);
    }
    /* Its neighbours it has not. */
    hypsec_assert_gone(board, 0, pa - HYPSEC_PAGE);
    hypsec_assert_gone(board, 1, pa + HYPSEC_PAGE);
    hypsec_check_tables(board);
    g_assert_cmpint(share(board, SET, gpa, HYPSEC_PAGE), ==, 0);
    g_assert_cmpint(share(board, UNSET, gpa, 1), ==, 0);
    g_assert_true(hypsec_host_load(board, 1, pa + 8, &value));
    g_assert_cmpint(share(board, UNSET, gpa + 0xfff, 1), ==, 0);
    hypsec_assert_gone(board, 0, pa);
    hypsec_assert_gone(board, 1, pa);
    g_assert_cmpint(share(board, UNSET, gpa, 1), ==, HYPSEC_DENIED);
    hypsec_assert_vm_page(board, pa, VM, gpa);
}

/* 100 times and not once more; as often back. */
static void test_share_limit(void)
{
    HypsecBoard *board = begin();
    uint64_t pa = vm.pa + 5 * HYPSEC_PAGE, gpa = HYPSEC_GPA + 5 * HYPSEC_PAGE;

    for (int i = 0; i < HYPSEC_MAX_SHARES; i++) {
        g_assert_cmpint(share(board, SET, gpa, HYPSEC_PAGE), ==, 0);
    }
    g_assert_cmpint(share(board, SET, gpa, HYPSEC_PAGE), ==, HYPSEC_DENIED);
    /* Nor together with one that could be. */
    g_assert_cmpint(share(board, SET, gpa - HYPSEC_PAGE, 2 * HYPSEC_PAGE), ==,
                    HYPSEC_DENIED);
    g_assert_cmpuint(hypsec_page(board, pa - HYPSEC_PAGE).count, ==, 0);
    for (int i = 0; i < HYPSEC_MAX_SHARES; i++) {
        uint64_t value;

        g_assert_true(hypsec_host_load(board, 1, pa, &value));
        g_assert_cmpint(share(board, UNSET, gpa, HYPSEC_PAGE), ==, 0);
    }
    hypsec_assert_gone(board, 1, pa);
    g_assert_cmpint(share(board, UNSET, gpa, HYPSEC_PAGE), ==, HYPSEC_DENIED);
}

/* G35: a VM that goes takes its shares along; the pages come back as zeros. */
static void test_share_destroy(void)
{
    HypsecBoard *board = begin();
    uint64_t pa = vm.pa + 5 * HYPSEC_PAGE, gpa = HYPSEC_GPA + 5 * HYPSEC_PAGE;
    uint64_t value;

    hypsec_fill(board, pa + HYPSEC_PAGE);
    g_assert_cmpint(share(board, SET, gpa, 2 * HYPSEC_PAGE), ==, 0);
    g_assert_true(hypsec_host_load(board, 1, pa, &value));
    hypsec_vm_destroy(board, VM);
    hypsec_assert_scrubbed(board, 1, pa);
    hypsec_assert_scrubbed(board, 0, pa + HYPSEC_PAGE);
    hypsec_check_tables(board);
    /* And can be given away again, whole. */
    hypsec_vm_with(board, HYPSEC_GPA, pa, 1);
    hypsec_assert_gone(board, 1, pa);
}

/* CPU_ON: who is turned on, where, and once. */

typedef struct Target {
    const char *path;
    uint64_t target;
} Target;

static const Target targets[] = {
    { "itself", 0 }, { "not-registered", 2 }, { "eighth", 7 },
    { "ninth", 8 }, { "aff1", 0x101 }, { "aff2", 0x10001 },
    { "aff3", 0x100000001 }, { "mpidr-res1", 0x80000001 },
    { "all-ones", UINT64_MAX },
};

/* The host says yes; but nobody is on who was not. */
static void test_cpu_on_nobody(const void *data)
{
    const Target *t = data;
    static const uint32_t code = INSN_HVC(0);
    HypsecBoard *board = begin();
    HypsecRun run = {
        .x = { PSCI_CPU_ON | PSCI_64, t->target, HYPSEC_GPA, 0 },
        .code = &code, .count = 1,
    };
    HypsecExit e;

    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpint(e.result, ==, HYPSEC_EXIT_TRAP);
    if (!hypsec_is_yield(&e)) {
        hypsec_shared_set(board, &vm, 0, regs[0], 0);
        e = hypsec_vcpu_run(board, 0, &vm, 0);
    }
    hypsec_assert_yield(board, &e);
    e = hypsec_vcpu_run(board, 1, &vm, 1);
    g_assert_cmpint(e.result, ==, HYPSEC_BUSY);
    for (unsigned int vcpu = 2; vcpu < HYPSEC_MAX_VCPUS; vcpu++) {
        e = hypsec_vcpu_run(board, 1, &vm, vcpu);
        g_assert_cmpint(e.result, ==, HYPSEC_DENIED);
    }
    g_assert_true(hypsec_guest(board, 0, &vm, 0, &(HypsecRun){ .x = { 0 } }));
}

/* vCPU 0 turns vCPU 1 on; the host always says yes. */
static void turn_on(HypsecBoard *board, uint64_t entry, uint64_t context)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecRun run = {
        .x = { PSCI_CPU_ON | PSCI_64, 1, entry, context },
        .code = &code, .count = 1,
    };
    HypsecExit e;

    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpint(e.result, ==, HYPSEC_EXIT_TRAP);
    if (!hypsec_is_yield(&e)) {
        hypsec_shared_set(board, &vm, 0, regs[0], 0);
        e = hypsec_vcpu_run(board, 0, &vm, 0);
    }
    hypsec_assert_yield(board, &e);
}

/*
 * The last one before it runs counts, entry and context together; it is not
 * moved once it does, nor while it waits for the host.
 */
static void test_cpu_on_twice(void)
{
    HypsecBoard *board = begin();
    HypsecEvent event;
    HypsecReturn r;

    turn_on(board, HYPSEC_GPA, 1);
    turn_on(board, HYPSEC_GPA + PARK_SPIN, 2);
    r = hypsec_vcpu_enter(board, 1, &vm, 1);
    g_assert_cmphex(r.c.pc, ==, HYPSEC_GPA + PARK_SPIN);
    g_assert_cmphex(r.c.x[0], ==, 2);
    turn_on(board, HYPSEC_GPA, 3);
    event = hypsec_vm_event(hypsec_event(HYPSEC_INJECT_IRQ, 1), &vm);
    event.x[0] = 4;
    hypsec_try(board, &event);
    turn_on(board, HYPSEC_GPA, 5);
    r = hypsec_vcpu_enter(board, 1, &vm, 1);
    g_assert_cmphex(r.c.pc, ==, HYPSEC_GPA + PARK_SPIN);
    g_assert_cmphex(r.c.x[0], ==, 4);
}

/* Translations that are not true any more */

/* An id is used again: nothing of its last VM is in any TLB. */
static void test_tlb_reuse(void)
{
    HypsecBoard *board = begin();

    for (unsigned int i = 0; i < 4; i++) {
        uint64_t pa = SPARE + i * HYPSEC_PAGE;

        give(board, &vm, 0, NOWHERE, pa, 3);
        qtest_writeq(board->qts, pa, 0xaaa0 + i);
        for (unsigned int cpu = 0; cpu < 2; cpu++) {
            g_assert_cmphex(guest_load(board, cpu, &vm, 0, NOWHERE), ==,
                            0xaaa0 + i);
        }
        hypsec_vm_destroy(board, VM);
        hypsec_assert_scrubbed(board, 1, pa);
        vm = hypsec_vm_parked(board, "park2", 1);
        g_assert_cmpuint(vm.id, ==, VM);
        /* The other CPU's turn with it. */
        hypsec_vcpu_idle(board, 1, &vm, 0);
    }
}

/*
 * Two vCPUs on one CPU in turn, each with a stage 1 of its own under the same
 * ASID: an address is another page to each of them.
 */
static void test_tlb_vcpus(void)
{
    enum { VA = 0x40000000 };
    static const uint32_t code[] = {
        0xd5182000, /* msr ttbr0_el1, x0 */
        0xd518a201, /* msr mair_el1, x1 */
        0xd5182042, /* msr tcr_el1, x2 */
        INSN_ISB,
        0xd5381003, /* mrs x3, sctlr_el1 */
        0xb2400064, /* orr x4, x3, #1 */
        0xd5181004, /* msr sctlr_el1, x4 */
        INSN_ISB,
        INSN_LDR(3, 6, 5),
        INSN_MOV(0, 7), INSN_HVC(0),
        INSN_LDR(3, 8, 5),
        INSN_MOV(0, 7), INSN_HVC(0),
        INSN_LDR(3, 9, 5),
        0xd5181003, /* msr sctlr_el1, x3 */
        INSN_ISB,
    };
    HypsecBoard *board = begin();
    HypsecRun runs[2];
    HypsecExit e;

    hypsec_vcpu_on(board, 0, &vm, 1);
    for (unsigned int i = 0; i < 2; i++) {
        uint64_t table = SPARE + i * HYPSEC_PAGE;
        uint64_t page = NOWHERE + (8 + i) * HYPSEC_BLOCK;
        uint64_t middle = SPARE + (2 + i) * HYPSEC_PAGE;

        /* The tables, the page; all of it the VM's. */
        give(board, &vm, i, NOWHERE + i * HYPSEC_PAGE, table, 3);
        give(board, &vm, i, NOWHERE + (2 + i) * HYPSEC_PAGE, middle, 3);
        give(board, &vm, i, page, SPARE2 + i * HYPSEC_BLOCK, 2);
        qtest_memset(board->qts, table, 0, HYPSEC_PAGE);
        qtest_memset(board->qts, middle, 0, HYPSEC_PAGE);
        /* 1 GiB of code as it is, and 2 MiB at VA; global, normal memory. */
        qtest_writeq(board->qts, table + 2 * 8, HYPSEC_GPA | 0x701);
        qtest_writeq(board->qts, table + 1 * 8,
                     (NOWHERE + (2 + i) * HYPSEC_PAGE) | 3);
        qtest_writeq(board->qts, middle, page | 0x701);
        qtest_writeq(board->qts, SPARE2 + i * HYPSEC_BLOCK, 0x11110 + i);
        runs[i] = (HypsecRun){
            .x = { NOWHERE + i * HYPSEC_PAGE, 0xff,
                   /* 39 bits, 4 KiB, cacheable; no TTBR1; 40 bits out. */
                   0x200803519, 0, 0, VA, 0, PSCI_VERSION },
            .code = code, .count = ARRAY_SIZE(code),
        };
        hypsec_guest_start(board, &vm, i, &runs[i]);
    }
    for (int turn = 0; turn < 2; turn++) {
        for (unsigned int i = 0; i < 2; i++) {
            e = hypsec_vcpu_run(board, 0, &vm, i);
            hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                               .esr = HYPSEC_EC(EC_HVC64), .mask = 1,
                               .regs = { PSCI_VERSION });
        }
    }
    for (unsigned int i = 0; i < 2; i++) {
        e = hypsec_vcpu_run(board, 0, &vm, i);
        hypsec_assert_yield(board, &e);
        g_assert_true(hypsec_guest_take(board, &vm, i, &runs[i]));
        g_assert_cmphex(runs[i].x[6], ==, 0x11110 + i);
        g_assert_cmphex(runs[i].x[8], ==, 0x11110 + i);
        g_assert_cmphex(runs[i].x[9], ==, 0x11110 + i);
    }
}

/* G43: each VM has a VMID and a root of its own. */
static void test_vttbr(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t seen[HYPSEC_MAX_VMS] = { 0 };

    for (unsigned int i = 0; i < HYPSEC_MAX_VMS; i++) {
        HypsecVm v = hypsec_vm_boot(board, "park1", i + 1);
        HypsecReturn r = hypsec_vcpu_enter(board, 0, &v, 0);

        g_assert_cmphex(r.c.vttbr_el2 & 0xfffffffffffe, ==,
                        hypsec_vm_root(board, v.id));
        g_assert_cmphex(r.c.vttbr_el2 >> 48, !=, board->vttbr >> 48);
        for (unsigned int k = 0; k < i; k++) {
            g_assert_cmphex(r.c.vttbr_el2 >> 48, !=, seen[k] >> 48);
        }
        seen[i] = r.c.vttbr_el2;
        hypsec_vcpu_left(board, &v, 0);
    }
}

/* G31: a VM and its host use up the memory for tables by sparse faults. */
static void test_g31(void)
{
    HypsecBoard *board = begin();
    uint64_t spent = 0;
    HypsecExit e;

    for (uint64_t i = 0; ; i++) {
        uint64_t gpa = 4 * GiB + i * GiB;

        g_assert_cmphex(gpa, <, HYPSEC_IPA_END);
        fault(board, 0, &vm, 0, gpa);
        answer(board, &vm, 0, SPARE + i * HYPSEC_PAGE, 3);
        e = hypsec_vcpu_run(board, 0, &vm, 0);
        if (e.result == HYPSEC_NO_MEMORY) {
            spent = i;
            break;
        }
        hypsec_assert_yield(board, &e);
    }
    g_assert_cmpuint(spent, >, 50);
    /* An honest host that serves all faults runs into it. */
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
    hypsec_assert_hosts(board, 0, SPARE + spent * HYPSEC_PAGE);
    for (uint64_t i = 0; i < spent; i++) {
        hypsec_assert_vm_page(board, SPARE + i * HYPSEC_PAGE, VM,
                              4 * GiB + i * GiB);
    }
    hypsec_check_tables(board);
    /* It can still be told that there is nothing, and goes on. */
    hypsec_shared_set(board, &vm, 0, new_pte, 0);
    hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_ABORT);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    g_assert_true(hypsec_guest(board, 1, &vm2, 0,
                               &(HypsecRun){ .x = { 0 } }));
    hypsec_vm_destroy(board, VM);
    vm = hypsec_vm_parked(board, "park2", 1);
    give(board, &vm, 0, 4 * GiB, SPARE, 3);
}

/* A vCPU runs once at a time, whoever asks: eight CPUs at once. */
static void test_one_vcpu(void)
{
    enum { CPUS = 8, ROUNDS = 12 };
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = CPUS });

    make_two(board);
    for (int round = 0; round < ROUNDS; round++) {
        /* Adds one to x2 so often. */
        static const uint32_t code[] = {
            0x91000442, /* add x2, x2, #1 */
            INSN_SUBS1(3), INSN_BNE(-2),
        };
        HypsecRun run = {
            .x = { 0, 0, 0, 20000 }, .code = code, .count = ARRAY_SIZE(code),
        };
        unsigned int ran = 0;

        hypsec_guest_start(board, &vm, 0, &run);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            hypsec_vcpu_start(board, cpu, &vm, 0);
        }
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            HypsecExit e = hypsec_vcpu_wait(board, cpu, &vm, 0);

            if (e.result != HYPSEC_BUSY) {
                g_assert_cmpint(e.result, ==, HYPSEC_EXIT_TRAP);
                ran++;
            }
        }
        g_assert_cmpuint(ran, >=, 1);
        g_assert_true(hypsec_guest_take(board, &vm, 0, &run));
        g_assert_cmpuint(run.x[2], ==, 20000);
    }
}

/* Resets while a VM runs, and writes its secret again and again */

#define SECRET      UINT64_C(0x5ec2e75ec2e75ec2)

/* vCPU 0 of a new VM, on CPU 1, fills the page at SPARE for ever. */
static void run_for_ever(HypsecBoard *board)
{
    static const uint32_t code[] = {
        INSN_STRX(2, 1u, 0), INSN_STRX(2, 1u, 0x7f8), INSN_STRX(2, 1u, 0xff8),
        0x17fffffd, /* b to the first */
    };
    HypsecRun run = {
        .x = { 0, NOWHERE, SECRET }, .code = code, .count = ARRAY_SIZE(code),
    };

    vm = hypsec_vm_parked(board, "park1", 1);
    give(board, &vm, 0, NOWHERE, SPARE, 3);
    hypsec_guest_start(board, &vm, 0, &run);
    hypsec_vcpu_start(board, 1, &vm, 0);
    hypsec_wait_word(board, SPARE + 0xff8, SECRET, true, "the VM's secret");
}

/* The pair of test_one_vcpu, certain to meet: one CPU stays in the VM. */
static void test_running_vcpu_is_busy(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);

    run_for_ever(board);
    hypsec_vcpu_start(board, 0, &vm, 0);
    g_assert_cmpint(hypsec_vcpu_wait(board, 0, &vm, 0).result, ==,
                    HYPSEC_BUSY);
    hypsec_board_free(board);
}

static void assert_no_secret(HypsecBoard *board)
{
    hypsec_assert_zero(board, SPARE);
    for (unsigned int i = 0; i < PARK_VM_BYTES / HYPSEC_PAGE; i++) {
        hypsec_assert_zero(board, vm.pa + i * HYPSEC_PAGE);
    }
}

/* The host turns off or resets, by its other CPU. */
static void test_reset_by_host(const void *data)
{
    uint32_t fn = *(const uint32_t *)data;
    HypsecBoard *board = hypsec_board_new(&(HypsecConfig){
        .cpus = 2, .args = "-action reboot=shutdown",
    });
    HypsecEvent event = hypsec_event_smc(0, fn, 0, 0, 0);

    run_for_ever(board);
    hypsec_post(board, &event);
    hypsec_wait_event(board, "SHUTDOWN");
    assert_no_secret(board);
    hypsec_board_free(board);
}

/* And a reset that nobody asked EL2 for: over before the host runs. */
static void test_reset_by_watchdog(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    uint64_t value;

    run_for_ever(board);
    hypsec_unpark(board, 0);
    hypsec_unpark(board, 1);
    qtest_system_reset(board->qts);
    board->shared = 0;
    hypsec_park(board);
    assert_no_secret(board);
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        g_assert_true(hypsec_host_load(board, cpu, SPARE, &value));
        g_assert_cmphex(value, ==, 0);
    }
    hypsec_check_tables(board);
    vm = hypsec_vm_parked(board, "park1", 1);
    g_assert_cmpuint(vm.id, ==, VM);
    hypsec_board_free(board);
}

/* A snapshot of a VM that runs: it goes on, and the host has nothing of it. */
static void test_snapshot(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecEvent irq;
    HypsecExit e;

    run_for_ever(board);
    hypsec_savevm(board, "running");
    for (int i = 0; i < 2; i++) {
        hypsec_loadvm(board, "running");
        qtest_writeq(board->qts, SPARE, 0);
        hypsec_wait_word(board, SPARE, SECRET, true, "the VM's secret");
        hypsec_assert_gone(board, 0, SPARE);
        irq = hypsec_vm_event(hypsec_event(HYPSEC_INJECT_IRQ, 1), &vm);
        hypsec_try(board, &irq);
        e = hypsec_vcpu_wait(board, 1, &vm, 0);
        g_assert_cmpint(e.result, ==, HYPSEC_EXIT_IRQ);
        hypsec_vm_destroy(board, vm.id);
        hypsec_assert_scrubbed(board, 1, SPARE);
    }
    hypsec_board_free(board);
}

/* G54: addresses that differ in any one bit are different ones. */
static void test_g54(void)
{
    HypsecBoard *board = begin();

    for (unsigned int bit = 12; bit < 40; bit++) {
        uint64_t gpa = NOWHERE ^ 1ULL << bit;
        uint64_t pa = SPARE + bit * HYPSEC_PAGE;

        if (bit == 30 || bit == 31) {
            /* Its image; and what is MMIO. */
            continue;
        }
        give(board, &vm, 0, gpa, pa, 3);
        hypsec_assert_vm_page(board, pa, VM, gpa);
    }
    hypsec_check_tables(board);
}

static void add(const char *topic, const char *name, const void *data,
                void (*test)(const void *data))
{
    g_autofree char *path = g_strdup_printf(PROGRAM "/%s/%s", topic, name);

    qtest_add_data_func(path, data, test);
}

int main(int argc, char **argv)
{
    static const bool yes = true, no = false;
    static const uint32_t off = PSCI_SYSTEM_OFF, reset = PSCI_SYSTEM_RESET;

    if (!hypsec_lib_init(&argc, &argv)) {
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        HypsecAttack *attack = g_new(HypsecAttack, 1);

        *attack = (HypsecAttack){
            answers[i].path, make_two, answer_wrong, answered_at_last,
            .data = &answers[i], .result = answers[i].result,
        };
        hypsec_add_attack(PROGRAM, attack);
    }
    for (size_t i = 0; i < ARRAY_SIZE(touches); i++) {
        HypsecAttack *attack = g_new(HypsecAttack, 1);

        *attack = (HypsecAttack){
            g_strdup_printf("G1/%s", touches[i].path), make_two, touch,
            .data = &touches[i], .result = HYPSEC_ABORT,
        };
        hypsec_add_attack(PROGRAM, attack);
    }
    for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
        hypsec_add_attack(PROGRAM, &attacks[i]);
    }
    qtest_add_func(PROGRAM "/G19/two-pages", test_g19);
    qtest_add_func(PROGRAM "/G19/race", test_g19_race);
    qtest_add_func(PROGRAM "/G18/blocks-and-pages", test_g18);
    qtest_add_func(PROGRAM "/G63/answer-is-placed", test_answer_is_placed);
    qtest_add_func(PROGRAM "/G15/vm-looks-around", test_vm_looks_around);
    qtest_add_func(PROGRAM "/G44/rewritten", test_g44);
    qtest_add_func(PROGRAM "/G44/page", test_torn_page);
    qtest_add_func(PROGRAM "/G8/no-pointers", test_g8);
    qtest_add_func(PROGRAM "/G60/hcr", test_hcr);
    add("G60", "irq", &no, test_virtual);
    add("G60", "fiq", &yes, test_virtual);
    for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
        add("G57/refused", grants[i].path, &grants[i], test_grant);
        add("G57/does-not-halt", grants[i].path, &grants[i],
            test_grant_halt);
    }
    qtest_add_func(PROGRAM "/share/till-revoked", test_share);
    qtest_add_func(PROGRAM "/share/limit", test_share_limit);
    qtest_add_func(PROGRAM "/share/destroyed", test_share_destroy);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        add("G41/cpu-on", targets[i].path, &targets[i], test_cpu_on_nobody);
    }
    qtest_add_func(PROGRAM "/G41/cpu-on-twice", test_cpu_on_twice);
    qtest_add_func(PROGRAM "/G24/reuse", test_tlb_reuse);
    qtest_add_func(PROGRAM "/G24/vcpus", test_tlb_vcpus);
    qtest_add_func(PROGRAM "/G43/vttbr", test_vttbr);
    qtest_add_func(PROGRAM "/G31/sparse-faults", test_g31);
    qtest_add_func(PROGRAM "/G54/address-bits", test_g54);
    add("reset", "system-off", &off, test_reset_by_host);
    add("reset", "system-reset", &reset, test_reset_by_host);
    qtest_add_func(PROGRAM "/reset/watchdog", test_reset_by_watchdog);
    qtest_add_func(PROGRAM "/reset/snapshot", test_snapshot);
    qtest_add_func(PROGRAM "/one-vcpu", test_one_vcpu);
    qtest_add_func(PROGRAM "/running-vcpu-is-busy", test_running_vcpu_is_busy);
    return hypsec_lib_run();
}
