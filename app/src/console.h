/* SPDX-License-Identifier: Apache-2.0 */
/* The line protocol of the console, version 2: docs/console.md. For people, test scripts and emulators alike. */
#ifndef CODESIGN_APP_CONSOLE_H
#define CODESIGN_APP_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

void console_ready(void);
void console_boot(void);  /* resets, and why */
void console_state(void); /* running, bypass */
void console_stats(void);
void console_stacks(void);
void console_error(const char *what, int err); /* a negative errno */
void console_end(void);

/* With CONFIG_CODESIGN_MODEL_SLOTS: what a partition holds, and how an update goes. */
void console_model(const char *slot, const char *state, bool runs, const char *name, const char *version, uint32_t generation);
void console_update(const char *result, int err, uint32_t next);

#endif
