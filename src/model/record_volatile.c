#include "model/record.h"

#include <arpa/inet.h>

/* The packed form: a format byte, 16 flag bits (little-endian), then what the
 * flags announce, in this order: the times as 32-bit seconds since 2001, two
 * varints, the three addresses. Text is a length byte and the bytes. */
enum { FORMAT = 1, HEAD_BYTES = 3 };
static const int64_t epoch_2001 = 978307200;

enum flag {
	FLAG_LAST_SEEN = 1 << 0,
	FLAG_RESTARTED = 1 << 1,
	FLAG_DETAIL = 1 << 2,
	FLAG_POLICY = 1 << 3,
	FLAG_SOFTWARE = 1 << 4,
	FLAG_EVALUATED = 1 << 5,      /* has a time of its own */
	FLAG_EVALUATED_SAME = 1 << 6, /* is policy_updated, as nearly always */
	FLAG_UPTIME = 1 << 7,
	FLAG_DISK = 1 << 8,
	FLAG_DISK_IN_10MB = 1 << 9, /* Fleet sends gigabytes with two decimals */
	SHIFT_PRIMARY_IP = 10,
	SHIFT_PUBLIC_IP = 12,
	SHIFT_MAC = 14,
};

enum address_form { ADDRESS_NONE, ADDRESS_4, ADDRESS_16, ADDRESS_TEXT, MAC_6 = ADDRESS_4 };

static const int64_t ten_megabytes = 10000000;

/* ---- packing ---- */
struct packer {
	unsigned char *p;
	unsigned flags;
};

static void pack_time(struct packer *w, int64_t unix_s, unsigned flag)
{
	int64_t v = unix_s - epoch_2001;
	if (unix_s == HOST_NEVER || v < 0 || v > UINT32_MAX)
		return;
	for (int i = 0; i < 4; i++)
		*w->p++ = (unsigned char)(v >> (8 * i));
	w->flags |= flag;
}

static void pack_number(struct packer *w, int64_t v, unsigned flag)
{
	if (v < 0)
		return;
	uint64_t u = (uint64_t)v;
	for (; u >= 0x80; u >>= 7)
		*w->p++ = (unsigned char)(u | 0x80);
	*w->p++ = (unsigned char)u;
	w->flags |= flag;
}

/* "192.0.2.1" as inet_ntop would write it: no leading zeros, four parts. */
static bool parse_ipv4(struct slice s, unsigned char out[4])
{
	uint32_t i = 0;
	for (int part = 0; part < 4; part++) {
		unsigned v = 0;
		if (part && (i == s.n || s.p[i++] != '.'))
			return false;
		uint32_t from = i;
		while (i < s.n && i - from < 3 && s.p[i] >= '0' && s.p[i] <= '9')
			v = v * 10 + (unsigned)(s.p[i++] - '0');
		if (i == from || v > 255 || (i - from > 1 && s.p[from] == '0'))
			return false;
		out[part] = (unsigned char)v;
	}
	return i == s.n;
}

/* Only text that comes back letter by letter is packed. */
static bool parse_ipv6(struct slice s, unsigned char out[16])
{
	char text[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
	if (s.n >= sizeof(text) || !memchr(s.p, ':', s.n))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return strlen(text) == s.n && inet_pton(AF_INET6, text, out) == 1 &&
	       inet_ntop(AF_INET6, out, again, sizeof(again)) && strcmp(text, again) == 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_mac(struct slice s, unsigned char out[6])
{
	if (s.n != 17)
		return false;
	for (int i = 0; i < 6; i++) {
		int high = hex_digit(s.p[3 * i]), low = hex_digit(s.p[3 * i + 1]);
		if (high < 0 || low < 0 || (i < 5 && s.p[3 * i + 2] != ':'))
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* Text that is no address: kept as it is when it fits, else null. */
static void pack_text(struct packer *w, struct slice s, size_t room, int shift)
{
	if (s.n == 0 || s.n >= room || memchr(s.p, '\0', s.n))
		return;
	*w->p++ = (unsigned char)s.n;
	memcpy(w->p, s.p, s.n);
	w->p += s.n;
	w->flags |= ADDRESS_TEXT << shift;
}

static void pack_ip(struct packer *w, struct slice s, int shift)
{
	if (!s.p)
		return;
	if (parse_ipv4(s, w->p)) {
		w->p += 4;
		w->flags |= ADDRESS_4 << shift;
	} else if (parse_ipv6(s, w->p)) {
		w->p += 16;
		w->flags |= ADDRESS_16 << shift;
	} else {
		pack_text(w, s, sizeof(((struct record_volatile *)0)->primary_ip), shift);
	}
}

static void pack_mac(struct packer *w, struct slice s)
{
	if (!s.p)
		return;
	if (parse_mac(s, w->p)) {
		w->p += 6;
		w->flags |= MAC_6 << SHIFT_MAC;
	} else {
		pack_text(w, s, sizeof(((struct record_volatile *)0)->primary_mac), SHIFT_MAC);
	}
}

size_t record_pack_volatile(unsigned char out[RECORD_VOLATILE_MAX], const struct device *d)
{
	struct packer w = { out + HEAD_BYTES, 0 };
	int64_t disk = d->disk_available_bytes;

	pack_time(&w, d->last_seen, FLAG_LAST_SEEN);
	pack_time(&w, d->restarted, FLAG_RESTARTED);
	pack_time(&w, d->detail_updated, FLAG_DETAIL);
	pack_time(&w, d->policy_updated, FLAG_POLICY);
	pack_time(&w, d->software_updated, FLAG_SOFTWARE);
	if ((w.flags & FLAG_POLICY) && d->evaluated_at == d->policy_updated)
		w.flags |= FLAG_EVALUATED_SAME;
	else
		pack_time(&w, d->evaluated_at, FLAG_EVALUATED);
	pack_number(&w, d->uptime_s, FLAG_UPTIME);
	if (disk >= 0 && disk % ten_megabytes == 0)
		pack_number(&w, disk / ten_megabytes, FLAG_DISK | FLAG_DISK_IN_10MB);
	else
		pack_number(&w, disk, FLAG_DISK);
	pack_ip(&w, d->primary_ip, SHIFT_PRIMARY_IP);
	pack_ip(&w, d->public_ip, SHIFT_PUBLIC_IP);
	pack_mac(&w, d->primary_mac);
	out[0] = FORMAT;
	out[1] = (unsigned char)w.flags;
	out[2] = (unsigned char)(w.flags >> 8);
	return (size_t)(w.p - out);
}

/* ---- unpacking ---- */
struct unpacker {
	const unsigned char *p, *end;
	unsigned flags;
	bool bad;
};

static const unsigned char *take(struct unpacker *r, size_t n)
{
	const unsigned char *p = r->p;
	if (r->bad || (size_t)(r->end - p) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return p;
}

static int64_t unpack_time(struct unpacker *r, unsigned flag)
{
	const unsigned char *p = r->flags & flag ? take(r, 4) : NULL;
	if (!p)
		return HOST_NEVER;
	return epoch_2001 + (int64_t)(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24);
}

static int64_t unpack_number(struct unpacker *r, unsigned flag)
{
	uint64_t v = 0;
	if (!(r->flags & flag))
		return HOST_NO_INT;
	for (int shift = 0; shift < 63; shift += 7) {
		const unsigned char *p = take(r, 1);
		if (!p)
			return HOST_NO_INT;
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p & 0x80))
			return (int64_t)v;
	}
	r->bad = true;
	return HOST_NO_INT;
}

static void unpack_text(struct unpacker *r, char *out, size_t room)
{
	const unsigned char *n = take(r, 1), *p = n ? take(r, *n) : NULL;
	if (!p)
		return;
	if (*n >= room || memchr(p, '\0', *n)) {
		r->bad = true;
		return;
	}
	memcpy(out, p, *n);
	out[*n] = '\0';
}

static void unpack_ip(struct unpacker *r, char *out, size_t room, int shift)
{
	enum address_form form = r->flags >> shift & 3;
	*out = '\0';
	if (form == ADDRESS_TEXT) {
		unpack_text(r, out, room);
	} else if (form != ADDRESS_NONE) {
		const unsigned char *p = take(r, form == ADDRESS_4 ? 4 : 16);
		if (p)
			inet_ntop(form == ADDRESS_4 ? AF_INET : AF_INET6, p, out, (socklen_t)room);
	}
}

static void unpack_mac(struct unpacker *r, char out[18])
{
	static const char hex[] = "0123456789abcdef";
	enum address_form form = r->flags >> SHIFT_MAC & 3;
	*out = '\0';
	if (form == ADDRESS_TEXT) {
		unpack_text(r, out, 18);
		return;
	}
	const unsigned char *p = form == MAC_6 ? take(r, 6) : NULL;
	if (form == ADDRESS_16)
		r->bad = true;
	if (!p)
		return;
	for (int i = 0; i < 6; i++) {
		*out++ = hex[p[i] >> 4];
		*out++ = hex[p[i] & 15];
		*out++ = i < 5 ? ':' : '\0';
	}
}

int record_unpack_volatile(struct record_volatile *out, const void *packed, size_t n)
{
	const unsigned char *p = packed;
	*out = (struct record_volatile){ .uptime_s = HOST_NO_INT, .disk_available_bytes = HOST_NO_INT };
	if (n < HEAD_BYTES || *p != FORMAT)
		return E_CORRUPT;
	struct unpacker r = { p + HEAD_BYTES, p + n, p[1] | (unsigned)p[2] << 8, false };

	out->last_seen = unpack_time(&r, FLAG_LAST_SEEN);
	out->restarted = unpack_time(&r, FLAG_RESTARTED);
	out->detail_updated = unpack_time(&r, FLAG_DETAIL);
	out->policy_updated = unpack_time(&r, FLAG_POLICY);
	out->software_updated = unpack_time(&r, FLAG_SOFTWARE);
	out->evaluated_at = unpack_time(&r, FLAG_EVALUATED);
	if (r.flags & FLAG_EVALUATED_SAME)
		out->evaluated_at = out->policy_updated;
	out->uptime_s = unpack_number(&r, FLAG_UPTIME);
	int64_t disk = unpack_number(&r, FLAG_DISK);
	if (disk > 0 && (r.flags & FLAG_DISK_IN_10MB)) {
		if (disk > INT64_MAX / ten_megabytes)
			return E_CORRUPT;
		disk *= ten_megabytes;
	}
	out->disk_available_bytes = disk;
	unpack_ip(&r, out->primary_ip, sizeof(out->primary_ip), SHIFT_PRIMARY_IP);
	unpack_ip(&r, out->public_ip, sizeof(out->public_ip), SHIFT_PUBLIC_IP);
	unpack_mac(&r, out->primary_mac);
	return r.bad || r.p != r.end ? E_CORRUPT : OK;
}
