/* SPDX-License-Identifier: Apache-2.0 */
/* Audio over the console's serial port, for a proof on a bench: hops come in and go back as frames (frame.h), one at a time.
 *
 * Everything after audio_read() and before audio_write() is what runs beside an I2S. A hop that was damaged is asked for again,
 * one that comes twice is answered twice, and whoever begins anew gets an enhancer in its initial state.
 */
#include <errno.h>
#include <string.h>
#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/linker/linker-defs.h>

#include "audio.h"
#include "check.h"
#include "cycles.h"
#include "frame.h"
#include "monitor.h"

const char audio_backend[] = "serial";

#define HOP_BYTES   (CODESIGN_MODEL_HOP * AUDIO_SLOTS * sizeof(audio_slot))
#define BLOCKS      (CODESIGN_MODEL_HOP / AUDIO_BLOCK)
#define COUNT_BYTES 8u /* of frames so far and of cycles since the hop before */
#define LONGEST     FRAME_STUFFED(FRAME_BYTES(COUNT_BYTES + HOP_BYTES))

BUILD_ASSERT(COUNT_BYTES + HOP_BYTES <= UINT16_MAX, "a hop is longer than a frame can be");

static const struct device *const port = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));

/* What the interrupt fills while the other is read. */
static uint8_t received[2][LONGEST];
static size_t lengths[2], filled;
static uint32_t filling;
static bool too_long;
static atomic_t waiting; /* a frame that nobody took yet: further ones are lost, and come again */
static K_SEM_DEFINE(arrived, 0, 1);

/* A reply as it is sent. The slots lie at a multiple of four. */
static struct {
	uint8_t unused;
	uint8_t head[FRAME_HEAD];
	uint8_t counts[COUNT_BYTES];
	audio_slot slots[CODESIGN_MODEL_HOP * AUDIO_SLOTS];
	uint8_t check[4];
} hop __aligned(4);

BUILD_ASSERT(offsetof(__typeof__(hop), counts) == 1 + FRAME_HEAD && offsetof(__typeof__(hop), slots) == 20, "no gaps");

static uint32_t session, expected, image;
static uint32_t block; /* of this hop, the next to be given out; BLOCKS when all were */
static uint64_t cycles_before;
static bool begun; /* by a frame that ended the run before */

static void take(uint8_t byte)
{
	if (byte != 0) {
		too_long = too_long || filled == LONGEST;
		if (!too_long) {
			received[filling][filled++] = byte;
		}
		return;
	}
	if (filled > 0 && atomic_cas(&waiting, 0, 1)) {
		lengths[filling] = too_long ? 1 : filled; /* which is no frame: it is asked for again */
		filling ^= 1;
		k_sem_give(&arrived);
	}
	filled = 0;
	too_long = false;
}

static void interrupted(const struct device *device, void *unused)
{
	uint8_t bytes[16];

	ARG_UNUSED(unused);
	while (uart_irq_update(device) != 0 && uart_irq_rx_ready(device) > 0) {
		const int got = uart_fifo_read(device, bytes, sizeof(bytes));

		if (got <= 0) {
			break;
		}
		for (int n = 0; n < got; n++) {
			take(bytes[n]);
		}
	}
}

static void put(uint8_t byte)
{
	uart_poll_out(port, byte);
}

static void send(uint8_t kind, uint32_t sequence, uint8_t *head, size_t size)
{
	frame_write(&(struct frame){.kind = kind, .session = session, .sequence = sequence, .size = size}, head, put);
}

static void ask_again(void)
{
	uint8_t bytes[FRAME_BYTES(0)];

	send(FRAME_AGAIN, expected, bytes, 0);
}

/* The next whole frame; its payload is there until the next call. */
static struct frame next_frame(void)
{
	static bool taken;
	struct frame frame;

	for (;;) {
		if (taken) {
			atomic_clear(&waiting);
		}
		(void)k_sem_take(&arrived, K_FOREVER);
		taken = true;
		const uint32_t full = filling ^ 1; /* the interrupt leaves it alone while `waiting` is set */

		if (frame_read(received[full], lengths[full], &frame)) {
			return frame;
		}
		ask_again();
	}
}

static void begin(const struct frame *frame)
{
	session = frame->session;
	expected = 0;
	block = BLOCKS;
	cycles_before = 0;
	begun = true;
}

int audio_open(void)
{
	if (!device_is_ready(port)) {
		return -ENODEV;
	}
	image = check_value(0, __rom_region_start, (size_t)_flash_used);
	return uart_irq_callback_user_data_set(port, interrupted, NULL);
}

int audio_await(void)
{
	unsigned char early;

	/* A byte that came before raises no interrupt with some UARTs, and holds up all after it. */
	uart_irq_rx_enable(port);
	while (uart_poll_in(port, &early) == 0) {
	}
	while (!begun) {
		const struct frame frame = next_frame();

		if (frame.kind == FRAME_BEGIN) {
			begin(&frame);
		} else if (frame.kind == FRAME_END && frame.session == session) {
			return -ENODATA; /* what was counted did not arrive */
		}
	}
	return 0;
}

int audio_start(void)
{
	begun = false;
	monitor_reset();
	return 0;
}

static void reply(void)
{
	const struct monitor_counts counts = monitor_read();
	const uint32_t told[2] = {counts.frames, (uint32_t)(counts.total_cycles - cycles_before)};

	cycles_before = counts.total_cycles;
	memcpy(hop.counts, told, sizeof(told));
	send(FRAME_DATA, expected++, hop.head, COUNT_BYTES + HOP_BYTES);
}

int audio_read(audio_slot **taken)
{
	while (block == BLOCKS) {
		const struct frame frame = next_frame();

		if (frame.kind == FRAME_BEGIN) {
			begin(&frame);
			return -ENODATA;
		}
		if (frame.session != session) {
			continue; /* of somebody who has given up */
		}
		if (frame.kind == FRAME_END) {
			return -ENODATA;
		}
		if (frame.kind == FRAME_DATA && frame.size == HOP_BYTES && frame.sequence == expected) {
			memcpy(hop.slots, frame.payload, HOP_BYTES);
			block = 0;
		} else if (frame.kind == FRAME_DATA && frame.sequence + 1 == expected) {
			send(FRAME_DATA, frame.sequence, hop.head, COUNT_BYTES + HOP_BYTES);
		} else {
			ask_again();
		}
	}
	*taken = hop.slots + block++ * AUDIO_BLOCK * AUDIO_SLOTS;
	return 0;
}

int audio_write(audio_slot *played)
{
	ARG_UNUSED(played); /* it lies in the reply */
	if (block == BLOCKS) {
		reply();
	}
	return 0;
}

void audio_drop(audio_slot *dropped)
{
	ARG_UNUSED(dropped);
}

void audio_stop(void)
{
}

uint32_t audio_blocks_in_use(void)
{
	return 0;
}

void audio_mute(void)
{
}

uint32_t audio_rate_mhz(void)
{
	return 0;
}

void audio_ready(struct line *line)
{
	line_number(line, "session", session);
	line_number(line, "image", image);
}

bool audio_again(void)
{
	return true;
}
