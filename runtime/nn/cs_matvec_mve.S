/* SPDX-License-Identifier: Apache-2.0 */
/* const void *cs_matvec_mve(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
 *
 * acc[r] = 256 * sum_c w[r][c] * x[c]; rows a multiple of 4, rows and columns > 0. Packing: see cs_kernel_mve.c. Returns the
 * weights after the last row.
 *
 * A chunk, sixteen columns of four rows, is five vector loads and four VMLADAV: 64 MACs in 9 instructions. The first of a row
 * quad starts the sums; of those after it eight are unrolled, and a row quad enters where the right number of them is left.
 * Loads and multiplications alternate, because a core may overlap one of each. Columns after the last chunk: each row's are
 * loaded with what stands before them in the matrix, as many bytes as fill a vector, and x has zeros there; a matrix without
 * a whole chunk has nothing before it and is loaded under a predicate.
 *
 *   r0  weights, running        r4, r6, r8, r10  sums of rows 0..3      q0  x
 *   r1  prepared, running       r5  acc, running     r9  rounds         q1, q3  weights of one row
 *   r2  rows left               r7  start of x       lr  rounds left    q2  x after the last chunk, zeros before or after
 *   r3  entry into the chunks   r11 what comes after them; in a short matrix its columns, rounded up to 4
 *
 * Stack: 36 bytes, declared to the stack analysis by the symbol cs_matvec_mve.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 36       /* bytes */
#define CHUNK_BYTES 36 /* code of one chunk */
#define CHUNKS 8       /* unrolled */
#define TAIL_BYTES 40  /* code of one tail */

        .syntax unified
        .thumb

        .macro  CHUNK   multiply
        vldrw.u32 q0, [r1], #16
        vldrw.u32 q1, [r0], #64
        \multiply\().s8 r4, q1, q0
        vldrw.u32 q3, [r0, #-48]
        \multiply\().s8 r6, q3, q0
        vldrw.u32 q1, [r0, #-32]
        \multiply\().s8 r8, q1, q0
        vldrw.u32 q3, [r0, #-16]
        \multiply\().s8 r10, q3, q0
        .endm

        .macro  TAIL    columns
        vldrw.u32 q1, [r0, #(\columns - 16)]
        vmladava.s8 r4, q1, q2
        vldrw.u32 q3, [r0, #(2 * \columns - 16)]
        vmladava.s8 r6, q3, q2
        vldrw.u32 q1, [r0, #(3 * \columns - 16)]
        vmladava.s8 r8, q1, q2
        vldrw.u32 q3, [r0, #(4 * \columns - 16)]
        vmladava.s8 r10, q3, q2
        add.w   r0, r0, #(4 * \columns)
        b.w     .Lstore
        .endm

        .macro  SHORT   sum
        vpst
        vldrbt.u8 q1, [r0]                      // zeros in the other lanes
        add     r0, r0, r11
        vmladav.s8 \sum, q1, q2
        .endm

        .macro  STORE
        vmov    q1[2], q1[0], r4, r8
        vmov    q1[3], q1[1], r6, r10
        vshl.i32 q1, q1, #8
        vstrw.32 q1, [r5], #16
        .endm

        .section .text.cs_matvec_mve, "ax", %progbits
        .balign 4
        .globl  cs_matvec_mve
        .type   cs_matvec_mve, %function
        .thumb_func
cs_matvec_mve:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldr     r5, [sp, #STACK]                // acc, the fifth argument
        mov     r7, r1
        adds    r3, r3, #3
        lsrs    r3, r3, #2                      // column quads
        and     r11, r3, #3
        lsrs    r9, r3, #2                      // whole chunks
        beq     .Lshort
        add     r1, r1, r3, lsl #2              // the last 16 of x, with zeros where whole chunks have been
        vldrw.u32 q2, [r1, #-16]
        rsb     r11, r11, #4
        lsl     r3, r11, #2
        vctp.8  r3
        vmov.i32 q1, #0
        vpsel   q2, q1, q2
        mov     r1, r7
        sub     r11, r11, #1                    // 3 without columns after the last chunk, else 3 less their quads
        movs    r4, #TAIL_BYTES
        mul     r11, r11, r4
        adr.w   r4, .Ltails
        add     r11, r11, r4
        orr     r11, r11, #1                    // stay in Thumb state
        subs    r9, r9, #1
        rsb     r3, r9, #0
        and     r3, r3, #(CHUNKS - 1)           // chunks to leave out of the first round
        movs    r4, #CHUNK_BYTES
        muls    r3, r4, r3
        adr.w   r4, .Lchunks
        add     r3, r3, r4
        add     r9, r9, #(CHUNKS - 1)
        lsrs    r9, r9, #3
        it      eq
        addeq   r3, r3, #(CHUNKS * CHUNK_BYTES + 4) // none after the first: to .Lchunks_end
        orr     r3, r3, #1
.Lquad:
        CHUNK   vmladav
        dls     lr, r9
        bx      r3
        .balign 4
.Lchunks:
        .rept   CHUNKS
        CHUNK   vmladava
        .endr
        le      lr, .Lchunks
.Lchunks_end:
        bx      r11
        .balign 4
.Ltails:
        TAIL    12
        TAIL    8
        TAIL    4
.Lstore:
        STORE
        mov     r1, r7
        subs    r2, r2, #4
        bne     .Lquad
        pop     {r4-r11, pc}
.Lshort:
        lsls    r11, r11, #2
        vctp.8  r11
        vpst
        vldrbt.u8 q2, [r1]
.Lshort_quad:
        SHORT   r4
        SHORT   r6
        SHORT   r8
        SHORT   r10
        STORE
        subs    r2, r2, #4
        bne     .Lshort_quad
        pop     {r4-r11, pc}
        .if     (.Lchunks_end - .Lchunks) != CHUNKS * CHUNK_BYTES + 4
        .error  "CHUNK_BYTES is not the size of a chunk"
        .endif
        .if     (.Lstore - .Ltails) != 3 * TAIL_BYTES
        .error  "TAIL_BYTES is not the size of a tail"
        .endif
        .cfi_endproc
        .size   cs_matvec_mve, . - cs_matvec_mve

        .globl  cs_matvec_mve.stack_bytes
        .set    cs_matvec_mve.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
