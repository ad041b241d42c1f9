#include "blocked.h"

#include <string.h>

void dl_blocked_pack_f32(float *to, const dl_blocked_weights *k) {
  const intptr_t steps = k->is_plain ? 1 : k->lanes;
  const intptr_t in_blocks = (k->channels + steps - 1) / steps;
  for (intptr_t block = 0; block < in_blocks; block++) {
    const intptr_t rest = k->channels - block * steps;
    const intptr_t depth = k->is_plain ? 1 : rest < steps ? (rest + 3) / 4 * 4 : steps;
    for (intptr_t j = 0; j < k->blocks; j++)
      for (intptr_t l = 0; l < k->lanes; l++) {
        const intptr_t m = j * k->lanes + l;
        // The channels that this output has weights for.
        const intptr_t start = (m + k->first_output) / k->share * k->part - k->first_channel;
        const intptr_t end = m < k->outputs ? start + k->part : start;
        const float *row = k->weights + m * k->part * k->taps;
        for (intptr_t u = 0; u < depth; u++) {
          const intptr_t c = block * steps + u;
          const int isThere = c >= start && c < end && c < k->channels;
          const float *from = row + (isThere ? c - start : 0) * k->taps;
          float *place = to + (u * k->blocks + j) * k->lanes + l;
          for (intptr_t t = 0; t < k->taps; t++)
            place[t * depth * k->blocks * k->lanes] = isThere ? from[t] : 0.0f;
        }
      }
    to += k->taps * depth * k->blocks * k->lanes;
  }
}

void dl_blocked_pad_f32(float *to, const float *from, const dl_blocked_padding *p) {
  const intptr_t n = p->pixel;
  const intptr_t left = p->left > 0 ? p->left : 0, skip = left - p->left;
  intptr_t inside = p->width - skip < p->padded - left ? p->width - skip : p->padded - left;
  if (inside < 0)
    inside = 0;
  const intptr_t right = p->padded - left - inside;
  for (intptr_t b = 0; b < p->blocks; b++)
    for (intptr_t r = p->first; r < p->first + p->rows; r++, to += p->padded * n) {
      if (r < 0 || r >= p->height) {
        memset(to, 0, (size_t)(p->padded * n) * sizeof(float));
        continue;
      }
      memset(to, 0, (size_t)(left * n) * sizeof(float));
      if (inside > 0)
        memcpy(to + left * n, from + ((b * p->height + r) * p->width + skip) * n,
               (size_t)(inside * n) * sizeof(float));
      memset(to + (left + inside) * n, 0, (size_t)(right * n) * sizeof(float));
    }
}

void dl_blocked_clear_lanes_f32(float *y, intptr_t pixels, intptr_t first, intptr_t lanes) {
  for (intptr_t p = 0; p < pixels; p++)
    for (intptr_t l = first; l < lanes; l++)
      y[p * lanes + l] = 0.0f;
}

void dl_blocked_scale_f32__scalar(float *to, intptr_t to_step, const float *from,
                                  intptr_t from_step, const float *factor, intptr_t blocks,
                                  intptr_t pixels, intptr_t lanes) {
  for (intptr_t b = 0; b < blocks; b++)
    for (intptr_t p = 0; p < pixels; p++)
      for (intptr_t l = 0; l < lanes; l++)
        to[b * to_step + p * lanes + l] =
            from[b * from_step + p * lanes + l] * factor[b * lanes + l];
}

void dl_blocked_lanes_f32__scalar(float *to, intptr_t pixels, void *const *inputs, intptr_t image,
                                  const dl_blocked_source *sources, const int32_t *index,
                                  intptr_t count, intptr_t lanes) {
  for (intptr_t p = 0; p < pixels; p++)
    for (intptr_t l = 0; l < lanes; l++) {
      float v = 0;
      for (intptr_t k = 0; k < count; k++) {
        const dl_blocked_source *s = sources + k;
        const float *from =
            (const float *)inputs[s->input] + image * s->image_step + s->offset + p * lanes;
        if (index[k * lanes + l] >= 0)
          v = from[index[k * lanes + l]];
      }
      to[p * lanes + l] = v;
    }
}
