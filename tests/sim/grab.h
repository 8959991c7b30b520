/* Memory for the simulator: zeroed, or the program ends. A test tool that ran
 * out of memory has nothing better to do; Muster itself never does this. */
#pragma once

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static inline void *grab(size_t n)
{
	void *p = mem_zalloc(n ? n : 1);
	if (!p) {
		fputs("fleetsim: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static inline void *regrab(void *p, size_t n)
{
	p = mem_realloc(p, n ? n : 1);
	if (!p) {
		fputs("fleetsim: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static inline char *grab_text(const char *s)
{
	char *p = mem_strdup(s ? s : "");
	if (!p) {
		fputs("fleetsim: out of memory\n", stderr);
		exit(1);
	}
	return p;
}
