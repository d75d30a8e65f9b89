/* SPDX-License-Identifier: Apache-2.0 */
/* What happens before a reset, and what is remembered after it: docs/safety.md.
 *
 * A fault mutes the output before anything else and then resets; the watchdog, which the audio thread feeds, does the same when
 * that thread stands still. What was counted lies in memory that a reset leaves alone.
 */
#ifndef CODESIGN_APP_SAFETY_H
#define CODESIGN_APP_SAFETY_H

#include <stdint.h>
#include <zephyr/kernel.h>

struct safety_record {
	uint32_t boots;     /* since power came */
	uint32_t faults;    /* of these, after a fault of the core or of the kernel */
	uint32_t watchdogs; /* after a thread that stood still */
	uint32_t others;    /* after something that left no word: the reset pin, a debugger */
	uint32_t reason;    /* of the last fault: K_ERR_... of Zephyr */
	uint32_t pc;        /* of the last fault, or 0 */
	uint32_t in_a_row;  /* faults and watchdogs without SAFETY_SETTLED_SECONDS of sound between them */
};

/* After so many, the network is left out: what was heard before it faulted again would be its only sound. */
#define SAFETY_FAULTS_IN_A_ROW 3
#define SAFETY_SETTLED_SECONDS 5

/* How often safety_alive() must be called, at least. */
#ifdef CONFIG_CODESIGN_WATCHDOG
#define SAFETY_PATIENCE K_MSEC(CONFIG_CODESIGN_WATCHDOG_MS / 4)
#else
#define SAFETY_PATIENCE K_FOREVER
#endif

#ifdef CONFIG_CODESIGN_SAFE_RESET

/* At boot: count it, and start the watchdog. 0 or a negative errno of the watchdog. */
int safety_start(void);

struct safety_record safety_read(void);

/* So much sound was played that an earlier fault was one of its own. */
void safety_settled(void);

#else

static inline int safety_start(void)
{
	return 0;
}

static inline struct safety_record safety_read(void)
{
	return (struct safety_record){0};
}

static inline void safety_settled(void)
{
}

#endif

#ifdef CONFIG_CODESIGN_WATCHDOG
/* From the audio thread only: it is the one that must never stand still. */
void safety_alive(void);
#else
static inline void safety_alive(void)
{
}
#endif

#endif
