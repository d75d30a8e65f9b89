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
        vldrb.s32 q0, [r0, #8]
        ldrsh   r11, [r2]
        vldrb.s32 q1, [r0]
        vmul.i32 q2, q0, r11
        vldrb.s32 q3, [r0, #4]
        vmul.i32 q4, q3, r11
        vldrb.s32 q5, [r0, #32]
        vmul.i32 q0, q1, r11
        vldrb.s32 q3, [r0, #12]
        ldrsh   r11, [r2, #2]
        vldrb.s32 q1, [r0, #20]
        vmla.s32 q0, q3, r11
        vldrb.s32 q3, [r0, #16]
        vmla.s32 q4, q3, r11
        vldrw.u32 q3, [r0, #48]
        vmla.s32 q2, q1, r11
        ldrsh   r11, [r2, #4]
        vldrb.s32 q1, [r0, #24]
        vmla.s32 q0, q1, r11
        vldrb.s32 q1, [r0, #28]
        vmla.s32 q2, q5, r11
        vldrw.u32 q5, [r1]
        vmulh.s32 q5, q5, q3
        vldrb.s32 q3, [r0, #44]
        vmla.s32 q4, q1, r11
        ldrsh   r11, [r2, #6]
        vldrb.s32 q1, [r0, #40]
        vmla.s32 q2, q3, r11
        vldrb.s32 q3, [r0, #36]
        vmla.s32 q0, q3, r11
        vldrw.u32 q3, [r0, #96]
        vmla.s32 q4, q1, r11
        vldrw.u32 q1, [r0, #80]
        vadd.i32 q5, q5, q1
        vldrw.u32 q1, [r1, #16]
        vmulh.s32 q1, q1, q3
        vldrw.u32 q3, [r0, #128]
        vadd.i32 q3, q1, q3
        vldrw.u32 q1, [r0, #64]
        vmulh.s32 q0, q0, q1
        vldrw.u32 q1, [r0, #112]
        vadd.i32 q5, q5, q0
        vmulh.s32 q0, q4, q1
        vldrw.u32 q4, [r0, #176]
        vadd.i32 q1, q3, q0
        vldrw.u32 q3, [r0, #144]
        vqshl.s32 q1, r5
        vmulh.s32 q0, q2, q3
        vshr.s32 q2, q1, #23
        vldrw.u32 q3, [r9, q2, uxtw #2]
        vqshl.s32 q5, r4
        vmullt.s16 q2, q3, q1
        vrshr.s32 q1, q2, #7
        vldrw.u32 q2, [r0, #160]
        vadd.i32 q1, q1, q3
        vldrw.u32 q3, [r1, #32]
        vadd.i32 q0, q0, q2
        vmulh.s32 q2, q3, q4
        vshl.i32 q4, q1, #16
        vldrw.u32 q3, [r0, #192]
        vadd.i32 q1, q2, q3
        vmulh.s32 q2, q0, q4
        vshr.s32 q3, q5, #23
        vldrw.u32 q0, [r9, q3, uxtw #2]
        vadd.i32 q4, q1, q2
        vmullt.s16 q3, q0, q5
        vqshl.s32 q4, r6
        vshr.s32 q2, q4, #23
        vldrw.u32 q1, [r10, q2, uxtw #2]
        vrshr.s32 q5, q3, #7
        vmullt.s16 q2, q1, q4
        vadd.i32 q3, q5, q0
        vldrh.s32 q4, [r2]
        vrshr.s32 q5, q2, #7
        vmullb.s16 q0, q3, q4
        vsub.i32 q2, q6, q3
        vldrw.u32 q4, [r0, #208]
        vadd.i32 q3, q5, q1
        vqdmullb.s16 q1, q2, q3
        vshl.s32 q0, r8
        vmulh.s32 q5, q1, q4
        add     r1, r1, #48
        vadd.i32 q2, q5, q0
        vrshl.s32 q2, r12
        mov     r2, r7
        vqmovnb.s32 q3, q2
        vmax.s16 q4, q3, q7
        vstrh.32 q4, [r7]
        add     r7, r7, r3
        le      lr, 1b
        END     cs_gru_scan_4 LOCAL

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
