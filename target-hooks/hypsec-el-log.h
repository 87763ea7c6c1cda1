/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder: changes of exception level in a file, as they happen.
 *
 * A log is a HypsecElLogHeader, the names of the causes, and records in the
 * order of time; all little-endian. It never grows beyond its limit: what
 * does not fit is counted and dropped, and so is everything after an error
 * of the file system. tools/trace.py reads it; docs/tracing.rst describes it.
 */
#ifndef TARGET_ARM_HYPSEC_EL_LOG_H
#define TARGET_ARM_HYPSEC_EL_LOG_H

#include "qapi/error.h"

/* "HPSECEL1" read as a little-endian 64-bit number. */
#define HYPSEC_EL_LOG_MAGIC 0x314c454345535048ULL
#define HYPSEC_EL_LOG_VERSION 1
#define HYPSEC_EL_LOG_NAME_BYTES 16
#define HYPSEC_EL_LOG_MIN_LIMIT 4096

/* Instructions are counted. */
#define HYPSEC_EL_LOG_ICOUNT (1 << 0)
/* Closed in an orderly way: nothing follows the records that are named. */
#define HYPSEC_EL_LOG_CLOSED (1 << 1)

/*
 * @header_bytes: from the file's start to the first record
 * @causes: names of HYPSEC_EL_LOG_NAME_BYTES, padded with NULs, that follow
 * @records, @dropped, @end_ns: as of when the machine last stopped, or of
 *                              the end if the log is closed
 */
typedef struct QEMU_PACKED HypsecElLogHeader {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint32_t record_bytes;
    uint32_t cpus;
    uint32_t flags;
    uint32_t causes;
    uint64_t records;
    uint64_t dropped;
    uint64_t end_ns;
    uint64_t reserved;
} HypsecElLogHeader;

/*
 * @ns: virtual time
 * @instructions: executed so far by all CPUs, 0 unless they are counted
 * @value, @esr, @cause: see hypsec-el-event.h
 * @from, @to: levels, HYPSEC_EL_OFF for none
 * @world, @vm, @vcpu, @vmid: whom the CPU runs for from now on
 */
typedef struct QEMU_PACKED HypsecElLogRecord {
    uint64_t ns;
    uint64_t instructions;
    uint64_t value;
    uint32_t esr;
    uint16_t vmid;
    uint16_t cpu;
    uint8_t from;
    uint8_t to;
    uint8_t cause;
    uint8_t world;
    uint8_t vm;
    uint8_t vcpu;
    uint8_t reserved[2];
} HypsecElLogRecord;

typedef struct HypsecElLog HypsecElLog;

/**
 * hypsec_el_log_open() - start a log
 * @path: a regular file, which is created or overwritten, or /dev/fdset/N
 * @limit: bytes that it may grow to, at least HYPSEC_EL_LOG_MIN_LIMIT
 * @cpus: CPUs of the machine
 * @errp: set when that cannot be written, or is being written by another
 *
 * The log is closed when QEMU exits.
 *
 * Returns: the log, or NULL
 */
HypsecElLog *hypsec_el_log_open(const char *path, uint64_t limit,
                                uint32_t cpus, Error **errp);

/**
 * hypsec_el_log_add() - append a record
 * @log: the log
 * @r: the record in host byte order; a time before that of the last record
 *     becomes that one, unless a snapshot was loaded
 */
void hypsec_el_log_add(HypsecElLog *log, const HypsecElLogRecord *r);

/**
 * hypsec_el_log_sync() - bring the file up to date
 * @log: the log
 * @ns: the virtual time that it is complete up to
 */
void hypsec_el_log_sync(HypsecElLog *log, uint64_t ns);

/**
 * hypsec_el_log_records() - the number of records taken so far
 * @log: the log
 *
 * Returns: the number
 */
uint64_t hypsec_el_log_records(HypsecElLog *log);

/**
 * hypsec_el_log_dropped() - the number of records that did not get in
 * @log: the log
 *
 * Returns: the number
 */
uint64_t hypsec_el_log_dropped(HypsecElLog *log);

#endif /* TARGET_ARM_HYPSEC_EL_LOG_H */
