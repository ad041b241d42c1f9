// Included once for each instruction set, with NAME appending its suffix.

void NAME(dl_norm_short_f32)(const dl_norm_rows *k, const float *x, const float *gain,
                             const float *bias, float *y, float *mean, float *inverse) {
  const ptrdiff_t n = k->n;
  float tile[DL_SHORT_ROW * DL_TURNED] = {0}, shift[DL_TURNED] = {0}, scale[DL_TURNED];
  for (ptrdiff_t r = 0; r < k->rows; r += DL_TURNED) {
    const ptrdiff_t some = k->rows - r < DL_TURNED ? k->rows - r : DL_TURNED;
    NAME(turn)(x + r * n, some, n, tile);
    for (ptrdiff_t j = 0; j < some; j += 16) {
      v16 m = {}, squares = {};
      if (k->centers) {
        for (ptrdiff_t i = 0; i < n; i++)
          m += LOAD16(tile + i * DL_TURNED + j);
        m /= (float)n;
        STORE16(shift + j, m);
      }
      for (ptrdiff_t i = 0; i < n; i++) {
        const v16 d = LOAD16(tile + i * DL_TURNED + j) - m;
        squares += d * d;
      }
      const v16 s = 1.0f / __builtin_elementwise_sqrt(squares / (float)n + (float)k->epsilon);
      STORE16(scale + j, s);
      for (ptrdiff_t i = 0; i < n; i++) {
        float *at = tile + i * DL_TURNED + j;
        const v16 z = (LOAD16(at) - m) * s * gain[i];
        STORE16(at, bias ? z + bias[i] : z);
      }
    }
    TURN_TILES(y + r * n, n * 4, tile, DL_TURNED * 4, n, some);
    if (mean)
      memcpy(mean + r, shift, (size_t)some * sizeof(float));
    if (inverse)
      memcpy(inverse + r, scale, (size_t)some * sizeof(float));
  }
}
