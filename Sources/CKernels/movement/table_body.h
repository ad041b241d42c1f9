// Included once for each instruction set, with NAME appending its suffix; the compiler turns the
// repeats into shuffles.

#define REPEAT(T, N)                                                                               \
  {                                                                                                \
    T *restrict to = target;                                                                       \
    const T *restrict from = source;                                                               \
    for (int64_t i = 0; i < count; i++)                                                            \
      for (int j = 0; j < (N); j++)                                                                \
        to[i * (N) + j] = from[i];                                                                 \
    return;                                                                                        \
  }
#define REPEAT_BY_WIDTH(N)                                                                         \
  switch (block) {                                                                                 \
  case 1:                                                                                          \
    REPEAT(uint8_t, N)                                                                             \
  case 2:                                                                                          \
    REPEAT(uint16_t, N)                                                                            \
  case 4:                                                                                          \
    REPEAT(uint32_t, N)                                                                            \
  default:                                                                                         \
    REPEAT(uint64_t, N)                                                                            \
  }

static void NAME(repeat_blocks)(void *target, const void *source, int64_t count, int64_t times,
                                int64_t block) {
  if (times == 2)
    REPEAT_BY_WIDTH(2)
  if (times == 3)
    REPEAT_BY_WIDTH(3)
  REPEAT_BY_WIDTH(4)
}
#undef REPEAT
#undef REPEAT_BY_WIDTH

#define TAKE(W)                                                                                    \
  for (int64_t i = 0; i < count; i++)                                                              \
    memcpy(to + i * (W), from + offsets[i], (size_t)(W));
static inline __attribute__((always_inline)) void
NAME(take)(char *to, const char *from, const int64_t *offsets, int64_t count, int64_t block) {
  switch (block) {
  case 1:
    TAKE(1) break;
  case 2:
    TAKE(2) break;
  case 4:
    TAKE(4) break;
  case 8:
    TAKE(8) break;
  default:
    TAKE(block)
  }
}
#undef TAKE

void NAME(dl_gather_rows)(const dl_row_table *t, void *target, const void *source,
                          const int64_t *rows, int64_t count) {
  char *to = target;
  const int64_t bytes = t->last * t->block;
  for (int64_t r = 0; r < count; r++, to += bytes) {
    if (r > 0 && rows[r] == rows[r - 1]) {
      memcpy(to, to - bytes, (size_t)bytes);
      continue;
    }
    const char *from = (const char *)source + rows[r];
    if (t->repeats > 1) {
      NAME(repeat_blocks)(to, from + t->offsets[0], t->last / t->repeats, t->repeats, t->block);
      continue;
    }
    int64_t at = 0;
    for (int64_t s = 0; s < t->stretches; s++) {
      const int64_t some = t->lengths[s] < 0 ? -t->lengths[s] : t->lengths[s];
      if (t->lengths[s] < 0)
        memcpy(to + at * t->block, from + t->offsets[at], (size_t)(some * t->block));
      else
        NAME(take)(to + at * t->block, from, t->offsets + at, some, t->block);
      at += some;
    }
  }
}
