/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Driving the corevisor from outside; see hypsec-lib.h.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "hypsec/inspect.h"
#include "hypsec/boot_block.h"
#include "hypsec-lib.h"
#include "hypsec-test.h"

/* Bounds every wait that has no bound of its own. */
#define WAIT_SECONDS 60
/* A test that takes longer than this hangs in a way that nothing saw. */
#define TEST_SECONDS 400
#define POLL_USEC 50

/* What an event may take at EL2, in virtual nanoseconds or instructions. */
#define EVENT_BOUND 10000000000ULL

/* The host's own: trapped where it must be, and by its own table. */
#define HOST_HCR (HCR_VM | HCR_AMO | HCR_TSC | HCR_RW)
#define HOST_HCR_NOT (HCR_TGE | HCR_IMO)
#define HCR_PENDING (HCR_VSE | HCR_VI | HCR_VF)

#define INJECT(reg) (HYPSEC_INJECT_BASE + HYPSEC_INJECT_##reg)

#define INSPECT(board) ((board)->carveout + HYPSEC_INSPECT_OFFSET)
#define PARKED "parked"
#define SCENE "scene"
#define DEFAULT_RAM 256

/* The board of the last test, for the next one that wants the same. */
static HypsecBoard *kept;
static unsigned int boards;

static void hung(int signal)
{
    static const char text[] = "\nBail out! the test hangs\n";

    if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0) {
        _exit(1);
    }
    abort();
}

static uint64_t mailbox(unsigned int cpu)
{
    return PARK_KERNEL + PARK_MAILBOXES +
           ((uint64_t)cpu << PARK_MAILBOX_SHIFT);
}

static char *read_console(HypsecBoard *board)
{
    char *text = NULL, *from, *to;

    g_assert_true(g_file_get_contents(board->console, &text, NULL, NULL));
    /* The firmware ends its lines with CR LF. */
    for (from = to = text; *from; from++) {
        if (*from != '\r') {
            *to++ = *from;
        }
    }
    *to = '\0';
    return text;
}

char *hypsec_console(HypsecBoard *board)
{
    g_autofree char *all = read_console(board);

    return g_strdup(all + MIN(board->console_from, strlen(all)));
}

/* What the console has now is not of the test that begins. */
static void skip_console(HypsecBoard *board)
{
    g_autofree char *text = read_console(board);

    board->console_from = strlen(text);
}

void hypsec_fail(HypsecBoard *board, const char *file, int line,
                 const char *func, const char *fmt, ...)
{
    g_autofree char *console = read_console(board);
    g_autofree char *message = NULL;
    g_autofree char *registers = NULL;
    va_list ap;

    va_start(ap, fmt);
    message = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_printerr("%s:%d: %s\nEL2's console:\n%s\n", file, line, message,
               console);
    /* Whatever holds QEMU up must not hold up the message above. */
    alarm(10);
    registers = qtest_hmp(board->qts, "info registers -a");
    g_printerr("%s\n", registers);
    g_assertion_message(NULL, file, line, func, message);
    abort();
}

void hypsec_wait_word(HypsecBoard *board, uint64_t pa, uint64_t value,
                      bool equal, const char *what)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;

    while ((qtest_readq(board->qts, pa) == value) != equal) {
        if (g_get_monotonic_time() > end) {
            HYPSEC_FAIL(board, "%s: nothing for %d seconds", what,
                        WAIT_SECONDS);
        }
        g_usleep(POLL_USEC);
    }
}

void hypsec_wait_parked(HypsecBoard *board, unsigned int cpu)
{
    g_autofree char *what = g_strdup_printf("parking CPU %u", cpu);

    hypsec_wait_word(board, mailbox(cpu) + PARK_ALIVE, 0, false, what);
}

uint64_t hypsec_inspect(HypsecBoard *board, size_t offset)
{
    return qtest_readq(board->qts, INSPECT(board) + offset);
}

static void find_counters(HypsecBoard *board)
{
    board->vttbr = hypsec_inspect(board, offsetof(struct hypsec_inspect,
                                                  host_root));
    board->hcr = 0;
    board->counters = qtest_readq(board->qts, INSPECT(board) +
                                  offsetof(struct hypsec_inspect, cpu_base));
    board->counters_stride =
        qtest_readl(board->qts, INSPECT(board) +
                    offsetof(struct hypsec_inspect, cpu_stride));
}

void hypsec_unpark(HypsecBoard *board, unsigned int cpu)
{
    qtest_writeq(board->qts, mailbox(cpu) + PARK_ALIVE, 0);
}

void hypsec_park(HypsecBoard *board)
{
    hypsec_wait_parked(board, 0);
    for (unsigned int cpu = 1; cpu < board->cpus && !board->config.off;
         cpu++) {
        static const uint32_t code[] = { INSN_SMC(0) };
        HypsecRun on = {
            .x = { PSCI_CPU_ON | PSCI_64, cpu, PARK_KERNEL, 0 },
            .code = code, .count = 1,
        };

        if (qtest_readq(board->qts, mailbox(cpu) + PARK_ALIVE)) {
            continue;
        }
        if (!hypsec_run(board, 0, &on) || on.x[0] != 0) {
            HYPSEC_FAIL(board, "CPU_ON of CPU %u: 0x%" PRIx64, cpu, on.x[0]);
        }
        hypsec_wait_parked(board, cpu);
    }
    find_counters(board);
}

static char *config_key(const HypsecConfig *config)
{
    return g_strdup_printf("%u %d %d %u %s %s", config->cpus, config->off,
                           config->halt, config->ram, config->machine ?: "",
                           config->args ?: "");
}

HypsecBoard *hypsec_board_new(const HypsecConfig *config)
{
    struct sigaction action = { .sa_handler = hung };
    HypsecBoard *board = g_new0(HypsecBoard, 1);
    g_autofree char *name = g_strdup_printf("el2-%u.log", boards++);
    unsigned int ram = config->ram ?: DEFAULT_RAM;

    sigaction(SIGALRM, &action, NULL);
    alarm(TEST_SECONDS);
    board->config = *config;
    board->cpus = MAX(config->cpus, 1);
    board->event_seconds = WAIT_SECONDS;
    board->key = config_key(config);
    board->console = g_strdup(hypsec_tmp_file(name, "", 0));
    board->qts = qtest_initf(
        "-accel tcg -M hypsec-virt,inject=on%s%s%s -m %uM -smp %u -nodefaults "
        "-action panic=pause,shutdown=pause -serial null -serial file:%s "
        "-bios %s -kernel %s %s",
        config->machine ? "," : "", config->machine ?: "",
        config->halt ? ",on-violation=halt" : "", ram, board->cpus,
        board->console, getenv("HYPSEC_FIRMWARE"), getenv("HYPSEC_PARK"),
        config->args ?: "");
    board->carveout = HYPSEC_RAM + (uint64_t)ram * MiB -
                      hypsec_get_uint(board->qts, "/machine", "el2-mem");
    hypsec_park(board);
    return board;
}

void hypsec_board_free(HypsecBoard *board)
{
    qtest_quit(board->qts);
    g_free(board->key);
    g_free(board->console);
    g_free(board);
}

HypsecBoard *hypsec_board(const HypsecConfig *config)
{
    g_autofree char *key = config_key(config);

    if (kept && strcmp(kept->key, key)) {
        hypsec_board_free(kept);
        kept = NULL;
    }
    if (!kept) {
        kept = hypsec_board_new(config);
        hypsec_savevm(kept, PARKED);
        skip_console(kept);
    } else {
        alarm(TEST_SECONDS);
        hypsec_loadvm(kept, PARKED);
    }
    return kept;
}

/* A job of the block layer; @id is dismissed. */
static void wait_job(QTestState *qts, const char *id)
{
    for (;;) {
        QDict *event = qtest_qmp_eventwait_ref(qts, "JOB_STATUS_CHANGE");
        QDict *data = qdict_get_qdict(event, "data");
        bool concluded = !strcmp(qdict_get_str(data, "id"), id) &&
                         !strcmp(qdict_get_str(data, "status"), "concluded");

        qobject_unref(event);
        if (concluded) {
            break;
        }
    }
    qtest_qmp_assert_success(qts, "{'execute': 'job-dismiss', 'arguments': "
                             "{'id': %s}}", id);
}

/* Gives a running QEMU a disk that snapshots can be kept in. */
static void add_snapshot_disk(HypsecBoard *board)
{
    g_autofree char *name = g_strdup_printf("disk-%u.qcow2", boards);
    const char *path = hypsec_tmp_file(name, "", 0);
    QTestState *qts = board->qts;

    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-add', 'arguments': "
                             "{'driver': 'file', 'node-name': 'file', "
                             "'filename': %s}}", path);
    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-create', "
                             "'arguments': {'job-id': 'create', 'options': "
                             "{'driver': 'qcow2', 'file': 'file', "
                             "'size': 1048576}}}");
    wait_job(qts, "create");
    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-del', 'arguments': "
                             "{'node-name': 'file'}}");
    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-add', 'arguments': "
                             "{'driver': 'qcow2', 'node-name': 'disk', "
                             "'cache': {'no-flush': true}, "
                             "'file': {'driver': 'file', 'filename': %s, "
                             "'cache': {'no-flush': true}}}}",
                             path);
    board->snapshots = true;
}

static void hmp_quiet(HypsecBoard *board, const char *command,
                      const char *name)
{
    g_autofree char *out = qtest_hmp(board->qts, "%s %s", command, name);

    if (*out) {
        HYPSEC_FAIL(board, "%s %s: %s", command, name, out);
    }
}

void hypsec_savevm(HypsecBoard *board, const char *name)
{
    if (!board->snapshots) {
        add_snapshot_disk(board);
    }
    hmp_quiet(board, "savevm", name);
}

void hypsec_loadvm(HypsecBoard *board, const char *name)
{
    hmp_quiet(board, "loadvm", name);
    skip_console(board);
    /* A machine that stood still when a test ended still does. */
    qtest_qmp_assert_success(board->qts, "{'execute': 'cont'}");
}

void hypsec_scene(HypsecBoard *board, void (*make)(HypsecBoard *board))
{
    if (board->scene == make) {
        hypsec_loadvm(board, SCENE);
        return;
    }
    make(board);
    hypsec_savevm(board, SCENE);
    board->scene = make;
}

/* Executed for real */

void hypsec_mailbox_put(HypsecBoard *board, const HypsecMailbox *box,
                        HypsecRun *run)
{
    QTestState *qts = board->qts;

    g_assert_cmpuint((run->count + 1) * 4, <=, PARK_CODE_BYTES);
    run->code_pc = box->address + PARK_CODE;
    for (int i = 0; i < PARK_NR_X; i++) {
        qtest_writeq(qts, box->pa + PARK_X + i * 8, run->x[i]);
    }
    for (size_t i = 0; i < run->count; i++) {
        qtest_writel(qts, box->pa + PARK_CODE + i * 4, run->code[i]);
    }
    qtest_writel(qts, box->pa + PARK_CODE + run->count * 4, INSN_BRK);
    qtest_writeq(qts, box->pa + PARK_PC, run->pc ?: run->code_pc);
    qtest_writeq(qts, box->pa + PARK_PSTATE, run->pstate ?: PSTATE_EL1H);
    qtest_writeq(qts, box->pa + PARK_GO, 1);
}

bool hypsec_mailbox_take(HypsecBoard *board, const HypsecMailbox *box,
                         HypsecRun *run)
{
    QTestState *qts = board->qts;

    for (int i = 0; i < PARK_NR_X; i++) {
        run->x[i] = qtest_readq(qts, box->pa + PARK_X + i * 8);
    }
    run->vector = qtest_readq(qts, box->pa + PARK_X30) - 4 - box->vectors;
    run->esr = qtest_readq(qts, box->pa + PARK_ESR);
    run->far = qtest_readq(qts, box->pa + PARK_FAR);
    run->elr = qtest_readq(qts, box->pa + PARK_ELR);
    run->spsr = qtest_readq(qts, box->pa + PARK_SPSR);
    return ESR_EC(run->esr) == EC_BRK64 &&
           run->elr == run->code_pc + run->count * 4;
}

static HypsecMailbox host_mailbox(HypsecBoard *board, unsigned int cpu)
{
    g_assert_cmpuint(cpu, <, board->cpus);
    return (HypsecMailbox){
        .pa = mailbox(cpu), .address = mailbox(cpu),
        .vectors = PARK_KERNEL + PARK_VECTORS,
    };
}

void hypsec_run_start(HypsecBoard *board, unsigned int cpu, HypsecRun *run)
{
    HypsecMailbox box = host_mailbox(board, cpu);

    hypsec_mailbox_put(board, &box, run);
}

bool hypsec_run_wait(HypsecBoard *board, unsigned int cpu, HypsecRun *run)
{
    g_autofree char *what = g_strdup_printf("CPU %u", cpu);
    HypsecMailbox box = host_mailbox(board, cpu);

    hypsec_wait_word(board, box.pa + PARK_GO, 0, true, what);
    return hypsec_mailbox_take(board, &box, run);
}

bool hypsec_run(HypsecBoard *board, unsigned int cpu, HypsecRun *run)
{
    hypsec_run_start(board, cpu, run);
    return hypsec_run_wait(board, cpu, run);
}

/* Injected */

HypsecEvent hypsec_event(uint32_t type, unsigned int cpu)
{
    HypsecEvent event = {
        .type = type,
        .flags = HYPSEC_INJECT_F_USE_PC | HYPSEC_INJECT_F_USE_PSTATE,
        .cpu = cpu,
        .esr = hypsec_inject_default_esr(type),
        .pc = HYPSEC_EVENT_PC,
        .pstate = HYPSEC_EVENT_PSTATE,
        .xmask = 0x7fffffff,
        .bound = EVENT_BOUND,
    };

    for (int i = 0; i < 31; i++) {
        event.x[i] = 0x5ec0de0000000000ULL + 0x1000101 * i;
    }
    return event;
}

static void set_arguments(HypsecEvent *event, uint64_t x0, uint64_t x1,
                          uint64_t x2, uint64_t x3)
{
    event->x[0] = x0;
    event->x[1] = x1;
    event->x[2] = x2;
    event->x[3] = x3;
}

HypsecEvent hypsec_event_hvc(unsigned int cpu, uint64_t x0, uint64_t x1,
                             uint64_t x2, uint64_t x3)
{
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_HVC, cpu);

    set_arguments(&event, x0, x1, x2, x3);
    return event;
}

HypsecEvent hypsec_event_smc(unsigned int cpu, uint64_t x0, uint64_t x1,
                             uint64_t x2, uint64_t x3)
{
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_SMC, cpu);

    set_arguments(&event, x0, x1, x2, x3);
    return event;
}

HypsecEvent hypsec_event_dabt(unsigned int cpu, uint64_t ipa, uint32_t iss)
{
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_DABT, cpu);

    event.esr = ESR(EC_DABT_LOW, iss);
    event.far = ipa;
    event.hpfar = HYPSEC_HPFAR(ipa);
    return event;
}

HypsecEvent hypsec_event_iabt(unsigned int cpu, uint64_t ipa, uint32_t iss)
{
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_IABT, cpu);

    event.esr = ESR(EC_IABT_LOW, iss);
    event.pc = ipa;
    event.far = ipa;
    event.hpfar = HYPSEC_HPFAR(ipa);
    return event;
}

HypsecEvent hypsec_event_trap(unsigned int cpu, unsigned int ec, uint32_t iss)
{
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_SYSREG, cpu);

    event.flags |= HYPSEC_INJECT_F_FORCE_EL2;
    event.esr = ESR(ec, iss);
    return event;
}

/* Records are little-endian, all fields but a few have 64 bits. */
static void swap_event(HypsecEvent *event)
{
    uint64_t *word = (uint64_t *)event;

    event->type = cpu_to_le32(event->type);
    event->flags = cpu_to_le32(event->flags);
    event->cpu = cpu_to_le32(event->cpu);
    event->repeat = cpu_to_le32(event->repeat);
    for (size_t i = 2; i < sizeof(*event) / 8; i++) {
        word[i] = cpu_to_le64(word[i]);
    }
}

static void swap_completion(struct hypsec_inject_comp *c)
{
    uint64_t *word = (uint64_t *)c;

    c->status = le32_to_cpu(c->status);
    c->reason = le32_to_cpu(c->reason);
    c->flags = le32_to_cpu(c->flags);
    c->cpu = le32_to_cpu(c->cpu);
    c->type = le32_to_cpu(c->type);
    c->sq_index = le32_to_cpu(c->sq_index);
    c->vector = le32_to_cpu(c->vector);
    c->el = le32_to_cpu(c->el);
    for (size_t i = 0; i < sizeof(*c) / 8; i++) {
        size_t at = i * 8;

        if (at == offsetof(struct hypsec_inject_comp, cookie) ||
            (at >= offsetof(struct hypsec_inject_comp, x) &&
             at != offsetof(struct hypsec_inject_comp, vector))) {
            word[i] = le64_to_cpu(word[i]);
        }
    }
}

static void write_event(HypsecBoard *board, uint64_t pa,
                        const HypsecEvent *event)
{
    HypsecEvent raw = *event;

    swap_event(&raw);
    qtest_memwrite(board->qts, pa, &raw, sizeof(raw));
}

static struct hypsec_inject_comp read_completion(HypsecBoard *board,
                                                 uint64_t pa)
{
    struct hypsec_inject_comp c;

    qtest_memread(board->qts, pa, &c, sizeof(c));
    swap_completion(&c);
    return c;
}

char *hypsec_describe(const HypsecReturn *r)
{
    static const char *const statuses[] = {
        "none", "returned by EL2", "taken to EL1", "not trapped", "refused",
        "HUNG", "PANICKED", "at EL2's vector", "CPU turned off",
    };
    const struct hypsec_inject_comp *c = &r->c;
    const HypsecEvent *e = &r->event;
    GString *s = g_string_new(NULL);

    g_string_printf(s, "event: type %u flags 0x%x cpu %u esr 0x%" PRIx64
                    " far 0x%" PRIx64 " hpfar 0x%" PRIx64 " pc 0x%" PRIx64
                    " pstate 0x%" PRIx64 "\n",
                    e->type, e->flags, e->cpu, e->esr, e->far, e->hpfar,
                    e->pc, e->pstate);
    g_string_append_printf(
        s, "completion: %s, reason %u, flags 0x%x, %" PRIu64 " times\n"
        "EL%u pc 0x%" PRIx64 " pstate 0x%" PRIx64 " vector 0x%x\n"
        "ESR_EL1 0x%" PRIx64 " FAR_EL1 0x%" PRIx64 " ELR_EL1 0x%" PRIx64
        " SPSR_EL1 0x%" PRIx64 "\n"
        "HCR_EL2 0x%" PRIx64 " VTTBR_EL2 0x%" PRIx64 "\n",
        c->status < ARRAY_SIZE(statuses) ? statuses[c->status] : "?",
        c->reason, c->flags, c->count, c->el, c->pc, c->pstate, c->vector,
        c->esr_el1, c->far_el1, c->elr_el1, c->spsr_el1, c->hcr_el2,
        c->vttbr_el2);
    for (int i = 0; i < 31; i++) {
        if (c->x[i] != e->x[i] || i < 4) {
            g_string_append_printf(s, "x%d 0x%" PRIx64 " -> 0x%" PRIx64 "\n",
                                   i, e->x[i], c->x[i]);
        }
    }
    return g_string_free(s, false);
}

/* Fails the test for what is wrong with @r. */
static void G_GNUC_PRINTF(5, 6) G_NORETURN
wrong(const HypsecReturn *r, const char *file, int line, const char *func,
      const char *fmt, ...)
{
    g_autofree char *description = hypsec_describe(r);
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, fmt);
    what = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    hypsec_fail(r->board, file, line, func, "%s\n%s", what, description);
}

#define CHECK(r, condition) \
    do { \
        if (!(condition)) { \
            wrong(r, file, line, func, "not so: %s", #condition); \
        } \
    } while (0)

/* What holds after every event that EL2 is to survive. */
static void check_survived(const HypsecReturn *r, const char *file, int line,
                           const char *func)
{
    const struct hypsec_inject_comp *c = &r->c;
    HypsecBoard *board = r->board;

    CHECK(r, c->status != HYPSEC_INJECT_S_HUNG);
    CHECK(r, c->status != HYPSEC_INJECT_S_PANICKED);
    CHECK(r, c->status != HYPSEC_INJECT_S_REFUSED);
    if (c->status == HYPSEC_INJECT_S_DONE_OFF) {
        return;
    }
    CHECK(r, !(c->flags & HYPSEC_INJECT_CF_WRONG_WORLD));
    CHECK(r, c->el <= 1);
    CHECK(r, c->vttbr_el2 == board->vttbr);
    CHECK(r, (c->hcr_el2 & HOST_HCR) == HOST_HCR);
    CHECK(r, (c->hcr_el2 & HOST_HCR_NOT) == 0);
    if (!board->hcr) {
        board->hcr = c->hcr_el2 & ~HCR_PENDING;
    }
    CHECK(r, (c->hcr_el2 & ~HCR_PENDING) == board->hcr);
}

static void wait_status(HypsecBoard *board, const HypsecEvent *event,
                        uint32_t bits)
{
    gint64 start = g_get_monotonic_time();
    gint64 end = start + board->event_seconds * G_USEC_PER_SEC;

    while (!(qtest_readl(board->qts, INJECT(STATUS)) & bits)) {
        gint64 now = g_get_monotonic_time();

        if (now > end) {
            HypsecReturn r = { .board = board, .event = *event };

            wrong(&r, __FILE__, __LINE__, G_STRFUNC,
                  "no completion after %.0f seconds", board->event_seconds);
        }
        if (now > start + 1000) {
            g_usleep(POLL_USEC);
        }
    }
}

static void fire_start(HypsecBoard *board, HypsecEvent *event)
{
    event->cookie = ++board->cookie;
    write_event(board, INJECT(DESC), event);
    qtest_writel(board->qts, INJECT(STATUS), HYPSEC_INJECT_STATUS_DONE);
    qtest_writel(board->qts, INJECT(DOORBELL), HYPSEC_INJECT_DOORBELL_FIRE);
}

static HypsecReturn fire_wait(HypsecBoard *board, const HypsecEvent *event)
{
    HypsecReturn r = { .board = board, .event = *event };

    wait_status(board, event, HYPSEC_INJECT_STATUS_DONE);
    r.c = read_completion(board, INJECT(COMP));
    if (r.c.cookie != event->cookie) {
        wrong(&r, __FILE__, __LINE__, G_STRFUNC,
              "the completion of another event");
    }
    return r;
}

HypsecReturn hypsec_try(HypsecBoard *board, const HypsecEvent *event)
{
    HypsecEvent mine = *event;

    fire_start(board, &mine);
    return fire_wait(board, &mine);
}

void hypsec_post(HypsecBoard *board, const HypsecEvent *event)
{
    HypsecEvent mine = *event;

    fire_start(board, &mine);
}

HypsecReturn hypsec_fire(HypsecBoard *board, const HypsecEvent *event)
{
    HypsecReturn r = hypsec_try(board, event);

    check_survived(&r, __FILE__, __LINE__, G_STRFUNC);
    return r;
}

HypsecReturn hypsec_hvc(HypsecBoard *board, unsigned int cpu, uint64_t x0,
                        uint64_t x1, uint64_t x2, uint64_t x3)
{
    HypsecEvent event = hypsec_event_hvc(cpu, x0, x1, x2, x3);

    return hypsec_fire(board, &event);
}

HypsecReturn hypsec_smc(HypsecBoard *board, unsigned int cpu, uint64_t x0,
                        uint64_t x1, uint64_t x2, uint64_t x3)
{
    HypsecEvent event = hypsec_event_smc(cpu, x0, x1, x2, x3);

    return hypsec_fire(board, &event);
}

HypsecReturn hypsec_dabt(HypsecBoard *board, unsigned int cpu, uint64_t ipa,
                         uint32_t iss)
{
    HypsecEvent event = hypsec_event_dabt(cpu, ipa, iss);

    return hypsec_fire(board, &event);
}

HypsecReturn hypsec_iabt(HypsecBoard *board, unsigned int cpu, uint64_t ipa,
                         uint32_t iss)
{
    HypsecEvent event = hypsec_event_iabt(cpu, ipa, iss);

    return hypsec_fire(board, &event);
}

HypsecReturn hypsec_mmio_read(HypsecBoard *board, unsigned int cpu,
                              uint64_t ipa, unsigned int log2,
                              unsigned int rt)
{
    return hypsec_dabt(board, cpu, ipa, ISS_ACCESS(log2, 0, rt, log2 == 3) |
                       FSC_TRANSLATION | FSC_LEVEL_3);
}

HypsecReturn hypsec_mmio_write(HypsecBoard *board, unsigned int cpu,
                               uint64_t ipa, unsigned int log2,
                               unsigned int rt)
{
    return hypsec_dabt(board, cpu, ipa, ISS_ACCESS(log2, 0, rt, log2 == 3) |
                       ISS_WNR | FSC_TRANSLATION | FSC_LEVEL_3);
}

HypsecReturn hypsec_serror(HypsecBoard *board, unsigned int cpu, uint32_t iss)
{
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_SERROR, cpu);

    event.esr = ESR(EC_SERROR, iss);
    event.pstate &= ~(1u << 8);
    return hypsec_fire(board, &event);
}

HypsecReturn hypsec_trap(HypsecBoard *board, unsigned int cpu,
                         unsigned int ec, uint32_t iss)
{
    HypsecEvent event = hypsec_event_trap(cpu, ec, iss);

    return hypsec_fire(board, &event);
}

void hypsec_ring_put(HypsecBoard *board, const HypsecEvent *events, size_t n)
{
    uint32_t tail = qtest_readl(board->qts, INJECT(SQ_TAIL));

    g_assert_cmpuint(n, <=, HYPSEC_RING_MAX);
    for (size_t i = 0; i < n; i++) {
        HypsecEvent event = events[i];

        event.cookie = i;
        write_event(board, INJECT(SQ) + tail * HYPSEC_INJECT_RECORD_BYTES,
                    &event);
        tail = (tail + 1) % HYPSEC_INJECT_SQ_ENTRIES;
    }
    qtest_writel(board->qts, INJECT(SQ_TAIL), tail);
}

void hypsec_wait_ring(HypsecBoard *board)
{
    HypsecEvent event = { .type = 0 };

    wait_status(board, &event, HYPSEC_INJECT_STATUS_CQ_READY);
}

void hypsec_ring_take(HypsecBoard *board, const HypsecEvent *events, size_t n,
                      HypsecReturn *returns)
{
    g_autofree bool *seen = g_new0(bool, n);

    for (size_t i = 0; i < n; i++) {
        struct hypsec_inject_comp c;
        uint32_t head;

        wait_status(board, &events[0], HYPSEC_INJECT_STATUS_CQ_READY);
        head = qtest_readl(board->qts, INJECT(CQ_HEAD));
        c = read_completion(board, INJECT(CQ) +
                            head * HYPSEC_INJECT_RECORD_BYTES);
        qtest_writel(board->qts, INJECT(CQ_HEAD),
                     (head + 1) % HYPSEC_INJECT_CQ_ENTRIES);
        if (c.cookie >= n || seen[c.cookie]) {
            HYPSEC_FAIL(board, "a completion that nobody asked for: cookie %"
                        PRIu64, c.cookie);
        }
        seen[c.cookie] = true;
        returns[c.cookie] = (HypsecReturn){
            .board = board, .event = events[c.cookie], .c = c,
        };
    }
}

void hypsec_ring(HypsecBoard *board, const HypsecEvent *events, size_t n,
                 HypsecReturn *returns)
{
    for (size_t done = 0; done < n; ) {
        size_t part = MIN(n - done, HYPSEC_RING_MAX);

        hypsec_ring_put(board, events + done, part);
        hypsec_ring_take(board, events + done, part, returns + done);
        done += part;
    }
    for (size_t i = 0; i < n; i++) {
        check_survived(&returns[i], __FILE__, __LINE__, G_STRFUNC);
    }
}

/* What the host sees */

static void check_registers(const HypsecReturn *r, int from, const char *file,
                            int line, const char *func)
{
    for (int i = from; i < 31; i++) {
        if (r->c.x[i] != r->event.x[i]) {
            wrong(r, file, line, func, "x%d is not kept", i);
        }
    }
}

void hypsec_check_returned(const HypsecReturn *r, uint64_t value,
                           const char *file, int line, const char *func)
{
    CHECK(r, r->c.status == HYPSEC_INJECT_S_DONE_EL2);
    CHECK(r, !(r->c.flags & HYPSEC_INJECT_CF_INJECTED));
    if (r->c.x[0] != value) {
        wrong(r, file, line, func, "x0 is not 0x%" PRIx64, value);
    }
    check_registers(r, 1, file, line, func);
    CHECK(r, r->c.pc == r->event.pc + 4);
    CHECK(r, r->c.pstate == r->event.pstate);
}

void hypsec_check_retried(const HypsecReturn *r, const char *file, int line,
                          const char *func)
{
    CHECK(r, r->c.status == HYPSEC_INJECT_S_DONE_EL2);
    CHECK(r, !(r->c.flags & HYPSEC_INJECT_CF_INJECTED));
    check_registers(r, 0, file, line, func);
    CHECK(r, r->c.pc == r->event.pc);
    CHECK(r, r->c.pstate == r->event.pstate);
}

static bool from_el0(const HypsecReturn *r)
{
    return (r->event.pstate & 0xf) == 0;
}

/* EL1 enters its synchronous vector as the architecture enters it. */
static void check_injected(const HypsecReturn *r, uint64_t esr,
                           const char *file, int line, const char *func)
{
    uint32_t vector = from_el0(r) ? VECTOR_EL0 :
                      (r->event.pstate & 1) ? VECTOR_EL1H : VECTOR_EL1T;

    CHECK(r, r->c.status == HYPSEC_INJECT_S_DONE_EL2);
    CHECK(r, r->c.flags & HYPSEC_INJECT_CF_INJECTED);
    check_registers(r, 0, file, line, func);
    CHECK(r, r->c.vector == vector);
    CHECK(r, r->c.pc == r->c.vbar_el1 + vector);
    CHECK(r, r->c.el == 1);
    CHECK(r, r->c.elr_el1 == r->event.pc);
    CHECK(r, r->c.spsr_el1 == r->event.pstate);
    CHECK(r, r->c.pstate == ((r->event.pstate & 0xf0000000) | PSTATE_EL1H));
    if (r->c.esr_el1 != esr) {
        wrong(r, file, line, func, "ESR_EL1 is not 0x%" PRIx64, esr);
    }
}

void hypsec_check_undefined(const HypsecReturn *r, const char *file, int line,
                            const char *func)
{
    check_injected(r, ESR(EC_UNKNOWN, 0), file, line, func);
}

void hypsec_check_aborted(const HypsecReturn *r, const char *file, int line,
                          const char *func)
{
    bool fetch = r->event.type == HYPSEC_INJECT_IABT;
    unsigned int ec = fetch ? EC_IABT_CUR : EC_DABT_CUR;
    uint64_t esr;

    if (from_el0(r)) {
        ec = fetch ? EC_IABT_LOW : EC_DABT_LOW;
    }
    esr = ESR(ec, FSC_EXTERNAL);
    /* IL is set for every abort without ISV, as this one is. */
    if (!fetch) {
        esr |= r->event.esr & ISS_WNR;
    }
    check_injected(r, esr, file, line, func);
    CHECK(r, r->c.far_el1 == r->event.far);
}

void hypsec_check_at_el1(const HypsecReturn *r, uint32_t vector,
                         const char *file, int line, const char *func)
{
    CHECK(r, r->c.status == HYPSEC_INJECT_S_DONE_EL1);
    CHECK(r, r->c.vector == vector);
    CHECK(r, r->c.el == 1);
    CHECK(r, r->c.elr_el1 == r->event.pc);
    CHECK(r, r->c.spsr_el1 == r->event.pstate);
    check_registers(r, 0, file, line, func);
}

void hypsec_check_not_trapped(const HypsecReturn *r, uint32_t reason,
                              const char *file, int line, const char *func)
{
    CHECK(r, r->c.status == HYPSEC_INJECT_S_NOT_TRAPPED);
    CHECK(r, r->c.reason == reason);
}

/* What the firmware says, counts and maps */

void hypsec_check_console(HypsecBoard *board, const char *text, bool there,
                          const char *file, int line, const char *func)
{
    g_autofree char *console = hypsec_console(board);

    if ((strstr(console, text) != NULL) != there) {
        hypsec_fail(board, file, line, func, "EL2's console %s \"%s\"",
                    there ? "lacks" : "has", text);
    }
}

HypsecCounters hypsec_counters(HypsecBoard *board, unsigned int cpu)
{
    struct hypsec_inspect_cpu raw;

    qtest_memread(board->qts,
                  board->counters + cpu * board->counters_stride,
                  &raw, sizeof(raw));
    return (HypsecCounters){
        .refusals = le64_to_cpu(raw.refusals),
        .host_s2_faults = le64_to_cpu(raw.host_s2_faults),
        .hypercalls = le64_to_cpu(raw.hypercalls),
        .smcs = le64_to_cpu(raw.smcs),
        .world = le32_to_cpu(raw.world),
    };
}

uint64_t hypsec_table_entry(HypsecBoard *board, uint64_t root, uint64_t ipa)
{
    /* Start level 1, two pages of it; 4 KiB granule. */
    uint64_t table = root;
    uint64_t index = ipa >> 30;

    if (ipa >= 1ULL << 40) {
        return 0;
    }
    for (int level = 1; ; level++) {
        uint64_t entry = qtest_readq(board->qts, table + index * 8);

        if (!(entry & 1)) {
            return 0;
        }
        if (level == 3 || !(entry & 2)) {
            return entry;
        }
        table = entry & 0xfffffffff000ULL;
        index = (ipa >> (30 - 9 * level)) & 0x1ff;
    }
}

uint64_t hypsec_s2_entry(HypsecBoard *board, uint64_t ipa)
{
    return hypsec_table_entry(board, board->vttbr, ipa);
}

void hypsec_wait_event(HypsecBoard *board, const char *name)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;
    QDict *event;

    while (!(event = qtest_qmp_event_ref(board->qts, name))) {
        if (g_get_monotonic_time() > end) {
            HYPSEC_FAIL(board, "no QMP event %s within %d seconds", name,
                        WAIT_SECONDS);
        }
        g_usleep(1000);
        /* Events that have come are kept while a reply is read. */
        qtest_qmp_assert_success(board->qts, "{'execute': 'query-name'}");
    }
    qobject_unref(event);
}

void hypsec_assert_panicked(HypsecBoard *board, const char *reason)
{
    hypsec_wait_event(board, "GUEST_PANICKED");
    hypsec_assert_console(board, reason);
    g_assert_cmpuint(qtest_readl(board->qts, INSPECT(board) +
                                 offsetof(struct hypsec_inspect, panicked)),
                     ==, 1);
}

bool hypsec_lib_init(int *argc, char ***argv)
{
    g_test_init(argc, argv, NULL);
    if (!getenv("HYPSEC_FIRMWARE") || !getenv("HYPSEC_PARK")) {
        g_printerr("HYPSEC_FIRMWARE and HYPSEC_PARK must name the images\n");
        return false;
    }
    return true;
}

int hypsec_lib_run(void)
{
    int ret;

    ret = g_test_run();
    if (kept) {
        hypsec_board_free(kept);
        kept = NULL;
    }
    hypsec_test_cleanup();
    return ret;
}
