#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/sample.h"

#define N HOST_NO_INT

/* Policies as a string: the i-th letter is policy 10 + i; capitals are critical. */
static uint32_t policies_of(struct host_policy *out, const char *letters)
{
	uint32_t n = 0;
	for (; letters && letters[n]; n++) {
		char c = letters[n] | 0x20;
		out[n] = (struct host_policy){ 10 + n,
					       c == 'p'   ? POLICY_PASS
					       : c == 'f' ? POLICY_FAIL
							  : 0,
					       letters[n] < 'a' };
	}
	return n;
}

static void states(void **state)
{
	static const struct {
		const char *what;
		const char *list, *detail; /* NULL: not sent; p, f, u */
		int64_t count;             /* issues.failing_policies_count */
		bool updated, critical_only, free_tier;
		int ignore; /* one id, 0: none */
		enum compliance_state want;
		int64_t failing, critical_failing, unanswered;
	} rows[] = {
		{ "all pass", "ppp", NULL, 0, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, 0, 0 },
		{ "one fails", "pfp", NULL, 1, 1, 0, 0, 0, COMPLIANCE_NONCOMPLIANT, 1, 0, 0 },
		{ "a critical one fails", "pFf", NULL, 2, 1, 0, 0, 0, COMPLIANCE_NONCOMPLIANT, 2, 1, 0 },
		{ "none answered", "uuu", NULL, 0, 1, 0, 0, 0, COMPLIANCE_NOT_EVALUATED, 0, 0, 3 },
		{ "a policy was added", "ppu", NULL, 0, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, 0, 1 },
		{ "fails with one unanswered", "fu", NULL, 1, 1, 0, 0, 0, COMPLIANCE_NONCOMPLIANT, 1, 0, 1 },
		{ "results win over a lagging count", "pp", NULL, 7, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, 0,
		  0 },
		{ "tenant without policies", "", NULL, 0, 1, 0, 0, 0, COMPLIANCE_NOT_EVALUATED, 0, 0, 0 },
		{ "Free says nothing of critical", "pf", NULL, 1, 1, 0, 1, 0, COMPLIANCE_NONCOMPLIANT, 1, N,
		  0 },

		{ "the failing one is ignored", "pfp", NULL, 1, 1, 0, 0, 11, COMPLIANCE_COMPLIANT, 0, 0, 0 },
		{ "another one is ignored", "pfp", NULL, 1, 1, 0, 0, 10, COMPLIANCE_NONCOMPLIANT, 1, 0, 0 },
		{ "the only one is ignored", "f", NULL, 1, 1, 0, 0, 10, COMPLIANCE_NOT_EVALUATED, 0, 0, 0 },
		{ "an uncritical one fails", "Pf", NULL, 1, 1, 1, 0, 0, COMPLIANCE_COMPLIANT, 0, 0, 0 },
		{ "a critical one fails, only those", "Fp", NULL, 1, 1, 1, 0, 0, COMPLIANCE_NONCOMPLIANT, 1,
		  1, 0 },
		{ "no critical one at all", "pf", NULL, 1, 1, 1, 0, 0, COMPLIANCE_NOT_EVALUATED, 0, 0, 0 },
		{ "critical only on Free", "pf", NULL, 1, 1, 1, 1, 0, COMPLIANCE_UNKNOWN, N, N, N },

		{ "old server, count 0", NULL, NULL, 0, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, N, N },
		{ "old server, count 2", NULL, NULL, 2, 1, 0, 0, 0, COMPLIANCE_NONCOMPLIANT, 2, N, N },
		{ "old server, never updated", NULL, NULL, 0, 0, 0, 0, 0, COMPLIANCE_NOT_EVALUATED, 0, N, N },
		{ "old server, no count", NULL, NULL, N, 1, 0, 0, 0, COMPLIANCE_UNKNOWN, N, N, N },
		{ "count and ignored policies", NULL, NULL, 2, 1, 0, 0, 10, COMPLIANCE_UNKNOWN, N, N, N },
		{ "count 0 and ignored policies", NULL, NULL, 0, 1, 0, 0, 10, COMPLIANCE_UNKNOWN, N, N, N },
		{ "count and critical only", NULL, NULL, 2, 1, 1, 0, 0, COMPLIANCE_UNKNOWN, N, N, N },

		{ "detail agrees", NULL, "pf", 1, 1, 0, 0, 0, COMPLIANCE_NONCOMPLIANT, 1, 0, 0 },
		{ "detail agrees, ignored", NULL, "pf", 1, 1, 0, 0, 11, COMPLIANCE_COMPLIANT, 0, 0, 0 },
		{ "detail, no count", NULL, "pu", N, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, 0, 1 },
		{ "newer count is less", NULL, "pff", 0, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, N, N },
		{ "newer count is more", NULL, "pp", 1, 1, 0, 0, 0, COMPLIANCE_NONCOMPLIANT, 1, N, N },
		{ "newer count is more, ignored", NULL, "pp", 1, 1, 0, 0, 10, COMPLIANCE_UNKNOWN, N, N, N },
		{ "newer count is 0, ignored", NULL, "pff", 0, 1, 0, 0, 11, COMPLIANCE_COMPLIANT, 0, N, N },
		{ "detail before the first answers", NULL, "uu", 0, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, N,
		  N },
		{ "detail, still no answers", NULL, "uu", 0, 0, 0, 0, 0, COMPLIANCE_NOT_EVALUATED, 0, 0, 2 },
		{ "the list wins over the detail", "p", "f", 0, 1, 0, 0, 0, COMPLIANCE_COMPLIANT, 0, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host_policy on_list[8], in_detail[8];
		uint32_t ignore = (uint32_t)rows[i].ignore;
		struct derive_settings s = { .critical_only = rows[i].critical_only,
					     .premium = !rows[i].free_tier,
					     .ignore_policies = &ignore,
					     .ignore_count = ignore != 0 };
		struct host h = { .id = 1,
				  .failing_policies_count = rows[i].count,
				  .policy_updated_at = rows[i].updated ? SAMPLE_NOW : HOST_NEVER,
				  .seen = rows[i].list ? HOST_SEEN_POLICIES : 0,
				  .policies = on_list,
				  .policy_count = policies_of(on_list, rows[i].list) };
		struct detail_facts f = { .fetched_at = SAMPLE_NOW - 100,
					  .has_policies = rows[i].detail,
					  .policies = in_detail,
					  .policy_count = policies_of(in_detail, rows[i].detail) };
		struct device d;
		derive(&d, &h, &f, NULL, &s, SAMPLE_NOW);
		if (d.compliance != rows[i].want || d.failing != rows[i].failing ||
		    d.critical_failing != rows[i].critical_failing || d.unanswered != rows[i].unanswered)
			fail_msg("%s: %s, failing %lld, critical %lld, unanswered %lld", rows[i].what,
				 compliance_state_name(d.compliance), (long long)d.failing,
				 (long long)d.critical_failing, (long long)d.unanswered);
		assert_int_equal(d.policies_known, rows[i].list || rows[i].detail);
	}
}

static void sorted_and_capped(void **state)
{
	enum { MANY = DEVICE_MAX_POLICIES + 100 };
	static struct host_policy rows[MANY];
	struct derive_settings s = { .premium = true };
	struct device d;
	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		rows[i] = (struct host_policy){ MANY - i, i == 0 ? POLICY_FAIL : POLICY_PASS, 0 };
	for (uint32_t n = 5; n <= MANY; n += MANY - 5) {
		struct host h = { .seen = HOST_SEEN_POLICIES, .policies = rows, .policy_count = n };
		derive(&d, &h, NULL, NULL, &s, 0);
		assert_int_equal(d.policy_count, n < DEVICE_MAX_POLICIES ? n : DEVICE_MAX_POLICIES);
		for (uint32_t i = 1; i < d.policy_count; i++)
			assert_true(d.policies[i - 1].id < d.policies[i].id);
		/* the failing one is beyond the cap and still counts */
		assert_int_equal(d.failing, 1);
		assert_int_equal(d.compliance, COMPLIANCE_NONCOMPLIANT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(sorted_and_capped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
