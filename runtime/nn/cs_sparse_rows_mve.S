/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_sparse_rows_1(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows, uint32_t columns)
 * void cs_sparse_rows_2(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows, uint32_t columns)
 *
 * cs_fully_connected_sparse of one position, or of two: codesign/positions.h says what it computes. Four rows in a vector, one weight of
 * each in an iteration.
 *
 *   r0      words, running        r3   rows left         q0      where x stand, then multipliers    q2  x
 *   r1, r5  x of one, the other   lr   weights left      q1      weights, then shifts               q5  -32767
 *   r2, r6  y, running            r12  -32767            q3, q4  sums of one, of the other
 *
 * Stack: 48 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        .macro  PRODUCTS x sums
        vldrh.s32 q2, [\x, q0, uxtw #1]
        vmul.i32 q2, q2, q1
        vadd.i32 \sums, \sums, q2
        .endm

        .macro  RESULTS sums y
        vmulh.s32 \sums, \sums, q0
        vrshl.s32 \sums, \sums, q1
        vqmovnb.s32 \sums, \sums
        vmax.s16 \sums, \sums, q5
        vpst
        vstrht.32 \sums, [\y], #8
        .endm

        .macro  ROWS    name two
        LEAF    \name
        PUSH_R4_R6_LR
        vpush   {d8-d11}
        .cfi_def_cfa_offset 48
        movw    r12, #0x8001
        vdup.16 q5, r12
        .if     \two
        ldr     r5, [sp, #48]
        add     r6, r2, r3, lsl #1
        add     r5, r1, r5, lsl #1
        .endif
1:                                              // the next four rows
        ldr     r4, [r0], #4
        vldrw.u32 q3, [r0], #16
        .if     \two
        vmov    q4, q3
        .endif
        vctp.32 r3
        wls     lr, r4, 3f
2:
        vldrh.u32 q0, [r0], #8
        vldrb.s32 q1, [r0], #4
        PRODUCTS r1 q3
        .if     \two
        PRODUCTS r5 q4
        .endif
        le      lr, 2b
3:
        vldrw.u32 q0, [r0], #16
        vldrw.u32 q1, [r0], #16
        RESULTS q3 r2
        .if     \two
        RESULTS q4 r6
        .endif
        subs    r3, r3, #4
        bgt     1b
        vpop    {d8-d11}
        pop     {r4-r6, pc}
        LEAF_END \name 48
        .endm

        ROWS    cs_sparse_rows_1 0
        ROWS    cs_sparse_rows_2 1

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
