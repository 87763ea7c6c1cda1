/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one policy for what a host or VM may not do. Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_VIOLATION_H
#define COREVISOR_CORE_VIOLATION_H

#include "core/types.h"

/**
 * violation_set_halt() - choose the policy at boot
 * @halt: true for on-violation=halt, the specification's literal panic
 */
void violation_set_halt(bool halt);

/**
 * refuse() - say why something is refused, on the way out
 * @status: what the caller returns
 * @reason: why, a few words for the console; lives forever
 *
 * Returns: @status
 * Locks:   none
 */
enum hv_status refuse(enum hv_status status, const char *reason);

/**
 * violation() - the host did something that is refused
 * @what: what was refused, for the console
 * @addr: the address or number that it is about
 *
 * Counts a refusal on this CPU and prints who, what and where. Under
 * on-violation=halt it does not return. The caller then answers the host with
 * an error or an injected exception; no state has changed.
 * Locks: takes console; caller holds no lock
 */
void violation(const char *what, uint64_t addr);

/**
 * violation_call() - the host made a call that is refused
 * @name: name of the call
 * @args: its arguments
 * @n:    how many, at most 5
 *
 * As violation(); the reason is what refuse() has recorded on this CPU.
 * Locks: takes console; caller holds no lock
 */
void violation_call(const char *name, const uint64_t *args, uint32_t n);

#endif /* COREVISOR_CORE_VIOLATION_H */
