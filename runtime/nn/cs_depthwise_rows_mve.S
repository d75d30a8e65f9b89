/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_depthwise_rows(const cs_depthwise_row *row)
 *
 * depthwise.h says what it computes. Four neighbours in a vector, the nine weights of a channel in registers. The first four results
 * and the last ones do without the loads that are padding.
 *
 *   r0, r1, r2  rows of x, running    r4-r12  weights        q0      sums, then results    q3      -32767
 *   r3          y, running            lr      fours left     q1, q2  x                     q4-q7   bias, multipliers, shift
 *   [sp] the words of `row`, those that run running
 *
 * Stack: 156 bytes, declared to the stack analysis by the symbol cs_depthwise_rows.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 156 /* bytes */
#define X 0       /* [sp]: the words of cs_depthwise_row */
#define Y 4
#define WEIGHTS 8
#define BIAS 12
#define POSITIVE 16
#define NEGATIVE 20
#define SHIFT 24
#define APART 28
#define X_CHANNEL 32
#define Y_CHANNEL 36
#define CHANNELS 40
#define FOURS 44 /* between the first and the last */
#define LAST 48  /* results among the last four */

        .syntax unified
        .thumb

        .macro  ROW x a b c
        vldrh.s32 q1, [\x, #-2]
        vmla.s32 q0, q1, \a
        vldrh.s32 q2, [\x], #8
        vmla.s32 q0, q2, \b
        vldrh.s32 q1, [\x, #-6]
        vmla.s32 q0, q1, \c
        .endm

        .macro  FIRST_ROW x a b c
        vpst
        vldrht.s32 q1, [\x, #-2]
        vmla.s32 q0, q1, \a
        vldrh.s32 q2, [\x], #8
        vmla.s32 q0, q2, \b
        vldrh.s32 q1, [\x, #-6]
        vmla.s32 q0, q1, \c
        .endm

        .macro  LAST_ROW x a b
        vpstt
        vldrht.s32 q1, [\x, #-2]
        vldrht.s32 q2, [\x]
        vmla.s32 q0, q1, \a
        vmla.s32 q0, q2, \b
        .endm

        .macro  LAST_TAP x c
        vpst
        vldrht.s32 q1, [\x, #2]
        vmla.s32 q0, q1, \c
        .endm

        .macro  RESULTS
        vcmp.s32 lt, q0, zr
        vpsel   q1, q6, q5
        vmulh.s32 q0, q0, q1
        vrshl.s32 q0, q0, q7
        vqmovnb.s32 q0, q0
        vmax.s16 q0, q0, q3
        .endm

        .section .text.cs_depthwise_rows, "ax", %progbits
        .balign 4
        .globl  cs_depthwise_rows
        .type   cs_depthwise_rows, %function
        .thumb_func
cs_depthwise_rows:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #56
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        vldrw.u32 q0, [r0]
        vldrw.u32 q1, [r0, #16]
        vldrw.u32 q2, [r0, #32]
        ldr     r1, [r0, #48]
        vstrw.32 q0, [sp]
        vstrw.32 q1, [sp, #16]
        vstrw.32 q2, [sp, #32]
        str     r1, [sp, #LAST]
        movw    r0, #0x8001
        vdup.16 q3, r0
1:                                              // the next channel
        add     r4, sp, #BIAS
        ldm     r4, {r5-r8}
        ldr     r0, [r5], #4
        ldr     r1, [r6], #4
        ldr     r2, [r7], #4
        ldrsb   r3, [r8], #1
        stm     r4, {r5-r8}
        vdup.32 q4, r0
        vdup.32 q5, r1
        vdup.32 q6, r2
        adds    r3, r3, #1
        vdup.32 q7, r3
        ldrd    r0, r3, [sp, #X]
        ldr     r1, [sp, #APART]
        add     r2, r0, r1, lsl #1
        add     r1, r1, r0
        ldr     lr, [sp, #WEIGHTS]
        ldrsb   r4, [lr], #1
        ldrsb   r5, [lr], #1
        ldrsb   r6, [lr], #1
        ldrsb   r7, [lr], #1
        ldrsb   r8, [lr], #1
        ldrsb   r9, [lr], #1
        ldrsb   r10, [lr], #1
        ldrsb   r11, [lr], #1
        ldrsb   r12, [lr], #1
        str     lr, [sp, #WEIGHTS]
        movw    lr, #0xfff0
        vmsr    p0, lr
        vmov    q0, q4
        FIRST_ROW r0 r4 r5 r6
        FIRST_ROW r1 r7 r8 r9
        FIRST_ROW r2 r10 r11 r12
        RESULTS
        vstrh.32 q0, [r3], #8
        ldr     lr, [sp, #FOURS]
        wls     lr, lr, 3f
2:
        vmov    q0, q4
        ROW     r0 r4 r5 r6
        ROW     r1 r7 r8 r9
        ROW     r2 r10 r11 r12
        RESULTS
        vstrh.32 q0, [r3], #8
        le      lr, 2b
3:
        ldr     lr, [sp, #LAST]
        vctp.32 lr
        vmov    q0, q4
        LAST_ROW r0 r4 r5
        LAST_ROW r1 r7 r8
        LAST_ROW r2 r10 r11
        sub     r4, lr, #1
        vctp.32 r4
        LAST_TAP r0 r6
        LAST_TAP r1 r9
        LAST_TAP r2 r12
        RESULTS
        vctp.32 lr
        vpst
        vstrht.32 q0, [r3]
        ldrd    r0, r1, [sp, #X]
        ldrd    r2, r3, [sp, #X_CHANNEL]
        ldr     r4, [sp, #CHANNELS]
        add     r0, r0, r2
        add     r1, r1, r3
        strd    r0, r1, [sp, #X]
        subs    r4, r4, #1
        str     r4, [sp, #CHANNELS]
        bne     1b
        add     sp, sp, #56
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_depthwise_rows, . - cs_depthwise_rows

        .globl  cs_depthwise_rows.stack_bytes
        .set    cs_depthwise_rows.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
