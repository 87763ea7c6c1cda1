/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a status to the result of a hypercall. Layer: below FaultHandler.
 */
#include "core/hv_result.h"

#include "hypsec/abi.h"

static const struct {
	int result;
	bool violation;
} results[] = {
	[HV_OK] = { HYPSEC_OK, false },
	[HV_EINVAL] = { HYPSEC_INVALID, true },
	[HV_EPERM] = { HYPSEC_DENIED, true },
	[HV_EBUSY] = { HYPSEC_BUSY, false },
	[HV_ENOMEM] = { HYPSEC_NO_MEMORY, true },
	[HV_ENOTSUP] = { HYPSEC_NOT_SUPPORTED, false },
	[HV_EAGAIN] = { HYPSEC_AGAIN, false },
};

uint64_t hv_result(enum hv_status status)
{
	return (uint64_t)(int64_t)results[status].result;
}

bool hv_is_violation(enum hv_status status)
{
	return results[status].violation;
}
