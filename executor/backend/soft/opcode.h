/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Names of PTX instructions. */
#ifndef EXECUTOR_SOFT_OPCODE_H
#define EXECUTOR_SOFT_OPCODE_H

#define PTX_OPCODES(X) \
	X(ABS, "abs") X(ACTIVEMASK, "activemask") X(ADD, "add") X(ADDC, "addc") X(ALLOCA, "alloca") X(AND, "and") \
	X(APPLYPRIORITY, "applypriority") X(ATOM, "atom") X(BAR, "bar") X(BARRIER, "barrier") X(BFE, "bfe") X(BFI, "bfi") \
	X(BFIND, "bfind") X(BMSK, "bmsk") X(BRA, "bra") X(BREV, "brev") X(BRKPT, "brkpt") X(BRX, "brx") X(CALL, "call") \
	X(CLZ, "clz") X(CNOT, "cnot") X(COPYSIGN, "copysign") X(COS, "cos") X(CP, "cp") X(CREATEPOLICY, "createpolicy") \
	X(CVT, "cvt") X(CVTA, "cvta") X(DISCARD, "discard") X(DIV, "div") X(DP2A, "dp2a") X(DP4A, "dp4a") \
	X(ELECT, "elect") X(EX2, "ex2") X(EXIT, "exit") X(FENCE, "fence") X(FMA, "fma") X(FNS, "fns") \
	X(GETCTARANK, "getctarank") X(GRIDDEPCONTROL, "griddepcontrol") X(ISSPACEP, "isspacep") X(ISTYPEP, "istypep") \
	X(LD, "ld") X(LDMATRIX, "ldmatrix") X(LDU, "ldu") X(LG2, "lg2") X(LOP3, "lop3") X(MAD, "mad") X(MAD24, "mad24") \
	X(MADC, "madc") X(MAPA, "mapa") X(MATCH, "match") X(MAX, "max") X(MBARRIER, "mbarrier") X(MEMBAR, "membar") \
	X(MIN, "min") X(MMA, "mma") X(MOV, "mov") X(MOVMATRIX, "movmatrix") X(MUL, "mul") X(MUL24, "mul24") \
	X(NANOSLEEP, "nanosleep") X(NEG, "neg") X(NOT, "not") X(OR, "or") X(PMEVENT, "pmevent") X(POPC, "popc") \
	X(PREFETCH, "prefetch") X(PREFETCHU, "prefetchu") X(PRMT, "prmt") X(RCP, "rcp") X(RED, "red") X(REDUX, "redux") \
	X(REM, "rem") X(RET, "ret") X(RSQRT, "rsqrt") X(SAD, "sad") X(SELP, "selp") X(SET, "set") \
	X(SETMAXNREG, "setmaxnreg") X(SETP, "setp") X(SHF, "shf") X(SHFL, "shfl") X(SHL, "shl") X(SHR, "shr") \
	X(SIN, "sin") X(SLCT, "slct") X(SQRT, "sqrt") X(ST, "st") X(STACKRESTORE, "stackrestore") \
	X(STACKSAVE, "stacksave") X(STMATRIX, "stmatrix") X(SUB, "sub") X(SUBC, "subc") X(SULD, "suld") X(SUQ, "suq") \
	X(SURED, "sured") X(SUST, "sust") X(SZEXT, "szext") X(TANH, "tanh") X(TESTP, "testp") X(TEX, "tex") \
	X(TLD4, "tld4") X(TRAP, "trap") X(TXQ, "txq") X(VABSDIFF, "vabsdiff") X(VABSDIFF2, "vabsdiff2") \
	X(VABSDIFF4, "vabsdiff4") X(VADD, "vadd") X(VADD2, "vadd2") X(VADD4, "vadd4") X(VAVRG2, "vavrg2") \
	X(VAVRG4, "vavrg4") X(VMAD, "vmad") X(VMAX, "vmax") X(VMAX2, "vmax2") X(VMAX4, "vmax4") X(VMIN, "vmin") \
	X(VMIN2, "vmin2") X(VMIN4, "vmin4") X(VOTE, "vote") X(VSET, "vset") X(VSET2, "vset2") X(VSET4, "vset4") \
	X(VSHL, "vshl") X(VSHR, "vshr") X(VSUB, "vsub") X(VSUB2, "vsub2") X(VSUB4, "vsub4") X(WGMMA, "wgmma") \
	X(WMMA, "wmma") X(XOR, "xor")

enum ptx_opcode {
	PO_LABEL,	/* not an instruction: a label stands here */
#define X(id, name) PO_##id,
	PTX_OPCODES(X)
#undef X
	PO_COUNT
};

/**
 * ptx_opcode_name - name of an instruction
 * @op: enum ptx_opcode
 */
const char *ptx_opcode_name(unsigned int op);

/**
 * ptx_opcode_find - looks an instruction up
 * @name: up to the first dot
 * @len: bytes of it
 *
 * Return: enum ptx_opcode, or -1.
 */
int ptx_opcode_find(const char *name, unsigned int len);

#endif
