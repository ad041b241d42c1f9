#include <string.h>

#include "../include/byte_images.h"

void dl_byte_to_pixels_u8(uint8_t *y, const uint8_t *x, intptr_t pixels, intptr_t plane,
                          intptr_t channels, intptr_t step, uint8_t flip, uint8_t filler) {
  for (intptr_t p = 0; p < pixels; p++) {
    for (intptr_t c = 0; c < channels; c++)
      y[p * step + c] = x[c * plane + p] ^ flip;
    for (intptr_t c = channels; c < step; c++)
      y[p * step + c] = filler;
  }
}

void dl_byte_to_planes_u8(uint8_t *y, const uint8_t *x, intptr_t pixels, intptr_t plane,
                          intptr_t channels, intptr_t step, uint8_t flip) {
  for (intptr_t c = 0; c < channels; c++)
    for (intptr_t p = 0; p < pixels; p++)
      y[c * plane + p] = x[p * step + c] ^ flip;
}

void dl_byte_channels_u8(uint8_t *to, intptr_t to_step, const uint8_t *from, intptr_t from_step,
                         intptr_t channels, intptr_t pixels) {
  if (to_step == channels && from_step == channels) {
    memcpy(to, from, (size_t)(channels * pixels));
    return;
  }
  intptr_t p = 0;
  // Four bytes at a time: what is too much, the next pixel writes over.
  if (channels < 4 && to_step == channels && from_step >= 4)
    for (; p + 1 < pixels - (4 - channels) / channels; p++)
      memcpy(to + p * to_step, from + p * from_step, 4);
  for (; p < pixels; p++)
    memcpy(to + p * to_step, from + p * from_step, (size_t)channels);
}
