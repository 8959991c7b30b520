#include "model/derive_rules.h"

#include <stdlib.h>

const char *compliance_state_name(enum compliance_state v)
{
	static const char *const names[] = {
		[COMPLIANCE_UNKNOWN] = "unknown",
		[COMPLIANCE_COMPLIANT] = "compliant",
		[COMPLIANCE_NONCOMPLIANT] = "noncompliant",
		[COMPLIANCE_NOT_EVALUATED] = "not_evaluated",
	};
	return names[v];
}

static int compare_policies(const void *a, const void *b)
{
	const struct host_policy *x = a, *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->result != y->result)
		return x->result - y->result;
	return x->critical - y->critical;
}

void policies_sort(const struct host_policy *policies, uint32_t count)
{
	/* Fleet orders by result, so that almost every host needs it; most have
	 * few policies, where qsort's calls cost more than the moves */
	enum { FEW = 32 };
	struct host_policy *p = (struct host_policy *)policies;

	if (count > FEW) {
		qsort(p, count, sizeof(*p), compare_policies);
		return;
	}
	for (uint32_t i = 1; i < count; i++) {
		struct host_policy x = p[i];
		uint32_t at = i;
		for (; at > 0 && compare_policies(&x, &p[at - 1]) < 0; at--)
			p[at] = p[at - 1];
		if (at != i)
			p[at] = x;
	}
}

static bool is_ignored(const struct derive_settings *s, uint32_t id)
{
	uint32_t low = 0, high = s->ignore_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (s->ignore_policies[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->ignore_count && s->ignore_policies[low] == id;
}

bool derive_policy_counts(const struct derive_settings *settings, const struct host_policy *policy)
{
	return !(settings->critical_only && !policy->critical) && !is_ignored(settings, policy->id);
}

struct tally {
	int64_t failing, critical_failing, unanswered, answered;
	int64_t failing_of_all; /* ignored ones too, comparable with the server's count */
};

static struct tally count_results(const struct host_policy *p, uint32_t n, const struct derive_settings *s)
{
	struct tally t = { 0 };
	for (uint32_t i = 0; i < n; i++) {
		bool fails = p[i].result == POLICY_FAIL;
		t.failing_of_all += fails;
		if (!derive_policy_counts(s, &p[i]))
			continue;
		t.failing += fails;
		t.critical_failing += fails && p[i].critical;
		t.unanswered += p[i].result == POLICY_UNANSWERED;
		t.answered += p[i].result != POLICY_UNANSWERED;
	}
	return t;
}

/* One answer is enough to conclude: a policy added today must not take the
 * conclusion away from a whole fleet. */
static enum compliance_state state_of(int64_t failing, int64_t answered)
{
	if (failing > 0)
		return COMPLIANCE_NONCOMPLIANT;
	return answered > 0 ? COMPLIANCE_COMPLIANT : COMPLIANCE_NOT_EVALUATED;
}

static void conclude_from_results(struct device *out, const struct tally *t, const struct derive_settings *s)
{
	out->failing = t->failing;
	out->unanswered = t->unanswered;
	/* on Free no policy is marked critical, which is not the same as none being */
	out->critical_failing = s->premium ? t->critical_failing : HOST_NO_INT;
	out->compliance = state_of(t->failing, t->answered);
}

/* The server's count is all there is. Which policies it counted is not known. */
static void conclude_from_count(struct device *out, int64_t count, bool evaluated, bool selective)
{
	if (count < 0 || selective)
		return;
	out->failing = count;
	out->compliance = state_of(count, evaluated);
}

/* Results of an older detail, and a count of the newer list that says something
 * else: the count decides, the results say which ones they were. */
static void conclude_from_newer_count(struct device *out, int64_t count, const struct tally *t,
				      bool evaluated, bool selective)
{
	if (count > 0 && selective)
		return;
	out->failing = count;
	out->compliance = state_of(count, t->answered || (evaluated && !selective));
}

void derive_compliance(struct device *out, struct host *list, const struct detail_facts *detail,
		       const struct derive_settings *settings)
{
	bool from_list = list->seen & HOST_SEEN_POLICIES;
	bool selective = settings->critical_only || settings->ignore_count;
	bool evaluated = list->policy_updated_at != HOST_NEVER;
	int64_t count = list->failing_policies_count;

	out->compliance = COMPLIANCE_UNKNOWN;
	out->failing = out->critical_failing = out->unanswered = HOST_NO_INT;
	out->policies_known = from_list || detail->has_policies;
	out->policies = from_list ? list->policies : detail->policies;
	out->policy_count = from_list ? list->policy_count : detail->policy_count;
	if (!out->policies_known)
		out->policy_count = 0;
	if (from_list)
		policies_sort(list->policies, list->policy_count);

	/* `critical` exists on Premium only */
	bool untellable = settings->critical_only && !settings->premium;
	struct tally t = count_results(out->policies, out->policy_count, settings);
	if (out->policy_count > DEVICE_MAX_POLICIES)
		out->policy_count = DEVICE_MAX_POLICIES;
	if (untellable)
		return;
	/* a new host's detail often comes before its first answers */
	bool answered_since = !t.answered && !selective && list->policy_updated_at > detail->fetched_at;
	if (!out->policies_known)
		conclude_from_count(out, count, evaluated, selective);
	else if (from_list || count < 0 || (count == t.failing_of_all && !answered_since))
		conclude_from_results(out, &t, settings);
	else
		conclude_from_newer_count(out, count, &t, evaluated, selective);
}
