/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_magnitude_run(const int32_t *constants, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n)
 *
 * cs_magnitude_s16.c says what it computes. Eight elements in an iteration, then four.
 *
 * Stack: 112 bytes, declared to the stack analysis by the symbol cs_magnitude_run.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        /* y * (3 - w * y * y) / 2, as cs_reciprocal_root has it: q0 w, q1 y, q7 3 in Q27 */
        .macro  NEWTON
        vmulh.s32 q2, q1, q1
        vshl.i32 q2, q2, #2
        vmulh.s32 q2, q2, q0
        vsub.i32 q2, q7, q2
        vshl.i32 q2, q2, #2
        vmulh.s32 q1, q1, q2
        vshl.i32 q1, q1, #2
        .endm

        /* r0 shift - 11, r1 re, r2 im, r3 y, r4 multiplier, r5 1143534715, r6 1309965025, r12 -1; q7 3 in Q27; [sp] zeros above two sums
         * of eight: two fours at once, in an order that waits for little. The last ones: q3 zeros above the sum; q4 -1, q5 1309965025,
         * q6 multiplier */
        LEAF    cs_magnitude_run
        PUSH_R4_R6_LR
        vpush   {d8-d15}
        sub     sp, sp, #32
        .cfi_def_cfa_offset 112
        ldr     lr, [sp, #112]
        movw    r6, #0x7ae1
        movt    r6, #0x4e14
        ldr     r4, [r0]
        ldr     r0, [r0, #4]
        mov     r12, #-1
        mov     r5, #0x18000000
        vdup.32 q7, r5
        movw    r5, #0xf47b
        movt    r5, #0x4428
        lsrs    lr, lr, #3
        wls     lr, lr, 2f
1:                                              // eight elements
        vdup.32 q0, r5
        vldrh.s32 q1, [r1], #8
        vdup.32 q2, r0
        vmul.i32 q3, q1, q1
        vldrh.s32 q4, [r2], #8
        vmul.i32 q5, q4, q4
        vdup.32 q6, r6
        vldrh.s32 q1, [r2], #8
        vadd.i32 q4, q3, q5
        vmul.i32 q3, q1, q1
        vclz.i32 q5, q4
        vldrh.s32 q1, [r1], #8
        vbic.i32 q5, #1
        vmul.i32 q1, q1, q1
        vshl.u32 q4, q4, q5
        vadd.i32 q1, q1, q3
        vclz.i32 q3, q1
        vbic.i32 q3, #1
        vstrw.32 q5, [sp]
        vshl.u32 q5, q1, q3
        vstrw.32 q3, [sp, #16]
        vshr.u32 q1, q5, #1
        vmulh.s32 q3, q1, q6
        vshr.u32 q5, q4, #1
        vmulh.s32 q4, q5, q6
        vsub.i32 q6, q0, q3
        vmulh.s32 q3, q6, q6
        vsub.i32 q4, q0, q4
        vmulh.s32 q0, q4, q4
        vshl.i32 q3, q3, #2
        vmulh.s32 q3, q3, q1
        vshl.i32 q0, q0, #2
        vmulh.s32 q0, q0, q5
        vsub.i32 q3, q7, q3
        vshl.i32 q3, q3, #2
        vmulh.s32 q3, q6, q3
        vsub.i32 q6, q7, q0
        vshl.i32 q0, q6, #2
        vmulh.s32 q6, q4, q0
        vshl.i32 q4, q3, #2
        vmulh.s32 q0, q4, q4
        vshl.i32 q3, q6, #2
        vmulh.s32 q6, q3, q3
        vshl.i32 q0, q0, #2
        vmulh.s32 q0, q0, q1
        vshl.i32 q6, q6, #2
        vmulh.s32 q6, q6, q5
        vsub.i32 q0, q7, q0
        vshl.i32 q0, q0, #2
        vmulh.s32 q4, q4, q0
        vsub.i32 q0, q7, q6
        vshl.i32 q6, q4, #2
        vmulh.s32 q4, q6, q6
        vshl.i32 q0, q0, #2
        vmulh.s32 q3, q3, q0
        vshl.i32 q0, q4, #2
        vmulh.s32 q4, q0, q1
        vshl.i32 q0, q3, #2
        vmulh.s32 q3, q0, q0
        vsub.i32 q4, q7, q4
        vshl.i32 q4, q4, #2
        vmulh.s32 q6, q6, q4
        vshl.i32 q4, q3, #2
        vmulh.s32 q3, q4, q5
        vshl.i32 q4, q6, #2
        vmulh.s32 q6, q4, q4
        vsub.i32 q3, q7, q3
        vshl.i32 q3, q3, #2
        vmulh.s32 q3, q0, q3
        vshl.i32 q0, q6, #2
        vmulh.s32 q6, q0, q1
        vshl.i32 q0, q3, #2
        vmulh.s32 q3, q0, q0
        vsub.i32 q6, q7, q6
        vshl.i32 q6, q6, #2
        vmulh.s32 q4, q4, q6
        vshl.i32 q6, q3, #2
        vmulh.s32 q3, q6, q5
        vshl.i32 q6, q4, #2
        vdup.32 q4, r12
        vmulh.s32 q6, q1, q6
        vsub.i32 q1, q7, q3
        vshl.i32 q3, q1, #2
        vldrw.u32 q1, [sp, #16]
        vshr.u32 q1, q1, #1
        vmulh.s32 q0, q0, q3
        vsub.i32 q3, q2, q1
        vldrw.u32 q1, [sp]
        vshr.u32 q1, q1, #1
        vshl.i32 q0, q0, #2
        vsub.i32 q1, q2, q1
        vmulh.s32 q2, q5, q0
        vmin.s32 q5, q1, q4
        vsub.i32 q0, q1, q5
        vdup.32 q1, r4
        vmin.s32 q4, q3, q4
        vsub.i32 q3, q3, q4
        vshl.s32 q0, q2, q0
        vmulh.s32 q2, q0, q1
        vshl.s32 q0, q6, q3
        vmulh.s32 q6, q0, q1
        vrshl.s32 q3, q2, q5
        vqmovnb.s32 q0, q3
        vrshl.s32 q1, q6, q4
        vstrh.32 q0, [r3], #8
        vqmovnb.s32 q5, q1
        vstrh.32 q5, [r3], #8
        le      lr, 1b
2:
        ldr     lr, [sp, #112]
        vdup.32 q4, r12
        vdup.32 q5, r6
        vdup.32 q6, r4
        and     lr, lr, #7
        wlstp.32 lr, lr, 4f
3:
        vldrh.s32 q0, [r1], #8
        vldrh.s32 q1, [r2], #8
        vmul.i32 q0, q0, q0
        vmul.i32 q1, q1, q1
        vadd.i32 q0, q0, q1
        vclz.i32 q3, q0
        vbic.i32 q3, #1
        vshl.u32 q0, q0, q3
        vshr.u32 q0, q0, #1
        vmulh.s32 q2, q0, q5
        vdup.32 q1, r5
        vsub.i32 q1, q1, q2
        NEWTON
        NEWTON
        NEWTON
        NEWTON
        vmulh.s32 q0, q0, q1                    // the root, Q28
        vshr.u32 q3, q3, #1
        vdup.32 q1, r0
        vsub.i32 q1, q1, q3                     // its shift, and one
        vmin.s32 q2, q1, q4
        vsub.i32 q1, q1, q2
        vshl.s32 q0, q0, q1
        vmulh.s32 q0, q0, q6
        vrshl.s32 q0, q0, q2
        vqmovnb.s32 q0, q0
        vstrh.32 q0, [r3], #8
        letp    lr, 3b
4:
        add     sp, sp, #32
        vpop    {d8-d15}
        pop     {r4-r6, pc}
        LEAF_END cs_magnitude_run 112

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
