/* SPDX-License-Identifier: Apache-2.0 */
/* Calls single functions for tests and benchmarks: `calls.bin` is read to the start of the arena, the call that its head
 * describes is made, and the arena goes back to the same file with the result. */
#include "instruction_clock.h"
#include "semihosting.h"

typedef struct call {
    uint32_t bytes; /* of the file */
    uint32_t function;
    uint32_t arguments[8];
    uint32_t result;
    uint32_t ticks, empty_ticks; /* of the call, and of the same around a function that only returns */
    uint32_t reserved;
    uint32_t saved[8];  /* r4-r11 after the call, 0xa5a50000 + i before it */
    uint64_t vector[8]; /* d8-d15, the same */
} call;

extern call cs_calls_arena;

uint32_t cs_calls_guarded(call *at);
void cs_calls_nothing(void);
int main(void);
void Default_Handler(void);

/* Any exception: none is expected. */
void Default_Handler(void)
{
    host_exit(EXIT_FAULT);
}

#if defined(__ARM_FP)
/* The registers that a callee must preserve (AAPCS32 6.1.1, 6.1.2) get a pattern, and are looked at after the call. */
__asm__(".text\n\t.syntax unified\n\t.thumb\n\t.globl cs_calls_guarded\n\t.type cs_calls_guarded, %function\n\t.thumb_func\n"
        "cs_calls_guarded:\n\t"
        "push {r0, r4-r11, lr}\n\t"
        "vpush {d8-d15}\n\t"
        "add r1, r0, #56\n\t"
        "ldm r1, {r4-r11}\n\t"
        "vldr d8, [r0, #88]\n\tvldr d9, [r0, #96]\n\tvldr d10, [r0, #104]\n\tvldr d11, [r0, #112]\n\t"
        "vldr d12, [r0, #120]\n\tvldr d13, [r0, #128]\n\tvldr d14, [r0, #136]\n\tvldr d15, [r0, #144]\n\t"
        "sub sp, #16\n\t"
        "ldr r1, [r0, #24]\n\tstr r1, [sp]\n\t"
        "ldr r1, [r0, #28]\n\tstr r1, [sp, #4]\n\t"
        "ldr r1, [r0, #32]\n\tstr r1, [sp, #8]\n\t"
        "ldr r1, [r0, #36]\n\tstr r1, [sp, #12]\n\t"
        "ldr r12, [r0, #4]\n\t"
        "ldr r1, [r0, #12]\n\tldr r2, [r0, #16]\n\tldr r3, [r0, #20]\n\tldr r0, [r0, #8]\n\t"
        "blx r12\n\t"
        "add sp, #16\n\t"
        "ldr r12, [sp, #64]\n\t"
        "add r1, r12, #56\n\t"
        "stm r1, {r4-r11}\n\t"
        "vstr d8, [r12, #88]\n\tvstr d9, [r12, #96]\n\tvstr d10, [r12, #104]\n\tvstr d11, [r12, #112]\n\t"
        "vstr d12, [r12, #120]\n\tvstr d13, [r12, #128]\n\tvstr d14, [r12, #136]\n\tvstr d15, [r12, #144]\n\t"
        "vpop {d8-d15}\n\t"
        "add sp, #4\n\t"
        "pop {r4-r11, pc}\n");
#else
/* Without an FPU: the emulator that has such cores looks at the registers itself. */
uint32_t cs_calls_guarded(call *at)
{
    typedef uint32_t function(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
    const uint32_t *a = at->arguments;

    return ((function *)(uintptr_t)at->function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
}
#endif

__attribute__((noinline)) void cs_calls_nothing(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) static uint32_t timed(call *at, uint32_t *result)
{
    const uint32_t start = clock_read();

    *result = cs_calls_guarded(at);
    return clock_ticks(start, clock_read());
}

int main(void)
{
    call *at = &cs_calls_arena;
    const int32_t in = host_open("calls.bin", READ_BINARY);

    if (in < 0 || host_read(in, at, 4) != 0 || host_read(in, &at->function, at->bytes - 4) != 0) {
        host_exit(EXIT_NO_FILES);
    }
    clock_start();
    const uint32_t function = at->function;
    at->function = (uint32_t)(uintptr_t)cs_calls_nothing;
    at->empty_ticks = timed(at, &at->result);
    at->function = function;
    at->ticks = timed(at, &at->result);
    const int32_t out = host_open("calls.bin", WRITE_BINARY);
    host_exit(out < 0 || host_write(out, at, at->bytes) != 0 ? EXIT_NOT_WRITTEN : 0);
    return 0;
}
