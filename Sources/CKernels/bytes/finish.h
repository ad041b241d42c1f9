// From sums to bytes, for vectors of any width.
//
// Whoever includes it has defined the vectors (vectors_512.h, vectors_256.h). All arithmetic runs
// on the units that sum products too, so each instruction less counts.

// Vectors of one output, less their zero point, written over y: `columns` bytes.
INLINE void dl_finish_bytes(const dl_byte_finish *f, const int vectors, const int half, const F *v,
                            uint8_t *y, intptr_t columns) {
  V q[4];
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++)
    q[j] = TO_32(v[j]);
  V a = PACK_32(q[0], q[vectors > 1 ? 1 : 0]);
  V b = vectors > 2 ? PACK_32(q[2], q[vectors > 3 ? 3 : 2]) : a;
  if (f->zero != 0) {
    a = ADDS_16(a, SET_16(f->zero));
    b = vectors > 2 ? ADDS_16(b, SET_16(f->zero)) : a;
  }
  V bytes = PACK_16(a, b);
  if (f->low > 0)
    bytes = MAX_8(bytes, SET_8(f->low));
  if (f->high < 255)
    bytes = MIN_8(bytes, SET_8(f->high));
  dl_store_bytes(y, dl_close_up(bytes, vectors, half), columns);
}

// What the sums of one output stand for.
INLINE void dl_finish_floats(const int is_small, const int vectors, const V *sums,
                             const dl_byte_panel *p, F *v) {
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) {
    if (is_small)
      v[j] = FMA_F(AS_F(sums[j]), LOAD_F(p->scale + LANES * j), LOAD_F(p->base + LANES * j));
    else
      v[j] = MUL_F(TO_F(sums[j]), LOAD_F(p->scale + LANES * j));
    if (p->offset)
      v[j] = ADD_F(v[j], LOAD_F(p->offset + LANES * j));
  }
}

// A result rounded to a step of its own, plus a byte of another image plus 2^23.
INLINE F dl_finish_own(const dl_byte_finish *f, F v, F z) {
  // The bounds come first: they are whole numbers, and the rounded number has room then.
  v = ROUND_F(MIN_F(MAX_F(v, SET_F(f->own_low)), SET_F(f->own_high)));
  return FMA_F(v, SET_F(f->own_factor), FMA_F(z, SET_F(f->z_factor), SET_F(f->z_base)));
}

// Adds another image, of which `given` holds an output's columns side by side.
INLINE void dl_finish_add(const dl_byte_finish *f, const int vectors, const int half, V given,
                          F *v) {
  given = dl_spread_out(given, vectors, half);
  const F factor = SET_F(f->z_factor);
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) {
    F other;
    if (f->z_offset == 0)
      other = FMA_F(PICK_F(given, j), factor, SET_F(f->z_base));
    else
      other = FMA_F(TO_F(PICK(given, j)), factor, SET_F(f->z_offset));
    if (f->has_own) {
      // The bounds come first: they are whole numbers, and the rounded number has room then.
      v[j] = MIN_F(MAX_F(v[j], SET_F(f->own_low)), SET_F(f->own_high));
      v[j] = FMA_F(ROUND_F(v[j]), SET_F(f->own_factor), other);
    } else {
      v[j] = ADD_F(v[j], other);
    }
  }
}

// The sums of `vectors` vectors of one output, written over y: `columns` bytes.
INLINE void dl_finish(const dl_byte_finish *f, const int is_small, const int vectors,
                      const int half, const V *sums, const dl_byte_panel *p, const uint8_t *z,
                      uint8_t *y, intptr_t columns) {
  F v[4];
  dl_finish_floats(is_small, vectors, sums, p, v);
  if (z)
    dl_finish_add(f, vectors, half, dl_load_bytes(z, columns), v);
  // Beyond 16 bits all is clamped alike; a conversion of more than 31 bits would change the sign.
  if (f->is_wide) {
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++)
      v[j] = MIN_F(v[j], SET_F(65536.0f));
  }
  dl_finish_bytes(f, vectors, half, v, y, columns);
}
