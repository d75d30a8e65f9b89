/* SPDX-License-Identifier: Apache-2.0 */
/* Networks in partitions of this board's flash: docs/update.md. */
#ifndef CODESIGN_APP_MODEL_FLASH_H
#define CODESIGN_APP_MODEL_FLASH_H

#include <stddef.h>
#include <stdint.h>

#include "model_slots.h"

/* Of the enhancer's stack for the thread itself and for an interrupt: as codesign build reckons. */
#define MODEL_STACK_MARGIN 160

/* A line `model` on the console for each partition. */
void model_flash_say(void);

/* An update, from the first byte to the last: as model_slots.h has it. -EBUSY while audio runs: erasing stops the core. */
int model_flash_begin(void);
int model_flash_write(uint32_t offset, const uint8_t *data, size_t size);
int model_flash_finish(void);

/* The offset that the update waits for, 0 without one. */
uint32_t model_flash_next(void);

#endif
