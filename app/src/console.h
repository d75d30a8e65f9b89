/* SPDX-License-Identifier: Apache-2.0 */
/* The line protocol of the console, version 2: docs/console.md. For people, test scripts and emulators alike. */
#ifndef CODESIGN_APP_CONSOLE_H
#define CODESIGN_APP_CONSOLE_H

void console_ready(void);
void console_boot(void);  /* resets, and why */
void console_state(void); /* running, bypass */
void console_stats(void);
void console_stacks(void);
void console_error(const char *what, int err); /* a negative errno */
void console_end(void);

#endif
