/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exception-level observer: not there yet, this file keeps its place.
 */
#include "qemu/osdep.h"
