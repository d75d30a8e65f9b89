/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_depthwise_taps_s16(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at, uint32_t count, int32_t *acc)
 * void cs_depthwise_taps_s8(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at, uint32_t count, int32_t *acc)
 *
 * `count` sums of one row of results, whose first tap reads element `at`: depthwise.h says what is in `run`. Four results in a vector,
 * whose places are compared with the length of a row, so that taps in padding add nothing. Neighbours that read no padding are loaded
 * without.
 *
 *   r0  weights, running       r4, r5  x, weights                r6   x of a tap          q0  sums          q4  bias
 *   r1  a row of x             r7, r8  apart, rows               r9   a weight            q1  x             q5  places of the first tap
 *   r2  at                     r10     taps                      r11  dilation            q2  places        q6  length of a row
 *   r3  results left           r12     rows left                                          q3  zero point    q7  four steps
 *   [sp] acc, running, [sp, #4] elements of four steps, [sp, #8] the last `at` of neighbours that read no padding
 *
 * Stack: 112 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

#define STACK 112 /* bytes */

        .syntax unified
        .thumb
#include "saved_registers.h"
#include "vector_ends.h"

        .macro  TAPS    name wide
        LEAF    \name
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #12
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldrd    r4, r5, [r0]
        ldrd    r8, r7, [r0, #8]
        ldrd    r6, r9, [r0, #16]               // bias, zero point
        vdup.32 q4, r6
        vdup.32 q3, r9
        ldrh    r10, [r1, #4]
        ldrh    r6, [r1, #6]                    // step
        ldrh    r11, [r1, #8]
        ldrh    r9, [r1, #10]                   // length of a row
        vdup.32 q6, r9
        movs    r0, #0
        vidup.u32 q7, r0, #1
        vmul.i32 q7, q7, r6
        lsls    r0, r6, #2
        str     r0, [sp, #4]
        subs    r0, r10, #1
        mls     r9, r0, r11, r9
        subs    r9, r9, #4
        cmp     r6, #1
        it      ne
        movne   r9, #-1
        str     r9, [sp, #8]
        ldr     r0, [sp, #STACK]
        str     r0, [sp]
1:                                              // the next four results
        vmov    q0, q4
        mov     r0, r5
        mov     r1, r4
        movs    r12, r8
        beq     6f
        ldr     r6, [sp, #8]
        cmp     r2, #0
        blt     4f
        cmp     r2, r6
        bgt     4f
        add     r1, r1, r2, lsl #\wide
2:
        mov     r6, r1
        dls     lr, r10
3:
        ldrsb   r9, [r0], #1
        .if     \wide
        vldrh.s32 q1, [r6]
        .else
        vldrb.s32 q1, [r6]
        vsub.i32 q1, q1, q3
        .endif
        add     r6, r6, r11, lsl #\wide
        vmla.s32 q0, q1, r9
        le      lr, 3b
        add     r1, r1, r7, lsl #\wide
        subs    r12, r12, #1
        bne     2b
        b       6f
4:
        vadd.i32 q5, q7, r2
        vmov    q2, q5
        dls     lr, r10
5:
        ldrsb   r9, [r0], #1
        vpt.u32 hi, q6, q2
        .if     \wide
        vldrht.s32 q1, [r1, q2, uxtw #1]
        .else
        vldrbt.s32 q1, [r1, q2]
        vpst
        vsubt.i32 q1, q1, q3
        .endif
        vadd.i32 q2, q2, r11
        vmla.s32 q0, q1, r9
        le      lr, 5b
        add     r1, r1, r7, lsl #\wide
        vmov    q2, q5
        dls     lr, r10
        subs    r12, r12, #1
        bne     5b
6:
        ldrd    r6, r9, [sp]
        vctp.32 r3
        vpst
        vstrwt.32 q0, [r6], #16
        str     r6, [sp]
        add     r2, r2, r9
        subs    r3, r3, #4
        bgt     1b
        add     sp, sp, #12
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        LEAF_END \name STACK
        .endm

        TAPS    cs_depthwise_taps_s16 1
        TAPS    cs_depthwise_taps_s8 0

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
