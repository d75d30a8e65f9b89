/* SPDX-License-Identifier: Apache-2.0 */
/* The deadline monitor: what happened to every block, and what a frame costs. Counters wrap; readers take a copy. */
#ifndef CODESIGN_APP_MONITOR_H
#define CODESIGN_APP_MONITOR_H

#include <stdint.h>

enum monitor_event {
	MONITOR_ENHANCED, /* played: the network's output */
	MONITOR_BYPASSED, /* played: the delayed input, by choice */
	MONITOR_LATE,     /* played: the delayed input, because the enhancer missed the deadline */
	MONITOR_BUSY,     /* played: the delayed input, because the enhancer was still at a late hop and never saw this one */
	MONITOR_UNPLAYED, /* a block of one of the four kinds above that the stream did not take */
	MONITOR_UNDERRUN, /* the output had run dry when a block came to be played */
	MONITOR_OVERRUN,  /* the input had stopped for want of a free block */
	MONITOR_STALL,    /* nothing came in: no clock, or no data */
	MONITOR_RESTART,  /* the stream runs again */
	MONITOR_EVENTS,
};

struct monitor_counts {
	uint32_t captured; /* blocks; = enhanced + bypassed + late + busy */
	uint32_t events[MONITOR_EVENTS];
	uint32_t frames; /* that the enhancer processed, late ones included */
	uint32_t worst_cycles, worst_frame;
	uint64_t total_cycles;   /* of all frames */
	uint32_t worst_block_cycles; /* from a block's arrival to its way out: the audio thread, with what it waited for */
	uint64_t block_cycles;   /* of all blocks */
	uint64_t elapsed_cycles; /* from the first captured block to the latest */
};

/* Names of the events on the console. */
extern const char *const monitor_names[MONITOR_EVENTS];

void monitor_reset(void);
void monitor_captured(void);
void monitor_count(enum monitor_event event);

/* A frame of the enhancer took so many cycles. */
void monitor_frame(uint32_t cycles);

/* A block took so many cycles, from its arrival to its way out. */
void monitor_block(uint32_t cycles);

struct monitor_counts monitor_read(void);

#endif
