/* SPDX-License-Identifier: Apache-2.0 */
/* Start-up of a Cortex-M image: vector table, FPU on, .data and .bss, main. */
#include <stdint.h>

extern uint32_t __stack_top[], __data_start[], __data_end[], __bss_start[], __bss_end[];
extern const uint32_t __data_load[];

int main(void);
void Reset_Handler(void);
void Default_Handler(void);

#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CPACR_FPU (0xFu << 20) /* full access to CP10 and CP11, Armv7-M ARM B3.2.20 */

typedef void (*vector)(void);

/* Initial stack pointer, then reset, NMI, HardFault and the other system exceptions; no interrupt is used. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    vector handlers[15];
} vectors = {
    __stack_top,
    {Reset_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler,
     Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler,
     Default_Handler, Default_Handler, Default_Handler},
};

void Reset_Handler(void)
{
#if defined(__ARM_FP)
    CPACR |= CPACR_FPU;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    const uint32_t *load = __data_load;
    for (uint32_t *p = __data_start; p < __data_end; p++) {
        *p = *load++;
    }
    for (uint32_t *p = __bss_start; p < __bss_end; p++) {
        *p = 0;
    }
    main();
    Default_Handler();
}

/* Weak: an image that can report a fault has a handler of its own. */
__attribute__((weak)) void Default_Handler(void)
{
    for (;;) {
    }
}
