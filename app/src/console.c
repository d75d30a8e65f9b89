/* SPDX-License-Identifier: Apache-2.0 */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "audio.h"
#include "console.h"
#include "cycles.h"
#include "line.h"
#include "monitor.h"
#include "pipeline.h"
#include "safety.h"
#include "slots.h"
#include "worker.h"

/* The longest line is that of the statistics with every counter at its end, or the first with a long name of the model. */
static char text[480 + sizeof(CODESIGN_MODEL_ID)];
static K_MUTEX_DEFINE(in_use); /* of the text: main and the shell print */

static void begin(struct line *line, const char *kind)
{
	(void)k_mutex_lock(&in_use, K_FOREVER);
	line_begin(line, text, sizeof(text), kind);
}

static void end(struct line *line)
{
	printk("%s", line_end(line));
	(void)k_mutex_unlock(&in_use);
}

static uint32_t deadline_cycles(void)
{
	return (uint32_t)((uint64_t)cycles_hz() * WORKER_DEADLINE_US * CONFIG_CODESIGN_DEADLINE_PERCENT / 100000000u);
}

void console_ready(void)
{
	struct line line;

	begin(&line, "ready");
	line_text(&line, "model", CODESIGN_MODEL_ID);
	line_text(&line, "sha", CODESIGN_MODEL_SHA);
	line_number(&line, "rate", CODESIGN_MODEL_SAMPLE_RATE);
	line_number(&line, "hop", CODESIGN_MODEL_HOP);
	line_number(&line, "block", AUDIO_BLOCK);
	line_number(&line, "latency", CODESIGN_MODEL_LATENCY);
	line_text(&line, "audio", audio_backend);
	line_number(&line, "slots", audio_format.slots_out);
	line_number(&line, "bits", audio_format.bits_out);
	line_number(&line, "primed", CONFIG_CODESIGN_PRIMED_BLOCKS);
	line_text(&line, "clock", cycles_source);
	line_number(&line, "hz", cycles_hz());
	line_number(&line, "deadline", deadline_cycles());
	audio_ready(&line);
	end(&line);
}

void console_boot(void)
{
	const struct safety_record record = safety_read();
	struct line line;

	begin(&line, "boot");
	line_number(&line, "boots", record.boots);
	line_number(&line, "faults", record.faults);
	line_number(&line, "watchdogs", record.watchdogs);
	line_number(&line, "others", record.others);
	line_number(&line, "reason", record.reason);
	line_number(&line, "pc", record.pc);
	line_number(&line, "in_a_row", record.in_a_row);
	end(&line);
}

void console_state(void)
{
	struct line line;

	begin(&line, "state");
	line_number(&line, "running", pipeline_running());
	line_number(&line, "bypass", pipeline_bypassed());
	line_number(&line, "rate_mhz", audio_rate_mhz());
	end(&line);
}

void console_stats(void)
{
	const struct monitor_counts counts = monitor_read();
	struct line line;

	begin(&line, "stats");
	line_number(&line, "captured", counts.captured);
	line_number(&line, "frames", counts.frames);
	line_number(&line, "skipped", worker_skipped());
	line_number(&line, "worst", counts.worst_cycles);
	line_number(&line, "worst_frame", counts.worst_frame);
	line_number(&line, "average", counts.total_cycles / MAX(counts.frames, 1));
	line_number(&line, "block_worst", counts.worst_block_cycles);
	line_number(&line, "block_average", counts.block_cycles / MAX(counts.captured, 1));
	line_number(&line, "elapsed", counts.elapsed_cycles);
	line_number(&line, "held", worker_held());
	for (int event = 0; event < MONITOR_EVENTS; event++) {
		line_number(&line, monitor_names[event], counts.events[event]);
	}
	line_number(&line, "blocks", audio_blocks_in_use());
	end(&line);
}

static void print_stack(const struct k_thread *thread, void *context)
{
	size_t unused;

	ARG_UNUSED(context);
	if (k_thread_stack_space_get(thread, &unused) == 0) {
		const size_t size = thread->stack_info.size;
		struct line line;

		begin(&line, "stack");
		line_text(&line, "thread", k_thread_name_get((k_tid_t)thread));
		line_number(&line, "used", size - unused);
		line_number(&line, "size", size);
		end(&line);
	}
}

void console_stacks(void)
{
	/* Threads of a native image run on the host's stacks. */
	if (!IS_ENABLED(CONFIG_ARCH_POSIX)) {
		k_thread_foreach_unlocked(print_stack, NULL);
	}
}

#ifdef CONFIG_CODESIGN_MODEL_SLOTS

void console_model(const char *slot, const char *state, bool runs, const char *name, const char *version, uint32_t generation)
{
	struct line line;

	begin(&line, "model");
	line_text(&line, "slot", slot);
	line_text(&line, "state", state);
	line_number(&line, "runs", runs);
	line_text(&line, "name", name);
	line_text(&line, "version", version);
	line_number(&line, "generation", generation);
	end(&line);
}

void console_update(const char *result, int err, uint32_t next)
{
	struct line line;

	begin(&line, "update");
	line_text(&line, "result", result);
	line_number(&line, "errno", (uint64_t)err);
	line_number(&line, "next", next);
	end(&line);
}

#endif

void console_error(const char *what, int err)
{
	struct line line;

	begin(&line, "error");
	line_text(&line, "what", what);
	line_number(&line, "errno", (uint64_t)-err);
	end(&line);
}

void console_end(void)
{
	struct line line;

	begin(&line, "end");
	end(&line);
}
