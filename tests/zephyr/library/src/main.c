/* SPDX-License-Identifier: Apache-2.0 */
/* The library on a target: matrix kernel, whole enhancer, its rules. The vectors come from the NumPy reference. */
#include <string.h>
#include <zephyr/sys/crc.h>
#include <zephyr/ztest.h>

#include "codesign/nn.h"
#include "codesign_model.h"

struct product {
	const uint32_t *weights;
	const int8_t *x;
	const int32_t *expected;
	uint32_t rows, columns;
};

#include "vectors.h"

static uint8_t memory[CODESIGN_MODEL_MEMORY_BYTES] __aligned(8);
static int16_t pcm[CODESIGN_MODEL_HOP * HOPS];

static void noise(void)
{
	uint32_t state = 1;

	for (size_t n = 0; n < ARRAY_SIZE(pcm); n++) {
		state = state * 1664525u + 1013904223u;
		pcm[n] = (int16_t)((int16_t)(state >> 16) >> 1);
	}
}

ZTEST(library, test_matrix_kernel_equals_reference)
{
	static int16_t prepared[cs_prepared_bytes(MAX_COLUMNS) / sizeof(int16_t) + 2] __aligned(8);
	static int32_t acc[MAX_ROWS];

	for (size_t n = 0; n < ARRAY_SIZE(products); n++) {
		const struct product *p = &products[n];

		MATRIX_KERNEL.prepare(p->x, p->columns, prepared);
		MATRIX_KERNEL.matvec(p->weights, prepared, p->rows, p->columns, acc);
		zassert_mem_equal(acc, p->expected, p->rows * sizeof(int32_t), "%u x %u", p->rows, p->columns);
	}
}

ZTEST(library, test_enhancer_equals_reference)
{
	noise();
	zassert_equal(cs_enhancer_init(&CODESIGN_MODEL, memory, sizeof(memory)), CS_OK);
	zassert_equal(cs_enhancer_process(memory, pcm, pcm, HOPS), CS_OK);
	zassert_equal(crc32_ieee((const uint8_t *)pcm, sizeof(pcm)), ENHANCED_CRC32);
	zassert_equal(cs_enhancer_frames(memory), HOPS);
}

ZTEST(library, test_hop_by_hop_and_reset_give_the_same_bits)
{
	for (int run = 0; run < 2; run++) {
		noise();
		zassert_equal(cs_enhancer_init(&CODESIGN_MODEL, memory, sizeof(memory)), CS_OK);
		for (int hop = 0; hop < HOPS; hop++) {
			int16_t *block = pcm + hop * CODESIGN_MODEL_HOP;

			zassert_equal(cs_enhancer_process(memory, block, block, 1), CS_OK);
		}
		zassert_equal(crc32_ieee((const uint8_t *)pcm, sizeof(pcm)), ENHANCED_CRC32);
	}
}

ZTEST(library, test_bad_arguments_do_nothing)
{
	int16_t hop[CODESIGN_MODEL_HOP] = {0};

	zassert_equal(cs_enhancer_init(NULL, memory, sizeof(memory)), CS_BAD_ARGUMENT);
	zassert_equal(cs_enhancer_init(&CODESIGN_MODEL, memory + 1, sizeof(memory) - 1), CS_BAD_ARGUMENT);
	zassert_equal(cs_enhancer_init(&CODESIGN_MODEL, memory, sizeof(memory) - 1), CS_BAD_ARGUMENT);
	memset(memory, 0, sizeof(memory));
	zassert_equal(cs_enhancer_process(memory, hop, hop, 1), CS_BAD_ARGUMENT);
	zassert_equal(cs_enhancer_init(&CODESIGN_MODEL, memory, sizeof(memory)), CS_OK);
	zassert_equal(cs_enhancer_process(memory, NULL, hop, 1), CS_BAD_ARGUMENT);
	zassert_equal(cs_enhancer_frames(memory), 0);
}

ZTEST_SUITE(library, NULL, NULL, NULL, NULL, NULL);
