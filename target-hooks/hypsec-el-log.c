/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder of changes of exception level; see hypsec-el-log.h.
 *
 * CPUs append under the BQL; the lock is for the end of QEMU, which can come
 * from any thread. Writes happen a buffer at a time.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"
#include "qemu/notify.h"
#include "qemu/thread.h"
#include "qemu/units.h"
#include "system/cpu-timers.h"
#include "system/system.h"
#include "trace.h"
#include "hypsec-el-event.h"
#include "hypsec-el-log.h"

#define BUFFER_RECORDS 1024
#define HEADER_BYTES (sizeof(HypsecElLogHeader) + \
                      HYPSEC_EL_CAUSES * HYPSEC_EL_LOG_NAME_BYTES)

QEMU_BUILD_BUG_ON(sizeof(HypsecElLogHeader) != 64);
QEMU_BUILD_BUG_ON(sizeof(HypsecElLogRecord) != 40);
QEMU_BUILD_BUG_ON(HEADER_BYTES + sizeof(HypsecElLogRecord) >
                  HYPSEC_EL_LOG_MIN_LIMIT);

struct HypsecElLog {
    QemuMutex lock;
    Notifier exit;
    char *path;
    int fd;
    uint32_t cpus;
    /* Records that the limit leaves room for, and those that came. */
    uint64_t room;
    uint64_t records;
    uint64_t dropped;
    uint64_t last_ns;
    /* The file system refused: nothing is written any more. */
    bool broken;
    size_t used;
    HypsecElLogRecord buffer[BUFFER_RECORDS];
};

static bool write_header(HypsecElLog *log, uint32_t flags)
{
    HypsecElLogHeader header = {
        .magic = cpu_to_le64(HYPSEC_EL_LOG_MAGIC),
        .version = cpu_to_le32(HYPSEC_EL_LOG_VERSION),
        .header_bytes = cpu_to_le32(HEADER_BYTES),
        .record_bytes = cpu_to_le32(sizeof(HypsecElLogRecord)),
        .cpus = cpu_to_le32(log->cpus),
        .flags = cpu_to_le32(flags |
                             (icount_enabled() ? HYPSEC_EL_LOG_ICOUNT : 0)),
        .causes = cpu_to_le32(HYPSEC_EL_CAUSES),
        .records = cpu_to_le64(log->records),
        .dropped = cpu_to_le64(log->dropped),
        .end_ns = cpu_to_le64(log->last_ns),
    };

    return pwrite(log->fd, &header, sizeof(header), 0) == sizeof(header);
}

static bool write_names(HypsecElLog *log)
{
    char names[HYPSEC_EL_CAUSES][HYPSEC_EL_LOG_NAME_BYTES] = {};

    for (int i = 0; i < HYPSEC_EL_CAUSES; i++) {
        pstrcpy(names[i], sizeof(names[i]), hypsec_el_cause_name(i));
    }
    return qemu_write_full(log->fd, names, sizeof(names)) == sizeof(names);
}

/* The file system took @written bytes of the buffer: keep whole records. */
static void give_up(HypsecElLog *log, size_t written)
{
    size_t kept = written / sizeof(HypsecElLogRecord);

    log->broken = true;
    log->records -= log->used - kept;
    log->dropped += log->used - kept;
    warn_report("hypsec-el-observer: writing '%s': %s; dropping records from "
                "here on", log->path, strerror(errno));
    if (ftruncate(log->fd, HEADER_BYTES +
                  log->records * sizeof(HypsecElLogRecord)) < 0) {
        /* The reader copes with a tail that is no record. */
        warn_report("hypsec-el-observer: truncating '%s': %s", log->path,
                    strerror(errno));
    }
}

static void flush_locked(HypsecElLog *log)
{
    size_t bytes = log->used * sizeof(HypsecElLogRecord);
    ssize_t written;

    if (!log->used) {
        return;
    }
    written = qemu_write_full(log->fd, log->buffer, bytes);
    if (written != bytes) {
        give_up(log, MAX(written, 0));
    }
    log->used = 0;
}

void hypsec_el_log_add(HypsecElLog *log, const HypsecElLogRecord *r)
{
    QEMU_LOCK_GUARD(&log->lock);

    if (log->fd < 0) {
        return;
    }
    if (r->ns > log->last_ns || r->cause == HYPSEC_EL_LOADVM) {
        log->last_ns = r->ns;
    }
    if (log->broken || log->records == log->room) {
        log->dropped++;
        return;
    }
    log->buffer[log->used] = (HypsecElLogRecord) {
        .ns = cpu_to_le64(log->last_ns),
        .instructions = cpu_to_le64(r->instructions),
        .value = cpu_to_le64(r->value),
        .esr = cpu_to_le32(r->esr),
        .vmid = cpu_to_le16(r->vmid),
        .cpu = cpu_to_le16(r->cpu),
        .from = r->from,
        .to = r->to,
        .cause = r->cause,
        .world = r->world,
        .vm = r->vm,
        .vcpu = r->vcpu,
    };
    log->used++;
    log->records++;
    if (log->used == BUFFER_RECORDS) {
        flush_locked(log);
    }
}

void hypsec_el_log_sync(HypsecElLog *log, uint64_t ns)
{
    QEMU_LOCK_GUARD(&log->lock);

    if (log->fd >= 0) {
        log->last_ns = MAX(log->last_ns, ns);
        flush_locked(log);
        write_header(log, 0);
    }
}

uint64_t hypsec_el_log_records(HypsecElLog *log)
{
    QEMU_LOCK_GUARD(&log->lock);

    return log->records;
}

uint64_t hypsec_el_log_dropped(HypsecElLog *log)
{
    QEMU_LOCK_GUARD(&log->lock);

    return log->dropped;
}

static void el_log_exit(Notifier *n, void *data)
{
    HypsecElLog *log = container_of(n, HypsecElLog, exit);

    QEMU_LOCK_GUARD(&log->lock);

    flush_locked(log);
    if (!write_header(log, HYPSEC_EL_LOG_CLOSED)) {
        warn_report("hypsec-el-observer: closing '%s': %s", log->path,
                    strerror(errno));
    }
    trace_hypsec_el_log_close(log->records, log->dropped);
    qemu_close(log->fd);
    log->fd = -1;
}

/* A regular file of our own, empty; -1 otherwise. */
static int open_file(const char *path, Error **errp)
{
    struct stat st;
    int lock;
    /* Not to wait for whoever reads a FIFO. */
    int fd = qemu_create(path, O_WRONLY | O_NONBLOCK, 0666, errp);

    if (fd < 0) {
        return -1;
    }
    lock = qemu_lock_fd(fd, 0, 0, true);
    if (fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "Could not examine '%s'", path);
    } else if (!S_ISREG(st.st_mode)) {
        error_setg(errp, "'%s' is not a regular file", path);
    } else if (lock == -EACCES || lock == -EAGAIN) {
        error_setg(errp, "'%s' is being written by another process", path);
    } else if (ftruncate(fd, 0) < 0) {
        error_setg_errno(errp, errno, "Could not truncate '%s'", path);
    } else {
        return fd;
    }
    qemu_close(fd);
    return -1;
}

HypsecElLog *hypsec_el_log_open(const char *path, uint64_t limit,
                                uint32_t cpus, Error **errp)
{
    HypsecElLog *log;
    int fd;

    if (limit < HYPSEC_EL_LOG_MIN_LIMIT) {
        error_setg(errp, "log-limit must be at least %d bytes",
                   HYPSEC_EL_LOG_MIN_LIMIT);
        return NULL;
    }
    fd = open_file(path, errp);
    if (fd < 0) {
        return NULL;
    }
    log = g_new0(HypsecElLog, 1);
    log->fd = fd;
    log->cpus = cpus;
    log->room = (limit - HEADER_BYTES) / sizeof(HypsecElLogRecord);
    if (!write_header(log, 0) ||
        lseek(fd, sizeof(HypsecElLogHeader), SEEK_SET) < 0 ||
        !write_names(log)) {
        error_setg_errno(errp, errno, "Could not write '%s'", path);
        qemu_close(fd);
        g_free(log);
        return NULL;
    }
    log->path = g_strdup(path);
    qemu_mutex_init(&log->lock);
    log->exit.notify = el_log_exit;
    qemu_add_exit_notifier(&log->exit);
    trace_hypsec_el_log_open(path, limit);
    return log;
}
