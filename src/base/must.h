/* must(x): a condition whose failure is a bug in this program. Always on; it
 * prints where and aborts, because going on from a broken invariant would put
 * wrong things into the store. Bad input is never a reason to use it. */
#pragma once

#define must(x) ((x) ? (void)0 : must_fail(#x, __FILE__, __LINE__))
_Noreturn void must_fail(const char *what, const char *file, int line);
