// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * References for texture.cu: the programming guide's formulas, in double precision. Weights of linear filters have 8 bits on the device, so
 * that filtered values are compared with a tolerance; coordinates of the others are not on a boundary between texels.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels.h"

#define POINTS 500

enum shape_of { LINEAR, PITCHED, ROW, PLANE, VOLUME, LAYERED_ROW, LAYERED_PLANE };

/**
 * struct image - texels on the host, and how they are read
 * @shape: how they lie on the device
 * @format: of a channel
 * @channels: 1, 2 or 4
 * @size: texels of each dimension; layers are in [2]
 * @address: mode of every dimension
 * @linear: filter
 * @flags: CU_TRSF_*
 * @texels: one row behind the other
 */
struct image {
	enum shape_of shape;
	CUarray_format format;
	unsigned int channels;
	int size[3];
	CUaddress_mode address;
	bool linear;
	unsigned int flags;
	unsigned char *texels;
};

static const float border[4] = { 0.5f, -2.0f, 3.0f, 7.0f };

static int channel_size(CUarray_format format)
{
	return format == CU_AD_FORMAT_UNSIGNED_INT8 || format == CU_AD_FORMAT_SIGNED_INT8 ? 1 :
	       format == CU_AD_FORMAT_UNSIGNED_INT16 || format == CU_AD_FORMAT_SIGNED_INT16 || format == CU_AD_FORMAT_HALF ? 2 : 4;
}

static bool is_real(const struct image *image)
{
	return image->format == CU_AD_FORMAT_FLOAT || image->format == CU_AD_FORMAT_HALF ||
	       (channel_size(image->format) < 4 && !(image->flags & CU_TRSF_READ_AS_INTEGER));
}

static double half_value(unsigned int h)
{
	int exp = h >> 10 & 31, man = h & 1023;
	double v = exp ? ldexp(1024 + man, exp - 25) : ldexp(man, -24);

	return h >> 15 ? -v : v;
}

static double value(const struct image *image, int x, int y, int z, unsigned int c)
{
	int size = channel_size(image->format);
	const unsigned char *at = image->texels +
				  ((((size_t)z * image->size[1] + y) * image->size[0] + x) * image->channels + c) * size;
	bool real = is_real(image);
	unsigned short u16;
	unsigned int u32;
	float f;

	memcpy(&u16, at, size < 2 ? 1 : 2);
	memcpy(&u32, at, size < 4 ? 1 : 4);
	switch (image->format) {
	case CU_AD_FORMAT_UNSIGNED_INT8:
		return real ? *at / 255.0 : *at;
	case CU_AD_FORMAT_SIGNED_INT8:
		return real ? fmax((signed char)*at / 127.0, -1) : (signed char)*at;
	case CU_AD_FORMAT_UNSIGNED_INT16:
		return real ? u16 / 65535.0 : u16;
	case CU_AD_FORMAT_SIGNED_INT16:
		return real ? fmax((short)u16 / 32767.0, -1) : (short)u16;
	case CU_AD_FORMAT_HALF:
		return half_value(u16);
	case CU_AD_FORMAT_UNSIGNED_INT32:
		return u32;
	case CU_AD_FORMAT_SIGNED_INT32:
		return (int)u32;
	default:
		memcpy(&f, at, 4);
		return f;
	}
}

static double at_texel(const struct image *image, const int *at, int dims, int layer, unsigned int c)
{
	int k, p[3] = { 0, 0, layer };

	for (k = 0; k < dims; k++) {
		int n = image->size[k];

		p[k] = at[k];
		if (p[k] >= 0 && p[k] < n)
			continue;
		if (image->address == CU_TR_ADDRESS_MODE_BORDER)
			return border[c];
		if (image->address == CU_TR_ADDRESS_MODE_WRAP && image->flags & CU_TRSF_NORMALIZED_COORDINATES)
			p[k] = (p[k] + n) % n;
		else
			p[k] = p[k] < 0 ? 0 : n - 1;
	}
	return value(image, p[0], p[1], p[2], c);
}

static double sample(const struct image *image, const float *coords, int dims, int layer, unsigned int c)
{
	double u[3], sum = 0;
	int at[3], k, corner;

	for (k = 0; k < dims; k++) {
		double x = coords[k], turn = floor(x);

		if (image->flags & CU_TRSF_NORMALIZED_COORDINATES) {
			if (image->address == CU_TR_ADDRESS_MODE_WRAP)
				x -= turn;
			else if (image->address == CU_TR_ADDRESS_MODE_MIRROR)
				x = fmod(fabs(turn), 2) == 1 ? 1 - (x - turn) : x - turn;
			x *= image->size[k];
		}
		u[k] = image->linear ? x - 0.5 : x;
		at[k] = (int)floor(u[k]);
	}
	if (!image->linear)
		return at_texel(image, at, dims, layer, c);
	for (corner = 0; corner < 1 << dims; corner++) {
		double weight = 1;
		int p[3];

		for (k = 0; k < dims; k++) {
			p[k] = at[k] + (corner >> k & 1);
			weight *= corner >> k & 1 ? u[k] - at[k] : 1 - (u[k] - at[k]);
		}
		sum += weight * at_texel(image, p, dims, layer, c);
	}
	return sum;
}

static void fill(struct image *image)
{
	size_t n = (size_t)image->size[0] * image->size[1] * image->size[2] * image->channels, i;
	int size = channel_size(image->format);

	image->texels = host_alloc(n * size);
	for (i = 0; i < n; i++) {
		uint64_t r = random_u64();
		float f = (float)((int)(r >> 40) - (1 << 23)) / (1 << 22);
		unsigned short half = (unsigned short)(r >> 48 & 0x83ff) | (unsigned short)((r >> 20 & 7) + 10) << 10;

		if (image->format == CU_AD_FORMAT_FLOAT)
			memcpy(image->texels + i * 4, &f, 4);
		else if (image->format == CU_AD_FORMAT_HALF)
			memcpy(image->texels + i * 2, &half, 2);
		else
			memcpy(image->texels + i * size, &r, size);
	}
}

/* What holds the texels on the device until the texture's end. */
struct held {
	CUtexObject texture;
	CUarray array;
	CUdeviceptr memory;
};

static void make_array(const struct image *image, struct held *held, CUDA_RESOURCE_DESC *resource)
{
	size_t row = (size_t)image->size[0] * image->channels * channel_size(image->format);
	bool flat = image->shape == ROW || image->shape == LAYERED_ROW, layered = image->shape >= LAYERED_ROW;
	CUDA_ARRAY3D_DESCRIPTOR desc = {
		.Width = image->size[0], .Height = flat ? 0 : image->size[1],
		.Depth = image->shape >= VOLUME ? image->size[2] : 0,
		.Format = image->format, .NumChannels = image->channels, .Flags = layered ? CUDA_ARRAY3D_LAYERED : 0,
	}, told;
	CUDA_MEMCPY3D copy = {
		.srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = image->texels, .srcPitch = row, .srcHeight = image->size[1],
		.dstMemoryType = CU_MEMORYTYPE_ARRAY, .WidthInBytes = row, .Height = image->size[1], .Depth = image->size[2],
	};
	unsigned char *back = host_alloc(row * image->size[1] * image->size[2]);

	MUST(cuArray3DCreate(&held->array, &desc));
	copy.dstArray = held->array;
	MUST(cuMemcpy3D(&copy));
	MUST(cuArray3DGetDescriptor(&told, held->array));
	if (memcmp(&told, &desc, sizeof(desc)))
		kernel_fail("the array is not what was asked for");
	/* What is in an array comes back. */
	copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
	copy.srcArray = held->array;
	copy.dstMemoryType = CU_MEMORYTYPE_HOST;
	copy.dstHost = back;
	copy.dstPitch = row;
	copy.dstHeight = image->size[1];
	MUST(cuMemcpy3D(&copy));
	if (memcmp(back, image->texels, row * image->size[1] * image->size[2]))
		kernel_fail("what comes back of the array is not what was copied to it");
	resource->resType = CU_RESOURCE_TYPE_ARRAY;
	resource->res.array.hArray = held->array;
}

static void make_memory(const struct image *image, struct held *held, CUDA_RESOURCE_DESC *resource)
{
	size_t row = (size_t)image->size[0] * image->channels * channel_size(image->format), pitch = row;
	CUDA_MEMCPY2D copy = {
		.srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = image->texels, .srcPitch = row,
		.dstMemoryType = CU_MEMORYTYPE_DEVICE, .WidthInBytes = row, .Height = image->size[1],
	};

	if (image->shape == PITCHED) {
		MUST(cuMemAllocPitch(&held->memory, &pitch, row, image->size[1], 16));
		resource->resType = CU_RESOURCE_TYPE_PITCH2D;
		resource->res.pitch2D.devPtr = held->memory;
		resource->res.pitch2D.format = image->format;
		resource->res.pitch2D.numChannels = image->channels;
		resource->res.pitch2D.width = image->size[0];
		resource->res.pitch2D.height = image->size[1];
		resource->res.pitch2D.pitchInBytes = pitch;
	} else {
		MUST(cuMemAlloc(&held->memory, row));
		resource->resType = CU_RESOURCE_TYPE_LINEAR;
		resource->res.linear.devPtr = held->memory;
		resource->res.linear.format = image->format;
		resource->res.linear.numChannels = image->channels;
		resource->res.linear.sizeInBytes = row;
	}
	copy.dstDevice = held->memory;
	copy.dstPitch = pitch;
	MUST(cuMemcpy2D(&copy));
}

static struct held make(const struct image *image)
{
	CUDA_RESOURCE_DESC resource = { 0 }, told;
	CUDA_TEXTURE_DESC desc = {
		.addressMode = { image->address, image->address, image->address }, .flags = image->flags,
		.filterMode = image->linear ? CU_TR_FILTER_MODE_LINEAR : CU_TR_FILTER_MODE_POINT,
	};
	struct held held = { 0 };

	memcpy(desc.borderColor, border, sizeof(border));
	if (image->shape <= PITCHED)
		make_memory(image, &held, &resource);
	else
		make_array(image, &held, &resource);
	MUST(cuTexObjectCreate(&held.texture, &resource, &desc, NULL));
	MUST(cuTexObjectGetResourceDesc(&told, held.texture));
	if (told.resType != resource.resType)
		kernel_fail("the texture tells another resource");
	return held;
}

static void end(struct held *held)
{
	MUST(cuTexObjectDestroy(held->texture));
	if (held->array)
		MUST(cuArrayDestroy(held->array));
	if (held->memory)
		MUST(cuMemFree(held->memory));
}

/* Sixteenths of texels, odd ones: nothing is on a boundary, and normalising by a power of two is exact. */
static float *points(const struct image *image)
{
	float *at = host_alloc(POINTS * 16);
	int i, k;

	for (i = 0; i < POINTS; i++) {
		for (k = 0; k < 3; k++) {
			int n = image->size[k];
			float u = (float)(2 * ((int)(random_u64() >> 33) % (n * 24)) + 1) / 16 - (float)n;

			at[4 * i + k] = image->flags & CU_TRSF_NORMALIZED_COORDINATES ? u / (float)n : u;
		}
		if (image->shape >= LAYERED_ROW)
			at[4 * i + 2] = (float)((random_u64() >> 33) % image->size[2]);
	}
	return at;
}

static void compare(const struct image *image, const char *kernel, int dims)
{
	struct held held = make(image);
	float *at = points(image), *out;
	CUdeviceptr dat = device_copy(at, POINTS * 16), dout = device_zeros(POINTS * 16);
	int n = POINTS, i, *words;
	unsigned int c;

	launch(kernel, SHAPE({ (POINTS + 63) / 64 }, { 64 }), ARGS(&dout, &held.texture, &dat, &n));
	out = host_copy(dout, POINTS * 16);
	words = (int *)out;
	for (i = 0; i < POINTS; i++) {
		int layer = image->shape >= LAYERED_ROW ? (int)at[4 * i + 2] : 0;

		for (c = 0; c < image->channels; c++) {
			double want = sample(image, at + 4 * i, dims, layer, c);
			double got = is_real(image) ? out[4 * i + c] :
				     image->format <= CU_AD_FORMAT_UNSIGNED_INT32 ? (double)(unsigned int)words[4 * i + c] : words[4 * i + c];

			/* An edge of a filter's weight is 1/512 off at most, in each direction, between values that differ by 9 at most. */
			if (!(fabs(got - want) <= (image->linear ? 0.02 * dims + 0.002 : is_real(image) ? 1e-6 * (1 + fabs(want)) : 0)))
				kernel_fail("format %#x, %u channels, address %d, flags %u, %s: (%g, %g, %g)[%u] is %.9g, not %.9g", image->format,
					    image->channels, image->address, image->flags, image->linear ? "linear" : "nearest",
					    at[4 * i], at[4 * i + 1], at[4 * i + 2], c, got, want);
		}
	}
	end(&held);
}

static const CUarray_format formats[] = {
	CU_AD_FORMAT_UNSIGNED_INT8, CU_AD_FORMAT_UNSIGNED_INT16, CU_AD_FORMAT_UNSIGNED_INT32, CU_AD_FORMAT_SIGNED_INT8,
	CU_AD_FORMAT_SIGNED_INT16, CU_AD_FORMAT_SIGNED_INT32, CU_AD_FORMAT_HALF, CU_AD_FORMAT_FLOAT,
};

/* Every format that can be read as numbers with a fraction, in turn with channels, filters, addresses and coordinates. */
static void every_way(enum shape_of shape, int w, int h, int d, const char *kernel, int dims)
{
	static const int channels[] = { 1, 2, 4 };
	unsigned int turn = 0, linear, normalized;
	int address;

	for (normalized = 0; normalized < 2; normalized++)
		for (address = normalized ? 0 : 1; address < 4; address++)
			for (linear = 0; linear < 2; linear++, turn++) {
				struct image image = {
					.shape = shape, .format = formats[turn * 7 % 8], .channels = channels[turn % 3], .size = { w, h, d },
					.address = address, .linear = linear, .flags = normalized ? CU_TRSF_NORMALIZED_COORDINATES : 0,
				};

				if (address == CU_TR_ADDRESS_MODE_MIRROR && !normalized)
					continue;
				if (image.format == CU_AD_FORMAT_UNSIGNED_INT32 || image.format == CU_AD_FORMAT_SIGNED_INT32)
					image.format = CU_AD_FORMAT_FLOAT;
				fill(&image);
				compare(&image, kernel, dims);
			}
}

static void pitched(void)
{
	every_way(PITCHED, 16, 8, 1, "sample_2d", 2);
}

static void plane(void)
{
	every_way(PLANE, 8, 32, 1, "sample_2d", 2);
}

static void row(void)
{
	every_way(ROW, 64, 1, 1, "sample_1d", 1);
}

static void volume(void)
{
	every_way(VOLUME, 8, 4, 16, "sample_3d", 3);
}

static void layered_row(void)
{
	every_way(LAYERED_ROW, 16, 1, 5, "sample_1d_layer", 1);
}

static void layered_plane(void)
{
	every_way(LAYERED_PLANE, 8, 4, 3, "sample_2d_layer", 2);
}

static void one_level(void)
{
	every_way(PLANE, 16, 16, 1, "sample_2d_level", 2);
	every_way(PLANE, 16, 16, 1, "sample_2d_gradient", 2);
}

static void integers(void)
{
	unsigned int i, channels;

	for (i = 0; i < 6; i++)
		for (channels = 1; channels <= 4; channels *= 2) {
			struct image image = {
				.shape = i & 1 ? PLANE : PITCHED, .format = formats[i], .channels = channels, .size = { 12, 10, 1 },
				.address = CU_TR_ADDRESS_MODE_CLAMP, .flags = CU_TRSF_READ_AS_INTEGER,
			};

			fill(&image);
			compare(&image, i < 3 ? "sample_2d_unsigned" : "sample_2d_int", 2);
		}
}

/* By number; beyond the memory there are zeros. */
static void fetch(void)
{
	int n = 300, i, *at = host_alloc(1200);
	CUdeviceptr dat, dout = device_zeros(4800);
	unsigned int f, c;

	for (i = 0; i < n; i++)
		at[i] = (int)(random_u64() >> 33) % 140 - 20;
	dat = device_copy(at, 1200);
	for (f = 0; f < 8; f++) {
		struct image image = {
			.shape = LINEAR, .format = formats[f], .channels = 1u << f % 3, .size = { 100, 1, 1 },
			.flags = f & 1 ? CU_TRSF_READ_AS_INTEGER : 0,
		};
		struct held held;
		float *out;

		fill(&image);
		held = make(&image);
		launch(is_real(&image) ? "fetch_float" : "fetch_int", SHAPE({ 5 }, { 64 }), ARGS(&dout, &held.texture, &dat, &n));
		out = host_copy(dout, 4800);
		for (i = 0; i < n; i++)
			for (c = 0; c < image.channels; c++) {
				double want = at[i] < 0 || at[i] >= 100 ? 0 : value(&image, at[i], 0, 0, c);
				int word;

				memcpy(&word, &out[4 * i + c], 4);
				if (is_real(&image) ? !(fabs(out[4 * i + c] - want) <= 1e-6 * (1 + fabs(want))) :
						      word != (int)(int64_t)want)
					kernel_fail("format %#x: texel %d[%u] is %g or %d, not %g", image.format, at[i], c, out[4 * i + c], word,
						    want);
			}
		end(&held);
	}
}

static void several(void)
{
	CUtexObject handles[5];
	struct image images[5];
	struct held held[5];
	CUdeviceptr dhandles, dout = device_zeros(400);
	int num = 5, n = 100, i, k;
	double want[100];

	for (i = 0; i < 5; i++) {
		images[i] = (struct image){ .shape = LINEAR, .format = CU_AD_FORMAT_FLOAT, .channels = 1, .size = { 100, 1, 1 } };
		fill(&images[i]);
		held[i] = make(&images[i]);
		handles[i] = held[i].texture;
	}
	dhandles = device_copy(handles, sizeof(handles));
	launch("several", SHAPE({ 2 }, { 64 }), ARGS(&dout, &dhandles, &num, &n));
	for (i = 0; i < n; i++)
		for (want[i] = 0, k = 0; k <= i % 3; k++)
			want[i] += value(&images[(i + k) % 5], i, 0, 0, 0);
	same_floats(host_copy(dout, 400), want, 100, 1e-6);
	for (i = 0; i < 5; i++)
		end(&held[i]);
}

static void rotate(void)
{
	struct image image = {
		.shape = PLANE, .format = CU_AD_FORMAT_UNSIGNED_INT8, .channels = 1, .size = { 64, 32, 1 }, .linear = true,
		.address = CU_TR_ADDRESS_MODE_WRAP, .flags = CU_TRSF_NORMALIZED_COORDINATES,
	};
	double want[64 * 32];
	CUdeviceptr out = device_zeros(sizeof(float) * 64 * 32);
	int w = 64, h = 32, x, y;
	float angle = 0.5f;
	struct held held;

	fill(&image);
	held = make(&image);
	launch("rotate", SHAPE({ 4, 4 }, { 16, 8 }), ARGS(&out, &held.texture, &w, &h, &angle));
	for (y = 0; y < h; y++)
		for (x = 0; x < w; x++) {
			double u = x - w / 2.0, v = y - h / 2.0;
			float at[2] = { (float)((u * cos(angle) - v * sin(angle)) / w + 0.5), (float)((v * cos(angle) + u * sin(angle)) / h + 0.5) };

			want[y * w + x] = sample(&image, at, 2, 0, 0);
		}
	same_floats(host_copy(out, sizeof(float) * 64 * 32), want, 64 * 32, 0.01);
	end(&held);
}

const struct kernel_test texture_tests[] = {
	{ "fetch", fetch },
	{ "integers", integers },
	{ "pitched", pitched },
	{ "row", row },
	{ "plane", plane },
	{ "volume", volume },
	{ "layered_row", layered_row },
	{ "layered_plane", layered_plane },
	{ "one_level", one_level },
	{ "several", several },
	{ "rotate", rotate },
	{ NULL, NULL },
};
