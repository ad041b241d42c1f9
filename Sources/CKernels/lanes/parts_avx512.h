// Parts of sixteen lanes by masks; included within AVX-512 targets, after lanes.h.
#undef LOAD_PART16
#undef STORE_PART16
#define PART_MASK(n) ((__mmask16)((1u << (n)) - 1))
#define LOAD_PART16(v, p, n, fill)                                                                 \
  ((v) = (v16)_mm512_mask_loadu_ps((__m512)(fill), PART_MASK(n), p))
#define STORE_PART16(p, v, n) _mm512_mask_storeu_ps(p, PART_MASK(n), (__m512)(v))
