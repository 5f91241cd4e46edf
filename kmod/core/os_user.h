/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The kernel primitives that the core uses, for userspace: the same names with the same meaning.
 */
#ifndef VGPU_CORE_OS_USER_H
#define VGPU_CORE_OS_USER_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef int32_t s32;

#define NSEC_PER_USEC	1000ULL
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL
#define BITS_PER_LONG	(CHAR_BIT * (int)sizeof(long))

#ifdef VGPU_WATCH_READS
/* For tests that have memory change between any two reads of it. */
void vgpu_watch_read(const volatile void *addr, size_t len);
#define VGPU_WATCH(p)			vgpu_watch_read(p, sizeof(*(p)))
#else
#define VGPU_WATCH(p)			((void)0)
#endif

#define READ_ONCE(x)			(VGPU_WATCH(&(x)), __atomic_load_n(&(x), __ATOMIC_RELAXED))
#define WRITE_ONCE(x, v)		__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define smp_load_acquire(p)		(VGPU_WATCH(p), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#define smp_store_release(p, v)		__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_mb()			__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_wmb()			__atomic_thread_fence(__ATOMIC_RELEASE)

/* Nothing here: calloc() aligns less. */
#define VGPU_CACHE_LINE
#define prefetch(p)		__builtin_prefetch(p)

#define fallthrough		__attribute__((__fallthrough__))
#define min(a, b)		({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b)		({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
static inline unsigned int ilog2(unsigned long long n)
{
	return 63 - __builtin_clzll(n);
}

#define div_u64(a, b)		((u64)(a) / (u32)(b))
static inline u64 div_u64_rem(u64 a, u32 b, u32 *rest)
{
	*rest = a % b;
	return a / b;
}

#define div64_s64(a, b)		((s64)(a) / (s64)(b))
#define div64_u64(a, b)		((u64)(a) / (u64)(b))
#define lockdep_assert_held(lock)	((void)(lock))
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)
#define static_assert		_Static_assert

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n < 2 ? 1 : 1UL << (BITS_PER_LONG - __builtin_clzl(n - 1));
}

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	__builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)

/* lists */

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline void list_add_between(struct list_head *node, struct list_head *prev, struct list_head *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_add(struct list_head *node, struct list_head *head)
{
	list_add_between(node, head, head->next);
}

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_add_between(node, head->prev, head);
}

static inline void list_del(struct list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = NULL;
	node->prev = NULL;
}

static inline void list_del_init(struct list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	INIT_LIST_HEAD(node);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_add_tail(node, head);
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_splice_tail_init(struct list_head *list, struct list_head *head)
{
	if (list_empty(list))
		return;
	list->next->prev = head->prev;
	head->prev->next = list->next;
	list->prev->next = head;
	head->prev = list->prev;
	INIT_LIST_HEAD(list);
}

#define list_entry(p, type, member)		container_of(p, type, member)
#define list_first_entry(head, type, member)	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(pos, member)		list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_is_last(node, head)		((node)->next == (head))
#define list_entry_is_head(pos, head, member)	(&(pos)->member == (head))
#define list_for_each_entry(pos, head, member) \
	for (pos = list_first_entry(head, __typeof__(*pos), member); !list_entry_is_head(pos, head, member); \
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_reverse(pos, head, member) \
	for (pos = list_last_entry(head, __typeof__(*pos), member); !list_entry_is_head(pos, head, member); \
	     pos = list_entry((pos)->member.prev, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, head, member) \
	for (pos = list_first_entry(head, __typeof__(*pos), member), n = list_next_entry(pos, member); \
	     !list_entry_is_head(pos, head, member); pos = n, n = list_next_entry(n, member))

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	node->next = head->first;
	if (head->first)
		head->first->pprev = &node->next;
	head->first = node;
	node->pprev = &head->first;
}

static inline void hlist_del(struct hlist_node *node)
{
	*node->pprev = node->next;
	if (node->next)
		node->next->pprev = node->pprev;
	node->next = NULL;
	node->pprev = NULL;
}

#define hlist_entry_safe(p, type, member) ((p) ? container_of(p, type, member) : NULL)
#define hlist_for_each_entry(pos, head, member) \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*(pos)), member); pos; \
	     pos = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member))

/* red-black trees */

struct rb_node {
	struct rb_node *rb_parent, *rb_left, *rb_right;
	bool rb_red;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define rb_entry(p, type, member)	container_of(p, type, member)

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->rb_parent = parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	node->rb_red = true;
	*link = node;
}

void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* bits; not atomic */

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] |= 1UL << (nr % BITS_PER_LONG);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] &= ~(1UL << (nr % BITS_PER_LONG));
}

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

static inline unsigned long find_next_bit_of(const unsigned long *map, unsigned long size, unsigned long from,
					     unsigned long invert)
{
	while (from < size) {
		unsigned long word = (map[from / BITS_PER_LONG] ^ invert) >> (from % BITS_PER_LONG);

		if (word)
			return min(size, from + __builtin_ctzl(word));
		from += BITS_PER_LONG - from % BITS_PER_LONG;
	}
	return size;
}

#define find_next_bit(map, size, from)		find_next_bit_of(map, size, from, 0)
#define find_next_zero_bit(map, size, from)	find_next_bit_of(map, size, from, ~0UL)

static inline void bitmap_set(unsigned long *map, unsigned int from, unsigned int count)
{
	while (count--)
		__set_bit(from++, map);
}

static inline void bitmap_clear(unsigned long *map, unsigned int from, unsigned int count)
{
	while (count--)
		__clear_bit(from++, map);
}

#define array_index_nospec(index, size)	(index)
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

/* locks */

typedef struct {
	pthread_mutex_t mutex;
} spinlock_t;

struct mutex {
	pthread_mutex_t mutex;
};

static inline void spin_lock_init(spinlock_t *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

static inline void spin_lock(spinlock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

static inline void spin_unlock(spinlock_t *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

static inline void mutex_init(struct mutex *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

static inline void mutex_destroy(struct mutex *lock)
{
	pthread_mutex_destroy(&lock->mutex);
}

static inline void mutex_lock(struct mutex *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

static inline void mutex_unlock(struct mutex *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

/* memory */

typedef unsigned int gfp_t;

#define GFP_KERNEL	0
#define GFP_KERNEL_ACCOUNT 0
#define GFP_NOWAIT	1
#define __GFP_NOWARN	0

/* Allocations to come before one fails, for tests; negative: none fails. */
extern long vgpu_alloc_fail_after;
extern bool vgpu_alloc_fail_once;	/* that one alone */

void *vgpu_user_calloc(size_t n, size_t size);

#define kzalloc(size, gfp)		((void)(gfp), vgpu_user_calloc(1, size))
#define kcalloc(n, size, gfp)		vgpu_user_calloc(n, size)
#define kvcalloc(n, size, gfp)		vgpu_user_calloc(n, size)
#define kfree(p)			free((void *)(p))
#define kvfree(p)			free((void *)(p))

u64 get_random_u64(void);

/* The clock; tests and the simulator put their own here. */
extern u64 (*vgpu_clock)(void);

static inline u64 vgpu_now_ns(void)
{
	return vgpu_clock();
}

#endif /* VGPU_CORE_OS_USER_H */
