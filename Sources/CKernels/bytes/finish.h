// From sums to bytes, for vectors of any width.
//
// Whoever includes it has defined the vectors (vectors_512.h, vectors_256.h).

// The sums of `vectors` vectors of one output, written over y: `columns` bytes.
INLINE void dl_finish(const dl_byte_finish *f, const int vectors, const V *sums, const float *scale,
                      const float *offset, const uint8_t *z, uint8_t *y, intptr_t columns) {
  F v[4];
  V q[4];
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) {
    v[j] = MUL_F(TO_F(sums[j]), LOAD_F(scale + LANES * j));
    if (offset)
      v[j] = ADD_F(v[j], LOAD_F(offset + LANES * j));
  }
  if (z) {
    const V given = dl_spread_out(dl_load_bytes(z, columns), vectors);
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) {
      const F other = FMA_F(TO_F(PICK(given, j)), SET_F(f->z_factor), SET_F(f->z_offset));
      if (f->has_own) {
        // The bounds come first: they are whole numbers, and the rounded number has room then.
        v[j] = MIN_F(MAX_F(v[j], SET_F(f->own_low)), SET_F(f->own_high));
        v[j] = FMA_F(ROUND_F(v[j]), SET_F(f->own_factor), other);
      } else {
        v[j] = ADD_F(v[j], other);
      }
    }
  }
  // Beyond 16 bits all is clamped alike; a conversion of more than 31 bits would change the sign.
  if (f->is_wide) {
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++)
      v[j] = MIN_F(v[j], SET_F(65536.0f));
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++)
    q[j] = TO_32(v[j]);
  const V zero = SET_16(f->zero);
  const V a = ADDS_16(PACK_32(q[0], q[vectors > 1 ? 1 : 0]), zero);
  const V b = vectors > 2 ? ADDS_16(PACK_32(q[2], q[vectors > 3 ? 3 : 2]), zero) : a;
  const V bytes = MIN_8(MAX_8(PACK_16(a, b), SET_8(f->low)), SET_8(f->high));
  dl_store_bytes(y, dl_close_up(bytes, vectors), columns);
}
