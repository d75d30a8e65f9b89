/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_conv_vectors(cs_conv_vectors_run *run, uint32_t vectors)
 *
 * conv_vectors.h says what it computes. The weights of some rows stay in vectors, six at most, while all patches pass: three rows of
 * up to two vectors, two of three, one of more. What a patch's last vector has beyond its columns belongs to what stands after it:
 * weights there are 0.
 *
 *   r1  patches, running    r3, r5, r7  acc, running
 *   r6  bytes of a patch    r0, r2, r4  sums
 *   r8  row                 r9   its weights
 *   r10 rows                r11  to the next four
 *   lr  patches left        r12  run
 *   q0, q1  x, and where a row's columns stand; q2-q7  weights
 *   [sp] run, [sp, #4] code of the sums
 *
 * Stack: 108 bytes, declared to the stack analysis by the symbol cs_conv_vectors.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 108 /* bytes */
#define WEIGHTS_AT 0 /* of cs_conv_vectors_run */
#define ROW 4
#define PATCHES 12
#define ACC 16
#define COUNT 20
#define APART 28

        .syntax unified
        .thumb

#include "conv_vector_sums.h"

        .section .text.cs_conv_vectors, "ax", %progbits
        .balign 4
        .globl  cs_conv_vectors
        .type   cs_conv_vectors, %function
        .thumb_func
cs_conv_vectors:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #8
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        ldr     r2, [r0, #24]
        tst     r2, #7
        it      eq
        addeq   r1, r1, #6                      // whole patches
        adr     r2, .Lcores
        ldr     r1, [r2, r1, lsl #2]
        add     r1, r1, r2
        strd    r0, r1, [sp]
        mov     r12, r0
        ldm     r12, {r2, r8, r10}
        ldr     r6, [r12, #24]                  // columns
        mov     r9, r2
        lsls    r11, r6, #2
        subs    r11, r11, #16
        subs    r4, r6, #1
        and     r4, r4, #4
        adds    r4, r4, #4                      // columns of the last vector, 4 or 8
        vctp.16 r4
        adr     r4, .Lplaces
        vldrh.u16 q0, [r4]
        lsls    r6, r6, #1
        ldrd    r1, r3, [r12, #PATCHES]
        ldrd    r4, r7, [r12, #COUNT]
        ldr     r7, [r12, #APART]
        add     r5, r3, r7
        add     r7, r7, r5
        dls     lr, r4
        ldr     r4, [sp, #4]
        bx      r4
        .balign 4
.Lplaces:
        .short  0, 2, 1, 3, 16, 18, 17, 19      // of four rows, packed: codesign/conv.h
.Lcores:
        .word   0
        .word   .Lone - .Lcores + 1
        .word   .Ltwo - .Lcores + 1
        .word   .Lthree - .Lcores + 1
        .word   .Lfour - .Lcores + 1
        .word   .Lfive - .Lcores + 1
        .word   .Lsix - .Lcores + 1
        .word   .Lwhole_one - .Lcores + 1
        .word   .Lwhole_two - .Lcores + 1
        .word   .Lwhole_three - .Lcores + 1
        .word   .Lwhole_four - .Lcores + 1
        .word   .Lwhole_five - .Lcores + 1
        .word   .Lwhole_six - .Lcores + 1

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
.Lwhole_one:
        ONE_VECTOR 1
.Lwhole_two:
        TWO_VECTORS 1
.Lwhole_three:
        THREE_VECTORS 1
.Lwhole_four:
        MORE_VECTORS 4 1
.Lwhole_five:
        MORE_VECTORS 5 1
.Lwhole_six:
        MORE_VECTORS 6 1

.Lresults:                                      // sums of these rows are there
        ldr     r12, [sp]
        str     r9, [r12, #WEIGHTS_AT]
        str     r8, [r12, #ROW]
        add     sp, sp, #8
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_conv_vectors, . - cs_conv_vectors

        .globl  cs_conv_vectors.stack_bytes
        .set    cs_conv_vectors.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
