/* The rules behind derive(), one file each; only derive*.c include this. */
#pragma once

#include "model/derive.h"

/* Without white space around it; p == NULL when nothing is left. */
struct slice text_trim(struct slice s);
/* The same, and no value for what firmware and agents put where they have
 * none: "-1", "None", "To be filled by O.E.M.", only zeros, ... */
struct slice text_real(struct slice s);
/* text_real() for a hardware uuid, a MAC, an IP address. */
struct slice uuid_real(struct slice s);
struct slice mac_real(struct slice s);
struct slice ip_real(struct slice s);
/* ASCII letters alike; the rest by bytes. <0, 0, >0. */
int text_compare_folded(struct slice a, struct slice b);
static inline bool text_is_folded(struct slice s, struct slice word)
{
	return s.n == word.n && text_compare_folded(s, word) == 0;
}

/* Each fills its members of `out`. Those that come later may read what the
 * ones above them concluded; this is the order of derive(). */
void derive_os(struct device *out, const struct host *list);
void derive_mdm(struct device *out, const struct host *list, const struct detail_facts *detail);
void derive_encryption(struct device *out, const struct host *list, const struct detail_facts *detail);
void derive_compliance(struct device *out, struct host *list, const struct detail_facts *detail,
		       const struct derive_settings *settings);
void derive_owner(struct device *out, const struct host *list, const struct detail_facts *detail,
		  const struct previous_device *previous, const struct derive_settings *settings);

/* In place: the rows belong to a page's arena. */
void policies_sort(const struct host_policy *policies, uint32_t count);
