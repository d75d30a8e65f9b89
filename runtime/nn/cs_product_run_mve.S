/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_product_run(const cs_product_constants *constants, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n)
 *
 * cs_multiply.c says what it computes. Four elements in an iteration; a quotient's halves go away from zero because a negative one is
 * made less by one step before it is rounded upwards.
 *
 *   r1, r2, r3  a, b, y, running    r4  multiplier        r6  zero point     q4, q5  low, high
 *   r0          n                   r5  shift, negative
 *
 * Stack: 48 bytes, declared to the stack analysis by the symbol cs_product_run.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        LEAF    cs_product_run
        PUSH_R4_R6_LR
        vpush   {d8-d11}
        .cfi_def_cfa_offset 48
        ldm     r0, {r4, r5, r6, r12, lr}
        vdup.32 q4, r12
        vdup.32 q5, lr
        ldr     r0, [sp, #48]
        wlstp.32 lr, r0, 2f
1:
        vldrh.s32 q0, [r1], #8
        vldrh.s32 q1, [r2], #8
        vmul.i32 q0, q0, q1
        vqrdmulh.s32 q0, q0, r4
        vshr.s32 q1, q0, #31
        vadd.i32 q0, q0, q1
        vrshl.s32 q0, r5
        vadd.i32 q0, q0, r6
        vmax.s32 q0, q0, q4
        vmin.s32 q0, q0, q5
        vstrh.32 q0, [r3], #8
        letp    lr, 1b
2:
        vpop    {d8-d11}
        pop     {r4-r6, pc}
        LEAF_END cs_product_run 48

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
