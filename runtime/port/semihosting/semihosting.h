/* SPDX-License-Identifier: Apache-2.0 */
/* Arm semihosting (Semihosting for AArch32 and AArch64, 2.0): files and exit of the machine that runs the emulator. */
#ifndef CODESIGN_SEMIHOSTING_H
#define CODESIGN_SEMIHOSTING_H

#include <stdint.h>

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 }; /* fopen's "rb" and "wb" */

static inline uint32_t semihosting(uint32_t operation, const void *block)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;

    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

/* Handle, or -1. */
static inline int32_t host_open(const char *name, uint32_t mode)
{
    uint32_t length = 0;

    while (name[length] != 0) {
        length++;
    }
    const uint32_t block[3] = {(uint32_t)(uintptr_t)name, mode, length};
    return (int32_t)semihosting(SYS_OPEN, block);
}

/* Bytes that were not read: 0 when all were. */
static inline uint32_t host_read(int32_t file, void *to, uint32_t bytes)
{
    const uint32_t block[3] = {(uint32_t)file, (uint32_t)(uintptr_t)to, bytes};
    return semihosting(SYS_READ, block);
}

/* Bytes that were not written: 0 when all were. */
static inline uint32_t host_write(int32_t file, const void *from, uint32_t bytes)
{
    const uint32_t block[3] = {(uint32_t)file, (uint32_t)(uintptr_t)from, bytes};
    return semihosting(SYS_WRITE, block);
}

/* Ends the emulation with this exit status. */
static inline void host_exit(uint32_t status)
{
    const uint32_t block[2] = {0x20026 /* ADP_Stopped_ApplicationExit */, status};

    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, block);
    }
}

enum { EXIT_NO_FILES = 70, EXIT_NOT_INITIALIZED, EXIT_NOT_WRITTEN, EXIT_NOT_PROCESSED, EXIT_FAULT }; /* machines/qemu_bare.py */

#endif
