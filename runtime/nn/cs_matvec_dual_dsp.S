/* SPDX-License-Identifier: Apache-2.0 */
/* const void *cs_matvec_dual(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
 *
 * cs_matvec_dsp for cores that issue two instructions a cycle (Cortex-M7): same packing, same sums, one instruction more in
 * fewer cycles. A block, 4 rows by 4 columns, is a multiple load of the weights, which issues alone and takes two cycles, and
 * six pairs: four of a SXTAB16 and a SMLAD, two of a SMLAD and a load of x for the next block. SXTAB16 stands first in its pair
 * and reads nothing that was loaded in the cycle before. The loads of x are 16 bits long: without such instructions near it a
 * multiple load stalls a cycle longer (github.com/jnk0le/random). Behind the last x stands minus the sum of x0*x1,
 * so the last block loads just that.
 *
 *   r0  weights, running        r4  256*S_A + S_B     r8-r11  four weight words
 *   r1  x of block 0            r5  S_B               r12     b + x
 *   r2  x of columns 0, 2       r6  256*S_C + S_D     lr      end of x
 *   r3  x of columns 1, 3       r7  S_D
 *   [sp] r1 at the entry into the loop, [sp, #4] start of prepared, [sp, #8] entry, [sp, #12] acc running, [sp, #16] end of acc
 *
 * Stack: 56 bytes, declared to the stack analysis by the symbol cs_matvec_dual.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP)

#define STACK 56       /* bytes */
#define BLOCK_BYTES 48 /* code of one block but the last */
#define BLOCKS 16      /* unrolled: 16-bit loads reach 31 words */

        .syntax unified
        .thumb

        .macro  BLOCK   next, width
        ldm.w   r0!, {r8-r11}
        sxtab16 r12, r3, r8
        smlad   r4, r8, r2, r4
        sxtab16 r8, r3, r9
        smlad   r6, r9, r2, r6
        sxtab16 r9, r2, r10
        smlad   r4, r10, r3, r4
        sxtab16 r10, r2, r11
        smlad   r6, r11, r3, r6
        ldr\width r2, [r1, #\next]
        smlad   r5, r12, r9, r5
        ldr\width r3, [r1, #\next + 4]
        smlad   r7, r8, r10, r7
        .endm

        .section .text.cs_matvec_dual, "ax", %progbits
        .balign 8
        .globl  cs_matvec_dual
        .type   cs_matvec_dual, %function
        .thumb_func
cs_matvec_dual:
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
        add     lr, r1, r3, lsl #3
        rsbs    r3, r3, #0
        and     r3, r3, #(BLOCKS - 1)           // blocks to leave out of the first round
        sub     r2, r1, r3, lsl #3
        strd    r2, r1, [sp]
        movs    r4, #BLOCK_BYTES
        muls    r3, r4, r3
        adr.w   r4, .Lblocks
        adds    r3, r3, r4
        orr     r3, r3, #1                      // stay in Thumb state
        str     r3, [sp, #8]
.Lquad:
        ldm     sp, {r1, r2, r12}
        ldrd    r5, r7, [r0], #8                // minus the sums of b0*b1
        ldrd    r2, r3, [r2]
        movs    r4, #0
        movs    r6, #0
        bx      r12
        .balign 8
.Lblocks:
        .set    next, 8
        .rept   BLOCKS - 1
        BLOCK   next, .n
        .set    next, next + 8
        .endr
        BLOCK   next, .w
.Lblocks_end:
        adds    r1, r1, #(8 * BLOCKS)
        cmp     r1, lr
        bne     .Lblocks
        ldrd    r8, r9, [sp, #12]
        adds    r5, r5, r2
        adds    r7, r7, r2
        subs    r4, r4, r5                      // 256 * S_A
        lsls    r5, r5, #8
        subs    r6, r6, r7                      // 256 * S_C
        lsls    r7, r7, #8
        stm     r8!, {r4-r7}
        str     r8, [sp, #12]
        cmp     r8, r9
        bne     .Lquad
        add     sp, sp, #20
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_matvec_dual, . - cs_matvec_dual
        .if     (.Lblocks_end - .Lblocks) != BLOCKS * BLOCK_BYTES + 4
        .error  "BLOCK_BYTES is not the size of a block"
        .endif

        .globl  cs_matvec_dual.stack_bytes
        .set    cs_matvec_dual.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
