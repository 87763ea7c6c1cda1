/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical memory: a bitmap of pages for each block of 2 MiB. Whole blocks
 * are taken from the low end, single pages from one block after the other, so
 * that blocks stay whole as long as there are others.
 *
 * Locks: "pages", for every call.
 */
#include "alloc.h"

#include <string.h>

#include "dt.h"

#define WORDS (PAGES_PER_BLOCK / 64)

/* A set bit is a page that is not free. */
struct block {
	uint64_t used[WORDS];
	uint32_t nr_used;
};

static struct lock pages_lock;
static struct block *blocks;
static uint64_t first_base;
static uint64_t nr_blocks;
static uint64_t nr_free;

/* Where the last search ended. */
static uint64_t block_hint;
static uint64_t page_hint;

/* Memory of the host's own, and room for the next piece. */
static uint64_t own_next;
static uint64_t own_end;

extern char _start[], __image_end[];

static uint64_t block_pa(uint64_t block)
{
	return first_base + block * BLOCK_SIZE;
}

static void set_page(uint64_t block, uint64_t page, bool used)
{
	struct block *b = &blocks[block];
	uint64_t bit = BIT(page % 64);

	if (((b->used[page / 64] & bit) != 0) == used) {
		fatal("allocator: page 0x%lx is %s", block_pa(block) +
		      page * PAGE_SIZE, used ? "not free" : "free already");
	}
	b->used[page / 64] ^= bit;
	b->nr_used += used ? 1u : 0u - 1u;
	nr_free += used ? UINT64_MAX : 1;
}

static void set_block(uint64_t block, bool used)
{
	memset(blocks[block].used, used ? 0xff : 0, sizeof(blocks[0].used));
	blocks[block].nr_used = used ? PAGES_PER_BLOCK : 0;
	nr_free += used ? -(uint64_t)PAGES_PER_BLOCK : PAGES_PER_BLOCK;
}

/* Takes a range away, as far as it is there and free. */
static void reserve(struct range range)
{
	uint64_t pa = range.base & ~(PAGE_SIZE - 1);

	for (; pa < range.base + range.size; pa += PAGE_SIZE) {
		uint64_t block = (pa - first_base) / BLOCK_SIZE;
		uint64_t page = pa % BLOCK_SIZE / PAGE_SIZE;

		if (pa >= first_base && block < nr_blocks &&
		    (blocks[block].used[page / 64] & BIT(page % 64)) == 0) {
			set_page(block, page, true);
		}
	}
}

static bool overlap(struct range a, struct range b)
{
	return a.base < b.base + b.size && b.base < a.base + a.size;
}

static struct range image(void)
{
	uint64_t start = (uintptr_t)_start;

	return (struct range){ start, (uintptr_t)__image_end - start };
}

static bool is_unused(struct range range)
{
	for (unsigned int i = 0; i < board.nr_reserved; i++) {
		if (overlap(range, board.reserved[i])) {
			return false;
		}
	}
	return !overlap(range, image()) && !overlap(range, board.dtb) &&
	       !overlap(range, board.initrd) && !overlap(range, board.shared);
}

/* A block aligned place for the bitmaps, before there are any. */
static uint64_t place_for(uint64_t bytes)
{
	struct range range = { first_base, bytes };

	for (; range.base + bytes <= block_pa(nr_blocks);
	     range.base += BLOCK_SIZE) {
		if (is_unused(range)) {
			return range.base;
		}
	}
	fatal("no memory for the page bitmaps");
}

/**
 * alloc_init() - find the memory that is free for use
 *
 * Only the first range of RAM is used; the board has no other.
 */
void alloc_init(void)
{
	struct range bitmaps;

	first_base = (board.ram[0].base + BLOCK_SIZE - 1) & ~(BLOCK_SIZE - 1);
	nr_blocks = (board.ram[0].base + board.ram[0].size - first_base) /
		    BLOCK_SIZE;
	bitmaps.size = (nr_blocks * sizeof(struct block) + PAGE_SIZE - 1) &
		       ~(PAGE_SIZE - 1);
	bitmaps.base = place_for(bitmaps.size);
	blocks = (struct block *)(uintptr_t)bitmaps.base;
	memset(blocks, 0, bitmaps.size);
	nr_free = nr_blocks * PAGES_PER_BLOCK;
	reserve(bitmaps);
	reserve(image());
	reserve(board.dtb);
	reserve(board.initrd);
	reserve(board.shared);
	for (unsigned int i = 0; i < board.nr_reserved; i++) {
		reserve(board.reserved[i]);
	}
}

uint64_t alloc_pages_free(void)
{
	return __atomic_load_n(&nr_free, __ATOMIC_RELAXED);
}

/* The first block from @hint on, wrapping, with a count in [low, high]. */
static uint64_t find_block(uint64_t hint, uint32_t low, uint32_t high)
{
	for (uint64_t i = 0; i < nr_blocks; i++) {
		uint64_t block = hint + i < nr_blocks ? hint + i :
							hint + i - nr_blocks;

		if (blocks[block].nr_used >= low &&
		    blocks[block].nr_used <= high) {
			return block;
		}
	}
	return nr_blocks;
}

uint64_t alloc_block(void)
{
	uint64_t block;

	lock_acquire(&pages_lock);
	block = find_block(block_hint, 0, 0);
	if (block < nr_blocks) {
		set_block(block, true);
		block_hint = block + 1;
	}
	lock_release(&pages_lock);
	return block < nr_blocks ? block_pa(block) : 0;
}

static uint64_t take_page(uint64_t block)
{
	uint64_t word = 0, page;

	while (blocks[block].used[word] == UINT64_MAX) {
		word++;
	}
	page = word * 64 +
	       (uint64_t)__builtin_ctzll(~blocks[block].used[word]);
	set_page(block, page, true);
	return block_pa(block) + page * PAGE_SIZE;
}

uint64_t alloc_page(void)
{
	uint64_t block, pa = 0;

	lock_acquire(&pages_lock);
	block = page_hint;
	if (block >= nr_blocks || blocks[block].nr_used == 0 ||
	    blocks[block].nr_used == PAGES_PER_BLOCK) {
		block = find_block(page_hint, 1, PAGES_PER_BLOCK - 1);
	}
	if (block == nr_blocks) {
		block = find_block(block_hint, 0, 0);
	}
	if (block < nr_blocks) {
		page_hint = block;
		pa = take_page(block);
	}
	lock_release(&pages_lock);
	return pa;
}

void free_page(uint64_t pa)
{
	uint64_t block = (pa - first_base) / BLOCK_SIZE;

	lock_acquire(&pages_lock);
	set_page(block, pa % BLOCK_SIZE / PAGE_SIZE, false);
	page_hint = block;
	if (block < block_hint) {
		block_hint = block;
	}
	lock_release(&pages_lock);
}

void free_block(uint64_t pa)
{
	uint64_t block = (pa - first_base) / BLOCK_SIZE;

	lock_acquire(&pages_lock);
	if (blocks[block].nr_used != PAGES_PER_BLOCK) {
		fatal("allocator: block 0x%lx is not in use", pa);
	}
	set_block(block, false);
	if (block < block_hint) {
		block_hint = block;
	}
	lock_release(&pages_lock);
}

/* Small pieces out of blocks that are never given back. */
void *alloc_zeroed(size_t bytes)
{
	uint64_t at;

	bytes = (bytes + 63) & ~(size_t)63;
	if (bytes > BLOCK_SIZE) {
		fatal("the host asks for %lu bytes in one piece",
		      (uint64_t)bytes);
	}
	lock_acquire(&pages_lock);
	if (own_end - own_next < bytes) {
		uint64_t block = find_block(0, 0, 0);

		if (block == nr_blocks) {
			fatal("no memory for the host itself");
		}
		set_block(block, true);
		own_next = block_pa(block);
		own_end = own_next + BLOCK_SIZE;
	}
	at = own_next;
	own_next += bytes;
	lock_release(&pages_lock);
	memset((void *)(uintptr_t)at, 0, bytes);
	return (void *)(uintptr_t)at;
}
