/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hypsec qtests share: files to start from, and looking inside.
 */
#ifndef HYPSEC_TEST_H
#define HYPSEC_TEST_H

#include "qemu/units.h"
#include "libqtest.h"

#define RAM_BASE 0x40000000ULL
/* Where the small programs of these tests leave what they found. */
#define REPORT_BASE 0x44000000ULL

/* "b ." */
#define INSN_LOOP 0x14000000

/**
 * hypsec_tmp_file() - write a file into this process's temporary folder
 * @name: its name there
 * @data: its contents
 * @size: bytes of @data
 *
 * Returns: its path, valid until hypsec_test_run() returns
 */
const char *hypsec_tmp_file(const char *name, const void *data, size_t size);

/**
 * hypsec_tmp_path() - where a file of that folder is or would be
 * @name: its name there
 *
 * Returns: a string to be freed
 */
char *hypsec_tmp_path(const char *name);

/**
 * hypsec_firmware() - a file for -bios that loops at its first instruction
 *
 * Returns: its path
 */
const char *hypsec_firmware(void);

/**
 * hypsec_image() - write an arm64 Linux Image
 * @name: the file's name
 * @text_offset: for its header
 * @image_size: for its header
 * @code: instructions to start with, or NULL for a loop
 * @size: bytes of @code
 *
 * The header is 64 bytes and branches to @code behind it.
 *
 * Returns: its path
 */
const char *hypsec_image(const char *name, uint64_t text_offset,
                         uint64_t image_size, const uint32_t *code,
                         size_t size);

/**
 * hypsec_levels() - a file for -bios that goes from EL2 to EL1 to EL0
 * @el0: what it does there, or NULL for a NOP and an SVC
 * @size: bytes of @el0
 *
 * EL1 answers every exception from EL0 with HVC, EL2 that with "b .".
 *
 * Returns: its path
 */
const char *hypsec_levels(const uint32_t *el0, size_t size);

/**
 * hypsec_get_string() - read a string property
 * @qts: a QEMU
 * @path: the object's path
 * @name: the property
 *
 * Returns: a string to be freed
 */
char *hypsec_get_string(QTestState *qts, const char *path, const char *name);

/**
 * hypsec_get_uint() - read a number property
 * @qts: a QEMU
 * @path: the object's path
 * @name: the property
 *
 * Returns: its value
 */
uint64_t hypsec_get_uint(QTestState *qts, const char *path, const char *name);

/**
 * hypsec_get_member() - read one number of a property that is a dictionary
 * @qts: a QEMU
 * @path: the object's path
 * @name: the property
 * @key: which of its numbers; NULL: the sum of all of them
 *
 * Returns: its value
 */
uint64_t hypsec_get_member(QTestState *qts, const char *path,
                           const char *name, const char *key);

/**
 * hypsec_wait_report() - wait until the program under TCG has reported
 * @qts: a QEMU that runs one
 */
void hypsec_wait_report(QTestState *qts);

/**
 * hypsec_wait_migration() - wait for the end of a migration
 * @qts: either side of it
 *
 * Returns: true if it completed
 */
bool hypsec_wait_migration(QTestState *qts);

/* Whether the firmware has a hypercall with this number. */
bool hypsec_call_exists(uint64_t number);

/* Removes the temporary files. */
void hypsec_test_cleanup(void);

/**
 * hypsec_test_run() - run the tests that were added and clean up
 *
 * Returns: what main() returns
 */
int hypsec_test_run(void);

#endif /* HYPSEC_TEST_H */
