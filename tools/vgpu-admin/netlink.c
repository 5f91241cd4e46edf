// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "names_gen.h"
#include "netlink.h"
#include "settings.h"

#define DUMP_TRIES	16	/* a dump that GPUs or virtual GPUs came or went under is read again */
#define BUFFER_SIZE	(64 * 1024)
#define UUID_TEXT	37	/* a UUID as text, with the NUL */

/**
 * struct nl_link - a socket to the family
 * @sock: of libnl
 * @family: number of the family
 * @vms: virtual GPUs that have names, by UUID; NULL before nl_link_name_vms()
 */
struct nl_link {
	struct nl_sock *sock;
	int family;
	json_t *vms;
};

/**
 * struct call - a request under way
 * @request: as sent
 * @about: what it is about, for messages; NULL where it may name nothing, of which nothing is said then
 * @vms: as in struct nl_link
 * @fields: of the answers
 * @names: of the attributes of the request
 * @answers: so far
 * @error: negative errno of the kernel, 0 for success
 * @done: the end was read
 * @interrupted: what was read is not of one state
 */
struct call {
	const struct nlmsghdr *request;
	const char *about;
	const json_t *vms;
	const struct nl_field *fields;
	const struct nl_names *names;
	json_t *answers;
	int error;
	bool done;
	bool interrupted;
};

const struct nl_names nl_version_names = { version_attribute_names, ARRAY_SIZE(version_attribute_names) };
const struct nl_names nl_gpu_names = { gpu_attribute_names, ARRAY_SIZE(gpu_attribute_names) };
const struct nl_names nl_vm_names = { vm_attribute_names, ARRAY_SIZE(vm_attribute_names) };

const struct nl_names nl_pool_names = { pool_attribute_names, ARRAY_SIZE(pool_attribute_names) };

const char * const nl_tier_names[] = { "high", "medium", "low", NULL };

static const char * const engine_names[] = { "compute", "copy_in", "copy_out", "control", NULL };

static const char *word(const char * const *names, uint32_t value)
{
	uint32_t i;

	for (i = 0; names[i]; i++)
		if (i == value)
			return names[i];
	return "unknown";
}

static void parse_engine(json_t *engines, const struct nlattr *nest)
{
	struct nlattr *attrs[VGPU_A_ENGINE_MAX + 1];
	const char *name;

	if (nla_parse_nested(attrs, VGPU_A_ENGINE_MAX, (struct nlattr *)nest, NULL) < 0 ||
	    !attrs[VGPU_A_ENGINE_CLASS] || !attrs[VGPU_A_ENGINE_BUSY_NS])
		return;
	name = word(engine_names, nla_get_u32(attrs[VGPU_A_ENGINE_CLASS]));
	json_object_set_new(engines, name,
			    json_pack("{s:I}", "busy_ns", (json_int_t)nla_get_u64(attrs[VGPU_A_ENGINE_BUSY_NS])));
}

static void parse_field(json_t *object, const struct nl_field *field, struct nlattr *attr)
{
	const uint8_t *u = nla_data(attr);
	char uuid[UUID_TEXT];
	json_t *value = NULL;
	int i, at;

	switch (field->kind) {
	case NL_STRING:
		value = json_string(nla_get_string(attr));
		break;
	case NL_UUID:
		for (i = 0, at = 0; i < VGPU_UUID_LEN; i++)
			at += sprintf(uuid + at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
		value = json_string(uuid);
		break;
	case NL_U8_BOOL:
		value = json_boolean(nla_get_u8(attr));
		break;
	case NL_U32:
		value = json_integer(nla_get_u32(attr));
		break;
	case NL_U64:
		value = json_integer((json_int_t)nla_get_u64(attr));
		break;
	case NL_NAMES:
		value = json_string(word(field->names, nla_get_u32(attr)));
		break;
	case NL_NEST:
		value = nl_parse(nla_data(attr), nla_len(attr), field->nest);
		break;
	case NL_SETTINGS:
		return;
	case NL_ENGINES:
		value = json_incref(json_object_get(object, field->key));
		if (!value)
			value = json_object();
		parse_engine(value, attr);
		break;
	}
	json_object_set_new(object, field->key, value);
}

static bool long_enough(const struct nl_field *field, struct nlattr *attr)
{
	static const int least[] = {
		[NL_UUID] = VGPU_UUID_LEN, [NL_U8_BOOL] = 1, [NL_U32] = 4, [NL_U64] = 8, [NL_NAMES] = 4,
		[NL_ENGINES] = 0, [NL_SETTINGS] = 0,
	};

	if (field->kind == NL_STRING)
		return nla_len(attr) > 0 && memchr(nla_data(attr), 0, nla_len(attr));
	return nla_len(attr) >= least[field->kind];
}

/**
 * nl_parse() - attributes as a JSON object
 * @attrs: the first
 * @len: bytes of all
 * @fields: which are known; others are passed over, as those of the wrong length
 *
 * Return: a new object, with keys in the order of @fields.
 */
json_t *nl_parse(struct nlattr *attrs, int len, const struct nl_field *fields)
{
	json_t *object = json_object();
	const struct nl_field *field;
	struct nlattr *attr;
	int left;

	for (field = fields; field->key; field++) {
		if (field->kind == NL_SETTINGS) {
			settings_take(object, field->settings, attrs, len);
			continue;
		}
		nla_for_each_attr(attr, attrs, len, left)
			if (nla_type(attr) == field->type && long_enough(field, attr))
				parse_field(object, field, attr);
	}
	return object;
}

/* The name of the attribute that stands at @offset of the request. */
static const char *attribute_at(const struct call *call, uint32_t offset)
{
	const struct nlattr *attr;
	int type;

	if (offset < NLMSG_HDRLEN + GENL_HDRLEN || offset + NLA_HDRLEN > call->request->nlmsg_len)
		return NULL;
	attr = (const struct nlattr *)((const char *)call->request + offset);
	type = nla_type(attr);
	return type < call->names->count ? call->names->name[type] : NULL;
}

/**
 * nl_put_names() - names instead of UUIDs
 * @message: of the kernel, which knows virtual GPUs by UUID alone
 * @vms: objects with "name" by UUID; may be NULL
 * @text: the message as people are to read it
 * @size: of @text; what is longer is cut
 */
void nl_put_names(const char *message, const json_t *vms, char *text, size_t size)
{
	uint8_t bytes[VGPU_UUID_LEN];
	char uuid[UUID_TEXT];
	const char *name;
	size_t len = 0;

	while (*message && len + 1 < size) {
		snprintf(uuid, sizeof(uuid), "%s", message);
		name = units_parse_uuid(uuid, bytes) ? NULL :
			json_string_value(json_object_get(json_object_get(vms, uuid), "name"));
		if (name) {
			len += (size_t)snprintf(text + len, size - len, "%s", name);
			message += UUID_TEXT - 1;
		} else {
			text[len++] = *message++;
		}
	}
	text[len < size ? len : size - 1] = '\0';
}

/* Says what the kernel said, and the attribute that it meant where its message does not name it. */
static void report_error(struct call *call, const struct nlmsghdr *header, const struct nlmsgerr *err, int errors_at)
{
	const char *message = NULL, *attribute = NULL;
	struct nlattr *attr;
	char named[512];
	int left, len;

	len = (int)header->nlmsg_len - NLMSG_HDRLEN - errors_at;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS) {
		nla_for_each_attr(attr, (struct nlattr *)((char *)err + errors_at), len, left) {
			switch (nla_type(attr)) {
			case NLMSGERR_ATTR_MSG:
				if (memchr(nla_data(attr), 0, nla_len(attr)))
					message = nla_data(attr);
				break;
			case NLMSGERR_ATTR_OFFS:
				if (nla_len(attr) >= 4)
					attribute = attribute_at(call, nla_get_u32(attr));
				break;
			}
		}
	}
	if (message) {
		nl_put_names(message, call->vms, named, sizeof(named));
		message = named;
	} else {
		message = strerror(-call->error);
	}
	if (!call->about)
		call->about = VGPU_GENL_NAME;
	if (attribute && !strstr(message, attribute))
		admin_error("%s: %s: %s", call->about, attribute, message);
	else if (call->error == -EPERM)
		admin_error("%s: %s: this takes CAP_NET_ADMIN; run it as root", call->about, message);
	else
		admin_error("%s: %s", call->about, message);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)((const char *)err - NLMSG_HDRLEN);
	struct call *call = arg;
	int errors_at = sizeof(*err);

	call->error = err->error;
	call->done = true;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		errors_at += (int)err->msg.nlmsg_len - NLMSG_HDRLEN;
	if (call->about || err->error != -ENOENT)
		report_error(call, header, err, errors_at);
	return NL_STOP;
}

static int on_answer(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct genlmsghdr *genl = nlmsg_data(header);
	struct call *call = arg;

	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		call->interrupted = true;
	json_array_append_new(call->answers,
			      nl_parse(genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), call->fields));
	return NL_OK;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	struct call *call = arg;

	if (nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP_INTR)
		call->interrupted = true;
	call->done = true;
	return NL_OK;
}

static enum admin_exit exit_status(int error)
{
	switch (error) {
	case 0:
		return ADMIN_OK;
	case -EPERM:
	case -EACCES:
		return ADMIN_DENIED;
	case -ENOENT:
	case -ENODEV:
		return ADMIN_NOT_FOUND;
	case -EBUSY:
		return ADMIN_BUSY;
	default:
		return ADMIN_FAILED;
	}
}

/**
 * nl_link_message() - begin a request
 * @link: where it will go
 * @command: VGPU_CMD_*
 * @flags: NLM_F_DUMP for all objects, or 0
 *
 * Return: a message for nl_link_call(), which frees it.
 */
struct nl_msg *nl_link_message(struct nl_link *link, uint8_t command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, link->family, 0, flags, command, VGPU_GENL_VERSION)) {
		admin_error("out of memory");
		exit(ADMIN_FAILED);
	}
	return msg;
}

static enum admin_exit call_once(struct nl_link *link, struct nl_msg *msg, struct call *call)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int err;

	nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ;
	json_array_clear(call->answers);
	call->interrupted = false;
	call->done = false;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_answer, call);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, call);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_done, call);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, call);
	err = nl_send_auto(link->sock, msg);
	while (err >= 0 && !call->done) {
		err = nl_recvmsgs(link->sock, cb);
		if (err == -NLE_DUMP_INTR) {
			call->interrupted = true;
			err = 0;
		}
	}
	nl_cb_put(cb);
	if (err < 0 && !call->error) {
		admin_error("%s: netlink: %s", call->about ? call->about : VGPU_GENL_NAME, nl_geterror(err));
		return ADMIN_FAILED;
	}
	return exit_status(call->error);
}

/**
 * nl_link_call() - make a request and read its answers
 * @link: where
 * @msg: from nl_link_message(), with attributes; freed
 * @about: what it is about, to begin messages with; NULL where nothing is to be said of an object that is not there
 * @names: of the request's attributes
 * @fields: of the answers
 * @answers: an array of objects, new; NULL where the call fails
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit nl_link_call(struct nl_link *link, struct nl_msg *msg, const char *about,
			     const struct nl_names *names, const struct nl_field *fields, json_t **answers)
{
	struct call call = {
		.request = nlmsg_hdr(msg), .about = about, .vms = link->vms, .fields = fields, .names = names,
		.answers = json_array(),
	};
	enum admin_exit status;
	int tries = 0;

	do {
		status = call_once(link, msg, &call);
	} while (status == ADMIN_OK && call.interrupted && ++tries < DUMP_TRIES);
	nlmsg_free(msg);
	if (status == ADMIN_OK && call.interrupted) {
		admin_error("%s: the list changed each of the %d times that it was read; try again", about, tries);
		status = ADMIN_FAILED;
	}
	if (status != ADMIN_OK) {
		json_decref(call.answers);
		call.answers = NULL;
	}
	*answers = call.answers;
	return status;
}

/**
 * nl_link_find() - reach the module if it is loaded
 * @link: to be closed, or NULL where it fails
 *
 * Return: ADMIN_OK; ADMIN_NO_MODULE, about which nothing is said; ADMIN_FAILED, said on stderr.
 */
enum admin_exit nl_link_find(struct nl_link **link)
{
	struct nl_link *new = calloc(1, sizeof(*new));
	int err, on = 1;

	*link = NULL;
	new->sock = nl_socket_alloc();
	err = genl_connect(new->sock);
	if (err < 0) {
		admin_error("netlink: %s", nl_geterror(err));
		nl_link_close(new);
		return ADMIN_FAILED;
	}
	nl_socket_set_buffer_size(new->sock, BUFFER_SIZE, 0);
	nl_socket_set_msg_buf_size(new->sock, BUFFER_SIZE);
	/* Every kernel that the module runs on knows both. */
	setsockopt(nl_socket_get_fd(new->sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(new->sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	new->family = genl_ctrl_resolve(new->sock, VGPU_GENL_NAME);
	if (new->family < 0) {
		nl_link_close(new);
		return ADMIN_NO_MODULE;
	}
	*link = new;
	return ADMIN_OK;
}

/**
 * nl_link_open() - reach the module
 * @link: to be closed, or NULL where it fails
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit nl_link_open(struct nl_link **link)
{
	enum admin_exit status = nl_link_find(link);

	if (status == ADMIN_NO_MODULE)
		admin_error("netlink family \"%s\" not found: the module is not loaded; run: modprobe vgpu",
			    VGPU_GENL_NAME);
	return status;
}

/**
 * nl_link_name_vms() - from now on messages of the kernel's call virtual GPUs by their names
 * @link: any
 * @vms: as of nl_put_names(); referenced
 */
void nl_link_name_vms(struct nl_link *link, json_t *vms)
{
	json_decref(link->vms);
	link->vms = json_incref(vms);
}

/**
 * nl_link_close() - undo nl_link_open()
 * @link: may be NULL
 */
void nl_link_close(struct nl_link *link)
{
	if (!link)
		return;
	json_decref(link->vms);
	nl_socket_free(link->sock);
	free(link);
}
