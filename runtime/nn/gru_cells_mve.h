/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macros: the frame of a function over the cells of a GRU, with the registers that cs_gru_cells_mve.S names. */
#include "saved_registers.h"

#define STACK 124            /* bytes */
#define TABLE_MIDDLE 4 * 256 /* bytes; CS_TABLE_MIDDLE */

        .macro  BEGIN name
        .section .text.\name, "ax", %progbits
        .balign 4
        .globl  \name
        .type   \name, %function
        .thumb_func
\name:
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #24
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        movw    r4, #0x8000
        vdup.32 q6, r4
        movw    r4, #0x8001
        vdup.16 q7, r4
        ldm     r0!, {r4-r6, r8, r12}
        ldr     r9, .Lsigmoid\name
        ldr     r10, .Ltanh\name
        .endm

        .macro  END name
        add     sp, sp, #24
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .balign 4
.Lsigmoid\name:
        .word   cs_sigmoid_table + TABLE_MIDDLE
.Ltanh\name:
        .word   cs_tanh_table + TABLE_MIDDLE
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, STACK
        .endm
