/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_row_results(const int32_t *constants, const int32_t *sums, int16_t *y, uint32_t count, uint32_t stride, uint32_t rows)
 *
 * codesign/rows.h says what it computes. Four rows of all positions, then the next four.
 *
 *   r0  constants, running   r3  count            r6  stride              q4-q6  biases, multipliers, shifts
 *   r1  sums, running        r4  rows left        r7  bytes of y          q7     -32767
 *   r2  y, running           r5, r12  sums and y of these four rows       q0, q1 sums, then results
 *
 * Stack: 88 bytes, declared to the stack analysis by the symbol cs_row_results.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

#define STACK 88 /* bytes */

        .syntax unified
        .thumb
        .cfi_sections .debug_frame
        .macro  STORE some results
        .if     \some
        vpst
        vstrht.32 \results, [r2]
        .else
        vstrh.32 \results, [r2]
        .endif
        .endm

        /* Of two positions; `some`: of fewer than four rows. */
        .macro  TWO_POSITIONS some
        vldrw.u32 q0, [r1]
        vadd.i32 q0, q0, q4
        vmulh.s32 q0, q0, q5
        add     r1, r1, r6
        vrshl.s32 q0, q0, q6
        vldrw.u32 q1, [r1]
        vadd.i32 q1, q1, q4
        add     r1, r1, r6
        vqmovnb.s32 q0, q0
        vmulh.s32 q1, q1, q5
        vmax.s16 q0, q0, q7
        vrshl.s32 q1, q1, q6
        STORE   \some q0
        vqmovnb.s32 q1, q1
        add     r2, r2, r7
        vmax.s16 q1, q1, q7
        STORE   \some q1
        add     r2, r2, r7
        .endm

        .section .text.cs_row_results, "ax", %progbits
        .balign 4
        .globl  cs_row_results
        .type   cs_row_results, %function
        .thumb_func
cs_row_results:
        .cfi_startproc
        push    {r4-r8, lr}
        vpush   {d8-d15}
        .cfi_def_cfa_offset STACK
        .cfi_offset lr, -4
        .cfi_offset r8, -8
        .cfi_offset r7, -12
        .cfi_offset r6, -16
        .cfi_offset r5, -20
        .cfi_offset r4, -24
        ldrd    r6, r4, [sp, #STACK]
        mov     r5, r1
        mov     r12, r2
        lsl     r7, r4, #1
        movw    r8, #0x8001
        vdup.16 q7, r8
1:                                              // the next four rows
        vldrw.u32 q4, [r0], #16
        vldrw.u32 q5, [r0], #16
        vldrw.u32 q6, [r0], #16
        mov     r1, r5
        mov     r2, r12
        adds    r5, r5, #16
        add     r12, r12, #8
        vctp.32 r4
        lsr     r8, r3, #1
        cmp     r4, #4
        blt     5f
        wls     lr, r8, 3f
2:
        TWO_POSITIONS 0
        le      lr, 2b
        b       3f
5:
        wls     lr, r8, 3f
6:
        TWO_POSITIONS 1
        le      lr, 6b
3:
        tst     r3, #1
        beq     4f
        vldrw.u32 q0, [r1]
        vadd.i32 q0, q0, q4
        vmulh.s32 q0, q0, q5
        vrshl.s32 q0, q0, q6
        vqmovnb.s32 q0, q0
        vmax.s16 q0, q0, q7
        vpst
        vstrht.32 q0, [r2]
4:
        subs    r4, r4, #4
        bgt     1b
        vpop    {d8-d15}
        pop     {r4-r8, pc}
        .cfi_endproc
        .size   cs_row_results, . - cs_row_results

        .globl  cs_row_results.stack_bytes
        .set    cs_row_results.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
