/* A tenant that is added, changed or forgotten at run time: its settings are
 * tried, then kept by the keyring, then they hold. One at a time for a name;
 * owned by the command that made it. */
#pragma once

#include "daemon/service.h"
#include "sync/check.h"

enum change_kind { CHANGE_ADD, CHANGE_SET, CHANGE_FORGET };

struct tenant_change {
	struct keyring_job job; /* first */
	LIST_ENTRY(tenant_change) link;
	struct service *s;
	char name[STORE_NAME_MAX + 1];

	/* for the maker to set before change_start() */
	enum change_kind kind;
	const struct conf_tenant *conf; /* as it is to be; held, but not for CHANGE_FORGET */
	bool with_check;                /* the connection is tried first */
	bool token_changed, new_baseline;
	struct buf changed; /* names of settings, ", " between them */
	/* Exactly once, from the loop; it frees the change. */
	void (*ended)(struct tenant_change *c, int rc, const struct err *e);
	void *arg;

	/* for ended() to look at */
	struct check_result result;
	bool checked;

	struct check *check; /* under way */
	bool cancelled;
	struct buf settings, secrets; /* for the keyring */
	uint32_t number;
	int64_t created_at;
	struct err why; /* what is told once the keyring has forgotten it again */
};

/* Speaks for the name until it is freed. E_CONFIG without a keyring, E_LOCKED
 * while there is another, E_NOMEM. */
int change_new(struct tenant_change **out, struct service *s, const char *name, struct err *e);
void change_free(struct tenant_change *c);
/* What fails here is not told by ended(). */
int change_start(struct tenant_change *c, struct err *e);
/* Nobody waits for it any more: a check is given up, what is being kept is kept. */
void change_cancel(struct tenant_change *c);
