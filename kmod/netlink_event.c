// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Events of the core, told to the monitor group as they happen. */

#include "netlink.h"

/* A guest can cause events: so many are told in a second, over all GPUs. */
#define EVENTS_PER_SECOND 1000

static_assert((int)VGPU_EVENT_TYPE_SUPERVISOR_LOST == (int)VGPU_EV_SUPERVISOR_LOST);

/* Guards what follows; taken inside vgpu_gpu.lock. */
static DEFINE_SPINLOCK(event_lock);
static u64 second_began;
static u32 told;
static u64 suppressed;

/* Whether one more may be told; sets what was not told since the last one. */
static bool may_tell(u64 now, u64 *missed)
{
	bool may;

	spin_lock(&event_lock);
	if ((s64)(now - second_began) >= (s64)NSEC_PER_SEC) {
		second_began = now;
		told = 0;
	}
	may = told < EVENTS_PER_SECOND;
	if (may) {
		told++;
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

	if (!vgpu_nl_heard() || !may_tell(event->time_ns, &missed))
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
