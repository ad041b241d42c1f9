#include "../include/chain.h"
#include <string.h>

struct walk {
  size_t place[DL_CHAIN_AXES];
  // Elements before the current outer place, of each input and of the outputs.
  size_t base[DL_CHAIN_INPUTS];
  size_t at;
};

static size_t up(size_t n, size_t step) { return (n + step - 1) / step; }

size_t dl_chain_tiles(const struct dl_chain *c) {
  size_t n = up(c->sizes[c->rank - 2], c->rows) * up(c->sizes[c->rank - 1], c->columns);
  for (int i = 0; i < c->rank - 2; i++)
    n *= c->sizes[i];
  return n;
}

// The outer place number `outer`.
static void start(const struct dl_chain *c, struct walk *w, size_t outer) {
  memset(w->base, 0, sizeof w->base);
  w->at = outer * c->sizes[c->rank - 2] * c->sizes[c->rank - 1];
  for (int i = c->rank - 3; i >= 0; i--) {
    w->place[i] = outer % c->sizes[i];
    outer /= c->sizes[i];
    for (int k = 0; k < c->inputs; k++)
      w->base[k] += w->place[i] * c->input[k].strides[i];
  }
}

static void advance(const struct dl_chain *c, struct walk *w) {
  w->at += c->sizes[c->rank - 2] * c->sizes[c->rank - 1];
  for (int i = c->rank - 3; i >= 0; i--) {
    w->place[i]++;
    for (int k = 0; k < c->inputs; k++)
      w->base[k] += c->input[k].strides[i];
    if (w->place[i] < c->sizes[i])
      return;
    for (int k = 0; k < c->inputs; k++)
      w->base[k] -= c->sizes[i] * c->input[k].strides[i];
    w->place[i] = 0;
  }
}

#define SPREAD(T)                                                                                  \
  static void spread_##T(const T *x, T *y, size_t rows, size_t columns, size_t down,               \
                         size_t along) {                                                           \
    for (size_t r = 0; r < rows; r++, x += down, y += columns) {                                   \
      if (along == 0) {                                                                            \
        const T v = *x;                                                                            \
        for (size_t i = 0; i < columns; i++)                                                       \
          y[i] = v;                                                                                \
      } else if (along == 1) {                                                                     \
        for (size_t i = 0; i < columns; i++)                                                       \
          y[i] = x[i];                                                                             \
      } else {                                                                                     \
        for (size_t i = 0; i < columns; i++)                                                       \
          y[i] = x[i * along];                                                                     \
      }                                                                                            \
    }                                                                                              \
  }
SPREAD(uint8_t)
SPREAD(uint16_t)
SPREAD(uint32_t)
SPREAD(uint64_t)

static void spread(const char *x, char *y, size_t rows, size_t columns, size_t down, size_t along,
                   int width) {
  switch (width) {
  case 1:
    spread_uint8_t((const uint8_t *)x, (uint8_t *)y, rows, columns, down, along);
    break;
  case 2:
    spread_uint16_t((const uint16_t *)x, (uint16_t *)y, rows, columns, down, along);
    break;
  case 4:
    spread_uint32_t((const uint32_t *)x, (uint32_t *)y, rows, columns, down, along);
    break;
  default:
    spread_uint64_t((const uint64_t *)x, (uint64_t *)y, rows, columns, down, along);
  }
}

static void step(const struct dl_chain_step *s, char *const *v, const size_t *stride, size_t n) {
  switch (s->kind) {
  case DL_STEP_UNARY:
    s->run.unary(v[s->a], v[s->y], n, s->p);
    break;
  case DL_STEP_BINARY:
    s->run.binary(v[s->a], v[s->b], v[s->y], n, stride[s->a], stride[s->b]);
    break;
  case DL_STEP_WHERE:
    s->run.where((const uint8_t *)v[s->a], v[s->b], v[s->c], v[s->y], n, stride[s->a], stride[s->b],
                 stride[s->c]);
    break;
  case DL_STEP_CAST:
    s->run.cast(v[s->a], v[s->y], n);
    break;
  default:
    s->run.program(s->program, v, n);
  }
}

void dl_chain_run(const struct dl_chain *c, const void *const *inputs, void *const *outputs,
                  size_t first, size_t last) {
  _Alignas(64) char tiles[DL_CHAIN_BYTES];
  char *value[DL_CHAIN_VALUES];
  size_t stride[DL_CHAIN_VALUES];
  const char *spread_from[DL_CHAIN_INPUTS] = {0};
  size_t spread_rows[DL_CHAIN_INPUTS] = {0}, spread_columns[DL_CHAIN_INPUTS] = {0};
  const int up_axis = c->rank - 2, along_axis = c->rank - 1;
  const size_t height = c->sizes[up_axis], width = c->sizes[along_axis];
  const size_t down_tiles = up(height, c->rows), along_tiles = up(width, c->columns);
  const size_t each = down_tiles * along_tiles;
  if (first >= last)
    return;
  struct walk w;
  start(c, &w, first / each);
  size_t row = first % each / along_tiles, column = first % along_tiles;
  for (int i = c->inputs; i < DL_CHAIN_VALUES; i++)
    stride[i] = 1;
  for (size_t tile = first; tile < last; tile++) {
    const size_t r = row * c->rows, k = column * c->columns;
    const size_t rows = height - r < c->rows ? height - r : c->rows;
    const size_t columns = width - k < c->columns ? width - k : c->columns;
    const size_t n = rows * columns, at = w.at + r * width + k;
    for (int i = 0; i < c->inputs; i++) {
      const struct dl_chain_input *in = &c->input[i];
      char *x = (char *)inputs[i];
      if (in->kind == DL_INPUT_SAME) {
        value[i] = x + at * in->width;
        stride[i] = 1;
        continue;
      }
      x += (w.base[i] + r * in->strides[up_axis] + k * in->strides[along_axis]) * in->width;
      if (in->kind == DL_INPUT_PLAIN) {
        value[i] = x;
        stride[i] = in->strides[along_axis];
        continue;
      }
      value[i] = tiles + in->offset_bytes;
      stride[i] = 1;
      // What repeats from tile to tile is laid out once.
      if (spread_from[i] == x && spread_columns[i] == columns && spread_rows[i] >= rows)
        continue;
      spread(x, tiles + in->offset_bytes, rows, columns, in->strides[up_axis],
             in->strides[along_axis], in->width);
      spread_from[i] = x;
      spread_columns[i] = columns;
      spread_rows[i] = rows;
    }
    for (int i = 0; i < c->made; i++) {
      const struct dl_chain_value *v = &c->value[i];
      value[c->inputs + i] =
          v->output < 0 ? tiles + v->offset_bytes : (char *)outputs[v->output] + at * v->width;
    }
    for (int i = 0; i < c->steps; i++)
      step(&c->step[i], value, stride, n);
    if (++column < along_tiles)
      continue;
    column = 0;
    if (++row < down_tiles)
      continue;
    row = 0;
    advance(c, &w);
  }
}
