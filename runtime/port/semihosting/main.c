/* SPDX-License-Identifier: Apache-2.0 */
/* The bare image with files: `in.pcm` is enhanced hop by hop; `frames.bin` gets, for each hop, what the Unicorn emulation reads
 * out of memory: the output, the features and the mask, the number of skipped steps and the ticks that the frame took. At its
 * end the ticks around an empty function, and the bytes of stack that were used. */
#include "codesign_model.h"
#include "instruction_clock.h"
#include "semihosting.h"

#define PAINT 0xc5c5c5c5u
#define RED_ZONE 64u /* bytes below the stack pointer that main itself may use while it paints */

extern uint32_t __stack_bottom[], __stack_top[];

static int16_t input[CODESIGN_MODEL_HOP * CODESIGN_MODEL_CHANNELS];
static int16_t output[CODESIGN_MODEL_HOP * CODESIGN_MODEL_CHANNELS];
_Alignas(8) uint8_t cs_bare_memory[CODESIGN_MODEL_MEMORY_BYTES];

int main(void);
void Default_Handler(void);

/* Any exception: none is expected. */
void Default_Handler(void)
{
    host_exit(EXIT_FAULT);
}

__attribute__((noinline)) static cs_status nothing(void)
{
    __asm__ volatile("");
    return CS_OK;
}

__attribute__((noinline)) static cs_status process(void)
{
    return cs_enhancer_process(cs_bare_memory, input, output, 1);
}

__attribute__((noinline)) static cs_status timed(cs_status (*function)(void), uint32_t *ticks)
{
    const uint32_t start = clock_read();
    const cs_status status = function();

    *ticks = clock_ticks(start, clock_read());
    return status;
}

__attribute__((noinline)) static void paint(void)
{
    const uint32_t *end = (const uint32_t *)((uintptr_t)__builtin_frame_address(0) - RED_ZONE);

    for (volatile uint32_t *p = __stack_bottom; p < end; p++) {
        *p = PAINT;
    }
}

static uint32_t stack_used(void)
{
    const uint32_t *p = __stack_bottom;

    while (p < __stack_top && *p == PAINT) {
        p++;
    }
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)p);
}

static void put(int32_t file, const void *data, uint32_t bytes)
{
    if (host_write(file, data, bytes) != 0) {
        host_exit(EXIT_NOT_WRITTEN);
    }
}

int main(void)
{
    const int32_t in = host_open("in.pcm", READ_BINARY), out = host_open("frames.bin", WRITE_BINARY);
    const uint8_t *arena = cs_bare_memory + CS_ENHANCER_HEADER_BYTES;
    cs_status (*volatile measured)(void) = process; /* volatile: one `timed` for both, not a copy for each */

    if (in < 0 || out < 0) {
        host_exit(EXIT_NO_FILES);
    }
    paint();
    if (cs_enhancer_init(&CODESIGN_MODEL, cs_bare_memory, sizeof cs_bare_memory) != CS_OK) {
        host_exit(EXIT_NOT_INITIALIZED);
    }
    clock_start();
    while (host_read(in, input, sizeof input) == 0) {
        uint32_t figures[2];

        if (timed(measured, &figures[1]) != CS_OK) {
            host_exit(EXIT_NOT_PROCESSED);
        }
        figures[0] = cs_enhancer_skipped(cs_bare_memory);
        put(out, output, sizeof output);
        put(out, arena + CODESIGN_MODEL.layout.features, CODESIGN_MODEL_FEATURE_BYTES);
        put(out, arena + CODESIGN_MODEL.layout.mask, CODESIGN_MODEL_MASK_BYTES);
        put(out, figures, sizeof figures);
    }
    uint32_t last[2] = {0, stack_used()};
    measured = nothing;
    timed(measured, &last[0]);
    put(out, last, sizeof last);
    host_exit(0);
    return 0;
}
