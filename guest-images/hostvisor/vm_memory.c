/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What memory stands behind a VM's RAM. The host gives it when the VM touches
 * it, remembers where it went, and looks at it again when it has come back.
 *
 * Locks: the VM's lock, then "pages".
 */
#include <string.h>

#include "alloc.h"
#include "vm.h"

/* Blocks that one call of vm_memory_take_back() goes through. */
#define BLOCKS_PER_CALL 4

/**
 * vm_memory_init() - room to remember the memory of a VM
 *
 * Returns: false if its RAM is too large for this host
 */
bool vm_memory_init(struct vm *vm)
{
	uint64_t bytes;

	vm->nr_blocks = vm->config.memory / BLOCK_SIZE;
	bytes = vm->nr_blocks * sizeof(vm->blocks[0]);
	if (bytes > BLOCK_SIZE) {
		return false;
	}
	if (vm->blocks == NULL) {
		vm->blocks = alloc_zeroed(bytes);
	}
	vm->cursor_page = 0;
	return true;
}

static struct vm_block *block_of(struct vm *vm, uint64_t ipa)
{
	uint64_t n = (ipa - VM_RAM_BASE) / BLOCK_SIZE;

	return ipa >= VM_RAM_BASE && n < vm->nr_blocks ? &vm->blocks[n] : NULL;
}

/* One page has room for the pages of a block; NULL if there is none. */
static uint64_t *page_of(struct vm_block *block, uint64_t ipa)
{
	if (block->pages == NULL) {
		uint64_t pa = alloc_page();

		if (pa == 0) {
			return NULL;
		}
		block->pages = (uint64_t *)(uintptr_t)pa;
		memset(block->pages, 0, PAGE_SIZE);
	}
	return &block->pages[ipa % BLOCK_SIZE / PAGE_SIZE];
}

static bool has_pages(const struct vm_block *block)
{
	for (unsigned int i = 0; block->pages != NULL && i < PAGES_PER_BLOCK;
	     i++) {
		if (block->pages[i] != 0) {
			return true;
		}
	}
	return false;
}

/**
 * vm_memory_new_page() - a page of the host's, and room to remember it
 * @vm:  who is to have it
 * @ipa: where, in its RAM
 *
 * Returns: its PA, 0 if there is no memory
 */
uint64_t vm_memory_new_page(struct vm *vm, uint64_t ipa)
{
	return page_of(block_of(vm, ipa), ipa) != NULL ? alloc_page() : 0;
}

/**
 * vm_memory_add_page() - remember that the VM has page @pa
 * @ipa: what vm_memory_new_page() got
 */
void vm_memory_add_page(struct vm *vm, uint64_t ipa, uint64_t pa)
{
	*page_of(block_of(vm, ipa), ipa) = pa;
	vm->pages_given++;
}

static void serve(struct vm *vm, struct vm_block *block, uint64_t ipa,
		  uint64_t *pa, uint64_t *level)
{
	uint64_t *page;

	*level = 2;
	*pa = block->pa;
	if (*pa == 0 && !vm->config.page_wise && !has_pages(block)) {
		*pa = block->pa = alloc_block();
		vm->pages_given += *pa != 0 ? PAGES_PER_BLOCK : 0;
	}
	if (*pa != 0) {
		return;
	}
	*level = 3;
	page = page_of(block, ipa);
	if (page == NULL) {
		return;
	}
	if (*page == 0) {
		*page = alloc_page();
		vm->pages_given += *page != 0;
	}
	*pa = *page;
}

/**
 * vm_memory_serve() - memory for a page that the VM has touched
 * @vm:    whose it is
 * @ipa:   where, in bytes
 * @pa:    gets the page or block; 0 if there is none left
 * @level: gets 2 for a block, 3 for a page
 *
 * Another vCPU may have asked for the same before: the answer is the same.
 *
 * Returns: false if @ipa is not in the VM's RAM
 */
bool vm_memory_serve(struct vm *vm, uint64_t ipa, uint64_t *pa,
		     uint64_t *level)
{
	struct vm_block *block = block_of(vm, ipa);

	if (block == NULL) {
		return false;
	}
	lock_acquire(&vm->lock);
	serve(vm, block, ipa, pa, level);
	lock_release(&vm->lock);
	return true;
}

/* Where the byte at @ipa is; 0 if nowhere. */
uint64_t vm_memory_find(struct vm *vm, uint64_t ipa)
{
	struct vm_block *block = block_of(vm, ipa);
	uint64_t pa = 0;

	if (block == NULL) {
		return 0;
	}
	lock_acquire(&vm->lock);
	if (block->pa != 0) {
		pa = block->pa + ipa % BLOCK_SIZE;
	} else if (block->pages != NULL) {
		pa = block->pages[ipa % BLOCK_SIZE / PAGE_SIZE];
		pa += pa != 0 ? ipa % PAGE_SIZE : 0;
	}
	lock_release(&vm->lock);
	return pa;
}

/* A page that is not the host's again counts as one that is not zero. */
static bool is_zero(uint64_t pa, uint64_t bytes)
{
	const uint64_t *word = (const uint64_t *)(uintptr_t)pa;
	uint64_t first, any = 0;

	if (!try_read(pa, &first)) {
		return false;
	}
	for (uint64_t i = 0; i < bytes / sizeof(*word); i += 8) {
		any |= word[i] | word[i + 1] | word[i + 2] | word[i + 3] |
		       word[i + 4] | word[i + 5] | word[i + 6] | word[i + 7];
	}
	return any == 0;
}

static uint64_t take_back_block(struct vm_block *block)
{
	uint64_t not_zero = 0;

	if (block->pa != 0) {
		not_zero += !is_zero(block->pa, BLOCK_SIZE);
		free_block(block->pa);
		block->pa = 0;
	}
	for (unsigned int i = 0; block->pages != NULL && i < PAGES_PER_BLOCK;
	     i++) {
		if (block->pages[i] != 0) {
			not_zero += !is_zero(block->pages[i], PAGE_SIZE);
			free_page(block->pages[i]);
			block->pages[i] = 0;
		}
	}
	return not_zero;
}

/**
 * vm_memory_take_back() - look at memory that has come back, and free it
 * @vm:       destroyed
 * @not_zero: grows by the pages and blocks that are not zero
 *
 * Returns: whether that was all; else call again
 */
bool vm_memory_take_back(struct vm *vm, uint64_t *not_zero)
{
	for (unsigned int i = 0; i < BLOCKS_PER_CALL; i++) {
		if (vm->cursor_page == vm->nr_blocks) {
			return true;
		}
		*not_zero += take_back_block(&vm->blocks[vm->cursor_page++]);
	}
	return false;
}
