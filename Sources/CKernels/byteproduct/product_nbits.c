#include "nbits.h"
#include <float.h>
#include <math.h>
#include <string.h>

// The code of step k < 32 and column j < 32 of a group of 32 steps.
static inline int code_at(const uint8_t *codes, int bits, intptr_t k, intptr_t j) {
  if (bits == 8)
    return codes[k / 4 * 128 + 4 * j + k % 4];
  const uint8_t byte = codes[k % 16 / 4 * 128 + 4 * j + k % 4];
  return k < 16 ? byte & 15 : byte >> 4;
}

static inline intptr_t group_bytes(const dl_nbits_weights *w) { return w->bits == 8 ? 1024 : 512; }
static inline intptr_t block_length(const dl_nbits_weights *w) { return w->sub ? w->sub * 32 : 16; }

#define BODY_F32                                                                                   \
  const intptr_t each = block_length(w), length = w->blocks * each;                                \
  const uint8_t *codes = w->codes;                                                                 \
  for (intptr_t j0 = 0; j0 < n; j0 += 32, codes += length / 32 * group_bytes(w)) {                 \
    const float *scales = w->scales + j0 * w->blocks;                                              \
    for (intptr_t i = 0; i < m; i++) {                                                             \
      float total[32] = {0};                                                                       \
      for (intptr_t b = 0; b < w->blocks; b++) {                                                   \
        float part[32] = {0};                                                                      \
        for (intptr_t k = b * each; k < (b + 1) * each; k++)                                       \
          for (intptr_t j = 0; j < 32; j++)                                                        \
            part[j] += x[i * length + k] *                                                         \
                       (float)code_at(codes + k / 32 * group_bytes(w), w->bits, k % 32, j);        \
        for (intptr_t j = 0; j < 32; j++) {                                                        \
          const intptr_t at = b * 32 + j;                                                          \
          const float zero = (float)(w->zeros ? w->zeros[j0 * w->blocks + at] : w->zero);          \
          total[j] += scales[at] * (part[j] - zero * sums[i * w->blocks + b]);                     \
        }                                                                                          \
      }                                                                                            \
      for (intptr_t j = 0; j < 32 && j0 + j < n; j++)                                              \
        y[i * ldy + j0 + j] = total[j] + (bias ? bias[j0 + j] : 0);                                \
    }                                                                                              \
  }

void dl_nbits_f32__scalar(intptr_t m, intptr_t n, const float *x, const float *sums,
                          const dl_nbits_weights *w, const float *bias, float *y, intptr_t ldy) {
  BODY_F32
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void
dl_nbits_f32__avx2(intptr_t m, intptr_t n, const float *x, const float *sums,
                   const dl_nbits_weights *w, const float *bias, float *y, intptr_t ldy) {
  BODY_F32
}
#endif

void dl_nbits_s8__scalar(intptr_t m, intptr_t n, int planes, const int8_t *x, const float *scales,
                         const float *sums, const dl_nbits_weights *w, const float *bias, float *y,
                         intptr_t ldy) {
  const intptr_t each = block_length(w), length = w->blocks * each;
  const uint8_t *codes = w->codes;
  for (intptr_t j0 = 0; j0 < n; j0 += 32, codes += length / 32 * group_bytes(w)) {
    for (intptr_t i = 0; i < m; i++) {
      for (intptr_t j = 0; j < 32 && j0 + j < n; j++) {
        float total = 0;
        for (intptr_t b = 0; b < w->blocks; b++) {
          const intptr_t at = j0 * w->blocks + b * 32 + j;
          int32_t part[3] = {0};
          for (int t = 0; t < planes; t++)
            for (intptr_t k = b * each; k < (b + 1) * each; k++)
              part[t] += x[(i * planes + t) * length + k] *
                         code_at(codes + k / 32 * group_bytes(w), w->bits, k % 32, j);
          float all = (float)(planes == 3 ? part[1] * 256 + part[2] : part[0]);
          if (planes == 3)
            all = fmaf((float)part[0], 65536, all);
          const float zero = (float)(w->zeros ? w->zeros[at] : w->zero);
          all = fmaf(-zero, sums[i * w->blocks + b], all);
          total = fmaf(all, w->scales[at] * scales[i * w->blocks + b], total);
        }
        y[i * ldy + j0 + j] = total + (bias ? bias[j0 + j] : 0);
      }
    }
  }
}

void dl_nbits_stage(intptr_t n, intptr_t blocks, intptr_t length, const float *x, float *y,
                    float *sums) {
  memcpy(y, x, (size_t)n * sizeof(float));
  memset(y + n, 0, (size_t)(blocks * length - n) * sizeof(float));
  for (intptr_t b = 0; b < blocks; b++) {
    float part[8] = {0};
    for (intptr_t k = 0; k < length; k += 8)
      for (intptr_t j = 0; j < 8; j++)
        part[j] += y[b * length + k + j];
    sums[b] =
        ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
  }
}

int dl_nbits_quantize__scalar(intptr_t n, intptr_t blocks, intptr_t length, int planes,
                              const float *x, int8_t *y, float *scales, float *sums) {
  const intptr_t plane = blocks * length;
  const float limit = planes == 1 ? 127 : 127 * 65536;
  int isWhole = 1;
  for (intptr_t b = 0; b < blocks; b++) {
    const intptr_t first = b * length;
    float top = 0;
    for (intptr_t k = first; k < first + length && k < n; k++)
      top = fabsf(x[k]) > top ? fabsf(x[k]) : top;
    const float inverse = top > DL_NBITS_TINY ? limit / top : 0;
    isWhole &= top == 0 || top > DL_NBITS_TINY;
    int32_t total = 0;
    for (intptr_t k = first; k < first + length; k++) {
      const float v = k < n ? x[k] * inverse : 0;
      isWhole &= k >= n || fabsf(x[k]) <= FLT_MAX;
      int32_t code = (int32_t)rintf(v > -limit ? v < limit ? v : limit : -limit);
      total += code;
      if (planes == 3) {
        y[2 * plane + k] = (int8_t)code;
        code = (code + 128) >> 8;
        y[plane + k] = (int8_t)code;
        code = (code + 128) >> 8;
      }
      y[k] = (int8_t)code;
    }
    scales[b] = top / limit;
    sums[b] = (float)total;
  }
  return isWhole;
}

static inline __attribute__((always_inline)) void unpack(intptr_t has, const dl_nbits_weights *w,
                                                         float *y) {
  const intptr_t each = block_length(w), length = w->blocks * each;
  for (intptr_t p = 0; p < 2; p++) {
    if (p * 32 >= has) {
      for (intptr_t k = 0; k < length; k++)
        memset(y + k * 64 + p * 32, 0, 32 * sizeof(float));
      continue;
    }
    const uint8_t *codes = w->codes + p * (length / 32) * group_bytes(w);
    for (intptr_t b = 0; b < w->blocks; b++) {
      const float *scale = w->scales + (p * w->blocks + b) * 32;
      float zero[32];
      for (intptr_t j = 0; j < 32; j++)
        zero[j] = (float)(w->zeros ? w->zeros[(p * w->blocks + b) * 32 + j] : w->zero);
      for (intptr_t k = b * each; k < (b + 1) * each; k++) {
        const int shift = w->bits == 8 ? 8 * (k % 4) : 8 * (k % 4) + (k % 32 < 16 ? 0 : 4);
        const uint32_t mask = w->bits == 8 ? 255 : 15;
        const uint8_t *from =
            codes + k / 32 * group_bytes(w) + (w->bits == 8 ? k % 32 / 4 : k % 16 / 4) * 128;
        for (intptr_t j = 0; j < 32; j++) {
          uint32_t x;
          memcpy(&x, from + 4 * j, 4);
          y[k * 64 + p * 32 + j] = ((float)(int32_t)(x >> shift & mask) - zero[j]) * scale[j];
        }
      }
    }
  }
}

#define WRAPPERS(isa)                                                                              \
  void dl_nbits_unpack__##isa(intptr_t has, const dl_nbits_weights *w, float *y) {                 \
    unpack(has, w, y);                                                                             \
  }
WRAPPERS(scalar)
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
WRAPPERS(avx512)
#pragma clang attribute pop
#endif
