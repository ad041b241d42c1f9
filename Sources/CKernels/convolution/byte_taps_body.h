// Included once for each instruction set, with NAME appending its suffix. The compiler makes
// vectors of these loops.

#define ADD_TAP(STEP, TYPE)                                                                        \
  for (intptr_t j = first; j < end; j++)                                                           \
  row[j] += t * (uint32_t)((int32_t)((const TYPE *)from)[offset + j * (STEP)] - zero)
#define ADD_TAPS(TYPE)                                                                             \
  if (s == 1)                                                                                      \
    ADD_TAP(1, TYPE);                                                                              \
  else if (s == 2)                                                                                 \
    ADD_TAP(2, TYPE);                                                                              \
  else                                                                                             \
    ADD_TAP(s, TYPE)

void NAME(dl_byte_taps)(int32_t *sums, const uint8_t *x, const int32_t *taps, const dl_window *w,
                        int32_t zero, int is_signed) {
  const intptr_t s = w->stride[2], n = w->output[2];
  uint32_t *restrict row = (uint32_t *)sums;
  for (intptr_t od = 0; od < w->output[0]; od++)
    for (intptr_t oh = 0; oh < w->output[1]; oh++, row += n) {
      for (intptr_t j = 0; j < n; j++)
        row[j] = 0;
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
            const intptr_t first = dl_first_inside(offset, s);
            const intptr_t end = dl_end_inside(offset, s, w->input[2], n);
            const uint32_t t = (uint32_t)next[c];
            if (is_signed) {
              ADD_TAPS(int8_t);
            } else {
              ADD_TAPS(uint8_t);
            }
          }
        }
      }
    }
}

#undef ADD_TAP
#undef ADD_TAPS
