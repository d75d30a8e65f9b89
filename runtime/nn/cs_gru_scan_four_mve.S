/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_gru_scan_4(const int32_t *constants, const int32_t *input_sums, const int16_t *before, int16_t *after, uint32_t count,
 *                    int32_t step)
 *
 * cs_gru_cells_mve.S of four units alone, with its registers: what a step computes before its state is there stands where the state
 * is waited for.
 *
 * Stack: 100 bytes, declared to the stack analysis by a symbol. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

#include "gru_cells_mve.h"

#define LOCAL 0 /* bytes */

        /* r2 before, r7 after, r3 step */
        BEGIN   cs_gru_scan_4 LOCAL
        mov     r7, r3
        ldrd    lr, r3, [sp, #SAVED + LOCAL]            // steps, step
        dls     lr, lr
1:                                              // the next step
        ldrsh   r11, [r2, #0]
        vldrb.s32 q1, [r0, #4]
        vmul.i32 q4, q1, r11
        vldrb.s32 q3, [r0, #8]
        vmul.i32 q5, q3, r11
        vldrb.s32 q0, [r0, #0]
        vmul.i32 q2, q0, r11
        vldrb.s32 q3, [r0, #20]
        ldrsh   r11, [r2, #2]
        vldrb.s32 q0, [r0, #12]
        vmla.s32 q5, q3, r11
        vldrb.s32 q1, [r0, #16]
        vmla.s32 q2, q0, r11
        vldrb.s32 q3, [r0, #32]
        vmla.s32 q4, q1, r11
        ldrsh   r11, [r2, #4]
        vldrb.s32 q0, [r0, #24]
        vmla.s32 q5, q3, r11
        vldrb.s32 q1, [r0, #28]
        vmla.s32 q4, q1, r11
        vldrb.s32 q1, [r0, #40]
        vmla.s32 q2, q0, r11
        ldrsh   r11, [r2, #6]
        vldrb.s32 q0, [r0, #36]
        vmla.s32 q2, q0, r11
        vldrw.u32 q0, [r1]
        vmla.s32 q4, q1, r11
        vldrb.s32 q3, [r0, #44]
        vmla.s32 q5, q3, r11
        vldrw.u32 q3, [r1, #16]
        vldrw.u32 q1, [r0, #48]
        vmulh.s32 q0, q0, q1
        vldrw.u32 q1, [r0, #64]
        vmulh.s32 q2, q2, q1
        vldrw.u32 q1, [r0, #80]
        vadd.i32 q0, q0, q1
        vldrw.u32 q1, [r0, #96]
        vmulh.s32 q3, q3, q1
        vadd.i32 q0, q0, q2
        vldrw.u32 q1, [r0, #112]
        vqshl.s32 q0, r4
        vmulh.s32 q4, q4, q1
        vldrw.u32 q1, [r0, #128]
        vadd.i32 q3, q3, q1
        vshr.s32 q1, q0, #23
        vldrw.u32 q2, [r9, q1, uxtw #2]
        vadd.i32 q3, q3, q4
        vqshl.s32 q3, r5
        vshr.s32 q1, q3, #23
        vmullt.s16 q0, q2, q0
        vldrw.u32 q4, [r9, q1, uxtw #2]
        vrshr.s32 q0, q0, #7
        vmullt.s16 q3, q4, q3
        vadd.i32 q0, q0, q2
        vldrw.u32 q1, [r0, #144]
        vrshr.s32 q3, q3, #7
        vmulh.s32 q5, q5, q1
        vldrw.u32 q1, [r0, #160]
        vadd.i32 q3, q3, q4
        vldrw.u32 q2, [r1, #32]
        vadd.i32 q5, q5, q1
        vldrw.u32 q1, [r0, #176]
        vmulh.s32 q2, q2, q1
        vshl.i32 q3, q3, #16
        vmulh.s32 q5, q5, q3
        vldrw.u32 q1, [r0, #192]
        vadd.i32 q2, q2, q1
        adds    r1, r1, #48
        vadd.i32 q2, q2, q5
        vldrh.s32 q5, [r2]
        vqshl.s32 q2, r6
        vmullb.s16 q4, q0, q5
        vshr.s32 q1, q2, #23
        vldrw.u32 q3, [r10, q1, uxtw #2]
        vsub.i32 q0, q6, q0
        vmullt.s16 q2, q3, q2
        vrshr.s32 q2, q2, #7
        vldrw.u32 q1, [r0, #208]
        vadd.i32 q2, q2, q3
        vqdmullb.s16 q0, q0, q2
        vshl.s32 q4, r8
        vmulh.s32 q0, q0, q1
        vadd.i32 q0, q0, q4
        vrshl.s32 q0, r12
        mov     r2, r7
        vqmovnb.s32 q0, q0
        vmax.s16 q0, q0, q7
        vstrh.32 q0, [r7]
        adds    r7, r7, r3
        le      lr, 1b
        END     cs_gru_scan_4 LOCAL

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
