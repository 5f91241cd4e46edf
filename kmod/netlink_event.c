// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Events of the core, told to the monitor group as they happen. */

#include "netlink.h"

/*
 * A guest can cause events: so many are told in a second, of one virtual GPU and over all. What an
 * operator acts upon is told however many there are, as no guest can make it often.
 */
#define EVENTS_PER_SECOND 1000
#define EVENTS_PER_SECOND_VM 50

static_assert((int)VGPU_EVENT_TYPE_SUPERVISOR_LOST == (int)VGPU_EV_SUPERVISOR_LOST);

/* Guards what follows, and vgpu_vm.events; taken inside vgpu_gpu.lock. */
static DEFINE_SPINLOCK(event_lock);
static struct vgpu_event_budget all;
static u64 suppressed;

static bool is_important(u32 type)
{
	switch (type) {
	case VGPU_EV_QUARANTINED:
	case VGPU_EV_RELEASED:
	case VGPU_EV_WORKER_STUCK:
	case VGPU_EV_SUPERVISOR_ATTACHED:
	case VGPU_EV_SUPERVISOR_LOST:
		return true;
	default:
		return false;
	}
}

static bool is_left(struct vgpu_event_budget *budget, u32 most, u64 now)
{
	if ((s64)(now - budget->since_ns) >= (s64)NSEC_PER_SEC) {
		budget->since_ns = now;
		budget->told = 0;
	}
	return budget->told < most;
}

/* Whether one more may be told; sets what was not told since the last one. */
static bool may_tell(struct vgpu_vm *vm, u32 type, u64 now, u64 *missed)
{
	bool may;

	spin_lock(&event_lock);
	may = is_important(type);
	if (!may && is_left(&all, EVENTS_PER_SECOND, now) &&
	    (!vm || is_left(&vm->events, EVENTS_PER_SECOND_VM, now))) {
		may = true;
		all.told++;
		if (vm)
			vm->events.told++;
	}
	if (may) {
		*missed = suppressed;
		suppressed = 0;
	} else {
		suppressed++;
	}
	spin_unlock(&event_lock);
	return may;
}

static void missed_again(u64 missed)
{
	spin_lock(&event_lock);
	suppressed += missed + 1;
	spin_unlock(&event_lock);
}

static bool put_event(struct sk_buff *skb, const struct vgpu_host_gpu *gpu,
		      const struct vgpu_dev *dev, const struct vgpu_event *event, u64 missed)
{
	return !nla_put_u32(skb, VGPU_A_EVENT_TYPE, event->type) &&
	       !nla_put_u64_64bit(skb, VGPU_A_EVENT_TIME_NS, event->time_ns, VGPU_A_EVENT_PAD) &&
	       !nla_put_string(skb, VGPU_A_EVENT_GPU, gpu->core.attach.name) &&
	       (!dev || !nla_put(skb, VGPU_A_EVENT_UUID, VGPU_UUID_LEN, dev->uuid)) &&
	       (event->session == VGPU_NO_SESSION ||
		!nla_put_u32(skb, VGPU_A_EVENT_SESSION, event->session)) &&
	       !nla_put_u32(skb, VGPU_A_EVENT_DETAIL, event->detail) &&
	       !nla_put_u64_64bit(skb, VGPU_A_EVENT_VALUE, event->value, VGPU_A_EVENT_PAD) &&
	       (!missed || !nla_put_u64_64bit(skb, VGPU_A_EVENT_SUPPRESSED, missed,
					      VGPU_A_EVENT_PAD));
}

/**
 * vgpu_netlink_event() - tell the monitor group of an event
 * @gpu: on which
 * @dev: of which virtual GPU, or NULL
 * @event: what happened
 *
 * What cannot be told is counted, and the count told with the next event. Context: vgpu_gpu.lock
 * held.
 */
void vgpu_netlink_event(struct vgpu_host_gpu *gpu, struct vgpu_dev *dev,
			const struct vgpu_event *event)
{
	struct vgpu_nl_to to = { .cmd = VGPU_CMD_EVENT_NTF };
	u64 missed;
	void *header;

	if (!vgpu_nl_heard() ||
	    !may_tell(dev ? dev->host : NULL, event->type, event->time_ns, &missed))
		return;
	to.skb = genlmsg_new(512, GFP_ATOMIC);
	header = to.skb ? vgpu_nl_begin(&to) : NULL;
	if (!header || vgpu_nl_end(&to, header, put_event(to.skb, gpu, dev, event, missed))) {
		nlmsg_free(to.skb);
		missed_again(missed);
	} else if (vgpu_nl_cast(to.skb, GFP_ATOMIC) == -ENOBUFS) {
		missed_again(missed);
	}
}
