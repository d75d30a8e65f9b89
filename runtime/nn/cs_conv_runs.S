/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_conv_runs(const cs_conv_run_rows *run)
 *
 * conv_runs.h says what it computes, codesign/conv.h what stands in weights and constants. The weights of some rows stay in vectors,
 * six at most, while all patches pass: three rows of up to two vectors, two of three, one of more. What a patch's last vector has beyond
 * its columns belongs to what stands after it: weights there are 0. Then their sums become results, eight at a time, even and odd ones
 * apart; those of the next eight are loaded meanwhile, at the end what stands after them.
 *
 *   r8  constants, running    r9   weights, running    r10  rows left    r11  bytes from a row's sums to the next    r12  run
 *
 * Sums:                                        Results:
 *   r1  patches, running                         r0  bias               r5      results left          q0, q1  sums
 *   r3, r5, r7  acc, running                     r1  0: one multiplier  r6      y_step                q2, q3  results
 *   r0, r2, r4  sums                             r2  acc, running       r7      acc of the next row   q4, q5  multipliers
 *   r6  bytes of a patch                         r3  shift              lr      eights left           q6      steps
 *   q0, q1  x    q2-q7  weights                  r4  y, running                                       q7      -32767
 *
 * r5 becomes the number of results among a row's last eight.
 *
 *   [sp] code of the sums, [sp, #4] end of these rows' constants
 *
 * Stack: 108 bytes, declared to the stack analysis by the symbol cs_conv_runs.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 108 /* bytes */
#define VECTORS 12 /* of cs_conv_run_rows */
#define PATCHES 16
#define ACC 24
#define FIRST 28
#define COUNT 32
#define Y 36
#define Y_STEP 40
#define CONSTANT_BYTES 24 /* of a row */

        .syntax unified
        .thumb

#include "conv_run_sums.h"

        .macro  CLAMP
        vmax.s16 q3, q3, q7
        .endm

        .macro  STORE apart
        .if     \apart
        vstrh.16 q3, [r4, q6, uxtw #1]
        add     r4, r4, r6
        .else
        vstrh.16 q3, [r4], #16
        .endif
        .endm

        /* Of the eight sums in q0 and q1 results in q3, which are clamped and stored with the next eight, whose sums are loaded. A
         * multiplier of negative sums is no larger than the other one, so that the larger product is the right one. */
        .macro  EIGHT   prelu apart next
        vadd.i32 q0, q0, r0
        vmulh.s32 q2, q0, q4
        .if     \next
        CLAMP
        .endif
        .if     \prelu
        vmulh.s32 q0, q0, q5
        .endif
        vadd.i32 q1, q1, r0
        .if     \next
        STORE   \apart
        .endif
        vmulh.s32 q3, q1, q4
        .if     \prelu
        vmax.s32 q2, q2, q0
        vmulh.s32 q1, q1, q5
        .endif
        vrshl.s32 q2, r3
        .if     \prelu
        vmax.s32 q3, q3, q1
        .endif
        vrshl.s32 q3, r3
        vld20.32 {q0, q1}, [r2]
        vqmovnt.s32 q3, q3
        vqmovnb.s32 q3, q2
        vld21.32 {q0, q1}, [r2]!
        .endm

        /* All results of a row, whose first eight sums are in q0 and q1. */
        .macro  ROW     prelu apart
        EIGHT   \prelu \apart 0
        wls     lr, lr, 2f
1:
        EIGHT   \prelu \apart 1
        le      lr, 1b
2:
        CLAMP
        vctp.16 r5
        vpst
        .if     \apart
        vstrht.16 q3, [r4, q6, uxtw #1]
        .else
        vstrht.16 q3, [r4]
        .endif
        b       .Lnext
        .endm

        .section .text.cs_conv_runs, "ax", %progbits
        .balign 4
        .globl  cs_conv_runs
        .type   cs_conv_runs, %function
        .thumb_func
cs_conv_runs:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #8
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        mov     r12, r0
        ldrd    r9, r8, [r12]
        ldrd    r10, r1, [r12, #8]
        ldr     r11, [r12, #COUNT]
        adr     r2, .Lcores
        add     r11, r11, #1
        ldr     r1, [r2, r1, lsl #2]
        bic     r11, r11, #1
        add     r1, r1, r2
        lsl     r11, r11, #2
        str     r1, [sp]
.Lblock:                                        // the next rows
        ldr     lr, [r12, #COUNT]
        ldrd    r1, r6, [r12, #PATCHES]
        ldr     r4, [sp]
        ldr     r3, [r12, #ACC]
        dls     lr, lr
        mov     r2, r9
        add     r5, r3, r11
        add     r7, r5, r11
        bx      r4
        .balign 4
.Lcores:
        .word   0
        .word   .Lone - .Lcores + 1
        .word   .Ltwo - .Lcores + 1
        .word   .Lthree - .Lcores + 1
        .word   .Lfour - .Lcores + 1
        .word   .Lfive - .Lcores + 1
        .word   .Lsix - .Lcores + 1
        .word   .Lone_wide - .Lcores + 1
        .word   .Ltwo_wide - .Lcores + 1
        .word   .Lthree_wide - .Lcores + 1
        .word   .Lfour_wide - .Lcores + 1
        .word   0
        .word   .Lsix_wide - .Lcores + 1

.Lone:
        ONE_VECTOR 0
.Ltwo:
        TWO_VECTORS 0
.Lthree:
        THREE_VECTORS 0
.Lfour:
        MORE_VECTORS 4 0
.Lfive:
        MORE_VECTORS 5 0
.Lsix:
        MORE_VECTORS 6 0
.Lone_wide:
        ONE_VECTOR 1
.Ltwo_wide:
        TWO_VECTORS 1
.Lthree_wide:
        THREE_VECTORS 1
.Lfour_wide:
        MORE_VECTORS 4 1
.Lsix_wide:
        MORE_VECTORS 6 1

.Lresults:                                      // r2 rows that were computed
        cmp     r2, r10
        it      hi
        movhi   r2, r10
        ldr     r6, [r12, #Y_STEP]
        subs    r10, r10, r2
        add     r2, r2, r2, lsl #1
        movw    r0, #0x8001
        add     r2, r8, r2, lsl #3
        vdup.16 q7, r0
        str     r2, [sp, #4]
        ldr     r7, [r12, #ACC]
        cmp     r6, #1
        beq     .Lrow
        movs    r0, #0
        vidup.u16 q6, r0, #1
        vmul.i16 q6, q6, r6
.Lrow:
        ldm     r8!, {r0-r5}
        vdup.32 q4, r1
        eors    r1, r1, r2
        vdup.32 q5, r2
        mov     r2, r7
        vld20.32 {q0, q1}, [r2]
        ldrd    lr, r6, [r12, #FIRST]
        subs    r5, r5, lr
        add     r7, r7, r11
        vld21.32 {q0, q1}, [r2]!
        cmp     r5, r6
        it      hi
        movhi   r5, r6
        subs    r5, r5, #1
        blo     .Lnext                          // no result of this row is among them
        ldrd    lr, r6, [r12, #Y]
        add     r4, r4, lr
        lsrs    lr, r5, #3
        and     r5, r5, #7
        adds    r5, r5, #1
        cmp     r6, #1
        bne     .Lapart
        cmp     r1, #0
        beq     .Lsame
        ROW     1 0
.Lsame:
        ROW     0 0
.Lapart:
        lsls    r6, r6, #4
        cmp     r1, #0
        beq     .Lsame_apart
        ROW     1 1
.Lsame_apart:
        ROW     0 1
.Lnext:
        ldr     r2, [sp, #4]
        cmp     r8, r2
        bne     .Lrow
        cmp     r10, #0
        bne     .Lblock
        add     sp, sp, #8
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_conv_runs, . - cs_conv_runs

        .globl  cs_conv_runs.stack_bytes
        .set    cs_conv_runs.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
