/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host traps into EL2 with. Layer: TrapHandler, the top.
 */
#ifndef COREVISOR_CORE_TRAP_HANDLER_H
#define COREVISOR_CORE_TRAP_HANDLER_H

#include "core/trap_frame.h"

/* SMCCC's answer to a function that does not exist. */
#define SMCCC_NOT_SUPPORTED	INT64_C(-1)

/**
 * trap_host_sync() - a synchronous exception from the host
 * @frame: its state; regs, elr and spsr are what it returns with
 *
 * Called by host_vectors. Does nothing but park once some CPU has panicked.
 * Refuses: unknown traps with an undefined-instruction exception at EL1,
 *	    unknown calls with NOT_SUPPORTED - host can reach this
 */
void trap_host_sync(struct trap_frame *frame);

/**
 * trap_host_serror() - a physical SError while the host ran
 * @frame: its state
 *
 * Becomes a virtual SError of the host.
 */
void trap_host_serror(struct trap_frame *frame);

#endif /* COREVISOR_CORE_TRAP_HANDLER_H */
