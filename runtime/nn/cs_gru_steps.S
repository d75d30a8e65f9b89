/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_gru_steps_<units>(const uint32_t *weights, int32_t *sums, const int16_t *before, int16_t *after, uint32_t count,
 *                           int32_t step, int32_t follow)
 *
 * codesign/positions.h says what it computes, docs/numerics.md the arithmetic: a GRU with reset_after. Two units at a time, their
 * instructions in turn where a result takes two cycles. Packing: packing_pairs.py, pack_recurrent.
 *
 *   r0  weights, running       r4-r7, r8, r9   weights and x, then what a gate needs       r12  64, half of what 7 bits drop
 *   r1  sums, running          r10, r11        recurrent sums of two rows                  lr   end of gates; before, running
 *   r2  before                 r3              middle of the function's table
 *   [sp] weights, [sp, #4] sums of this step, [sp, #8] and [sp, #12] from them to the next step's and from there to the one after,
 *   [sp, #16] after
 *
 * Gates, Q0.15, stand in the low halves of words. An update gate z is never 0, so that 2^15 - z fits in 16 bits.
 * Stack: 56 bytes, declared to the stack analysis by symbols. Leaf functions. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP)

#define STACK 56             /* bytes */
#define TABLE_MIDDLE 4 * 256 /* bytes; CS_TABLE_MIDDLE */

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

        /* r10, r11: sums of two rows and the state, whose first four elements are in r8 and r9 already. */
        .macro  RECURRENT quads
        ldm     r0!, {r4-r7}
        smuad   r10, r4, r8
        smuad   r11, r6, r8
        smlad   r10, r5, r9, r10
        smlad   r11, r7, r9, r11
        .set    quad, 1
        .rept   \quads - 1
        ldrd    r8, r9, [r2, #8 * quad]
        ldm     r0!, {r4-r7}
        smlad   r10, r4, r8, r10
        smlad   r11, r6, r8, r11
        smlad   r10, r5, r9, r10
        smlad   r11, r7, r9, r11
        .set    quad, quad + 1
        .endr
        .endm

        /* The function of the pre-activations r6, r7 >> r5 in the low halves of r6, r7. */
        .macro  ACTIVATE
        asr     r6, r6, r5
        asr     r7, r7, r5
        ssat    r6, #16, r6
        ssat    r7, #16, r7
        asr     r8, r6, #7
        asr     r9, r7, #7
        ldr     r8, [r3, r8, lsl #2]
        ldr     r9, [r3, r9, lsl #2]
        smlatb  r6, r8, r6, r12
        smlatb  r7, r9, r7, r12
        add     r6, r8, r6, asr #7
        add     r7, r9, r7, asr #7
        .endm

        .macro  GATES quads
        RECURRENT \quads
        ldrd    r4, r5, [r0], #8                // multiplier, shift
        ldrd    r6, r7, [r1]
        smmla   r6, r10, r4, r6
        smmla   r7, r11, r4, r7
        ACTIVATE
        ldrd    r8, r9, [r2]
        strd    r6, r7, [r1], #16
        .endm

        .macro  FUNCTION name units
        .section .text.\name, "ax", %progbits
        .balign 4
        .globl  \name
        .type   \name, %function
        .thumb_func
\name:
        .cfi_startproc
        push    {r4-r11, lr}
        sub     sp, sp, #20
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        strd    r0, r1, [sp]
        movs    r4, #8
        movw    r5, #24 * \units - 8
        strd    r4, r5, [sp, #8]
        str     r3, [sp, #16]
        movs    r12, #64
1:                                              // the next step; r0 weights, r1 sums, r2 before
        ldrd    r8, r9, [r2]
        ldr     r3, .Lsigmoid\units
        add     lr, r1, #16 * \units
2:                                              // gates of the next four rows
        GATES   \units / 4
        GATES   \units / 4
        cmp     r1, lr
        bne     2b
        sub     r1, r1, #16 * \units
        ldr     r3, .Ltanh\units
        mov     lr, r2
3:                                              // the next two units
        RECURRENT \units / 4
        ldm     r0!, {r4-r7}                    // multiplier, shift, recurrent biases
        ldrd    r8, r9, [r1, #8 * \units]       // reset gates
        smmla   r10, r10, r4, r6
        smmla   r11, r11, r4, r7
        ldrd    r6, r7, [r1, #16 * \units]
        lsl     r8, r8, #16
        lsl     r9, r9, #16
        smmla   r6, r10, r8, r6
        smmla   r7, r11, r9, r7
        ACTIVATE
        ldr     r10, [lr], #4
        ldrd    r8, r9, [r1]                    // update gates
        smulbb  r4, r8, r10
        smulbt  r5, r9, r10
        rsb     r8, r8, #32768
        rsb     r9, r9, #32768
        smulbb  r8, r8, r6
        smulbb  r9, r9, r7
        ldm     r0!, {r6, r7, r10, r11}         // shift of what is kept, multiplier, rounding, shift
        lsl     r8, r8, #1
        lsl     r9, r9, #1
        smmla   r8, r8, r7, r10
        smmla   r9, r9, r7, r10
        asr     r4, r4, r6
        asr     r5, r5, r6
        add     r4, r4, r8
        add     r5, r5, r9
        asr     r4, r4, r11                     // less 1, so that -32767 is where int16 ends
        asr     r5, r5, r11
        ssat    r4, #16, r4
        ssat    r5, #16, r5
        ldrd    r8, r9, [r2]
        pkhbt   r4, r4, r5, lsl #16
        mov     r5, #0x00010001
        qadd16  r4, r4, r5
        sub     r6, lr, r2
        str     r4, [r1], #16                   // two units' state, for later: `before` may be `after`
        cmp     r6, #2 * \units
        bne     3b
        ldrd    r0, r1, [sp]
        ldrd    r6, r7, [sp, #8]
        ldr     r3, [sp, #16]
        .set    pair, 0
        .rept   \units / 4
        ldr     r4, [r1, #32 * pair]
        ldr     r5, [r1, #32 * pair + 16]
        strd    r4, r5, [r3, #8 * pair]
        .set    pair, pair + 1
        .endr
        ldrd    r8, r9, [sp, #STACK]            // steps left, step
        ldr     r10, [sp, #STACK + 8]           // follow
        add     r1, r1, r6
        strd    r7, r6, [sp, #8]
        add     r2, r3, r10
        add     r3, r3, r9
        str     r1, [sp, #4]
        str     r3, [sp, #16]
        subs    r8, r8, #1
        str     r8, [sp, #STACK]
        bne     1b
        add     sp, sp, #20
        pop     {r4-r11, pc}
        .balign 4
.Lsigmoid\units:
        .word   cs_sigmoid_table + TABLE_MIDDLE
.Ltanh\units:
        .word   cs_tanh_table + TABLE_MIDDLE
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, STACK
        .endm

        FUNCTION cs_gru_steps_4 4
        FUNCTION cs_gru_steps_8 8
        FUNCTION cs_gru_steps_12 12
        FUNCTION cs_gru_steps_16 16

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
