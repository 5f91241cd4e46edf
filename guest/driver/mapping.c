// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/**
 * DOC: Mappings of device memory in processes
 *
 * They are filled by faults, which makes them removable: when the session has ended, a fault finds
 * the file's blank page in place of the device's memory.
 *
 * The aperture is ordinary memory of the host and has to be mapped write-back. On x86 the usual
 * helpers do not give that (arch/x86/mm/pat/memtype.c): remap_pfn_range() asks the MTRRs, and
 * vmf_insert_pfn() takes what PAT's list of memory types holds, which was made by asking them. The
 * MTRRs tell of BARs as devices have them. SeaBIOS puts a 64-bit BAR below 4 GB where there is
 * room, and declares everything there uncached. But this device exists in virtual machines alone,
 * where the MTRRs say nothing about memory: AMD's nested paging has none for the guest, and KVM on
 * Intel looks at them only for the sake of assigned devices that do not snoop; there the hardware
 * combines them with the page table entry, and uncached wins, as it must. So the entries are
 * written here (apply_to_page_range()), write-back for the aperture and uncached for doorbells.
 * Nothing else maps the BARs' memory: the kernel has no mapping of the aperture, and its regions
 * are requested exclusively, which keeps sysfs and /dev/mem out.
 */
#include <linux/mm.h>

#include "compat.h"
#include "driver.h"

/* Bytes around a fault that are mapped with it, aligned to their size. */
#define VGPU_FAULT_WINDOW	(64 * PAGE_SIZE)

static bool vgpu_mapping_is_doorbell(u64 offset)
{
	return offset >= VGPU_GUEST_MMAP_DOORBELL;
}

static bool vgpu_mapping_is_queue(u64 offset)
{
	return offset >= VGPU_GUEST_MMAP_QUEUE && !vgpu_mapping_is_doorbell(offset);
}

static u64 vgpu_mapping_offset(struct vm_area_struct *vma, unsigned long addr)
{
	return ((u64)vma->vm_pgoff << PAGE_SHIFT) + (addr - vma->vm_start);
}

/* Whether a file may map @len bytes at @offset of its address space. */
static bool vgpu_mapping_allowed(struct vgpu_session *session, u64 offset, u64 len)
{
	u64 within;

	if (vgpu_mapping_is_doorbell(offset))
		return offset == VGPU_GUEST_MMAP_DOORBELL && len == VGPU_PAGE_SIZE;
	if (vgpu_mapping_is_queue(offset)) {
		within = offset - VGPU_GUEST_MMAP_QUEUE;
		return len <= session->queue.len && within <= session->queue.len - len;
	}
	return vgpu_session_has_range(session, offset, len);
}

static phys_addr_t vgpu_mapping_phys(struct vgpu_session *session, u64 offset)
{
	struct vgpu *vgpu = session->vgpu;

	if (vgpu_mapping_is_doorbell(offset))
		return vgpu->regs_phys + VGPU_BAR0_DOORBELL(session->id);
	if (vgpu_mapping_is_queue(offset))
		return vgpu->aperture.phys + session->queue.offset +
		       (offset - VGPU_GUEST_MMAP_QUEUE);
	return vgpu->aperture.phys + offset;
}

/**
 * struct vgpu_fill - page table entries to be written
 * @mm: address space
 * @vgpu: device whose aperture is mapped; NULL for anything else
 * @pfn: for the next entry
 * @prot: of all of them
 */
struct vgpu_fill {
	struct mm_struct *mm;
	struct vgpu *vgpu;
	unsigned long pfn;
	pgprot_t prot;
};

/* Entry 0 of the PAT, with none of the three bits set, is what Linux always makes write-back. */
static bool vgpu_pte_is_writeback(pte_t pte)
{
#ifdef CONFIG_X86
	return !(pte_flags(pte) & _PAGE_CACHE_MASK);
#else
	return true;
#endif
}

/* Called with the page table's lock held. Another thread may have been faster. */
static int vgpu_mapping_set_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct vgpu_fill *fill = data;

	if (pte_none(ptep_get(pte)))
		set_pte_at(fill->mm, addr, pte, pte_mkspecial(pfn_pte(fill->pfn, fill->prot)));
	if (fill->vgpu && !vgpu_pte_is_writeback(ptep_get(pte)))
		WRITE_ONCE(fill->vgpu->aperture.uncached, true);
	fill->pfn++;
	return 0;
}

static vm_fault_t vgpu_mapping_fill(struct vm_area_struct *vma, unsigned long addr,
				    unsigned long end, struct vgpu_fill *fill)
{
	fill->mm = vma->vm_mm;
	if (apply_to_page_range(vma->vm_mm, addr, end - addr, vgpu_mapping_set_pte, fill))
		return VM_FAULT_OOM;
	return VM_FAULT_NOPAGE;
}

static vm_fault_t vgpu_mapping_device(struct vm_area_struct *vma, unsigned long fault_addr,
				      struct vgpu_session *session)
{
	unsigned long window = ALIGN_DOWN(fault_addr, VGPU_FAULT_WINDOW);
	unsigned long addr = max(vma->vm_start, window);
	unsigned long end = min(vma->vm_end, window + VGPU_FAULT_WINDOW);
	u64 offset = vgpu_mapping_offset(vma, addr);
	struct vgpu_fill fill = {
		.pfn = PHYS_PFN(vgpu_mapping_phys(session, offset)),
		.prot = pgprot_decrypted(vm_get_page_prot(vma->vm_flags)),
	};

	if (vgpu_mapping_is_doorbell(offset))
		fill.prot = pgprot_noncached(fill.prot);
	else
		fill.vgpu = session->vgpu;
	return vgpu_mapping_fill(vma, addr, end, &fill);
}

static vm_fault_t vgpu_mapping_blank(struct vm_area_struct *vma, unsigned long addr,
				     struct vgpu_file *vfile)
{
	struct page *page = READ_ONCE(vfile->blank);
	struct vgpu_fill fill = { .prot = vm_get_page_prot(vma->vm_flags) };

	if (!page) {
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page)
			return VM_FAULT_OOM;
		if (cmpxchg(&vfile->blank, NULL, page)) {
			__free_page(page);
			page = READ_ONCE(vfile->blank);
		}
	}
	fill.pfn = page_to_pfn(page);
	return vgpu_mapping_fill(vma, addr, addr + PAGE_SIZE, &fill);
}

static vm_fault_t vgpu_mapping_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vgpu_file *vfile = vma->vm_file->private_data;
	struct vgpu_session *session = vma->vm_private_data;
	struct vgpu *vgpu = vfile->vgpu;
	unsigned long addr = vmf->address & PAGE_MASK;
	vm_fault_t ret;

	down_read(&vgpu->life);
	if (vgpu_session_ended(session))
		ret = vgpu_mapping_blank(vma, addr, vfile);
	else
		ret = vgpu_mapping_device(vma, addr, session);
	up_read(&vgpu->life);
	return ret;
}

static const struct vm_operations_struct vgpu_mapping_ops = {
	.fault = vgpu_mapping_fault,
};

/**
 * vgpu_mmap() - file operation: map the session's queue area, doorbell or payload
 * @file: of vgpu_fops
 * @vma: the mapping; VGPU_GUEST_MMAP_* says what is wanted
 *
 * Return: 0, -ENOTCONN without a session, -ENODEV if the device has gone, -EACCES for memory that
 * is not the session's, -EINVAL for a private mapping.
 * Context: process, mmap_lock held for writing.
 */
int vgpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vgpu_file *vfile = file->private_data;
	struct vgpu_session *session = vgpu_file_session(vfile);

	if (!session)
		return -ENOTCONN;
	if (vgpu_session_ended(session))
		return -ENODEV;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (!vgpu_mapping_allowed(session, vgpu_mapping_offset(vma, vma->vm_start),
				  vma->vm_end - vma->vm_start))
		return -EACCES;
	vgpu_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = session;
	vma->vm_ops = &vgpu_mapping_ops;
	return 0;
}
