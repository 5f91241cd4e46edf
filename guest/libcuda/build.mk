# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# build/lib/guest/libcuda.so.1: the CUDA Driver API in a guest. Names that are not implemented are generated as stubs
# from names.txt, see generate.sh.
LIBCUDA_DIR := guest/libcuda
LIBCUDA_SRC := $(wildcard $(LIBCUDA_DIR)/*.c)
LIBCUDA_OBJ := $(LIBCUDA_SRC:%.c=$(B)/obj/%.o)
LIBCUDA_SAN := $(LIBCUDA_SRC:%.c=$(B)/san/%.o)
LIBCUDA_GEN := $(B)/gen/libcuda/exports.c
LIBCUDA_SO := $(B)/lib/guest/libcuda.so.1
LIBCUDA_SAN_SO := $(B)/san/lib/guest/libcuda.so.1
LIBCUDA_LINK = -shared $(LDFLAGS) -Wl,-soname,libcuda.so.1 -Wl,-z,nodelete,-z,defs,-Bsymbolic-functions -pthread

# Every version of a call is defined, only the newest is declared.
LIBCUDA_FLAGS := -DCUDA_API_ALL_VERSIONS -Wno-missing-prototypes
$(foreach f,$(LIBCUDA_SRC),$(eval CFLAGS_$(basename $(f)) += $(LIBCUDA_FLAGS)))

$(LIBCUDA_GEN): $(LIBCUDA_DIR)/generate.sh $(LIBCUDA_DIR)/names.txt $(LIBCUDA_OBJ)
	@mkdir -p $(@D)
	$(LIBCUDA_DIR)/generate.sh $(LIBCUDA_DIR)/names.txt $(LIBCUDA_OBJ) >$@.tmp
	mv $@.tmp $@

$(B)/obj/gen/libcuda/exports.o: $(LIBCUDA_GEN)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LIBCUDA_FLAGS) -c -o $@ $<

$(B)/san/gen/libcuda/exports.o: $(LIBCUDA_GEN)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LIBCUDA_FLAGS) $(SANITIZE) -c -o $@ $<

$(LIBCUDA_SO): $(LIBCUDA_OBJ) $(B)/obj/gen/libcuda/exports.o
	@mkdir -p $(@D)
	$(CC) $(LIBCUDA_LINK) -o $@ $^
	ln -sf libcuda.so.1 $(@D)/libcuda.so

$(LIBCUDA_SAN_SO): $(LIBCUDA_SAN) $(B)/san/gen/libcuda/exports.o
	@mkdir -p $(@D)
	$(CC) $(LIBCUDA_LINK) $(SANITIZE) -o $@ $^
	ln -sf libcuda.so.1 $(@D)/libcuda.so

ALL += $(LIBCUDA_SO)
