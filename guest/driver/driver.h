/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: The guest's driver
 *
 * The driver hands out: session numbers, parts of the aperture and interrupts. It looks at no
 * command, completion or payload; those are between the process and the device. What the device
 * says is checked before it is used.
 *
 * A session belongs to one open file. Its memory is given back when the device reports the session
 * free, never earlier, also when the process is gone for long: only then has the host let go of it
 * and cleared it.
 *
 * When the device goes (removal, reset), its sessions end at once and are taken out of every
 * process: mappings are zapped and refilled with a page of the file's own, so that a program that
 * reads its queue in that moment sees nothing happen instead of dying by SIGBUS, and learns from
 * ENODEV. &struct vgpu lives until the last file is closed.
 *
 * Locks, in order of nesting:
 *
 *	1. vgpu_file.lock (mutex): the file's session is being opened or given a range
 *	2. vgpu.life (rwsem): vgpu.state. Held for reading by whoever uses registers or maps device
 *	   memory. User memory is never touched under it (the fault handler takes it under
 *	   mmap_lock)
 *	3. vgpu.ctl (mutex): control registers, session table, aperture bitmap, users of vectors
 *	4. vgpu_vector.lock (spinlock, interrupts off): sessions that a vector notifies
 *
 * vgpu.files_lock (mutex) guards the list of open files and nests outside the page cache's locks
 * alone.
 */
#ifndef VGPU_GUEST_DRIVER_H
#define VGPU_GUEST_DRIVER_H

#include <linux/atomic.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <vgpu_device.h>
#include <vgpu_guest.h>

#define VGPU_DRIVER_NAME	"vgpu_guest"
#define VGPU_MAX_DEVICES	64
#define VGPU_APERTURE_MAX	(4ULL << 40)

/* Longest wait for what sessions that are closing still hold, and for a reset; milliseconds. */
#define VGPU_RECLAIM_TIMEOUT_MS	30000
#define VGPU_RESET_TIMEOUT_MS	30000

/*
 * Longest that closing a session's file waits for the host to let go of it: who waited for a
 * program's end finds its device memory free.
 */
#define VGPU_CLOSE_TIMEOUT_MS	5000

struct vgpu;

/**
 * struct vgpu_extent - part of the aperture
 * @offset: bytes, page-aligned
 * @len: bytes, page-aligned
 */
struct vgpu_extent {
	u64 offset;
	u64 len;
};

/**
 * struct vgpu_aperture - BAR2
 * @phys: its guest-physical address
 * @size: bytes
 * @bitmap: pages given out
 * @pages: bits of @bitmap
 * @used: bits set
 * @uncached: a process has a page table entry of it that is not write-back
 */
struct vgpu_aperture {
	phys_addr_t phys;
	u64 size;
	unsigned long *bitmap;
	unsigned long pages;
	unsigned long used;
	bool uncached;
};

/**
 * enum vgpu_session_phase - life of a session; changed by vgpu_session_set_phase() alone
 * @VGPU_PHASE_NEW: being made
 * @VGPU_PHASE_OPEN: of a file, and known to the device
 * @VGPU_PHASE_CLOSING: its file is closed, the device has not let go
 * @VGPU_PHASE_ENDED: of a file, and the device has forgotten it (removal, reset)
 */
enum vgpu_session_phase {
	VGPU_PHASE_NEW,
	VGPU_PHASE_OPEN,
	VGPU_PHASE_CLOSING,
	VGPU_PHASE_ENDED,
};

/**
 * struct vgpu_session - a process's session
 * @vgpu: its device
 * @phase: enum vgpu_session_phase
 * @device_state: enum vgpu_session_state as the device last said
 * @id: number
 * @vector: index of its MSI-X vector
 * @vector_node: in the vector's sessions
 * @interrupts: counts interrupts and changes of state
 * @wq: woken when @interrupts or @phase changes
 * @sq_entries: of the SQ
 * @cq_entries: of the CQ
 * @queue: its queue area
 * @num_ranges: of @ranges; published with release ordering after the entry is whole
 * @ranges: payload, only ever added to
 * @awaited: closing, and who closes it waits for its end, and frees it
 */
struct vgpu_session {
	struct vgpu *vgpu;
	enum vgpu_session_phase phase;
	bool awaited;
	enum vgpu_session_state device_state;
	unsigned int id;
	unsigned int vector;
	struct list_head vector_node;
	atomic_t interrupts;
	wait_queue_head_t wq;
	u32 sq_entries;
	u32 cq_entries;
	struct vgpu_extent queue;
	unsigned int num_ranges;
	struct vgpu_extent ranges[VGPU_MAX_RANGES];
};

/**
 * struct vgpu_vector - one MSI-X vector
 * @vgpu: its device
 * @lock: guards @sessions
 * @sessions: notified when it is raised
 * @users: sessions that have asked for it, under vgpu.ctl
 * @index: in the MSI-X table
 * @name: in /proc/interrupts
 */
struct vgpu_vector {
	struct vgpu *vgpu;
	spinlock_t lock;	/* sessions */
	struct list_head sessions;
	unsigned int users;
	unsigned int index;
	char name[24];
};

/**
 * enum vgpu_state - life of a device; changed by vgpu_set_state() in device.c alone
 * @VGPU_STOPPED: being reset, or could not be started after it
 * @VGPU_LIVE: may be used
 * @VGPU_GONE: removed
 */
enum vgpu_state {
	VGPU_STOPPED,
	VGPU_LIVE,
	VGPU_GONE,
};

/**
 * struct vgpu - a virtual GPU
 * @dev: of class vgpu; holds the last reference
 * @cdev: /dev/vgpuN
 * @pdev: the PCI device, valid while @state is not VGPU_GONE
 * @life: guards @state
 * @state: enum vgpu_state
 * @ctl: guards the control registers and what is given out
 * @regs: BAR0
 * @regs_phys: guest-physical address of BAR0
 * @version: VGPU_REG_VERSION
 * @features: in use
 * @gpu: the GPU as the device describes it
 * @aperture: BAR2
 * @sessions: open and closing sessions, by number
 * @closing: how many of them are closing
 * @reclaims: how often a session's memory and number were given back
 * @reclaim_wq: woken when @reclaims or @state changes
 * @config_work: looks at the states of all sessions
 * @vectors: MSI-X vectors
 * @num_vectors: of @vectors
 * @files_lock: guards @files
 * @files: open files
 */
struct vgpu {
	struct device dev;
	struct cdev cdev;
	struct pci_dev *pdev;
	struct rw_semaphore life;
	enum vgpu_state state;
	struct mutex ctl;	/* control registers, what is given out */
	void __iomem *regs;
	phys_addr_t regs_phys;
	u32 version;
	u64 features;
	struct vgpu_gpu_info gpu;
	struct vgpu_aperture aperture;
	struct vgpu_session *sessions[VGPU_MAX_SESSIONS];
	unsigned int closing;
	u32 reclaims;
	wait_queue_head_t reclaim_wq;
	struct work_struct config_work;
	struct vgpu_vector *vectors;
	unsigned int num_vectors;
	struct mutex files_lock;	/* files */
	struct list_head files;
};

/**
 * struct vgpu_file - an open file
 * @vgpu: its device, referenced
 * @node: in the device's files
 * @mapping: address space in which its mappings are found
 * @lock: one process at a time opens the session or adds a range
 * @session: NULL until it is opened; published with release ordering; freed when the file is
 * @seen: interrupt count at the end of the last VGPU_GUEST_WAIT
 * @blank: page that stands in for device memory when the session has ended
 */
struct vgpu_file {
	struct vgpu *vgpu;
	struct list_head node;
	struct address_space *mapping;
	struct mutex lock;	/* opening the session, adding ranges */
	struct vgpu_session *session;
	u32 seen;
	struct page *blank;
};

/**
 * vgpu_file_session() - the session of a file
 * @vfile: open
 *
 * Return: the session, whole; NULL before it is opened.
 * Context: any.
 */
static inline struct vgpu_session *vgpu_file_session(struct vgpu_file *vfile)
{
	/* Pairs with vgpu_ioctl_session(). */
	return smp_load_acquire(&vfile->session);
}

/* main.c */
extern struct class vgpu_class;
dev_t vgpu_devt(unsigned int minor);

/* device.c */
extern struct pci_driver vgpu_pci_driver;
extern const struct attribute_group *vgpu_device_groups[];

/* control.c */
int vgpu_control_start(struct vgpu *vgpu);
void vgpu_control_stop(struct vgpu *vgpu);
u32 vgpu_control_num_sessions(struct vgpu *vgpu);
u64 vgpu_control_aperture_size(struct vgpu *vgpu);
int vgpu_control_create(struct vgpu *vgpu, const struct vgpu_session *session);
int vgpu_control_destroy(struct vgpu *vgpu, unsigned int id);
int vgpu_control_add_range(struct vgpu *vgpu, unsigned int id, const struct vgpu_extent *range);
enum vgpu_session_state vgpu_control_session_state(struct vgpu *vgpu, unsigned int id);
int vgpu_control_info(struct vgpu *vgpu, struct vgpu_guest_info *info);

/* aperture.c */
int vgpu_aperture_init(struct vgpu_aperture *aperture, phys_addr_t phys, u64 size);
void vgpu_aperture_destroy(struct vgpu_aperture *aperture);
int vgpu_aperture_alloc(struct vgpu_aperture *aperture, u64 len, struct vgpu_extent *extent);
void vgpu_aperture_free(struct vgpu_aperture *aperture, const struct vgpu_extent *extent);

/* irq.c */
int vgpu_irq_init(struct vgpu *vgpu, unsigned int num_sessions);
void vgpu_irq_destroy(struct vgpu *vgpu);
void vgpu_irq_attach(struct vgpu *vgpu, struct vgpu_session *session);
void vgpu_irq_detach(struct vgpu *vgpu, struct vgpu_session *session);

/* session.c */
int vgpu_session_open(struct vgpu *vgpu, u32 sq_entries, u32 cq_entries,
		      struct vgpu_session **result);
void vgpu_session_close(struct vgpu_session *session);
int vgpu_session_add_range(struct vgpu_session *session, u64 len, u64 *offset);
bool vgpu_session_has_range(struct vgpu_session *session, u64 offset, u64 len);
bool vgpu_session_ended(struct vgpu_session *session);
void vgpu_session_notify(struct vgpu_session *session);
void vgpu_sessions_look(struct vgpu *vgpu);
void vgpu_sessions_end(struct vgpu *vgpu);
unsigned int vgpu_sessions_count(struct vgpu *vgpu);

/* file.c */
extern const struct file_operations vgpu_fops;
void vgpu_files_zap(struct vgpu *vgpu);

/* mapping.c */
int vgpu_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* VGPU_GUEST_DRIVER_H */
