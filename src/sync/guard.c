#include "sync/guard.h"

/* max(10, 20 % of the fleet) */
static uint64_t most_in_24h(const struct guard_facts *f)
{
	uint64_t fleet = f->devices + f->deleted_24h;
	return fleet / 5 > 10 ? fleet / 5 : 10;
}

uint64_t guard_replacements(const struct guard_facts *f)
{
	uint64_t all_but_one = f->deleted_24h + (f->devices ? f->devices - 1 : 0), most = most_in_24h(f);
	if (f->accept && f->accept_count == f->devices)
		return UINT64_MAX;
	if (f->scope_changed || f->held != GUARD_OK)
		return f->deleted_24h;
	return most < all_but_one ? most : all_but_one;
}

static enum guard_reason examine(const struct guard_facts *f)
{
	uint64_t vanished = f->missing + f->deleted_24h;
	uint64_t limit = most_in_24h(f);
	if (f->scope_changed)
		return GUARD_SCOPE_CHANGED;
	if (f->missing >= f->devices)
		return GUARD_ALL_GONE;
	return vanished > limit ? GUARD_TOO_MANY : GUARD_OK;
}

enum guard_action guard_decide(const struct guard_facts *f, enum guard_reason *reason)
{
	*reason = f->held;
	if (f->missing == 0) {
		*reason = GUARD_OK;
		return f->held != GUARD_OK ? GUARD_RELEASE : GUARD_NOTHING;
	}
	if (!f->scope_known)
		return GUARD_NOTHING;
	if (f->held == GUARD_OK)
		*reason = examine(f);
	if (*reason == GUARD_OK)
		return GUARD_SWEEP;
	if (f->accept && f->accept_count == f->missing)
		return GUARD_SWEEP;
	return GUARD_HOLD;
}
