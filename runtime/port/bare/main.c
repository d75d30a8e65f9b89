/* SPDX-License-Identifier: Apache-2.0 */
/* The bare image: one enhancer and one hop of input and output. A debugger or emulator fills cs_bare_input, calls
 * cs_bare_process and reads cs_bare_output; on a board without an operating system, a DMA interrupt would. */
#include "codesign_model.h"

int16_t cs_bare_input[CODESIGN_MODEL_HOP * CODESIGN_MODEL_CHANNELS];
int16_t cs_bare_output[CODESIGN_MODEL_HOP * CODESIGN_MODEL_CHANNELS];
uint32_t cs_bare_skipped;
_Alignas(8) uint8_t cs_bare_memory[CODESIGN_MODEL_MEMORY_BYTES];

int cs_bare_reset(void);
int cs_bare_process(void);
void cs_bare_idle(void);

int cs_bare_reset(void)
{
    return (int)cs_enhancer_init(&CODESIGN_MODEL, cs_bare_memory, sizeof cs_bare_memory);
}

__attribute__((used, noinline)) int cs_bare_process(void)
{
    const cs_status status = cs_enhancer_process(cs_bare_memory, cs_bare_input, cs_bare_output, 1);
    cs_bare_skipped = cs_enhancer_skipped(cs_bare_memory);
    return (int)status;
}

__attribute__((used, noinline)) void cs_bare_idle(void)
{
    for (;;) {
        __asm__ volatile("wfi");
    }
}

int main(void)
{
    /* The call keeps the frame function and its buffers in the image; one silent frame also proves the start-up. */
    if (cs_bare_reset() == 0 && cs_bare_process() == 0 && cs_bare_reset() == 0) {
        cs_bare_idle();
    }
    return 1;
}
