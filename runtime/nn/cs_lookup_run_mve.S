/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_lookup_run(const uint32_t *middle, const int16_t *x, int16_t *y, uint32_t n)
 *
 * cs_lookup_s16.c says what it computes. Four elements in an iteration.
 *
 * Stack: 8 bytes, declared to the stack analysis by the symbol cs_lookup_run.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        /* r0 middle, r1 x, r2 y; q0 x in the upper halves, q2 words of the table */
        LEAF    cs_lookup_run
        push    {r4, lr}
        .cfi_def_cfa_offset 8
        .cfi_offset lr, -4
        .cfi_offset r4, -8
        wlstp.32 lr, r3, 2f
1:
        vldrh.s32 q0, [r1], #8
        vshr.s32 q1, q0, #7
        vldrw.u32 q2, [r0, q1, uxtw #2]
        vshl.i32 q0, q0, #16
        vmullt.s16 q0, q0, q2
        vrshr.s32 q0, q0, #7
        vadd.i32 q0, q0, q2
        vstrh.32 q0, [r2], #8
        letp    lr, 1b
2:
        pop     {r4, pc}
        LEAF_END cs_lookup_run 8

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
