#include "model/record_member.h"

/* A member behind another of its group; the first of a group; one that is in no
 * group. `close` are the braces of the group before. */
#define NEXT(group, name)         SLICE(",\"" name "\":"), SLICE(group "." name)
#define FIRST(close, group, name) SLICE(close ",\"" group "\":{\"" name "\":"), SLICE(group "." name)
#define ALONE(close, name)        SLICE(close ",\"" name "\":"), SLICE(name)

/* A change within `disk.encryption` is told as a change of that object. */
#define ENCRYPTION SLICE("disk.encryption")

const struct record_member record_members[RECORD_TOKENS] = {
	{ TOKEN_UUID, MEMBER_TEXT, 0, FIRST("", "identity", "uuid") },
	{ TOKEN_SERIAL, MEMBER_TEXT, 0, NEXT("identity", "serial") },
	{ TOKEN_HOSTNAME, MEMBER_TEXT, 0, NEXT("identity", "hostname") },
	{ TOKEN_COMPUTER_NAME, MEMBER_TEXT, 0, NEXT("identity", "computer_name") },
	{ TOKEN_DISPLAY_NAME, MEMBER_TEXT, 0, NEXT("identity", "display_name") },
	{ TOKEN_OS_FAMILY, MEMBER_STATE, WORDS_OS_FAMILY, FIRST("}", "os", "family") },
	{ TOKEN_OS_PLATFORM, MEMBER_TEXT, 0, NEXT("os", "platform") },
	{ TOKEN_OS_NAME, MEMBER_TEXT, 0, NEXT("os", "name") },
	{ TOKEN_OS_VERSION, MEMBER_TEXT, 0, NEXT("os", "version") },
	{ TOKEN_OS_BUILD, MEMBER_TEXT, 0, NEXT("os", "build") },
	{ TOKEN_OS_ARCH, MEMBER_TEXT, 0, NEXT("os", "arch") },
	{ TOKEN_HARDWARE_VENDOR, MEMBER_TEXT, 0, FIRST("}", "hardware", "vendor") },
	{ TOKEN_HARDWARE_MODEL, MEMBER_TEXT, 0, NEXT("hardware", "model") },
	{ TOKEN_HARDWARE_CPU, MEMBER_TEXT, 0, NEXT("hardware", "cpu") },
	{ TOKEN_CORES_PHYSICAL, MEMBER_NUMBER, 0, NEXT("hardware", "cores_physical") },
	{ TOKEN_CORES_LOGICAL, MEMBER_NUMBER, 0, NEXT("hardware", "cores_logical") },
	{ TOKEN_MEMORY_BYTES, MEMBER_NUMBER, 0, NEXT("hardware", "memory_bytes") },
	{ TOKEN_DISK_BYTES, MEMBER_NUMBER, 0, FIRST("}", "disk", "total_bytes") },
	{ TOKEN_ENCRYPTION_STATE, MEMBER_STATE, WORDS_ENCRYPTION, SLICE(",\"encryption\":{\"state\":"),
	  ENCRYPTION },
	{ TOKEN_ENCRYPTION_METHOD, MEMBER_WORD, WORDS_METHOD, SLICE(",\"method\":"), ENCRYPTION },
	{ TOKEN_ENCRYPTION_EVIDENCE, MEMBER_WORD, WORDS_EVIDENCE, SLICE(",\"evidence\":"), ENCRYPTION },
	{ TOKEN_KEY_ESCROWED, MEMBER_TRUTH, 0, SLICE(",\"key_escrowed\":"), ENCRYPTION },
	{ TOKEN_MDM_ENROLLMENT, MEMBER_STATE, WORDS_ENROLLMENT, FIRST("}}", "mdm", "enrollment") },
	{ TOKEN_MDM_VENDOR, MEMBER_TEXT, 0, NEXT("mdm", "vendor") },
	{ TOKEN_MDM_BY_FLEET, MEMBER_TRUTH, 0, NEXT("mdm", "managed_by_fleet") },
	{ TOKEN_MDM_SERVER_URL, MEMBER_TEXT, 0, NEXT("mdm", "server_url") },
	{ TOKEN_DEVICE_STATUS, MEMBER_TEXT, 0, NEXT("mdm", "device_status") },
	{ TOKEN_PENDING_ACTION, MEMBER_TEXT, 0, NEXT("mdm", "pending_action") },
	{ TOKEN_COMPLIANCE_STATE, MEMBER_STATE, WORDS_COMPLIANCE, FIRST("}", "compliance", "state") },
	{ TOKEN_FAILING, MEMBER_NUMBER, 0, NEXT("compliance", "failing") },
	{ TOKEN_CRITICAL_FAILING, MEMBER_NUMBER, 0, NEXT("compliance", "critical_failing") },
	{ TOKEN_UNANSWERED, MEMBER_NUMBER, 0, NEXT("compliance", "unanswered") },
	{ TOKEN_REASONS, MEMBER_TEXTS, 0, NEXT("compliance", "reasons") },
	{ TOKEN_POLICIES, MEMBER_POLICIES, 0, NEXT("compliance", "policies") },
	{ TOKEN_OWNER_EMAIL, MEMBER_TEXT, 0, FIRST("}", "owner", "email") },
	{ TOKEN_OWNER_SOURCE, MEMBER_TEXT, 0, NEXT("owner", "source") },
	{ TOKEN_OWNER_AMBIGUOUS, MEMBER_FLAG, 0, NEXT("owner", "ambiguous") },
	{ TOKEN_CANDIDATES, MEMBER_CANDIDATES, 0, NEXT("owner", "candidates") },
	{ TOKEN_ACCESS_USERS, MEMBER_ONE_TEXT, 0, FIRST("}", "access", "users") },
	{ TOKEN_ACCESS_GROUPS, MEMBER_ONE_TEXT, 0, NEXT("access", "groups") },
	{ TOKEN_TEAM_ID, MEMBER_TEAM_ID, 0, SLICE("},\"team\":"), SLICE("team.id") },
	{ TOKEN_TEAM_NAME, MEMBER_TEAM_NAME, 0, SLICE(""), SLICE("team.name") },
	{ TOKEN_OSQUERY, MEMBER_TEXT, 0, FIRST("", "agent", "osquery") },
	{ TOKEN_ORBIT, MEMBER_TEXT, 0, NEXT("agent", "orbit") },
	{ TOKEN_DESKTOP, MEMBER_TEXT, 0, NEXT("agent", "desktop") },
	{ TOKEN_CRITICAL_VULNERABILITIES, MEMBER_NUMBER, 0, FIRST("}", "vulnerabilities", "critical") },
	{ TOKEN_ENROLLED, MEMBER_TIME, 0, ALONE("}", "enrolled") },
};
