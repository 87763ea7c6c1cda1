/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a hypsec-virt board starts from; see hypsec-image.h.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "elf.h"
#include "hw/loader.h"
#include "hypsec-image.h"

/* The header of an arm64 Linux Image, by offset. */
#define IMAGE_HEADER_BYTES 64
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE 16
#define IMAGE_MAGIC 56

/* Pages have one owner, so an Image starts on a page of its own. */
#define IMAGE_ALIGN 4096

void hypsec_file_clear(HypsecFile *file)
{
    g_free(file->data);
    file->data = NULL;
    file->size = 0;
}

/* Opens a regular file of 1 to @max bytes; returns its descriptor or -1. */
static int file_open(const char *what, const char *name, uint64_t max,
                     uint64_t *size, Error **errp)
{
    ERRP_GUARD();
    struct stat st;
    int fd = qemu_open(name, O_RDONLY | O_NONBLOCK, errp);

    if (fd < 0) {
        error_prepend(errp, "could not load %s: ", what);
        return -1;
    }
    if (fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "could not load %s '%s'", what, name);
    } else if (!S_ISREG(st.st_mode)) {
        error_setg(errp, "%s '%s' is not a regular file", what, name);
    } else if (st.st_size == 0) {
        error_setg(errp, "%s '%s' is empty", what, name);
    } else if (st.st_size > max) {
        error_setg(errp, "%s '%s' is too large: %" PRIu64 " bytes, of which "
                   "%" PRIu64 " fit", what, name, (uint64_t)st.st_size, max);
    } else {
        *size = st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

bool hypsec_file_check(const char *what, const char *name, uint64_t max,
                       Error **errp)
{
    uint64_t size;
    int fd = file_open(what, name, max, &size, errp);

    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

bool hypsec_file_read(HypsecFile *file, const char *what, const char *name,
                      uint64_t max, Error **errp)
{
    uint64_t size;
    size_t done = 0;
    int fd = file_open(what, name, max, &size, errp);

    if (fd < 0) {
        return false;
    }
    file->data = g_malloc(size);
    while (done < size) {
        ssize_t n = RETRY_ON_EINTR(read(fd, file->data + done, size - done));

        if (n <= 0) {
            error_setg_errno(errp, n ? errno : EIO, "could not read %s '%s'",
                             what, name);
            close(fd);
            return false;
        }
        done += n;
    }
    close(fd);
    file->size = size;
    return true;
}

/* An Image may come compressed by gzip, or wrapped by EFI zboot. */
static bool kernel_unpack(HypsecFile *file, const char *name, Error **errp)
{
    ssize_t size = file->size;

    if (size > 2 && file->data[0] == 0x1f && file->data[1] == 0x8b) {
        uint8_t *plain = g_try_malloc(LOAD_IMAGE_MAX_GUNZIP_BYTES);

        if (plain) {
            size = gunzip(plain, LOAD_IMAGE_MAX_GUNZIP_BYTES, file->data,
                          file->size);
        }
        if (!plain || size <= 0) {
            error_setg(errp, "could not decompress kernel '%s'", name);
            g_free(plain);
            return false;
        }
        g_free(file->data);
        file->data = g_realloc(plain, size);
    } else if (unpack_efi_zboot_image(&file->data, &size) < 0) {
        error_setg(errp, "could not decompress kernel '%s'", name);
        return false;
    }
    file->size = size;
    return true;
}

bool hypsec_kernel_read(HypsecFile *file, const char *name, uint64_t max,
                        Error **errp)
{
    return hypsec_file_read(file, "kernel", name, max, errp) &&
           kernel_unpack(file, name, errp);
}

bool hypsec_image_is_arm64(const HypsecFile *file)
{
    return file->size >= IMAGE_HEADER_BYTES &&
           memcmp(file->data + IMAGE_MAGIC, "ARM\x64", 4) == 0;
}

bool hypsec_image_layout(const HypsecFile *file, const char *name,
                         uint64_t room, HypsecImageLayout *layout,
                         Error **errp)
{
    uint64_t image_size = ldq_le_p(file->data + IMAGE_SIZE);

    /* Before Linux 3.17 there was no size, and then no offset either. */
    layout->text_offset = image_size ?
                          ldq_le_p(file->data + IMAGE_TEXT_OFFSET) : 512 * KiB;
    layout->span = MAX(image_size, file->size);

    if (layout->text_offset % IMAGE_ALIGN) {
        error_setg(errp, "kernel '%s' has a bad header: text offset 0x%"
                   PRIx64, name, layout->text_offset);
        return false;
    }
    if (layout->text_offset > room ||
        layout->span > room - layout->text_offset) {
        error_setg(errp, "kernel '%s' does not fit into RAM: it takes 0x%"
                   PRIx64 " bytes at offset 0x%" PRIx64 ", and 0x%" PRIx64
                   " are free", name, layout->span, layout->text_offset,
                   room);
        return false;
    }
    return true;
}

static bool elf_segment_check(const Elf64_Phdr *ph, const char *name,
                              uint64_t base, uint64_t size, Error **errp)
{
    uint64_t addr = le64_to_cpu(ph->p_paddr);
    uint64_t bytes = le64_to_cpu(ph->p_memsz);

    if (le32_to_cpu(ph->p_type) != PT_LOAD || !bytes ||
        (addr >= base && bytes <= size && addr - base <= size - bytes)) {
        return true;
    }
    error_setg(errp, "kernel '%s' does not fit into RAM: it has a segment of "
               "0x%" PRIx64 " bytes at 0x%" PRIx64, name, bytes, addr);
    return false;
}

bool hypsec_elf_check(const HypsecFile *file, const char *name, uint64_t base,
                      uint64_t size, Error **errp)
{
    Elf64_Ehdr eh;
    uint64_t offset;
    uint64_t bytes;

    if (file->size < sizeof(eh) || memcmp(file->data, ELFMAG, SELFMAG) ||
        file->data[EI_CLASS] != ELFCLASS64) {
        return true;
    }
    memcpy(&eh, file->data, sizeof(eh));
    if (eh.e_ident[EI_DATA] != ELFDATA2LSB ||
        le16_to_cpu(eh.e_machine) != EM_AARCH64) {
        error_setg(errp, "kernel '%s' is an ELF file for another machine",
                   name);
        return false;
    }
    offset = le64_to_cpu(eh.e_phoff);
    bytes = (uint64_t)le16_to_cpu(eh.e_phnum) * sizeof(Elf64_Phdr);
    if (le16_to_cpu(eh.e_phentsize) != sizeof(Elf64_Phdr) || !bytes ||
        bytes > file->size || offset > file->size - bytes) {
        error_setg(errp, "kernel '%s' is a broken ELF file", name);
        return false;
    }
    for (uint64_t i = 0; i < bytes; i += sizeof(Elf64_Phdr)) {
        Elf64_Phdr ph;

        memcpy(&ph, file->data + offset + i, sizeof(ph));
        if (!elf_segment_check(&ph, name, base, size, errp)) {
            return false;
        }
    }
    return true;
}
