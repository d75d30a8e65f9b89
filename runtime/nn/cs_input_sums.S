/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_input_sums_<quads>(const uint32_t *weights, const int16_t *x, int32_t *sums, uint32_t count, int32_t step, uint32_t rows)
 *
 * codesign/positions.h says what it computes. Up to eight columns, x of two positions is held in r2-r9, and rows follow one another; with
 * more, registers are as in pair_block.h, and after the last block r8-r11 are multipliers and biases. Packing: packing_pairs.py,
 * pack_inputs.
 *
 *   [sp] weights, [sp, #4] sums running, [sp, #8] their end of these two positions, [sp, #12] bytes of them,
 *   [sp, #16] positions left, [sp, #20] x of the next p
 *
 * Stack: 60 bytes, declared to the stack analysis by symbols. Leaf functions. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP)

#define STACK 60 /* bytes */

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

#include "pair_block.h"

        .macro  BEGIN name
        .section .text.\name, "ax", %progbits
        .balign 4
        .globl  \name
        .type   \name, %function
        .thumb_func
\name:
        .cfi_startproc
        push    {r4-r11, lr}
        sub     sp, sp, #24
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldr     r4, [sp, #STACK + 4]            // rows
        lsls    r4, r4, #3                      // bytes of the sums of two positions
        strd    r0, r2, [sp]
        strd    r4, r3, [sp, #12]
        mov     r8, r2
        mov     r9, r1
        .endm

        .macro  END name
        add     sp, sp, #24
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, STACK
        .endm

        /* A row with x held: r2-r5 of p, r6-r9 of q; sums at r1 + \at, and 8 further. */
        .macro  HELD_ROW quads at
        ldrd    r12, lr, [r0], #8
        smuad   r10, r12, r2
        smuad   r11, r12, r6
        smlad   r10, lr, r3, r10
        smlad   r11, lr, r7, r11
        .if     \quads == 2
        ldrd    r12, lr, [r0], #8
        smlad   r10, r12, r4, r10
        smlad   r11, r12, r8, r11
        smlad   r10, lr, r5, r10
        smlad   r11, lr, r9, r11
        .endif
        ldrd    r12, lr, [r0], #8               // multiplier, bias
        smmla   r10, r10, r12, lr
        smmla   r11, r11, r12, lr
        str     r10, [r1, #\at]
        str     r11, [r1, #\at + 8]
        .endm

        .macro  HELD_FUNCTION name quads
        BEGIN   \name
1:                                              // the next two positions; r8 sums, r9 x
        ldr     r4, [sp, #12]
        mov     r1, r8
        add     r4, r4, r8
        ldr     r5, [sp, #16]
        ldr     r6, [sp, #STACK]                // step
        str     r4, [sp, #8]
        mov     r2, r9
        cmp     r5, #1
        it      ne                              // a single last one stands twice
        addne   r2, r2, r6
        add     r6, r6, r2
        subs    r5, r5, #2
        strd    r5, r6, [sp, #16]
        ldr     r0, [sp]
        mov     r12, r2
        .if     \quads == 2
        ldm     r9, {r2-r5}
        ldm     r12, {r6-r9}
        .else
        ldrd    r2, r3, [r9]
        ldrd    r6, r7, [r12]
        .endif
2:                                              // the next four rows
        HELD_ROW \quads 0
        HELD_ROW \quads 4
        HELD_ROW \quads 16
        HELD_ROW \quads 20
        ldr     r12, [sp, #8]
        adds    r1, r1, #32
        cmp     r1, r12
        bne     2b
        mov     r8, r1
        ldrd    r5, r9, [sp, #16]
        cmp     r5, #0
        bgt     1b
        END     \name
        .endm

        .macro  FUNCTION name quads
        BEGIN   \name
1:                                              // the next two positions; r8 sums, r9 x
        ldr     r4, [sp, #12]
        add     r4, r4, r8
        str     r4, [sp, #8]
        ldr     r5, [sp, #16]
        ldr     r6, [sp, #STACK]                // step
        mov     r1, r9
        mov     r2, r9
        cmp     r5, #1
        it      ne                              // a single last one stands twice
        addne   r2, r2, r6
        add     r6, r6, r2
        subs    r5, r5, #2
        strd    r5, r6, [sp, #16]
        ldr     r0, [sp]
2:                                              // the next two rows
        FIRST_PAIR_BLOCK
        .set    quad, 1
        .rept   \quads - 1
        PAIR_BLOCK quad
        .set    quad, quad + 1
        .endr
        ldm     r0!, {r8-r11}
        ldrd    r7, r12, [sp, #4]
        smmla   r3, r3, r8, r9
        smmla   r4, r4, r10, r11
        smmla   r5, r5, r8, r9
        smmla   r6, r6, r10, r11
        stm     r7!, {r3-r6}
        str     r7, [sp, #4]
        cmp     r7, r12
        bne     2b
        mov     r8, r7
        ldrd    r5, r9, [sp, #16]
        cmp     r5, #0
        bgt     1b
        END     \name
        .endm

        HELD_FUNCTION cs_input_sums_1 1
        HELD_FUNCTION cs_input_sums_2 2
        FUNCTION cs_input_sums_3 3
        FUNCTION cs_input_sums_4 4

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
