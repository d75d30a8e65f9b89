/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_row_sums_<vectors>(const int16_t *weights, const int16_t *x, int32_t *sums, uint32_t count, int32_t step,
 *                            uint32_t blocks, uint32_t stride, uint32_t tail)
 * void cs_row_sums_alone(const int16_t *weights, const int16_t *x, int32_t *sums, uint32_t rows, uint32_t vectors, uint32_t tail)
 *
 * codesign/rows.h says what it computes. A block's weights stay in vectors while all positions pass: six rows of one vector, or
 * three of two. A sum is there three cycles after its last product: the last ones of a position are stored while the next one is on its
 * way.
 *
 *   r1  x, running       r5  step      r9   weights, running              q0 (and q1)  x
 *   r3  sums, running    r7  stride    lr   positions left of this block  q1-q6 (q2-q7)  weights
 *   r0, r2, r4, r6, r8, r10  sums
 *   [sp] x, [sp, #4] sums of this block, [sp, #8] count, [sp, #12] blocks left
 *
 * Stack: 116 bytes, 16 of cs_row_sums_alone, declared to the stack analysis by symbols. Leaf functions. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 116 /* bytes */
#define ALONE_STACK 16

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

        .macro  BEGIN name rows
        .section .text.\name, "ax", %progbits
        .balign 4
        .globl  \name
        .type   \name, %function
        .thumb_func
\name:
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #16
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        strd    r1, r2, [sp]
        str     r3, [sp, #8]
        mov     r9, r0
        ldrd    r5, r0, [sp, #STACK]            // step, blocks
        ldrd    r7, r2, [sp, #STACK + 8]        // stride, tail
        str     r0, [sp, #12]
        vctp.16 r2
1:                                              // the next block
        ldrd    r1, r3, [sp]
        ldr     r4, [sp, #8]
        add     r2, r3, #4 * \rows
        str     r2, [sp, #4]
        .endm

        .macro  END name
        ldr     r0, [sp, #12]
        subs    r0, r0, #1
        str     r0, [sp, #12]
        bne     1b
        add     sp, sp, #16
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, STACK
        .endm

        /* All positions: `start` loads x and has the first sums, `store` the last sums of the position before, `rest` moves r3 on. */
        .macro  POSITIONS start store rest tail
        \start \tail
        b       3f
2:
        \start \tail
        \store
3:
        \rest
        le      lr, 2b
        .endm

        .macro  LOAD q offset tail
        .if     \tail
        vpst
        vldrht.u16 \q, [r1, #\offset]
        .else
        vldrh.u16 \q, [r1, #\offset]
        .endif
        .endm

        .macro  START_SIX tail
        LOAD    q0 0 \tail
        vmladav.s16 r0, q1, q0
        add     r1, r1, r5
        vmladav.s16 r2, q2, q0
        .endm

        .macro  STORE_SIX
        strd    r8, r10, [r3, #16]
        .endm

        .macro  REST_OF_SIX
        vmladav.s16 r4, q3, q0
        add     r3, r3, r7
        vmladav.s16 r6, q4, q0
        strd    r0, r2, [r3]
        vmladav.s16 r8, q5, q0
        strd    r4, r6, [r3, #8]
        vmladav.s16 r10, q6, q0
        .endm

        .macro  START_THREE tail
        LOAD    q1 16 \tail
        vmladav.s16 r0, q3, q1
        vldrh.u16 q0, [r1]
        vmladava.s16 r0, q2, q0
        add     r1, r1, r5
        vmladav.s16 r2, q5, q1
        .endm

        .macro  STORE_THREE
        str     r4, [r3, #8]
        .endm

        .macro  REST_OF_THREE
        vmladava.s16 r2, q4, q0
        add     r3, r3, r7
        vmladav.s16 r4, q7, q1
        vmladava.s16 r4, q6, q0
        strd    r0, r2, [r3]
        .endm

        .macro  ALL start store rest
        dls     lr, r4
        sub     r3, r3, r7
        ldr     r4, [sp, #STACK + 12]
        cmp     r4, #8
        beq     4f
        POSITIONS \start \store \rest 1
        b       5f
4:
        POSITIONS \start \store \rest 0
5:
        \store
        .endm

        BEGIN   cs_row_sums_1 6
        vldrh.u16 q1, [r9], #16
        vldrh.u16 q2, [r9], #16
        vldrh.u16 q3, [r9], #16
        vldrh.u16 q4, [r9], #16
        vldrh.u16 q5, [r9], #16
        vldrh.u16 q6, [r9], #16
        ALL     START_SIX STORE_SIX REST_OF_SIX
        END     cs_row_sums_1

        BEGIN   cs_row_sums_2 3
        vldrh.u16 q2, [r9], #16
        vldrh.u16 q3, [r9], #16
        vldrh.u16 q4, [r9], #16
        vldrh.u16 q5, [r9], #16
        vldrh.u16 q6, [r9], #16
        vldrh.u16 q7, [r9], #16
        ALL     START_THREE STORE_THREE REST_OF_THREE
        END     cs_row_sums_2

        /* r0 weights, running, r1 x, r2 and r3 where the last and the next two sums go; r4, r6 sums; q0, q1 x, q2, q3 weights. The last
         * two are stored while weights are loaded, at first to where nothing stands yet. */
        .section .text.cs_row_sums_alone, "ax", %progbits
        .balign 4
        .globl  cs_row_sums_alone
        .type   cs_row_sums_alone, %function
        .thumb_func
cs_row_sums_alone:
        .cfi_startproc
        push    {r4-r6, lr}
        .cfi_def_cfa_offset ALONE_STACK
        .cfi_offset lr, -4
        .cfi_offset r6, -8
        .cfi_offset r5, -12
        .cfi_offset r4, -16
        ldrd    r4, r5, [sp, #ALONE_STACK]      // vectors, tail
        lsrs    lr, r3, #1
        mov     r3, r2
        vctp.16 r5
        dls     lr, lr
        cmp     r4, #2
        beq     2f
        vpst
        vldrht.u16 q0, [r1]
1:
        vldrh.u16 q2, [r0], #16
        vldrh.u16 q3, [r0], #16
        strd    r4, r6, [r2]
        vmladav.s16 r4, q2, q0
        mov     r2, r3
        vmladav.s16 r6, q3, q0
        adds    r3, r3, #8
        le      lr, 1b
        b       4f
2:
        vpst
        vldrht.u16 q1, [r1, #16]
        vldrh.u16 q0, [r1]
3:
        vldrh.u16 q2, [r0], #16
        vldrh.u16 q3, [r0], #16
        strd    r4, r6, [r2]
        vmladav.s16 r4, q2, q0
        mov     r2, r3
        vmladava.s16 r4, q3, q1
        vldrh.u16 q2, [r0], #16
        vmladav.s16 r6, q2, q0
        vldrh.u16 q3, [r0], #16
        vmladava.s16 r6, q3, q1
        adds    r3, r3, #8
        le      lr, 3b
4:
        strd    r4, r6, [r2]
        pop     {r4-r6, pc}
        .cfi_endproc
        .size   cs_row_sums_alone, . - cs_row_sums_alone
        .globl  cs_row_sums_alone.stack_bytes
        .set    cs_row_sums_alone.stack_bytes, ALONE_STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
