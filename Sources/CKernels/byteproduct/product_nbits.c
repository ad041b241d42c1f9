#include "nbits.h"
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

#define BODY_F32                                                                                   \
  const intptr_t length = w->blocks * w->sub * 32;                                                 \
  const uint8_t *codes = w->codes;                                                                 \
  for (intptr_t j0 = 0; j0 < n; j0 += 32, codes += w->blocks * w->sub * group_bytes(w)) {          \
    const float *scales = w->scales + j0 * w->blocks;                                              \
    for (intptr_t i = 0; i < m; i++) {                                                             \
      float total[32] = {0};                                                                       \
      for (intptr_t b = 0; b < w->blocks; b++) {                                                   \
        float part[32] = {0};                                                                      \
        for (intptr_t s = 0; s < w->sub; s++) {                                                    \
          const uint8_t *group = codes + (b * w->sub + s) * group_bytes(w);                        \
          const float *row = x + i * length + (b * w->sub + s) * 32;                               \
          for (intptr_t k = 0; k < 32; k++)                                                        \
            for (intptr_t j = 0; j < 32; j++)                                                      \
              part[j] += row[k] * (float)code_at(group, w->bits, k, j);                            \
        }                                                                                          \
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

void dl_nbits_s8__scalar(intptr_t m, intptr_t n, const int8_t *x, const float *scales,
                         const int32_t *sums, const dl_nbits_weights *w, const float *bias,
                         float *y, intptr_t ldy) {
  const intptr_t length = w->blocks * w->sub * 32;
  const uint8_t *codes = w->codes;
  for (intptr_t j0 = 0; j0 < n; j0 += 32, codes += w->blocks * w->sub * group_bytes(w)) {
    for (intptr_t i = 0; i < m; i++) {
      for (intptr_t j = 0; j < 32 && j0 + j < n; j++) {
        float total = 0;
        for (intptr_t b = 0; b < w->blocks; b++) {
          const intptr_t at = j0 * w->blocks + b * 32 + j;
          int32_t part = -(w->zeros ? w->zeros[at] : w->zero) * sums[i * w->blocks + b];
          for (intptr_t k = 0; k < w->sub * 32; k++) {
            const uint8_t *group = codes + (b * w->sub + k / 32) * group_bytes(w);
            part += x[i * length + b * w->sub * 32 + k] * code_at(group, w->bits, k % 32, j);
          }
          total = fmaf((float)part, w->scales[at] * scales[i * w->blocks + b], total);
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

static inline __attribute__((always_inline)) void
quantize_block(intptr_t length, const float *x, int8_t *y, float *scale, int32_t *sum) {
  float most[16] = {0};
  for (intptr_t k = 0; k < length; k += 16)
    for (intptr_t j = 0; j < 16; j++) {
      const float v = fabsf(x[k + j]);
      most[j] = v > most[j] ? v : most[j];
    }
  float top = 0;
  for (intptr_t j = 0; j < 16; j++)
    top = most[j] > top ? most[j] : top;
  const float inverse = top > 0 ? 127 / top : 0;
  int32_t total = 0;
  for (intptr_t k = 0; k < length; k++) {
    float v = x[k] * inverse;
    v = v > -127 ? v : -127;
    v = v < 127 ? v : 127;
    const int32_t code = (int32_t)rintf(v);
    y[k] = (int8_t)code;
    total += code;
  }
  *scale = top / 127;
  *sum = total;
}

static inline __attribute__((always_inline)) void quantize(intptr_t n, intptr_t blocks,
                                                           intptr_t length, const float *x,
                                                           int8_t *y, float *scales,
                                                           int32_t *sums) {
  for (intptr_t b = 0; b < blocks; b++) {
    const intptr_t first = b * length, has = n - first < length ? n - first : length;
    if (has == length) {
      quantize_block(length, x + first, y + first, scales + b, sums + b);
      continue;
    }
    // The last block may be shorter; blocks are taken 32 steps at a time.
    float last[32], top = 0;
    for (intptr_t k = 0; k < has; k++)
      top = fabsf(x[first + k]) > top ? fabsf(x[first + k]) : top;
    const float inverse = top > 0 ? 127 / top : 0;
    scales[b] = top / 127;
    sums[b] = 0;
    for (intptr_t k = 0; k < length; k++) {
      last[k % 32] = k < has ? x[first + k] * inverse : 0;
      float v = last[k % 32];
      v = v > -127 ? v : -127;
      v = v < 127 ? v : 127;
      y[first + k] = (int8_t)rintf(v);
      sums[b] += y[first + k];
    }
  }
}

static inline __attribute__((always_inline)) void unpack(intptr_t has, const dl_nbits_weights *w,
                                                         float *y) {
  for (intptr_t p = 0; p < 2; p++) {
    if (p * 32 >= has) {
      for (intptr_t k = 0; k < w->blocks * w->sub * 32; k++)
        memset(y + k * 64 + p * 32, 0, 32 * sizeof(float));
      continue;
    }
    const uint8_t *codes = w->codes + p * w->blocks * w->sub * group_bytes(w);
    for (intptr_t b = 0; b < w->blocks; b++) {
      const float *scale = w->scales + (p * w->blocks + b) * 32;
      float zero[32];
      for (intptr_t j = 0; j < 32; j++)
        zero[j] = (float)(w->zeros ? w->zeros[(p * w->blocks + b) * 32 + j] : w->zero);
      for (intptr_t s = 0; s < w->sub; s++) {
        const uint8_t *group = codes + (b * w->sub + s) * group_bytes(w);
        float *to = y + (b * w->sub + s) * 32 * 64 + p * 32;
        for (intptr_t k = 0; k < 32; k++) {
          const int shift = w->bits == 8 ? 8 * (k % 4) : 8 * (k % 4) + (k < 16 ? 0 : 4);
          const uint32_t mask = w->bits == 8 ? 255 : 15;
          const uint8_t *from = group + (w->bits == 8 ? k / 4 : k % 16 / 4) * 128;
          for (intptr_t j = 0; j < 32; j++) {
            uint32_t x;
            memcpy(&x, from + 4 * j, 4);
            to[k * 64 + j] = ((float)(int32_t)(x >> shift & mask) - zero[j]) * scale[j];
          }
        }
      }
    }
  }
}

#define WRAPPERS(isa)                                                                              \
  void dl_nbits_quantize__##isa(intptr_t n, intptr_t blocks, intptr_t length, const float *x,      \
                                int8_t *y, float *scales, int32_t *sums) {                         \
    quantize(n, blocks, length, x, y, scales, sums);                                               \
  }                                                                                                \
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
