#include "convolution.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

// M outputs at two stretches of up to 16 pixels, `apart` elements from each other in the input and
// `out_apart` in the output.
INLINE void tile(const int M, const dl_plane_conv *k, const float *x, const float *w,
                 const float *bias, float *y, intptr_t apart, intptr_t out_apart, __mmask16 low,
                 __mmask16 high) {
  __m512 s[M][2];
  UNROLL for (int m = 0; m < M; m++) s[m][0] = s[m][1] = _mm512_set1_ps(bias ? bias[m] : 0);
  for (intptr_t c = 0; c < k->channels; c++, x += k->plane) {
    const float *line = x;
    for (intptr_t a = 0; a < k->taps[0]; a++, line += k->row)
      for (intptr_t b = 0; b < k->taps[1]; b++, w += M) {
        const __m512 u = _mm512_loadu_ps(line + b), v = _mm512_loadu_ps(line + b + apart);
        UNROLL for (int m = 0; m < M; m++) {
          const __m512 each = _mm512_set1_ps(w[m]);
          s[m][0] = _mm512_fmadd_ps(each, u, s[m][0]);
          s[m][1] = _mm512_fmadd_ps(each, v, s[m][1]);
        }
      }
  }
  UNROLL for (int m = 0; m < M; m++) {
    float *to = y + m * k->out_plane;
    _mm512_mask_storeu_ps(to, low, s[m][0]);
    if (high)
      _mm512_mask_storeu_ps(to + out_apart, high, s[m][1]);
  }
}

INLINE __mmask16 first(intptr_t n) {
  return n >= 16 ? 0xFFFF : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
}

INLINE void rows(const int M, const dl_plane_conv *k, const float *x, const float *w,
                 const float *bias, float *y) {
  const intptr_t width = k->width;
  if (width > 16) {
    for (intptr_t r = 0; r < k->rows; r++)
      for (intptr_t j = 0; j < width; j += 32)
        tile(M, k, x + r * k->row + j, w, bias, y + r * width + j, 16, 16, first(width - j),
             first(width - j - 16));
    return;
  }
  const __mmask16 mask = first(width);
  for (intptr_t r = 0; r < k->rows; r += 2) {
    const int isPair = r + 1 < k->rows;
    tile(M, k, x + r * k->row, w, bias, y + r * width, isPair ? k->row : 0, width, mask,
         isPair ? mask : 0);
  }
}

void dl_plane_conv_f32__avx512(const dl_plane_conv *k, intptr_t outputs, const float *x,
                               const float *w, const float *bias, float *y) {
  switch (outputs) {
  case 1:
    rows(1, k, x, w, bias, y);
    return;
  case 2:
    rows(2, k, x, w, bias, y);
    return;
  case 3:
    rows(3, k, x, w, bias, y);
    return;
  case 4:
    rows(4, k, x, w, bias, y);
    return;
  case 5:
    rows(5, k, x, w, bias, y);
    return;
  case 6:
    rows(6, k, x, w, bias, y);
    return;
  case 7:
    rows(7, k, x, w, bias, y);
    return;
  default:
    rows(8, k, x, w, bias, y);
  }
}
#pragma clang attribute pop
#endif
