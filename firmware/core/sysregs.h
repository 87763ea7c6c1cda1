/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL1's and EL0's registers between CPU and context. Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_SYSREGS_H
#define COREVISOR_CORE_SYSREGS_H

#include "core/types.h"

void save_sysregs(void);
void restore_sysregs(void);
void exit_populate_fault(uint64_t ec);
uint64_t read_esr_el2(void);
uint64_t read_hpfar_el2(void);

#endif /* COREVISOR_CORE_SYSREGS_H */
