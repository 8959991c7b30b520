/* Commands for tests of the admin engine; their owner is the struct bench. */
#pragma once

#include "serve/admin.h"

/* echo [WORD...] [--name VALUE]... [--loud]   its words and options as one row
 * fail TEXT         ends with E_CONFLICT
 * members           ends with a member beside ok
 * later             ends on another turn of the loop
 * hold              ends when the peer goes
 * count N           N rows by admin_read()
 * count slow N      the same, 2 ms a slice
 * count wrong       its second slice fails
 * flow N            N rows by admin_row(), waiting where it is full
 * tenant add T, tenant list, tenant   do nothing */
extern const struct admin_command bench_commands[];
extern const size_t bench_command_count;
