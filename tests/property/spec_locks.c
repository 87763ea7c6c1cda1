/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spec_locks.h"

#include <glib.h>

#include "arch/native.h"
#include "spec/locks.h"

/* The classes of both sides are numbered in lock order; console is ours. */
#define NR_CLASSES (LOCK_SPT + 1)

static GArray *log;

static void append(enum lock_op op, const struct native_event *event)
{
	struct lock_event entry = {
		.op = op,
		.class = (enum lock_class)event->a,
		.id = (uint32_t)event->b,
		.cpu = event->cpu,
	};

	g_array_append_val(log, entry);
}

/* Called for one event at a time. A lock that is taken had its turn. */
static void on_event(const struct native_event *event)
{
	if (event->op == NATIVE_LOCK && event->a < NR_CLASSES) {
		append(WAIT_LOCK, event);
		append(OPULL, event);
	} else if (event->op == NATIVE_UNLOCK && event->a < NR_CLASSES) {
		append(OPUSH, event);
		append(REL_LOCK, event);
	}
}

void spec_locks_record(void)
{
	log = g_array_new(FALSE, FALSE, sizeof(struct lock_event));
	native_watch(on_event);
}

static void check_histories(const struct lock_event *events)
{
	struct lock_queue queue;

	for (uint32_t class = 0; class < NR_CLASSES; class++) {
		for (uint32_t id = 0; id <= COREVISOR; id++) {
			g_assert_cmpint(h_cal_lock(events, log->len, class, id,
						   &queue), ==, SOME);
			g_assert_cmpuint(queue.length, ==, 0);
		}
	}
}

static void check_order(const struct lock_event *events)
{
	uint32_t held[TOTAL_CPU] = { 0 };

	for (guint i = 0; i < log->len; i++) {
		uint32_t *mine = &held[events[i].cpu];
		uint32_t bit = 1u << events[i].class;

		if (events[i].op == OPULL) {
			g_assert_cmphex(*mine, <, bit);
			*mine |= bit;
		} else if (events[i].op == REL_LOCK) {
			*mine &= ~bit;
		}
	}
}

void spec_locks_check(uint64_t at_least)
{
	const struct lock_event *events = (const void *)log->data;

	native_watch(NULL);
	g_assert_cmpuint(log->len, >=, at_least);
	check_histories(events);
	check_order(events);
	g_array_free(log, TRUE);
}
