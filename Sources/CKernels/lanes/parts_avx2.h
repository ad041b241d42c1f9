// Parts of sixteen lanes by masks, as two halves; included within AVX2 targets, after lanes.h.
#pragma once
#undef LOAD_PART16
#undef STORE_PART16

// The first n of 16 lanes as masks of eight from `at` on.
static inline __m256i dl_part_mask(ptrdiff_t n, int at) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - at), lane);
}

static inline void dl_load_part(v16 *v, const float *p, ptrdiff_t n, const v16 *fill) {
  float *to = (float *)v;
  const float *from = (const float *)fill;
  for (int at = 0; at < 16; at += 8) {
    const __m256i mask = dl_part_mask(n, at);
    const __m256 part = _mm256_maskload_ps(p + at, mask);
    const __m256 rest = _mm256_loadu_ps(from + at);
    _mm256_storeu_ps(to + at, _mm256_blendv_ps(rest, part, _mm256_castsi256_ps(mask)));
  }
}

static inline void dl_store_part(float *p, const v16 *v, ptrdiff_t n) {
  const float *from = (const float *)v;
  for (int at = 0; at < 16; at += 8)
    _mm256_maskstore_ps(p + at, dl_part_mask(n, at), _mm256_loadu_ps(from + at));
}

#define LOAD_PART16(v, p, n, fill)                                                                 \
  do {                                                                                             \
    const v16 fill_ = (fill);                                                                      \
    dl_load_part(&(v), p, n, &fill_);                                                              \
  } while (0)
#define STORE_PART16(p, v, n)                                                                      \
  do {                                                                                             \
    const v16 part_ = (v);                                                                         \
    dl_store_part(p, &part_, n);                                                                   \
  } while (0)
