/* SPDX-License-Identifier: Apache-2.0 */
/* The check value of lines, frames and images: CRC-32 as in Ethernet and zlib. Plain C, no Zephyr. */
#ifndef CODESIGN_APP_CHECK_H
#define CODESIGN_APP_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Of `size` bytes; `before` is that of what stands in front of them, 0 where they begin. */
static inline uint32_t check_value(uint32_t before, const void *data, size_t size)
{
	/* Four bits at a time: entries of the polynomial 0xEDB88320, reflected. */
	static const uint32_t table[16] = {
		0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
		0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
	};
	const uint8_t *bytes = data;
	uint32_t crc = ~before;

	for (size_t n = 0; n < size; n++) {
		crc ^= bytes[n];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

#endif
