/* The inside of a doctor, shared by doctor.c, doctor_ask.c and doctor_answers.c. */
#pragma once

#include "base/buf.h"
#include "fleet/page_parser.h"
#include "sync/doctor.h"

enum { DOCTOR_CONNECT_MS = 10 * 1000, DOCTOR_TEXT_BYTES = 2 << 20 };

struct question;

struct doctor {
	struct doctor_options o;
	const struct conf_tenant *conf;
	struct timer *timer;
	struct http_origin *origin;
	struct reach *reach;            /* under way, as the next */
	struct http_exchange *exchange; /* of `question` */
	const struct question *question;
	struct page_parser *parser;
	struct buf path, body;
	struct err err;
	struct server_facts server;
	int64_t server_date, dated_at; /* Unix seconds, 0: not told */
	enum doctor_step next;         /* to be told */
	enum doctor_verdict worst;
	enum list_order order;
	uint64_t after, last_id;
	uint32_t hosts;    /* of the last page */
	bool counted;      /* hosts, and there are some */
	bool wants_client; /* the server asked for a client's certificate, and none is set */
	bool plain;        /* the parameters of a sync's pages are refused */
};

struct question {
	const char *what; /* names it in sentences */
	void (*path)(const struct doctor *d, struct buf *out);
	uint32_t max_hosts; /* 0: the answer is no page */
	uint64_t page_bytes;
	void (*answered)(struct doctor *d, const struct doctor_answer *a);
};

/* Tells the next step's finding; it ends up cut and without secrets. */
void doctor_tell(struct doctor *d, struct doctor_finding *f);
/* The steps before `end` that are not told yet. */
void doctor_skip_to(struct doctor *d, enum doctor_step end, enum doctor_step needed);
/* All is told: the doctor is gone. */
void doctor_finish(struct doctor *d);

/* doctor_ask.c */
/* Asks; answered() comes later, once, from the loop. */
void doctor_ask(struct doctor *d, const struct question *q);
/* The time of the question under way is up. */
void doctor_not_asked(struct doctor *d);
void doctor_drop_answer(struct doctor *d);

/* doctor_answers.c */
/* The first question, which leads to the others and to the end. */
void doctor_ask_version(struct doctor *d);
