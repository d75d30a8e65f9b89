/* SPDX-License-Identifier: Apache-2.0 */
/* const void *cs_matvec_dsp(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
 *
 * acc[r] = 256 * sum_c w[r][c] * x[c]; rows a multiple of 4, rows and columns > 0. Packing: see cs_kernel_dsp.c. Returns the
 * weights after the last row.
 *
 * Two rows a lane: a halfword holds 256*a + b, so SMLAD on the whole word gives 256*S_a + S_b: two rows at once. S_b alone comes
 * by Winograd's inner product: (b0 + x1)*(b1 + x0) = b0*x0 + b1*x1 + b0*b1 + x0*x1, where SXTAB16 extracts b and adds x in
 * one, and one SMLAD does what two would do without the additions. The sums of b0*b1 are known offline and stand negated in
 * front of each row quad, the sum of x0*x1 is one for all rows and stands negated after x. Wrap-around in between is
 * harmless as long as 256*S fits 32 bits. Each block below does 4 rows by 4 columns, 16 MACs, in 12 instructions; no
 * instruction uses the result of a SXTAB16 or a load right before it (a stall on M33). Thirty-two blocks are unrolled; a row
 * quad enters at the block that leaves the right number of them.
 *
 *   r0  weights, running        r4  256*S_A + S_B     r8-r11  four weight words
 *   r1  prepared, running       r5  S_B               r12     x of columns 0, 2
 *   r2  end of x                r6  256*S_C + S_D     lr      x of columns 1, 3
 *   r3  entry into the loop     r7  S_D
 *   [sp] start of prepared, [sp, #4] acc running, [sp, #8] end of acc
 *
 * Stack: 48 bytes, declared to the stack analysis by the symbol cs_matvec_dsp.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP)

#define STACK 48       /* bytes */
#define BLOCK_BYTES 48 /* code of one block */
#define BLOCKS 32      /* unrolled */

        .syntax unified
        .thumb

        .macro  BLOCK
        ldrd    r12, lr, [r1], #8
        ldm.w   r0!, {r8-r11}
        smlad   r4, r8, r12, r4
        sxtab16 r8, lr, r8
        smlad   r6, r9, r12, r6
        sxtab16 r9, lr, r9
        smlad   r4, r10, lr, r4
        sxtab16 r10, r12, r10
        smlad   r6, r11, lr, r6
        sxtab16 r11, r12, r11
        smlad   r5, r8, r10, r5
        smlad   r7, r9, r11, r7
        .endm

        .section .text.cs_matvec_dsp, "ax", %progbits
        .balign 4
        .globl  cs_matvec_dsp
        .type   cs_matvec_dsp, %function
        .thumb_func
cs_matvec_dsp:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r1-r11, lr}                    // r1-r3 only make room for the three words at [sp]
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldr     r4, [sp, #STACK]                // acc, the fifth argument
        add     r5, r4, r2, lsl #2
        strd    r4, r5, [sp, #4]
        adds    r3, r3, #3
        lsrs    r3, r3, #2                      // blocks of a row quad
        add     r2, r1, r3, lsl #3
        rsbs    r3, r3, #0
        and     r3, r3, #(BLOCKS - 1)           // blocks to leave out of the first round
        movs    r4, #BLOCK_BYTES
        muls    r3, r4, r3
        adr.w   r4, .Lblocks
        adds    r3, r3, r4
        orr     r3, r3, #1                      // stay in Thumb state
.Lquad:
        ldrd    r5, r7, [r0], #8                // minus the sums of b0*b1
        movs    r4, #0
        movs    r6, #0
        bx      r3
        .balign 4
.Lblocks:
        .rept   BLOCKS
        BLOCK
        .endr
.Lblocks_end:
        cmp     r1, r2
        bne     .Lblocks
        ldr     r10, [r1]                       // minus the sum of x0*x1
        ldm     sp, {r1, r8, r9}
        adds    r5, r5, r10
        adds    r7, r7, r10
        subs    r4, r4, r5                      // 256 * S_A
        lsls    r5, r5, #8
        subs    r6, r6, r7                      // 256 * S_C
        lsls    r7, r7, #8
        stm     r8!, {r4-r7}
        str     r8, [sp, #4]
        cmp     r8, r9
        bne     .Lquad
        pop     {r1-r11, pc}
        .cfi_endproc
        .size   cs_matvec_dsp, . - cs_matvec_dsp
        .if     (.Lblocks_end - .Lblocks) != BLOCKS * BLOCK_BYTES
        .error  "BLOCK_BYTES is not the size of a block"
        .endif

        .globl  cs_matvec_dsp.stack_bytes
        .set    cs_matvec_dsp.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
