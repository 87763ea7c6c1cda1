/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 faults of the host, and what a VM asks EL2 for. Layer: FaultHandler.
 */
#ifndef COREVISOR_CORE_FAULT_HANDLER_H
#define COREVISOR_CORE_FAULT_HANDLER_H

#include "core/trap_frame.h"

void handle_host_stage2_fault(struct trap_frame *frame);
uint32_t core_handle_pvops(void);

#endif /* COREVISOR_CORE_FAULT_HANDLER_H */
