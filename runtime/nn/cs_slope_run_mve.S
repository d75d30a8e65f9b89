/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_slope_run(const cs_slope *numbers, const int16_t *x, int16_t *y, uint32_t n, int32_t slope, int32_t less)
 *
 * cs_apply_slopes.c says what it computes. Four elements in an iteration: what they are above 0, and below 0 where they are.
 *
 *   r1  x, running     r4, r6  2^left, multiplier above     r5, r7  slope, multiplier below     r3  less     q1, q2  above, below
 *   r2  y, running     r8, r9  shifts, negative: right
 *
 * Stack: 32 bytes, declared to the stack analysis by the symbol cs_slope_run.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        LEAF    cs_slope_run
        push    {r3-r9, lr}
        .cfi_def_cfa_offset 32
        .cfi_offset lr, -4
        .cfi_offset r9, -8
        .cfi_offset r8, -12
        .cfi_offset r7, -16
        .cfi_offset r6, -20
        .cfi_offset r5, -24
        .cfi_offset r4, -28
        ldm     r0, {r4, r6-r9}
        movw    r12, #0x8001
        vdup.16 q3, r12
        mov     lr, r3
        ldrd    r5, r3, [sp, #32]               // slope, less
        wlstp.32 lr, lr, 2f
1:
        vldrh.s32 q0, [r1], #8
        vmul.i32 q2, q0, r5
        vqrdmulh.s32 q2, q2, r7
        vmul.i32 q1, q0, r4
        vadd.i32 q2, q2, r3
        vqrdmulh.s32 q1, q1, r6
        vrshl.s32 q2, r9
        vrshl.s32 q1, r8
        vpt.s32 lt, q0, zr
        vmovt   q1, q2
        vqmovnb.s32 q1, q1
        vmax.s16 q1, q1, q3
        vstrh.32 q1, [r2], #8
        letp    lr, 1b
2:
        pop     {r3-r9, pc}
        LEAF_END cs_slope_run 32

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
