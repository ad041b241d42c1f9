// Blocks put together from lanes of others, for one instruction set. The file that includes it
// includes its vectors and defines NAME.
#include "blocked.h"

#define UNROLL _Pragma("clang loop unroll(full)")

void NAME(float *to, intptr_t pixels, void *const *inputs, intptr_t image,
          const dl_blocked_source *sources, const int32_t *index, intptr_t count) {
  for (intptr_t p = 0; p < pixels; p += 4) {
    // The last four pixels may be done twice.
    const intptr_t at = pixels < 4 ? p : p + 4 <= pixels ? p : pixels - 4;
    const int n = pixels < 4 ? (int)pixels : 4;
    V v[4] = {SPLAT(0), SPLAT(0), SPLAT(0), SPLAT(0)};
    for (intptr_t k = 0; k < count; k++) {
      const dl_blocked_source *s = sources + k;
      const float *from =
          (const float *)inputs[s->input] + image * s->image_step + s->offset + at * LANES;
      const PLACES places = PLACES_AT(index + k * LANES);
      UNROLL for (int i = 0; i < 4; i++) if (i < n) v[i] =
          PICK(v[i], places, LOAD(from + i * LANES));
    }
    UNROLL for (int i = 0; i < 4; i++) if (i < n) STORE(to + (at + i) * LANES, v[i]);
  }
}
