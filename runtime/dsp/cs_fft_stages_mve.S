/* SPDX-License-Identifier: Apache-2.0 */
/* uint32_t cs_fft_first_vectors(const float *x, float *y, uint32_t quarter, const float *w, uint32_t butterflies)
 * uint32_t cs_fft_next_vectors(const float *x, float *y, uint32_t quarter, uint32_t step, const float *w, uint32_t groups)
 * uint32_t cs_fft_last_vectors(const float *x, float *y, uint32_t points)
 *
 * float_vectors.h and cs_complex_fft.c say what they compute: two butterflies at a time, real and imaginary parts beside each other.
 * VCADD turns by a right angle while it adds; VCMUL gives the two products of one factor's part, which are added as scalars are.
 *
 *   r0, r4, r5, r6  the four inputs, running      q0-q4  inputs, sums, results
 *   r1, r7-r9       outputs, running              q5-q7  twiddles
 *
 * Stack: 100 bytes, 8 of the last stage, declared to the stack analysis by symbols. Leaf functions. */
#include "../nn/saved_registers.h"

#if defined(__ARM_FEATURE_MVE) && !defined(CODESIGN_NO_FLOAT_VECTORS)

#define STACK 100 /* bytes */

        .syntax unified
        .thumb
#include "float_vectors_mve.h"

        .macro  BEGIN
        push    {r4-r11, lr}
        vpush   {d8-d15}
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        WATCH   r12
        adds    r4, r0, r2
        adds    r5, r4, r2
        adds    r6, r5, r2
        .endm

        .macro  END name
        RETURN_EXACT
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        LEAF_END \name STACK
        .endm

        LEAF    cs_fft_first_vectors
        BEGIN
        ldr     r7, [sp, #STACK]
        lsrs    r8, r7, #1                      // pairs; the last butterfly goes with the one before it once more
        movs    r7, #0
1:
        dls     lr, r8
2:
        vldrw.u32 q0, [r0], #16
        vldrw.u32 q2, [r5], #16
        vldr    d10, [r3]
        vadd.f32 q4, q0, q2
        vldrw.u32 q1, [r4], #16
        vsub.f32 q0, q0, q2
        vldrw.u32 q3, [r6], #16
        vldr    d11, [r3, #24]
        vadd.f32 q2, q1, q3
        vldr    d12, [r3, #8]
        vsub.f32 q1, q1, q3
        vldr    d13, [r3, #32]
        vadd.f32 q3, q4, q2
        vldr    d14, [r3, #16]
        vsub.f32 q4, q4, q2
        vstr    d6, [r1]
        vcadd.f32 q2, q0, q1, #270
        vstr    d7, [r1, #32]
        vcadd.f32 q0, q0, q1, #90
        vldr    d15, [r3, #40]
        vcmul.f32 q1, q4, q6, #0
        adds    r3, r3, #48
        vcmul.f32 q3, q4, q6, #90
        vcmul.f32 q4, q2, q5, #0
        vadd.f32 q1, q1, q3
        vcmul.f32 q3, q2, q5, #90
        vstr    d2, [r1, #16]
        vcmul.f32 q2, q0, q7, #0
        vstr    d3, [r1, #48]
        vadd.f32 q4, q4, q3
        vcmul.f32 q3, q0, q7, #90
        vstr    d8, [r1, #8]
        vstr    d9, [r1, #40]
        vadd.f32 q2, q2, q3
        vstr    d4, [r1, #24]
        vstr    d5, [r1, #56]
        adds    r1, r1, #64
        le      lr, 2b
        cbnz    r7, 3f
        movs    r7, #1
        mov     r8, r7
        subs    r0, r0, #8
        subs    r4, r4, #8
        subs    r5, r5, #8
        subs    r6, r6, #8
        subs    r1, r1, #32
        subs    r3, r3, #24
        b       1b
3:
        END     cs_fft_first_vectors

        .macro  SUMS
        vldrw.u32 q0, [r0], #16
        vldrw.u32 q2, [r5], #16
        vldrw.u32 q1, [r4], #16
        vadd.f32 q4, q0, q2
        vldrw.u32 q3, [r6], #16
        vsub.f32 q0, q0, q2
        vadd.f32 q2, q1, q3
        vsub.f32 q1, q1, q3
        vadd.f32 q3, q4, q2
        vsub.f32 q4, q4, q2
        vstrw.32 q3, [r1], #16
        .endm

        /* r2 pairs of a group, r3 step, r10 w, r11 groups left */
        LEAF    cs_fft_next_vectors
        BEGIN
        add     r7, r1, r3
        add     r8, r7, r3
        add     r9, r8, r3
        ldrd    r10, r11, [sp, #STACK]
        lsrs    r2, r3, #4
        add     r3, r3, r3, lsl #1
        dls     lr, r2
1:
        SUMS
        vcadd.f32 q2, q0, q1, #270
        vstrw.32 q4, [r8], #16
        vcadd.f32 q3, q0, q1, #90
        vstrw.32 q2, [r7], #16
        vstrw.32 q3, [r9], #16
        le      lr, 1b
        cmp     r11, #0
        beq     4f
2:                                              // the next group
        vldr    d10, [r10]
        vldr    d11, [r10]
        vldr    d12, [r10, #8]
        vldr    d13, [r10, #8]
        vldr    d14, [r10, #16]
        vldr    d15, [r10, #16]
        add     r10, r10, #24
        add     r1, r1, r3
        add     r7, r7, r3
        add     r8, r8, r3
        add     r9, r9, r3
        dls     lr, r2
3:
        SUMS
        vcadd.f32 q2, q0, q1, #270
        vcadd.f32 q0, q0, q1, #90
        vcmul.f32 q1, q4, q6, #0
        vcmul.f32 q3, q4, q6, #90
        vcmul.f32 q4, q2, q5, #0
        vadd.f32 q1, q1, q3
        vcmul.f32 q3, q2, q5, #90
        vstrw.32 q1, [r8], #16
        vcmul.f32 q2, q0, q7, #0
        vadd.f32 q4, q4, q3
        vcmul.f32 q3, q0, q7, #90
        vstrw.32 q4, [r7], #16
        vadd.f32 q2, q2, q3
        vstrw.32 q2, [r9], #16
        le      lr, 3b
        subs    r11, r11, #1
        bne     2b
4:
        END     cs_fft_next_vectors

        LEAF    cs_fft_last_vectors
        push    {r4, lr}
        .cfi_def_cfa_offset 8
        .cfi_offset lr, -4
        .cfi_offset r4, -8
        WATCH   r12
        add     r4, r0, r2, lsl #2
        add     r12, r1, r2, lsl #2
        lsrs    lr, r2, #2
        dls     lr, lr
1:
        vldrw.u32 q0, [r0], #16
        vldrw.u32 q1, [r4], #16
        vadd.f32 q2, q0, q1
        vsub.f32 q3, q0, q1
        vstrw.32 q2, [r1], #16
        vstrw.32 q3, [r12], #16
        le      lr, 1b
        RETURN_EXACT
        pop     {r4, pc}
        LEAF_END cs_fft_last_vectors 8

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
