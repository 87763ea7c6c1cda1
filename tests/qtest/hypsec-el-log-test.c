/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtests of what the exception-level observer says about each change: cause
 * and world, in counters (target-hooks/hypsec-el-observer.h) and in the
 * recorder's log (target-hooks/hypsec-el-log.h).
 */
#include "qemu/osdep.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "hypsec/boot_block.h"
#include "hypsec/inspect.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qobject/qdict.h"
#include "target/arm/hypsec/hypsec-el-log.h"
#include "hypsec-test.h"

#define OBSERVER "/machine/peripheral/obs"
#define ICOUNT "-icount shift=0,sleep=off"
#define WAIT_SECONDS 60

/* A board with 256 MiB: 18 MiB of it are EL2's. */
#define CARVEOUT 0x4ee00000ULL
#define INSPECT (CARVEOUT + HYPSEC_INSPECT_OFFSET)
#define INSPECT_CPUS (INSPECT + 0x800)
/* Two concatenated root tables. */
#define STAGE2 0x44000000ULL
#define OFF 0xff

typedef struct Log {
    HypsecElLogHeader header;
    gsize size;
    uint64_t count;
    HypsecElLogRecord records[4096];
} Log;

static char *log_path(void)
{
    /* For the clean-up. */
    return g_strdup(hypsec_tmp_file("el.log", "", 0));
}

static QTestState *start(const char *firmware, const char *args)
{
    return qtest_initf("-accel tcg -M hypsec-virt -m 256M -bios %s -S "
                       "-net none -device hypsec-el-observer,id=obs%s",
                       firmware, args);
}

static QTestState *start_log(const char *firmware, const char *path,
                             const char *args)
{
    g_autofree char *all = g_strdup_printf(",log=%s%s", path, args);

    return start(firmware, all);
}

static void cont(QTestState *qts)
{
    qtest_qmp_assert_success(qts, "{'execute': 'cont'}");
}

static void wait_for(QTestState *qts, const char *name, uint64_t least)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;

    while (hypsec_get_uint(qts, OBSERVER, name) < least) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(1000);
    }
}

/* Runs the program until it is at EL2 again. */
static void run(QTestState *qts)
{
    cont(qts);
    wait_for(qts, "el2-entries", 1);
}

static uint64_t cause_count(QTestState *qts, const char *world,
                            const char *cause)
{
    QDict *ret = qtest_qmp(qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': %s}}", OBSERVER, world);
    uint64_t count = qdict_get_int(qdict_get_qdict(ret, "return"), cause);

    qobject_unref(ret);
    return count;
}

static Log *read_log(const char *path)
{
    Log *log = g_new0(Log, 1);
    g_autofree char *data = NULL;
    uint32_t start;

    g_assert_true(g_file_get_contents(path, &data, &log->size, NULL));
    g_assert_cmpuint(log->size, >=, sizeof(log->header));
    memcpy(&log->header, data, sizeof(log->header));
    g_assert_cmphex(le64_to_cpu(log->header.magic), ==, HYPSEC_EL_LOG_MAGIC);
    start = le32_to_cpu(log->header.header_bytes);
    g_assert_cmpuint(start, <=, log->size);
    log->count = (log->size - start) / sizeof(log->records[0]);
    g_assert_cmpuint(log->count, <=, ARRAY_SIZE(log->records));
    g_assert_cmpuint(log->size, ==,
                     start + log->count * sizeof(log->records[0]));
    memcpy(log->records, data + start,
           log->count * sizeof(log->records[0]));
    return log;
}

/* The name that the log has for a cause. */
static void assert_cause(const char *path, const HypsecElLogRecord *r,
                         const char *cause)
{
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    g_assert_cmpstr(data + sizeof(HypsecElLogHeader) +
                    r->cause * HYPSEC_EL_LOG_NAME_BYTES, ==, cause);
}

/* An exception is counted for its cause, and so is each ERET. */
static void test_causes(void)
{
    QTestState *qts = start(hypsec_levels(NULL, 0), "");

    run(qts);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "ERET"), ==, 2);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "SVC"), ==, 1);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "HVC"), ==, 1);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "IRQ"), ==, 0);
    g_assert_cmpuint(cause_count(qts, "causes-host", "ERET"), ==, 0);
    qtest_quit(qts);
}

/* A cause that a program at EL0 runs into. */
typedef struct Cause {
    const char *name;
    uint32_t insn;
} Cause;

static const Cause causes[] = {
    { "SVC", 0xd4000001 },      /* svc #0 */
    { "BRK", 0xd4200000 },      /* brk #0 */
    { "UNDEF", 0x00000000 },    /* udf #0 */
    { "UNDEF", 0xd4000002 },    /* hvc #0: not at EL0 */
    { "SYSREG", 0xd53b0020 },   /* mrs x0, ctr_el0: SCTLR_EL1.UCT is 0 */
    { "DABT", 0xf9400000 },     /* ldr x0, [x0], x0 = ~0 */
    { "IABT", 0xd61f0020 },     /* br x1, x1 = 1 << 50 */
    { "ALIGN", 0xd61f0040 },    /* br x2, x2 = 2 */
    { "FP", 0x1e260000 },       /* fmov w0, s0, trapped by CPACR_EL1 */
};

/* Each exception class has its name. */
static void test_cause(const void *data)
{
    const Cause *cause = data;
    uint32_t el0[] = {
        0x92800000, /* mov x0, #~0 */
        0xd2e00081, /* mov x1, #1 << 50 */
        0xd2800042, /* mov x2, #2 */
        cause->insn,
        0xd4000001, /* svc #0 */
    };
    QTestState *qts = start(hypsec_levels(el0, sizeof(el0)), "");

    run(qts);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", cause->name), ==, 1);
    qtest_quit(qts);
}

static void assert_record(const Log *log, int i, int from, int to,
                          uint64_t instructions)
{
    const HypsecElLogRecord *r = &log->records[i];

    g_test_message("record %d", i);
    g_assert_cmpuint(log->count, >, i);
    g_assert_cmpuint(r->from, ==, from);
    g_assert_cmpuint(r->to, ==, to);
    g_assert_cmpuint(le64_to_cpu(r->instructions), ==, instructions);
}

/* The log has each change with its exact instruction count and time. */
static void test_records(void)
{
    static const uint32_t el0[] = {
        0xd2824680, /* mov x0, #0x1234 */
        0xd40000e1, /* svc #7 */
    };
    g_autofree char *path = log_path();
    QTestState *qts = start_log(hypsec_levels(el0, sizeof(el0)), path,
                                " " ICOUNT);
    g_autofree Log *log = NULL;

    run(qts);
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 5);
    assert_record(log, 0, OFF, 2, 0);
    assert_cause(path, &log->records[0], "RESET");
    assert_record(log, 1, 2, 1, 9);
    assert_cause(path, &log->records[1], "ERET");
    assert_record(log, 2, 1, 0, 16);
    assert_record(log, 3, 0, 1, 18);
    assert_cause(path, &log->records[3], "SVC");
    g_assert_cmphex(le32_to_cpu(log->records[3].esr), ==, 0x56000007);
    assert_record(log, 4, 1, 2, 19);
    assert_cause(path, &log->records[4], "HVC");
    g_assert_cmphex(le64_to_cpu(log->records[4].value), ==, 0x1234);
    g_assert_cmpuint(le64_to_cpu(log->records[4].ns), ==, 19);
}

/* A closed log says so, and how much is in it. */
static void test_closed(void)
{
    g_autofree char *path = log_path();
    QTestState *qts = start_log(hypsec_levels(NULL, 0), path, "");
    g_autofree Log *log = NULL;

    run(qts);
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmphex(le32_to_cpu(log->header.flags), ==, HYPSEC_EL_LOG_CLOSED);
    g_assert_cmpuint(le64_to_cpu(log->header.records), ==, log->count);
    g_assert_cmpuint(le64_to_cpu(log->header.dropped), ==, 0);
    g_assert_cmpuint(le64_to_cpu(log->header.end_ns), >=,
                     le64_to_cpu(log->records[log->count - 1].ns));
    for (int i = 0; i < log->count; i++) {
        g_assert_cmpuint(le64_to_cpu(log->records[i].instructions), ==, 0);
    }
}

/* What is recorded can be read while the machine is stopped. */
static void test_stopped(void)
{
    g_autofree char *path = log_path();
    QTestState *qts = start_log(hypsec_levels(NULL, 0), path, "");
    g_autofree Log *log = NULL;

    run(qts);
    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    log = read_log(path);
    g_assert_cmphex(le32_to_cpu(log->header.flags), ==, 0);
    g_assert_cmpuint(log->count, ==, 5);
    g_assert_cmpuint(hypsec_get_uint(qts, OBSERVER, "log-records"), ==, 5);
    qtest_quit(qts);
}

/* EL0 that does BRK for ever; EL1 answers with ERET to the same BRK. */
static const char *endless_firmware(void)
{
    static const uint32_t brk[] = { 0xd4200000 };
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(hypsec_levels(brk, sizeof(brk)), &data,
                                      &size, NULL));
    stl_le_p(data + 0xc00, 0xd69f03e0); /* eret */
    return hypsec_tmp_file("endless.bin", data, size);
}

/* A guest cannot make the log grow beyond its limit. */
static void test_limit(void)
{
    g_autofree char *path = log_path();
    QTestState *qts = start_log(endless_firmware(), path, ",log-limit=4k");
    g_autofree Log *log = NULL;
    uint64_t dropped;

    cont(qts);
    wait_for(qts, "log-dropped", 10000);
    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    dropped = hypsec_get_uint(qts, OBSERVER, "log-dropped");
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->size, <=, 4096);
    g_assert_cmpuint(log->size, >, 4096 - sizeof(HypsecElLogRecord));
    g_assert_cmpuint(le64_to_cpu(log->header.records), ==, log->count);
    g_assert_cmpuint(le64_to_cpu(log->header.dropped), ==, dropped);
}

/* When the file system is full the machine runs on, and drops are counted. */
static void test_full(void)
{
    g_autofree char *path = log_path();
    struct rlimit old, limit;
    g_autofree Log *log = NULL;
    QTestState *qts;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
    limit = old;
    limit.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    qts = start_log(endless_firmware(), path, "");
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);

    cont(qts);
    wait_for(qts, "log-dropped", 10000);
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->size, <=, 50000);
    g_assert_cmpuint(log->count, >, 1000);
    g_assert_cmphex(le32_to_cpu(log->header.flags), ==, HYPSEC_EL_LOG_CLOSED);
    g_assert_cmpuint(le64_to_cpu(log->header.records), ==, log->count);
    g_assert_cmpuint(le64_to_cpu(log->header.dropped), >=, 10000);
}

/* A reset is in the log, and starts the counts over. */
static void test_reset(void)
{
    g_autofree char *path = log_path();
    QTestState *qts = start_log(hypsec_levels(NULL, 0), path, "");
    g_autofree Log *log = NULL;

    run(qts);
    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    qtest_system_reset(qts);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "HVC"), ==, 0);
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 6);
    assert_record(log, 5, 2, 2, 0);
    assert_cause(path, &log->records[5], "RESET");
}

/* CPU_ON and CPU_OFF, which QEMU does itself, are seen. */
static void test_psci(void)
{
    static const uint32_t code[] = {
        0xd53800a4, /* mrs x4, mpidr_el1 */
        0x92401c84, /* and x4, x4, #0xff */
        0xb50000e4, /* cbnz x4, .+28 */
        0xd2b88000, /* mov x0, #0xc4000000 */
        0xf2800060, /* movk x0, #0x3: CPU_ON */
        0xd2800021, /* mov x1, #1 */
        0xd2800002, /* mov x2, #0 */
        0xd4000003, /* smc #0 */
        INSN_LOOP,
        0xd2b08000, /* mov x0, #0x84000000 */
        0xf2800040, /* movk x0, #0x2: CPU_OFF */
        0xd4000003, /* smc #0 */
        INSN_LOOP,
    };
    const char *firmware = hypsec_tmp_file("psci.bin", code, sizeof(code));
    g_autofree char *path = log_path();
    QTestState *qts = start_log(firmware, path, " -smp 2");
    g_autofree Log *log = NULL;

    cont(qts);
    wait_for(qts, "log-records", 4);
    g_assert_cmpuint(cause_count(qts, "causes-el2", "CPU_ON"), ==, 1);
    g_assert_cmpuint(cause_count(qts, "causes-el2", "CPU_OFF"), ==, 1);
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 4);
    assert_record(log, 1, OFF, OFF, 0);
    assert_record(log, 2, OFF, 2, 0);
    assert_cause(path, &log->records[2], "CPU_ON");
    g_assert_cmpuint(le16_to_cpu(log->records[2].cpu), ==, 1);
    assert_record(log, 3, 2, OFF, 0);
    assert_cause(path, &log->records[3], "CPU_OFF");
}

/* Counts and log go on in the machine that a state was loaded into. */
static void test_migration(void)
{
    const char *state = hypsec_tmp_file("state", "", 0);
    const char *firmware = hypsec_levels(NULL, 0);
    g_autofree char *path = log_path();
    g_autofree char *uri = g_strdup_printf("file:%s", state);
    QTestState *qts = start_log(firmware, path, "");
    g_autofree Log *log = NULL;

    run(qts);
    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    hypsec_wait_migration(qts);
    qtest_quit(qts);

    qts = start_log(firmware, path, " -incoming defer");
    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    g_assert_true(hypsec_wait_migration(qts));
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "HVC"), ==, 1);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "ERET"), ==, 2);
    cont(qts);
    wait_for(qts, "log-records", 2);
    g_assert_cmpuint(cause_count(qts, "causes-el2", "LOADVM"), ==, 0);
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 2);
    assert_record(log, 1, 2, 2, 0);
    assert_cause(path, &log->records[1], "LOADVM");
}

static void hmp_quiet(QTestState *qts, const char *command)
{
    g_autofree char *out = qtest_hmp(qts, "%s", command);

    g_assert_cmpstr(out, ==, "");
}

/* loadvm brings back counts, clock and level; the log says that it did. */
static void test_loadvm(void)
{
    const char *disk = hypsec_tmp_file("disk.qcow2", "", 0);
    const char *argv[] = { g_getenv("QTEST_QEMU_IMG"), "create", "-q", "-f",
                           "qcow2", disk, "16M", NULL };
    g_autofree char *path = log_path();
    g_autofree char *args = g_strdup_printf(
        ",stop-at-el0=on -drive if=none,format=qcow2,file=%s " ICOUNT, disk);
    g_autofree Log *log = NULL;
    QTestState *qts;
    int status = 1;

    if (!argv[0]) {
        g_test_skip("QTEST_QEMU_IMG is not set");
        return;
    }
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT,
                               NULL, NULL, NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    qts = start_log(hypsec_levels(NULL, 0), path, args);
    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    hmp_quiet(qts, "savevm one");
    run(qts);
    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    hmp_quiet(qts, "loadvm one");
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "SVC"), ==, 0);
    run(qts);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "SVC"), ==, 1);
    qtest_quit(qts);

    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 8);
    assert_record(log, 4, 1, 2, 19);
    assert_record(log, 5, 2, 0, 16);
    assert_cause(path, &log->records[5], "LOADVM");
    g_assert_cmpuint(le64_to_cpu(log->records[5].ns), ==, 16);
    assert_record(log, 6, 0, 1, 18);
    g_assert_cmpuint(le64_to_cpu(log->records[6].ns), ==, 18);
}

/* Sends a packet of the gdb protocol and takes what comes back. */
static void gdb_command(int fd, const char *text)
{
    g_autofree char *packet = NULL;
    uint8_t sum = 0;
    char answer[256];

    for (const char *p = text; *p; p++) {
        sum += *p;
    }
    packet = g_strdup_printf("+$%s#%02x", text, sum);
    g_assert_cmpint(write(fd, packet, strlen(packet)), ==, strlen(packet));
    g_assert_cmpint(read(fd, answer, sizeof(answer)), >, 0);
}

/* A level that a debugger wrote is a change, although no hook tells of it. */
static void test_state(void)
{
    static const uint32_t loop[] = { INSN_LOOP };
    g_autofree char *path = log_path();
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    g_autofree char *socket_path = hypsec_tmp_path("gdb");
    g_autofree char *args = g_strdup_printf(" -gdb unix:%s,server=on,wait=off",
                                            socket_path);
    QTestState *qts = start_log(hypsec_levels(loop, sizeof(loop)), path, args);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    g_autofree Log *log = NULL;

    cont(qts);
    wait_for(qts, "el0-entries", 1);
    pstrcpy(address.sun_path, sizeof(address.sun_path), socket_path);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address,
                            sizeof(address)), ==, 0);
    gdb_command(fd, "?");
    gdb_command(fd, "P21=c5030000"); /* cpsr: EL1 */
    gdb_command(fd, "c");
    wait_for(qts, "log-records", 4);
    g_assert_cmpuint(cause_count(qts, "causes-unknown", "STATE"), ==, 1);
    close(fd);
    qtest_quit(qts);
    unlink(socket_path);
    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 4);
    assert_record(log, 3, 0, 1, 0);
    assert_cause(path, &log->records[3], "STATE");
}

/* It works on upstream's virt as well, where nobody tells of worlds. */
static void test_virt(void)
{
    g_autofree char *path = log_path();
    QTestState *qts = qtest_initf("-accel tcg -M virt,virtualization=on "
                                  "-cpu cortex-a72 -bios %s -S -net none "
                                  "-device hypsec-el-observer,id=obs,log=%s",
                                  hypsec_levels(NULL, 0), path);
    g_autofree Log *log = NULL;

    run(qts);
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 5);
    assert_cause(path, &log->records[4], "HVC");
}

/* A firmware's word for who runs, VTTBR_EL2's, and what becomes of it. */
typedef struct World {
    const char *name;
    uint32_t vmid;
    uint32_t world;
    uint32_t vcpu;
    const char *counter;
    /* How the page is spoilt: an offset, and a value of 4 bytes. */
    bool spoil;
    uint32_t offset;
    uint32_t value;
    bool no_stage2;
} World;

#define FIELD_AT(field) offsetof(struct hypsec_inspect, field)

static const World worlds[] = {
    { "host", 0, 0, 0, "causes-host" },
    { "vm-first", 1, 1, 2, "causes-vm1" },
    { "vm-last", 15, 15, 7, "causes-vm15" },
    { "unknown-other-vmid", 2, 1, 0, "causes-unknown" },
    { "unknown-host-with-vmid", 1, 0, 0, "causes-unknown" },
    { "unknown-vm-without-vmid", 0, 1, 0, "causes-unknown" },
    { "unknown-no-such-vm", 16, 16, 0, "causes-unknown" },
    { "unknown-off", 0xff, HYPSEC_INSPECT_WORLD_OFF, 0, "causes-unknown" },
    { "unknown-wild-vcpu", 1, 1, 0x80000000, "causes-unknown" },
    { "unknown-without-stage2", 0, 0, 0, "causes-unknown",
      .no_stage2 = true },
    { "unknown-magic", 0, 0, 0, "causes-unknown", true, FIELD_AT(magic), 1 },
    { "unknown-version", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(version), 0 },
    { "unknown-no-cpus", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(nr_cpus), 0 },
    { "unknown-many-cpus", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(nr_cpus), 0xffffffff },
    { "unknown-cpus-outside", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(cpu_base), 0x40000000 },
    { "unknown-cpus-end-outside", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(cpu_base), 0x4ffffff8 },
    { "unknown-cpus-wrap", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(cpu_base) + 4, 0xffffffff },
    { "unknown-stride", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(cpu_stride), 8 },
    { "unknown-wild-stride", 0, 0, 0, "causes-unknown", true,
      FIELD_AT(cpu_stride), 0xfffffff8 },
};

static void write_inspect(QTestState *qts, const World *w)
{
    struct hypsec_inspect page = {
        .magic = cpu_to_le64(HYPSEC_INSPECT_MAGIC),
        .version = cpu_to_le32(HYPSEC_INSPECT_VERSION),
        .size = cpu_to_le32(sizeof(page)),
        .nr_cpus = cpu_to_le32(1),
        .cpu_base = cpu_to_le64(INSPECT_CPUS),
        .cpu_stride = cpu_to_le32(sizeof(struct hypsec_inspect_cpu)),
    };
    struct hypsec_inspect_cpu cpu = {
        .world = cpu_to_le32(w->world),
        .vcpu = cpu_to_le32(w->vcpu),
    };

    qtest_memwrite(qts, INSPECT, &page, sizeof(page));
    qtest_memwrite(qts, INSPECT_CPUS, &cpu, sizeof(cpu));
    if (w->spoil) {
        qtest_writel(qts, INSPECT + w->offset, w->value);
    }
}

/* hypsec_levels() under stage 2. */
static const char *world_firmware(const World *w)
{
    uint32_t code[] = {
        0xd286ab00, /* mov x0, #0x3558 */
        0xf2b00040, /* movk x0, #0x8002, lsl #16 */
        0xd51c2140, /* msr vtcr_el2, x0 */
        0xd2a88000, /* mov x0, #STAGE2 */
        0xf2e00000 | w->vmid << 5, /* movk x0, #vmid, lsl #48 */
        0xd51c2100, /* msr vttbr_el2, x0 */
        0xd2b00000, /* mov x0, #0x80000000 */
        w->no_stage2 ? 0xd503201f : 0xb2400000, /* orr x0, x0, #1 */
        0x17fffab9, /* b 0x4 */
    };
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(hypsec_levels(NULL, 0), &data, &size,
                                      NULL));
    data = g_realloc(data, 0x1600);
    memset(data + size, 0, 0x1600 - size);
    stl_le_p(data, 0x14000540); /* b 0x1500 */
    for (int i = 0; i < ARRAY_SIZE(code); i++) {
        stl_le_p(data + 0x1500 + i * 4, code[i]);
    }
    return hypsec_tmp_file("world.bin", data, 0x1600);
}

/* EL2 was left for @world, which has got all time below EL2, and back. */
static void assert_entered_once(QTestState *qts, const char *world)
{
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-entries",
                                       world), ==, 1);
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-entries",
                                       "el2"), ==, 1);
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-entries",
                                       NULL), ==, 2);
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-time", world),
                     >, 0);
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-time", world) +
                     hypsec_get_member(qts, OBSERVER, "world-time", "el2"),
                     <=, hypsec_get_member(qts, OBSERVER, "world-time",
                                           NULL));
}

/* A world is what the page and VTTBR_EL2 agree on, whatever they hold. */
static void test_world(const void *data)
{
    const World *w = data;
    g_autofree char *path = log_path();
    QTestState *qts = start_log(world_firmware(w), path, "");
    g_autofree Log *log = NULL;

    /* 1 GiB at 0 that EL1 and EL0 may execute. */
    qtest_writeq(qts, STAGE2, 0x7fd);
    write_inspect(qts, w);
    run(qts);
    g_assert_cmpuint(cause_count(qts, w->counter, "ERET"), ==, 2);
    g_assert_cmpuint(cause_count(qts, w->counter, "SVC"), ==, 1);
    g_assert_cmpuint(cause_count(qts, w->counter, "HVC"), ==, 1);
    assert_entered_once(qts, w->counter + strlen("causes-"));
    qtest_quit(qts);
    log = read_log(path);
    g_assert_cmpuint(log->count, ==, 5);
    g_assert_cmpuint(log->records[2].vm, ==,
                     g_str_has_prefix(w->counter, "causes-vm") ? w->vmid : 0);
    g_assert_cmpuint(le16_to_cpu(log->records[2].vmid), ==,
                     w->no_stage2 ? 0 : w->vmid);
}

/* A property of the observer, and the message that it gets. */
typedef struct Refused {
    const char *name;
    const char *args;
    const char *message;
} Refused;

/* %s is a folder. */
static const Refused refused[] = {
    { "folder", "log=%s", "Could not create '.*': Is a directory" },
    { "no-such-folder", "log=%s/no/el.log",
      "Could not create '.*': No such file or directory" },
    { "fifo", "log=%s/fifo", "Could not create '.*/fifo': No such device" },
    { "device", "log=/dev/null", "'/dev/null' is not a regular file" },
    { "empty-name", "log=", "Could not create ''" },
    { "no-such-fdset", "log=/dev/fdset/7", "hypsec-el-observer" },
    { "limit-too-small", "log=%s/el.log,log-limit=4095",
      "log-limit must be at least 4096 bytes" },
    { "limit-no-size", "log=%s/el.log,log-limit=lots", "log-limit" },
    { "limit-negative", "log=%s/el.log,log-limit=-1", "log-limit" },
};

static void test_refused(const void *data)
{
    const Refused *r = data;
    g_autofree char *fifo = hypsec_tmp_path("fifo");
    g_autofree char *folder = g_path_get_dirname(fifo);
    g_auto(GStrv) parts = g_strsplit(r->args, "%s", 2);
    g_autofree char *args = g_strjoinv(folder, parts);
    g_autofree char *device = g_strconcat("hypsec-el-observer,", args, NULL);
    g_autofree char *message = NULL;
    const char *argv[] = {
        g_getenv("QTEST_QEMU_BINARY"), "-M", "hypsec-virt", "-display", "none",
        "-S", "-nodefaults", "-device", device, NULL
    };
    int status;

    g_assert_true(mkfifo(fifo, 0600) == 0 || errno == EEXIST);
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT,
                               NULL, NULL, NULL, &message, &status, NULL));
    unlink(fifo);
    g_test_message("%s", message);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    g_assert_true(g_regex_match_simple(r->message, message, 0, 0));
}

/* Two machines do not write into one log. */
static void test_locked(void)
{
    g_autofree char *path = log_path();
    QTestState *qts = start_log(hypsec_levels(NULL, 0), path, "");
    Refused second = { "locked", NULL, "is being written by another process" };
    g_autofree char *args = g_strdup_printf("log=%s", path);

    second.args = args;
    test_refused(&second);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("hypsec-el-log/cause/counted", test_causes);
    for (int i = 0; i < ARRAY_SIZE(causes); i++) {
        g_autofree char *name = g_strdup_printf(
            "hypsec-el-log/cause/%s-%08x", causes[i].name, causes[i].insn);

        qtest_add_data_func(name, &causes[i], test_cause);
    }
    for (int i = 0; i < ARRAY_SIZE(worlds); i++) {
        g_autofree char *name = g_strdup_printf("hypsec-el-log/world/%s",
                                                worlds[i].name);

        qtest_add_data_func(name, &worlds[i], test_world);
    }
    qtest_add_func("hypsec-el-log/cause/psci", test_psci);
    qtest_add_func("hypsec-el-log/cause/debugger", test_state);
    qtest_add_func("hypsec-el-log/record/exact", test_records);
    qtest_add_func("hypsec-el-log/record/reset", test_reset);
    qtest_add_func("hypsec-el-log/file/closed-at-exit", test_closed);
    qtest_add_func("hypsec-el-log/file/complete-when-stopped", test_stopped);
    qtest_add_func("hypsec-el-log/file/never-beyond-limit", test_limit);
    qtest_add_func("hypsec-el-log/file/survives-full-disk", test_full);
    qtest_add_func("hypsec-el-log/file/one-writer", test_locked);
    for (int i = 0; i < ARRAY_SIZE(refused); i++) {
        g_autofree char *name = g_strdup_printf("hypsec-el-log/refused/%s",
                                                refused[i].name);

        qtest_add_data_func(name, &refused[i], test_refused);
    }
    qtest_add_func("hypsec-el-log/machine/virt", test_virt);
    qtest_add_func("hypsec-el-log/migration/loadvm", test_loadvm);
    qtest_add_func("hypsec-el-log/migration/keeps-counts", test_migration);
    return hypsec_test_run();
}
