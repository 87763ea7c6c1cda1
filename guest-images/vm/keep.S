/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uint64_t secret_keep(uint64_t secret, uint64_t loops);
 *
 * Register n of x1 to x30 holds secret + n, V register n holds secret + 256 +
 * n in both halves, and so do the system registers that are the program's own,
 * while x0 counts down. Returns how many registers have another value after
 * that. Interrupts are masked: ELR_EL1 is one of them.
 */
	.text
	.global secret_keep

.macro wrong_if_not register, offset
	add	x1, x19, #\offset
	cmp	\register, x1
	cinc	x0, x0, ne
.endm

secret_keep:
	sub	sp, sp, #368
	stp	x19, x20, [sp, #0]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	str	x0, [sp, #96]
	/* System registers: secret + 512 and on. */
	add	x2, x0, #512
	msr	tpidr_el0, x2
	add	x2, x0, #513
	msr	tpidrro_el0, x2
	add	x2, x0, #514
	msr	sp_el0, x2
	add	x2, x0, #515
	msr	elr_el1, x2
	add	x2, x0, #256
	dup	v0.2d, x2
	add	x2, x0, #257
	dup	v1.2d, x2
	add	x2, x0, #258
	dup	v2.2d, x2
	add	x2, x0, #259
	dup	v3.2d, x2
	add	x2, x0, #260
	dup	v4.2d, x2
	add	x2, x0, #261
	dup	v5.2d, x2
	add	x2, x0, #262
	dup	v6.2d, x2
	add	x2, x0, #263
	dup	v7.2d, x2
	add	x2, x0, #264
	dup	v8.2d, x2
	add	x2, x0, #265
	dup	v9.2d, x2
	add	x2, x0, #266
	dup	v10.2d, x2
	add	x2, x0, #267
	dup	v11.2d, x2
	add	x2, x0, #268
	dup	v12.2d, x2
	add	x2, x0, #269
	dup	v13.2d, x2
	add	x2, x0, #270
	dup	v14.2d, x2
	add	x2, x0, #271
	dup	v15.2d, x2
	add	x2, x0, #272
	dup	v16.2d, x2
	add	x2, x0, #273
	dup	v17.2d, x2
	add	x2, x0, #274
	dup	v18.2d, x2
	add	x2, x0, #275
	dup	v19.2d, x2
	add	x2, x0, #276
	dup	v20.2d, x2
	add	x2, x0, #277
	dup	v21.2d, x2
	add	x2, x0, #278
	dup	v22.2d, x2
	add	x2, x0, #279
	dup	v23.2d, x2
	add	x2, x0, #280
	dup	v24.2d, x2
	add	x2, x0, #281
	dup	v25.2d, x2
	add	x2, x0, #282
	dup	v26.2d, x2
	add	x2, x0, #283
	dup	v27.2d, x2
	add	x2, x0, #284
	dup	v28.2d, x2
	add	x2, x0, #285
	dup	v29.2d, x2
	add	x2, x0, #286
	dup	v30.2d, x2
	add	x2, x0, #287
	dup	v31.2d, x2
	mov	x30, x0
	mov	x0, x1
	add	x1, x30, #1
	add	x2, x30, #2
	add	x3, x30, #3
	add	x4, x30, #4
	add	x5, x30, #5
	add	x6, x30, #6
	add	x7, x30, #7
	add	x8, x30, #8
	add	x9, x30, #9
	add	x10, x30, #10
	add	x11, x30, #11
	add	x12, x30, #12
	add	x13, x30, #13
	add	x14, x30, #14
	add	x15, x30, #15
	add	x16, x30, #16
	add	x17, x30, #17
	add	x18, x30, #18
	add	x19, x30, #19
	add	x20, x30, #20
	add	x21, x30, #21
	add	x22, x30, #22
	add	x23, x30, #23
	add	x24, x30, #24
	add	x25, x30, #25
	add	x26, x30, #26
	add	x27, x30, #27
	add	x28, x30, #28
	add	x29, x30, #29
	add	x30, x30, #30

1:	subs	x0, x0, #1
	b.hi	1b

	/* x1 to x30 go to memory, to be compared at leisure. */
	stp	x1, x2, [sp, #112]
	stp	x3, x4, [sp, #128]
	stp	x5, x6, [sp, #144]
	stp	x7, x8, [sp, #160]
	stp	x9, x10, [sp, #176]
	stp	x11, x12, [sp, #192]
	stp	x13, x14, [sp, #208]
	stp	x15, x16, [sp, #224]
	stp	x17, x18, [sp, #240]
	stp	x19, x20, [sp, #256]
	stp	x21, x22, [sp, #272]
	stp	x23, x24, [sp, #288]
	stp	x25, x26, [sp, #304]
	stp	x27, x28, [sp, #320]
	stp	x29, x30, [sp, #336]
	ldr	x19, [sp, #96]
	mov	x0, #0
	mov	x2, #0
2:	add	x3, sp, #112
	ldr	x4, [x3, x2, lsl #3]
	add	x2, x2, #1
	add	x5, x19, x2
	cmp	x4, x5
	cinc	x0, x0, ne
	cmp	x2, #30
	b.lo	2b
	umov	x2, v0.d[0]
	wrong_if_not x2, 256
	umov	x2, v0.d[1]
	wrong_if_not x2, 256
	umov	x2, v1.d[0]
	wrong_if_not x2, 257
	umov	x2, v1.d[1]
	wrong_if_not x2, 257
	umov	x2, v2.d[0]
	wrong_if_not x2, 258
	umov	x2, v2.d[1]
	wrong_if_not x2, 258
	umov	x2, v3.d[0]
	wrong_if_not x2, 259
	umov	x2, v3.d[1]
	wrong_if_not x2, 259
	umov	x2, v4.d[0]
	wrong_if_not x2, 260
	umov	x2, v4.d[1]
	wrong_if_not x2, 260
	umov	x2, v5.d[0]
	wrong_if_not x2, 261
	umov	x2, v5.d[1]
	wrong_if_not x2, 261
	umov	x2, v6.d[0]
	wrong_if_not x2, 262
	umov	x2, v6.d[1]
	wrong_if_not x2, 262
	umov	x2, v7.d[0]
	wrong_if_not x2, 263
	umov	x2, v7.d[1]
	wrong_if_not x2, 263
	umov	x2, v8.d[0]
	wrong_if_not x2, 264
	umov	x2, v8.d[1]
	wrong_if_not x2, 264
	umov	x2, v9.d[0]
	wrong_if_not x2, 265
	umov	x2, v9.d[1]
	wrong_if_not x2, 265
	umov	x2, v10.d[0]
	wrong_if_not x2, 266
	umov	x2, v10.d[1]
	wrong_if_not x2, 266
	umov	x2, v11.d[0]
	wrong_if_not x2, 267
	umov	x2, v11.d[1]
	wrong_if_not x2, 267
	umov	x2, v12.d[0]
	wrong_if_not x2, 268
	umov	x2, v12.d[1]
	wrong_if_not x2, 268
	umov	x2, v13.d[0]
	wrong_if_not x2, 269
	umov	x2, v13.d[1]
	wrong_if_not x2, 269
	umov	x2, v14.d[0]
	wrong_if_not x2, 270
	umov	x2, v14.d[1]
	wrong_if_not x2, 270
	umov	x2, v15.d[0]
	wrong_if_not x2, 271
	umov	x2, v15.d[1]
	wrong_if_not x2, 271
	umov	x2, v16.d[0]
	wrong_if_not x2, 272
	umov	x2, v16.d[1]
	wrong_if_not x2, 272
	umov	x2, v17.d[0]
	wrong_if_not x2, 273
	umov	x2, v17.d[1]
	wrong_if_not x2, 273
	umov	x2, v18.d[0]
	wrong_if_not x2, 274
	umov	x2, v18.d[1]
	wrong_if_not x2, 274
	umov	x2, v19.d[0]
	wrong_if_not x2, 275
	umov	x2, v19.d[1]
	wrong_if_not x2, 275
	umov	x2, v20.d[0]
	wrong_if_not x2, 276
	umov	x2, v20.d[1]
	wrong_if_not x2, 276
	umov	x2, v21.d[0]
	wrong_if_not x2, 277
	umov	x2, v21.d[1]
	wrong_if_not x2, 277
	umov	x2, v22.d[0]
	wrong_if_not x2, 278
	umov	x2, v22.d[1]
	wrong_if_not x2, 278
	umov	x2, v23.d[0]
	wrong_if_not x2, 279
	umov	x2, v23.d[1]
	wrong_if_not x2, 279
	umov	x2, v24.d[0]
	wrong_if_not x2, 280
	umov	x2, v24.d[1]
	wrong_if_not x2, 280
	umov	x2, v25.d[0]
	wrong_if_not x2, 281
	umov	x2, v25.d[1]
	wrong_if_not x2, 281
	umov	x2, v26.d[0]
	wrong_if_not x2, 282
	umov	x2, v26.d[1]
	wrong_if_not x2, 282
	umov	x2, v27.d[0]
	wrong_if_not x2, 283
	umov	x2, v27.d[1]
	wrong_if_not x2, 283
	umov	x2, v28.d[0]
	wrong_if_not x2, 284
	umov	x2, v28.d[1]
	wrong_if_not x2, 284
	umov	x2, v29.d[0]
	wrong_if_not x2, 285
	umov	x2, v29.d[1]
	wrong_if_not x2, 285
	umov	x2, v30.d[0]
	wrong_if_not x2, 286
	umov	x2, v30.d[1]
	wrong_if_not x2, 286
	umov	x2, v31.d[0]
	wrong_if_not x2, 287
	umov	x2, v31.d[1]
	wrong_if_not x2, 287
	mrs	x2, tpidr_el0
	wrong_if_not x2, 512
	mrs	x2, tpidrro_el0
	wrong_if_not x2, 513
	mrs	x2, sp_el0
	wrong_if_not x2, 514
	mrs	x2, elr_el1
	wrong_if_not x2, 515
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	add	sp, sp, #368
	ret
