// Where the taps of some neighbouring outputs lie.
#ifndef DL_BYTE_CONV_TAPS_H
#define DL_BYTE_CONV_TAPS_H
#include "../include/byte_images.h"

// The place of an output.
typedef struct dl_byte_place {
  intptr_t image, row, column;
} dl_byte_place;

static inline dl_byte_place dl_byte_place_of(const dl_byte_conv *c, intptr_t output) {
  const intptr_t pixels = c->output[0] * c->output[1];
  dl_byte_place p;
  p.image = output / pixels;
  const intptr_t rest = output - p.image * pixels;
  p.row = rest / c->output[1];
  p.column = rest - p.row * c->output[1];
  return p;
}

static inline void dl_byte_next(const dl_byte_conv *c, dl_byte_place *p) {
  if (++p->column < c->output[1])
    return;
  p->column = 0;
  if (++p->row < c->output[0])
    return;
  p->row = 0;
  p->image++;
}

// Whether taps of a row lie side by side, as their weights do: then they are one tap of more bytes
// wherever all of them are inside of the image.
static inline int dl_byte_rows_are_taps(const dl_byte_conv *c) {
  return c->dilation[1] == 1 && c->pixel_step == 4 * c->fours;
}

// Fills table[tap][8] for the `count` outputs (1 to 8) from *place on, which moves behind them.
// Entries beyond repeat the last output. Taps outside of the image are `border`.
// Where all are inside and are_rows, fills table[row][8] with the first taps of rows and gives 1.
// Where outputs are neighbours far from all edges and `each` is not NULL, *each is the distance
// between their taps and table[..][0] alone is filled; else *each is 0.
static inline __attribute__((always_inline)) int
dl_byte_taps(const dl_byte_conv *c, dl_byte_place *place, intptr_t count, const uint8_t *x,
             const uint8_t *border, const uint8_t **table, const int are_rows, intptr_t *each) {
  intptr_t offset[8], top[8], left[8];
  int is_inside = 1;
  const intptr_t rows = c->taps[0], columns = c->taps[1];
  const intptr_t down = (rows - 1) * c->dilation[0], right = (columns - 1) * c->dilation[1];
  const intptr_t row_step = c->dilation[0] * c->row_step, step = c->dilation[1] * c->pixel_step;
  // Most are neighbours in one row, far from all edges.
  {
    const intptr_t t = place->row * c->stride[0] - c->pad[0];
    const intptr_t l = place->column * c->stride[1] - c->pad[1];
    if (place->column + count <= c->output[1] && t >= 0 && t + down < c->input[0] && l >= 0 &&
        l + (count - 1) * c->stride[1] + right < c->input[1]) {
      const intptr_t apart = c->stride[1] * c->pixel_step;
      const uint8_t *from = x + place->image * c->image_step + t * c->row_step + l * c->pixel_step;
      place->column += count - 1;
      dl_byte_next(c, place);
      if (each) {
        *each = apart;
        for (intptr_t a = 0; a < rows; a++, from += row_step)
          for (intptr_t b = 0; b < (are_rows ? 1 : columns); b++, table += 8)
            table[0] = from + b * step;
        return are_rows;
      }
      for (intptr_t i = 0; i < 8; i++)
        offset[i] = (i < count ? i : count - 1) * apart;
      for (intptr_t a = 0; a < rows; a++, from += row_step) {
        const uint8_t *at = from;
        for (intptr_t b = 0; b < (are_rows ? 1 : columns); b++, table += 8, at += step)
          for (intptr_t i = 0; i < 8; i++)
            table[i] = at + offset[i];
      }
      return are_rows;
    }
  }
  if (each)
    *each = 0;
  for (intptr_t i = 0; i < count; i++) {
    const intptr_t t = place->row * c->stride[0] - c->pad[0];
    const intptr_t l = place->column * c->stride[1] - c->pad[1];
    top[i] = t;
    left[i] = l;
    offset[i] = place->image * c->image_step + t * c->row_step + l * c->pixel_step;
    is_inside &= (t >= 0) & (t + down < c->input[0]) & (l >= 0) & (l + right < c->input[1]);
    dl_byte_next(c, place);
  }
  for (intptr_t i = count; i < 8; i++) {
    top[i] = top[count - 1];
    left[i] = left[count - 1];
    offset[i] = offset[count - 1];
  }
  const int is_row = is_inside && are_rows;
  for (intptr_t a = 0; a < rows; a++)
    for (intptr_t b = 0; b < (is_row ? 1 : columns); b++, table += 8) {
      const intptr_t at = a * row_step + b * step;
      if (is_inside) {
        for (intptr_t i = 0; i < 8; i++)
          table[i] = x + (offset[i] + at);
        continue;
      }
      for (intptr_t i = 0; i < 8; i++) {
        const intptr_t row = top[i] + a * c->dilation[0], column = left[i] + b * c->dilation[1];
        const int is_in = (row >= 0) & (row < c->input[0]) & (column >= 0) & (column < c->input[1]);
        table[i] = is_in ? x + (offset[i] + at) : border;
      }
    }
  return is_row;
}

#endif
