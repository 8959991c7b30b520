/* The commands of the admin socket: docs/admin.md says what they answer. Each
 * file commands*.c has the functions of one subject; the table is in commands.c. */
#pragma once

#include "base/json.h"
#include "daemon/service.h"

static inline struct service *command_service(const struct admin_call *call)
{
	return call->owner;
}

/* A row under way: open, members by base/json.h, send. */
struct buf *command_row(struct buf *row);
void command_send(struct admin_call *call, struct buf *row);
/* The tenant that the i-th word names; without one the call is ended, the nearest
 * name suggested. */
struct tenant *command_tenant(struct admin_call *call, size_t i);
void json_count(struct buf *b, const char *key, uint64_t v);
void json_word(struct buf *b, const char *key, const char *text); /* NULL or "": null */
void json_when(struct buf *b, const char *key, int64_t unix_s);   /* 0: null */

/* commands_read.c */
extern const struct admin_option device_options[], changes_options[], stale_options[];
void command_tenants(struct admin_call *call);
void command_summary(struct admin_call *call);
void command_devices(struct admin_call *call);
void command_device(struct admin_call *call);
void command_changes(struct admin_call *call);
void command_deletions(struct admin_call *call);
void command_rejects(struct admin_call *call);
void command_tombstones(struct admin_call *call);
void command_verify(struct admin_call *call);
/* commands_tenant.c */
extern const struct admin_option remove_options[];
void command_tenant_list(struct admin_call *call);
void command_tenant_show(struct admin_call *call);
void command_tenant_pause(struct admin_call *call);
void command_tenant_resume(struct admin_call *call);
void command_tenant_remove(struct admin_call *call);
/* commands_runtime.c */
extern const struct admin_option add_options[], set_options[], rotate_options[];
void command_tenant_add(struct admin_call *call);
void command_tenant_set(struct admin_call *call);
void command_tenant_rotate_token(struct admin_call *call);
void command_secrets_rotate(struct admin_call *call);
/* commands_sync.c */
extern const struct admin_option sync_options[], accept_options[];
void command_sync(struct admin_call *call);
void command_wait(struct admin_call *call);
void command_accept(struct admin_call *call);
/* commands_doctor.c */
void command_doctor(struct admin_call *call);
/* commands_daemon.c */
void command_version(struct admin_call *call);
void command_status(struct admin_call *call);
void command_reload(struct admin_call *call);
void command_log(struct admin_call *call);
void command_backup(struct admin_call *call);
void command_compact(struct admin_call *call);
void command_shutdown(struct admin_call *call);
