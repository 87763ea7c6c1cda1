/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exits of a VM that EL2 answers itself. Layer: TrapDispatcher.
 */
#ifndef COREVISOR_CORE_VM_EXIT_H
#define COREVISOR_CORE_VM_EXIT_H

#include "core/types.h"

bool vm_exit_dispatcher(void);
uint32_t core_handle_sys64(void);

#endif /* COREVISOR_CORE_VM_EXIT_H */
