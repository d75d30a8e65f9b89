/* SPDX-License-Identifier: Apache-2.0 */
/* const void *cs_matvec_wide_dsp(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
 *
 * acc[r] = sum_c w[r][c] * x[c] modulo 2^32, x int16; rows a multiple of 4, rows and columns > 0. Packing: see
 * cs_kernel_wide_dsp.c. Returns the weights after the last row.
 *
 * Two rows a lane: a halfword holds 256*a + b, so SMLALD on the whole word adds up 256*S_a + S_b in 64 bits. S_b alone comes of
 * SXTB16 and SMLAD; S_a is the difference, shifted. Each block below does 4 rows by 4 columns, 16 MACs, in 14 instructions; no
 * instruction uses the result of a SXTB16 or a load right before it (a stall on M33), and on a core that issues two instructions a
 * cycle each SXTB16 goes with a multiplication. Sixteen blocks are unrolled; a row quad enters at the block that leaves the
 * right number of them.
 *
 *   r0  weights, running        r4, r5  256*S_A + S_B     r8-r11  four weight words
 *   r1  prepared, running       r6, r7  256*S_C + S_D     r12     x of columns 0, 1
 *   r2  S_B                     r3      S_D               lr      x of columns 2, 3
 *   [sp] start of prepared, [sp, #4] end of x, [sp, #8] entry, [sp, #12] acc running, [sp, #16] end of acc
 *
 * Stack: 56 bytes, declared to the stack analysis by the symbol cs_matvec_wide_dsp.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP)

#define STACK 56       /* bytes */
#define BLOCK_BYTES 56 /* code of one block */
#define BLOCKS 16      /* unrolled */

        .syntax unified
        .thumb

        .macro  BLOCK
        ldrd    r12, lr, [r1], #8
        ldm.w   r0!, {r8-r11}
        smlald  r4, r5, r8, r12
        sxtb16  r8, r8
        smlald  r6, r7, r9, r12
        sxtb16  r9, r9
        smlald  r4, r5, r10, lr
        sxtb16  r10, r10
        smlad   r2, r8, r12, r2
        smlald  r6, r7, r11, lr
        sxtb16  r11, r11
        smlad   r3, r9, r12, r3
        smlad   r2, r10, lr, r2
        smlad   r3, r11, lr, r3
        .endm

        .section .text.cs_matvec_wide_dsp, "ax", %progbits
        .balign 4
        .globl  cs_matvec_wide_dsp
        .type   cs_matvec_wide_dsp, %function
        .thumb_func
cs_matvec_wide_dsp:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        sub     sp, sp, #20
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldr     r4, [sp, #STACK]                // acc, the fifth argument
        add     r5, r4, r2, lsl #2
        strd    r4, r5, [sp, #12]
        adds    r3, r3, #3
        lsrs    r3, r3, #2                      // blocks of a row quad
        add     r2, r1, r3, lsl #3
        strd    r1, r2, [sp]
        rsbs    r3, r3, #0
        and     r3, r3, #(BLOCKS - 1)           // blocks to leave out of the first round
        movs    r4, #BLOCK_BYTES
        muls    r3, r4, r3
        adr.w   r4, .Lblocks
        adds    r3, r3, r4
        orr     r3, r3, #1                      // stay in Thumb state
        str     r3, [sp, #8]
.Lquad:
        ldr     r1, [sp]
        ldr     r8, [sp, #8]
        movs    r2, #0
        movs    r3, #0
        movs    r4, #0
        movs    r5, #0
        movs    r6, #0
        movs    r7, #0
        bx      r8
        .balign 4
.Lblocks:
        .rept   BLOCKS
        BLOCK
        .endr
.Lblocks_end:
        ldr     r8, [sp, #4]
        cmp     r1, r8
        bne     .Lblocks
        ldrd    r8, r9, [sp, #12]
        subs    r4, r4, r2
        sbc     r5, r5, r2, asr #31
        lsrs    r4, r4, #8
        orr     r4, r4, r5, lsl #24             // S_A
        subs    r6, r6, r3
        sbc     r7, r7, r3, asr #31
        lsrs    r6, r6, #8
        orr     r6, r6, r7, lsl #24             // S_C
        mov     r5, r2
        mov     r7, r3
        stm     r8!, {r4-r7}
        str     r8, [sp, #12]
        cmp     r8, r9
        bne     .Lquad
        add     sp, sp, #20
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_matvec_wide_dsp, . - cs_matvec_wide_dsp
        .if     (.Lblocks_end - .Lblocks) != BLOCKS * BLOCK_BYTES
        .error  "BLOCK_BYTES is not the size of a block"
        .endif

        .globl  cs_matvec_wide_dsp.stack_bytes
        .set    cs_matvec_wide_dsp.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
