/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_fully_connected_pairs_<quads>(const uint32_t *weights, const int16_t *x, int16_t *y, uint32_t count, uint32_t columns,
 *                                       uint32_t rows)
 *
 * codesign/positions.h says what it computes; registers as in pair_block.h, and after the last block r8-r11 are multipliers, roundings
 * and shifts. Packing: packing_pairs.py, pack_rows.
 *
 *   [sp] weights, [sp, #4] y of p, [sp, #8] y of q, both running, [sp, #12] end of the first, [sp, #16] positions left,
 *   [sp, #20] x of the next p
 *
 * Stack: 60 bytes, declared to the stack analysis by symbols. Leaf functions. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP)

#define STACK 60 /* bytes */

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

#include "pair_block.h"

        .macro  FUNCTION name quads
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
        ldrd    r4, r5, [sp, #STACK]            // columns, rows
        lsls    r4, r4, #1
        lsls    r5, r5, #1
        strd    r4, r5, [sp, #STACK]            // bytes of x and of y
        str     r0, [sp]
        str     r3, [sp, #16]
        mov     r12, r2
        mov     r9, r1
1:                                              // the next two positions; r12 y, r9 x
        ldr     r0, [sp]
        ldr     r3, [sp, #16]
        ldrd    r4, r5, [sp, #STACK]
        mov     r1, r9
        mov     r2, r9
        mov     r7, r12
        add     r8, r7, r5
        cmp     r3, #1
        itt     ne                              // a single last one stands twice
        addne   r2, r2, r4
        movne   r12, r8
        add     r4, r4, r2
        subs    r3, r3, #2
        strd    r7, r12, [sp, #4]
        str     r8, [sp, #12]
        strd    r3, r4, [sp, #16]
2:                                              // the next two rows
        ldrd    r3, r4, [r0], #8                // biases
        mov     r5, r3
        mov     r6, r4
        .set    quad, 0
        .rept   \quads
        PAIR_BLOCK quad
        .set    quad, quad + 1
        .endr
        ldm     r0!, {r8-r10}                   // multiplier, rounding less a step of the result, shift
        smmla   r3, r3, r8, r9
        smmla   r5, r5, r8, r9
        ldm     r0!, {r8, r9, r11}
        smmla   r4, r4, r8, r9
        smmla   r6, r6, r8, r9
        ldrd    r7, r12, [sp, #4]
        asr     r3, r3, r10
        asr     r5, r5, r10
        asr     r4, r4, r11
        asr     r6, r6, r11
        ldr     r8, [sp, #12]
        ssat    r3, #16, r3                     // less 1: -32767 is where int16 ends
        ssat    r5, #16, r5
        ssat    r4, #16, r4
        ssat    r6, #16, r6
        pkhbt   r3, r3, r4, lsl #16
        pkhbt   r5, r5, r6, lsl #16
        mov     r9, #0x00010001
        qadd16  r3, r3, r9
        qadd16  r5, r5, r9
        str     r3, [r7], #4
        str     r5, [r12], #4
        strd    r7, r12, [sp, #4]
        cmp     r7, r8
        bne     2b
        ldrd    r3, r9, [sp, #16]
        cmp     r3, #0
        bgt     1b
        add     sp, sp, #24
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, STACK
        .endm

        FUNCTION cs_fully_connected_pairs_1 1
        FUNCTION cs_fully_connected_pairs_2 2
        FUNCTION cs_fully_connected_pairs_3 3
        FUNCTION cs_fully_connected_pairs_4 4

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
