/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_depthwise_three(const uint32_t *pairs, uint32_t rows, const int16_t *x, uint32_t apart, int32_t bias, uint32_t count,
 *                         int32_t *acc)
 *
 * Sums of `count` (at least 4) neighbouring results of one channel: `rows` (at least 1) rows of three taps, step and dilation 1;
 * x + apart (bytes) is the next row, at any address. Four neighbours need three words of a row and eight instructions; the last
 * four overlap those before where `count` is no multiple of 4. `pairs`: two words a row, weights 0 and 1, then 1 and 2.
 *
 * Three rows, the common kernel, have a loop of their own, with a pointer to each (r2, r1, r3) and acc in lr. Otherwise:
 *
 *   r0  pairs, running      r3  bytes from row to row      r8, r9   weights of a row       lr  x of the first result
 *   r1  end of pairs        r4-r7  four sums               r10-r12  six elements
 *   r2  row, running        [sp] pairs; after the saved registers: bias, results left, acc running
 *
 * Stack: 40 bytes, declared to the stack analysis by the symbol cs_depthwise_three.stack_bytes. Leaf function. */
#include "depthwise_products.h"
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

#define STACK 40 /* bytes */

        .syntax unified
        .thumb

        .macro  ROW row, index
        ldrd    r8, r9, [r0, #(8 * \index)]
        ldr     r11, [\row, #4]
        ldr     r12, [\row, #8]
        ldr     r10, [\row], #8
        PRODUCTS
        .endm

        .section .text.cs_depthwise_three, "ax", %progbits
        .balign 4
        .globl  cs_depthwise_three
        .type   cs_depthwise_three, %function
        .thumb_func
cs_depthwise_three:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r0, r4-r11, lr}
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        cmp     r1, #3
        beq     .Lthree
        add     r1, r0, r1, lsl #3
        mov     lr, r2
.Lfour:
        ldr     r4, [sp, #STACK]                // bias
        ldr     r0, [sp]
        mov     r2, lr
        mov     r5, r4
        mov     r6, r4
        mov     r7, r4
.Lrow:
        ldrd    r8, r9, [r0], #8
        ldr     r10, [r2]
        ldr     r11, [r2, #4]
        ldr     r12, [r2, #8]
        PRODUCTS
        add     r2, r2, r3
        cmp     r0, r1
        bne     .Lrow
        ldrd    r8, r9, [sp, #STACK + 4]        // results left, acc
        subs    r8, r8, #4
        stm     r9, {r4-r7}
        bls     .Lend
        cmp     r8, #4
        ite     lo
        movlo   r10, r8                         // fewer than four left: overlap
        movhs   r10, #4
        add     r8, r8, #4
        sub     r8, r8, r10
        add     r9, r9, r10, lsl #2
        add     lr, lr, r10, lsl #1
        strd    r8, r9, [sp, #STACK + 4]
        b       .Lfour
.Lend:
        pop     {r0, r4-r11, pc}
.Lthree:
        add     r1, r2, r3
        add     r3, r3, r1
        ldrd    r8, lr, [sp, #STACK + 4]
        .balign 4
.Lthree_four:                                   // r8: results left
        ldr     r4, [sp, #STACK]
        subs    r8, r8, #4
        str     r8, [sp, #STACK + 4]
        mov     r5, r4
        mov     r6, r4
        mov     r7, r4
        ROW     r2, 0
        ROW     r1, 1
        ROW     r3, 2
        ldr     r8, [sp, #STACK + 4]
        stm     lr!, {r4-r7}
        cmp     r8, #4
        bhs     .Lthree_four
        cmp     r8, #0
        beq     .Lend
        sub     r8, r8, #4                      // fewer than four left: overlap
        add     lr, lr, r8, lsl #2
        add     r2, r2, r8, lsl #1
        add     r1, r1, r8, lsl #1
        add     r3, r3, r8, lsl #1
        movs    r8, #4
        b       .Lthree_four
        .cfi_endproc
        .size   cs_depthwise_three, . - cs_depthwise_three

        .globl  cs_depthwise_three.stack_bytes
        .set    cs_depthwise_three.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
