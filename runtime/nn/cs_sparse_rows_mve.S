/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_sparse_rows(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows)
 *
 * cs_fully_connected_sparse of one position: codesign/positions.h says what it computes. Four rows in a vector, one weight of each in
 * an iteration.
 *
 *   r0  words, running    r3   rows left            q0  where x stand, then multipliers    q2  x, then -32767
 *   r1  x                 lr   weights left         q1  weights, then shifts               q3  sums
 *   r2  y, running        r12  -32767
 *
 * Stack: 8 bytes, declared to the stack analysis by the symbol cs_sparse_rows.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        LEAF    cs_sparse_rows
        push    {r4, lr}
        .cfi_def_cfa_offset 8
        .cfi_offset lr, -4
        .cfi_offset r4, -8
        movw    r12, #0x8001
1:                                              // the next four rows
        ldr     r4, [r0], #4
        vldrw.u32 q3, [r0], #16
        vctp.32 r3
        wls     lr, r4, 3f
2:
        vldrh.u32 q0, [r0], #8
        vldrb.s32 q1, [r0], #4
        vldrh.s32 q2, [r1, q0, uxtw #1]
        vmul.i32 q2, q2, q1
        vadd.i32 q3, q3, q2
        le      lr, 2b
3:
        vldrw.u32 q0, [r0], #16
        vmulh.s32 q3, q3, q0
        vldrw.u32 q1, [r0], #16
        vrshl.s32 q3, q3, q1
        vdup.16 q2, r12
        vqmovnb.s32 q3, q3
        vmax.s16 q3, q3, q2
        vpst
        vstrht.32 q3, [r2], #8
        subs    r3, r3, #4
        bgt     1b
        pop     {r4, pc}
        LEAF_END cs_sparse_rows 8

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
