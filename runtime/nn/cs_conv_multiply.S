/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_conv_multiply(const int16_t *rows, const int16_t *patches, uint32_t columns, uint32_t pairs, const int32_t *bias,
 *                       int32_t *acc, uint32_t stride)
 *
 * conv_multiply.h says what it computes. Sixteen blocks of conv_block.h, which has the registers, are unrolled; a pair of patches
 * enters at the block that leaves the right number of them.
 *
 *   [sp] rows, [sp, #4] end of all pairs, [sp, #8] bias, [sp, #12] entry, [sp, #16] end of this pair where its blocks are more
 *   than the unrolled, else 0; after the saved registers: bytes of a pair, acc running, stride in bytes
 *
 * Stack: 56 bytes, declared to the stack analysis by the symbol cs_conv_multiply.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

#define STACK 56 /* bytes */

        .syntax unified
        .thumb

#include "conv_block.h"

        .section .text.cs_conv_multiply, "ax", %progbits
        .balign 4
        .globl  cs_conv_multiply
        .type   cs_conv_multiply, %function
        .thumb_func
cs_conv_multiply:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        sub     sp, sp, #20
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        lsls    r4, r2, #2                      // bytes of a pair
        mla     r5, r4, r3, r1                  // end of all pairs
        ldr     r6, [sp, #STACK]
        strd    r0, r5, [sp]
        adds    r7, r1, r4
        lsrs    r2, r2, #1                      // blocks of a pair
        cmp     r2, #BLOCKS
        it      ls
        movls   r7, #0                          // one round does
        rsbs    r2, r2, #0
        and     r2, r2, #(BLOCKS - 1)           // blocks to leave out of the first round
        movs    r5, #BLOCK_BYTES
        muls    r2, r5, r2
        adr.w   r5, .Lblocks
        adds    r2, r2, r5
        orr     r2, r2, #1                      // stay in Thumb state
        strd    r6, r2, [sp, #8]
        str     r7, [sp, #16]
        str     r4, [sp, #STACK]
        ldr     r2, [sp, #STACK + 8]
        lsls    r2, r2, #2
        str     r2, [sp, #STACK + 8]
.Lpair:
        ldrd    r3, r2, [sp, #8]
        ldm     r3, {r4, r6, r8, r10}
        mov     r5, r4
        mov     r7, r6
        mov     r9, r8
        mov     r11, r10
        bx      r2
        .balign 4
.Lblocks:
        .rept   BLOCKS
        BLOCK
        .endr
.Lblocks_end:
        ldr     r2, [sp, #16]
        ldrd    r3, r12, [sp, #STACK + 4]       // acc, bytes from row to row
        cbnz    r2, .Lmore
.Ldone:
        add     r2, r3, r12
        strd    r4, r5, [r3], #8
        strd    r6, r7, [r2]
        ldrd    r0, lr, [sp]                    // rows, end of all
        add     r2, r2, r12
        strd    r8, r9, [r2]
        add     r2, r2, r12
        cmp     r1, lr
        str     r3, [sp, #STACK + 4]
        strd    r10, r11, [r2]
        bne     .Lpair
        add     sp, sp, #20
        pop     {r4-r11, pc}
.Lmore:                                         // another round, or the next pair's end
        ldr     lr, [sp, #STACK]
        cmp     r1, r2
        bne     .Lblocks
        add     r2, r2, lr
        str     r2, [sp, #16]
        b       .Ldone
        .cfi_endproc
        .size   cs_conv_multiply, . - cs_conv_multiply
        .if     (.Lblocks_end - .Lblocks) != BLOCKS * BLOCK_BYTES
        .error  "BLOCK_BYTES is not the size of a block"
        .endif

        .globl  cs_conv_multiply.stack_bytes
        .set    cs_conv_multiply.stack_bytes, STACK

#elif defined(__ARM_FEATURE_MVE)

/* The same for the vector extension: a patch at a time, eight columns of four rows in an iteration, 32 products in 10
 * instructions. Loads and multiplications alternate, because a core may overlap one of each. What the last iteration has beyond
 * `columns` is left out by its predicate.
 *
 *   r0  rows              r4, r6, r8, r10  sums of four rows     r11  bytes from row to row of acc
 *   r1  x, running        r5  weights, running                   r12  acc, running
 *   r2  columns           r7  bias                               lr   columns left
 *   r3  patches left      r9  the next patch                     q0   x       q1, q2  weights of a row
 *
 * Stack: 36 bytes. Leaf function. */
#define STACK 36 /* bytes */

        .syntax unified
        .thumb

        .section .text.cs_conv_multiply, "ax", %progbits
        .balign 4
        .globl  cs_conv_multiply
        .type   cs_conv_multiply, %function
        .thumb_func
cs_conv_multiply:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldrd    r7, r12, [sp, #STACK]           // bias, acc
        ldr     r11, [sp, #STACK + 8]
        lsl     r11, r11, #2
        lsls    r3, r3, #1
        mov     r9, r1
        .balign 4
.Lpatch:
        mov     r1, r9
        mov     r5, r0
        add     r9, r9, r2, lsl #1
        ldm     r7, {r4, r6, r8, r10}
        dlstp.16 lr, r2
.Lchunk:
        vldrh.u16 q0, [r1], #16
        vldrh.u16 q1, [r5], #64
        vmladava.s16 r4, q1, q0
        vldrh.u16 q2, [r5, #-48]
        vmladava.s16 r6, q2, q0
        vldrh.u16 q1, [r5, #-32]
        vmladava.s16 r8, q1, q0
        vldrh.u16 q2, [r5, #-16]
        vmladava.s16 r10, q2, q0
        letp    lr, .Lchunk
        str     r4, [r12]
        str     r6, [r12, r11]
        add     r5, r12, r11, lsl #1
        str     r8, [r5]
        str     r10, [r5, r11]
        add     r12, r12, #4
        subs    r3, r3, #1
        bne     .Lpatch
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_conv_multiply, . - cs_conv_multiply

        .globl  cs_conv_multiply.stack_bytes
        .set    cs_conv_multiply.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
