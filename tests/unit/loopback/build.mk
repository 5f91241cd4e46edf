# SPDX-License-Identifier: GPL-2.0
$(B)/tests/loopback/session: $(B)/obj/tests/unit/loopback/session.o
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka
