/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_mean_rows(const cs_means *means, const int16_t *x, int16_t *y, uint32_t rows, uint32_t n, uint32_t squares)
 * void cs_mean_columns(const cs_means *means, const int16_t *x, int16_t *y, uint32_t columns, uint32_t n, uint32_t squares)
 *
 * cs_mean_axes.c says what they compute: results of sums of rows of n neighbours, or of columns of n elements, one in each row. Four
 * results in an iteration.
 *
 *   r0  results of this iteration, elements left     r4  left    r7  down      r10  n          q0  sums, or their lower 16 bits
 *   r1  x        r2  y                               r6  -right                r12, r11  sums  q1  sums of the upper ones
 *   r3  results left                                 r8, r9  a row's sum       q4  multiplier, q5 -32767
 *
 * Stack: 84 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

#define STACK 84 /* bytes */

        .syntax unified
        .thumb
#include "saved_registers.h"
#include "vector_ends.h"

        .macro  BEGIN
        push    {r4-r11, lr}
        vpush   {d8-d11}
        sub     sp, sp, #16
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldm     r0, {r4-r7}
        vdup.32 q4, r5
        movw    r5, #0x8001
        vdup.16 q5, r5
        ldrd    r10, r5, [sp, #STACK]           // n, squares
        .endm

        /* Results of the sums in q0, of `r3` or four. */
        .macro  RESULTS
        vshl.s32 q0, r4
        vmulh.s32 q0, q0, q4
        vrshl.s32 q0, r6
        vctp.32 r3
        vqmovnb.s32 q0, q0
        vmax.s16 q0, q0, q5
        vpst
        vstrht.32 q0, [r2], #8
        subs    r3, r3, #4
        .endm

        .macro  END name
        add     sp, sp, #16
        vpop    {d8-d11}
        pop     {r4-r11, pc}
        LEAF_END \name STACK
        .endm

        LEAF    cs_mean_rows
        BEGIN
1:                                              // the next four rows
        cmp     r3, #4
        mov     r12, sp
        ite     lo
        addlo   r11, sp, r3, lsl #2
        addhs   r11, sp, #16
2:
        movs    r0, r1
        movs    r8, #0
        movs    r9, #0
        dlstp.16 lr, r10
        cbz     r5, 4f
3:
        vldrh.u16 q0, [r0], #16
        vmlaldava.s16 r8, r9, q0, q0
        letp    lr, 3b
        sqrshrl r8, r9, #64, r7
        b       5f
4:
        vldrh.u16 q0, [r0], #16
        vaddva.s16 r8, q0
        letp    lr, 4b
5:
        str     r8, [r12], #4
        add     r1, r1, r10, lsl #1
        cmp     r12, r11
        bne     2b
        vldrw.u32 q0, [sp]
        RESULTS
        bgt     1b
        END     cs_mean_rows

        /* r8, r9: 16 - down, -down; r7 what rounds; r11 bytes of a row */
        LEAF    cs_mean_columns
        BEGIN
        lsl     r11, r3, #1
        rsb     r8, r7, #16
        rsb     r9, r7, #0
        movs    r0, #1
        lsls    r7, r0, r7
        lsrs    r7, r7, #1
1:                                              // the next four columns
        vctp.32 r3
        mov     r0, r1
        adds    r1, r1, #8
        vmov.i32 q0, #0
        vmov.i32 q1, #0
        dls     lr, r10
        cbz     r5, 4f
3:
        vpst
        vldrht.s32 q2, [r0]
        vmul.i32 q2, q2, q2
        add     r0, r0, r11
        vshr.u32 q3, q2, #16
        vmovlb.u16 q2, q2
        vadd.i32 q1, q1, q3
        vadd.i32 q0, q0, q2
        le      lr, 3b
        vadd.i32 q0, q0, r7
        vshr.u32 q2, q0, #16
        vmovlb.u16 q0, q0
        vadd.i32 q1, q1, q2
        vshl.u32 q0, r9
        vshl.u32 q1, r8
        vorr    q0, q0, q1
        b       5f
4:
        vpst
        vldrht.s32 q2, [r0]
        add     r0, r0, r11
        vadd.i32 q0, q0, q2
        le      lr, 4b
5:
        RESULTS
        bgt     1b
        END     cs_mean_columns

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
