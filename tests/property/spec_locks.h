/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's lock events as a log of the specification. A file of its own,
 * since the constants of both sides have the same names.
 */
#ifndef HYPSEC_TESTS_PROPERTY_SPEC_LOCKS_H
#define HYPSEC_TESTS_PROPERTY_SPEC_LOCKS_H

#include <stdint.h>

/* Starts a log of what all CPUs do with locks, in place of other watchers. */
void spec_locks_record(void);

/**
 * spec_locks_check() - end the log and judge it
 * @at_least: events that it must have, so that a silent recorder is noticed
 *
 * Each lock's history is one that h_cal_lock() accepts and ends with nobody in
 * the queue, and no CPU has taken a lock while it held one of the same class
 * or of one further in.
 */
void spec_locks_check(uint64_t at_least);

#endif /* HYPSEC_TESTS_PROPERTY_SPEC_LOCKS_H */
