/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macro: where `push {r4-r11, lr}` put the registers, for debuggers and the stack analysis. */
        .macro  SAVED_R4_R11_LR
        .cfi_offset lr, -4
        .cfi_offset r11, -8
        .cfi_offset r10, -12
        .cfi_offset r9, -16
        .cfi_offset r8, -20
        .cfi_offset r7, -24
        .cfi_offset r6, -28
        .cfi_offset r5, -32
        .cfi_offset r4, -36
        .endm
