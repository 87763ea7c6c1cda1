/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMs that the initrd describes. README.rst has its format; a bundle that
 * does not keep to it ends the host with a message.
 */
#include <string.h>

#include "alloc.h"
#include "cpio.h"
#include "dt.h"
#include "vm.h"

#include "hypsec/dma.h"

#define MAX_NUMBER	1000u
#define DEFAULT_MEMORY	(64 * MIB)
#define DEFAULT_DMA_AT	(VM_RAM_BASE + 16 * MIB)
#define DEFAULT_DMA	(64 * KIB)
#define MAX_MEMORY	(64 * KIB * MIB)
#define MAX_DMA		(256 * KIB)

struct vm *vms[MAX_VMS];
unsigned int nr_vms;

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

/*
 * Takes "vms/<n>-<name>/<file>" apart.
 * Returns: the file's name, NULL if it is no such path.
 */
static const char *parse_path(const char *path, uint64_t *number, char *name,
			      size_t name_size)
{
	size_t n = 0;

	if (path[0] == '.' && path[1] == '/') {
		path += 2;
	}
	if (strlen(path) < 4 || memcmp(path, "vms/", 4) != 0) {
		return NULL;
	}
	path += 4;
	while (path[n] >= '0' && path[n] <= '9') {
		n++;
	}
	if (path[n] != '-' || !text_number(path, n, number) ||
	    *number >= MAX_NUMBER) {
		return NULL;
	}
	path += n + 1;
	for (n = 0; is_name(path[n]); n++) {
		if (n + 1 == name_size) {
			return NULL;
		}
		name[n] = path[n];
	}
	name[n] = '\0';
	return n > 0 && path[n] == '/' && path[n + 1] != '\0' ? path + n + 1 :
								 NULL;
}

/* The VM called @number, new if there is none; kept in their order. */
static struct vm *find_vm(uint64_t number, const char *name)
{
	unsigned int at = nr_vms;
	struct vm *vm;

	for (unsigned int i = 0; i < nr_vms; i++) {
		if (vms[i]->number == number) {
			return vms[i];
		}
	}
	if (nr_vms == MAX_VMS) {
		fatal("bundle: more than %u VMs", MAX_VMS);
	}
	vm = alloc_zeroed(sizeof(*vm));
	vm->number = (uint32_t)number;
	memcpy(vm->name, name, sizeof(vm->name));
	format_text(vm->prefix, sizeof(vm->prefix), "[vm%u %s] ", vm->number,
		    vm->name);
	vm->config = (struct vm_config){
		.memory = DEFAULT_MEMORY, .repeat = 1,
		.dma_at = DEFAULT_DMA_AT, .dma_size = DEFAULT_DMA,
	};
	for (; at > 0 && vms[at - 1]->number > number; at--) {
		vms[at] = vms[at - 1];
	}
	vms[at] = vm;
	nr_vms++;
	return vm;
}

static bool is_text(const char *text, size_t length, const char *what)
{
	return length == strlen(what) && memcmp(text, what, length) == 0;
}

/* "key<digit>" with a digit below @limit; the digit, or -1. */
static int indexed(const char *key, size_t length, const char *name, int limit)
{
	size_t n = strlen(name);
	int digit;

	if (length != n + 1 || memcmp(key, name, n) != 0) {
		return -1;
	}
	digit = key[n] - '0';
	return digit >= 0 && digit < limit ? digit : -1;
}

static bool set_words(struct vm_config *config, const char *key,
		      size_t key_length, const char *value, size_t length)
{
	if (is_text(key, key_length, "pages")) {
		config->page_wise = is_text(value, length, "page");
		return config->page_wise || is_text(value, length, "block");
	}
	if (is_text(key, key_length, "expect")) {
		config->expect = is_text(value, length, "refused") ?
				 EXPECT_REFUSED :
				 is_text(value, length, "any") ? EXPECT_ANY :
								  EXPECT_OFF;
		return config->expect != EXPECT_OFF ||
		       is_text(value, length, "off");
	}
	return false;
}

static bool set_numbers(struct vm_config *config, const char *key,
			size_t length, uint64_t value)
{
	int i;

	if (is_text(key, length, "memory")) {
		config->memory = value;
	} else if (is_text(key, length, "vcpus")) {
		config->vcpus = value;
	} else if (is_text(key, length, "report")) {
		config->report = value != 0;
	} else if (is_text(key, length, "start")) {
		config->start_ms = value;
	} else if (is_text(key, length, "repeat")) {
		config->repeat = value;
	} else if (is_text(key, length, "input")) {
		config->input = value != 0;
	} else if (is_text(key, length, "shares")) {
		config->shares = value != 0;
	} else if (is_text(key, length, "dma")) {
		config->dma = value;
	} else if (is_text(key, length, "dma-at")) {
		config->dma_at = value;
	} else if (is_text(key, length, "dma-size")) {
		config->dma_size = value;
	} else if ((i = indexed(key, length, "load", MAX_IMAGES)) >= 0) {
		config->load[i] = value;
	} else if ((i = indexed(key, length, "arg", VM_ARGS)) >= 0) {
		config->arg[i] = value;
	} else {
		return false;
	}
	return true;
}

static bool set_key(struct vm_config *config, const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);
	size_t key_length, value_length;
	uint64_t number;

	if (equals == NULL) {
		return false;
	}
	key_length = (size_t)(equals - line);
	value_length = length - key_length - 1;
	return set_words(config, line, key_length, equals + 1, value_length) ||
	       (text_number(equals + 1, value_length, &number) &&
		set_numbers(config, line, key_length, number));
}

static void read_config(struct vm *vm, const char *text, size_t left)
{
	while (left > 0) {
		const char *end = memchr(text, '\n', left);
		size_t length = end != NULL ? (size_t)(end - text) : left;
		char line[64];

		if (length > 0 && text[0] != '#' &&
		    !set_key(&vm->config, text, length)) {
			length = length < sizeof(line) ? length :
							 sizeof(line) - 1;
			memcpy(line, text, length);
			line[length] = '\0';
			fatal("bundle: vm%u: config: what is '%s'?",
			      vm->number, line);
		}
		length += end != NULL;
		text += length;
		left -= length;
	}
}

static void take_file(struct vm *vm, const char *name,
		      const struct cpio_file *file)
{
	int i = indexed(name, strlen(name), "image", MAX_IMAGES);

	if (i >= 0) {
		vm->images[i].data = file->data;
		vm->images[i].size = file->size;
	} else if (is_text(name, strlen(name), "manifest")) {
		vm->manifest = file->data;
		vm->manifest_size = file->size;
	} else if (is_text(name, strlen(name), "config")) {
		read_config(vm, (const char *)file->data, file->size);
	}
}

/* What the manifest says, as far as the host needs it; EL2 checks it. */
static void read_manifest(struct vm *vm)
{
	struct hypsec_manifest head;
	struct hypsec_manifest_image image;

	memset(&head, 0, sizeof(head));
	if (vm->manifest == NULL) {
		fatal("bundle: vm%u has no manifest", vm->number);
	}
	memcpy(&head, vm->manifest, vm->manifest_size < sizeof(head) ?
				    vm->manifest_size : sizeof(head));
	vm->nr_vcpus = (uint32_t)(vm->config.vcpus != 0 ? vm->config.vcpus :
							   head.nr_vcpus);
	for (uint32_t i = 0; i < MAX_IMAGES; i++) {
		uint64_t at = sizeof(head) + i * sizeof(image);

		if (vm->images[i].data == NULL) {
			break;
		}
		vm->nr_images = i + 1;
		if (at + sizeof(image) <= vm->manifest_size) {
			memcpy(&image, vm->manifest + at, sizeof(image));
			vm->images[i].load_addr = image.load_addr;
		}
		if (vm->config.load[i] != 0) {
			vm->images[i].load_addr = vm->config.load[i];
		}
	}
}

static void check_dma(const struct vm *vm)
{
	const struct vm_config *config = &vm->config;

	if (board.dma.size == 0) {
		fatal("bundle: vm%u: the board has no DMA tester (dma=on)",
		      vm->number);
	}
	if (config->dma >> HYPSEC_DMA_CHANNELS != 0) {
		fatal("bundle: vm%u: the DMA tester has %u channels",
		      vm->number, HYPSEC_DMA_CHANNELS);
	}
	if ((config->dma_at | config->dma_size) % PAGE_SIZE != 0 ||
	    config->dma_size == 0 || config->dma_size > MAX_DMA ||
	    config->dma_at < VM_RAM_BASE ||
	    config->dma_at - VM_RAM_BASE > config->memory - config->dma_size) {
		fatal("bundle: vm%u: dma-at and dma-size are not pages of its "
		      "memory, at most 256 KiB", vm->number);
	}
}

static void check_vm(const struct vm *vm)
{
	if (vm->nr_images == 0) {
		fatal("bundle: vm%u has no image0", vm->number);
	}
	if (vm->nr_vcpus == 0 || vm->nr_vcpus > MAX_VCPUS) {
		fatal("bundle: vm%u: %u vCPUs", vm->number, vm->nr_vcpus);
	}
	if (vm->manifest_size > PAGE_SIZE) {
		fatal("bundle: vm%u: its manifest is larger than a page",
		      vm->number);
	}
	if (vm->config.memory == 0 || vm->config.memory % BLOCK_SIZE != 0 ||
	    vm->config.memory > MAX_MEMORY) {
		fatal("bundle: vm%u: memory is not a multiple of 2 MiB up to "
		      "64 GiB", vm->number);
	}
	if (vm->config.dma != 0) {
		check_dma(vm);
	}
}

/* Only the VM that hypsec.only names. */
static void select_vms(void)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < nr_vms; i++) {
		if (options.only[0] == '\0' ||
		    is_text(options.only, strlen(options.only), vms[i]->name)) {
			vms[kept++] = vms[i];
		}
	}
	nr_vms = kept;
}

/**
 * bundle_read() - fill in "vms"
 */
void bundle_read(void)
{
	struct cpio cpio = {
		.at = (const uint8_t *)(uintptr_t)board.initrd.base,
		.left = board.initrd.size,
	};
	struct cpio_file file;

	if (board.initrd.size == 0) {
		fatal("there is no bundle: give it as -initrd");
	}
	while (cpio_next(&cpio, &file)) {
		char name[sizeof(vms[0]->name)] = "";
		uint64_t number;
		const char *rest = parse_path(file.name, &number, name,
					      sizeof(name));

		if (rest != NULL) {
			take_file(find_vm(number, name), rest, &file);
		}
	}
	if (cpio.error != NULL) {
		fatal("bundle: the archive %s", cpio.error);
	}
	select_vms();
	if (nr_vms == 0) {
		fatal("bundle: no VMs in it");
	}
	for (unsigned int i = 0; i < nr_vms; i++) {
		read_manifest(vms[i]);
		check_vm(vms[i]);
	}
}
