/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one policy for what a host or VM may not do. Layer: AbstractMachine.
 * Locks: console.
 */
#include "core/violation.h"

#include <string.h>

#include "core/console.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/trap_frame.h"

/* Five arguments of 64 bits with their separators, and the name. */
#define CALL_TEXT_BYTES	140
#define MAX_CALL_ARGS	5

/**
 * struct call_text - a call as it is printed
 * @length: characters
 * @text:   them, and a zero
 */
struct call_text {
	size_t length;
	char text[CALL_TEXT_BYTES];
};

static bool halt_on_violation;

void violation_set_halt(bool halt)
{
	halt_on_violation = halt;
}

enum hv_status refuse(enum hv_status status, const char *reason)
{
	this_cpu()->reason = reason;
	return status;
}

static void count_refusal(void)
{
	ASSERT(lock_none_is_held() && this_cpu()->frame != NULL);
	this_cpu()->counters->refusals++;
}

void violation(const char *what, uint64_t addr)
{
	const struct pcpu *cpu = this_cpu();

	count_refusal();
	if (halt_on_violation) {
		panic("violation by the host: %s 0x%lx", what, addr);
	}
	console_printf("refused: host cpu%u: %s 0x%lx (pc 0x%lx esr 0x%lx)\n",
		       cpu->index, what, addr, cpu->frame->elr,
		       cpu->frame->esr);
}

static void append(struct call_text *call, const char *s)
{
	size_t n = strlen(s);

	ASSERT(n < CALL_TEXT_BYTES - call->length);
	memcpy(call->text + call->length, s, n + 1);
	call->length += n;
}

static void append_hex(struct call_text *call, uint64_t value)
{
	char digits[sizeof("0x") + 16];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = "0123456789abcdef"[value & 0xf];
		value >>= 4;
	} while (value != 0);
	*--p = 'x';
	*--p = '0';
	append(call, p);
}

void violation_call(const char *name, const uint64_t *args, uint32_t n)
{
	const struct pcpu *cpu = this_cpu();
	struct call_text call = { .length = 0 };

	count_refusal();
	ASSERT(n <= MAX_CALL_ARGS && cpu->reason != NULL);
	append(&call, name);
	append(&call, "(");
	for (uint32_t i = 0; i < n; i++) {
		append(&call, i == 0 ? "" : ", ");
		append_hex(&call, args[i]);
	}
	append(&call, ")");
	if (halt_on_violation) {
		panic("violation by the host: %s: %s", call.text, cpu->reason);
	}
	console_printf("refused: host cpu%u: %s: %s (pc 0x%lx)\n", cpu->index,
		       call.text, cpu->reason, cpu->frame->elr);
}
