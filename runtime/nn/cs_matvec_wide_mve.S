/* SPDX-License-Identifier: Apache-2.0 */
/* const void *cs_matvec_wide_mve(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
 *
 * acc[r] = sum_c w[r][c] * x[c] modulo 2^32, x int16; rows a multiple of 4, rows and columns > 0. Packing: see
 * cs_kernel_wide_mve.c. Returns the weights after the last row.
 *
 * A chunk is eight columns of four rows: 32 MACs in 9 instructions. Loads and multiplications alternate, because a core may
 * overlap one of each. Four chunks are unrolled; a row quad enters at the chunk that leaves the right number of them.
 *
 *   r0  weights, running     r4, r6, r8, r10  sums of rows 0..3     q0  x
 *   r1  prepared, running    r5  acc, running     r9  rounds        q1, q2  weights of one row
 *   r2  rows left            r7  start of x       lr  rounds left
 *   r3  entry into the chunks
 *
 * Stack: 36 bytes, declared to the stack analysis by the symbol cs_matvec_wide_mve.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 36       /* bytes */
#define CHUNK_BYTES 36 /* code of one chunk */
#define CHUNKS 4       /* unrolled */

        .syntax unified
        .thumb

        .macro  CHUNK
        vldrh.u16 q0, [r1], #16
        vldrb.s16 q1, [r0], #32
        vmladava.s16 r4, q1, q0
        vldrb.s16 q2, [r0, #-24]
        vmladava.s16 r6, q2, q0
        vldrb.s16 q1, [r0, #-16]
        vmladava.s16 r8, q1, q0
        vldrb.s16 q2, [r0, #-8]
        vmladava.s16 r10, q2, q0
        .endm

        .section .text.cs_matvec_wide_mve, "ax", %progbits
        .balign 4
        .globl  cs_matvec_wide_mve
        .type   cs_matvec_wide_mve, %function
        .thumb_func
cs_matvec_wide_mve:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldr     r5, [sp, #STACK]                // acc, the fifth argument
        mov     r7, r1
        adds    r3, r3, #7
        lsrs    r3, r3, #3                      // chunks of a row quad
        add     r9, r3, #(CHUNKS - 1)
        lsr     r9, r9, #2
        rsbs    r3, r3, #0
        and     r3, r3, #(CHUNKS - 1)           // chunks to leave out of the first round
        movs    r4, #CHUNK_BYTES
        muls    r3, r4, r3
        adr.w   r4, .Lchunks
        add     r3, r3, r4
        orr     r3, r3, #1                      // stay in Thumb state
.Lquad:
        mov     r1, r7
        movs    r4, #0
        movs    r6, #0
        mov     r8, r4
        mov     r10, r4
        dls     lr, r9
        bx      r3
        .balign 4
.Lchunks:
        .rept   CHUNKS
        CHUNK
        .endr
        le      lr, .Lchunks
.Lchunks_end:
        str     r4, [r5], #16
        str     r6, [r5, #-12]
        str     r8, [r5, #-8]
        str     r10, [r5, #-4]
        subs    r2, r2, #4
        bne     .Lquad
        pop     {r4-r11, pc}
        .if     (.Lchunks_end - .Lchunks) != CHUNKS * CHUNK_BYTES + 4
        .error  "CHUNK_BYTES is not the size of a chunk"
        .endif
        .cfi_endproc
        .size   cs_matvec_wide_mve, . - cs_matvec_wide_mve

        .globl  cs_matvec_wide_mve.stack_bytes
        .set    cs_matvec_wide_mve.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
