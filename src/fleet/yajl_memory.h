/* Memory for yajl, which checks no allocation: a refusal, by the system or by
 * the ceiling, jumps out of yajl to `refused` with E_NOMEM or E_LIMIT. So each
 * call into yajl stands behind a setjmp() of its own, the handle is not used
 * after a jump, and what it held is freed here and not by yajl_free(). */
#pragma once

#include "base/err.h"

#include <setjmp.h>
#include <stddef.h>
#include <yajl/yajl_common.h>

struct yajl_chunk {
	struct yajl_chunk *prev, *next;
	size_t n, pad_;
};

struct yajl_memory {
	jmp_buf refused;
	struct yajl_chunk chunks; /* the list's head */
	size_t bytes, ceiling;
};

void yajl_memory_init(struct yajl_memory *m, size_t ceiling_bytes);
/* Frees all that yajl still holds. */
void yajl_memory_release(struct yajl_memory *m);
yajl_alloc_funcs yajl_memory_funcs(struct yajl_memory *m);
