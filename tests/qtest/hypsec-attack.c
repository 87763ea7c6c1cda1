/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks on memory; see hypsec-attack.h.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hypsec/inspect.h"
#include "hypsec-attack.h"

/* A destroy that goes on for longer than this never ends. */
#define CALLS_MAX           100000

#define INSPECT(field) \
    hypsec_inspect(board, offsetof(struct hypsec_inspect, field))

HypsecEvent hypsec_event_call(unsigned int cpu, uint64_t nr, uint64_t x1,
                              uint64_t x2, uint64_t x3, uint64_t x4)
{
    HypsecEvent event = hypsec_event_hvc(cpu, nr, x1, x2, x3);

    event.x[4] = x4;
    return event;
}

uint64_t hypsec_call(HypsecBoard *board, unsigned int cpu, uint64_t nr,
                     uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4)
{
    HypsecEvent event = hypsec_event_call(cpu, nr, x1, x2, x3, x4);
    HypsecReturn r = hypsec_fire(board, &event);

    hypsec_assert_returned(&r, r.c.x[0]);
    return r.c.x[0];
}

/* A call that is not to fail. */
static uint64_t must(HypsecBoard *board, uint64_t nr, uint64_t x1, uint64_t x2,
                     uint64_t x3, uint64_t x4)
{
    uint64_t x0 = hypsec_call(board, 0, nr, x1, x2, x3, x4);

    if ((int64_t)x0 < 0) {
        HYPSEC_FAIL(board, "call %" PRIu64 "(0x%" PRIx64 ", 0x%" PRIx64
                    ", 0x%" PRIx64 ", 0x%" PRIx64 ") gives %" PRId64, nr, x1,
                    x2, x3, x4, (int64_t)x0);
    }
    return x0;
}

/* VMs */

uint64_t hypsec_vm(HypsecBoard *board)
{
    uint64_t vmid = must(board, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0, 0);

    g_assert_cmpuint(vmid, >=, 1);
    g_assert_cmpuint(vmid, <=, HYPSEC_MAX_VMS);
    return vmid;
}

uint64_t hypsec_vm_image(HypsecBoard *board, uint64_t vmid, uint64_t gpa,
                         uint64_t bytes)
{
    uint64_t idx = must(board, HYPSEC_HVC_SET_BOOT_INFO, vmid, gpa, bytes, 0);

    g_assert_cmpuint(idx, <, HYPSEC_MAX_IMAGES);
    return idx;
}

void hypsec_vm_give(HypsecBoard *board, uint64_t vmid, uint64_t idx,
                    uint64_t pa)
{
    g_assert_cmpuint(must(board, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                          pa / HYPSEC_PAGE, idx, 0), ==, HYPSEC_OK);
}

void hypsec_vm_ioremap(HypsecBoard *board, uint64_t vmid, uint64_t gpa,
                       uint64_t pa, uint64_t bytes)
{
    g_assert_cmpuint(must(board, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid, gpa, pa,
                          bytes), ==, HYPSEC_OK);
}

unsigned int hypsec_vm_destroy(HypsecBoard *board, uint64_t vmid)
{
    unsigned int calls = 0;
    uint64_t x0;

    do {
        x0 = hypsec_call(board, 0, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0, 0);
        g_assert_cmpuint(++calls, <, CALLS_MAX);
    } while (x0 == (uint64_t)HYPSEC_AGAIN);
    g_assert_cmpuint(x0, ==, HYPSEC_OK);
    return calls;
}

void hypsec_vm_give_pages(HypsecBoard *board, uint64_t vmid, uint64_t idx,
                          uint64_t pa, uint64_t pages)
{
    g_autofree HypsecEvent *events = g_new(HypsecEvent, pages);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, pages);

    for (uint64_t i = 0; i < pages; i++) {
        uint64_t page = pa + i * HYPSEC_PAGE;

        hypsec_fill(board, page);
        events[i] = hypsec_event_call(0, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                                      page / HYPSEC_PAGE, idx, 0);
    }
    hypsec_ring(board, events, pages, returns);
    for (uint64_t i = 0; i < pages; i++) {
        hypsec_assert_returned(&returns[i], HYPSEC_OK);
    }
}

uint64_t hypsec_vm_with(HypsecBoard *board, uint64_t gpa, uint64_t pa,
                        uint64_t pages)
{
    uint64_t vmid = hypsec_vm(board);

    hypsec_vm_give_pages(board, vmid,
                         hypsec_vm_image(board, vmid, gpa,
                                         pages * HYPSEC_PAGE), pa, pages);
    return vmid;
}

uint64_t hypsec_vm_dying(HypsecBoard *board, uint64_t gpa, uint64_t pa,
                         uint64_t pages)
{
    uint64_t vmid = hypsec_vm_with(board, gpa, pa, pages);

    g_assert_cmpuint(hypsec_call(board, 0, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0,
                                 0), ==, (uint64_t)HYPSEC_AGAIN);
    return vmid;
}

/* Contents */

static void make_content(uint64_t pa, uint64_t *words)
{
    for (size_t i = 0; i < HYPSEC_PAGE / 8; i++) {
        words[i] = cpu_to_le64(~((pa + i * 8) * 0x9e3779b97f4a7c15ULL));
    }
}

void hypsec_fill(HypsecBoard *board, uint64_t pa)
{
    uint64_t words[HYPSEC_PAGE / 8];

    make_content(pa, words);
    qtest_bufwrite(board->qts, pa, words, sizeof(words));
}

void hypsec_check_content(HypsecBoard *board, uint64_t pa, bool filled,
                          const char *file, int line, const char *func)
{
    uint64_t words[HYPSEC_PAGE / 8], expected[HYPSEC_PAGE / 8] = { 0 };

    if (filled) {
        make_content(pa, expected);
    }
    qtest_bufread(board->qts, pa, words, sizeof(words));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (words[i] != expected[i]) {
            hypsec_fail(board, file, line, func, "0x%" PRIx64 " is 0x%" PRIx64
                        ", not 0x%" PRIx64, pa + i * 8,
                        le64_to_cpu(words[i]), le64_to_cpu(expected[i]));
        }
    }
}

/* Accesses by a CPU */

/* Fails the test unless the run ended in an external abort at @at. */
static void check_run_aborted(HypsecBoard *board, const HypsecRun *run,
                              unsigned int ec, uint64_t at, bool write)
{
    uint64_t esr = ESR(ec, FSC_EXTERNAL | (write ? ISS_WNR : 0));

    if (run->esr != esr || run->far != at) {
        HYPSEC_FAIL(board, "ESR_EL1 0x%" PRIx64 " FAR_EL1 0x%" PRIx64
                    ", not 0x%" PRIx64 " and 0x%" PRIx64, run->esr, run->far,
                    esr, at);
    }
}

/* x2 to or from the address in x1. */
static bool host_access(HypsecBoard *board, unsigned int cpu, uint32_t insn,
                        uint64_t pa, uint64_t *value, bool write)
{
    HypsecRun run = { .x = { 0, pa, *value }, .code = &insn, .count = 1 };

    if (!hypsec_run(board, cpu, &run)) {
        check_run_aborted(board, &run, EC_DABT_CUR, pa, write);
        g_assert_cmphex(run.x[2], ==, *value);
        return false;
    }
    *value = run.x[2];
    return true;
}

bool hypsec_host_load_of(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                         unsigned int log2, uint64_t *value)
{
    *value = 0x10ad10ad;
    return host_access(board, cpu, INSN_LDR(log2, 2, 1), pa, value, false);
}

bool hypsec_host_store_of(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                          unsigned int log2, uint64_t value)
{
    return host_access(board, cpu, INSN_STR(log2, 2, 1), pa, &value, true);
}

bool hypsec_host_load(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                      uint64_t *value)
{
    return hypsec_host_load_of(board, cpu, pa, 3, value);
}

bool hypsec_host_store(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                       uint64_t value)
{
    return hypsec_host_store_of(board, cpu, pa, 3, value);
}

bool hypsec_host_fetch(HypsecBoard *board, unsigned int cpu, uint64_t pa)
{
    HypsecRun run = { .pc = pa };

    hypsec_run(board, cpu, &run);
    g_assert_cmphex(run.elr, ==, pa);
    if (ESR_EC(run.esr) == EC_BRK64) {
        return true;
    }
    check_run_aborted(board, &run, EC_IABT_CUR, pa, false);
    return false;
}

/* Whose a page is */

void hypsec_check_hosts(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                        const char *file, int line, const char *func)
{
    uint64_t expected = pa ^ 0x5a5a, value;

    hypsec_check_page(board, pa, 0, 0, file, line, func);
    qtest_writeq(board->qts, pa + 8, expected);
    if (!hypsec_host_load(board, cpu, pa + 8, &value) ||
        !hypsec_host_store(board, cpu, pa + 8, ~value)) {
        hypsec_fail(board, file, line, func, "CPU %u has not 0x%" PRIx64
                    " of the host's", cpu, pa);
    }
    if (value != expected ||
        qtest_readq(board->qts, pa + 8) != ~expected) {
        hypsec_fail(board, file, line, func, "CPU %u has 0x%" PRIx64
                    " elsewhere", cpu, pa);
    }
}

void hypsec_check_gone(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                       const char *file, int line, const char *func)
{
    uint64_t value;

    if (hypsec_host_load(board, cpu, pa + 8, &value) ||
        hypsec_host_store(board, cpu, pa + 8, 0) ||
        hypsec_host_fetch(board, cpu, pa + 8)) {
        hypsec_fail(board, file, line, func, "CPU %u has 0x%" PRIx64, cpu, pa);
    }
}

void hypsec_check_scrubbed(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                           const char *file, int line, const char *func)
{
    uint64_t value;

    hypsec_check_page(board, pa, 0, 0, file, line, func);
    hypsec_check_content(board, pa, false, file, line, func);
    if (!hypsec_host_load(board, cpu, pa + 0x7f8, &value) || value != 0) {
        hypsec_fail(board, file, line, func, "0x%" PRIx64
                    " came back and reads as 0x%" PRIx64, pa, value);
    }
}

void hypsec_check_kept(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                       uint64_t vmid, const char *file, int line,
                       const char *func)
{
    uint64_t value;

    hypsec_check_content(board, pa, true, file, line, func);
    if (hypsec_page(board, pa).owner != vmid ||
        hypsec_host_load(board, cpu, pa + 0x7f8, &value)) {
        hypsec_fail(board, file, line, func, "0x%" PRIx64
                    " is not VM %" PRIu64 "'s any more", pa, vmid);
    }
}

/* Attacks */

void hypsec_attempt_call(HypsecAttempt *attempt, uint64_t nr, uint64_t x1,
                         uint64_t x2, uint64_t x3, uint64_t x4)
{
    attempt->event = hypsec_event_call(0, nr, x1, x2, x3, x4);
}

static void attempt_access(HypsecAttempt *attempt, const uint32_t *code,
                           uint64_t pa)
{
    attempt->code = code;
    attempt->count = 1;
    attempt->x[1] = pa;
    attempt->at = pa;
}

void hypsec_attempt_load(HypsecAttempt *attempt, uint64_t pa)
{
    static const uint32_t load = INSN_LDR(3, 2, 1);

    attempt_access(attempt, &load, pa);
}

void hypsec_attempt_store(HypsecAttempt *attempt, uint64_t pa)
{
    static const uint32_t store = INSN_STR(3, 2, 1);

    attempt_access(attempt, &store, pa);
    attempt->write = true;
}

void hypsec_attempt_fetch(HypsecAttempt *attempt, uint64_t pa)
{
    attempt->at = pa;
    attempt->fetch = true;
}

static bool is_executed(const HypsecAttempt *attempt)
{
    return attempt->code || attempt->fetch;
}

static unsigned int attacker(const HypsecAttempt *attempt)
{
    return is_executed(attempt) ? attempt->cpu : attempt->event.cpu;
}

static void prepare_run(const HypsecAttempt *attempt, HypsecRun *run)
{
    *run = (HypsecRun){
        .pc = attempt->fetch ? attempt->at : 0,
        .pstate = attempt->pstate,
        .code = attempt->code,
        .count = attempt->count,
    };
    memcpy(run->x, attempt->x, sizeof(run->x));
}

/* Executed: it ends in an abort and has loaded nothing. */
static void execute(HypsecBoard *board, const HypsecAttempt *attempt)
{
    bool el0 = attempt->pstate && (attempt->pstate & 0xf) == 0;
    unsigned int ec = attempt->fetch ? EC_IABT_CUR : EC_DABT_CUR;
    HypsecRun run;

    prepare_run(attempt, &run);
    hypsec_run(board, attempt->cpu, &run);
    check_run_aborted(board, &run, el0 ? ec - 1 : ec, attempt->at,
                      attempt->write);
    for (int i = 0; i < PARK_NR_X; i++) {
        g_assert_cmphex(run.x[i], ==, attempt->x[i]);
    }
}

static void attempt_it(HypsecBoard *board, const HypsecAttempt *attempt,
                       int result)
{
    HypsecReturn r;

    if (is_executed(attempt)) {
        g_assert_cmpint(result, ==, HYPSEC_ABORT);
        execute(board, attempt);
        return;
    }
    r = hypsec_fire(board, &attempt->event);
    if (result == HYPSEC_ABORT) {
        hypsec_assert_aborted(&r);
    } else {
        hypsec_assert_returned(&r, result);
    }
}

static bool is_violation(int result)
{
    return result != HYPSEC_BUSY && result != HYPSEC_AGAIN &&
           result != HYPSEC_NOT_SUPPORTED;
}

static void assert_told(HypsecBoard *board, const char *by,
                        const HypsecAttack *attack)
{
    hypsec_assert_console(board, by);
    if (attack->told) {
        hypsec_assert_console(board, attack->told);
    }
}

static HypsecBoard *begin(const HypsecAttack *attack, bool halt,
                          HypsecAttempt *attempt)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){
        .cpus = 2, .halt = halt, .args = attack->args,
    });

    memset(attempt, 0, sizeof(*attempt));
    if (attack->scene) {
        hypsec_scene(board, attack->scene);
    }
    attack->prepare(board, attempt, attack->data);
    hypsec_check_tables(board);
    return board;
}

/* Twice: the first refusal leaves nothing behind that helps the second. */
static void test_refused(const void *data)
{
    const HypsecAttack *attack = data;
    HypsecAttempt attempt;
    HypsecBoard *board = begin(attack, false, &attempt);
    g_autoptr(HypsecState) before = hypsec_state(board);
    unsigned int cpu = attacker(&attempt);
    uint64_t refusals = hypsec_counters(board, cpu).refusals;
    g_autofree char *by = g_strdup_printf("refused: host cpu%u: ", cpu);

    for (int i = 0; i < 2; i++) {
        attempt_it(board, &attempt, attack->result);
        hypsec_assert_state(board, before);
    }
    if (is_violation(attack->result)) {
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals, ==,
                         refusals + 2);
        assert_told(board, by, attack);
    } else {
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals, ==, refusals);
        hypsec_assert_no_console(board, by);
    }
    if (attack->finish) {
        attack->finish(board, attack->data);
    }
}

/* The machine stops, with everything as it was. */
static void test_halts(const void *data)
{
    const HypsecAttack *attack = data;
    HypsecAttempt attempt;
    HypsecBoard *board = begin(attack, true, &attempt);
    g_autoptr(HypsecState) before = hypsec_state(board);
    HypsecRun run;

    if (!is_violation(attack->result)) {
        attempt_it(board, &attempt, attack->result);
        hypsec_assert_no_console(board, "violation");
        hypsec_assert_state(board, before);
        return;
    }
    if (is_executed(&attempt)) {
        prepare_run(&attempt, &run);
        hypsec_run_start(board, attempt.cpu, &run);
    } else {
        hypsec_post(board, &attempt.event);
    }
    hypsec_wait_event(board, "GUEST_PANICKED");
    assert_told(board, "EL2 panic: violation by the host: ", attack);
    g_assert_cmpuint(INSPECT(panicked) & UINT32_MAX, ==, 1);
    hypsec_assert_state(board, before);
}

void hypsec_add_attack(const char *program, const HypsecAttack *attack)
{
    g_autofree char *refused = g_strdup_printf("%s/refused/%s", program,
                                               attack->path);
    g_autofree char *halts = g_strdup_printf("%s/halts/%s", program,
                                             attack->path);

    qtest_add_data_func(refused, attack, test_refused);
    qtest_add_data_func(halts, attack, test_halts);
}
