/* Makes text that came from hosts and servers fit to be shown. Whoever names a
 * machine could otherwise write escape sequences to the operator's terminal,
 * turn a line around, or plant a formula in a spreadsheet. */
#pragma once

#include "base/buf.h"

/* Appends the text with every character that acts instead of showing replaced
 * by U+FFFD: the control characters of ASCII and Latin-1, line and paragraph
 * separators, the controls of writing direction; and what is not UTF-8. Tabs and
 * line breaks become a space. */
void text_visible(struct buf *out, struct slice text);

/* Appends one field of RFC 4180: quoted where it must be. With `guard` a text
 * that a spreadsheet would take as a formula (it begins with = + - @) gets an
 * apostrophe in front. Made visible first. */
void text_csv(struct buf *out, struct slice text, bool guard);

/* Appends JSON text with the same characters written as \u escapes, which means
 * the same to every reader of JSON. */
void text_json(struct buf *out, struct slice json);
