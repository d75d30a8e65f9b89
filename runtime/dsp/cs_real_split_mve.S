/* SPDX-License-Identifier: Apache-2.0 */
/* uint32_t cs_split_vectors(const float *up, const float *down, float *x_up, float *x_down, const float *w, uint32_t turns)
 * uint32_t cs_merge_vectors(const float *up, const float *down, float *z_up, float *z_down, const float *w, uint32_t turns,
 *                           uint32_t scale)
 *
 * float_vectors.h and real_split.h say what they compute. With parts exchanged, rev(b) = (im, re), VCADD by 270 degrees adds them as
 * (n_re + m_im, n_im - m_re), by 90 degrees as (n_re - m_im, n_im + m_re): every sum and difference is the one of real_split.h,
 * the sign of a zero with it. Results are stored where none of a turn was flushed.
 *
 *   r0 up, r1 down, r2, r3 results, all running   r4 w, running   r5 scale   r6 turns   lr turns left
 *   q0 a, then products   q1 b exchanged   q2 even   q3 odd   q4 w   q5 b, then even exchanged   q7 the sign of real
 *   parts
 *
 * Stack: 88 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE) && !defined(CODESIGN_NO_FLOAT_VECTORS)

#define STACK 88 /* bytes */

        .syntax unified
        .thumb
#include "float_vectors_mve.h"

        .macro  BEGIN
        push    {r4-r8, lr}
        .cfi_def_cfa_offset 24
        .cfi_offset lr, -4
        .cfi_offset r8, -8
        .cfi_offset r7, -12
        .cfi_offset r6, -16
        .cfi_offset r5, -20
        .cfi_offset r4, -24
        vpush   {d8-d15}
        .cfi_def_cfa_offset STACK
        WATCH   r12
        ldrd    r4, r6, [sp, #STACK]
        .endm

        .macro  TURN
        wls     lr, r6, 2f
1:
        vldr    d10, [r1]
        vldr    d11, [r1, #-8]
        vldrw.u32 q0, [r0], #16
        vrev64.32 q1, q5
        vldrw.u32 q4, [r4], #16
        vcadd.f32 q2, q0, q1, #270
        .endm

        /* \up and \down, of which \first and \second are the halves */
        .macro  END name up down first second
        vmrs    r7, fpscr
        tst     r7, #FLUSHED
        bne     3f
        vstrw.32 \up, [r2], #16
        vstr    \first, [r3]
        subs    r1, r1, #16
        vstr    \second, [r3, #-8]
        subs    r3, r3, #16
        le      lr, 1b
2:
        movs    lr, #0
3:
        sub     r0, r6, lr
        vpop    {d8-d15}
        pop     {r4-r8, pc}
        LEAF_END \name STACK
        .endm

        LEAF    cs_split_vectors
        BEGIN
        mov     r5, #0x3f000000                 // 0.5
        mov     r12, #0x80000000
        movs    r7, #0
        vmov    q7[2], q7[0], r12, r12
        vmov    q7[3], q7[1], r7, r7
        TURN
        vcadd.f32 q3, q1, q0, #270
        vmul.f32 q2, q2, r5
        vmul.f32 q3, q3, r5
        vrev64.32 q5, q2
        vcmul.f32 q0, q3, q4, #0
        vcmul.f32 q1, q3, q4, #90
        vadd.f32 q0, q0, q1                     // turned
        vadd.f32 q2, q2, q0
        veor    q0, q0, q7
        vcadd.f32 q1, q0, q5, #270
        END     cs_split_vectors q2 q1 d2 d3

        LEAF    cs_merge_vectors
        BEGIN
        ldr     r5, [sp, #STACK + 8]
        TURN
        vcadd.f32 q3, q0, q1, #90
        vmul.f32 q2, q2, r5
        vmul.f32 q3, q3, r5
        vcmul.f32 q0, q4, q3, #0
        vcmul.f32 q1, q4, q3, #270
        vrev64.32 q5, q2
        vadd.f32 q0, q0, q1                     // turned
        vcadd.f32 q1, q2, q0, #90
        vrev64.32 q3, q0
        vcadd.f32 q2, q3, q5, #270
        END     cs_merge_vectors q2 q1 d2 d3

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
