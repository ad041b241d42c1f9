// Short rows are worked on as columns, DL_TURNED of them at a time. TURN_TILES turns those of over
// 8 elements; bodies for other instruction sets than the plain one define it anew.
#pragma once
#include "../include/movement.h"
#include "lanes.h"

enum { DL_SHORT_ROW = 32, DL_TURNED = 64 };
#define TURN_TILES(to, to_stride, from, from_stride, rows, columns)                                \
  dl_transpose_2d__scalar(to, to_stride, from, from_stride, rows, columns, 4)
