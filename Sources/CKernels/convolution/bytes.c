#include "convolution.h"
#include "range.h"

#include <string.h>

void dl_byte_columns(uint8_t *to, const uint8_t *x, const dl_window *w, intptr_t channels,
                     intptr_t first, intptr_t n, uint8_t fill) {
  const intptr_t s = w->stride[2], row = w->output[2];
  const intptr_t plane = w->input[0] * w->input[1] * w->input[2];
  const intptr_t o0 = first % row, oh0 = first / row % w->output[1];
  const intptr_t d0 = first / row / w->output[1] * w->stride[0] - w->pad[0];
  for (intptr_t channel = 0; channel < channels; channel++, x += plane)
    for (intptr_t a = 0; a < w->kernel[0]; a++)
      for (intptr_t b = 0; b < w->kernel[1]; b++)
        for (intptr_t c = 0; c < w->kernel[2]; c++, to += n) {
          const intptr_t offset = c * w->dilation[2] - w->pad[2];
          const intptr_t low = dl_first_inside(offset, s);
          const intptr_t high = dl_end_inside(offset, s, w->input[2], row);
          /* Stretches of one row of the output each. */
          intptr_t o = o0, oh = oh0, d = d0 + a * w->dilation[0];
          for (intptr_t done = 0; done < n; o = 0) {
            const intptr_t count = row - o < n - done ? row - o : n - done;
            const intptr_t h = oh * w->stride[1] - w->pad[1] + b * w->dilation[1];
            uint8_t *y = to + done - o;
            intptr_t i = o, end = o + count;
            done += count;
            if (d >= 0 && d < w->input[0] && h >= 0 && h < w->input[1]) {
              const uint8_t *from = x + (d * w->input[1] + h) * w->input[2];
              const intptr_t last = high < end ? high : end;
              for (; i < end && i < low; i++)
                y[i] = fill;
              if (s == 1 && i < last) {
                memcpy(y + i, from + offset + i, (size_t)(last - i));
                i = last;
              }
              if (s == 2)
                for (; i < last; i++)
                  y[i] = from[offset + 2 * i];
              for (; i < last; i++)
                y[i] = from[offset + i * s];
            }
            for (; i < end; i++)
              y[i] = fill;
            if (++oh == w->output[1])
              oh = 0, d += w->stride[0];
          }
        }
}

#define NAME(f) f##__scalar
#include "byte_taps_body.h"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#include "byte_taps_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2"))),   \
                             apply_to = function)
#define NAME(f) f##__avx512_plain
static
#include "byte_taps_body.h"
#undef NAME
#include <immintrin.h>

    // The lowest n of 64 bits.
    static inline uint64_t
    below(intptr_t n) {
  return _bzhi_u64(~0ull, n < 0 ? 0 : n < 64 ? (unsigned)n : 64);
}

// The codes at p[0], p[s], ... of the places in k; s is 1 or 2.
static inline __attribute__((always_inline)) __m512i spaced(const uint8_t *p, __mmask16 k,
                                                            intptr_t s, int is_signed) {
  if (s == 1) {
    const __m128i x = _mm_maskz_loadu_epi8(k, p);
    return is_signed ? _mm512_cvtepi8_epi32(x) : _mm512_cvtepu8_epi32(x);
  }
  const __m256i x = _mm256_maskz_loadu_epi8(_pdep_u32(k, 0x55555555u), p);
  return is_signed ? _mm512_cvtepi16_epi32(_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8))
                   : _mm512_cvtepu16_epi32(x);
}

// 64 places of a row at a time stay in registers while taps pass by. A code less its zero point and
// a tap fit 16 bits, so that a product of these is one of 32.
static inline __attribute__((always_inline)) void add_row(uint32_t *row, const uint8_t *x,
                                                          const int32_t *taps, const dl_window *w,
                                                          int32_t zero, intptr_t od, intptr_t oh,
                                                          intptr_t s, int is_signed) {
  const intptr_t n = w->output[2];
  const __m512i z = _mm512_set1_epi32(zero);
  for (intptr_t j = 0; j < n; j += 64) {
    __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                      _mm512_setzero_si512()};
    const int32_t *next = taps;
    for (intptr_t a = 0; a < w->kernel[0]; a++) {
      const intptr_t d = od * w->stride[0] - w->pad[0] + a * w->dilation[0];
      for (intptr_t b = 0; b < w->kernel[1]; b++, next += w->kernel[2]) {
        const intptr_t h = oh * w->stride[1] - w->pad[1] + b * w->dilation[1];
        if (d < 0 || d >= w->input[0] || h < 0 || h >= w->input[1])
          continue;
        const uint8_t *from = x + (d * w->input[1] + h) * w->input[2];
        for (intptr_t c = 0; c < w->kernel[2]; c++) {
          const intptr_t offset = c * w->dilation[2] - w->pad[2];
          const uint64_t inside = below(dl_end_inside(offset, s, w->input[2], n) - j) &
                                  ~below(dl_first_inside(offset, s) - j);
          const __m512i t = _mm512_set1_epi32(next[c] & 0xFFFF);
#pragma clang loop unroll(full)
          for (int q = 0; q < 4; q++) {
            const __mmask16 k = (__mmask16)(inside >> (16 * q));
            const __m512i v = spaced(from + offset + (j + 16 * q) * s, k, s, is_signed);
            sum[q] =
                _mm512_add_epi32(sum[q], _mm512_madd_epi16(_mm512_maskz_sub_epi32(k, v, z), t));
          }
        }
      }
    }
    const uint64_t there = below(n - j);
    for (int q = 0; q < 4; q++)
      _mm512_mask_storeu_epi32(row + j + 16 * q, (__mmask16)(there >> (16 * q)), sum[q]);
  }
}

void dl_byte_taps__avx512(int32_t *sums, const uint8_t *x, const int32_t *taps, const dl_window *w,
                          int32_t zero, int is_signed) {
  const intptr_t s = w->stride[2];
  if (s > 2) {
    dl_byte_taps__avx512_plain(sums, x, taps, w, zero, is_signed);
    return;
  }
  uint32_t *row = (uint32_t *)sums;
  for (intptr_t od = 0; od < w->output[0]; od++)
    for (intptr_t oh = 0; oh < w->output[1]; oh++, row += w->output[2])
      if (s == 1 && is_signed)
        add_row(row, x, taps, w, zero, od, oh, 1, 1);
      else if (s == 1)
        add_row(row, x, taps, w, zero, od, oh, 1, 0);
      else
        add_row(row, x, taps, w, zero, od, oh, 2, is_signed);
}
#pragma clang attribute pop
#endif
