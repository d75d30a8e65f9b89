/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_conv_sums_<vectors>(const int8_t *const *rows, const int16_t *patches, int32_t *acc, uint32_t count, uint32_t columns,
 *                             uint32_t apart)
 *
 * conv_vectors.h says what it computes. The weights of some rows stay in vectors, six at most, while all patches pass. What a patch's
 * last vector has beyond `columns` belongs to what stands after it: weights there are 0.
 *
 *   r1  patches, running     r3, r5, r7  acc of three rows, running     q0, q1  x, and where a row's columns stand
 *   r6  bytes of a patch     r0, r2, r4  sums                           q2-q7   weights
 *   lr  patches left
 *
 * Stack: 96 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

#define STACK 96 /* bytes */

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

        /* Eight weights of the row at r2 into \q; the last ones of a row are predicated. */
        .macro  WEIGHTS q last
        .if     \last
        vpst
        vldrbt.s16 \q, [r2, q0]
        .else
        vldrb.s16 \q, [r2, q0]
        adds    r2, r2, #32
        .endif
        .endm

        .macro  BEGIN name rows vectors
        .section .text.\name, "ax", %progbits
        .balign 4
        .globl  \name
        .type   \name, %function
        .thumb_func
\name:
        .cfi_startproc
        push    {r4-r8, lr}
        vpush   {d8-d15}
        sub     sp, sp, #8
        .cfi_def_cfa_offset STACK
        .cfi_offset lr, -4
        .cfi_offset r8, -8
        .cfi_offset r7, -12
        .cfi_offset r6, -16
        .cfi_offset r5, -20
        .cfi_offset r4, -24
        dls     lr, r3
        mov     r3, r2
        ldrd    r6, r7, [sp, #STACK]            // columns, apart
        add     r5, r3, r7
        add     r7, r7, r5
        sub     r4, r6, #8 * (\vectors - 1)
        vctp.16 r4
        lsls    r6, r6, #1
        adr     r4, .Lplaces\name
        vldrh.u16 q0, [r4]
        ldr     r2, [r0]
        .endm

        .macro  END name
        add     sp, sp, #8
        vpop    {d8-d15}
        pop     {r4-r8, pc}
        .balign 4
.Lplaces\name:
        .short  0, 2, 1, 3, 16, 18, 17, 19      // of four rows, packed: conv.h
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, STACK
        .endm

        BEGIN   cs_conv_sums_1 3 1
        WEIGHTS q2 1
        ldr     r2, [r0, #4]
        WEIGHTS q3 1
        ldr     r2, [r0, #8]
        WEIGHTS q4 1
1:
        vldrh.u16 q0, [r1]
        vmladav.s16 r0, q2, q0
        add     r1, r1, r6
        vmladav.s16 r2, q3, q0
        str     r0, [r3], #4
        vmladav.s16 r4, q4, q0
        str     r2, [r5], #4
        str     r4, [r7], #4
        le      lr, 1b
        END     cs_conv_sums_1

        BEGIN   cs_conv_sums_2 3 2
        WEIGHTS q2 0
        WEIGHTS q3 1
        ldr     r2, [r0, #4]
        WEIGHTS q4 0
        WEIGHTS q5 1
        ldr     r2, [r0, #8]
        WEIGHTS q6 0
        WEIGHTS q7 1
1:
        vldrh.u16 q0, [r1]
        vmladav.s16 r0, q2, q0
        vldrh.u16 q1, [r1, #16]
        vmladava.s16 r0, q3, q1
        add     r1, r1, r6
        vmladav.s16 r2, q4, q0
        str     r0, [r3], #4
        vmladava.s16 r2, q5, q1
        vmladav.s16 r4, q6, q0
        str     r2, [r5], #4
        vmladava.s16 r4, q7, q1
        str     r4, [r7], #4
        le      lr, 1b
        END     cs_conv_sums_2

        BEGIN   cs_conv_sums_3 2 3
        WEIGHTS q2 0
        WEIGHTS q3 0
        WEIGHTS q4 1
        ldr     r2, [r0, #4]
        WEIGHTS q5 0
        WEIGHTS q6 0
        WEIGHTS q7 1
1:
        vldrh.u16 q0, [r1]
        vmladav.s16 r0, q2, q0
        vldrh.u16 q1, [r1, #16]
        vmladav.s16 r2, q5, q0
        vmladava.s16 r0, q3, q1
        vldrh.u16 q0, [r1, #32]
        vmladava.s16 r2, q6, q1
        add     r1, r1, r6
        vmladava.s16 r0, q4, q0
        vmladava.s16 r2, q7, q0
        str     r0, [r3], #4
        str     r2, [r5], #4
        le      lr, 1b
        END     cs_conv_sums_3

        .macro  ONE_ROW name vectors
        BEGIN   \name 1 \vectors
        WEIGHTS q2 0
        WEIGHTS q3 0
        WEIGHTS q4 0
        .if     \vectors == 4
        WEIGHTS q5 1
        .elseif \vectors == 5
        WEIGHTS q5 0
        WEIGHTS q6 1
        .else
        WEIGHTS q5 0
        WEIGHTS q6 0
        WEIGHTS q7 1
        .endif
1:
        vldrh.u16 q0, [r1]
        vmladav.s16 r0, q2, q0
        vldrh.u16 q1, [r1, #16]
        vmladava.s16 r0, q3, q1
        vldrh.u16 q0, [r1, #32]
        vmladava.s16 r0, q4, q0
        vldrh.u16 q1, [r1, #48]
        vmladava.s16 r0, q5, q1
        .if     \vectors > 4
        vldrh.u16 q0, [r1, #64]
        vmladava.s16 r0, q6, q0
        .endif
        .if     \vectors > 5
        vldrh.u16 q1, [r1, #80]
        vmladava.s16 r0, q7, q1
        .endif
        add     r1, r1, r6
        str     r0, [r3], #4
        le      lr, 1b
        END     \name
        .endm

        ONE_ROW cs_conv_sums_4 4
        ONE_ROW cs_conv_sums_5 5
        ONE_ROW cs_conv_sums_6 6

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
