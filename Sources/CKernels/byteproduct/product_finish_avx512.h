// From sums [m][64] of a tile at row i0 and column j0 to memory.
#define FINISH_INLINE static inline __attribute__((always_inline))

FINISH_INLINE __mmask16 lanes_left(intptr_t n) {
  return n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1);
}

// The sums of columns j0 + j on of one row, less what zero points of B add.
FINISH_INLINE __m512i finish_sum(const int32_t *sums, intptr_t i, intptr_t j, intptr_t j0,
                                 const dl_byteproduct_finish *e) {
  const __m512i t = _mm512_load_si512(sums + j);
  if (!e->row)
    return t;
  return _mm512_sub_epi32(
      t, _mm512_mullo_epi32(_mm512_set1_epi32(e->row[i]), _mm512_loadu_si512(e->column + j0 + j)));
}

// Up to the bias: what comes before the function.
FINISH_INLINE __m512 finish_first(__m512i t, intptr_t j, const dl_byteproduct_finish *e) {
  __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(t), _mm512_loadu_ps(e->scale + j));
  if (e->rounds) {
    // The second operand is the result where the first is NaN.
    v = _mm512_max_ps(v, _mm512_set1_ps(e->round_low));
    v = _mm512_min_ps(v, _mm512_set1_ps(e->round_high));
    v = _mm512_mul_ps(_mm512_roundscale_ps(v, 8), _mm512_set1_ps(e->round_scale));
  }
  return e->bias ? _mm512_add_ps(v, _mm512_loadu_ps(e->bias + j)) : v;
}

// The residual of 16 elements from `at` on.
FINISH_INLINE __m512 finish_residual(__m512 v, __mmask16 mask, intptr_t at,
                                     const dl_byteproduct_finish *e) {
  if (e->residual_kind == 0)
    return _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, (const float *)e->residual + at));
  const __m128i code = _mm_maskz_loadu_epi8(mask, (const uint8_t *)e->residual + at);
  const __m512i wide =
      e->residual_kind == 2 ? _mm512_cvtepi8_epi32(code) : _mm512_cvtepu8_epi32(code);
  const __m512i x = _mm512_sub_epi32(wide, _mm512_set1_epi32(e->residual_zero));
  return _mm512_add_ps(v, _mm512_mul_ps(_mm512_cvtepi32_ps(x), _mm512_set1_ps(e->residual_scale)));
}

FINISH_INLINE __m512i finish_code(__m512 v, const dl_byteproduct_finish *e) {
  v = _mm512_mul_ps(v, _mm512_set1_ps(e->inverse));
  v = _mm512_max_ps(v, _mm512_set1_ps(e->low));
  v = _mm512_min_ps(v, _mm512_set1_ps(e->high));
  return _mm512_cvtps_epi32(v);
}

// 64 codes from 4 vectors: packing works within 128 bits, so that the parts are put in order last.
FINISH_INLINE void finish_store(const __m512i q[4], intptr_t n, uint8_t *y,
                                const dl_byteproduct_finish *e) {
  const __m512i zero = _mm512_set1_epi16((int16_t)(e->zero + (e->is_signed ? 128 : 0)));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i x = _mm512_adds_epi16(_mm512_packs_epi32(q[0], q[1]), zero);
  const __m512i z = _mm512_adds_epi16(_mm512_packs_epi32(q[2], q[3]), zero);
  __m512i c = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(x, z));
  if (e->is_signed)
    c = _mm512_xor_si512(c, _mm512_set1_epi8((char)0x80));
  if (n >= 64)
    _mm512_storeu_si512(y, c);
  else
    _mm512_mask_storeu_epi8(y, ((__mmask64)1 << n) - 1, c);
}

// Whole panels whose sums are as they are, with nothing added but a bias.
FINISH_INLINE void finish_usual(intptr_t m, intptr_t i0, intptr_t j0, const int32_t *sums,
                                const dl_byteproduct_finish *e, const int rounds,
                                const int output) {
  __m512 scale[4], bias[4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    scale[j] = _mm512_loadu_ps(e->scale + j0 + 16 * j);
    // -0 changes no number that it is added to.
    bias[j] = e->bias ? _mm512_loadu_ps(e->bias + j0 + 16 * j) : _mm512_set1_ps(-0.0f);
  }
  for (intptr_t i = 0; i < m; i++) {
    __m512i q[4];
    const intptr_t at = (i0 + i) * e->y_row + j0;
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      const __m512i sum = _mm512_load_si512(sums + i * 64 + 16 * j);
      __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale[j]);
      if (rounds) {
        v = _mm512_max_ps(v, _mm512_set1_ps(e->round_low));
        v = _mm512_min_ps(v, _mm512_set1_ps(e->round_high));
        v = _mm512_mul_ps(_mm512_roundscale_ps(v, 8), _mm512_set1_ps(e->round_scale));
      }
      v = _mm512_add_ps(v, bias[j]);
      if (output == dl_byteproduct_floats)
        _mm512_storeu_ps((float *)e->y + at + 16 * j, v);
      else
        q[j] = finish_code(v, e);
    }
    if (output == dl_byteproduct_codes)
      finish_store(q, 64, (uint8_t *)e->y + at, e);
  }
}

static void finish(intptr_t m, intptr_t n, intptr_t i0, intptr_t j0, int32_t *sums,
                   const dl_byteproduct_finish *e) {
  if (e->output == dl_byteproduct_sums) {
    for (intptr_t i = 0; i < m; i++)
      for (intptr_t j = 0; j < n; j += 16)
        _mm512_mask_storeu_epi32((int32_t *)e->y + (i0 + i) * e->y_row + j0 + j, lanes_left(n - j),
                                 finish_sum(sums + i * 64, i0 + i, j, j0, e));
    return;
  }
  const int hasFunction = e->function != NULL;
  if (hasFunction) {
    for (intptr_t i = 0; i < m; i++)
      for (intptr_t j = 0; j < n; j += 16) {
        int32_t *at = sums + i * 64 + j;
        const __m512i t = finish_sum(sums + i * 64, i0 + i, j, j0, e);
        _mm512_store_ps((float *)at, finish_first(t, j0 + j, e));
      }
    // Whole panels in one call, narrower ones row by row.
    if (n > 48)
      e->function(sums, sums, (size_t)(m * 64), e->parameters);
    else
      for (intptr_t i = 0; i < m; i++)
        e->function(sums + i * 64, sums + i * 64, (size_t)n, e->parameters);
  }
  // The usual ends with what they do settled, from a copy that stores of bytes cannot change.
  const dl_byteproduct_finish own = *e;
  if (n == 64 && !own.row && !own.residual && !hasFunction) {
    if (own.rounds && own.output == dl_byteproduct_codes)
      finish_usual(m, i0, j0, sums, &own, 1, dl_byteproduct_codes);
    else if (own.output == dl_byteproduct_codes)
      finish_usual(m, i0, j0, sums, &own, 0, dl_byteproduct_codes);
    else if (own.rounds)
      finish_usual(m, i0, j0, sums, &own, 1, dl_byteproduct_floats);
    else
      finish_usual(m, i0, j0, sums, &own, 0, dl_byteproduct_floats);
    return;
  }
  e = &own;
  for (intptr_t i = 0; i < m; i++) {
    __m512i q[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                    _mm512_setzero_si512()};
    const int32_t *from = sums + i * 64;
#pragma clang loop unroll(full)
    for (intptr_t j = 0; j < 64; j += 16) {
      if (j < n) {
        const __mmask16 mask = lanes_left(n - j);
        __m512 v = hasFunction ? _mm512_load_ps((const float *)from + j)
                               : finish_first(finish_sum(from, i0 + i, j, j0, e), j0 + j, e);
        if (e->residual)
          v = finish_residual(v, mask, (i0 + i) * e->residual_row + j0 + j, e);
        if (e->output == dl_byteproduct_floats)
          _mm512_mask_storeu_ps((float *)e->y + (i0 + i) * e->y_row + j0 + j, mask, v);
        else
          q[j / 16] = finish_code(v, e);
      }
    }
    if (e->output == dl_byteproduct_codes)
      finish_store(q, n, (uint8_t *)e->y + (i0 + i) * e->y_row + j0, e);
  }
}
