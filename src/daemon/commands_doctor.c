/* A look at a tenant's server, step by step. */
#include "daemon/commands.h"
#include "sync/doctor.h"

static void on_found(void *arg, const struct doctor_finding *f)
{
	struct admin_call *call = arg;
	struct buf b;
	command_row(&b);
	json_word(&b, "step", doctor_step_name(f->step));
	json_word(&b, "verdict", doctor_verdict_name(f->verdict));
	json_word(&b, "saw", f->saw);
	json_word(&b, "remedy", f->remedy);
	command_send(call, &b);
}

static void on_done(void *arg, enum doctor_verdict worst)
{
	struct admin_call *call = arg;
	json_word(admin_members(call), "verdict", doctor_verdict_name(worst));
	admin_end(call, OK, NULL);
}

static void on_gone(struct admin_call *call)
{
	doctor_cancel(call->state);
	admin_end(call, E_CANCELLED, NULL);
}

/* The settings it begins with are held, so the tenant may go meanwhile. */
void command_doctor(struct admin_call *call)
{
	struct service *s = command_service(call);
	struct tenant *t = command_tenant(call, 0);
	struct doctor *d;
	if (!t)
		return;
	struct doctor_options o = { .loop = s->env.loop,
				    .http = s->env.http,
				    .conf = t->conf,
				    .found = on_found,
				    .done = on_done,
				    .arg = call };
	if (doctor_start(&d, &o) != OK) {
		admin_end(call, E_NOMEM, NULL);
		return;
	}
	call->state = d;
	admin_on_gone(call, on_gone);
}
