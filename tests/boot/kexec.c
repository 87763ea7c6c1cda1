/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kexec: starts another kernel from Linux, as an arm64 kernel allows it.
 *
 * usage: kexec ENTRY FILE@ADDRESS[+BYTES]...
 *
 * Each file goes to a physical address, followed by zeroes up to BYTES; the
 * first instruction is the one at ENTRY. See kexec.py.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES	4096ul

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *contents(const char *path, size_t *bytes)
{
	int fd = open(path, O_RDONLY);
	size_t capacity = 1 << 20;
	char *data = malloc(capacity);
	ssize_t got;

	if (fd < 0 || !data) {
		die(path);
	}
	*bytes = 0;
	while ((got = read(fd, data + *bytes, capacity - *bytes)) > 0) {
		*bytes += (size_t)got;
		if (*bytes == capacity) {
			capacity *= 2;
			data = realloc(data, capacity);
			if (!data) {
				die(path);
			}
		}
	}
	if (got < 0) {
		die(path);
	}
	close(fd);
	return data;
}

int main(int argc, char **argv)
{
	struct kexec_segment segments[KEXEC_SEGMENT_MAX];
	unsigned long count = 0;

	if (argc < 3 || argc - 2 > KEXEC_SEGMENT_MAX) {
		fprintf(stderr, "usage: kexec ENTRY FILE@ADDRESS[+BYTES]...\n");
		return 2;
	}
	for (char **arg = argv + 2; *arg; arg++) {
		struct kexec_segment *segment = &segments[count++];
		char *at = strchr(*arg, '@');
		size_t bytes;
		char *plus;

		if (!at) {
			fprintf(stderr, "kexec: no address: %s\n", *arg);
			return 2;
		}
		*at = '\0';
		segment->buf = contents(*arg, &segment->bufsz);
		segment->mem = (void *)strtoul(at + 1, &plus, 0);
		bytes = *plus == '+' ? strtoul(plus + 1, NULL, 0) : 0;
		bytes = bytes > segment->bufsz ? bytes : segment->bufsz;
		segment->memsz = (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	}
	if (syscall(SYS_kexec_load, strtoul(argv[1], NULL, 0), count, segments,
		    KEXEC_ARCH_AARCH64) != 0) {
		die("kexec_load");
	}
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	die("reboot");
	return 1;
}
