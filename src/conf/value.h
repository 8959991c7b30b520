/* The words of a configuration as values: pure, no file, no place. Each answers
 * OK, or E_CONFIG with a remedy in `e` that continues the sentence
 * `"setting" is "text"; ...`. A number too large to hold is the largest, so that
 * the bounds of the setting answer it. */
#pragma once

#include "base/err.h"
#include "base/slice.h"

/* true or false; the other spellings of YAML 1.1 are refused, because "no" and
 * "off" mean different things to different readers. */
int value_bool(struct slice text, bool *out, struct err *e);
/* "7d", "60s", "1h30m": whole numbers, each with a unit of w, d, h, m, s, the
 * units falling. A bare number is refused, since its unit would be a guess. */
int value_duration_s(struct slice text, uint64_t *out, struct err *e);
/* "4096" or "4096B", "64KiB", "8MiB", "2GiB", "1TiB". KB, MB and the like are
 * refused: people mean 1000 and 1024 by them. */
int value_size(struct slice text, uint64_t *out, struct err *e);
/* Decimal digits only. */
int value_count(struct slice text, uint64_t *out, struct err *e);

/* The way back, for messages: the greatest unit that fits without a rest. */
enum { VALUE_TEXT = 32 };
void value_duration_text(uint64_t seconds, char out[VALUE_TEXT]);
void value_size_text(uint64_t bytes, char out[VALUE_TEXT]);
