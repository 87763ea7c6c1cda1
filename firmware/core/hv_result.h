/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a status to the result of a hypercall. Layer: below FaultHandler.
 */
#ifndef COREVISOR_CORE_HV_RESULT_H
#define COREVISOR_CORE_HV_RESULT_H

#include "core/types.h"

/* x0 for the caller: 0 for HV_OK, a negative HYPSEC_ code for the rest. */
uint64_t hv_result(enum hv_status status);

/* Whether a status, on a call of the host's, is a violation. */
bool hv_is_violation(enum hv_status status);

#endif /* COREVISOR_CORE_HV_RESULT_H */
