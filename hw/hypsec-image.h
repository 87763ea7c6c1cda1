/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a board starts from: reading and checking them.
 *
 * Files are named by the user but may come from anybody: sizes and headers
 * are checked before anything is done with them.
 */
#ifndef HW_HYPSEC_IMAGE_H
#define HW_HYPSEC_IMAGE_H

/**
 * struct HypsecFile - a file in memory
 * @data: its bytes; hypsec_file_clear() frees them
 * @size: their number
 */
typedef struct HypsecFile {
    uint8_t *data;
    size_t size;
} HypsecFile;

/**
 * struct HypsecImageLayout - what an arm64 Linux Image asks for
 * @text_offset: bytes from a 2 MiB boundary to its first byte
 * @span: bytes that it takes from there, its zeroed data included
 */
typedef struct HypsecImageLayout {
    uint64_t text_offset;
    uint64_t span;
} HypsecImageLayout;

/**
 * hypsec_file_clear() - free what hypsec_file_read() allocated
 * @file: the file, empty afterwards
 */
void hypsec_file_clear(HypsecFile *file);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HypsecFile, hypsec_file_clear)

/**
 * hypsec_file_check() - see whether a file can be loaded
 * @what: what it is, for messages ("kernel")
 * @name: its name
 * @max: the bytes that it may have
 * @errp: set when it cannot be opened, is not a regular file, is empty or
 *        too large
 *
 * Returns: true when it can.
 */
bool hypsec_file_check(const char *what, const char *name, uint64_t max,
                       Error **errp);

/**
 * hypsec_file_read() - read a file into memory
 * @file: an empty file, to be cleared by the caller
 *
 * The other parameters and what is refused are those of
 * hypsec_file_check().
 *
 * Returns: true on success.
 */
bool hypsec_file_read(HypsecFile *file, const char *what, const char *name,
                      uint64_t max, Error **errp);

/**
 * hypsec_kernel_read() - read a kernel, decompressing it if need be
 * @file: an empty file, to be cleared by the caller
 * @name: the file's name; gzip and EFI zboot are recognized
 * @max: the bytes that it may have
 * @errp: set as by hypsec_file_check(), or when decompression fails
 *
 * Returns: true on success.
 */
bool hypsec_kernel_read(HypsecFile *file, const char *name, uint64_t max,
                        Error **errp);

/**
 * hypsec_image_is_arm64() - recognize an arm64 Linux Image
 * @file: a kernel
 *
 * Returns: true if it has the header of one.
 */
bool hypsec_image_is_arm64(const HypsecFile *file);

/**
 * hypsec_image_layout() - read the header of an arm64 Linux Image
 * @file: a kernel for which hypsec_image_is_arm64() holds
 * @name: its name, for messages
 * @room: bytes from a 2 MiB boundary to where the kernel must end
 * @layout: filled in
 * @errp: set when the header makes no sense or asks for more than @room
 *
 * Returns: true on success.
 */
bool hypsec_image_layout(const HypsecFile *file, const char *name,
                         uint64_t room, HypsecImageLayout *layout,
                         Error **errp);

/**
 * hypsec_elf_check() - see whether the segments of an ELF file have a place
 * @file: a kernel
 * @name: its name, for messages
 * @base: address of the first byte of RAM
 * @size: bytes of RAM
 * @errp: set when @file is a 64-bit ELF file that is broken or has a
 *        segment outside RAM
 *
 * Returns: true when they have, and for what is not a 64-bit ELF file.
 */
bool hypsec_elf_check(const HypsecFile *file, const char *name, uint64_t base,
                      uint64_t size, Error **errp);

#endif /* HW_HYPSEC_IMAGE_H */
