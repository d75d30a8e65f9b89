/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the console protocol, version 2: docs/console.md. Plain C, no Zephyr.
 *
 *     @codesign 2 state running=1 bypass=0 crc=f948d840
 *
 * A whole line is made in memory and printed in one piece; the check value lets readers throw away one that was cut off or that
 * something else was printed into.
 */
#ifndef CODESIGN_APP_LINE_H
#define CODESIGN_APP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
	char *text;
	size_t size, used;
	bool too_long;
};

/* Begin a line in `text`, `size` bytes. kind and names: lower-case words. */
void line_begin(struct line *line, char *text, size_t size, const char *kind);

void line_number(struct line *line, const char *name, uint64_t value);

/* What is not printable ASCII, and spaces, become '_'. A null pointer is an empty value. */
void line_text(struct line *line, const char *name, const char *value);

/* Add the check value and the end of the line. The line, or "" where it did not fit. */
const char *line_end(struct line *line);

#endif
