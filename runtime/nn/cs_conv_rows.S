/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_conv_rows(const int16_t *rows, const int16_t *patches, uint32_t columns, uint32_t count, const cs_conv_run *run,
 *                   int16_t *y, uint32_t y_channel, uint32_t kind, uint32_t y_step)
 *
 * conv_rows.h says what it computes. Sixteen blocks of conv_block.h, which has the registers of the sums, are unrolled; a pair of
 * patches enters at the block that leaves the right number of them, and what follows its last block is jumped to by an address.
 *
 *   [sp] rows, [sp, #4] patches running, [sp, #8] run after its biases, [sp, #12] entry, [sp, #16] what follows the blocks,
 *   [sp, #20] y running, [sp, #24] y_channel in bytes, [sp, #28] results left,
 *   where a pair's blocks are more than the unrolled: [sp, #32] its end, [sp, #36] what follows the last round,
 *   [sp, #40] bytes of a pair
 *
 * After the blocks:
 *
 *   r0  constants of a row, running     r1-r3, r12  those of one row: flip, positive, offset, right      lr  a multiplier
 *
 * Stack: 80 bytes, declared to the stack analysis by the symbol cs_conv_rows.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

#define STACK 80 /* bytes */

        .syntax unified
        .thumb

#include "conv_block.h"

        .macro  SHIFT a b
        asr     \a, \a, r12
        asr     \b, \b, r12
        ssat    \a, #16, \a
        ssat    \b, #16, \b
        .endm

        /* Two sums of a row, each times the multiplier of its sign. */
        .macro  CHOSEN a b
        ldm     r0!, {r1-r3, r12}
        and     lr, r1, \a, asr #31
        and     r1, r1, \b, asr #31
        eor     lr, lr, r2
        eor     r1, r1, r2
        smmla   \a, \a, lr, r3
        smmla   \b, \b, r1, r3
        SHIFT   \a, \b
        .endm

        /* Two sums of a row that has one multiplier. */
        .macro  SAME a b
        ldm     r0!, {r1-r3, r12}
        smmla   \a, \a, r2, r3
        smmla   \b, \b, r2, r3
        SHIFT   \a, \b
        .endm

        .macro  ROWS row
        ldr     r0, [sp, #8]
        str     r1, [sp, #4]
        \row    r4, r5
        \row    r6, r7
        \row    r8, r9
        \row    r10, r11
        mov     lr, #0x00010001                 // the step that the offset leaves out: int16 ends at -32767
        .endm

        /* Two results of each row as words r4, r6, r8, r10; r1 y, r12 two channels further, r2 y_channel, r3 results left. */
        .macro  PACK
        pkhbt   r4, r4, r5, lsl #16
        pkhbt   r6, r6, r7, lsl #16
        pkhbt   r8, r8, r9, lsl #16
        pkhbt   r10, r10, r11, lsl #16
        ldrd    r1, r2, [sp, #20]
        ldr     r3, [sp, #28]
        qadd16  r4, r4, lr
        qadd16  r6, r6, lr
        qadd16  r8, r8, lr
        qadd16  r10, r10, lr
        add     r12, r1, r2, lsl #1
        .endm

        /* They are neighbours in y; the last may be one. */
        .macro  STORE
        PACK
        subs    r3, r3, #2
        blo     .Lone
        str     r6, [r1, r2]
        str     r4, [r1], #4
        str     r10, [r12, r2]
        str     r8, [r12]
        str     r3, [sp, #28]
        str     r1, [sp, #20]
        .endm

        .section .text.cs_conv_rows, "ax", %progbits
        .balign 4
        .globl  cs_conv_rows
        .type   cs_conv_rows, %function
        .thumb_func
cs_conv_rows:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        sub     sp, sp, #44
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        str     r0, [sp]
        lsls    r4, r2, #2                      // bytes of a pair
        ldrd    r8, r9, [sp, #STACK]            // run, y
        ldrd    r10, r11, [sp, #STACK + 8]      // y_channel, kind
        adr     r5, .Lfollow
        ldr     r5, [r5, r11, lsl #2]
        adds    r7, r1, r4                      // end of this pair
        lsrs    r2, r2, #1                      // blocks of a pair
        lsls    r10, r10, #1
        add     r8, r8, #16                     // after the biases
        strd    r7, r5, [sp, #32]
        str     r4, [sp, #40]
        cmp     r2, #BLOCKS
        it      hi
        ldrhi   r5, .Lfollow + 16               // more than one round
        rsbs    r2, r2, #0
        and     r2, r2, #(BLOCKS - 1)           // blocks to leave out of the first round
        movs    r4, #BLOCK_BYTES
        muls    r2, r4, r2
        adr.w   r4, .Lblocks
        adds    r2, r2, r4
        orr     r2, r2, #1                      // stay in Thumb state
        strd    r8, r2, [sp, #8]
        strd    r5, r9, [sp, #16]
        strd    r10, r3, [sp, #24]
.Lpair:                                         // r0 rows, r1 patches
        ldrd    r3, r2, [sp, #8]
        ldmdb   r3, {r4, r6, r8, r10}           // biases
        mov     r5, r4
        mov     r7, r6
        mov     r9, r8
        mov     r11, r10
        bx      r2
        .balign 4
.Lfollow:
        .word   .Lchosen + 1
        .word   .Lsame + 1
        .word   .Lphases + 1
        .word   .Lapart + 1
        .word   .Lmore + 1
.Lblocks:
        .rept   BLOCKS
        BLOCK
        .endr
.Lblocks_end:
        ldr     pc, [sp, #16]
.Lchosen:
        ROWS    CHOSEN
        STORE
        ldrd    r0, r1, [sp]
        bne     .Lpair
.Lend:
        add     sp, sp, #44
        pop     {r4-r11, pc}
.Lsame:
        ROWS    SAME
        STORE
        ldrd    r0, r1, [sp]
        bne     .Lpair
        b       .Lend
.Lone:                                          // a single last result of each row
        strh    r6, [r1, r2]
        strh    r4, [r1]
        strh    r10, [r12, r2]
        strh    r8, [r12]
        b       .Lend
.Lapart:                                        // results are y_step apart
        ROWS    CHOSEN
        PACK
        ldr     r5, [sp, #STACK + 16]
        strh    r6, [r1, r2]
        strh    r4, [r1]
        strh    r10, [r12, r2]
        strh    r8, [r12]
        subs    r3, r3, #2
        blo     .Lend
        add     r1, r1, r5, lsl #1
        lsr     r6, r6, #16
        lsr     r4, r4, #16
        lsr     r10, r10, #16
        lsr     r8, r8, #16
        add     r12, r12, r5, lsl #1
        strh    r6, [r1, r2]
        strh    r4, [r1]
        strh    r10, [r12, r2]
        strh    r8, [r12]
        add     r1, r1, r5, lsl #1
        str     r3, [sp, #28]
        str     r1, [sp, #20]
        ldrd    r0, r1, [sp]
        bne     .Lpair
        b       .Lend
.Lphases:                                       // rows 0 and 1 alternate in the first channel, 2 and 3 in the second
        ROWS    CHOSEN
        pkhbt   r4, r4, r6, lsl #16
        pkhbt   r5, r5, r7, lsl #16
        pkhbt   r8, r8, r10, lsl #16
        pkhbt   r9, r9, r11, lsl #16
        ldrd    r1, r2, [sp, #20]
        ldr     r3, [sp, #28]
        qadd16  r4, r4, lr
        qadd16  r5, r5, lr
        qadd16  r8, r8, lr
        qadd16  r9, r9, lr
        adds    r2, r2, r1
        subs    r3, r3, #4
        blo     .Lless
        str     r4, [r1], #4
        str     r8, [r2], #4
        str     r5, [r1], #4
        str     r9, [r2]
        str     r3, [sp, #28]
        str     r1, [sp, #20]
        ldrd    r0, r1, [sp]
        bne     .Lpair
        b       .Lend
.Lless:                                         // three results or fewer: r3 + 4
        strh    r4, [r1], #2
        strh    r8, [r2], #2
        lsrs    r4, r4, #16
        adds    r3, r3, #4
        lsr     r8, r8, #16
        subs    r3, r3, #1
        beq     .Lend
        strh    r4, [r1], #2
        strh    r8, [r2], #2
        subs    r3, r3, #1
        beq     .Lend
        strh    r5, [r1]
        strh    r9, [r2]
        b       .Lend
.Lmore:                                         // another round, or the next pair's end
        ldrd    r2, r3, [sp, #32]
        cmp     r1, r2
        bne     .Lblocks
        ldr     r12, [sp, #40]
        add     r2, r2, r12
        str     r2, [sp, #32]
        bx      r3
        .cfi_endproc
        .size   cs_conv_rows, . - cs_conv_rows
        .if     (.Lblocks_end - .Lblocks) != BLOCKS * BLOCK_BYTES
        .error  "BLOCK_BYTES is not the size of a block"
        .endif

        .globl  cs_conv_rows.stack_bytes
        .set    cs_conv_rows.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
