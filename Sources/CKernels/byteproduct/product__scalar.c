#include "byteproduct.h"
#include <string.h>

#include "product_finish.h"

DL_BYTEPRODUCT_BLOCK(dl_byteproduct_u8s8_4x64__scalar) {
  int32_t sums[64];
  const intptr_t panel = (depth + 3) / 4 * 256;
  for (intptr_t j0 = 0; j0 < n; j0 += 64) {
    const intptr_t width = n - j0 < 64 ? n - j0 : 64;
    const int8_t *columns = (const int8_t *)b + j0 / 64 * panel;
    for (intptr_t i = 0; i < m; i++) {
      const uint8_t *row = (const uint8_t *)((const char *)a + i * a_row_bytes);
      memcpy(sums, e->start + j0, sizeof sums);
      for (intptr_t k = 0; k < depth; k++) {
        const int8_t *w = columns + k / 4 * 256 + k % 4;
        for (intptr_t j = 0; j < 64; j++)
          sums[j] = (int32_t)((uint32_t)sums[j] + (uint32_t)(row[k] * w[4 * j]));
      }
      finish(1, width, i, j0, sums, e);
    }
  }
}
