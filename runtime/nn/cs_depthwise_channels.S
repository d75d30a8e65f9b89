/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_depthwise_channels(const uint32_t *words, const int16_t *row_0, const int16_t *row_1, const int16_t *row_2,
 *                            uint32_t channels, uint32_t apart, uint32_t size, int16_t *y)
 *
 * A depthwise kernel of three by three taps from sums to int16 results: of each channel `size` (at least 5) results from three rows of
 * as many elements with a zero before and after; row_k + apart (bytes) is the next channel's, y has one channel after the other, and
 * all may have any address. Four neighbours need three words of a row and eight instructions; the last four overlap those before
 * where `size` is no multiple of 4. `words` of a channel: of each row weights 0 and 1, then 1 and 2; bias; flip, positive, offset,
 * right as in conv_rows.h.
 *
 *   r0  words of a channel            r4-r7   four sums           r8, r9   weights of a row
 *   r1-r3  rows, running, less 1      r10-r12 six elements
 *   after the sums: r8-r11 flip, positive, offset, right     r12, lr multipliers
 *   [sp] y running, [sp, #4] results left in the channel; after the saved registers: channels left, apart, size, y
 *
 * Stack: 44 bytes, declared to the stack analysis by the symbol cs_depthwise_channels.stack_bytes. Leaf function. */
#include "depthwise_products.h"
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

#define STACK 44 /* bytes */

        .syntax unified
        .thumb

        .macro  FIRST row at
        ldr     r10, [\row, #2]
        ldrd    r8, r9, [r0, #\at]
        ldr     r11, [\row, #4]
        lsl     r10, r10, #16                   // a zero before
        ldr     r12, [\row, #8]
        add     \row, \row, #8
        PRODUCTS
        .endm

        .macro  MIDDLE row at
        ldrd    r8, r9, [r0, #\at]
        ldr     r11, [\row, #4]
        ldr     r12, [\row, #8]
        ldr     r10, [\row], #8
        PRODUCTS
        .endm

        .macro  LAST row at
        ldrd    r8, r9, [r0, #\at]
        ldr     r11, [\row, #4]
        ldrh    r12, [\row, #8]                 // a zero after
        ldr     r10, [\row], #8
        PRODUCTS
        .endm

        .macro  SUMS part
        ldr     r4, [r0, #24]                   // bias
        mov     r5, r4
        mov     r6, r4
        mov     r7, r4
        \part   r1, 0
        \part   r2, 8
        \part   r3, 16
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
        sub     sp, sp, #8
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldrd    r5, r6, [sp, #STACK + 4]        // apart, size
        ldr     lr, [sp, #STACK + 12]
        subs    r1, r1, #2
        subs    r2, r2, #2
        subs    r3, r3, #2
        sub     r5, r5, r6, lsl #1              // from the end of a row to the next channel's
        str     r5, [sp, #STACK + 4]
        strd    lr, r6, [sp]
.Lchannel:
        SUMS    FIRST
        b       .Lresults
        .balign 4
.Lmiddle:
        SUMS    MIDDLE
.Lresults:
        ldrd    r8, r9, [r0, #28]
        ldrd    r10, r11, [r0, #36]
        and     r12, r8, r4, asr #31
        and     lr, r8, r5, asr #31
        eor     r12, r12, r9
        eor     lr, lr, r9
        smmla   r4, r4, r12, r10
        smmla   r5, r5, lr, r10
        and     r12, r8, r6, asr #31
        and     lr, r8, r7, asr #31
        eor     r12, r12, r9
        eor     lr, lr, r9
        smmla   r6, r6, r12, r10
        smmla   r7, r7, lr, r10
        asr     r4, r4, r11
        asr     r5, r5, r11
        asr     r6, r6, r11
        asr     r7, r7, r11
        ldrd    lr, r12, [sp]
        ssat    r4, #16, r4
        ssat    r5, #16, r5
        ssat    r6, #16, r6
        ssat    r7, #16, r7
        mov     r8, #0x00010001                 // the step that the offset leaves out: int16 ends at -32767
        pkhbt   r4, r4, r5, lsl #16
        pkhbt   r6, r6, r7, lsl #16
        subs    r12, r12, #4
        qadd16  r4, r4, r8
        qadd16  r6, r6, r8
        str     r4, [lr], #4
        str     r6, [lr], #4
        strd    lr, r12, [sp]
        bls     .Lnext
        cmp     r12, #4
        bhi     .Lmiddle
        sub     r8, r12, #4                     // the last four overlap those before
        lsls    r8, r8, #1
        movs    r4, #4
        add     r1, r1, r8
        add     r2, r2, r8
        add     r3, r3, r8
        add     lr, lr, r8
        strd    lr, r4, [sp]
        SUMS    LAST
        b       .Lresults
.Lnext:
        ldrd    r8, r9, [sp, #STACK]            // channels left, apart
        ldr     r10, [sp, #STACK + 8]
        subs    r8, r8, #1
        str     r8, [sp, #STACK]
        str     r10, [sp, #4]
        add     r0, r0, #44
        add     r1, r1, r9
        add     r2, r2, r9
        add     r3, r3, r9
        bne     .Lchannel
        add     sp, sp, #8
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
