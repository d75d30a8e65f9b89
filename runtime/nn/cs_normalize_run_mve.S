/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_normalize_run(const cs_normal *row, const int16_t *x, int16_t *y, uint32_t n)
 *
 * cs_normalize.c says what it computes. Eight elements in an iteration, then four.
 *
 * Stack: 88 bytes, declared to the stack analysis by the symbol cs_normalize_run.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        /* r0 n, r1 x, r2 y, r4 gain, r5 bias, all but the first running; r6 sum, r7 left, r8 -gain_bits; q6 factor, q7 -32767 */
        LEAF    cs_normalize_run
        push    {r4-r8, lr}
        .cfi_def_cfa_offset 24
        .cfi_offset lr, -4
        .cfi_offset r8, -8
        .cfi_offset r7, -12
        .cfi_offset r6, -16
        .cfi_offset r5, -20
        .cfi_offset r4, -24
        vpush   {d8-d15}
        .cfi_def_cfa_offset 88
        ldm     r0, {r4-r8, r12}
        vdup.32 q6, r12
        movw    r12, #0x8001
        vdup.16 q7, r12
        mov     r0, r3
        lsrs    lr, r3, #3
        wls     lr, lr, 2f
1:                                              // eight elements
        vldrh.s32 q0, [r1], #8
        vmul.i32 q1, q0, r0
        vldrh.s32 q2, [r1], #8
        vsub.i32 q3, q1, r6
        vmul.i32 q4, q2, r0
        vshl.s32 q3, r7
        vmulh.s32 q5, q3, q6
        vsub.i32 q0, q4, r6
        vldrw.u32 q1, [r4], #16
        vshl.i32 q2, q5, #4
        vmulh.s32 q3, q2, q1
        vshl.s32 q0, r7
        vldrw.u32 q4, [r5], #16
        vadd.i32 q5, q3, q4
        vmulh.s32 q1, q0, q6
        vshl.s32 q5, r8
        vqmovnb.s32 q2, q5
        vldrw.u32 q3, [r4], #16
        vshl.i32 q4, q1, #4
        vmulh.s32 q0, q4, q3
        vmax.s16 q5, q2, q7
        vldrw.u32 q1, [r5], #16
        vadd.i32 q4, q0, q1
        vshl.s32 q4, r8
        vqmovnb.s32 q3, q4
        vstrh.32 q5, [r2], #8
        vmax.s16 q2, q3, q7
        vstrh.32 q2, [r2], #8
        le      lr, 1b
2:
        ands    r3, r3, #7
        wlstp.32 lr, r3, 4f
3:
        vldrh.s32 q0, [r1], #8
        vmul.i32 q0, q0, r0
        vsub.i32 q0, q0, r6
        vldrw.u32 q1, [r4], #16
        vshl.s32 q0, r7
        vmulh.s32 q0, q0, q6
        vldrw.u32 q2, [r5], #16
        vshl.i32 q0, q0, #4
        vmulh.s32 q0, q0, q1
        vadd.i32 q0, q0, q2
        vshl.s32 q0, r8
        vqmovnb.s32 q0, q0
        vmax.s16 q0, q0, q7
        vstrh.32 q0, [r2], #8
        letp    lr, 3b
4:
        vpop    {d8-d15}
        pop     {r4-r8, pc}
        LEAF_END cs_normalize_run 88

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
