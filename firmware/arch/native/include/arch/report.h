/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a panic's report that only the architecture knows. */
#ifndef COREVISOR_ARCH_REPORT_H
#define COREVISOR_ARCH_REPORT_H

/**
 * report_cpu_state() - print EL2's registers and a backtrace
 *
 * ESR, ELR, SPSR, FAR, HPFAR, x0..x30 and the return addresses of the EL2
 * stack as link-time addresses, so that addr2line resolves them.
 * Locks: none
 */
void report_cpu_state(void);

#endif /* COREVISOR_ARCH_REPORT_H */
