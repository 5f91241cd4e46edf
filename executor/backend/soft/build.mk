# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# The PTX interpreter. exec_*.c are compiled for three instruction sets each; the best that the CPU has is taken at run time.
SOFT_DIR := executor/backend/soft
SOFT_EXEC := exec_int exec_bits exec_float exec_half exec_cvt exec_mem exec_atom exec_warp exec_flow exec_mma exec_video exec_tex exec_table
SOFT_SRCS := $(filter-out $(SOFT_EXEC:%=$(SOFT_DIR)/%.c) $(SOFT_DIR)/soft.c,$(wildcard $(SOFT_DIR)/*.c))
SOFT_ISAS := base v3 v4
SOFT_ISA_base := -DSOFT_ISA=base
SOFT_ISA_v3 := -DSOFT_ISA=v3 -march=x86-64-v3
SOFT_ISA_v4 := -DSOFT_ISA=v4 -march=x86-64-v4 -mprefer-vector-width=512
SOFT_EXEC_FLAGS := -O3 -ffp-contract=off -fno-strict-aliasing -fno-math-errno -fno-trapping-math

SOFT_EXEC_OBJS := $(foreach isa,$(SOFT_ISAS),$(SOFT_EXEC:%=$(SOFT_DIR)/$(isa)/%.o))
SOFT_OBJS := $(SOFT_SRCS:%.c=$(B)/obj/%.o) $(SOFT_EXEC_OBJS:%=$(B)/obj/%)
SOFT_SAN_OBJS := $(SOFT_SRCS:%.c=$(B)/san/%.o) $(SOFT_EXEC_OBJS:%=$(B)/san/%)

CFLAGS_$(SOFT_DIR)/parse_decl := -ffp-contract=off
CFLAGS_$(SOFT_DIR)/float := -ffp-contract=off
CFLAGS_$(SOFT_DIR)/approx := -ffp-contract=off

define SOFT_ISA_RULES
$(B)/obj/$(SOFT_DIR)/$(1)/%.o: $(SOFT_DIR)/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $(SOFT_EXEC_FLAGS) $(SOFT_ISA_$(1)) -c -o $$@ $$<

$(B)/san/$(SOFT_DIR)/$(1)/%.o: $(SOFT_DIR)/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $(SOFT_EXEC_FLAGS) $(SOFT_ISA_$(1)) $$(SANITIZE) -c -o $$@ $$<
endef
$(foreach isa,$(SOFT_ISAS),$(eval $(call SOFT_ISA_RULES,$(isa))))

$(B)/lib/libsoft.a: $(SOFT_OBJS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/lib/libsoft-san.a: $(SOFT_SAN_OBJS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(B)/lib/libsoft.a
