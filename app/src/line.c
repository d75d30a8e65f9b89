/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "line.h"

#define TAIL sizeof(" crc=01234567\n") /* always kept free */

static void add(struct line *line, char c)
{
	if (line->used + TAIL >= line->size) {
		line->too_long = true;
		return;
	}
	line->text[line->used++] = c;
}

static void add_word(struct line *line, const char *word)
{
	while (*word != '\0') {
		add(line, *word++);
	}
}

static void add_name(struct line *line, const char *name)
{
	add(line, ' ');
	add_word(line, name);
	add(line, '=');
}

void line_begin(struct line *line, char *text, size_t size, const char *kind)
{
	*line = (struct line){.text = text, .size = size};
	add_word(line, "@codesign 2 ");
	add_word(line, kind);
}

void line_number(struct line *line, const char *name, uint64_t value)
{
	char digits[21];
	char *first = digits + sizeof(digits) - 1;

	*first = '\0';
	do {
		*--first = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	add_name(line, name);
	add_word(line, first);
}

void line_text(struct line *line, const char *name, const char *value)
{
	add_name(line, name);
	for (; value != NULL && *value != '\0'; value++) {
		add(line, *value > ' ' && *value <= '~' ? *value : '_');
	}
}

const char *line_end(struct line *line)
{
	if (line->too_long || line->size < TAIL) {
		return "";
	}
	const uint32_t crc = check_value(0, line->text, line->used);
	char *end = line->text + line->used;

	for (const char *c = " crc="; *c != '\0'; c++) {
		*end++ = *c;
	}
	for (int shift = 28; shift >= 0; shift -= 4) {
		*end++ = "0123456789abcdef"[crc >> shift & 15];
	}
	*end++ = '\n';
	*end = '\0';
	return line->text;
}
