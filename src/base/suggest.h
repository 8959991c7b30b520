/* "did you mean ...": the nearest known word by edit distance (swaps of
 * neighbours count one), or NULL when none is near enough to be a typo. */
#pragma once

#include <stddef.h>

const char *suggest(const char *word, const char *const *known, size_t count);
