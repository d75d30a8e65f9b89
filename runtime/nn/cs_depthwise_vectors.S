/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_depthwise_channels(const uint32_t *words, const int16_t *row_0, const int16_t *row_1, const int16_t *row_2,
 *                            uint32_t channels, uint32_t apart, uint32_t size, int16_t *y)
 *
 * One row of results of each channel, three rows of three taps, a zero before and after each row, for the vector extension. Channels
 * stand `apart` bytes from one another in x, `size` (at least 5) elements in y. Of each channel the words are bias, multiplier,
 * multiplier of negative sums, shift after a product's high half, and nine bytes of weights (packing_rows.py, pack_depthwise_rows).
 *
 * Four neighbours in a vector, the nine weights in registers. The first four results and the last ones do without the loads that are
 * padding; the last four overlap those before where `size` is no multiple of 4. Sums become results while those of the next four are on their way.
 *
 *   r0, r1, r2  rows of x, running    r4-r12  weights        q0      sums                  q3      -32767
 *   r3          y, running            lr      fours left     q1, q2  results, x            q4-q7   bias, multipliers, shift
 *   [sp] words, [sp, #4] rows of this channel, [sp, #16] y, [sp, #20] fours between the first and the last, [sp, #24] bytes
 *   that the last four overlap those before
 *
 * Stack: 132 bytes, declared to the stack analysis by the symbol cs_depthwise_channels.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 132 /* bytes */
#define WORD_BYTES 28 /* of one channel */
#define FOURS 20
#define BACK 24

        .syntax unified
        .thumb

        /* The sums of four in q0 become products in q1; q0 is the bias again. */
        .macro  TURN
        vmulh.s32 q1, q0, q5
        vpt.s32 lt, q0, zr
        vmulht.s32 q1, q0, q6
        vmov    q0, q4
        .endm

        /* What is left to do with products: one step of three for each row of taps. */
        .macro  STEP number
        .if     \number == 1
        vrshl.s32 q1, q1, q7
        .elseif \number == 2
        vqmovnb.s32 q1, q1
        .elseif \number == 3
        vmax.s16 q1, q1, q3
        .endif
        .endm

        .macro  ROW step x a b c
        vldrh.s32 q2, [\x, #-2]
        vmla.s32 q0, q2, \a
        vldrh.s32 q2, [\x], #8
        STEP    \step
        vmla.s32 q0, q2, \b
        vldrh.s32 q2, [\x, #-6]
        vmla.s32 q0, q2, \c
        .endm

        .macro  FIRST_ROW x a b c
        vpst
        vldrht.s32 q2, [\x, #-2]
        vmla.s32 q0, q2, \a
        vldrh.s32 q1, [\x], #8
        vmla.s32 q0, q1, \b
        vldrh.s32 q2, [\x, #-6]
        vmla.s32 q0, q2, \c
        .endm

        .macro  LAST_ROW step x a b c
        vldrh.s32 q2, [\x, #-2]
        vmla.s32 q0, q2, \a
        vldrh.s32 q2, [\x]
        STEP    \step
        vmla.s32 q0, q2, \b
        vpst
        vldrht.s32 q2, [\x, #2]
        vmla.s32 q0, q2, \c
        .endm

        .section .text.cs_depthwise_channels, "ax", %progbits
        .balign 4
        .globl  cs_depthwise_channels
        .type   cs_depthwise_channels, %function
        .thumb_func
cs_depthwise_channels:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #32
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        stm     sp, {r0-r3}
        ldrd    r4, r5, [sp, #STACK + 8]        // size, y
        subs    r6, r4, #1
        lsrs    r7, r6, #2
        mvns    r6, r6
        subs    r7, r7, #1
        and     r6, r6, #3
        strd    r5, r7, [sp, #16]
        lsls    r6, r6, #1
        str     r6, [sp, #BACK]
        movw    r6, #0x8001
        vdup.16 q3, r6
        mov     lr, r0
1:                                              // the next channel
        ldm     lr!, {r4-r7}
        vdup.32 q4, r4
        vdup.32 q5, r5
        vdup.32 q6, r6
        vdup.32 q7, r7
        ldrd    r0, r1, [sp, #4]
        ldrd    r2, r3, [sp, #12]
        ldrsb   r4, [lr], #1
        ldrsb   r5, [lr], #1
        ldrsb   r6, [lr], #1
        ldrsb   r7, [lr], #1
        ldrsb   r8, [lr], #1
        ldrsb   r9, [lr], #1
        ldrsb   r10, [lr], #1
        ldrsb   r11, [lr], #1
        ldrsb   r12, [lr], #4
        str     lr, [sp]
        movw    lr, #0xfff0
        vmsr    p0, lr
        vmov    q0, q4
        FIRST_ROW r0 r4 r5 r6
        FIRST_ROW r1 r7 r8 r9
        FIRST_ROW r2 r10 r11 r12
        ldr     lr, [sp, #FOURS]
        wls     lr, lr, 3f
2:
        TURN
        ROW     1 r0 r4 r5 r6
        ROW     2 r1 r7 r8 r9
        ROW     3 r2 r10 r11 r12
        vstrh.32 q1, [r3], #8
        le      lr, 2b
3:
        TURN
        ldr     lr, [sp, #BACK]
        sub     r0, r0, lr
        sub     r1, r1, lr
        sub     r2, r2, lr
        movs    lr, #3
        vctp.32 lr
        LAST_ROW 1 r0 r4 r5 r6
        LAST_ROW 2 r1 r7 r8 r9
        LAST_ROW 3 r2 r10 r11 r12
        ldr     lr, [sp, #BACK]
        vstrh.32 q1, [r3], #8
        TURN
        STEP    1
        sub     r3, r3, lr
        STEP    2
        STEP    3
        vstrh.32 q1, [r3]
        ldrd    r4, r5, [sp, #STACK]            // channels left, apart
        ldr     r6, [sp, #STACK + 8]
        add     r0, sp, #4
        ldm     r0, {r0-r3}
        add     r3, r3, r6, lsl #1
        add     r0, r0, r5
        add     r1, r1, r5
        add     r2, r2, r5
        add     r6, sp, #4
        stm     r6, {r0-r3}
        ldr     lr, [sp]
        subs    r4, r4, #1
        str     r4, [sp, #STACK]
        bne     1b
        add     sp, sp, #32
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_depthwise_channels, . - cs_depthwise_channels

        .globl  cs_depthwise_channels.stack_bytes
        .set    cs_depthwise_channels.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
