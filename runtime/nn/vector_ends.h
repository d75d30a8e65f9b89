/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macros: loops over eights of int16 and a rest, and the note that some linkers want. A product of 32 bits needs its whole
 * lane, so that the rest's instructions are not predicated but for loads and stores. */
        .macro  LEAF name
        .section .text.\name, "ax", %progbits
        .balign 4
        .globl  \name
        .type   \name, %function
        .thumb_func
\name:
        .cfi_sections .debug_frame
        .cfi_startproc
        .endm

        .macro  LEAF_END name stack
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, \stack
        .endm

        .macro  PUSH_R4_R6_LR
        push    {r4-r6, lr}
        .cfi_def_cfa_offset 16
        .cfi_offset lr, -4
        .cfi_offset r6, -8
        .cfi_offset r5, -12
        .cfi_offset r4, -16
        .endm

        /* `body` for each eight of \n elements, then for the rest of them with a predicate. */
        .macro  EIGHTS body n more:vararg
        lsrs    lr, \n, #3
        wls     lr, lr, 2f
1:
        \body   0 \more
        le      lr, 1b
2:
        ands    \n, \n, #7
        beq     3f
        vctp.16 \n
        \body   1 \more
3:
        .endm

        .macro  LOAD q address:vararg
        .if     rest
        vpst
        vldrht.u16 \q, \address
        .else
        vldrh.u16 \q, \address
        .endif
        .endm

        .macro  STORE q address:vararg
        .if     rest
        vpst
        vstrht.16 \q, \address
        .else
        vstrh.16 \q, \address
        .endif
        .endm
